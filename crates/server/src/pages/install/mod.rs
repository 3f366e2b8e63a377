//! The hosted install page: a customer connects an account, chooses what is read,
//! installs, and later changes or ends that, by a link and without any code of the
//! app. Plain forms; a script only makes long lists handier.
//!
//! What always holds: the link's holder acts as the one person of the one customer
//! that the link names, through the same actions as the API; nothing is changed but
//! by a form that this page has made in the same browser; the way back from the
//! provider's page leads to the page that it began on, in the browser that began;
//! and the address of the page, which is the link, is told to no other.

mod browser;
mod choices;
mod choosing;
mod connecting;
mod form;
mod frame;
mod overview;
mod picked;
mod trouble;
mod visit;
mod wrong;

use axum::Router;
use axum::extract::Query;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use engine::actions::install_link::{self, Standing};
use engine::actions::oauth::News;
use engine::{ActionError, Engine};
use serde::Deserialize;

pub(crate) use browser::Browser;
use trouble::Refusal;
use visit::Visit;
pub(crate) use visit::to;

type Sent = Result<axum::Form<Vec<(String, String)>>, FormRejection>;

/// The page's routes.
pub(crate) fn routes() -> Router<Engine> {
    Router::new()
        .route("/install/{link}", get(show))
        .route("/install/{link}/connect", post(connecting::begin))
        .route("/install/{link}/choices", post(choosing::choose))
        .route("/install/{link}/edit", get(choosing::edit))
        .route(
            "/install/{link}/disconnect",
            get(overview::ask_to_disconnect).post(overview::disconnect),
        )
}

/// The word for what a consent came to.
pub(crate) fn word(news: News) -> &'static str {
    match news {
        News::Connected => "connected",
        News::Refused => "refused",
        News::Late => "late",
        News::Failed => "failed",
    }
}

/// `&news=`: what has just been done.
#[derive(Debug, Deserialize)]
pub(crate) struct Told {
    #[serde(default)]
    news: String,
}

/// What a page says above everything else.
#[derive(Debug, Clone, Copy)]
struct Notice {
    good: bool,
    text: &'static str,
}

impl Notice {
    /// Of a word in the address: one of ours, or nothing.
    fn of(word: &str) -> Option<Self> {
        let good = |text| Some(Self { good: true, text });
        let bad = |text| Some(Self { good: false, text });
        match word {
            "connected" => good("The account is connected."),
            "installed" => good("Done. Reading has begun."),
            "saved" => good("Your changes are saved, and count from now on."),
            "disconnected" => good("Disconnected. Nothing is read any more."),
            "refused" => bad("Access was not granted, so nothing has changed. You can try again."),
            "late" => bad("That took longer than ten minutes. Please try again."),
            "failed" => bad(
                "The account could not be connected. Please try again; if it keeps failing, tell whoever gave you this link.",
            ),
            _ => None,
        }
    }
}

/// The page: what comes next for this customer.
pub(crate) async fn show(
    visit: Visit,
    told: Result<Query<Told>, QueryRejection>,
) -> Result<Response, Refusal> {
    let notice = told.ok().and_then(|Query(told)| Notice::of(&told.news));
    match visit.standing().await? {
        Standing::Unconnected => connecting::page(&visit, None, notice).await,
        Standing::Connected(connection) => {
            Box::pin(choosing::first(&visit, &connection, notice)).await
        }
        Standing::Installed(installed) => overview::page(&visit, &installed, notice).await,
    }
}

impl Visit {
    async fn standing(&self) -> Result<Standing, Refusal> {
        install_link::standing(&self.engine, &self.opened, &self.integration)
            .await
            .map_err(|error| self.failed(error))
    }

    /// Refuses while the builder has something to do first, which is logged.
    async fn require_prepared(&self) -> Result<(), Refusal> {
        let lacking = install_link::unprepared(&self.engine, &self.opened, &self.manifest)
            .await
            .map_err(|error| self.failed(error))?;
        if lacking.is_empty() {
            return Ok(());
        }
        let project = &self.opened.link.project_id;
        let integration = &self.integration.name;
        tracing::warn!(
            project,
            integration,
            ?lacking,
            "a customer came to an install page that nobody can install from yet"
        );
        let text = format!(
            "{} has not finished setting this up. Please tell them that you tried, and open this link again later.",
            self.frame.app
        );
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Err(trouble::page(&self.frame, status, "Not ready yet", &text, None).into())
    }
}

/// Whether the account has to be connected again before anything else.
fn is_refused(error: &ActionError) -> bool {
    matches!(
        error,
        ActionError::Provider(connector::Failure::Unauthorized { .. })
    )
}
