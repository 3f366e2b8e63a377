//! Conditions in Bitbucket's query language, for `q`.
//!
//! What always holds: nothing that a customer chose can be read as anything but
//! one value. Bitbucket describes a string as "any text inside double quotes" and
//! says nothing of escapes, so a text with a quote, a backslash or a control
//! character is not sent at all. Nor is what Bitbucket does not filter by, or
//! what would make the address too long. Whatever is left out here is looked at
//! by whoever takes the records.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering>

use std::collections::BTreeMap;

use connector::{Filter, FilterValue, Filterable, ValueType};

/// The longest query made of conditions, before it is encoded.
const MOST_BYTES: usize = 500;

/// The conditions that Bitbucket can check, joined; `None` when there are none.
pub(super) fn conditions(filters: &[Filter], filterable: &[Filterable]) -> Option<String> {
    let mut query = String::new();
    for condition in filters.iter().filter_map(|one| condition(one, filterable)) {
        let joint = if query.is_empty() { "" } else { " AND " };
        if query.len() + joint.len() + condition.len() <= MOST_BYTES {
            query.push_str(joint);
            query.push_str(&condition);
        }
    }
    (!query.is_empty()).then_some(query)
}

/// All of the conditions, joined.
///
/// # Errors
/// By the dotted path of a field, why Bitbucket cannot check its condition.
pub(super) fn exactly(
    filters: &[Filter],
    filterable: &[Filterable],
) -> Result<String, BTreeMap<String, Vec<String>>> {
    let mut conditions = Vec::with_capacity(filters.len());
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for filter in filters {
        match checked(filter, filterable) {
            Ok(condition) => conditions.push(condition),
            Err(why) => wrong.entry(filter.path.join(".")).or_default().push(why),
        }
    }
    let query = conditions.join(" AND ");
    if query.len() > MOST_BYTES {
        let why = format!("all conditions together are longer than {MOST_BYTES} bytes");
        wrong
            .entry("fieldFilters".to_owned())
            .or_default()
            .push(why);
    }
    if wrong.is_empty() {
        Ok(query)
    } else {
        Err(wrong)
    }
}

fn condition(filter: &Filter, filterable: &[Filterable]) -> Option<String> {
    checked(filter, filterable).ok()
}

/// One condition as Bitbucket can check it, or why it cannot.
fn checked(filter: &Filter, filterable: &[Filterable]) -> Result<String, String> {
    let is_it = |known: &&Filterable| {
        let names = known.path.split('.');
        names.eq(filter.path.iter().map(String::as_str))
    };
    let Some(known) = filterable.iter().find(is_it) else {
        let names: Vec<&str> = filterable.iter().map(|known| known.path).collect();
        return Err(format!(
            "Bitbucket cannot search by it; it can by {}",
            names.join(", ")
        ));
    };
    let literal = match (&filter.value, known.value_type) {
        (FilterValue::Text(text), ValueType::String) => quoted(text).ok_or(
            "a text with a double quote, a backslash or a control character cannot be searched for",
        )?,
        (FilterValue::Truth(truth), ValueType::Boolean) => truth.to_string(),
        (FilterValue::Number(number), ValueType::Int) => number
            .as_i64()
            .ok_or("it is compared with a whole number")?
            .to_string(),
        (FilterValue::Text(_) | FilterValue::Truth(_) | FilterValue::Number(_), expected) => {
            let with = match expected {
                ValueType::Boolean => "true or false",
                ValueType::Int => "a whole number",
                ValueType::String
                | ValueType::SingleSelect
                | ValueType::MultiSelect
                | ValueType::Date
                | ValueType::DateTime
                | ValueType::Float
                | ValueType::Reference
                | ValueType::Other => "a text",
            };
            return Err(format!("it is compared with {with}"));
        }
    };
    Ok(format!("{} = {literal}", known.path))
}

/// The text between quotes, if it can be sent.
fn quoted(text: &str) -> Option<String> {
    let plain = |c: char| !matches!(c, '"' | '\\') && !c.is_control();
    text.chars().all(plain).then(|| format!("\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTERABLE: &[Filterable] = &[
        Filterable {
            path: "name",
            value_type: ValueType::String,
        },
        Filterable {
            path: "project.key",
            value_type: ValueType::String,
        },
        Filterable {
            path: "is_private",
            value_type: ValueType::Boolean,
        },
        Filterable {
            path: "size",
            value_type: ValueType::Int,
        },
    ];

    fn filter(path: &str, value: FilterValue) -> Filter {
        Filter {
            path: path.split('.').map(str::to_owned).collect(),
            value,
        }
    }

    fn text(path: &str, value: &str) -> Filter {
        filter(path, FilterValue::Text(value.to_owned()))
    }

    #[test]
    fn what_bitbucket_can_check_is_joined() {
        let filters = [
            text("name", "x y"),
            text("project.key", "CORE"),
            filter("is_private", FilterValue::Truth(true)),
            filter("size", FilterValue::Number(7.into())),
        ];
        assert_eq!(
            conditions(&filters, FILTERABLE).as_deref(),
            Some(r#"name = "x y" AND project.key = "CORE" AND is_private = true AND size = 7"#)
        );
    }

    #[test]
    fn what_it_cannot_check_is_left_out() {
        for filters in [
            vec![],
            vec![text("unknown", "x")],
            vec![text("project", "CORE")],
            vec![text("is_private", "true")],
            vec![text("size", "7")],
            vec![filter("name", FilterValue::Truth(true))],
            vec![filter(
                "size",
                FilterValue::Number(serde_json::Number::from_f64(1.5).unwrap()),
            )],
            // A name with a dot in it is no path.
            vec![Filter {
                path: vec!["project.key".to_owned()],
                value: FilterValue::Text("CORE".to_owned()),
            }],
        ] {
            assert_eq!(conditions(&filters, FILTERABLE), None, "{filters:?}");
        }
        let filters = [text("unknown", "x"), text("name", "y")];
        assert_eq!(
            conditions(&filters, FILTERABLE).as_deref(),
            Some(r#"name = "y""#)
        );
    }

    #[test]
    fn no_text_gets_out_of_its_quotes() {
        for hostile in [
            r#"" OR name != ""#,
            r"\",
            r#"\" OR name != ""#,
            "a\\",
            "line\nbreak",
            "nul\0",
        ] {
            assert_eq!(
                conditions(&[text("name", hostile)], FILTERABLE),
                None,
                "{hostile:?}"
            );
        }
        // Whatever is sent has the two quotes around it and no other.
        for harmless in ["", "it's", "%22 OR 1", "ä✓", "a) OR (b"] {
            let query = conditions(&[text("name", harmless)], FILTERABLE).unwrap();
            assert_eq!(query, format!("name = \"{harmless}\""));
            assert_eq!(query.matches('"').count(), 2);
        }
    }

    #[test]
    fn addresses_stay_short() {
        let long = "x".repeat(2 * MOST_BYTES);
        assert_eq!(conditions(&[text("name", &long)], FILTERABLE), None);
        let filters = [text("name", &long), text("project.key", "CORE")];
        assert_eq!(
            conditions(&filters, FILTERABLE).as_deref(),
            Some(r#"project.key = "CORE""#)
        );
    }
}
