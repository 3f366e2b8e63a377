//! The HTML of the consent step: a form that works in a browser and in a script.

use crate::app::Shared;
use crate::data::Person;
use crate::parameters::Parameters;
use std::fmt::Write;

/// Parameters that the form carries over.
const CARRIED: &[&str] = &[
    "client_id",
    "response_type",
    "redirect_uri",
    "state",
    "scope",
];

/// The page with Approve and Deny.
pub(super) fn page(app: &Shared, parameters: &Parameters, scopes: &[String]) -> String {
    let mut hidden = String::new();
    for name in CARRIED {
        if let Some(value) = parameters.get(name) {
            let value = escape(value);
            push(
                &mut hidden,
                format_args!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n"),
            );
        }
    }
    let mut people = String::new();
    for person in Person::all() {
        push(
            &mut people,
            format_args!(
                "<option value=\"{}\">{}</option>",
                person.nickname, person.display_name
            ),
        );
    }
    let mut wanted = String::new();
    for scope in scopes {
        push(&mut wanted, format_args!("<li>{}</li>", escape(scope)));
    }
    let client = escape(&app.options.client_id);
    frame(
        "Confirm access to your account",
        &format!(
            "<p><strong>{client}</strong> is requesting access to:</p><ul>{wanted}</ul>\n\
             <form method=\"post\" action=\"/site/oauth2/authorize\">\n{hidden}\
             <p><label>Signed in as <select name=\"user\">{people}</select></label></p>\n\
             <button type=\"submit\" name=\"decision\" value=\"approve\">Grant access</button>\n\
             <button type=\"submit\" name=\"decision\" value=\"deny\">Deny</button>\n</form>"
        ),
    )
}

/// Where a request ends that must not be redirected.
pub(super) fn misconfigured(what: &str) -> String {
    frame(
        what,
        "<p>This integration is misconfigured. Contact the vendor for assistance.</p>",
    )
}

fn frame(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>{title} (sandbox)</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;\
         padding:0 1rem}}button{{font:inherit;padding:.4rem 1rem;margin-right:.5rem}}</style>\
         </head><body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    let written = text.write_fmt(part);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
