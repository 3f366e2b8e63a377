//! Where a request comes from. A reverse proxy says so in `X-Forwarded-For`, and
//! anybody can write that header, so it counts only from the networks that the
//! operator names, read from its end: each proxy adds whom it was asked by.
//!
//! `X-Forwarded-Proto` and `X-Forwarded-Host` count from nobody. Where browsers
//! reach this server is a setting, since links are made while nobody asks.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use ipnet::IpNet;

/// The address of the client, put into a request's extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// The address of the client behind a request, where its connection is known.
pub(super) fn of_request(parts: &Parts, trusted: &[IpNet]) -> Option<IpAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(of(peer.ip(), &parts.headers, trusted))
}

/// The address of the client behind a connection.
pub(crate) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    if !is_trusted(&client) {
        return client;
    }
    let values = headers.get_all("x-forwarded-for").iter().rev();
    let hops = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.rsplit(','));
    for hop in hops {
        // What cannot be read was written by none of ours.
        let Some(address) = address(hop.trim()) else {
            return client;
        };
        client = address.to_canonical();
        if !is_trusted(&client) {
            return client;
        }
    }
    client
}

/// An address as proxies write it: some add a port.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let with_port: Result<SocketAddr, _> = text.parse();
    with_port.map(|address| address.ip()).ok()
}

/// Whom an address stands for: itself, or the network that one customer of a
/// provider has in IPv6.
pub(super) fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        of(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let ours = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(client("203.0.113.9", &["1.2.3.4"], &ours), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["1.2.3.4"], &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["1.2.3.4"], &ours), "1.2.3.4");
        assert_eq!(client("::ffff:10.0.0.1", &["1.2.3.4"], &ours), "1.2.3.4");
        assert_eq!(client("fd00::1", &["2001:db8::7"], &ours), "2001:db8::7");
    }

    #[test]
    fn what_the_client_wrote_itself_is_not_believed() {
        let ours = ["10.0.0.0/8"];
        let forged = ["6.6.6.6, 1.2.3.4, 10.0.0.2"];
        assert_eq!(client("10.0.0.1", &forged, &ours), "1.2.3.4");
        let headers = ["6.6.6.6", "1.2.3.4"];
        assert_eq!(client("10.0.0.1", &headers, &ours), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &["1.2.3.4, rubbish"], &ours), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["1.2.3.4:5678"], &ours), "1.2.3.4");
        assert_eq!(
            client("10.0.0.1", &["[2001:db8::1]:443"], &ours),
            "2001:db8::1"
        );
        assert_eq!(
            client("10.0.0.1", &["10.0.0.3, 10.0.0.2"], &ours),
            "10.0.0.3"
        );
    }

    #[test]
    fn a_customer_of_ipv6_is_a_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::9"));
        assert_ne!(of("2001:db8:1:2::9"), of("2001:db8:1:3::9"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
