//! Bodies of several parts: `multipart/form-data` (RFC 7578) and `multipart/related`
//! (RFC 2387), strictly: lines end in CR LF, and the closing boundary has to be there.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One part, with the names of its headers in lower case.
#[derive(Debug, Default)]
pub(super) struct Part {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Part {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The form field's name.
    pub(super) fn name(&self) -> Option<String> {
        parameter(self.header("content-disposition")?, "name")
    }

    pub(super) fn file_name(&self) -> Option<String> {
        let disposition = self.header("content-disposition")?;
        parameter(disposition, "filename").or_else(|| {
            let encoded = parameter(disposition, "filename*")?;
            let (_, text) = encoded.split_once("''")?;
            String::from_utf8(percent_decoded(text)).ok()
        })
    }

    /// Without quotes and angle brackets, both of which are found in the wild.
    pub(super) fn content_id(&self) -> Option<&str> {
        let text = self.header("content-id")?.trim();
        Some(text.trim_matches(['"', '<', '>']))
    }

    /// The content without its transfer encoding; `None` when that cannot be undone.
    pub(super) fn decoded(self) -> Option<Vec<u8>> {
        let encoding = self.header("content-transfer-encoding").unwrap_or("binary");
        match encoding.trim().to_ascii_lowercase().as_str() {
            "7bit" | "8bit" | "binary" => Some(self.body),
            "base64" => {
                let plain = self.body.iter().filter(|byte| !byte.is_ascii_whitespace());
                STANDARD.decode(plain.copied().collect::<Vec<u8>>()).ok()
            }
            _ => None,
        }
    }

    pub(super) fn text(self) -> Option<String> {
        String::from_utf8(self.decoded()?).ok()
    }
}

/// The parts of a body whose `Content-Type` names the boundary; `None` when it is malformed.
pub(super) fn parts(content_type: &str, body: &[u8]) -> Option<Vec<Part>> {
    let boundary = parameter(content_type, "boundary").filter(|text| !text.is_empty())?;
    let delimiter = format!("\r\n--{boundary}");
    // The first boundary has no line before it.
    let opened = [b"\r\n", body].concat();
    let mut rest = after(&opened, delimiter.as_bytes())?;
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        rest = after(rest, b"\r\n")?;
        let end = position(rest, delimiter.as_bytes())?;
        parts.push(part(rest.get(..end)?)?);
        rest = rest.get(end + delimiter.len()..)?;
    }
    Some(parts)
}

fn part(text: &[u8]) -> Option<Part> {
    // No header at all: the empty line comes first.
    if let Some(body) = text.strip_prefix(b"\r\n") {
        return Some(Part {
            headers: Vec::new(),
            body: body.to_vec(),
        });
    }
    let end = position(text, b"\r\n\r\n")?;
    let head = std::str::from_utf8(text.get(..end)?).ok()?;
    let mut headers = Vec::new();
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':')?;
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    Some(Part {
        headers,
        body: text.get(end + 4..)?.to_vec(),
    })
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}

fn after<'a>(text: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    text.get(position(text, wanted)? + wanted.len()..)
}

/// A parameter of a header: `form-data; name="file"`.
pub(super) fn parameter(header: &str, name: &str) -> Option<String> {
    let (_, mut rest) = header.split_once(';')?;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, left) = value(after.trim_start());
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        (_, rest) = left.split_once(';')?;
    }
}

/// A token or a quoted string, and what comes after it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let (token, rest) = text.split_at(end);
        return (token.trim().to_owned(), rest);
    };
    let mut plain = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => plain.extend(letters.next()),
            other => plain.push(other),
        }
    }
    (plain, letters.as_str())
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_their_bytes_and_a_missing_end_is_an_error() {
        let whole = b"preamble\r\n--=x=\r\nContent-ID: \"a\"\r\nContent-Disposition: \
            attachment; filename=\"a;\\\"b.txt\"\r\n\r\n1\r\n2\xff\r\n--=x=\r\n\r\nplain\r\n--=x=--\r\n";
        let header = "multipart/related; start=\"a\"; boundary=\"=x=\"";
        let mut found = parts(header, whole).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].content_id(), Some("a"));
        assert_eq!(found[0].file_name().as_deref(), Some("a;\"b.txt"));
        assert_eq!(found.pop().unwrap().text().as_deref(), Some("plain"));
        assert_eq!(found.pop().unwrap().decoded().unwrap(), b"1\r\n2\xff");
        assert!(parts(header, &whole[..whole.len() - 6]).is_none());
        assert!(parts("multipart/related", whole).is_none());
        assert_eq!(percent_decoded("caf%C3%A9%"), "café%".as_bytes());
    }
}
