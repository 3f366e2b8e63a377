//! The members of a JSON object one after the other, their values as they stand.
//!
//! For text that a parser has already found to be JSON: nothing is checked again
//! and nothing is allocated, so that looking for two names in each record of a
//! page costs less than parsing the page did.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use serde_json::value::RawValue;

/// The members of an object, in their order. Of two with one name both come.
#[derive(Debug, Clone)]
pub struct Members<'a> {
    /// From the next name on, or what ends the object.
    rest: &'a str,
}

/// The members of a value that is an object; `None` of any other.
#[must_use]
pub fn members(value: &RawValue) -> Option<Members<'_>> {
    members_of(value.get())
}

/// The same of a value that [`Members`] gave.
#[must_use]
pub fn members_of(value: &str) -> Option<Members<'_>> {
    let rest = value.trim_start().strip_prefix('{')?;
    Some(Members { rest })
}

/// The value of that name; of two, the last, as parsers have it.
#[must_use]
pub fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let named = members_of(object)?.filter(|(found, _)| found == name);
    named.last().map(|(_, value)| value)
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.trim_start().strip_prefix('"')?;
        let ends = string_ends(rest.as_bytes())?;
        let name = rest.get(..ends)?;
        let rest = rest.get(ends + 1..)?.trim_start();
        let rest = rest.strip_prefix(':')?.trim_start();
        let value = rest.get(..length(rest.as_bytes())?)?;
        let rest = rest.get(value.len()..)?.trim_start();
        self.rest = rest.strip_prefix(',').unwrap_or_default();
        let name = match memchr(b'\\', name.as_bytes()) {
            None => Cow::Borrowed(name),
            Some(_) => Cow::Owned(serde_json::from_str(&format!("\"{name}\"")).ok()?),
        };
        Some((name, value))
    }
}

/// The length of the value that begins here.
fn length(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => Some(string_ends(bytes.get(1..)?)? + 2),
        b'{' | b'[' => container_ends(bytes),
        _ => {
            let mut rest = bytes.iter();
            let ends =
                |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
            Some(rest.position(ends).unwrap_or(bytes.len()))
        }
    }
}

/// Where the quotation mark is that ends the text before which we are.
fn string_ends(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// The length of the object or list that begins here.
fn container_ends(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => at += string_ends(bytes.get(at + 1..)?)? + 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Compares with what a parser makes of the same text.
    fn check(text: &str) {
        let parsed: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
        let value: &RawValue = serde_json::from_str(text).unwrap();
        let found: BTreeMap<String, &str> = members(value)
            .unwrap()
            .map(|(name, value)| (name.into_owned(), value))
            .collect();
        let parsed: BTreeMap<String, &str> = parsed
            .into_iter()
            .map(|(name, value)| (name, value.get()))
            .collect();
        assert_eq!(found, parsed, "{text}");
        for (name, value) in parsed {
            assert_eq!(member(text, &name), Some(value), "{name} of {text}");
        }
    }

    #[test]
    fn as_a_parser_has_them() {
        for text in [
            "{}",
            " { } ",
            r#"{"a":1}"#,
            r#"{"a":1,"b":"x","c":null,"d":true,"e":-1.5e+3,"f":[],"g":{}}"#,
            "{\n\t\"a\" : 1 ,\r\n \"b\" : [ 1 , 2 ] , \"c\" : { \"d\" : \"}\" } }",
            r#"{"quote \" in a name":"and \" in a value","back\\slash":"\\","both":"\\\""}"#,
            r#"{"caf\u00e9":"\u00e9","é":"ü","":"empty"}"#,
            r#"{"deep":[[{"a":"]}"},["{[\"",{}]],[]],"after":0}"#,
            r#"{"twice":1,"twice":2}"#,
        ] {
            check(text);
        }
    }

    #[test]
    fn only_objects_have_members() {
        for text in ["[1]", "1", "null", "\"{}\""] {
            assert!(members(serde_json::from_str(text).unwrap()).is_none());
        }
        assert_eq!(member(r#"{"a":1}"#, "b"), None);
    }

    #[test]
    fn what_is_no_json_ends_and_never_panics() {
        for text in [
            "{",
            "{\"",
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":\"",
            "{\"a\":[",
            "{\"a\":\"\\",
            "{a:1}",
            "{,}",
        ] {
            assert_eq!(members_of(text).unwrap().count(), 0, "{text}");
        }
    }
}
