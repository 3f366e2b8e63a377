//! Searching a customer's account: one page of the provider's, in the fields and
//! under the names that the customer's reads have.
//!
//! What a customer's reads leave out a search leaves out: objects not chosen, and
//! records that do not fulfil the conditions of the config. The provider checks
//! every condition of the search; here each is looked at once more, so that it
//! means what it means to a read.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use connector::{Connector, Failure, Intent, Outcome, Page, SearchIntent, State};
use serde_json::value::RawValue;
use store::{Actor, Connection, ReadRange};

use super::metadata::{connector, refused};
use super::read::Readable;
use super::require_full;
use crate::calls::{Caller, Lane};
use crate::read::inputs_of;
use crate::shape::{FieldFilter, ReadFilter, Wanted};
use crate::{ActionError, Engine};

/// Requests for one page: the first may have been for too large a page.
const MOST_STEPS: usize = 5;

/// A request for a search.
#[derive(Debug, Clone)]
pub struct Search {
    /// The integration, by id or name.
    pub integration: String,
    /// The customer.
    pub group_ref: String,
    /// The object, as the provider or the app names it.
    pub object: String,
    /// What a record must be like; at least one.
    pub filters: Vec<ReadFilter>,
    /// Where to go on, as an earlier answer said.
    pub page_token: Option<String>,
}

/// A page of what was found.
#[derive(Debug)]
pub struct Found {
    /// The records, as the entries of a message's `result`.
    pub entries: Vec<Box<RawValue>>,
    /// Where to go on, if there may be more.
    pub next_page_token: Option<String>,
}

/// Searches one object of one customer.
///
/// # Errors
/// [`ActionError::BadRequest`] for everything that is wrong with the request, what
/// the provider cannot search by included; [`ActionError::Provider`].
pub async fn search(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    search: Search,
) -> Result<Found, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let readable = Readable::find(
        &tenant,
        &search.integration,
        &search.object,
        &search.group_ref,
    )
    .await?;
    let connection = tenant
        .connection(&readable.installation.connection_id)
        .await?;
    let connector = connector(engine, &connection.provider)?;
    let object = connector.describe().object(&readable.object_name);
    let filters = FieldFilter::of_search(&search.filters, &readable.selection, object)
        .map_err(|causes| ActionError::bad_request(causes.join("; "), "Mend the conditions"))?;
    if filters.is_empty() {
        return Err(ActionError::bad_request(
            "a search needs at least one condition",
            "Name a field and a value in `fieldFilters`, or read the object",
        ));
    }
    let intent = Intent::Search(SearchIntent {
        object: readable.object_name.clone(),
        inputs: inputs_of(connector, &connection.provider_metadata),
        filters: filters.iter().map(FieldFilter::to_connector).collect(),
    });
    let first = connector.start(&intent).map_err(understood)?;
    let tokens = PageTokens {
        engine,
        // The first position says what is searched, and by what.
        search: format!("{}\n{}", readable.installation.id, first.as_str()),
    };
    let state = match search.page_token.filter(|token| !token.is_empty()) {
        None => first,
        Some(token) => tokens.open(&token)?,
    };
    let page = page(engine, connector, &connection, state).await?;
    let limits = readable.selection.filters(None).iter().cloned();
    let wanted = Wanted::new(
        ReadRange::default(),
        filters.into_iter().chain(limits).collect(),
    );
    let unreadable = |error| {
        ActionError::Provider(Failure::Protocol {
            message: format!("a record is not a JSON object: {error}"),
        })
    };
    let mut entries = Vec::with_capacity(page.records.len());
    for record in &page.records {
        if wanted.holds(record).map_err(unreadable)? {
            let shaped = readable.selection.shape(record);
            let shaped = shaped.map_err(|error| ActionError::Internal(error.to_string()))?;
            entries.push(shaped.into_json().map_err(unreadable)?);
        }
    }
    Ok(Found {
        entries,
        next_page_token: page.next.map(|next| tokens.make(&next)),
    })
}

/// The page at a position.
async fn page(
    engine: &Engine,
    connector: &dyn Connector,
    connection: &Connection,
    mut state: State,
) -> Result<Page, ActionError> {
    for _ in 0..MOST_STEPS {
        let request = connector.step(&state).map_err(ActionError::Provider)?;
        let caller = Caller::Connection(&connection.id);
        let response = engine
            .calls
            .send(connector, caller, Lane::Interactive, &request)
            .await
            .map_err(|error| refused(error, engine.clock.now()))?;
        match connector.advance(&state, &response) {
            Outcome::Page(page) => return Ok(page),
            Outcome::Again(next) => state = next,
            Outcome::Failed(failure) => return Err(understood(failure)),
            Outcome::Written(_) | Outcome::Traced(_) => break,
        }
    }
    Err(ActionError::Provider(Failure::Protocol {
        message: format!("no page came in {MOST_STEPS} requests"),
    }))
}

/// A failure of a search: what is invalid is what was asked for.
fn understood(failure: Failure) -> ActionError {
    let Failure::Invalid { message, fields } = failure else {
        return ActionError::Provider(failure);
    };
    let mut detail = message;
    for (field, reasons) in fields {
        detail.push_str(&format!("; `{field}`: {}", reasons.join(", ")));
    }
    ActionError::bad_request(detail, "Search by what the provider can search by")
}

/// Page tokens of one search: a position, signed, so that nobody can go to
/// another place of the account with it.
struct PageTokens<'a> {
    engine: &'a Engine,
    search: String,
}

impl PageTokens<'_> {
    fn about(&self, state: &State) -> String {
        format!("{}\n{}", self.search, state.as_str())
    }

    fn make(&self, state: &State) -> String {
        let signature = self.engine.links.sign_page(&self.about(state));
        let position = BASE64_URL_SAFE_NO_PAD.encode(state.as_str());
        format!("{position}.{signature}")
    }

    fn open(&self, token: &str) -> Result<State, ActionError> {
        let state = token.split_once('.').and_then(|(position, signature)| {
            let position = BASE64_URL_SAFE_NO_PAD.decode(position).ok()?;
            let state = State::from_stored(String::from_utf8(position).ok()?);
            let links = &self.engine.links;
            links
                .is_page_signature(&self.about(&state), signature)
                .then_some(state)
        });
        state.ok_or_else(|| {
            ActionError::bad_request(
                "`pageToken` is not one of this search",
                "Send the token of an answer to the very same search, or none",
            )
        })
    }
}
