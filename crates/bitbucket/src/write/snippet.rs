//! The body of a snippet: JSON without files; with them several parts, of which the
//! first is the JSON and lists the files that the others hold. A file that is
//! listed and has no part is deleted.
//!
//! A record's `files` are by name: text, or `{"base64": "…"}`, or null to delete one.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use connector::{Body, Failure, Part};
use serde_json::{Map, Value, json};

use super::invalid;

const FILES: &str = "files";
/// The longest line of base64 within a part.
const LINE: usize = 76;

/// What is to become of a file.
enum File<'a> {
    Text(&'a str),
    Bytes(Vec<u8>),
    Deleted,
}

/// Whether the record can be sent.
///
/// # Errors
/// [`Failure::Invalid`] naming the file that cannot.
pub(super) fn check(record: &Map<String, Value>, creates: bool) -> Result<(), Failure> {
    for (name, file) in files(record)? {
        if creates && matches!(file, File::Deleted) {
            return Err(unusable(name, "a new snippet has no file to delete"));
        }
    }
    Ok(())
}

fn files(record: &Map<String, Value>) -> Result<Vec<(&str, File<'_>)>, Failure> {
    let listed = match record.get(FILES) {
        None => return Ok(Vec::new()),
        Some(Value::Object(files)) => files,
        Some(_) => {
            return Err(invalid(
                "a snippet's files are an object of contents by name",
                Some((FILES, "is not an object")),
            ));
        }
    };
    let mut files = Vec::with_capacity(listed.len());
    for (name, content) in listed {
        files.push((name.as_str(), file(name, content)?));
    }
    Ok(files)
}

fn file<'a>(name: &str, content: &'a Value) -> Result<File<'a>, Failure> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(unusable(name, "it is no name of a file"));
    }
    match content {
        Value::String(text) => Ok(File::Text(text)),
        Value::Null => Ok(File::Deleted),
        Value::Object(object) => {
            let encoded = object.get("base64").and_then(Value::as_str);
            let encoded: String = encoded
                .ok_or_else(|| unusable(name, "it is neither text, nor {\"base64\": …}, nor null"))?
                .chars()
                .filter(|c| !c.is_ascii_whitespace())
                .collect();
            let decoded = BASE64_STANDARD.decode(encoded);
            decoded
                .map(File::Bytes)
                .map_err(|_| unusable(name, "its base64 cannot be decoded"))
        }
        _ => Err(unusable(
            name,
            "it is neither text, nor {\"base64\": …}, nor null",
        )),
    }
}

fn unusable(name: &str, why: &str) -> Failure {
    invalid(
        &format!("the file {name:?} of a snippet cannot be sent: {why}"),
        Some((FILES, why)),
    )
}

/// The body of a creation or a change.
pub(super) fn body(record: &Map<String, Value>, creates: bool) -> Result<Body, Failure> {
    let files = files(record)?;
    let mut document = record.clone();
    if creates {
        document.entry("scm").or_insert_with(|| json!("git"));
    }
    if files.is_empty() {
        document.remove(FILES);
        return Ok(Body::Json(Value::Object(document)));
    }
    let listed = files
        .iter()
        .map(|(name, _)| ((*name).to_owned(), json!({})));
    document.insert(FILES.to_owned(), Value::Object(listed.collect()));
    let first = Part {
        headers: vec![
            (
                "Content-Type",
                "application/json; charset=\"utf-8\"".to_owned(),
            ),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-ID", "snippet".to_owned()),
        ],
        content: Value::Object(document).to_string().into_bytes(),
    };
    let parts = files
        .into_iter()
        .filter_map(|(name, file)| part(name, file));
    Ok(Body::Multipart(
        std::iter::once(first).chain(parts).collect(),
    ))
}

/// Plain text goes as it is; everything else in base64, as Bitbucket's own examples
/// have it, so that nothing on the way takes bytes for line ends.
fn part(name: &str, file: File<'_>) -> Option<Part> {
    let (media_type, plain, content) = match file {
        File::Deleted => return None,
        File::Text(text) if text.is_ascii() && !text.contains('\r') => (
            "text/plain; charset=\"us-ascii\"",
            true,
            text.as_bytes().to_vec(),
        ),
        File::Text(text) => (
            "text/plain; charset=\"utf-8\"",
            false,
            lines(text.as_bytes()),
        ),
        File::Bytes(bytes) => ("application/octet-stream", false, lines(&bytes)),
    };
    let quoted = format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    let encoding = if plain { "7bit" } else { "base64" };
    Some(Part {
        headers: vec![
            ("Content-Type", media_type.to_owned()),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-Transfer-Encoding", encoding.to_owned()),
            ("Content-ID", quoted.clone()),
            (
                "Content-Disposition",
                format!("attachment; filename={quoted}"),
            ),
        ],
        content,
    })
}

/// Base64 in lines.
fn lines(bytes: &[u8]) -> Vec<u8> {
    let encoded = BASE64_STANDARD.encode(bytes);
    encoded
        .as_bytes()
        .chunks(LINE)
        .collect::<Vec<_>>()
        .join(&b"\r\n"[..])
}
