//! Starting and stopping a sandbox.

use crate::app::{App, Shared};
use crate::connection::{Cuttable, Switch};
use crate::{Options, api, control, interference, oauth};
use axum::Router;
use axum::middleware::from_fn_with_state;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A sandbox that serves. Dropping it lets the server finish what it is doing and end.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    app: Shared,
    task: JoinHandle<()>,
}

impl Running {
    /// The address listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and the address: the base both of the API and of OAuth.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no more requests, releases those that are held, and waits for the rest to end.
    pub async fn stop(mut self) {
        self.app.stopping.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(%error, "the sandbox ended badly");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.app.stopping.send_replace(true);
    }
}

/// Serves on `listener` in a task of the current runtime until stopped.
///
/// # Errors
/// When the listener has no address.
pub fn start(listener: TcpListener, options: Options) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let app = Arc::new(App::new(options, format!("http://{address}")));
    let service = routes(&app).into_make_service_with_connect_info::<Switch>();
    let mut stopping = app.stopping.subscribe();
    let server = axum::serve(Cuttable(listener), service).with_graceful_shutdown(async move {
        // An error means that the sender is gone, which is an end as well.
        stopping.wait_for(|stop| *stop).await.ok();
    });
    let task = tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the sandbox stopped serving");
        }
    });
    Ok(Running { address, app, task })
}

/// The sandbox as a router, for callers that bring their own server. Links name the `Host` of
/// the request. The `close` fault needs [`start`]; here it breaks the body instead.
pub fn router(options: Options) -> Router {
    routes(&Arc::new(App::new(options, String::new())))
}

fn routes(app: &Shared) -> Router {
    api::routes(app)
        .merge(oauth::routes())
        .layer(from_fn_with_state(Shared::clone(app), interference::apply))
        .merge(control::routes())
        .with_state(Shared::clone(app))
}
