//! Refusals that no object's fixtures have: statuses and bodies at the edges.

use super::cases::render_failure;
use super::{answer, failed, first};

const JSON: &str = "application/json";

fn means(status: u16, content_type: &str, body: &str) -> String {
    let response = answer(status, content_type, body);
    render_failure(&failed(first("projects", &response)))
}

#[test]
fn statuses_decide() {
    let error = r#"{"type":"error","error":{"message":"So it is"}}"#;
    for (status, meant) in [
        (
            204,
            "protocol: Bitbucket answered with status 204: So it is",
        ),
        (
            301,
            "protocol: Bitbucket redirected (status 301), which its API does not do",
        ),
        (400, "invalid: So it is"),
        (401, "unauthorized: So it is"),
        (403, "forbidden: So it is"),
        (
            404,
            "not_found: Bitbucket found no workspace \"acme\": So it is",
        ),
        (
            406,
            "protocol: Bitbucket answered with status 406: So it is",
        ),
        (409, "conflict: So it is"),
        (410, "gone: So it is"),
        (500, "unavailable: Bitbucket failed with status 500"),
        (555, "unavailable: Bitbucket failed with status 555"),
        (
            999,
            "protocol: Bitbucket answered with status 999: So it is",
        ),
    ] {
        assert_eq!(means(status, JSON, error), meant);
    }
}

#[test]
fn bodies_that_are_not_json_are_never_quoted() {
    let page = "<p>someone@example.com secret</p>";
    let lie = r#"{"error":{"message":"secret"}}"#;
    for status in [
        200, 302, 400, 401, 403, 404, 406, 409, 410, 429, 500, 502, 555,
    ] {
        for (content_type, body) in [
            ("text/html", page),
            ("text/plain", page),
            ("", page),
            ("text/html", lie),
            // Says JSON, but is not.
            (JSON, page),
        ] {
            let meant = means(status, content_type, body);
            assert!(
                !meant.contains("secret"),
                "{status} {content_type}: {meant}"
            );
        }
    }
    let cut = r#"{"values":[{"uuid":"secret","#;
    assert!(!means(200, JSON, cut).contains("secret"));
    let wrong = r#"{"values":"secret"}"#;
    assert!(!means(200, JSON, wrong).contains("secret"));
}

#[test]
fn fields_say_why() {
    let body = r#"{"type":"error","error":{"message":"Bad request","fields":
        {"name":["Too long.","Too dull."],"key":"Taken.","odd":{"a":1},"none":null}}}"#;
    assert_eq!(
        means(400, "application/json; charset=utf-8", body),
        "invalid: Bad request\nfield key: Taken.\nfield name: Too long.; Too dull.\n\
         field none: \nfield odd: {\"a\":1}"
    );
}

#[test]
fn odd_errors_are_borne() {
    for body in [
        "",
        "null",
        "[]",
        "\"secret\"",
        r#"{"error":"secret"}"#,
        r#"{"error":{}}"#,
    ] {
        assert_eq!(
            means(403, JSON, body),
            "forbidden: Bitbucket does not allow this to the connected account (403)"
        );
    }
    let long = format!(r#"{{"error":{{"message":"{}"}}}}"#, "é".repeat(5000));
    assert_eq!(
        means(400, JSON, &long).chars().count(),
        "invalid: ".len() + 1000
    );
    let announced = r#"{"error":{"message":"x"},"data":{"announcement_url":"javascript:x"}}"#;
    assert_eq!(means(410, JSON, announced), "gone: x");
}

#[test]
fn waits_are_never_negative_nor_guessed() {
    for (retry_after, date, meant) in [
        ("0", None, "\nretry after: 0 s"),
        (" 7 ", None, "\nretry after: 7 s"),
        ("-7", None, ""),
        ("soon", None, ""),
        ("Mon, 23 Nov 2026 10:00:00 GMT", None, ""),
        (
            "Mon, 23 Nov 2026 10:00:00 GMT",
            Some("Mon, 23 Nov 2026 11:00:00 GMT"),
            "\nretry after: 0 s",
        ),
    ] {
        let mut response = answer(429, "text/plain", "");
        response
            .headers
            .push(("retry-after".to_owned(), retry_after.to_owned()));
        if let Some(date) = date {
            response.headers.push(("date".to_owned(), date.to_owned()));
        }
        let failure = failed(first("projects", &response));
        let limit = "rate_limited: the provider's request limit is reached";
        assert_eq!(
            render_failure(&failure),
            format!("{limit}{meant}"),
            "{retry_after}"
        );
    }
}
