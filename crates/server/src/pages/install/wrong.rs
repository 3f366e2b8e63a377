//! What has to be mended before anything is stored, and where on the page it is
//! said. Pure.

use manifest::Integration;

use super::picked::Picked;

/// Something that has to be mended before anything is stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The object that it is about, if it is about one.
    pub(super) object: Option<String>,
    /// The app's name of the mapping that it is about.
    pub(super) mapping: Option<String>,
    /// The provider's field that it is about.
    pub(super) field: Option<String>,
    /// What to do, for the customer.
    pub(super) text: String,
}

impl Wrong {
    /// About no object in particular.
    pub(super) fn in_general(text: &str) -> Self {
        Self {
            object: None,
            mapping: None,
            field: None,
            text: text.to_owned(),
        }
    }
}

/// Puts each cause that an action names beside what it is about.
pub(super) fn placed(causes: &[String], manifest: &Integration, picked: &Picked) -> Vec<Wrong> {
    let place = |cause: &String| {
        let mut objects = manifest.read_objects();
        let about = objects.find_map(|object| {
            let name = &object.object_name;
            let rest = cause.strip_prefix(&format!("read object `{name}`"))?;
            Some((name, rest.trim_start_matches([':', ' '])))
        });
        let Some((name, text)) = about else {
            return Wrong::in_general(cause);
        };
        let field = text.strip_prefix("field `");
        let field = field.and_then(|rest| rest.split_once('`'));
        let field = field.map(|(field, _)| field.to_owned());
        let mut chosen = picked.object(name).mappings.iter();
        let mapping = chosen.find(|(_, chosen)| Some(*chosen) == field.as_ref());
        let text = match &field {
            Some(_) => {
                "There is no such field in your account. Choose another one, or leave it out."
            }
            None => text,
        };
        Wrong {
            object: Some(name.clone()),
            mapping: mapping.map(|(name, _)| name.clone()),
            field,
            text: text.to_owned(),
        }
    };
    causes.iter().map(place).collect()
}
