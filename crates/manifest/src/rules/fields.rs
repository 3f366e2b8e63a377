//! The fields of a read object.

use std::collections::HashMap;

use connector::Object;

use crate::Rule;
use crate::explain::{Findings, did_you_mean};
use crate::jsonpath::{FieldPath, FieldPathError};
use crate::tree::At;

/// Required and optional fields.
pub(super) fn all<'a>(object: &At<'a>) -> Vec<At<'a>> {
    let mut fields = object.items_of("requiredFields");
    fields.extend(object.items_of("optionalFields"));
    fields
}

/// Whether the object has any field, or takes all.
pub(super) fn has_any(object: &At<'_>) -> bool {
    !all(object).is_empty() || object.get("optionalFieldsAuto").is_some()
}

/// Every rule about fields; `row` is what the provider says of the object.
pub(super) fn check(object: &At<'_>, row: Option<&Object>, findings: &mut Findings) {
    if let Some(auto) = object.get("optionalFieldsAuto")
        && let Some(text) = auto.text().filter(|text| *text != "all")
    {
        let message = format!("`optionalFieldsAuto` is `{text}`, but can only be `all`");
        let remedy = "Write `all`, or remove it";
        findings.add(Rule::OptionalFieldsAuto, &auto, message, remedy);
    }
    if !has_any(object) {
        findings.add(
            Rule::NoField,
            object,
            "the read object has no field, so its records will have none",
            "Add `requiredFields` or `optionalFields`, or `optionalFieldsAuto: all`",
        );
    }
    let mut names = HashMap::new();
    for field in all(object) {
        if !field.is_map() {
            continue;
        }
        if field.lacks("fieldName") && field.lacks("mapToName") {
            findings.add(
                Rule::FieldName,
                &field,
                "the field has neither `fieldName` nor `mapToName`",
                "Name the provider's field, or the name that the customer maps one to",
            );
        }
        for key in ["fieldName", "default"] {
            if let Some(at) = field.get(key) {
                check_path(&at, row, findings);
            }
        }
        let Some(mapped) = field.get("mapToName") else {
            continue;
        };
        let Some(name) = mapped.text().filter(|name| !name.is_empty()) else {
            continue;
        };
        if let Some(first) = names.insert(name, mapped.at.line) {
            let message = format!("the field in line {first} is mapped to `{name}` already");
            findings.add(
                Rule::RepeatedName,
                &mapped,
                message,
                "Map one of them to another name",
            );
        }
    }
}

fn check_path(at: &At<'_>, row: Option<&Object>, findings: &mut Findings) {
    let Some(text) = at.text() else { return };
    let path = match FieldPath::parse(text) {
        Ok(path) => path,
        // An empty name is a missing one.
        Err(FieldPathError::Empty) => return,
        Err(error) => {
            let message = format!("`{text}` is no path to a field: {error}");
            let remedy = in_brackets(text).map_or_else(
                || {
                    "Write a name of the record's top level, or a path such as $['owner']['uuid']"
                        .to_owned()
                },
                |path| format!("Write {path}"),
            );
            findings.add(Rule::JsonPath, at, message, remedy);
            return;
        }
    };
    let Some(row) = row.filter(|row| !row.fields.is_empty()) else {
        return;
    };
    let names = || row.fields.iter().map(|field| field.name);
    let first = path.first_segment();
    if !names().any(|name| name == first) {
        let message = format!("`{first}` is not a known field of `{}`", row.name);
        let otherwise = "Check the name: if the provider does not send it, it stays empty";
        findings.add(
            Rule::UnknownField,
            at,
            message,
            did_you_mean(first, names(), otherwise),
        );
    }
}

/// `$.owner.uuid` as it has to be written.
fn in_brackets(path: &str) -> Option<String> {
    let names: Vec<&str> = path.strip_prefix("$.")?.split('.').collect();
    let is_plain = |name: &&str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    names.iter().all(is_plain).then(|| {
        let names = names.iter().map(|name| format!("['{name}']"));
        format!("${}", names.collect::<String>())
    })
}
