//! YAML as a tree in which everything knows its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::{Location, Spanned};

/// Line and column, both from 1, and how many characters from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) length: u64,
}

impl Position {
    /// The beginning of the text.
    pub(crate) const START: Self = Self {
        line: 1,
        column: 1,
        length: 1,
    };
}

impl From<Location> for Position {
    fn from(location: Location) -> Self {
        Self {
            line: location.line().max(1),
            column: location.column().max(1),
            length: location.span().len().max(1),
        }
    }
}

/// A value and where it is used; an alias counts where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Tree,
    pub(crate) at: Position,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value. Keys may repeat: that is for the shape to refuse.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_at: Position,
    pub(crate) value: Node,
}

impl Tree {
    /// The type, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Self {
            value: spanned.value,
            at: spanned.referenced.into(),
        })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, true, false, a list or a map")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Number::from_f64(value).map_or(Tree::Null, Tree::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Node>()? {
            map.push(Entry {
                key: key.value,
                key_at: key.referenced.into(),
                value,
            });
        }
        Ok(Tree::Map(map))
    }
}

/// A node, the way to it, and where people see it. Nothing (`key:` with no value)
/// counts as absent.
#[derive(Debug, Clone)]
pub(crate) struct At<'a> {
    pub(crate) node: &'a Node,
    pub(crate) path: String,
    pub(crate) at: Position,
}

impl<'a> At<'a> {
    pub(crate) fn root(node: &'a Node) -> Self {
        Self {
            node,
            path: String::new(),
            at: node.at,
        }
    }

    /// The path of a key in here.
    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The value of one of these entries. What begins below its key is seen at
    /// the key: its own first line is about something else.
    pub(crate) fn value_of(&self, entry: &'a Entry) -> Self {
        let node = &entry.value;
        let is_block = matches!(node.value, Tree::Map(_) | Tree::List(_));
        let below = is_block && node.at.line > entry.key_at.line;
        Self {
            node,
            path: self.path_of(&entry.key),
            at: if below { entry.key_at } else { node.at },
        }
    }

    /// The value under a key.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        let Tree::Map(entries) = &self.node.value else {
            return None;
        };
        let entry = entries.iter().find(|entry| entry.key == key)?;
        (!matches!(entry.value.value, Tree::Null)).then(|| self.value_of(entry))
    }

    /// The items, if this is a list.
    pub(crate) fn items(&self) -> Vec<Self> {
        let Tree::List(items) = &self.node.value else {
            return Vec::new();
        };
        let item = |(i, node): (usize, &'a Node)| Self {
            node,
            path: format!("{}[{i}]", self.path),
            at: node.at,
        };
        items.iter().enumerate().map(item).collect()
    }

    /// The items of the list under a key.
    pub(crate) fn items_of(&self, key: &str) -> Vec<Self> {
        self.get(key).map(|list| list.items()).unwrap_or_default()
    }

    /// The text, if this is one.
    pub(crate) fn text(&self) -> Option<&'a str> {
        match &self.node.value {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `true`.
    pub(crate) fn is_true(&self) -> bool {
        matches!(self.node.value, Tree::Flag(true))
    }

    /// Whether this is a map: what is not has been reported by the shape.
    pub(crate) fn is_map(&self) -> bool {
        matches!(self.node.value, Tree::Map(_))
    }

    /// The whole number under a key.
    pub(crate) fn whole_of(&self, key: &str) -> Option<i64> {
        match &self.get(key)?.node.value {
            Tree::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// Whether a key is absent, or is there with the text "".
    pub(crate) fn lacks(&self, key: &str) -> bool {
        self.get(key).is_none_or(|value| value.text() == Some(""))
    }
}
