//! What a record must be like to be wanted: a field with a value.

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// The names from the top of the record down to the field; at least one.
    pub path: Vec<String>,
    /// What it must be.
    pub value: FilterValue,
}

/// A value to be equal to, of the same type: the text `"1"` is not the number 1.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterValue {
    /// Text, compared by its characters.
    Text(String),
    /// True or false.
    Truth(bool),
    /// A number, compared by its value.
    Number(serde_json::Number),
}
