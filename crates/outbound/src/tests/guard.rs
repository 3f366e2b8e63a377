//! The matrix of addresses, and every way of writing one.

use std::net::IpAddr;

use url::Url;

use crate::guard::Reach;
use crate::{AddressGuard, SendError, Settings};

use super::outbound;

const REFUSED: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.1.2.3",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:c0a8:101::",
    "3fff::1",
    "3fff:fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
];

const PUBLIC: &[&str] = &[
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "192.167.0.1",
    "198.17.0.1",
    "198.20.0.1",
    "223.255.255.255",
    "104.192.141.1",
    "2606:4700::1111",
    "2401:1d80:3000::1",
    "2001:4860:4860::8888",
    "2a00::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
];

fn guard(networks: &[&str], origins: &[&str]) -> AddressGuard {
    let origins: Vec<Url> = origins.iter().map(|o| Url::parse(o).unwrap()).collect();
    let networks = networks.iter().map(|n| n.parse().unwrap()).collect();
    AddressGuard::new(networks, &origins)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn private_and_reserved_addresses_are_refused() {
    let guard = guard(&[], &[]);
    for text in REFUSED {
        assert!(!guard.permits(address(text)), "{text}");
    }
    for text in PUBLIC {
        assert!(guard.permits(address(text)), "{text}");
    }
}

#[test]
fn an_allowed_network_is_reached_and_no_more() {
    let guard = guard(&["10.1.0.0/16", "fd00::/8"], &[]);
    for text in ["10.1.2.3", "::ffff:10.1.2.3", "fd00::7", "8.8.8.8"] {
        assert!(guard.permits(address(text)), "{text}");
    }
    for text in [
        "10.2.0.1",
        "::ffff:10.2.0.1",
        "127.0.0.1",
        "fc00::1",
        "64:ff9b::10.1.2.3",
    ] {
        assert!(!guard.permits(address(text)), "{text}");
    }
    assert!(guard.is_inside(address("10.1.2.3")));
    assert!(!guard.is_inside(address("8.8.8.8")));
}

#[tokio::test]
async fn every_notation_of_an_address_is_understood() {
    let outbound = outbound(&Settings::new("0"));
    for url in [
        "https://127.0.0.1/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://0/",
        "https://①②⑦.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::]/",
        "https://[::1]:8443/",
        "https://user@169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
    ] {
        let refusal = outbound.check_destination(url).await.unwrap_err();
        assert!(
            matches!(refusal, SendError::Refused { .. }),
            "{url}: {refusal}"
        );
    }
    assert_eq!(outbound.check_destination("https://8.8.8.8/").await, Ok(()));
    assert!(matches!(
        outbound.check_destination("http://8.8.8.8/").await,
        Err(SendError::PlainHttp { .. })
    ));
    for url in [
        "ftp://example.com/",
        "file:///etc/passwd",
        "data:,x",
        "not a url",
        "https://",
    ] {
        assert!(
            matches!(
                outbound.check_destination(url).await,
                Err(SendError::Url { .. })
            ),
            "{url}"
        );
    }
}

#[test]
fn a_name_with_a_private_and_a_public_address_connects_to_the_public_one() {
    let guard = guard(&["10.0.0.0/8"], &[]);
    let both = || vec![address("127.0.0.1"), address("8.8.8.8")];
    let public = guard.filter("h", Reach::Public, both()).unwrap();
    assert_eq!(public, vec![address("8.8.8.8")]);
    let host = || "h".to_owned();
    assert_eq!(
        guard.filter("h", Reach::Inside, both()),
        Err(SendError::PlainHttp { host: host() })
    );
    assert_eq!(
        guard.filter(
            "h",
            Reach::Inside,
            vec![address("10.0.0.1"), address("8.8.8.8")]
        ),
        Err(SendError::PlainHttp { host: host() })
    );
    assert_eq!(
        guard.filter("h", Reach::Inside, vec![address("127.0.0.1")]),
        Err(SendError::Refused { host: host() })
    );
    assert!(
        guard
            .filter("h", Reach::Inside, vec![address("10.0.0.1")])
            .is_ok()
    );
    assert_eq!(
        guard.filter("h", Reach::Public, Vec::new()),
        Err(SendError::Dns { host: host() })
    );
    assert_eq!(guard.filter("h", Reach::Anywhere, both()), Ok(both()));
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    let guard = guard(&[], &["http://localhost:7990/2.0", "https://10.0.0.1"]);
    let reach = |url: &str| guard.reach(&Url::parse(url).unwrap());
    assert_eq!(reach("http://localhost:7990/x"), Ok(Reach::Anywhere));
    assert_eq!(reach("https://10.0.0.1:443/x"), Ok(Reach::Anywhere));
    assert_eq!(reach("https://localhost:7990/x"), Ok(Reach::Public));
    assert_eq!(reach("http://localhost:7991/x"), Ok(Reach::Inside));
    assert!(reach("https://10.0.0.1:444/").is_err());
}
