//! A customer's browser at the hosted install page: it keeps cookies, follows links
//! on the page and sends the forms that it finds.

use http::{Request, header};
use outbound::Outbound;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::api::{Answer, exchange};
use super::steps::GROUP;
use super::{World, path};

/// A browser, and the link that it was given.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    outbound: Outbound,
    origin: String,
    /// Path and query of the page.
    pub(crate) place: String,
    pub(crate) cookie: Option<String>,
}

impl World {
    /// A new link; `more` goes into the request.
    pub(crate) async fn install_link(&self, more: Value) -> Value {
        let mut new = json!({
            "integrationIdOrName": "bitbucket-sync",
            "groupRef": GROUP, "groupName": "Customer One",
            "consumerRef": "ada", "consumerName": "Ada",
        });
        let more = more.as_object().unwrap().clone();
        new.as_object_mut().unwrap().extend(more);
        self.api.post(&path("/install-links"), &new).await.json(201)
    }

    /// A browser that has been given that link.
    pub(crate) fn customer_of(&self, link: &Value) -> Customer {
        let url = link["url"].as_str().unwrap();
        Customer {
            outbound: self.api.outbound.clone(),
            origin: self.api.origin.clone(),
            place: url.strip_prefix(&self.api.origin).unwrap().to_owned(),
            cookie: None,
        }
    }

    /// A browser with a new link.
    pub(crate) async fn customer(&self) -> Customer {
        let link = self.install_link(json!({})).await;
        self.customer_of(&link)
    }
}

impl Customer {
    /// The address of a step of the page.
    pub(crate) fn at(&self, step: &str) -> String {
        let (page, query) = self.place.split_once('?').unwrap();
        match step {
            "" => self.place.clone(),
            step => format!("{page}/{step}?{query}"),
        }
    }

    pub(crate) async fn get(&mut self, place: &str) -> Answer {
        let request = Request::get(format!("{}{place}", self.origin));
        self.send(request.body(Vec::new())).await
    }

    /// The page.
    pub(crate) async fn open(&mut self) -> Answer {
        let place = self.place.clone();
        self.get(&place).await
    }

    /// Sends a form of the page that is there, to a step.
    pub(crate) async fn press(&mut self, step: &str, form: &[(&str, &str)]) -> Answer {
        let page = if step == "disconnect" { step } else { "" };
        self.press_from(page, step, form).await
    }

    /// Sends a form of a step's page, to a step.
    pub(crate) async fn press_from(
        &mut self,
        page: &str,
        step: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let place = self.at(page);
        let token = token_of(&self.get(&place).await);
        let mut all = vec![("form", token.as_str())];
        all.extend(form);
        self.post(step, &all).await
    }

    /// Sends a form that is just this.
    pub(crate) async fn post(&mut self, step: &str, form: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::post(format!("{}{}", self.origin, self.at(step)))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(body.into_bytes())).await
    }

    /// Opens a whole address, as when the provider sends the browser back.
    pub(crate) async fn follow(&mut self, url: &str) -> Answer {
        self.send(Request::get(url).body(Vec::new())).await
    }

    /// Asks to connect; returns where the consent is.
    pub(crate) async fn begin(&mut self, workspace: &str) -> String {
        let form = [("input:workspace", workspace), ("do", "consent")];
        let page = self.press("connect", &form).await;
        consent_url(&page)
    }

    async fn send(&mut self, request: http::Result<Request<Vec<u8>>>) -> Answer {
        let mut request = request.unwrap();
        if let Some(cookie) = &self.cookie {
            let headers = request.headers_mut();
            headers.insert(header::COOKIE, cookie.parse().unwrap());
        }
        let answer = exchange(&self.outbound, request).await;
        if let Some(set) = answer.headers.get(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            self.cookie = Some(pair.to_owned());
        }
        answer
    }
}

/// Where a page sends the browser to consent.
pub(crate) fn consent_url(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    let url = text.split_once("content=\"0;url=").unwrap().1;
    url.split_once('"')
        .unwrap()
        .0
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

/// What the forms of a page carry.
pub(crate) fn token_of(page: &Answer) -> String {
    let text = page.text();
    let token = text.split_once("name=\"form\" value=\"");
    let (_, token) = token.unwrap_or_else(|| panic!("a form: {text}"));
    token.split_once('"').unwrap().0.to_owned()
}
