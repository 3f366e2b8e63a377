//! A browser without scripts: it keeps cookies, follows what it is sent to, and
//! fills forms as they stand on the page.

use std::collections::BTreeMap;

use http::{Method, header};
use url::form_urlencoded;

use super::people::PASSWORD;
use super::{Answer, Api, World};

/// One person's browser.
#[derive(Debug)]
pub(crate) struct Browser {
    api: Api,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl World {
    /// A browser that has been nowhere yet.
    pub(crate) fn browser(&self) -> Browser {
        Browser {
            api: self.api.without_key(),
            cookies: BTreeMap::new(),
        }
    }

    /// The browser of an owner who has signed in.
    pub(crate) async fn owners_browser(&self) -> Browser {
        self.add_builder("ada@example.com", store::Role::Owner)
            .await;
        let mut browser = self.browser();
        browser.sign_in("ada@example.com").await;
        browser
    }

    /// Where the pages of the world's project are.
    pub(crate) async fn pages(&self) -> String {
        let project = self.api.get(&super::path("")).await.json(200);
        format!("/projects/{}", project["id"].as_str().unwrap())
    }
}

impl Browser {
    /// What one request answers; cookies are kept.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: &[(&str, &str)],
        headers: &[(&'static str, &str)],
    ) -> Answer {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        let cookies = cookies.join("; ");
        let mut all = vec![
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("cookie", cookies.as_str()),
        ];
        all.extend(headers);
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(body)
            .finish();
        let answer = self.api.send(method, path, body.into_bytes(), &all).await;
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// A page, wherever the path leads in the end.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let answer = self.send(Method::GET, path, &[], &[]).await;
        self.follow(answer).await
    }

    async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..5 {
            if !answer.status.is_redirection() {
                return answer;
            }
            let place = answer.header("location").to_owned();
            answer = self.send(Method::GET, &place, &[], &[]).await;
        }
        panic!("one redirect leads to another");
    }

    /// Sends the form of a page: the fields that are hidden there, and these.
    pub(crate) async fn submit(
        &mut self,
        page: &Answer,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let text = page.text();
        let hidden = hidden(&text, action);
        let mut all: Vec<_> = hidden
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        all.extend(fields);
        let origin = self.api.origin.clone();
        let headers = [
            ("sec-fetch-site", "same-origin"),
            ("origin", origin.as_str()),
        ];
        let answer = self.send(Method::POST, action, &all, &headers).await;
        self.follow(answer).await
    }

    /// Sends fields to a place, with the token of a page whose forms may go
    /// elsewhere, or nowhere in particular.
    pub(crate) async fn post(
        &mut self,
        page: &Answer,
        place: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let token = form_token(page);
        let mut all = vec![("form_token", token.as_str())];
        all.extend(fields);
        let answer = self.send(Method::POST, place, &all, &[]).await;
        self.follow(answer).await
    }

    pub(crate) async fn sign_in(&mut self, email: &str) -> Answer {
        let page = self.get("/sign-in").await;
        let fields = [("email", email), ("password", PASSWORD)];
        self.submit(&page, "/sign-in", &fields).await
    }
}

/// What the forms of a page carry.
pub(crate) fn form_token(page: &Answer) -> String {
    attribute(&page.text(), "name=\"form_token\" value")
}

/// The hidden fields of the first form with that action.
fn hidden(html: &str, action: &str) -> Vec<(String, String)> {
    let begin = format!("action=\"{}\"", action.replace('&', "&#38;"));
    let (_, form) = html
        .split_once(&begin)
        .unwrap_or_else(|| panic!("no form goes to {action}: {html}"));
    let (form, _) = form.split_once("</form>").unwrap();
    let inputs = form.split("<input type=\"hidden\" ").skip(1);
    inputs
        .map(|input| (attribute(input, "name"), attribute(input, "value")))
        .collect()
}

/// Everything that the first form with that action sends as it stands.
pub(crate) fn as_it_stands(html: &str, action: &str) -> Vec<(String, String)> {
    let begin = format!("action=\"{}\"", action.replace('&', "&#38;"));
    let (_, form) = html.split_once(&begin).unwrap();
    let (form, _) = form.split_once("</form>").unwrap();
    let mut fields = Vec::new();
    for piece in form.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap();
        let is_box = tag.contains("type=\"checkbox\"") || tag.contains("type=\"radio\"");
        if tag.starts_with("input ") && (!is_box || tag.ends_with(" checked")) {
            fields.push((attribute(tag, "name"), attribute(tag, "value")));
        } else if tag.starts_with("select ") {
            // The first option is chosen where none is.
            fields.push((attribute(tag, "name"), String::new()));
        } else if tag.starts_with("option ") && tag.ends_with(" selected") {
            fields.last_mut().unwrap().1 = attribute(tag, "value");
        }
    }
    fields
}

fn attribute(tag: &str, name: &str) -> String {
    let (_, rest) = tag.split_once(&format!("{name}=\"")).unwrap();
    let value = rest.split('"').next().unwrap();
    [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
    ]
    .into_iter()
    .fold(value.to_owned(), |value, (escaped, plain)| {
        value.replace(escaped, plain)
    })
}
