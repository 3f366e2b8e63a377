//! Conditions on fields: what a customer's config says, and whether a record
//! fulfils it.
//!
//! The provider may filter on its side, which saves requests; it is looked at
//! here all the same, so that a condition means one thing wherever it is checked.

use connector::{Filter, FilterValue, Filterable, Object, ValueType};
use manifest::FieldPath;
use serde_json::{Number, Value};

use super::config::ReadFilter;
use super::record::Top;
use super::selection::{Place, Selection};

const EQUAL: &str = ReadFilter::EQUAL;

/// One condition.
#[derive(Debug, Clone)]
pub(crate) struct FieldFilter {
    /// The field of that very name, or at that JSONPath.
    exact: FieldPath,
    /// The field that a plain name with dots leads down to.
    dotted: FieldPath,
    value: FilterValue,
}

impl FieldFilter {
    /// The conditions in `from`, which is at `place` in the config.
    ///
    /// # Errors
    /// Everything that is wrong with them, in sentences.
    pub(super) fn all(place: &str, from: Option<&[ReadFilter]>) -> Result<Vec<Self>, Vec<String>> {
        let mut filters: Vec<Self> = Vec::new();
        let mut causes = Vec::new();
        for (index, filter) in from.unwrap_or_default().iter().enumerate() {
            match Self::one(filter) {
                Ok(filter) if filters.iter().any(|other| other.dotted == filter.dotted) => {
                    causes.push(format!(
                        "`{place}[{index}]`: the field has a condition already; each may have one"
                    ));
                }
                Ok(filter) => filters.push(filter),
                Err(wrong) => causes.push(format!("`{place}[{index}]`: {wrong}")),
            }
        }
        if causes.is_empty() {
            Ok(filters)
        } else {
            Err(causes)
        }
    }

    fn one(filter: &ReadFilter) -> Result<Self, String> {
        let ReadFilter {
            field_name,
            operator,
            value,
        } = filter;
        if field_name.is_empty() {
            return Err("it has no `fieldName`".to_owned());
        }
        let unusable = |error| format!("`{field_name}` is no field name or JSONPath: {error}");
        let exact = FieldPath::parse(field_name).map_err(unusable)?;
        let dotted = FieldPath::parse_dotted(field_name).unwrap_or_else(|_| exact.clone());
        if operator != EQUAL {
            return Err(format!(
                "the operator `{operator}` is not known; `{EQUAL}` is the only one"
            ));
        }
        let value = match value {
            Value::String(text) => FilterValue::Text(text.clone()),
            Value::Bool(truth) => FilterValue::Truth(*truth),
            Value::Number(number) => FilterValue::Number(number.clone()),
            Value::Null => return Err(format!("the field `{field_name}` is given no `value`")),
            Value::Array(_) | Value::Object(_) => {
                return Err(format!(
                    "the `value` for `{field_name}` is neither text, nor true or false, nor a number"
                ));
            }
        };
        Ok(Self {
            exact,
            dotted,
            value,
        })
    }

    /// The conditions of a search: a field goes by the app's name for it or by the
    /// provider's, the app's first, and a value by the app's word for it where it
    /// has one.
    ///
    /// # Errors
    /// Everything that is wrong with them, in sentences.
    pub(crate) fn of_search(
        asked: &[ReadFilter],
        selection: &Selection,
        object: Option<&Object>,
    ) -> Result<Vec<Self>, Vec<String>> {
        let mut filters = Self::all("fieldFilters", Some(asked))?;
        let mut causes = Vec::new();
        for (filter, asked) in filters.iter_mut().zip(asked) {
            let name = asked.field_name.as_str();
            let Some(rule) = selection.rule(name) else {
                continue;
            };
            if let Place::Mapped(_) = rule.place {
                filter.exact.clone_from(&rule.source);
                filter.dotted.clone_from(&rule.source);
            }
            let FilterValue::Text(word) = &filter.value else {
                continue;
            };
            let of_word = rule.values.iter().filter(|(_, app)| *app == word);
            let of_word: Vec<&String> = of_word.map(|(provider, _)| provider).collect();
            match of_word.as_slice() {
                [] => {}
                [provider] => filter.value = typed(provider, &filter.dotted, object),
                _ => causes.push(format!(
                    "`{word}` stands for several values of `{name}`; search for one of the provider's own"
                )),
            }
        }
        if causes.is_empty() {
            Ok(filters)
        } else {
            Err(causes)
        }
    }

    /// The condition as a connector takes it.
    pub(crate) fn to_connector(&self) -> Filter {
        Filter {
            path: self.dotted.segments().map(str::to_owned).collect(),
            value: self.value.clone(),
        }
    }

    /// The name at the top of the record under which the field is.
    pub(super) fn source(&self) -> &str {
        self.dotted.first_segment()
    }

    /// Whether a record fulfils it. A field that is not there, or null, does not.
    pub(super) fn holds(&self, top: &Top<'_>) -> Result<bool, serde_json::Error> {
        let mut found = top.raw(&self.exact)?;
        if found.is_none() && self.dotted != self.exact {
            found = top.raw(&self.dotted)?;
        }
        let Some(found) = found else {
            return Ok(false);
        };
        Ok(match (serde_json::from_str(found.get())?, &self.value) {
            (Value::String(text), FilterValue::Text(wanted)) => text == *wanted,
            (Value::Bool(truth), FilterValue::Truth(wanted)) => truth == *wanted,
            (Value::Number(number), FilterValue::Number(wanted)) => same(&number, wanted),
            (
                Value::Null
                | Value::String(_)
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_),
                FilterValue::Text(_) | FilterValue::Truth(_) | FilterValue::Number(_),
            ) => false,
        })
    }
}

/// A value of a value mapping, where all are texts, as the field's type has it.
fn typed(text: &str, path: &FieldPath, object: Option<&Object>) -> FilterValue {
    let is_it = |known: &&Filterable| known.path.split('.').eq(path.segments());
    let known = object.and_then(|object| object.filterable.iter().find(is_it));
    let value: Option<Value> = serde_json::from_str(text).ok();
    match (known.map(|known| known.value_type), value) {
        (Some(ValueType::Boolean), Some(Value::Bool(truth))) => FilterValue::Truth(truth),
        (Some(ValueType::Int), Some(Value::Number(number))) => FilterValue::Number(number),
        (Some(_) | None, Some(_) | None) => FilterValue::Text(text.to_owned()),
    }
}

/// Whether two numbers are the same, however they are written.
fn same(one: &Number, other: &Number) -> bool {
    match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => one == other,
        (None, Some(_)) | (Some(_), None) | (None, None) => {
            one.as_f64().is_some() && one.as_f64() == other.as_f64()
        }
    }
}
