//! Routes that describe themselves. The call that adds a route also adds it to
//! `/openapi.json`: parameters, bodies, answers and refusals come from the types
//! of its handler, and from nowhere else. A handler whose types say nothing of
//! the kind does not compile, so no route is left out and no description outlives
//! a change.
//!
//! A path is written as the contract writes it. `{*name}` is a parameter that may
//! hold slashes; what follows the last parameter within its segment, such as
//! `:pause`, and everything behind `{*name}`, is told apart here, so a handler
//! sees only the values.

mod answer;
mod document;
mod input;
mod place;

use std::collections::BTreeMap;

use axum::Router;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::routing::MethodRouter;
use engine::Engine;
use utoipa::ToSchema;
use utoipa::openapi::path::{HttpMethod, Parameter};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder};

pub(crate) use document::document;
pub(crate) use place::Ending;
use place::Place;

use crate::problem::Problem;

/// The schema of a string that is one of some words.
pub(crate) fn one_of(words: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .build()
}

/// Routes that are not nested yet, with what they say of themselves.
#[derive(Default)]
pub(crate) struct Api {
    places: BTreeMap<&'static str, Place>,
    described: Vec<Described>,
}

/// One operation of the document.
pub(crate) struct Described {
    path: String,
    method: HttpMethod,
    description: Description,
}

/// What can be done at one path.
#[derive(Default)]
pub(crate) struct Operations(Vec<Operation>);

struct Operation {
    method: Method,
    described: HttpMethod,
    router: MethodRouter<Engine>,
    description: Description,
}

impl Api {
    /// Adds a path, relative to where the routes will be nested.
    pub(crate) fn route(mut self, template: &'static str, operations: Operations) -> Self {
        let (route, ending) = place::parts(template);
        let place = self.places.entry(route).or_default();
        for operation in operations.0 {
            place.add(ending, operation.method, operation.router);
            self.described.push(Described {
                path: template.replace("{*", "{"),
                method: operation.described,
                description: operation.description,
            });
        }
        self
    }

    /// The routes, and their description below a prefix.
    pub(crate) fn finish(self, prefix: &str) -> (Router<Engine>, Vec<Described>) {
        let router = self
            .places
            .into_iter()
            .fold(Router::new(), |router, (route, place)| {
                router.route(route, place.into_router())
            });
        let mut described = self.described;
        for one in &mut described {
            one.path.insert_str(0, prefix);
        }
        (router, described)
    }
}

macro_rules! methods {
    ($($name:ident $method:ident $described:ident),+) => {
        $(
            /// An operation of this method.
            pub(crate) fn $name<H, T>(handler: H) -> Operations
            where
                H: Handler<T, Engine> + Describe<T>,
                T: 'static,
            {
                Operations::default().$name(handler)
            }
        )+
        impl Operations {
            $(
                /// And one of this method.
                pub(crate) fn $name<H, T>(mut self, handler: H) -> Self
                where
                    H: Handler<T, Engine> + Describe<T>,
                    T: 'static,
                {
                    self.0.push(Operation {
                        method: Method::$method,
                        described: HttpMethod::$described,
                        router: axum::routing::$name(handler),
                        description: Description::of::<H, T>(),
                    });
                    self
                }
            )+
        }
    };
}

methods!(get GET Get, post POST Post, put PUT Put, patch PATCH Patch, delete DELETE Delete);

impl Operations {
    /// Statuses that the last operation refuses with, beyond those that its types
    /// say.
    pub(crate) fn refusing(mut self, statuses: &[u16]) -> Self {
        if let Some(operation) = self.0.last_mut() {
            for status in statuses {
                operation.description.refuses(*status);
            }
        }
        self
    }
}

/// What a handler's types say of it.
#[derive(Default)]
pub(crate) struct Description {
    /// Its module and its name.
    handler: (String, String),
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    responses: BTreeMap<String, Response>,
    security: Vec<SecurityRequirement>,
    /// By name, as often as they are met.
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// A handler whose arguments are all [`Input`]s, and whose answer is an [`Answer`].
pub(crate) trait Describe<T> {
    fn describe(description: &mut Description);
}

/// What a handler takes.
pub(crate) trait Input {
    /// Says what is asked of a request; nothing, for what is always there.
    fn describe(_description: &mut Description) {}
}

/// What a handler gives.
pub(crate) trait Answer {
    fn describe(description: &mut Description);
}

impl Description {
    fn of<H: Describe<T>, T>() -> Self {
        let mut description = Self::default();
        // `server::api::topics::create`
        let mut names = std::any::type_name::<H>().rsplit("::");
        let name = names.next().unwrap_or_default().to_owned();
        description.handler = (names.next().unwrap_or_default().to_owned(), name);
        H::describe(&mut description);
        description
    }

    /// Takes a JSON body.
    fn takes<T: ToSchema>(&mut self, required: Required) {
        let schema = self.schema::<T>();
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(required));
        self.body = Some(body.build());
    }

    /// Answers so: a status, or `default`; a content type with a schema, or nothing.
    fn answers(&mut self, status: &str, means: &str, content: Option<(&str, RefOr<Schema>)>) {
        let mut response = ResponseBuilder::new().description(means);
        if let Some((content_type, schema)) = content {
            let content = ContentBuilder::new().schema(Some(schema)).build();
            response = response.content(content_type, content);
        }
        self.responses.insert(status.to_owned(), response.build());
    }

    /// Answers with JSON of this shape and status.
    pub(crate) fn answers_json<T: ToSchema>(&mut self, status: &str, means: &str) {
        let schema = self.schema::<T>();
        self.answers(status, means, Some(("application/json", schema)));
    }

    /// Refuses with this status and a problem.
    fn refuses(&mut self, status: u16) {
        let reason = StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason());
        self.problem(&status.to_string(), reason.unwrap_or("Error"));
    }

    fn problem(&mut self, status: &str, means: &str) {
        let schema = self.schema::<Problem>();
        self.answers(status, means, Some(("application/problem+json", schema)));
    }

    /// The schema of a type; by reference, if it has a name of its own.
    fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        T::schemas(&mut self.schemas);
        let schema = T::schema();
        let RefOr::T(whole) = &schema else {
            return schema;
        };
        let named = match whole {
            Schema::Object(object) => !object.properties.is_empty(),
            Schema::OneOf(_) | Schema::AllOf(_) | Schema::AnyOf(_) => true,
            _ => false,
        };
        if !named {
            return schema;
        }
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), schema));
        RefOr::Ref(Ref::from_schema_name(name))
    }
}

macro_rules! describe {
    ($($input:ident),*) => {
        impl<F, Output, Outcome, M, $($input,)*> Describe<(M, $($input,)*)> for F
        where
            F: FnOnce($($input,)*) -> Output,
            Output: Future<Output = Outcome>,
            Outcome: Answer,
            $($input: Input,)*
        {
            fn describe(description: &mut Description) {
                $($input::describe(description);)*
                Outcome::describe(description);
            }
        }
    };
}

describe!(A);
describe!(A, B);
describe!(A, B, C);
describe!(A, B, C, D);
describe!(A, B, C, D, E);
describe!(A, B, C, D, E, G);
