//! The types that the `amp` command line decodes answers into. As in Go a field that
//! is absent or null is empty, a field that nobody knows is passed over, and a field
//! of another type is an error. What it uses without looking whether it is there is
//! not optional here.

#![allow(
    dead_code,
    reason = "most fields are decoded for their type and looked at by nobody"
)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Go's `time.Time`: RFC 3339 to the letter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("`{text}` is not RFC 3339"));
        let plain = text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            10 => byte == b'T',
            13 | 16 => byte == b':',
            0..19 => byte.is_ascii_digit(),
            _ => byte.is_ascii_digit() || b".Z+-:".contains(&byte),
        });
        if !plain || text.len() < 20 {
            return Err(wrong());
        }
        Ok(Self(text.parse().map_err(|_| wrong())?))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct SignedUrl {
    pub(super) url: String,
    pub(super) bucket: String,
    pub(super) path: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Project {
    pub(super) id: String,
    pub(super) name: String,
    app_name: Option<String>,
    create_time: Option<Time>,
    org_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Integration {
    pub(super) id: String,
    pub(super) name: String,
    provider: Option<String>,
    project_id: Option<String>,
    create_time: Option<Time>,
    update_time: Option<Time>,
    pub(super) latest_revision: Revision,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Revision {
    id: Option<String>,
    integration_id: Option<String>,
    create_time: Option<Time>,
    spec_version: Option<String>,
    pub(super) content: Content,
}

/// As much of the manifest's generated type as it looks at.
#[derive(Debug, Deserialize)]
pub(super) struct Content {
    read: Option<Read>,
}

#[derive(Debug, Deserialize)]
struct Read {
    objects: Option<Vec<ReadObject>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadObject {
    object_name: String,
    destination: String,
    /// Required in that type, where the manifest has it optional.
    schedule: String,
    required_fields: Option<Vec<Field>>,
    optional_fields: Option<Vec<Field>>,
}

/// A union, by which of the two names is there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    field_name: Option<String>,
    map_to_name: Option<String>,
}

impl Content {
    pub(super) fn objects(&self) -> Vec<String> {
        let objects = self.read.iter().flat_map(|read| &read.objects).flatten();
        objects.map(|object| object.object_name.clone()).collect()
    }

    /// Whether each field is of one arm of the union.
    pub(super) fn fields_are_told_apart(&self) -> bool {
        let objects = self.read.iter().flat_map(|read| &read.objects).flatten();
        let lists = objects.flat_map(|object| [&object.required_fields, &object.optional_fields]);
        let mut fields = lists.flatten().flatten();
        fields.all(|field| field.field_name.is_some() || field.map_to_name.is_some())
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Installation {
    pub(super) id: String,
    project_id: Option<String>,
    integration_id: Option<String>,
    group_ref: Option<String>,
    /// It reads through this pointer unasked.
    pub(super) group: Group,
    connection_id: Option<String>,
    pub(super) connection: Option<Connection>,
    created_by: Option<String>,
    pub(super) config: Option<Config>,
    create_time: Time,
    pub(super) health_status: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    id: Option<String>,
    revision_id: Option<String>,
    created_by: Option<String>,
    pub(super) content: Value,
    installation_id: Option<String>,
    create_time: Option<Time>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    pub(super) group_ref: String,
    pub(super) group_name: Option<String>,
    project_id: Option<String>,
    create_time: Option<Time>,
    update_time: Option<Time>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connection {
    pub(super) id: String,
    project_id: Option<String>,
    pub(super) provider_app: Option<ProviderApp>,
    group: Option<Group>,
    consumer: Option<Consumer>,
    provider_workspace_ref: Option<String>,
    provider_consumer_ref: Option<String>,
    create_time: Time,
    update_time: Option<Time>,
    scopes: Option<Vec<String>>,
    pub(super) status: String,
    catalog_vars: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consumer {
    consumer_ref: Option<String>,
    consumer_name: Option<String>,
    project_id: Option<String>,
    create_time: Option<Time>,
    update_time: Option<Time>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProviderApp {
    id: Option<String>,
    create_time: Option<Time>,
    update_time: Option<Time>,
    external_ref: Option<String>,
    pub(super) provider: String,
    pub(super) client_id: String,
    pub(super) client_secret: Option<String>,
    scopes: Option<Vec<String>>,
    project_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Destination {
    pub(super) id: String,
    project_id: Option<String>,
    pub(super) name: String,
    pub(super) r#type: String,
    /// It reads through this pointer unasked, whatever the type.
    pub(super) metadata: Metadata,
    pub(super) create_time: Time,
    update_time: Option<Time>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) url: Option<String>,
    pub(super) headers: Option<BTreeMap<String, String>>,
    svix_app_id: Option<String>,
    svix_endpoint_id: Option<String>,
}

/// One page; the rest is not asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Operations {
    pub(super) results: Vec<Operation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) installation_id: String,
    pub(super) action_type: String,
    pub(super) status: String,
    resource: Option<String>,
    read_type: Option<String>,
    pub(super) create_time: Time,
    update_time: Option<Time>,
}

/// An entry of the catalogue, as far as `init` looks.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Provider {
    pub(super) name: String,
    pub(super) display_name: Option<String>,
    pub(super) support: Support,
}

#[derive(Debug, Deserialize)]
pub(super) struct Support {
    pub(super) read: bool,
    write: bool,
    proxy: bool,
}

/// A problem: with any other type in it, all that its user gets to see is the status.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Problem {
    pub(super) detail: Option<String>,
    href: Option<String>,
    instance: Option<String>,
    pub(super) status: Option<i32>,
    title: Option<String>,
    r#type: Option<String>,
    subsystem: Option<String>,
    time: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) causes: Option<Vec<String>>,
    pub(super) remedy: Option<String>,
    retryable: Option<bool>,
    retry_after: Option<String>,
    context: Option<Map<String, Value>>,
    issues: Option<Vec<Map<String, Value>>>,
}
