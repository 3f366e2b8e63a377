//! Conditions on records as rows of a form: a field, what it must be, and as what
//! that is meant. Empty rows are for more, and count for nothing.

use askama::Template;
use connector::{Object, ValueType};
use engine::ReadFilter;
use manifest::FieldPath;
use serde_json::{Number, Value};

use crate::pages::form::Form;

/// Rows for more.
const EMPTY: usize = 2;

/// The conditions of one list.
#[derive(Debug, Template)]
#[template(path = "filter_rows.html")]
pub(super) struct Rows {
    /// What the names of the form's fields begin with.
    name: &'static str,
    /// Those that are not empty.
    rows: Vec<Row>,
}

#[derive(Debug, Default, Clone)]
struct Row {
    field: String,
    operator: String,
    kind: Kind,
    value: String,
    error: Option<String>,
}

/// As what a value is meant.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As the provider's field is, by our table of fields; else text.
    #[default]
    AsField,
    Text,
    Number,
    Truth,
}

impl Kind {
    const ALL: [Self; 4] = [Self::AsField, Self::Text, Self::Number, Self::Truth];

    fn as_str(self) -> &'static str {
        match self {
            Self::AsField => "",
            Self::Text => "text",
            Self::Number => "number",
            Self::Truth => "truth",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::AsField => "as the field is",
            Self::Text => "text",
            Self::Number => "number",
            Self::Truth => "true or false",
        }
    }

    fn of(word: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == word).unwrap_or_default()
    }
}

/// The fields by which an object may be filtered, those first that the provider
/// filters by itself. What has fields of its own is equal to nothing.
pub(super) fn offered(object: Option<&Object>) -> Vec<&'static str> {
    let Some(object) = object else {
        return Vec::new();
    };
    let mut names: Vec<&str> = object.filterable.iter().map(|known| known.path).collect();
    for field in object.fields {
        if kind_of(field.value_type).is_some() && !names.contains(&field.name) {
            names.push(field.name);
        }
    }
    names
}

/// As what values of a type are compared; `None` where none is ever equal.
fn kind_of(value_type: ValueType) -> Option<Kind> {
    match value_type {
        ValueType::Boolean => Some(Kind::Truth),
        ValueType::Int | ValueType::Float => Some(Kind::Number),
        ValueType::String
        | ValueType::SingleSelect
        | ValueType::Date
        | ValueType::DateTime
        | ValueType::Reference => Some(Kind::Text),
        ValueType::MultiSelect | ValueType::Other => None,
    }
}

/// The same for a field by its name; what nobody knows is taken for text.
fn known(object: Option<&Object>, field: &str) -> Option<Kind> {
    let (Some(object), Ok(path)) = (object, FieldPath::parse_dotted(field)) else {
        return Some(Kind::Text);
    };
    let mut filterable = object.filterable.iter();
    if let Some(known) = filterable.find(|known| known.path.split('.').eq(path.segments())) {
        return kind_of(known.value_type);
    }
    let top = path.top_level();
    let mut fields = object.fields.iter();
    let found = fields.find(|field| Some(field.name) == top);
    found.map_or(Some(Kind::Text), |field| kind_of(field.value_type))
}

impl Row {
    fn of(filter: &ReadFilter, object: Option<&Object>) -> Self {
        let (kind, value) = match &filter.value {
            Value::String(text) => (Kind::Text, text.clone()),
            Value::Number(number) => (Kind::Number, number.to_string()),
            Value::Bool(truth) => (Kind::Truth, truth.to_string()),
            Value::Null => (Kind::AsField, String::new()),
            other @ (Value::Array(_) | Value::Object(_)) => (Kind::AsField, other.to_string()),
        };
        let is_usual = !value.is_empty() && known(object, &filter.field_name) == Some(kind);
        Self {
            field: filter.field_name.clone(),
            operator: filter.operator.clone(),
            kind: if is_usual { Kind::AsField } else { kind },
            value,
            error: None,
        }
    }

    fn is_blank(&self) -> bool {
        self.field.is_empty() && self.value.trim().is_empty()
    }

    /// What the row says.
    ///
    /// # Errors
    /// What is to be mended, in a sentence.
    fn filter(&self, object: Option<&Object>) -> Result<ReadFilter, String> {
        let field = &self.field;
        if field.is_empty() {
            return Err("Name the field that has to have this value.".to_owned());
        }
        let kind = match self.kind {
            Kind::AsField => known(object, field).ok_or_else(|| {
                format!(
                    "`{field}` is no single value. Name one within it, with a dot between them."
                )
            })?,
            said @ (Kind::Text | Kind::Number | Kind::Truth) => said,
        };
        let value = match kind {
            Kind::Truth => match self.value.trim() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => {
                    return Err(format!(
                        "`{field}` is compared as true or false: write one."
                    ));
                }
            },
            Kind::Number => {
                let number: Result<Number, _> = serde_json::from_str(self.value.trim());
                let wrong =
                    |_| format!("`{field}` is compared as a number: write one, such as 12.");
                Value::Number(number.map_err(wrong)?)
            }
            Kind::AsField | Kind::Text => {
                if self.value.is_empty() && self.kind == Kind::AsField {
                    return Err(format!(
                        "Say what `{field}` must be; for an empty text choose “text”."
                    ));
                }
                Value::String(self.value.clone())
            }
        };
        Ok(ReadFilter {
            field_name: field.clone(),
            operator: self.operator.clone(),
            value,
        })
    }
}

impl Rows {
    /// Those of a config.
    pub(super) fn of_config(
        name: &'static str,
        filters: Option<&[ReadFilter]>,
        object: Option<&Object>,
    ) -> Self {
        let rows = filters.unwrap_or_default().iter();
        Self {
            name,
            rows: rows.map(|filter| Row::of(filter, object)).collect(),
        }
    }

    /// Those of a form; `None` where it says nothing of them.
    pub(super) fn of_form(name: &'static str, form: &Form) -> Option<Self> {
        let column = |part: &str| -> Vec<String> {
            let name = format!("{name}-{part}");
            form.every(&name).map(str::to_owned).collect()
        };
        let fields = column("field");
        if fields.is_empty() {
            return None;
        }
        let [operators, kinds, values] = ["operator", "type", "value"].map(column);
        let at = |column: &[String], i: usize| column.get(i).cloned().unwrap_or_default();
        let rows = fields.iter().enumerate().map(|(i, field)| Row {
            field: field.trim().to_owned(),
            operator: Some(at(&operators, i))
                .filter(|operator| !operator.is_empty())
                .unwrap_or_else(|| ReadFilter::EQUAL.to_owned()),
            kind: Kind::of(&at(&kinds, i)),
            value: at(&values, i),
            error: None,
        });
        Some(Self {
            name,
            rows: rows.filter(|row| !row.is_blank()).collect(),
        })
    }

    /// What the rows say; those that are wrong say why from then on. What was there
    /// `before` is right as it is.
    pub(super) fn read(
        &mut self,
        before: Option<&[ReadFilter]>,
        object: Option<&Object>,
    ) -> Vec<ReadFilter> {
        let before = before.unwrap_or_default();
        let mut read = Vec::new();
        for row in &mut self.rows {
            let is_same = |filter: &&ReadFilter| {
                let other = Row::of(filter, object);
                (&other.field, &other.operator, other.kind, &other.value)
                    == (&row.field, &row.operator, row.kind, &row.value)
            };
            if let Some(same) = before.iter().find(is_same) {
                read.push(same.clone());
                continue;
            }
            match row.filter(object) {
                Ok(filter) => read.push(filter),
                Err(wrong) => row.error = Some(wrong),
            }
        }
        read
    }

    /// Puts what is wrong with the one at `index` beside it; whether there is one.
    pub(super) fn place(&mut self, index: usize, wrong: &str) -> bool {
        let row = self.rows.get_mut(index);
        row.is_some_and(|row| {
            row.error = Some(format!("Not taken: {wrong}."));
            true
        })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many of them are wrong.
    pub(super) fn wrong(&self) -> usize {
        self.rows.iter().filter(|row| row.error.is_some()).count()
    }

    /// All that are shown: empty ones come last.
    fn shown(&self) -> Vec<Row> {
        let empty = (0..EMPTY).map(|_| Row {
            operator: ReadFilter::EQUAL.to_owned(),
            ..Row::default()
        });
        self.rows.iter().cloned().chain(empty).collect()
    }
}
