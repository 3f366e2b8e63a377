//! Names of fields and objects as people read them, where nobody has written one
//! down.

/// A provider's name in Title Case: `created_on`, `createdOn` and `created-on` are
/// all `Created On`. Never empty for a name that is not.
pub(crate) fn title(name: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut begins = true;
    let mut before_was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            begins = true;
            continue;
        }
        if begins || (c.is_uppercase() && before_was_lower) {
            words.push(c.to_uppercase().collect());
        } else if let Some(word) = words.last_mut() {
            word.push(c);
        }
        begins = false;
        before_was_lower = c.is_lowercase() || c.is_numeric();
    }
    if words.is_empty() {
        return name.to_owned();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_people() {
        for (name, expected) in [
            ("name", "Name"),
            ("created_on", "Created On"),
            ("createdOn", "Created On"),
            ("pipelines-config/variables", "Pipelines Config Variables"),
            ("allow_forks", "Allow Forks"),
            ("UUID", "UUID"),
            ("sha256", "Sha256"),
            ("über_größe", "Über Größe"),
            ("__", "__"),
            ("", ""),
        ] {
            assert_eq!(title(name), expected);
        }
    }
}
