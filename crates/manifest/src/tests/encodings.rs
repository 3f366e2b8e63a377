//! Bytes of every kind.

use super::{library, places};
use crate::{Limits, Rule, check};

const SOUND: &str = "specVersion: 1.0.0\nintegrations:\n  - name: Büro ✓\n    provider: library\n    proxy: {enabled: true}\n";

fn first(source: &[u8]) -> String {
    let report = check(source, &[&library()], Limits::default());
    let problem = |p: &crate::Problem| format!("{} {}:{} {}", p.rule, p.line, p.column, p.message);
    report.problems.first().map(problem).unwrap_or_default()
}

fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

fn utf32(text: &str, order: fn(u32) -> [u8; 4]) -> Vec<u8> {
    text.chars().flat_map(|c| order(c.into())).collect()
}

#[test]
fn utf_8_is_read_however_its_lines_end() {
    for text in [
        SOUND.to_owned(),
        format!("\u{feff}{SOUND}"),
        SOUND.replace('\n', "\r\n"),
        SOUND.replace('\n', "\r"),
        format!("\u{feff}{}", SOUND.replace('\n', "\r\n")),
        SOUND
            .replace("name:", "name:\t")
            .replace("true}", "true}\t"),
        SOUND.trim_end().to_owned(),
    ] {
        assert_eq!(first(text.as_bytes()), "", "{text:?}");
    }
    // Positions are the same with and without a mark, whatever ends the lines.
    let broken = SOUND.replace("library", "libary");
    for text in [
        format!("\u{feff}{broken}"),
        broken.replace('\n', "\r\n"),
        broken.replace('\n', "\r"),
    ] {
        assert_eq!(
            places(&text),
            ["unknown-provider 4:15 integrations[0].provider"],
            "{text:?}"
        );
    }
    let wide = "specVersion: 1.0.0\nintegrations: [{name: Büro ✓, provider: libary, proxy: {}}]\n";
    assert_eq!(
        places(wide),
        ["unknown-provider 2:41 integrations[0].provider"]
    );
}

#[test]
fn other_encodings_are_named() {
    let marked = format!("\u{feff}{SOUND}");
    for (name, text) in [("with a mark", marked.as_str()), ("without", SOUND)] {
        for (encoding, bytes) in [
            ("UTF-16", utf16(text, u16::to_le_bytes)),
            ("UTF-16", utf16(text, u16::to_be_bytes)),
            ("UTF-32", utf32(text, u32::to_le_bytes)),
            ("UTF-32", utf32(text, u32::to_be_bytes)),
        ] {
            let expected = format!("encoding 1:1 the manifest is in {encoding}, not in UTF-8");
            assert_eq!(first(&bytes), expected, "{name}");
        }
    }
    let latin: Vec<u8> = SOUND
        .replace('✓', "x")
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    assert_eq!(
        first(&latin),
        "encoding 3:12 the manifest is not UTF-8: there is a byte 0xFC here"
    );
    assert_eq!(
        first(&SOUND.as_bytes()[..45]),
        "encoding 3:12 the manifest is not UTF-8: there is a byte 0xC3 here"
    );
}

#[test]
fn forbidden_characters_are_found() {
    for (character, code) in [
        ('\0', "0000"),
        ('\u{7}', "0007"),
        ('\u{7f}', "007F"),
        ('\u{ffff}', "FFFF"),
    ] {
        let text = SOUND.replace('✓', &character.to_string());
        assert_eq!(
            first(text.as_bytes()),
            format!("encoding 3:16 YAML forbids the character U+{code} here")
        );
    }
    assert_eq!(
        first(b"a: b\r\nc:\x00"),
        "encoding 2:3 YAML forbids the character U+0000 here"
    );
}

#[test]
fn big_files_are_refused_by_their_size_alone() {
    for source in [
        vec![b'a'; 10 * 1024 * 1024],
        vec![0xff; 10 * 1024 * 1024],
        "- ".repeat(5 * 1024 * 1024).into_bytes(),
    ] {
        let report = check(&source, &[&library()], Limits::default());
        let rules: Vec<Rule> = report.problems.iter().map(|problem| problem.rule).collect();
        assert_eq!(rules, [Rule::Size]);
        assert!(report.problems[0].message.contains("10485760 bytes"));
    }
    // Many comments are no reason to refuse one.
    let commented = format!(
        "{}{SOUND}{}",
        "# a licence\n".repeat(5_000),
        "# end\n".repeat(5_000)
    );
    assert_eq!(first(commented.as_bytes()), "");
}
