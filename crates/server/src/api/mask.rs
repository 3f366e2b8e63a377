//! The contract's `updateMask`: which of the fields that are sent count.

use crate::problem::Problem;

/// A mask whose every field is known.
#[derive(Debug)]
pub(super) struct Mask(Vec<String>);

impl Mask {
    /// Refuses a field that cannot be updated, and a mask without any.
    pub(super) fn of(fields: Vec<String>, allowed: &[&str]) -> Result<Self, Problem> {
        let remedy = || format!("Name some of these in `updateMask`: {}", allowed.join(", "));
        if fields.is_empty() {
            return Err(Problem::new(400, "`updateMask` is empty").remedy(remedy()));
        }
        match fields
            .iter()
            .find(|field| !allowed.contains(&field.as_str()))
        {
            Some(other) => {
                Err(Problem::new(400, format!("`{other}` cannot be updated")).remedy(remedy()))
            }
            None => Ok(Self(fields)),
        }
    }

    /// The value of a field, if the mask names it; refused if it is named and has
    /// none, since nothing would come of it.
    pub(super) fn take<T>(&self, field: &str, value: Option<T>) -> Result<Option<T>, Problem> {
        if !self.0.iter().any(|name| name == field) {
            return Ok(None);
        }
        match value {
            Some(value) => Ok(Some(value)),
            None => Err(Problem::new(
                422,
                format!("`updateMask` names `{field}`, and there is no value for it"),
            )
            .remedy("Give a value for each field in `updateMask`")),
        }
    }
}
