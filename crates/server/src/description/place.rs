//! Where a path leads. The router knows whole segments only, so paths that differ
//! within their last segment, or behind a parameter that holds slashes, share one
//! route, and are told apart by how they end.

use std::pin::Pin;

use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::handler::Handler;
use axum::http::Method;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, any};
use engine::Engine;

use crate::app::{no_method, no_route};
use crate::problem::Problem;

/// What the path of a request ends in; it is no part of the last parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending(pub(crate) &'static str);

/// All that shares a route.
#[derive(Clone, Default)]
pub(super) struct Place {
    plain: Option<MethodRouter<Engine>>,
    calls: Vec<Call>,
}

#[derive(Clone)]
struct Call {
    ending: &'static str,
    method: Method,
    router: MethodRouter<Engine>,
}

/// The route that a template goes by, and the ending that tells it from others.
pub(super) fn parts(template: &'static str) -> (&'static str, &'static str) {
    let Some(end) = template.rfind('}').map(|at| at + 1) else {
        return (template, "");
    };
    let (route, ending) = template.split_at(end);
    let last = route.rsplit('/').next().unwrap_or_default();
    match ending.starts_with(':') || last.starts_with("{*") {
        true => (route, ending),
        false => (template, ""),
    }
}

impl Place {
    pub(super) fn add(
        &mut self,
        ending: &'static str,
        method: Method,
        router: MethodRouter<Engine>,
    ) {
        if ending.is_empty() {
            self.plain = Some(match self.plain.take() {
                Some(plain) => plain.merge(router),
                None => router,
            });
        } else {
            self.calls.push(Call {
                ending,
                method,
                router,
            });
        }
    }

    pub(super) fn into_router(mut self) -> MethodRouter<Engine> {
        if self.calls.is_empty() {
            return self.plain.unwrap_or_default();
        }
        self.plain = self.plain.map(|plain| plain.fallback(no_method));
        any(self)
    }
}

impl Handler<(), Engine> for Place {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(mut self, request: Request, engine: Engine) -> Self::Future {
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let parameters = match RawPathParams::from_request_parts(&mut parts, &engine).await {
                Ok(parameters) => parameters,
                Err(rejection) => {
                    return Problem::new(400, rejection.body_text()).into_response();
                }
            };
            let last = parameters.iter().last().map_or("", |(_, value)| value);
            // As everywhere, HEAD is answered as GET is.
            let method = match parts.method {
                Method::HEAD => Method::GET,
                ref other => other.clone(),
            };
            self.calls.retain(|call| call.method == method);
            let call = self.calls.iter().position(|call| {
                let value = last.strip_suffix(call.ending);
                value.is_some_and(|value| !value.is_empty())
            });
            let call = match call {
                Some(at) => Some(self.calls.swap_remove(at)),
                None => match unknown_call(last, &self.calls) {
                    Some(problem) => return problem.into_response(),
                    None => None,
                },
            };
            let router = match call {
                Some(call) => {
                    parts.extensions.insert(Ending(call.ending));
                    Some(call.router)
                }
                None => self.plain,
            };
            let request = Request::from_parts(parts, body);
            match router {
                Some(router) => router.call(request, engine).await,
                None => no_route.call(request, engine).await,
            }
        })
    }
}

/// Nothing that has calls has a name with a colon in its last segment.
fn unknown_call(last: &str, calls: &[Call]) -> Option<Problem> {
    let names = calls.iter().map(|call| call.ending);
    let names: Vec<&str> = names.filter(|ending| ending.starts_with(':')).collect();
    let (_, called) = last.rsplit('/').next()?.split_once(':')?;
    (!names.is_empty()).then(|| {
        Problem::new(404, format!("there is nothing called `:{called}`"))
            .remedy(format!("What can be called here: {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_template_is_taken_apart_where_the_router_cannot() {
        for (template, expected) in [
            ("/projects", ("/projects", "")),
            ("/projects/{p}/topics", ("/projects/{p}/topics", "")),
            (
                "/p/{p}/connections:generate",
                ("/p/{p}/connections:generate", ""),
            ),
            ("/i/{i}:pause", ("/i/{i}", ":pause")),
            ("/o/{*name}", ("/o/{*name}", "")),
            ("/o/{*name}:call", ("/o/{*name}", ":call")),
            ("/o/{*name}/metadata", ("/o/{*name}", "/metadata")),
        ] {
            assert_eq!(parts(template), expected);
        }
    }
}
