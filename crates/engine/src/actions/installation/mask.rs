//! Update masks: which parts of an installation an update replaces. Pure.
//!
//! Objects are named as the provider or the app names them. Some clients put a
//! backslash before `.`, `:`, `/` and `\` in a name, others do not.

use serde_json::{Map, Value, json};

use crate::ActionError;

/// What a path of a mask stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    ConnectionId,
    CreatedBy,
    /// One object of an action.
    Object {
        action: &'static str,
        name: String,
    },
    /// Whether one object is not read at present: what the stock React components
    /// name beyond the contract.
    ReadDisabled {
        name: String,
    },
    /// All objects of an action.
    Objects {
        action: &'static str,
    },
    ProxyEnabled,
}

impl Field {
    /// The field of a path.
    ///
    /// # Errors
    /// [`ActionError::BadRequest`] when there is none.
    pub(super) fn parse(path: &str) -> Result<Self, ActionError> {
        match path {
            "connectionId" => return Ok(Self::ConnectionId),
            "config.createdBy" => return Ok(Self::CreatedBy),
            "config.content.proxy.enabled" => return Ok(Self::ProxyEnabled),
            "config.content.write.objects" => return Ok(Self::Objects { action: "write" }),
            "config.content.subscribe.objects" => {
                return Ok(Self::Objects {
                    action: "subscribe",
                });
            }
            _ => {}
        }
        for action in ["read", "write", "subscribe"] {
            let name = path
                .strip_prefix("config.content.")
                .and_then(|rest| rest.strip_prefix(action))
                .and_then(|rest| rest.strip_prefix(".objects."));
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                continue;
            };
            // An escaped dot would be the name's own.
            let disabled = name.strip_suffix(".disabled");
            let disabled = disabled.filter(|name| !name.is_empty() && !name.ends_with('\\'));
            return Ok(match disabled {
                Some(name) if action == "read" => Self::ReadDisabled {
                    name: unescaped(name),
                },
                Some(_) | None => Self::Object {
                    action,
                    name: unescaped(name),
                },
            });
        }
        Err(ActionError::bad_request(
            format!("`{path}` is nothing that `updateMask` may name"),
            "Use connectionId, config.createdBy, config.content.read.objects.<objectName>[.disabled], \
             config.content.write.objects[.<objectName>], \
             config.content.subscribe.objects[.<objectName>] or config.content.proxy.enabled",
        ))
    }
}

/// A name without the backslashes that some clients put in.
fn unescaped(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut escaped = false;
    for c in name.chars() {
        if c == '\\' && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        plain.push(c);
    }
    plain
}

/// The names that objects have: the provider's, and the app's.
#[derive(Debug, Default)]
pub(super) struct Names(pub(super) Vec<(String, String)>);

impl Names {
    /// The provider's name, if the object is known.
    pub(super) fn known(&self, name: &str) -> Option<&str> {
        let by = |which: fn(&(String, String)) -> &String| {
            self.0.iter().find(|names| which(names) == name)
        };
        by(|names| &names.0)
            .or_else(|| by(|names| &names.1))
            .map(|names| names.0.as_str())
    }

    fn same(&self, one: &str, other: &str) -> bool {
        self.known(one).unwrap_or(one) == self.known(other).unwrap_or(other)
    }

    /// The key under which a config has an object.
    pub(super) fn key_in<'a>(
        &self,
        objects: &'a Map<String, Value>,
        name: &str,
    ) -> Option<&'a str> {
        let named = |(key, object): &(&String, &Value)| {
            let own = object.get("objectName").and_then(Value::as_str);
            self.same(&unescaped(own.unwrap_or(key)), name)
        };
        objects.iter().find(named).map(|(key, _)| key.as_str())
    }
}

/// The objects of an action, made if there are none.
pub(super) fn objects_of<'a>(
    content: &'a mut Value,
    action: &str,
) -> Result<&'a mut Map<String, Value>, ActionError> {
    let broken = || ActionError::Internal("a stored config is no object".to_owned());
    let content = content.as_object_mut().ok_or_else(broken)?;
    let action = content.entry(action).or_insert(Value::Null);
    if !action.is_object() {
        *action = json!({});
    }
    let objects = action.as_object_mut().ok_or_else(broken)?;
    let objects = objects.entry("objects").or_insert(Value::Null);
    if !objects.is_object() {
        *objects = json!({});
    }
    objects.as_object_mut().ok_or_else(broken)
}

/// Puts an object's config in its place, or takes it out with `None`.
pub(super) fn put_object(
    content: &mut Value,
    action: &str,
    name: &str,
    config: Option<Value>,
    names: &Names,
) -> Result<(), ActionError> {
    let objects = objects_of(content, action)?;
    let key = names.key_in(objects, name).map(str::to_owned);
    match config {
        Some(config) => {
            let key = key.unwrap_or_else(|| name.to_owned());
            objects.insert(key, config);
        }
        None => {
            objects.remove(&key.unwrap_or_default());
        }
    }
    Ok(())
}

/// Replaces the part of a config's content that a field stands for by what
/// `given`, the update's `config.content`, has there.
pub(super) fn apply(
    content: &mut Value,
    field: &Field,
    given: &Value,
    names: &Names,
) -> Result<(), ActionError> {
    match field {
        // They are not part of the content.
        Field::ConnectionId | Field::CreatedBy => Ok(()),
        Field::ProxyEnabled => {
            let enabled = given.pointer("/proxy/enabled").and_then(Value::as_bool);
            let enabled = enabled.ok_or_else(|| missing("config.content.proxy.enabled"))?;
            match content.get_mut("proxy").and_then(Value::as_object_mut) {
                Some(proxy) => {
                    proxy.insert("enabled".to_owned(), json!(enabled));
                }
                None => {
                    if let Some(content) = content.as_object_mut() {
                        content.insert("proxy".to_owned(), json!({ "enabled": enabled }));
                    }
                }
            }
            Ok(())
        }
        Field::Objects { action } => {
            let path = format!("config.content.{action}.objects");
            let all = given.get(action).and_then(|given| given.get("objects"));
            let all = all.and_then(Value::as_object);
            *objects_of(content, action)? = all.ok_or_else(|| missing(&path))?.clone();
            Ok(())
        }
        Field::ReadDisabled { name } => {
            let path = format!("config.content.read.objects.{name}.disabled");
            let given = given_object(given, "read", name, names);
            let disabled = given.and_then(|given| given.get("disabled"));
            let disabled = disabled.and_then(Value::as_bool);
            let disabled = disabled.ok_or_else(|| missing(&path))?;
            let objects = objects_of(content, "read")?;
            let key = names.key_in(objects, name).map(str::to_owned);
            let object = key.and_then(|key| objects.get_mut(&key));
            let object = object.and_then(Value::as_object_mut).ok_or_else(|| {
                ActionError::bad_request(
                    format!("the installation does not read `{name}`"),
                    format!("Add it first, by `config.content.read.objects.{name}`"),
                )
            })?;
            object.insert("disabled".to_owned(), json!(disabled));
            Ok(())
        }
        Field::Object { action, name } => {
            let path = format!("config.content.{action}.objects.{name}");
            let config = match given_object(given, action, name, names) {
                // A null says that the object is not wanted any more.
                Some(Value::Null) => None,
                Some(config @ Value::Object(_)) => Some(config.clone()),
                Some(_) | None => return Err(missing(&path)),
            };
            put_object(content, action, name, config, names)
        }
    }
}

/// What an update gives for an object, under any of its names.
fn given_object<'a>(
    given: &'a Value,
    action: &str,
    name: &str,
    names: &Names,
) -> Option<&'a Value> {
    let all = given.get(action)?.get("objects")?.as_object()?;
    let key = names.key_in(all, name).or_else(|| {
        let mut keys = all.keys().map(String::as_str);
        keys.find(|key| names.same(&unescaped(key), name))
    });
    all.get(key?)
}

fn missing(path: &str) -> ActionError {
    ActionError::bad_request(
        format!("`updateMask` names `{path}`, and `installation` has no such value there"),
        "Give every path of the mask its value",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let name = |provider: &str, app: &str| (provider.to_owned(), app.to_owned());
        Names(vec![
            name("repositories", "repos"),
            name("pipelines-config/variables", "pipelines-config/variables"),
        ])
    }

    #[test]
    fn names_are_escaped_or_not() {
        for path in [
            "config.content.read.objects.pipelines-config/variables",
            r"config.content.read.objects.pipelines-config\/variables",
        ] {
            let field = Field::parse(path).unwrap();
            let name = "pipelines-config/variables".to_owned();
            assert_eq!(
                field,
                Field::Object {
                    action: "read",
                    name
                }
            );
        }
        assert_eq!(unescaped(r"a\.b\:c\\d"), r"a.b:c\d");
        for path in [
            "",
            "config",
            "config.content.read",
            "config.content.read.objects.",
            "groupRef",
        ] {
            assert!(Field::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn an_object_keeps_its_place_by_either_name() {
        let mut content =
            json!({ "read": { "objects": { "repositories": { "schedule": "old" } } } });
        let field = Field::parse("config.content.read.objects.repos").unwrap();
        let given = json!({ "read": { "objects": { "repos": { "schedule": "new" } } } });
        apply(&mut content, &field, &given, &names()).unwrap();
        let expected = json!({ "read": { "objects": { "repositories": { "schedule": "new" } } } });
        assert_eq!(content, expected);
        let given = json!({ "read": { "objects": { "repositories": null } } });
        apply(&mut content, &field, &given, &names()).unwrap();
        assert_eq!(content, json!({ "read": { "objects": {} } }));
        let given = json!({ "read": { "objects": { "projects": {} } } });
        assert!(apply(&mut content, &field, &given, &names()).is_err());
    }

    #[test]
    fn an_object_is_disabled_in_its_place() {
        let object = json!({ "objectName": "pipelines-config/variables", "schedule": "old" });
        let mut content =
            json!({ "read": { "objects": { "pipelines-config/variables": object } } });
        for path in [
            "config.content.read.objects.pipelines-config/variables.disabled",
            r"config.content.read.objects.pipelines-config\/variables.disabled",
        ] {
            let field = Field::parse(path).unwrap();
            for disabled in [true, false] {
                let given = json!({ "pipelines-config/variables": { "disabled": disabled } });
                let given = json!({ "read": { "objects": given } });
                apply(&mut content, &field, &given, &names()).unwrap();
                let object = &content["read"]["objects"]["pipelines-config/variables"];
                assert_eq!(object["disabled"], disabled);
                assert_eq!(object["schedule"], "old");
            }
            let none = json!({ "read": { "objects": { "pipelines-config/variables": {} } } });
            assert!(apply(&mut content, &field, &none, &names()).is_err());
        }
        let field = Field::parse("config.content.read.objects.repos.disabled").unwrap();
        let given = json!({ "read": { "objects": { "repos": { "disabled": true } } } });
        assert!(apply(&mut content, &field, &given, &names()).is_err());
        // A dot of the name's own is escaped.
        let field = Field::parse(r"config.content.read.objects.a\.disabled").unwrap();
        let name = "a.disabled".to_owned();
        let action = "read";
        assert_eq!(field, Field::Object { action, name });
    }

    #[test]
    fn actions_that_were_not_there_are_made() {
        let mut content = json!({ "provider": "p" });
        let given = json!({
            "write": { "objects": { "hooks": {} } },
            "proxy": { "enabled": true },
        });
        for path in [
            "config.content.write.objects",
            "config.content.proxy.enabled",
        ] {
            let field = Field::parse(path).unwrap();
            apply(&mut content, &field, &given, &names()).unwrap();
        }
        let expected = json!({
            "provider": "p", "write": { "objects": { "hooks": {} } }, "proxy": { "enabled": true },
        });
        assert_eq!(content, expected);
    }
}
