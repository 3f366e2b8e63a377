//! Page numbers, page sizes and the envelope around a list.
//!
//! Page sizes above the maximum, zero and negatives are refused, as is a page that is not a
//! plain number: `page=2/` is what clients produce that build `next` themselves.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination>

use crate::origin::Origin;
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use serde_json::{Map, Value, json};

const DEFAULT_PAGELEN: usize = 10;

/// The largest page of most lists.
pub(crate) const MAX_PAGELEN: usize = 100;

/// Which slice of a list the caller wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Page {
    number: usize,
    length: usize,
}

impl Page {
    /// Reads `page` and `pagelen`; `max` is the endpoint's own limit.
    pub(crate) fn read(parameters: &Parameters, max: usize) -> Result<Self, Refusal> {
        let number = match parameters.get("page") {
            None => 1,
            Some(text) => natural(text).ok_or_else(|| Refusal::bad_request("Invalid page"))?,
        };
        let length = match parameters.get("pagelen") {
            None => DEFAULT_PAGELEN.min(max),
            Some(text) => natural(text)
                .filter(|length| *length <= max)
                .ok_or_else(|| Refusal::bad_request("Invalid pagelen"))?,
        };
        Ok(Self { number, length })
    }

    /// Position of the first record and the number of records wanted.
    pub(crate) fn window(self) -> (usize, usize) {
        let skip = (self.number - 1).saturating_mul(self.length);
        (skip, self.length)
    }

    /// The envelope. A page beyond the end is a 404 as in another emulator that was held
    /// against the published description; nobody has shown what the real one does. Page 1 of
    /// nothing is an empty page.
    pub(crate) fn envelope(
        self,
        size: usize,
        values: Vec<Value>,
        here: &Here<'_>,
    ) -> Result<Value, Refusal> {
        let (skip, length) = self.window();
        if self.number > 1 && skip >= size {
            return Err(Refusal::not_found("Invalid page"));
        }
        let mut envelope = Map::new();
        envelope.insert("values".to_owned(), Value::Array(values));
        envelope.insert("pagelen".to_owned(), json!(length));
        envelope.insert("size".to_owned(), json!(size));
        envelope.insert("page".to_owned(), json!(self.number));
        if skip.saturating_add(length) < size {
            envelope.insert("next".to_owned(), json!(here.page(self.number + 1)));
        }
        if self.number > 1 {
            envelope.insert("previous".to_owned(), json!(here.page(self.number - 1)));
        }
        Ok(Value::Object(envelope))
    }
}

/// Where a list was asked for; its other pages keep every parameter.
#[derive(Debug)]
pub(crate) struct Here<'a> {
    pub(crate) origin: &'a Origin,
    /// Path with the leading slash, encoded as it was sent.
    pub(crate) path: &'a str,
    pub(crate) parameters: &'a Parameters,
}

impl Here<'_> {
    fn page(&self, number: usize) -> String {
        let query = self.parameters.with("page", &number.to_string());
        format!("{}{}?{query}", self.origin, self.path)
    }
}

fn natural(text: &str) -> Option<usize> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number > 0)
}
