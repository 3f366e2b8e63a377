//! Sessions: a builder who has signed in, by a token of which a hash is kept.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use secrecy::{ExposeSecret, SecretString};

use crate::Store;
use crate::columns::{At, ms};
use crate::entities::{builder_session, insert};
use crate::error::Result;
use crate::scope::Actor;
use crate::secrets::digest;

/// What a session is begun with.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Whose it is.
    pub builder_id: &'a str,
    /// What opens it.
    pub token: &'a SecretString,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Store {
    /// Begins a session of a builder whose password was right. Those of the same
    /// builder that are over are forgotten.
    pub async fn begin_session(&self, new: NewSession<'_>, now: Timestamp) -> Result<()> {
        let row = builder_session::Model {
            digest: digest(new.token.expose_secret()),
            builder_id: new.builder_id.to_owned(),
            expires_at: At(new.expires_at),
            create_time: At(now),
        };
        let tx = self.write().await?;
        tx.execute(
            "DELETE FROM builder_session WHERE builder_id = $1 AND expires_at <= $2",
            [new.builder_id.into(), ms(now).into()],
        )
        .await?;
        insert(tx.db(), row).await?;
        tx.commit().await
    }

    /// The builder of a session; `None` when there is no such one, or it is over.
    pub async fn authenticate_session(&self, token: &str, now: Timestamp) -> Result<Option<Actor>> {
        let row = builder_session::Entity::find_by_id(digest(token))
            .filter(builder_session::Column::ExpiresAt.gt(At(now)))
            .one(self.read())
            .await?;
        Ok(row.map(|row| Actor::builder(row.builder_id)))
    }

    /// Ends a session.
    pub async fn end_session(&self, token: &str) -> Result<()> {
        let statement = self.backend().sql(
            "DELETE FROM builder_session WHERE digest = $1",
            [digest(token).into()],
        );
        self.write_once(statement).await?;
        Ok(())
    }
}
