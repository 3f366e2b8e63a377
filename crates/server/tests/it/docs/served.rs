//! The guides as a browser, a search and a program see them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use http::Method;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{guide, names, root};
use crate::world::{Answer, World};

/// A server, asked without a key.
async fn world() -> World {
    let mut world = World::idle(testing::sqlite().await).await;
    world.api = world.api.without_key();
    world
}

#[track_caller]
fn html(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"));
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = answer.text();
    assert_eq!(html.matches("<h1").count(), 1, "{html}");
    // What the policy forbids anyway.
    for inline in ["<style", " style=", "<script>", " onclick="] {
        assert!(!html.contains(inline), "{inline}");
    }
    html
}

/// Every value of an attribute.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let begin = format!(" {attribute}=\"");
    let parts = html.split(begin.as_str()).skip(1);
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

#[tokio::test]
async fn every_guide_is_a_page_and_the_file_that_it_is_made_of() {
    let world = world().await;
    for name in names() {
        let page = world.api.get(&format!("/docs/{name}")).await;
        let html = html(&page, 200);
        assert!(
            html.contains(&format!("href=\"/docs/{name}.md\"")),
            "{name}"
        );
        assert!(
            html.contains(&format!("href=\"/docs/{name}\" aria-current=\"page\"")),
            "{name}"
        );
        let file = world.api.get(&format!("/docs/{name}.md")).await;
        assert_eq!(file.status, 200);
        assert_eq!(file.header("content-type"), "text/markdown; charset=utf-8");
        assert_eq!(file.body, guide(&name).into_bytes(), "{name}");
    }
    let list = html(&world.api.get("/docs").await, 200);
    assert!(list.contains("<title>Ligature guides</title>"));
    let file = world.api.get("/docs/README.md").await;
    assert_eq!(file.body, guide("README").into_bytes());
    for name in names() {
        assert!(
            list.contains(&format!("href=\"/docs/{name}\"")),
            "{name} is not in docs/README.md"
        );
    }
}

#[tokio::test]
async fn every_link_and_anchor_of_every_page_leads_somewhere() {
    let world = world().await;
    let mut pages: Vec<String> = names().iter().map(|name| format!("/docs/{name}")).collect();
    pages.extend([
        "/docs".to_owned(),
        "/docs?q=secret".to_owned(),
        "/docs/nothing".to_owned(),
    ]);
    let mut known: BTreeMap<String, (u16, String)> = BTreeMap::new();
    let mut faults = BTreeSet::new();
    let mut followed = 0;
    for page in pages {
        let html = world.api.get(&page).await.text();
        for link in [
            values(&html, "href"),
            values(&html, "src"),
            values(&html, "action"),
        ]
        .concat()
        {
            if link.starts_with("https://") || link.starts_with("http://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = if path.is_empty() { &page } else { path };
            if !known.contains_key(path) {
                let answer = world.api.get(path).await;
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                known.insert(path.to_owned(), (answer.status.as_u16(), text));
            }
            let (status, text) = &known[path];
            let has = anchor.is_empty() || values(text, "id").contains(&anchor);
            let is_there = *status == 200 || *path == page;
            if !is_there || !has || !path.starts_with('/') {
                faults.insert(format!("{page}: {link}: {status}"));
            }
            followed += 1;
        }
    }
    assert!(followed > 500, "{followed}");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let world = world().await;
    for path in [
        "/docs",
        "/docs/read",
        "/docs/read.md",
        "/docs/docs.css",
        "/docs/docs.js",
        "/docs/images/bitbucket-provider-app.png",
        "/llms.txt",
    ] {
        let first = world.api.get(path).await;
        assert_eq!(first.status, 200, "{path}");
        assert_eq!(first.header("cache-control"), "no-cache");
        let tag = first.header("etag");
        let again = async |tag: &str| {
            let headers = [("if-none-match", tag)];
            world
                .api
                .send(Method::GET, path, Vec::new(), &headers)
                .await
        };
        for known in [
            tag.to_owned(),
            format!("\"other\", {}", tag.replace("W/", "")),
            "*".to_owned(),
        ] {
            let again = again(&known).await;
            assert_eq!(again.status, 304, "{path}: {known}");
            assert!(again.body.is_empty());
            assert_eq!(again.header("etag"), tag);
        }
        assert_eq!(again("\"other\"").await.status, 200, "{path}");
    }
    let found = world.api.get("/docs?q=secret").await;
    assert_eq!(found.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_search_finds_sections_best_first() {
    let world = world().await;
    let find = async |query: &str| {
        let answer = world.api.get(&format!("/docs?q={query}")).await;
        let html = html(&answer, 200);
        let list = html.split("<ol class=\"hits\">").nth(1).unwrap();
        let list = list.split("</ol>").next().unwrap().to_owned();
        (
            values(&list, "href")
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
            html,
        )
    };
    for (query, best) in [
        ("rotate+the+secret", "/docs/destinations#rotate-the-secret"),
        (
            "How+do+I+rotate+my+secret%3F",
            "/docs/destinations#rotate-the-secret",
        ),
        ("Schedules", "/docs/read#schedules"),
        (
            "too+many+clients",
            "/docs/troubleshooting#the-database-and-the-disk",
        ),
        // The beginning of a word is enough.
        ("uninstalli", "/docs/read#uninstalling"),
    ] {
        let (hits, html) = find(query).await;
        assert_eq!(
            hits.first().map(String::as_str),
            Some(best),
            "{query}: {hits:?}"
        );
        // Words that are everywhere tell nothing, and are not looked for.
        assert!(!html.contains("<mark>the</mark>"), "{query}");
    }
    let (_, html) = find("rotate+the+secret").await;
    assert!(html.contains("<mark>secret</mark>"), "{html}");
    let (hits, _) = find("LIGATURE_OUTBOX_MAX_BYTES").await;
    assert!(
        hits.iter()
            .any(|hit| hit.starts_with("/docs/self-hosting#")),
        "{hits:?}"
    );
    // No section has both words.
    let (hits, _) = find("unpause+zzzz").await;
    assert!(hits.contains(&"/docs/read#pausing".to_owned()), "{hits:?}");
    let (hits, _) = find("%22optionalFieldsAuto%22").await;
    assert!(
        hits.contains(&"/docs/manifest#readobjects".to_owned()),
        "{hits:?}"
    );
    // What was looked for is shown, and cannot be more than text.
    let (_, html) = find("%3Cscript%3Ealert(1)%3C%2Fscript%3E%22zzzz").await;
    assert!(
        html.contains("&#60;script&#62;") || html.contains("&lt;script&gt;"),
        "{html}"
    );
    let (hits, html) = find("zzzz").await;
    assert!(hits.is_empty() && html.contains("0 sections"), "{html}");
    // A filler is looked for where there is nothing else.
    assert!(!find("which").await.0.is_empty());
    // Words of no letters look for nothing.
    assert!(find("...").await.0.is_empty());
}

#[tokio::test]
async fn the_list_for_machines_names_every_guide() {
    let world = world().await;
    let answer = world.api.get("/llms.txt").await;
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    let text = answer.text();
    let mut lines = text.lines().filter(|line| !line.is_empty());
    assert_eq!(lines.next(), Some("# Ligature"));
    assert!(lines.next().unwrap().starts_with("> Ligature is"));
    assert!(lines.next().unwrap().starts_with("## "));
    let origin = &world.api.origin;
    let links: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix("- [")?
                .split_once("](")?
                .1
                .split_once("): ")
        })
        .map(|(link, note)| {
            assert!(note.len() > 20, "{link}");
            link.strip_prefix(origin.as_str()).unwrap()
        })
        .collect();
    let listed: BTreeSet<&str> = links.iter().copied().collect();
    assert_eq!(listed.len(), links.len(), "{links:?}");
    let expected: BTreeSet<String> = names()
        .iter()
        .map(|name| format!("/docs/{name}.md"))
        .chain(["/openapi.json".to_owned()])
        .collect();
    assert!(expected.iter().map(String::as_str).eq(listed), "{links:?}");
    for link in links {
        assert_eq!(world.api.get(link).await.status, 200, "{link}");
    }
}

/// The pictures that a guide shows, as its file names them.
fn pictures(markdown: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut is_alt = false;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Image { dest_url, .. }) => {
                found.push((dest_url.to_string(), String::new()));
                is_alt = true;
            }
            Event::End(TagEnd::Image) => is_alt = false,
            Event::Text(text) if is_alt => found.last_mut().unwrap().1.push_str(&text),
            _ => {}
        }
    }
    found
}

#[tokio::test]
async fn every_picture_of_a_guide_is_there_and_says_what_it_shows() {
    let world = world().await;
    let mut shown = BTreeSet::new();
    for name in names() {
        let page = world.api.get(&format!("/docs/{name}")).await.text();
        let pictures = pictures(&guide(&name));
        assert_eq!(page.matches("<img ").count(), pictures.len(), "{name}");
        for (picture, alt) in pictures {
            assert!(alt.len() > 20, "{name}: {picture}: {alt}");
            // The same from the repository, where the path is relative.
            let file = fs::read(root().join("docs").join(&picture));
            let file = file.unwrap_or_else(|_| panic!("{name} shows {picture}"));
            assert!(
                file.starts_with(b"\x89PNG") && file.len() < 60_000,
                "{picture}"
            );
            let served = world.api.get(&format!("/docs/{picture}")).await;
            assert_eq!(served.status, 200, "{picture}");
            assert_eq!(served.header("content-type"), "image/png");
            assert_eq!(served.body, file, "{picture}");
            let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
            let (width, height) = (number(16), number(20));
            let tag = format!("<img src=\"/docs/{picture}\" alt=\"");
            let (_, tag) = page.split_once(&tag).unwrap();
            let tag = tag.split('>').next().unwrap();
            let size = format!("width=\"{width}\" height=\"{height}\"");
            assert!(tag.contains(&size), "{picture}: {tag}");
            shown.insert(picture);
        }
    }
    assert!(shown.len() >= 4, "{shown:?}");
    // None is carried along for nothing.
    let kept = fs::read_dir(root().join("docs/images")).unwrap();
    let kept = kept.map(|file| file.unwrap().file_name().into_string().unwrap());
    let kept: BTreeSet<_> = kept.map(|name| format!("images/{name}")).collect();
    assert_eq!(kept, shown);
}

#[tokio::test]
async fn what_stands_beside_the_guides_is_served_and_nothing_else() {
    let world = world().await;
    for name in ["monitoring/alerts.yaml", "monitoring/grafana.json"] {
        let file = world.api.get(&format!("/docs/{name}")).await;
        assert_eq!(file.status, 200, "{name}");
        assert_eq!(file.body, fs::read(root().join("docs").join(name)).unwrap());
    }
    for missing in [
        "nothing",
        "nothing.md",
        "README",
        "monitoring/",
        "%2e%2e%2fCargo.toml",
        "monitoring/..%2fREADME.md",
        "images/",
        "images/nothing.png",
        "images/..%2fREADME.md",
        "decisions/README.md",
    ] {
        let answer = world.api.get(&format!("/docs/{missing}")).await;
        let page = html(&answer, 404);
        assert!(page.contains("There is no such guide"), "{missing}");
    }
}
