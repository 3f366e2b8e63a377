//! All guides: what lies in `docs`, in the order of its README. That page is the only
//! list there is. It is what people see first, what the navigation is made of, and,
//! with the links of this server, `/llms.txt`.

use std::borrow::Cow;
use std::sync::LazyLock;

use rust_embed::RustEmbed;

use super::render::{self, Section};

#[derive(RustEmbed)]
#[folder = "../../docs"]
struct Files;

/// Where the guides begin, and their list.
const INDEX: &str = "README";
/// What is kept elsewhere in the repository is looked at there.
const REPOSITORY: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/");

/// The guides, rendered when first asked for.
pub(super) static LIBRARY: LazyLock<Library> = LazyLock::new(Library::open);

/// Every guide.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) index: Page,
    /// In the order of the list.
    pub(super) pages: Vec<Page>,
    pub(super) groups: Vec<Group>,
    /// What the list says of all of it.
    pub(super) summary: String,
}

/// One guide.
#[derive(Debug)]
pub(super) struct Page {
    /// The file's name without `.md`, and the last part of its path here.
    pub(super) name: String,
    pub(super) title: String,
    /// What the list says of it.
    pub(super) note: String,
    /// The file as it is.
    pub(super) markdown: Cow<'static, [u8]>,
    pub(super) html: String,
    pub(super) sections: Vec<Section>,
}

/// Guides that stand together in the list.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) title: String,
    /// The names of its pages.
    pub(super) pages: Vec<String>,
}

impl Library {
    fn open() -> Self {
        let index = file(INDEX);
        let list = List::of(&String::from_utf8_lossy(&index));
        let mut pages = Vec::new();
        let mut groups: Vec<Group> = Vec::new();
        for entry in list.entries {
            if groups.last().is_none_or(|group| group.title != entry.group) {
                groups.push(Group {
                    title: entry.group,
                    pages: Vec::new(),
                });
            }
            if let Some(group) = groups.last_mut() {
                group.pages.push(entry.name.clone());
            }
            pages.push(Page::new(&entry.name, entry.title, entry.note));
        }
        Self {
            index: Page::new(INDEX, list.title, list.summary.clone()),
            pages,
            groups,
            summary: list.summary,
        }
    }

    /// A guide of the list, by its name.
    pub(super) fn page(&self, name: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.name == name)
    }

    /// The list for machines: <https://llmstxt.org>. `origin` is where this server is.
    pub(super) fn llms(&self, origin: &str) -> String {
        let mut text = format!("# Ligature\n\n> {}\n", self.summary);
        for group in &self.groups {
            text.push_str(&format!("\n## {}\n\n", group.title));
            for page in group.pages.iter().filter_map(|name| self.page(name)) {
                let Page {
                    name, title, note, ..
                } = page;
                text.push_str(&format!("- [{title}]({origin}/docs/{name}.md): {note}\n"));
            }
        }
        text.push_str(&format!(
            "\n## Optional\n\n- [This server's API description]({origin}/openapi.json): every route with its parameters and answers, OpenAPI 3.1\n"
        ));
        text
    }
}

impl Page {
    fn new(name: &str, title: String, note: String) -> Self {
        let markdown = file(name);
        let rendered = render::page(&String::from_utf8_lossy(&markdown), link, size);
        Self {
            name: name.to_owned(),
            title,
            note,
            markdown,
            html: rendered.html,
            sections: rendered.sections,
        }
    }

    /// Where it is on this server.
    pub(super) fn path(&self) -> String {
        if self.name == INDEX {
            return "/docs".to_owned();
        }
        format!("/docs/{}", self.name)
    }

    /// Its own headings below the title.
    pub(super) fn contents(&self) -> impl Iterator<Item = &Section> {
        let headings = self.sections.iter();
        headings.filter(|section| (2..=3).contains(&section.level))
    }
}

/// A file beside the guides that some of them link to or show, such as alert rules
/// and pictures, and its type.
pub(super) fn attachment(path: &str) -> Option<(&'static str, Cow<'static, [u8]>)> {
    let kind = match path.split_once('/')? {
        ("monitoring", _) => "text/plain; charset=utf-8",
        ("images", name) if name.ends_with(".png") => "image/png",
        _ => return None,
    };
    Some((kind, Files::get(path)?.data))
}

/// How wide and high a picture is, which a PNG says at its beginning.
fn size(path: &str) -> Option<(u32, u32)> {
    let (_, file) = attachment(path)?;
    let begins = file.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let number = |at: usize| {
        let bytes = begins.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    Some((number(8)?, number(12)?))
}

fn file(name: &str) -> Cow<'static, [u8]> {
    let file = Files::get(&format!("{name}.md"));
    file.map(|file| file.data).unwrap_or_default()
}

/// A link of a guide's file, as it is on this server.
fn link(target: &str) -> String {
    if target.starts_with('#') || target.contains(':') {
        return target.to_owned();
    }
    let (path, anchor) = match target.split_once('#') {
        Some((path, anchor)) => (path, format!("#{anchor}")),
        None => (target, String::new()),
    };
    if let Some(above) = path.strip_prefix("../") {
        return format!("{REPOSITORY}{above}{anchor}");
    }
    match path.strip_suffix(".md") {
        Some(INDEX) => format!("/docs{anchor}"),
        Some(name) if !name.contains('/') => format!("/docs/{name}{anchor}"),
        Some(_) => format!("{REPOSITORY}docs/{path}{anchor}"),
        None => format!("/docs/{path}{anchor}"),
    }
}

/// What the README lists: `# Title`, `> summary`, then `## Group` and
/// `- [Title](name.md): note` as often as there are guides.
struct List {
    title: String,
    summary: String,
    entries: Vec<Entry>,
}

struct Entry {
    group: String,
    name: String,
    title: String,
    note: String,
}

impl List {
    fn of(readme: &str) -> Self {
        let mut list = Self {
            title: String::new(),
            summary: String::new(),
            entries: Vec::new(),
        };
        let mut group = "";
        for line in readme.lines() {
            if let Some(title) = line.strip_prefix("# ") {
                title.clone_into(&mut list.title);
            } else if let Some(summary) = line.strip_prefix("> ") {
                summary.clone_into(&mut list.summary);
            } else if let Some(title) = line.strip_prefix("## ") {
                group = title;
            } else if let Some(entry) = Entry::of(line, group) {
                list.entries.push(entry);
            }
        }
        list
    }
}

impl Entry {
    fn of(line: &str, group: &str) -> Option<Self> {
        let (title, rest) = line.strip_prefix("- [")?.split_once("](")?;
        let (name, note) = rest.split_once(".md): ")?;
        Some(Self {
            group: group.to_owned(),
            name: name.to_owned(),
            title: title.to_owned(),
            note: note.to_owned(),
        })
    }
}
