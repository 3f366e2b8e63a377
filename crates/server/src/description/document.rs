//! `/openapi.json`: what all routes say of themselves, as one document.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApiBuilder, Paths, Required,
    ResponsesBuilder,
};

use super::{Described, input};

const ABOUT: &str = "An integration server of your own, speaking Ampersand's API. \
    /v1 is the Platform API, /read/v1 the Read API, /write/v1 the Write API, /search/v1 the Search API. Fields without a value are left out.";

/// The document. Types with a name are described once, and referred to.
pub(crate) fn document(described: Vec<Described>) -> Bytes {
    let mut paths = Paths::new();
    let mut schemas = BTreeMap::new();
    for one in described {
        let description = one.description;
        schemas.extend(description.schemas);
        let (module, name) = description.handler;
        let mut operation = OperationBuilder::new()
            .operation_id(Some(format!("{module}.{name}")))
            .tag(module)
            .responses(
                ResponsesBuilder::new()
                    .responses_from_iter(description.responses)
                    .build(),
            )
            .request_body(description.body);
        let in_path = parameters(&one.path).map(|name| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .build()
        });
        for parameter in in_path.chain(description.parameters) {
            operation = operation.parameter(parameter);
        }
        for requirement in description.security {
            operation = operation.security(requirement);
        }
        paths.add_path_operation(one.path, vec![one.method], operation.build());
    }
    let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Api-Key")));
    let bearer = || HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    let jwt = bearer().bearer_format("JWT").build();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(input::API_KEY, key)
        .security_scheme(input::BEARER, SecurityScheme::Http(jwt))
        .security_scheme(input::SESSION, SecurityScheme::Http(bearer().build()))
        .build();
    let info = InfoBuilder::new()
        .title("Ligature")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(
            LicenseBuilder::new()
                .name(env!("CARGO_PKG_LICENSE"))
                .build(),
        ));
    let whole = OpenApiBuilder::new()
        .info(info.build())
        .paths(paths)
        .components(Some(components));
    // It is made of strings and maps of strings, which is what JSON can hold.
    let mut whole = serde_json::to_value(whole.build()).unwrap_or_default();
    without_null(&mut whole);
    refer(&mut whole);
    Bytes::from(whole.to_string())
}

/// The names of a path's parameters.
fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// What may be absent may also be null in a request, and is never null in an
/// answer; the first goes without saying.
fn without_null(value: &mut Value) {
    let null = json!({ "type": "null" });
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(object) => {
            object.values_mut().for_each(without_null);
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|one| one != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    object.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("oneOf") {
                choices.retain(|one| *one != null);
                if let [Value::Object(one)] = choices.as_slice() {
                    let one = one.clone();
                    object.remove("oneOf");
                    object.extend(one);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Lists hold their items' schemas whole: what has a name is referred to by it.
fn refer(document: &mut Value) {
    let named = document.pointer("/components/schemas").cloned();
    let Some(Value::Object(named)) = named else {
        return;
    };
    if let Some(paths) = document.get_mut("paths") {
        refer_within(paths, &named);
    }
}

fn refer_within(value: &mut Value, named: &Map<String, Value>) {
    if value.get("properties").is_some()
        && let Some((name, _)) = named.iter().find(|(_, schema)| *schema == value)
    {
        *value = json!({ "$ref": format!("#/components/schemas/{name}") });
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| refer_within(item, named)),
        Value::Object(object) => object
            .values_mut()
            .for_each(|item| refer_within(item, named)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
