//! Which scope contains which other.
//!
//! `…:admin` and `repository:delete` imply nothing.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#bitbucket-oauth-2-0-scopes>

const IMPLIED: &[(&str, &[&str])] = &[
    ("project", &["repository"]),
    ("repository:write", &["repository"]),
    ("pullrequest", &["repository"]),
    ("pullrequest:write", &["pullrequest", "repository:write"]),
    ("snippet:write", &["snippet"]),
];

/// Whether the scopes held give `wanted`, directly or by implication.
pub(crate) fn granted(held: &[String], wanted: &str) -> bool {
    held.iter().any(|scope| gives(scope, wanted))
}

fn gives(scope: &str, wanted: &str) -> bool {
    scope == wanted
        || IMPLIED
            .iter()
            .filter(|(name, _)| *name == scope)
            .flat_map(|(_, implied)| implied.iter())
            .any(|implied| gives(implied, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implications_are_followed_and_admin_implies_nothing() {
        let held = |scope: &str| vec![scope.to_owned()];
        assert!(granted(&held("pullrequest:write"), "repository"));
        assert!(granted(&held("project"), "repository"));
        assert!(!granted(&held("project:admin"), "project"));
        assert!(!granted(&held("repository:admin"), "repository"));
        assert!(!granted(&held("pipeline"), "pipeline:variable"));
    }
}
