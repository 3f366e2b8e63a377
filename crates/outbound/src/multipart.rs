//! Bodies of several parts, as `multipart/related`
//! ([RFC 2387](https://www.rfc-editor.org/rfc/rfc2387)): the first part is the one
//! that the others belong to.

use connector::Part;

/// The content type and the body. The boundary is a text that is in no part.
pub(crate) fn encoded(parts: &[Part]) -> (String, Vec<u8>) {
    let boundary = boundary(parts);
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        for (name, value) in &part.headers {
            // A line break would begin another header.
            let value: String = value.chars().filter(|c| !c.is_control()).collect();
            body.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let first = parts.first().and_then(|part| {
        let mut ids = part
            .headers
            .iter()
            .filter(|(name, _)| *name == "Content-ID");
        ids.next().map(|(_, id)| format!(" start=\"{id}\";"))
    });
    let start = first.unwrap_or_default();
    let content_type = format!("multipart/related;{start} boundary=\"{boundary}\"");
    (content_type, body)
}

fn boundary(parts: &[Part]) -> String {
    let mut number = 0_u64;
    loop {
        let text = format!("=_ligature_{number}_=");
        let is_in = |part: &Part| {
            let mut windows = part.content.windows(text.len());
            windows.any(|window| window == text.as_bytes())
        };
        if !parts.iter().any(is_in) {
            return text;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::encoded;
    use connector::Part;

    #[test]
    fn parts_keep_their_bytes_and_no_boundary_is_within_them() {
        let part = |id: &str, content: &[u8]| Part {
            headers: vec![("Content-ID", id.to_owned())],
            content: content.to_vec(),
        };
        let (content_type, body) = encoded(&[
            part("first", b"{}"),
            part("a\r\nX-Other: b", b"1\r\n--=_ligature_0_=\r\n\xff"),
        ]);
        let expected = "multipart/related; start=\"first\"; boundary=\"=_ligature_1_=\"";
        assert_eq!(content_type, expected);
        let expected = b"--=_ligature_1_=\r\nContent-ID: first\r\n\r\n{}\r\n\
            --=_ligature_1_=\r\nContent-ID: aX-Other: b\r\n\r\n1\r\n--=_ligature_0_=\r\n\xff\r\n\
            --=_ligature_1_=--\r\n";
        assert_eq!(body, expected);
    }
}
