//! Whether a webhook's address is one that Bitbucket could reach.
//!
//! The real one resolves the name. Nothing is resolved here: an address given as such is
//! judged, and of names those that are never public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

const NEVER_PUBLIC: &[&str] = &[
    "localhost",
    "local",
    "internal",
    "invalid",
    "test",
    "home.arpa",
];

pub(super) fn is_public(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    match url.host() {
        None => false,
        Some(Host::Ipv4(address)) => is_public_v4(address),
        Some(Host::Ipv6(address)) => is_public_v6(address),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let below = |end: &&str| {
                name.strip_suffix(end)
                    .is_some_and(|rest| rest.ends_with('.'))
            };
            name.contains('.') && !NEVER_PUBLIC.iter().any(below)
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || first == 0
        || is_shared)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let IpAddr::V4(mapped) = address.to_canonical() {
        return is_public_v4(mapped);
    }
    !(address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unique_local()
        || address.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_outsider_reaches_is_public() {
        for public in [
            "https://example.com/",
            "http://93.184.216.34/x",
            "https://[2606:2800:220:1::1]/",
        ] {
            assert!(is_public(public), "{public}");
        }
        for private in [
            "http://localhost/",
            "http://receiver/",
            "http://a.localhost:1/",
            "http://box.local/",
            "http://127.0.0.1:8080/",
            "http://10.0.0.1/",
            "http://172.16.3.4/",
            "http://192.168.1.1/",
            "http://169.254.169.254/",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://2130706433/",
        ] {
            assert!(!is_public(private), "{private}");
        }
    }
}
