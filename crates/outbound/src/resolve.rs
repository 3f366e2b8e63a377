//! Name resolution with the guard inside it.
//!
//! The client connects to what [`GuardedResolver`] returns and asks nobody else,
//! so what was checked is what is connected to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::SendError;
use crate::guard::{AddressGuard, Reach};

/// The system's resolver, less the addresses that may not be reached.
#[derive(Debug)]
pub(crate) struct GuardedResolver {
    pub(crate) guard: Arc<AddressGuard>,
    pub(crate) reach: Reach,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.guard);
        let reach = self.reach;
        Box::pin(async move {
            let host = name.as_str();
            let found = lookup(host).await?;
            let permitted = guard.filter(host, reach, found)?;
            // Port 0 stands for the URL's port.
            let addresses = permitted.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as Addrs)
        })
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
