//! Which addresses may be reached.
//!
//! A builder or a customer chooses where webhooks go, so every outgoing request
//! is an attempt to reach the machine's own network until shown otherwise.
//! Ranges: the IANA special-purpose registries for
//! [IPv4](https://www.iana.org/assignments/iana-ipv4-special-registry/) and
//! [IPv6](https://www.iana.org/assignments/iana-ipv6-special-registry/).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::{Host, Origin, Url};

use crate::SendError;

/// Decides on addresses, and on origins that the operator has named.
#[derive(Debug, Clone, Default)]
pub struct AddressGuard {
    allowed_networks: Vec<IpNet>,
    allowed_origins: Vec<Origin>,
}

/// What a request may connect to; which one applies follows from its URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Anything: the operator named the origin.
    Anywhere,
    /// Public addresses and the allowed networks.
    Public,
    /// The allowed networks only, for requests without TLS.
    Inside,
}

impl AddressGuard {
    /// `allowed_networks` may be reached although private; `allowed_origins`
    /// (the provider's, as configured) may be reached wherever they are.
    #[must_use]
    pub fn new(allowed_networks: Vec<IpNet>, allowed_origins: &[Url]) -> Self {
        Self {
            allowed_networks,
            allowed_origins: allowed_origins.iter().map(Url::origin).collect(),
        }
    }

    /// Whether an address is public or inside an allowed network.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        self.is_inside(address) || is_public(address)
    }

    /// Whether an address is inside an allowed network.
    #[must_use]
    pub fn is_inside(&self, address: IpAddr) -> bool {
        let plain = address.to_canonical();
        self.allowed_networks
            .iter()
            .any(|network| network.contains(&plain) || network.contains(&address))
    }

    /// How far a request for `url` may reach. Checks scheme and host, and the
    /// address when the host is one; names are checked when they are resolved.
    pub(crate) fn reach(&self, url: &Url) -> Result<Reach, SendError> {
        let host = url.host().ok_or(SendError::Url {
            reason: "it has no host",
        })?;
        let reach = match url.scheme() {
            "http" | "https" if self.allowed_origins.contains(&url.origin()) => Reach::Anywhere,
            "https" => Reach::Public,
            "http" => Reach::Inside,
            _ => {
                return Err(SendError::Url {
                    reason: "only https:// and http:// are supported",
                });
            }
        };
        let literal = match host {
            Host::Domain(_) => return Ok(reach),
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
        };
        self.filter(&host.to_string(), reach, vec![literal])?;
        Ok(reach)
    }

    /// The addresses of `host` that may be connected to; never an empty list.
    pub(crate) fn filter(
        &self,
        host: &str,
        reach: Reach,
        mut addresses: Vec<IpAddr>,
    ) -> Result<Vec<IpAddr>, SendError> {
        let host = host.to_owned();
        if addresses.is_empty() {
            return Err(SendError::Dns { host });
        }
        match reach {
            Reach::Anywhere => Ok(addresses),
            Reach::Inside if addresses.iter().all(|a| self.is_inside(*a)) => Ok(addresses),
            Reach::Public | Reach::Inside => {
                addresses.retain(|a| self.permits(*a));
                match (reach, addresses.is_empty()) {
                    (_, true) => Err(SendError::Refused { host }),
                    (Reach::Inside, false) => Err(SendError::PlainHttp { host }),
                    (_, false) => Ok(addresses),
                }
            }
        }
    }
}

/// Whether an address belongs to the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        (0 | 10 | 127, ..) | (224.., ..) => true,
        (100, 64..=127, _) => true, // carrier-grade NAT
        (169, 254, _) | (172, 16..=31, _) => true,
        (192, 0, 0 | 2) | (192, 88, 99) | (192, 168, _) => true,
        (198, 18 | 19, _) => true,              // benchmarks
        (198, 51, 100) | (203, 0, 113) => true, // documentation
        _ => false,
    };
    !special
}

/// Only `2000::/3` is global unicast, so everything else (loopback, unspecified,
/// unique-local, link-local, site-local, multicast, IPv4-compatible …) needs no
/// line of its own.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    match (a, b, c, d, e, f) {
        // Mapped addresses and NAT64's well-known prefix stand for an IPv4 address.
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => is_public_v4(embedded(g, h)),
        // 6to4 carries one in its prefix.
        (0x2002, ..) => is_public_v4(embedded(b, c)),
        // 2001::/23, IETF protocols: Teredo, benchmarks, ORCHID.
        (0x2001, 0..=0x1ff, ..) => false,
        // Documentation.
        (0x2001, 0xdb8, ..) | (0x3fff, 0..=0xfff, ..) => false,
        _ => a & 0xe000 == 0x2000,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}
