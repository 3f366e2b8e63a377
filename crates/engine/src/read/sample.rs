//! One record of each object before anything is installed: whether the fields
//! that were chosen exist at all.
//!
//! What the provider's table knows needs no look, so most installs cost no call.
//! A field that neither the table nor a record has is most likely misspelt, and
//! would come to nothing in every message. Whatever keeps the look from being
//! taken (a removed object, bad credentials, a limit, a failure, time) is no
//! reason to refuse: the read itself will meet it and say so.

use std::collections::BTreeSet;

use connector::{Connector, Failure, Intent, Outcome, ReadIntent, Record};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::SignedDuration;
use store::Connection;

use super::inputs_of;
use crate::Engine;
use crate::calls::{CallError, Caller, Lane};
use crate::shape::{Selection, lacking};

/// How long somebody who installs waits for it in all.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);
/// Requests for one object: a collection may begin with a list of lists.
const MOST_STEPS: usize = 5;

/// An object that is about to be installed, and the fields that it is to have.
#[derive(Debug, Clone)]
pub(crate) struct Sampled {
    /// The provider's name.
    object_name: String,
    /// Names at the top of the record.
    fields: BTreeSet<String>,
}

impl Sampled {
    /// What is to be looked at; `None` for an object without a schedule.
    pub(crate) fn of(object_name: &str, selection: &Selection) -> Option<Self> {
        (!selection.schedule.trim().is_empty()).then(|| Self {
            object_name: object_name.to_owned(),
            fields: selection.sources().into_iter().map(str::to_owned).collect(),
        })
    }
}

/// A sentence for each field that neither the table nor a record of the account
/// has.
pub(crate) async fn sample(
    engine: &Engine,
    connector: &dyn Connector,
    connection: &Connection,
    objects: &[Sampled],
) -> Vec<String> {
    // Few, since only objects with an unknown field are looked at.
    let mut looks = FuturesUnordered::new();
    for object in objects {
        looks.push(missing(engine, connector, connection, object));
    }
    let mut over = std::pin::pin!(engine.clock.sleep(PATIENCE.unsigned_abs()));
    let mut causes = Vec::new();
    loop {
        tokio::select! {
            look = looks.next() => match look {
                Some(found) => causes.extend(found),
                None => break,
            },
            () = &mut over => {
                tracing::info!(connection = %connection.id, "the sample reads took too long and were left");
                break;
            }
        }
    }
    causes.sort();
    causes
}

/// A sentence for each field that an object lacks, as far as can be told.
async fn missing(
    engine: &Engine,
    connector: &dyn Connector,
    connection: &Connection,
    sampled: &Sampled,
) -> Vec<String> {
    let Some(object) = connector.describe().object(&sampled.object_name) else {
        return Vec::new();
    };
    let known = |field: &&str| object.fields.iter().any(|known| known.name == *field);
    let fields = sampled.fields.iter().map(String::as_str);
    let unknown: Vec<&str> = fields.filter(|field| !known(field)).collect();
    if unknown.is_empty() || object.removed.is_some() {
        return Vec::new();
    }
    let lacking = look(
        engine,
        connector,
        connection,
        &sampled.object_name,
        &unknown,
    )
    .await;
    let sentence = |field: &String| {
        format!(
            "read object `{}`: field `{field}` is neither known nor in a record of the account",
            sampled.object_name
        )
    };
    lacking.iter().map(sentence).collect()
}

/// Those of `unknown` that the first record lacks: all of them where there is no
/// record, and none where it cannot be told.
async fn look(
    engine: &Engine,
    connector: &dyn Connector,
    connection: &Connection,
    object_name: &str,
    unknown: &[&str],
) -> Vec<String> {
    let owned = |fields: &[&str]| fields.iter().map(|field| (*field).to_owned()).collect();
    match first_record(engine, connector, connection, object_name).await {
        Ok(Some(record)) => owned(&lacking(&record, unknown).unwrap_or_default()),
        Ok(None) => owned(unknown),
        Err(error) => {
            tracing::info!(object = object_name, %error, "no sample was read");
            Vec::new()
        }
    }
}

/// The first record of an object in the account; `None` where it has none.
///
/// # Errors
/// What keeps it from being looked at.
pub(crate) async fn first_record(
    engine: &Engine,
    connector: &dyn Connector,
    connection: &Connection,
    object_name: &str,
) -> Result<Option<Record>, CallError> {
    let intent = Intent::Read(ReadIntent {
        object: object_name.to_owned(),
        inputs: inputs_of(connector, &connection.provider_metadata),
        page_size: Some(1),
        ..ReadIntent::default()
    });
    let mut state = connector.start(&intent)?;
    for _ in 0..MOST_STEPS {
        let request = connector.step(&state)?;
        let caller = Caller::Connection(&connection.id);
        let response = engine
            .calls
            .send(connector, caller, Lane::Interactive, &request)
            .await?;
        state = match connector.advance(&state, &response) {
            Outcome::Again(next) => next,
            Outcome::Failed(failure) => return Err(failure.into()),
            Outcome::Written(_) | Outcome::Traced(_) => return Err(super::not_a_page().into()),
            Outcome::Page(page) => match (page.records.into_iter().next(), page.next) {
                (Some(record), _) => return Ok(Some(record)),
                (None, Some(next)) => next,
                (None, None) => return Ok(None),
            },
        };
    }
    Err(CallError::Provider(Failure::Protocol {
        message: format!("no record of {object_name} came in {MOST_STEPS} requests"),
    }))
}
