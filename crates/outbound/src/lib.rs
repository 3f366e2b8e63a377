//! Every HTTP request that leaves.
//!
//! [`Outbound`] is made once, at start-up, and is the only thing in the tree
//! that builds HTTP clients. What always holds, for every request:
//!
//! - It goes only to addresses that [`AddressGuard`] permits. The check is made
//!   on the very addresses that are then connected to, so a name that changes
//!   its mind between check and connection gains nothing.
//! - Redirects are handed back, never followed, and the proxies that the
//!   environment names are ignored: both would carry a request somewhere unchecked.
//! - It has a time-out, and its answer a limit that counts decompressed bytes; what
//!   streams through a [`Door`] has neither, and may not be silent for long.
//! - A credential is added only to a request for the origin it belongs to.
//! - Only the object store, which the operator names, is exempt from that guard.
//! - No error, `Debug` or log line holds a credential, a query or a body.

mod body;
mod client;
mod credential;

mod failure;
mod guard;
mod multipart;
mod objects;
mod provider;
mod redact;
mod resolve;
mod stream;
mod tls;

mod webhook;
mod whole;

#[cfg(test)]
mod tests;

pub use client::{Outbound, Settings, SetupError};
pub use credential::Credential;
pub use failure::SendError;
pub use guard::AddressGuard;
pub use objects::{ObjectError, ObjectLocation, Objects};
pub use redact::{ExposeSecret, RedactedUrl, SecretString};
pub use stream::{
    Authorization, Door, Download, Silence, StreamError, Upload, UploadEnd, Uploaded,
};
pub use webhook::{WebhookAnswer, custom_header_allowed};
