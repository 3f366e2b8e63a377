//! Which scopes a project needs at a provider, and for what: worked out from its
//! manifests and the provider's table, never written down twice.

use connector::Description;
use store::Integration;

/// One scope and what it is needed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needed {
    pub(crate) scope: &'static str,
    /// As the provider's pages have it; the scope where they have nothing.
    pub(crate) name: &'static str,
    /// `projects`, or `projects (writing)`.
    pub(crate) uses: Vec<String>,
}

/// What an integration does with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) object: String,
    pub(crate) writes: bool,
}

/// Everything that a manifest declares of objects.
pub(crate) fn uses_of(manifest: &manifest::Integration) -> Vec<Use> {
    let reads = manifest.read_objects().map(|object| Use {
        object: object.object_name.clone(),
        writes: false,
    });
    let writes = manifest.write_objects().map(|object| Use {
        object: object.object_name.clone(),
        writes: true,
    });
    reads.chain(writes).collect()
}

/// What an integration's latest revision declares; nothing where it cannot be read.
pub(crate) fn manifest_of(integration: &Integration) -> Option<manifest::Integration> {
    serde_json::from_value(integration.latest_revision.content.clone()).ok()
}

/// The scopes for all of these, in the provider's order of objects.
pub(crate) fn needed(description: &Description, uses: &[Use]) -> Vec<Needed> {
    let mut all: Vec<Needed> = Vec::new();
    for object in description.objects {
        for one in uses.iter().filter(|one| one.object == object.name) {
            let scope = match one.writes {
                true => description.write_scope(object.name),
                false if object.removed.is_some() => None,
                false => object.scope,
            };
            let Some(scope) = scope else { continue };
            let text = match one.writes {
                true => format!("{} (writing)", object.name),
                false => object.name.to_owned(),
            };
            match all.iter_mut().find(|known| known.scope == scope) {
                Some(known) if !known.uses.contains(&text) => known.uses.push(text),
                Some(_) => {}
                None => all.push(Needed {
                    scope,
                    name: description
                        .permission(scope)
                        .map_or(scope, |known| known.display_name),
                    uses: vec![text],
                }),
            }
        }
    }
    all
}

/// The scopes for every object that the provider lets be read, for a project that
/// has no manifest yet.
pub(crate) fn every_read(description: &Description) -> Vec<Needed> {
    let uses: Vec<Use> = description
        .objects
        .iter()
        .map(|object| Use {
            object: object.name.to_owned(),
            writes: false,
        })
        .collect();
    needed(description, &uses)
}
