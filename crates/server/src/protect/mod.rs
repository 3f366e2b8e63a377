//! What keeps clients from wearing the server out: how often a key may ask, how
//! often what is no key may be sent, how often somebody may guess a password, how
//! long a request may take to arrive and to be answered, and whose word counts on
//! where a request comes from.
//!
//! The counts are each node's own: with several nodes a key may ask each of them
//! that often.

pub(crate) mod client;
mod connection;
pub(crate) mod patience;
mod rate;
mod strangers;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use engine::{Actor, Engine};
use ipnet::IpNet;

pub(crate) use connection::Draining;
pub use connection::serve;

use crate::problem::Problem;
use rate::{Bucket, Rates};
use strangers::Strangers;

/// How well the server is protected.
#[derive(Debug, Clone)]
pub struct Protections {
    /// Requests a second for each API key, token or session, and with wrong ones for
    /// each address; twice as many at once. 0 is no limit.
    pub api_rate: u32,
    /// Networks of reverse proxies, whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a new connection may take to send the head of its first request.
    pub first_head: Duration,
    /// How long a connection may be without a whole head after that: longer than
    /// reverse proxies keep theirs, which is a minute.
    pub next_head: Duration,
    /// How long a client may take nothing of an answer that waits for it.
    pub taking: Duration,
    /// How long the body of a request may take to arrive.
    pub body: Duration,
    /// How long a request may take until its answer begins.
    pub answer: Duration,
}

impl Default for Protections {
    fn default() -> Self {
        Self {
            api_rate: 500,
            trusted_proxies: Vec::new(),
            first_head: Duration::from_secs(30),
            next_head: Duration::from_secs(75),
            taking: Duration::from_secs(60),
            body: Duration::from_secs(60),
            answer: Duration::from_secs(180),
        }
    }
}

/// Somebody may sign in ten times at once from one address, and once in 6 s.
const SIGN_IN_BY_ADDRESS: Bucket = Bucket {
    every_us: 6_000_000,
    most: 10,
};
/// An account may be tried 30 times at once, and once in 2 s, wherever from.
const SIGN_IN_BY_ACCOUNT: Bucket = Bucket {
    every_us: 2_000_000,
    most: 30,
};

/// The protections at work in one process.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) settings: Protections,
    keys: Rates,
    strangers: Strangers,
    addresses: Rates,
    accounts: Rates,
}

impl Guard {
    pub(crate) fn new(settings: Protections) -> Arc<Self> {
        Arc::new(Self {
            settings,
            keys: Rates::default(),
            strangers: Strangers::default(),
            addresses: Rates::default(),
            accounts: Rates::default(),
        })
    }

    /// Counts a request of somebody who is known.
    pub(crate) fn admit(&self, engine: &Engine, actor: &Actor) -> Result<(), Problem> {
        let Some(bucket) = Bucket::per_second(self.settings.api_rate) else {
            return Ok(());
        };
        let who = format!("{}/{}", actor.project_id().unwrap_or(""), actor.label());
        let taken = self.keys.take(bucket, &who, engine.clock.now());
        taken.map_err(|wait_s| {
            let rate = self.settings.api_rate;
            Problem::new(429, format!("this credential makes more than {rate} requests a second"))
                .remedy("Wait for as long as Retry-After says; the operator sets the limit with LIGATURE_API_RATE")
                .retry_after(wait_s)
        })
    }

    /// Whether a credential may be looked up: not if the address that it comes from
    /// has sent too many that are none, and it was never good here.
    pub(crate) fn admit_unknown(
        &self,
        engine: &Engine,
        parts: &Parts,
        credential: &str,
    ) -> Result<(), Problem> {
        let Some(bucket) = Bucket::per_second(self.settings.api_rate) else {
            return Ok(());
        };
        let (from, now) = (|| self.origin_of(parts), || engine.clock.now());
        let tried = self.strangers.may_try(bucket, from, credential, now);
        tried.map_err(|wait_s| self.too_many_wrong(wait_s))
    }

    /// Notes what a credential turned out to be.
    pub(crate) fn looked_up(
        &self,
        engine: &Engine,
        parts: &Parts,
        credential: &str,
        is_good: bool,
    ) -> Result<(), Problem> {
        let Some(bucket) = Bucket::per_second(self.settings.api_rate) else {
            return Ok(());
        };
        if is_good {
            self.strangers.was_good(credential);
            return Ok(());
        }
        let (from, now) = (self.origin_of(parts), engine.clock.now());
        let counted = self.strangers.was_wrong(bucket, &from, credential, now);
        counted.map_err(|wait_s| self.too_many_wrong(wait_s))
    }

    fn origin_of(&self, parts: &Parts) -> String {
        let address = client::of_request(parts, &self.settings.trusted_proxies);
        address.map(client::network).unwrap_or_default()
    }

    fn too_many_wrong(&self, wait_s: u32) -> Problem {
        let rate = self.settings.api_rate;
        Problem::new(429, format!("more than {rate} requests a second with a wrong credential come from this address"))
            .remedy("See which client sends a key, token or session that is not valid, and wait for as long as Retry-After says; the operator sets the limit with LIGATURE_API_RATE, and names reverse proxies in LIGATURE_TRUSTED_PROXIES")
            .retry_after(wait_s)
    }

    /// Counts an attempt to sign in to an account.
    pub(crate) fn admit_sign_in(
        &self,
        engine: &Engine,
        client: Option<IpAddr>,
        email: &str,
    ) -> Result<(), Problem> {
        let now = engine.clock.now();
        let from = client.map(client::network).unwrap_or_default();
        let by_address = self.addresses.take(SIGN_IN_BY_ADDRESS, &from, now);
        let account = email.trim().to_lowercase();
        let by_account = self.accounts.take(SIGN_IN_BY_ACCOUNT, &account, now);
        by_address.and(by_account).map_err(|wait_s| {
            Problem::new(429, "there were too many attempts to sign in")
                .remedy("Wait for as long as Retry-After says; `ligature user set-password EMAIL` replaces a password")
                .retry_after(wait_s)
        })
    }
}
