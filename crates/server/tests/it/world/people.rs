//! Builders of a world: accounts, and clients that have signed in.

use engine::actions;
use secrecy::SecretString;
use serde_json::json;
use store::Role;

use super::{Api, World};

/// The password of every builder.
pub(crate) const PASSWORD: &str = "correct horse battery";

impl World {
    /// An account that the person at the machine makes; its id.
    pub(crate) async fn add_builder(&self, email: &str, role: Role) -> String {
        let operator = self.engine.store.operator();
        let password = SecretString::from(PASSWORD);
        let created = actions::builder::create(&self.engine, &operator, email, &password, role);
        created.await.unwrap().id
    }

    /// A client of somebody who has an account.
    pub(crate) async fn sign_in(&self, email: &str) -> Api {
        let body = json!({ "email": email, "password": PASSWORD });
        let session = self.api.without_key().post("/v1/sessions", &body).await;
        let session = session.json(201);
        self.api.with_bearer(session["token"].as_str().unwrap())
    }

    /// A client of an owner, and the id of the organisation.
    pub(crate) async fn owner(&self) -> (Api, String) {
        self.add_builder("ada@example.com", Role::Owner).await;
        let api = self.sign_in("ada@example.com").await;
        let info = api.get("/v1/my-info").await.json(200);
        let org = info["orgRole"]["org"]["id"].as_str().unwrap().to_owned();
        (api, org)
    }
}
