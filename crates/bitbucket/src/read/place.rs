//! Where the next page is, and the guard against going round in circles.

use connector::Failure;
use serde::{Deserialize, Serialize};

use crate::wire::Envelope;

/// More pages than any collection has: at the largest size, a million records.
const MOST_PAGES: u64 = 10_000;

/// A page of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// The first.
    First,
    /// The one Bitbucket named, asked for as it stands: it is opaque.
    Url(String),
    /// The one of this number, counted from 1, where Bitbucket names none.
    Page(u64),
}

impl Place {
    /// Whether it is a page that we counted, and Bitbucket did not name.
    pub(super) fn is_counted(&self) -> bool {
        matches!(self, Self::Page(_))
    }

    /// The page after the `number`th. Some endpoints leave `next` out though
    /// there is more (BCLOUD-20639), which only `size` tells.
    pub(super) fn after(page: &Envelope<'_>, number: u64, pagelen: u32) -> Option<Self> {
        if let Some(next) = &page.next {
            return Some(Self::Url(next.clone()));
        }
        let pagelen = page.pagelen.filter(|n| *n > 0).unwrap_or(pagelen.into());
        let more = !page.values.is_empty() && page.size? > number.saturating_mul(pagelen);
        more.then_some(Self::Page(number.saturating_add(1)))
    }
}

/// How far a chain of pages has been followed. It remembers one page only, the
/// latest whose number is a power of two (Brent's method), and so finds a circle
/// of any length without growing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trail {
    followed: u64,
    mark: u64,
}

impl Trail {
    /// The number of the page that was followed to, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.followed.saturating_add(1)
    }

    /// Goes on to `place`.
    ///
    /// # Errors
    /// [`Failure::Protocol`] when it was there before, or there is no end to it.
    pub(super) fn follow(&mut self, place: &Place) -> Result<(), Failure> {
        let here = match place {
            Place::First => hash(&["first"]),
            Place::Url(url) => hash(&["url", url]),
            Place::Page(number) => hash(&["page", &number.to_string()]),
        };
        let problem = if self.followed > 0 && here == self.mark {
            "lead round in a circle"
        } else if self.followed >= MOST_PAGES {
            "have no end"
        } else {
            self.followed += 1;
            if self.followed.is_power_of_two() {
                self.mark = here;
            }
            return Ok(());
        };
        Err(Failure::Protocol {
            message: format!(
                "Bitbucket's pages {problem}: given up after {} of them",
                self.number()
            ),
        })
    }
}

/// What a set of records looks like, whatever their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Digest {
    count: u64,
    sum: u64,
}

impl Digest {
    /// Adds one record.
    pub(super) fn add(&mut self, key: &str, version: Option<&str>) {
        self.count = self.count.wrapping_add(1);
        self.sum = self
            .sum
            .wrapping_add(hash(&[key, version.unwrap_or_default()]));
    }

    /// Adds what another has.
    pub(super) fn extend(&mut self, other: Self) {
        self.count = self.count.wrapping_add(other.count);
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// How many were added.
    pub(super) fn count(self) -> u64 {
        self.count
    }
}

/// 64-bit FNV-1a. It is stored, so it must be the same in every process and
/// version, which the standard library's hash does not promise.
fn hash(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::{Digest, MOST_PAGES, Place, Trail};

    fn url(n: u64) -> Place {
        Place::Url(format!("https://api.bitbucket.org/2.0/x?page={n}"))
    }

    #[test]
    fn circles_of_any_length_are_found_soon() {
        for length in 1..40 {
            for lead in 0..5 {
                let mut trail = Trail::default();
                let places = (0..lead).chain((0..length).cycle().map(|n| 100 + n));
                let steps = places
                    .take_while(|n| trail.follow(&url(*n)).is_ok())
                    .count();
                assert!(
                    u64::try_from(steps).unwrap() < 4 * (lead + length) + 4,
                    "{steps} steps for a circle of {length} after {lead}"
                );
            }
        }
    }

    #[test]
    fn an_endless_chain_ends() {
        let mut trail = Trail::default();
        let followed = (0..).take_while(|n| trail.follow(&url(*n)).is_ok()).count();
        assert_eq!(u64::try_from(followed).unwrap(), MOST_PAGES);
    }

    #[test]
    fn digests_know_sets_not_orders() {
        let of = |keys: &[&str]| {
            let mut digest = Digest::default();
            keys.iter().for_each(|key| digest.add(key, Some("1")));
            digest
        };
        assert_eq!(of(&["a", "b"]), of(&["b", "a"]));
        assert_ne!(of(&["a", "b"]), of(&["a", "c"]));
        assert_ne!(of(&["a", "b"]), of(&["a"]));
        assert_eq!(of(&["a", "b"]).count(), 2);
    }
}
