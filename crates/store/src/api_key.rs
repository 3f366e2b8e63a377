//! API keys: only a hash of the whole key is kept, next to its public part.

use jiff::Timestamp;
use rand::seq::IndexedRandom as _;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder};
use secrecy::{ExposeSecret, SecretString};

use crate::audit::note;
use crate::columns::{At, Words, ms};
use crate::entities::{api_key, insert};
use crate::error::{Result, StoreError, or_conflict};
use crate::ids;
use crate::scope::Tenant;
use crate::secrets::digest;

/// Characters of keys: none that need escaping anywhere.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters after `lig_` that may be shown.
const PUBLIC_CHARS: usize = 12;
/// Characters that only the owner knows: 238 bits.
const SECRET_CHARS: usize = 40;

/// An API key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The identifier.
    pub id: String,
    /// The project that it sees.
    pub project_id: String,
    /// The public part: `lig_` and 12 characters.
    pub key: String,
    /// A name for people.
    pub label: Option<String>,
    /// The scopes as they were given; none is everything.
    pub scopes: Vec<String>,
    /// Whether it still opens anything.
    pub active: bool,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

/// What an API key is created from.
#[derive(Debug, Clone, Default)]
pub struct NewApiKey {
    /// A name for people.
    pub label: Option<String>,
    /// Scopes; none is everything.
    pub access: Vec<String>,
    /// The whole key, where it is given from outside; else one is made.
    pub whole: Option<SecretString>,
}

/// What changes of a key; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ApiKeyChange {
    /// A name for people.
    pub label: Option<String>,
    /// Scopes; none is everything.
    pub access: Option<Vec<String>>,
    /// Whether it opens anything.
    pub active: Option<bool>,
}

impl From<api_key::Model> for ApiKey {
    fn from(row: api_key::Model) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            key: row.key,
            label: row.label,
            scopes: row.scopes.0,
            active: row.active,
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        }
    }
}

impl Tenant<'_> {
    /// Creates a key and returns it with the whole key, which is nowhere kept.
    pub async fn create_api_key(
        &self,
        new: NewApiKey,
        now: Timestamp,
    ) -> Result<(ApiKey, SecretString)> {
        let whole = new.whole.unwrap_or_else(generate);
        let row = api_key::Model {
            id: ids::new(),
            project_id: self.scope.project_id().to_owned(),
            key: public_part(whole.expose_secret()),
            digest: digest(whole.expose_secret()),
            label: new.label,
            scopes: Words(new.access),
            active: true,
            create_time: At(now),
            update_time: None,
        };
        let tx = self.store.write().await?;
        insert(tx.db(), row.clone())
            .await
            .map_err(|error| or_conflict(error, "API key", || row.key.clone()))?;
        note(&tx, self.scope, "api-key.create", &row.key, now).await?;
        tx.commit().await?;
        Ok((row.into(), whole))
    }

    /// Every key of the project, oldest first.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>> {
        let rows = api_key::Entity::find()
            .filter(api_key::Column::ProjectId.eq(self.scope.project_id()))
            .order_by_asc(api_key::Column::Id)
            .all(self.store.read())
            .await?;
        Ok(rows.into_iter().map(ApiKey::from).collect())
    }

    /// One key, named by its public part or whole.
    pub async fn api_key(&self, public_part_or_whole: &str) -> Result<ApiKey> {
        let row = api_key::Entity::find()
            .filter(api_key::Column::ProjectId.eq(self.scope.project_id()))
            .filter(
                api_key::Column::Key
                    .eq(public_part_or_whole)
                    .or(api_key::Column::Digest.eq(digest(public_part_or_whole))),
            )
            .one(self.store.read())
            .await?;
        row.map(ApiKey::from)
            .ok_or_else(|| StoreError::not_found("API key", public_part(public_part_or_whole)))
    }

    /// Changes what is given of a key.
    pub async fn change_api_key(
        &self,
        public_part_or_whole: &str,
        change: ApiKeyChange,
        now: Timestamp,
    ) -> Result<ApiKey> {
        let known = self.api_key(public_part_or_whole).await?;
        let tx = self.store.write().await?;
        tx.execute(
            "UPDATE api_key SET label = COALESCE($2, label), scopes = COALESCE($3, scopes), \
             active = COALESCE($4, active), update_time = $5 WHERE id = $1",
            [
                known.id.as_str().into(),
                change.label.into(),
                change.access.map(Words).into(),
                change.active.into(),
                ms(now).into(),
            ],
        )
        .await?;
        note(&tx, self.scope, "api-key.update", &known.key, now).await?;
        tx.commit().await?;
        self.api_key(&known.key).await
    }

    /// Deletes a key, named by its public part or whole.
    pub async fn delete_api_key(&self, public_part_or_whole: &str, now: Timestamp) -> Result<()> {
        let known = self.api_key(public_part_or_whole).await?;
        let tx = self.store.write().await?;
        tx.execute(
            "DELETE FROM api_key WHERE id = $1",
            [known.id.as_str().into()],
        )
        .await?;
        note(&tx, self.scope, "api-key.delete", &known.key, now).await?;
        tx.commit().await
    }

    /// Makes a key, named by its public part or whole, open nothing any more.
    pub async fn revoke_api_key(&self, public_part_or_whole: &str, now: Timestamp) -> Result<()> {
        let tx = self.store.write().await?;
        let changed = tx
            .execute(
                "UPDATE api_key SET active = FALSE, update_time = $1 \
                 WHERE project_id = $2 AND (key = $3 OR digest = $4)",
                [
                    ms(now).into(),
                    self.scope.project_id().into(),
                    public_part_or_whole.into(),
                    digest(public_part_or_whole).into(),
                ],
            )
            .await?;
        if changed == 0 {
            return Err(StoreError::not_found(
                "API key",
                public_part(public_part_or_whole),
            ));
        }
        let key = public_part(public_part_or_whole);
        note(&tx, self.scope, "api-key.revoke", &key, now).await?;
        tx.commit().await
    }
}

/// A new whole key: `lig_`, the public characters, `_`, the secret ones.
fn generate() -> SecretString {
    let public = random_text(PUBLIC_CHARS);
    let secret = random_text(SECRET_CHARS);
    SecretString::from(format!("lig_{public}_{secret}"))
}

fn random_text(chars: usize) -> String {
    let mut rng = rand::rng();
    (0..chars)
        .filter_map(|_| ALPHABET.choose(&mut rng))
        .map(|byte| char::from(*byte))
        .collect()
}

/// What may be shown of a whole key. Of one that was made elsewhere and has no
/// public part, some of its hash stands in.
fn public_part(whole: &str) -> String {
    whole
        .strip_prefix("lig_")
        .and_then(|rest| rest.split_once('_'))
        .filter(|(public, secret)| public.len() == PUBLIC_CHARS && secret.len() >= SECRET_CHARS / 2)
        .map_or_else(
            || {
                let hash: String = digest(whole).chars().take(PUBLIC_CHARS).collect();
                format!("lig_{hash}")
            },
            |(public, _)| format!("lig_{public}"),
        )
}
