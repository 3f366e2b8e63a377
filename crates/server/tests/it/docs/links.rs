//! Links between the files of the repository, as whoever looks at it there follows
//! them: the file is there, and has the heading.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::root;

/// The texts that people read, from the repository's root.
fn texts() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["", "docs", "docs/decisions", "examples/react-install"]
        .map(PathBuf::from)
        .to_vec();
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(root().join(&folder)).unwrap() {
            let name = file.unwrap().file_name();
            let path = folder.join(name);
            if path.extension().is_some_and(|kind| kind == "md") {
                found.push(path);
            }
        }
    }
    assert!(found.iter().any(|path| path == Path::new("README.md")));
    found
}

/// The links and the anchors of a text.
fn look(markdown: &str) -> (Vec<String>, BTreeSet<String>) {
    let (mut links, mut anchors) = (Vec::new(), BTreeSet::new());
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push(dest_url.to_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let anchor = heading.take().unwrap().to_lowercase().replace(' ', "-");
                let anchor =
                    anchor.replace(|c: char| !c.is_alphanumeric() && !"-_".contains(c), "");
                let before = wanted.entry(anchor.clone()).or_default();
                let numbered = format!("{anchor}-{before}");
                anchors.insert(if *before == 0 { anchor } else { numbered });
                *before += 1;
            }
            _ => {}
        }
    }
    (links, anchors)
}

/// A path without `..`; nothing if it leads out of the repository.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if plain.pop() => {}
            Component::Normal(name) => plain.push(name),
            _ => return None,
        }
    }
    Some(plain)
}

/// What is wrong with a link of a text.
fn fault(text: &Path, link: &str, anchors: &BTreeMap<PathBuf, BTreeSet<String>>) -> Option<String> {
    if let Some((scheme, rest)) = link.split_once(':') {
        let is_local = ["//localhost", "//127.0.0.1"]
            .iter()
            .any(|host| rest.starts_with(host));
        let is_good = scheme == "https" || scheme == "http" && is_local;
        return (!is_good).then(|| "neither https nor on this machine".to_owned());
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let file = if path.is_empty() {
        text.to_owned()
    } else {
        match plain(&text.parent().unwrap().join(path)) {
            Some(file) => file,
            None => return Some("leads out of the repository".to_owned()),
        }
    };
    if !root().join(&file).exists() {
        return Some(format!("there is no {}", file.display()));
    }
    let has = anchor.is_empty() || anchors.get(&file).is_some_and(|of| of.contains(anchor));
    (!has).then(|| format!("{} has no heading `{anchor}`", file.display()))
}

#[test]
fn every_link_between_texts_leads_somewhere() {
    let mut links = Vec::new();
    let mut anchors = BTreeMap::new();
    for text in texts() {
        let markdown = fs::read_to_string(root().join(&text)).unwrap();
        let (its_links, its_anchors) = look(&markdown);
        links.extend(its_links.into_iter().map(|link| (text.clone(), link)));
        anchors.insert(text, its_anchors);
    }
    assert!(links.len() > 50, "{} links", links.len());
    let faults: Vec<String> = links
        .iter()
        .filter_map(|(text, link)| {
            let fault = fault(text, link, &anchors)?;
            Some(format!("{}: {link}: {fault}", text.display()))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
