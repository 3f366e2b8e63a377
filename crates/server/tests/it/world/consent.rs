//! The customer's part: the consent page, the button, the way back.

use http::{Request, header};
use url::{Url, form_urlencoded};

use super::World;
use super::api::{Answer, exchange};

impl World {
    /// Presses a button (`approve` or `deny`) on the page at `authorize_url`;
    /// returns where the browser is sent.
    pub(crate) async fn decide(&self, authorize_url: &str, decision: &str) -> String {
        let page = exchange(
            &self.api.outbound,
            Request::get(authorize_url).body(Vec::new()).unwrap(),
        )
        .await;
        assert_eq!(page.status, 200, "{}", page.text());
        let mut action = Url::parse(authorize_url).unwrap();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(action.query_pairs());
        form.append_pair("decision", decision);
        let form = form.finish().into_bytes();
        action.set_query(None);
        let press = Request::post(action.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form)
            .unwrap();
        let redirect = exchange(&self.api.outbound, press).await;
        assert_eq!(redirect.status, 302, "{}", redirect.text());
        redirect.header("location").to_owned()
    }

    /// The whole way, as a browser goes it: the callback's page.
    pub(crate) async fn consent(&self, authorize_url: &str, decision: &str) -> Answer {
        let back = self.decide(authorize_url, decision).await;
        self.follow(&back).await
    }

    /// Opens an address as a browser does, without a key.
    pub(crate) async fn follow(&self, url: &str) -> Answer {
        exchange(
            &self.api.outbound,
            Request::get(url).body(Vec::new()).unwrap(),
        )
        .await
    }
}
