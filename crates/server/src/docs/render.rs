//! Markdown as HTML that links as it does where the repository is looked at: the
//! anchors of headings are those of GitHub. The guides are ours, so HTML in them is
//! passed on as it is.

use std::collections::HashMap;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A page, and what it is made of.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub(super) html: String,
    /// In their order; the first begins the page.
    pub(super) sections: Vec<Section>,
}

/// What stands below one heading, up to the next of any level.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// 1 is the page's own heading.
    pub(super) level: u8,
    pub(super) anchor: String,
    pub(super) heading: String,
    /// Plain text, code included, with single spaces.
    pub(super) text: String,
}

/// A picture under way: where it is, and what it shows.
struct Picture {
    target: String,
    alt: String,
}

/// Renders a page; `link` turns a link of the file into one of the server, and `size`
/// tells how wide and high a picture is, so that nothing moves when it comes.
pub(super) fn page(
    markdown: &str,
    link: impl Fn(&str) -> String,
    size: impl Fn(&str) -> Option<(u32, u32)>,
) -> Rendered {
    let mut page = Writer {
        link,
        size,
        picture: None,
        anchors: HashMap::new(),
        events: Vec::new(),
        sections: Vec::new(),
        heading: None,
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.take(event);
    }
    let mut html = String::with_capacity(markdown.len() * 2);
    pulldown_cmark::html::push_html(&mut html, page.events.into_iter());
    Rendered {
        html,
        sections: page.sections,
    }
}

struct Writer<'a, L, S> {
    link: L,
    size: S,
    picture: Option<Picture>,
    /// How often each anchor was wanted.
    anchors: HashMap<String, usize>,
    events: Vec<Event<'a>>,
    sections: Vec<Section>,
    /// The heading under way: where its events begin, and its text.
    heading: Option<(usize, String)>,
}

impl<'a, L, S> Writer<'a, L, S>
where
    L: Fn(&str) -> String,
    S: Fn(&str) -> Option<(u32, u32)>,
{
    fn take(&mut self, event: Event<'a>) {
        self.note(&event);
        if let Some(picture) = &mut self.picture {
            match event {
                Event::Text(text) | Event::Code(text) => picture.alt.push_str(&text),
                Event::SoftBreak | Event::HardBreak => picture.alt.push(' '),
                Event::End(TagEnd::Image) => self.end_picture(),
                _ => {}
            }
            return;
        }
        match event {
            Event::Start(Tag::Image { dest_url, .. }) => {
                self.picture = Some(Picture {
                    target: dest_url.into_string(),
                    alt: String::new(),
                });
            }
            Event::Start(Tag::Heading { .. }) => {
                self.heading = Some((self.events.len(), String::new()));
            }
            Event::End(TagEnd::Heading(level)) => self.end_heading(level),
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }) => {
                let dest_url = (self.link)(&dest_url).into();
                let link = Tag::Link {
                    link_type,
                    dest_url,
                    title,
                    id,
                };
                self.events.push(Event::Start(link));
            }
            // What may be wider than the page scrolls by itself, by keyboard as well.
            Event::Start(Tag::CodeBlock(kind)) => self.html(&code_block(&kind)),
            Event::End(TagEnd::CodeBlock) => self.html("</code></pre>\n"),
            Event::Start(table @ Tag::Table(_)) => {
                self.html(
                    "<div class=\"table\" role=\"group\" aria-label=\"Table\" tabindex=\"0\">",
                );
                self.events.push(Event::Start(table));
            }
            Event::End(TagEnd::Table) => {
                self.events.push(Event::End(TagEnd::Table));
                self.html("</div>\n");
            }
            other => self.events.push(other),
        }
    }

    fn end_picture(&mut self) {
        let Some(Picture { target, alt }) = self.picture.take() else {
            return;
        };
        let size = (self.size)(&target);
        let size = size.map_or_else(String::new, |(width, height)| {
            format!(" width=\"{width}\" height=\"{height}\"")
        });
        let (source, alt) = (escaped(&(self.link)(&target)), escaped(&alt));
        self.html(&format!(
            "<img src=\"{source}\" alt=\"{alt}\"{size} loading=\"lazy\">"
        ));
    }

    fn html(&mut self, html: &str) {
        self.events.push(Event::Html(html.to_owned().into()));
    }

    /// Keeps the words of an event, for the heading or for the section.
    fn note(&mut self, event: &Event<'a>) {
        let words: &str = match event {
            Event::Text(text) | Event::Code(text) => text,
            Event::SoftBreak | Event::HardBreak | Event::End(_) => " ",
            _ => return,
        };
        // The words of `a`, code and b belong together; those of two cells do not.
        if let Event::End(TagEnd::Link | TagEnd::Emphasis | TagEnd::Strong) = event {
            return;
        }
        let kept = match (&mut self.heading, self.sections.last_mut()) {
            (Some((_, text)), _) => text,
            (None, Some(section)) => &mut section.text,
            (None, None) => return,
        };
        for character in words.chars() {
            let character = if character.is_whitespace() {
                ' '
            } else {
                character
            };
            if character != ' ' || !kept.ends_with(' ') {
                kept.push(character);
            }
        }
    }

    fn end_heading(&mut self, level: HeadingLevel) {
        let Some((begin, text)) = self.heading.take() else {
            return;
        };
        let inner = self.events.split_off(begin);
        let text = text.trim().to_owned();
        let anchor = self.anchor(&text);
        self.html(&format!("<{level} id=\"{anchor}\">"));
        self.events.extend(inner);
        if level != HeadingLevel::H1 {
            self.html(&format!(
                " <a class=\"anchor\" href=\"#{anchor}\" aria-label=\"Link to this section\">#</a>"
            ));
        }
        self.html(&format!("</{level}>\n"));
        self.sections.push(Section {
            level: u8::try_from(level as usize).unwrap_or(6),
            anchor,
            heading: text,
            text: String::new(),
        });
    }

    /// The anchor of a heading, which no other on the page has.
    fn anchor(&mut self, heading: &str) -> String {
        let anchor = slug(heading);
        let before = self.anchors.entry(anchor.clone()).or_default();
        *before += 1;
        match *before {
            1 => anchor,
            again => format!("{anchor}-{}", again - 1),
        }
    }
}

/// Text as the value of an attribute.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('"', "&quot;")
}

/// As GitHub makes it: small letters, no punctuation, dashes for spaces.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter_map(|character| match character {
        ' ' | '-' => Some('-'),
        '_' => Some('_'),
        other => other.is_alphanumeric().then_some(other),
    });
    kept.flat_map(char::to_lowercase).collect()
}

fn code_block(kind: &CodeBlockKind<'_>) -> String {
    let language = match kind {
        CodeBlockKind::Fenced(info) => info.split(' ').next().unwrap_or_default(),
        CodeBlockKind::Indented => "",
    };
    let mut class = String::new();
    if !language.is_empty() && language.bytes().all(|b| b.is_ascii_alphanumeric()) {
        class = format!(" class=\"language-{language}\"");
    }
    format!("<pre tabindex=\"0\"><code{class}>")
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn a_picture_has_its_place_its_size_and_its_words() {
        let markdown = "# T\n\n![A \"form\", with `code`](images/a.png)\n\n[![b](b.png)](c.md)";
        let size = |target: &str| (target == "images/a.png").then_some((640, 480));
        let rendered = page(markdown, |target| format!("/docs/{target}"), size);
        let first = "<img src=\"/docs/images/a.png\" alt=\"A &quot;form&quot;, with code\" \
             width=\"640\" height=\"480\" loading=\"lazy\">";
        assert!(rendered.html.contains(first), "{}", rendered.html);
        let linked =
            "<a href=\"/docs/c.md\"><img src=\"/docs/b.png\" alt=\"b\" loading=\"lazy\"></a>";
        assert!(rendered.html.contains(linked), "{}", rendered.html);
        // A search finds what is seen on it.
        assert!(rendered.sections[0].text.contains("with code"));
    }
}
