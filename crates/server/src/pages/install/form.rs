//! The names of what a form of the install page sends.

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
