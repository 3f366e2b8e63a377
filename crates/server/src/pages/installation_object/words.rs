//! Value mappings as rows of a form: a field, a value of the provider, and the app's
//! word for it. Empty rows are for more, and count for nothing; words that the app
//! offers to the customer have a row until they stand for something.

use std::collections::BTreeMap;

use askama::Template;
use engine::ReadObjectConfig;
use manifest::{FieldPath, ReadObject};
use serde_json::Value;

use crate::pages::form::Form;

/// Rows for more.
const EMPTY: usize = 2;

/// {field of the provider: {word of the app: value of the provider}}.
type Words = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Debug, Template)]
#[template(path = "word_rows.html")]
pub(super) struct Rows {
    /// The provider's name, for people.
    provider: &'static str,
    /// Those that are not empty.
    rows: Vec<Row>,
}

#[derive(Debug, Default, Clone)]
struct Row {
    field: String,
    value: String,
    word: String,
    error: Option<String>,
}

/// The words that the app offers for fields which are mapped, with the fields.
fn offered(choice: &ReadObjectConfig) -> Vec<(String, String)> {
    let mapped = choice.selected_field_mappings.as_ref();
    let mut offered = Vec::new();
    for mapping in choice.dynamic_mappings_input.iter().flatten() {
        let fixed = mapping.field_name.as_ref().filter(|name| !name.is_empty());
        let chosen = mapped.and_then(|mapped| mapped.get(&mapping.map_to_name));
        let Some(field) = fixed.or(chosen) else {
            continue;
        };
        let words = mapping.rest.get("mappedValues").and_then(Value::as_array);
        for word in words.into_iter().flatten() {
            if let Some(word) = word.get("mappedValue").and_then(Value::as_str) {
                offered.push((field.clone(), word.to_owned()));
            }
        }
    }
    offered
}

impl Row {
    fn is_blank(&self) -> bool {
        let all = [&self.field, &self.value, &self.word];
        all.into_iter().all(|text| text.trim().is_empty())
    }

    /// What is to be mended, in a sentence, if anything is.
    fn wrong(&self, provider: &str, may_have_words: impl Fn(&str) -> bool) -> Option<String> {
        let field = &self.field;
        if field.is_empty() {
            return Some("Name the field whose value this is.".to_owned());
        }
        if let Err(error) = FieldPath::parse(field) {
            return Some(format!("`{field}` is no field name or JSONPath: {error}."));
        }
        if !may_have_words(field) {
            return Some(format!(
                "`{field}` is not sent: tick it below or map it, then its values can have words."
            ));
        }
        if self.value.is_empty() {
            return Some(format!("Say which value {provider} has."));
        }
        self.word
            .is_empty()
            .then(|| "Say which word your app has for it.".to_owned())
    }
}

impl Rows {
    /// Those of a config.
    pub(super) fn of_config(choice: &ReadObjectConfig, provider: &'static str) -> Self {
        let known = choice.selected_value_mappings.iter().flatten();
        let known = known.flat_map(|(field, words)| words.iter().map(move |word| (field, word)));
        let mut rows: Vec<Row> = known
            .map(|(field, (word, value))| Row {
                field: field.clone(),
                value: value.clone(),
                word: word.clone(),
                error: None,
            })
            .collect();
        for (field, word) in offered(choice) {
            if !rows
                .iter()
                .any(|row| row.field == field && row.word == word)
            {
                rows.push(Row {
                    field,
                    word,
                    ..Row::default()
                });
            }
        }
        Self { provider, rows }
    }

    /// Those of a form; `None` where it says nothing of them.
    pub(super) fn of_form(form: &Form, provider: &'static str) -> Option<Self> {
        let column = |name| -> Vec<String> { form.every(name).map(str::to_owned).collect() };
        let fields = column("word-field");
        if fields.is_empty() {
            return None;
        }
        let [values, words] = ["word-value", "word-word"].map(column);
        let at = |column: &[String], i: usize| column.get(i).cloned().unwrap_or_default();
        let rows = fields.iter().enumerate().map(|(i, field)| Row {
            field: field.trim().to_owned(),
            value: at(&values, i),
            word: at(&words, i),
            error: None,
        });
        Some(Self {
            provider,
            rows: rows.filter(|row| !row.is_blank()).collect(),
        })
    }

    /// What the rows say; those that are wrong say why from then on. What was there
    /// `before` is right as it is. `choice` has what else the form says, and
    /// `is_written` is whether the object is written, too: then every field may
    /// have words.
    pub(super) fn read(
        &mut self,
        before: Option<&Words>,
        (object, choice): (&ReadObject, &ReadObjectConfig),
        is_written: bool,
    ) -> Option<Words> {
        let offered = offered(choice);
        let may_have_words = |field: &str| is_written || engine::sends(object, choice, field);
        let empty = Words::new();
        let before_all = before.unwrap_or(&empty);
        let mut read = Words::new();
        for row in &mut self.rows {
            let was = before_all.get(&row.field);
            let is_same = was.and_then(|words| words.get(&row.word)) == Some(&row.value);
            let is_open =
                row.value.is_empty() && offered.contains(&(row.field.clone(), row.word.clone()));
            if is_open && !is_same {
                continue;
            }
            let wrong = row.wrong(self.provider, may_have_words);
            row.error = wrong.filter(|_| !is_same);
            if row.error.is_some() {
                continue;
            }
            let words = read.entry(row.field.clone()).or_default();
            if words.insert(row.word.clone(), row.value.clone()).is_some() {
                row.error = Some(format!("`{}` stands for another value already.", row.word));
            }
        }
        // A field without any words has no row.
        for (field, _) in before_all.iter().filter(|(_, words)| words.is_empty()) {
            read.entry(field.clone()).or_default();
        }
        (before == Some(&empty) || !read.is_empty()).then_some(read)
    }

    /// How many there are that stand for something.
    pub(super) fn len(&self) -> usize {
        self.rows.iter().filter(|row| !row.value.is_empty()).count()
    }

    /// Whether there is anything to look at.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many of them are wrong.
    pub(super) fn wrong(&self) -> usize {
        self.rows.iter().filter(|row| row.error.is_some()).count()
    }

    /// All that are shown: empty ones come last.
    fn shown(&self) -> Vec<Row> {
        let empty = (0..EMPTY).map(|_| Row::default());
        self.rows.iter().cloned().chain(empty).collect()
    }
}
