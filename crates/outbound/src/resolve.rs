//! Name resolution with the guard inside it.
//!
//! Either client connects to what [`GuardedResolver`] returns and asks nobody else,
//! so what was checked is what is connected to.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use hyper_util::client::legacy::connect::dns;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower::Service;

use crate::SendError;
use crate::guard::{AddressGuard, Reach};

/// The system's resolver, less the addresses that may not be reached.
#[derive(Debug, Clone)]
pub(crate) struct GuardedResolver {
    pub(crate) guard: Arc<AddressGuard>,
    pub(crate) reach: Reach,
}

impl GuardedResolver {
    /// The addresses of a host that may be reached; port 0 stands for the URL's.
    async fn permitted(self, host: &str) -> Result<IntoIter<SocketAddr>, SendError> {
        let found = lookup(host).await?;
        let permitted = self.guard.filter(host, self.reach, found)?;
        let addresses = permitted.into_iter().map(|ip| SocketAddr::new(ip, 0));
        Ok(addresses.collect::<Vec<_>>().into_iter())
    }
}

/// As reqwest asks it.
impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move { Ok(Box::new(this.permitted(name.as_str()).await?) as Addrs) })
    }
}

/// As the connector of what streams asks it.
impl Service<dns::Name> for GuardedResolver {
    type Response = IntoIter<SocketAddr>;
    type Error = SendError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, SendError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: dns::Name) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.permitted(name.as_str()).await })
    }
}

/// Asks the system's resolver.
pub(crate) async fn lookup(host: &str) -> Result<Vec<IpAddr>, SendError> {
    let found = tokio::net::lookup_host((host, 0)).await;
    let found = found.map_err(|_| SendError::Dns {
        host: host.to_owned(),
    })?;
    Ok(found.map(|address| address.ip()).collect())
}
