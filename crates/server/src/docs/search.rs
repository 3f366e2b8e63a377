//! Finding a section by words, in the same plain way for everyone: a section must
//! have all of the words, else those with most of them are shown. A word counts for
//! more the fewer sections have it, and in a heading for more than in a text.

use super::library::Page;
use super::render::Section;

/// The most words of a query that count, and the longest query that is looked at.
const MOST_WORDS: usize = 8;
const LONGEST_QUERY: usize = 200;
/// What a question is made of besides what it is about.
const FILLERS: &[&str] = &[
    "a", "an", "and", "are", "can", "do", "does", "for", "from", "get", "how", "i", "if", "in",
    "is", "it", "me", "my", "of", "on", "or", "the", "there", "to", "we", "what", "when", "where",
    "which", "why", "with", "you", "your",
];
/// The most sections that are shown.
const MOST_HITS: usize = 30;
/// How long a section is that is neither short nor long, in bytes.
const ORDINARY: f64 = 1_500.0;
/// How much of a text is shown before the word, and altogether, in bytes.
const BEFORE: usize = 80;
const SHOWN: usize = 280;

/// A section that was found.
#[derive(Debug)]
pub(super) struct Hit<'a> {
    pub(super) page: &'a Page,
    pub(super) section: &'a Section,
    /// Some of its text, and whether each part is one of the words.
    pub(super) snippet: Vec<(bool, &'a str)>,
}

/// The words of a query, as they are looked for: those of a question that tell
/// nothing only if there are no others.
fn words(query: &str) -> Vec<String> {
    let short: String = query.chars().take(LONGEST_QUERY).collect();
    let mut words: Vec<String> = Vec::new();
    for word in short.split_whitespace() {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        let word = word.to_ascii_lowercase();
        if !word.is_empty() && !words.contains(&word) {
            words.push(word);
        }
    }
    let is_telling = |word: &String| !FILLERS.contains(&word.as_str());
    if words.iter().any(is_telling) {
        words.retain(is_telling);
    }
    words.truncate(MOST_WORDS);
    words
}

/// What is found, best first.
pub(super) fn find<'a>(pages: &'a [Page], query: &str) -> Vec<Hit<'a>> {
    let sections: Vec<(&Page, &Section)> = pages
        .iter()
        .flat_map(|page| page.sections.iter().map(move |section| (page, section)))
        .collect();
    let words = words(query);
    // For each section, how often it has each word.
    let counts: Vec<Vec<f64>> = sections
        .iter()
        .map(|(page, section)| {
            words
                .iter()
                .map(|word| count(page, section, word))
                .collect()
        })
        .collect();
    let weights: Vec<f64> = (0..words.len())
        .map(|word| {
            let having = counts
                .iter()
                .filter(|of| of.get(word).is_some_and(|n| *n > 0.0));
            weight(having.count(), sections.len())
        })
        .collect();
    let mut found: Vec<(usize, f64, (&Page, &Section))> = sections
        .into_iter()
        .zip(&counts)
        .map(|(section, counts)| {
            let had = counts.iter().filter(|n| **n > 0.0).count();
            let score = counts.iter().zip(&weights).map(|(n, weight)| n * weight);
            (had, score.sum(), section)
        })
        .filter(|(had, ..)| *had > 0)
        .collect();
    let most = found.iter().map(|(had, ..)| *had).max().unwrap_or_default();
    found.retain(|(had, ..)| *had == most);
    // Stable: what is as good as another stays in the order of the guides.
    found.sort_by(|(_, a, _), (_, b, _)| b.total_cmp(a));
    found.truncate(MOST_HITS);
    let hit = |(_, _, (page, section)): (usize, f64, (&'a Page, &'a Section))| Hit {
        page,
        section,
        snippet: snippet(&section.text, &words),
    };
    found.into_iter().map(hit).collect()
}

/// What a word is worth that so many of all sections have.
fn weight(having: usize, all: usize) -> f64 {
    (1.0 + real(all) / real(having.max(1))).ln()
}

fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// How much a section has of a word.
fn count(page: &Page, section: &Section, word: &str) -> f64 {
    let heading = places(&section.heading, word).count();
    let title = places(&page.title, word).count();
    let text = places(&section.text, word).take(5).count();
    // A word weighs less in a text that has so many.
    let mut count = real(text) / (1.0 + real(section.text.len()) / ORDINARY);
    if heading > 0 {
        count += 12.0;
    }
    if title > 0 {
        count += if section.level == 1 { 10.0 } else { 3.0 };
    }
    count
}

/// Where words of a text begin with `word`, as ranges of bytes.
fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + lower.get(from..)?.find(word)?;
            from = at + word.len();
            let before = lower.get(..at)?.chars().next_back();
            if !before.is_some_and(char::is_alphanumeric) {
                return Some((at, from));
            }
        }
    })
}

/// The part of a text around the first of the words, cut into words and the rest.
fn snippet<'a>(text: &'a str, words: &[String]) -> Vec<(bool, &'a str)> {
    let mut marks: Vec<(usize, usize)> = words
        .iter()
        .flat_map(|word| places(text, word).take(20))
        .collect();
    marks.sort_unstable();
    let first = marks.first().map_or(0, |(begin, _)| *begin);
    let begin = boundary(text, first.saturating_sub(BEFORE));
    let end = boundary(text, (begin + SHOWN).min(text.len()));
    let mut parts = Vec::new();
    let mut at = begin;
    for (from, to) in marks {
        if from >= at && to <= end {
            parts.push((false, text.get(at..from).unwrap_or_default()));
            parts.push((true, text.get(from..to).unwrap_or_default()));
            at = to;
        }
    }
    parts.push((false, text.get(at..end).unwrap_or_default()));
    if begin > 0 {
        parts.insert(0, (false, "… "));
    }
    if end < text.len() {
        parts.push((false, " …"));
    }
    parts
}

/// The end of the word in which a place is, so that none is cut.
fn boundary(text: &str, at: usize) -> usize {
    if at == 0 {
        return 0;
    }
    let space = text
        .char_indices()
        .find(|(index, character)| *index >= at && *character == ' ');
    space.map_or(text.len(), |(index, _)| index)
}
