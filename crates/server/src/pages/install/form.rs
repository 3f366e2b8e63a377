//! What a form of the install page sends.

/// Names and values in their order; a name may come several times.
#[derive(Debug, Default)]
pub(super) struct Form(pub(super) Vec<(String, String)>);

impl Form {
    /// The first value of a name, without space around it; "" if there is none.
    pub(super) fn one(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default().trim()
    }

    /// Every value of a name.
    pub(super) fn all<'f, 'n>(
        &'f self,
        name: &'n str,
    ) -> impl Iterator<Item = &'f str> + use<'f, 'n> {
        let named = self.0.iter().filter(move |(given, _)| given == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Whether a name comes with that value.
    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|given| given == value)
    }

    /// Whether a name comes at all.
    pub(super) fn names(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
}

/// Of a checkbox: whether the object is read.
pub(super) const OBJECT: &str = "object";
/// Of a checkbox: whether the object is written.
pub(super) const WRITE: &str = "write";
/// Of a checkbox: whether calls are passed through.
pub(super) const PROXY: &str = "proxy";
/// Of a hidden field: what [`engine::Links::sign_form`] made.
pub(super) const TOKEN: &str = "form";

/// Of a checkbox: a field of the object.
pub(super) fn field_of(object: &str) -> String {
    format!("field:{object}")
}

/// Of a checkbox: every field of the object.
pub(super) fn every_field_of(object: &str) -> String {
    format!("every:{object}")
}

/// Of a select: the provider's field that the app calls `name`.
pub(super) fn mapping_of(object: &str, name: &str) -> String {
    format!("map:{object}:{name}")
}

/// Of a text field: what the provider asks for besides the consent.
pub(super) fn input(name: &str) -> String {
    format!("input:{name}")
}
