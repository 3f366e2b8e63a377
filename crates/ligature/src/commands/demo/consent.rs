//! The customer's part: opens the consent page, presses the button, and follows
//! the redirect back to the server, as a browser would.

use anyhow::Context as _;
use http::{Method, Request, StatusCode, header};
use outbound::Outbound;
use url::{Url, form_urlencoded};

/// Consents at `authorize_url` and returns what the callback page says.
pub(super) async fn approve(outbound: &Outbound, authorize_url: &str) -> anyhow::Result<String> {
    let url = Url::parse(authorize_url).context("the server's consent URL is none")?;
    let page = outbound
        .whole(Request::get(authorize_url).body(Vec::new())?)
        .await?;
    anyhow::ensure!(
        page.status() == StatusCode::OK,
        "the consent page answered {}",
        page.status()
    );

    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(url.query_pairs());
    form.append_pair("decision", "approve");
    let mut action = url.clone();
    action.set_query(None);
    let press = Request::builder()
        .method(Method::POST)
        .uri(action.as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.finish().into_bytes())?;
    let redirect = outbound.whole(press).await?;
    let back = redirect
        .headers()
        .get(header::LOCATION)
        .and_then(|location| location.to_str().ok());
    let back =
        back.with_context(|| format!("consent answered {} and no redirect", redirect.status()))?;

    let page = outbound.whole(Request::get(back).body(Vec::new())?).await?;
    let text = String::from_utf8_lossy(page.body()).into_owned();
    anyhow::ensure!(
        page.status() == StatusCode::OK,
        "the callback answered {}: {}",
        page.status(),
        said(&text)
    );
    Ok(said(&text))
}

/// The sentence on the callback page.
fn said(html: &str) -> String {
    let after = html
        .split_once("<p role=\"status\">")
        .map_or("", |(_, rest)| rest);
    after
        .split_once("</p>")
        .map_or(after, |(text, _)| text)
        .trim()
        .to_owned()
}
