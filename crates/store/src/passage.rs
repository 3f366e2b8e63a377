//! What a call that is passed on needs to know, in one statement: whether the key
//! opens the project, the installation that is meant, what its customer and the
//! manifest allow, and the credential.
//!
//! It takes no `Scope`, because the key is part of the statement: no row comes of
//! it but those that the key sees. Whoever is refused gets no reason here; the
//! ordinary queries have it.
//!
//! An answer may be kept while [`Store::passages_changed`] stays the same; what
//! other nodes change is not in that number, so on PostgreSQL not for long.

use std::sync::atomic::Ordering;

use sea_orm::{ConnectionTrait, Value};

use crate::Store;
use crate::columns::Words;
use crate::credential::{Credential, StoredCredential};
use crate::error::Result;
use crate::scope::{Access, access};
use crate::secrets::digest;

/// Which installation a call is for. All that is given must hold.
#[derive(Debug, Clone, Copy)]
pub struct PassageWanted<'a> {
    /// The project, by id or name.
    pub project: &'a str,
    /// The installation.
    pub installation_id: Option<&'a str>,
    /// The integration, by id or name.
    pub integration: Option<&'a str>,
    /// The customer.
    pub group_ref: Option<&'a str>,
}

/// An installation through which a key may call, as far as the store can tell.
#[derive(Debug, Clone)]
pub struct Passage {
    /// What the key may use.
    pub access: Access,
    /// The project.
    pub project_id: String,
    /// Whether it wants such calls kept as operations.
    pub keeps_proxied: bool,
    /// The integration.
    pub integration_id: String,
    /// The installation.
    pub installation_id: String,
    /// Its config.
    pub config_id: String,
    /// What its customer chose: JSON.
    pub config: String,
    /// The integration's latest revision: JSON.
    pub manifest: String,
    /// The connection.
    pub connection_id: String,
    /// Its credential.
    pub credential: StoredCredential,
    /// The client of its provider app.
    pub client_id: Option<String>,
}

impl Store {
    /// Counts the changes of this process that a [`Passage`] may show: everything
    /// that somebody did, and every credential that was replaced or refused.
    #[must_use]
    pub fn passages_changed(&self) -> u64 {
        self.inner.passages_changed.load(Ordering::Acquire)
    }

    /// The passage of a whole API key; `None` where there is none.
    pub async fn passage(
        &self,
        whole_key: &str,
        wanted: &PassageWanted<'_>,
    ) -> Result<Option<Passage>> {
        let mut values: Vec<Value> = vec![digest(whole_key).into(), wanted.project.into()];
        let mut conditions = String::new();
        for (condition, value) in [
            ("i.id = {}", wanted.installation_id),
            ("(n.id = {} OR n.name = {})", wanted.integration),
            ("i.group_ref = {}", wanted.group_ref),
        ] {
            if let Some(value) = value {
                values.push(value.into());
                let parameter = format!("${}", values.len());
                conditions.push_str(" AND ");
                conditions.push_str(&condition.replace("{}", &parameter));
            }
        }
        let sql = format!("{SELECT}{conditions} ORDER BY i.id LIMIT 2");
        let statement = self.backend().sql_many(&sql, values);
        let rows = self.read().query_all_raw(statement).await?;
        let mut found = None;
        for row in rows {
            let integration_id: String = row.try_get("", "integration_id")?;
            // An identifier goes before a name that looks like one.
            let is_named = wanted.integration == Some(integration_id.as_str());
            if found.is_none() || is_named {
                found = Some(row);
            }
        }
        let Some(row) = found else {
            return Ok(None);
        };
        let connection_id: String = row.try_get("", "connection_id")?;
        let sealed: Vec<u8> = row.try_get("", "credential")?;
        let scopes: Words = row.try_get("", "scopes")?;
        let project_id: String = row.try_get("", "project_id")?;
        Ok(Some(Passage {
            access: access(&scopes.0),
            project_id: project_id.clone(),
            keeps_proxied: row.try_get("", "keeps_proxied")?,
            integration_id: row.try_get("", "integration_id")?,
            installation_id: row.try_get("", "installation_id")?,
            config_id: row.try_get("", "config_id")?,
            config: row.try_get("", "config")?,
            manifest: row.try_get("", "content")?,
            credential: StoredCredential {
                credential: Credential::open(&self.inner.keys, &connection_id, &sealed)?,
                version: row.try_get("", "credential_version")?,
                status: row.try_get("", "status")?,
                provider_app_id: row.try_get("", "provider_app_id")?,
                project_id,
                provider: row.try_get("", "provider")?,
            },
            client_id: row.try_get("", "client_id")?,
            connection_id,
        }))
    }
}

const SELECT: &str = "SELECT k.scopes, p.id AS project_id, p.keeps_proxied, n.id AS integration_id, \
     i.id AS installation_id, i.config_id, i.config, r.content, i.connection_id, c.credential, \
     c.credential_version, c.status, c.provider_app_id, c.provider, a.client_id \
     FROM api_key k JOIN project p ON p.id = k.project_id \
     JOIN installation i ON i.project_id = p.id \
     JOIN integration n ON n.id = i.integration_id \
     JOIN revision r ON r.id = n.latest_revision_id \
     JOIN connection c ON c.id = i.connection_id \
     LEFT JOIN provider_app a ON a.id = c.provider_app_id \
     WHERE k.digest = $1 AND k.active AND (p.id = $2 OR p.name = $2)";
