//! A record that is to be written, in the form in which it is kept.

use connector::WriteAction;
use manifest::FieldPath;
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::StoreError;

/// What is done with records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Update,
    Delete,
}

impl Action {
    /// The contract's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// The action of that word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete]
            .into_iter()
            .find(|action| action.as_str() == word)
    }
}

/// One record, in the provider's names and words.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Payload {
    /// What it is called at the provider; "" of one that is to be made.
    pub(crate) id: String,
    pub(crate) record: Map<String, Value>,
    /// Fields that are only to be written where they are empty, by their names from
    /// the top down.
    #[serde(default)]
    pub(crate) if_empty: Vec<Vec<String>>,
}

impl Payload {
    /// The stored form.
    pub(crate) fn stored(&self) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
        serde_json::to_vec(self).map(Zeroizing::new)
    }

    /// A payload that was stored.
    pub(crate) fn parse(stored: &[u8]) -> Result<Self, StoreError> {
        // Without the parser's words, which may quote the record.
        serde_json::from_slice(stored).map_err(|_| StoreError::Corrupt {
            table: "write_record",
            detail: "a record is unreadable".to_owned(),
        })
    }

    /// Remembers which fields are only to be written where they are empty.
    pub(crate) fn only_if_empty(&mut self, paths: &[FieldPath]) {
        let names = |path: &FieldPath| path.segments().map(str::to_owned).collect();
        self.if_empty = paths.iter().map(names).collect();
    }

    /// The fields that are only to be written where they are empty.
    pub(super) fn paths(&self) -> Vec<FieldPath> {
        let path = |names: &Vec<String>| {
            let quoted = names
                .iter()
                .map(|name| format!("[{}]", Value::from(name.as_str())));
            FieldPath::parse(&format!("${}", quoted.collect::<String>())).ok()
        };
        self.if_empty.iter().filter_map(path).collect()
    }

    /// What the connector is asked to do.
    pub(super) fn action(&self, action: Action, again: bool) -> WriteAction {
        let (id, record) = (self.id.clone(), self.record.clone());
        match action {
            Action::Create => WriteAction::Create { record },
            Action::Update => WriteAction::Update { id, record, again },
            Action::Delete => WriteAction::Delete { id },
        }
    }
}
