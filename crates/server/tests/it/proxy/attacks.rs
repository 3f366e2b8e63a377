//! Attempts to reach another place than the provider's origin, to bring along what
//! must not come along, or to take what must not be taken. docs/proxy.md has the
//! same table; a test holds it to this one.

use super::upstream::Upstream;
use super::{at, exchange, wire};

/// What is tried, by its request line and further header lines; and what it gets.
struct Attack {
    name: &'static str,
    line: &'static str,
    headers: &'static [&'static str],
    gets: Gets,
}

enum Gets {
    /// A refusal here; nothing leaves.
    Refused(u16),
    /// It leaves, with this target.
    Sent(&'static str),
}

use Gets::{Refused, Sent};

const fn attack(name: &'static str, line: &'static str, gets: Gets) -> Attack {
    Attack {
        name,
        line,
        headers: &[],
        gets,
    }
}

const ATTACKS: &[Attack] = &[
    attack(
        "a whole URL as the target",
        "GET http://evil.example/2.0/user HTTP/1.1",
        Refused(400),
    ),
    attack(
        "a whole URL of the provider",
        "GET https://api.bitbucket.org/2.0/user HTTP/1.1",
        Refused(400),
    ),
    attack(
        "two slashes and a host",
        "GET //evil.example/2.0/user HTTP/1.1",
        Refused(400),
    ),
    attack(
        "three slashes and a host",
        "GET ///evil.example/2.0/user HTTP/1.1",
        Refused(400),
    ),
    attack(
        "a slash, a backslash and a host",
        "GET /\\evil.example/2.0/user HTTP/1.1",
        Refused(400),
    ),
    attack(
        "`@` and a host",
        "GET @evil.example/2.0/user HTTP/1.1",
        Refused(400),
    ),
    attack("a port", "GET :8080/2.0/user HTTP/1.1", Refused(400)),
    attack(
        "a dot and a host",
        "GET .evil.example/2.0/user HTTP/1.1",
        Refused(400),
    ),
    attack(
        "`@` behind the slash: a path like any other",
        "GET /@evil.example/2.0 HTTP/1.1",
        Sent("/@evil.example/2.0"),
    ),
    attack(
        "a URL as the path",
        "GET /http://evil.example/ HTTP/1.1",
        Sent("/http://evil.example/"),
    ),
    attack("an asterisk", "OPTIONS * HTTP/1.1", Refused(400)),
    attack("CONNECT", "CONNECT evil.example:443 HTTP/1.1", Refused(405)),
    attack(
        "TRACE, which would tell the credential",
        "TRACE /2.0/user HTTP/1.1",
        Refused(405),
    ),
    attack("`..`", "GET /2.0/../admin HTTP/1.1", Refused(400)),
    attack("`..` at the end", "GET /2.0/user/.. HTTP/1.1", Refused(400)),
    attack(
        "`..` encoded",
        "GET /2.0/%2e%2E/admin HTTP/1.1",
        Refused(400),
    ),
    attack(
        "`..` half encoded",
        "GET /2.0/.%2e/admin HTTP/1.1",
        Refused(400),
    ),
    attack(
        "`..` between encoded slashes",
        "GET /2.0/a%2F..%2Fadmin HTTP/1.1",
        Refused(400),
    ),
    attack(
        "`..` between encoded backslashes",
        "GET /2.0/a%5c..%5cadmin HTTP/1.1",
        Refused(400),
    ),
    attack(
        "`..` encoded twice",
        "GET /2.0/%252e%252e/admin HTTP/1.1",
        Refused(400),
    ),
    attack(
        "`..` encoded three times",
        "GET /2.0/%25252e%25252e/admin HTTP/1.1",
        Refused(400),
    ),
    attack(
        "`..` with a parameter",
        "GET /2.0/..;a=b/admin HTTP/1.1",
        Refused(400),
    ),
    attack(
        "`..` in two-byte dots",
        "GET /2.0/%c0%ae%c0%ae/admin HTTP/1.1",
        Refused(400),
    ),
    attack(
        "`..` within a name: a comparison of branches",
        "GET /2.0/diff/main..next HTTP/1.1",
        Sent("/2.0/diff/main..next"),
    ),
    attack(
        "encoded slashes: part of a name",
        "GET /2.0/src/a%2Fb%2fc HTTP/1.1",
        Sent("/2.0/src/a%2Fb%2fc"),
    ),
    attack(
        "a line break in the path",
        "GET /2.0/user%0d%0aHost:%20evil.example HTTP/1.1",
        Refused(400),
    ),
    attack(
        "a zero byte in the path",
        "GET /2.0/user%00.json HTTP/1.1",
        Refused(400),
    ),
    attack(
        "a `%` without digits",
        "GET /2.0/user%zz HTTP/1.1",
        Refused(400),
    ),
    attack("a `%` cut short", "GET /2.0/user%2 HTTP/1.1", Refused(400)),
    attack(
        "`..` in the query: data",
        "GET /2.0/user?path=../../x HTTP/1.1",
        Sent("/2.0/user?path=../../x"),
    ),
    Attack {
        name: "a second Host",
        line: "GET /2.0/user HTTP/1.1",
        headers: &["host: evil.example"],
        gets: Refused(400),
    },
    Attack {
        name: "hosts for proxies on the way",
        line: "GET /2.0/user HTTP/1.1",
        headers: &[
            "x-forwarded-host: evil.example",
            "x-host: evil.example",
            "x-original-url: /admin",
        ],
        gets: Sent("/2.0/user"),
    },
    Attack {
        name: "`Connection: authorization`, to be sent on without a credential",
        line: "GET /2.0/user HTTP/1.1",
        headers: &["connection: authorization, host"],
        gets: Sent("/2.0/user"),
    },
    Attack {
        name: "a line break in a header",
        line: "GET /2.0/user HTTP/1.1",
        headers: &["x-a: b\rx-evil: c"],
        gets: Refused(400),
    },
    Attack {
        name: "a folded header",
        line: "GET /2.0/user HTTP/1.1",
        headers: &["x-a: b", " x-evil: c"],
        gets: Refused(400),
    },
    Attack {
        name: "an encoded line break in a header: text",
        line: "GET /2.0/user HTTP/1.1",
        headers: &["x-a: b%0d%0ax-evil: c"],
        gets: Sent("/2.0/user"),
    },
    Attack {
        name: "two lengths",
        line: "POST /2.0/user HTTP/1.1",
        headers: &["content-length: 1", "content-length: 2"],
        gets: Refused(400),
    },
    Attack {
        name: "a second installation",
        line: "GET /2.0/user HTTP/1.1",
        headers: &["x-amp-installation-id: other"],
        gets: Refused(400),
    },
    Attack {
        name: "a second key",
        line: "GET /2.0/user HTTP/1.1",
        headers: &["x-api-key: other"],
        gets: Refused(400),
    },
];

#[tokio::test]
async fn every_attack_gets_what_the_table_says() {
    let upstream =
        Upstream::saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
            .await;
    let (world, installation) = at(&upstream).await;
    let host = upstream.url();
    let host = host.strip_prefix("http://").unwrap();
    for attack in ATTACKS {
        let before = upstream.heads().len();
        let mut request = wire(&world, &installation, attack.line);
        for header in attack.headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        let answer = exchange(&world, &request).await;
        let name = attack.name;
        let heads = upstream.heads();
        match attack.gets {
            Refused(status) => {
                assert!(
                    answer.starts_with(&format!("HTTP/1.1 {status} ")),
                    "{name}: {answer}"
                );
                assert_eq!(heads.len(), before, "{name}: {heads:?}");
            }
            Sent(target) => {
                assert!(answer.starts_with("HTTP/1.1 200 "), "{name}: {answer}");
                let head = &heads[before];
                let line = format!(
                    "{} {target} HTTP/1.1\r\n",
                    attack.line.split(' ').next().unwrap()
                );
                assert!(head.starts_with(&line), "{name}: {head}");
                let hosts: Vec<&str> = head
                    .lines()
                    .filter(|line| line.starts_with("host:"))
                    .collect();
                assert_eq!(hosts, [format!("host: {host}")], "{name}");
                assert!(
                    head.contains("\r\nauthorization: Bearer "),
                    "{name}: {head}"
                );
                assert!(!head.contains("\r\nx-evil"), "{name}: {head}");
                assert!(!head.contains("\r\nx-forwarded"), "{name}: {head}");
            }
        }
    }
}

#[test]
fn the_guide_has_the_table() {
    let guide = include_str!("../../../../../docs/proxy.md");
    let rows = ATTACKS.iter().map(|attack| {
        let mut tried = format!("`{}`", attack.line.trim_end_matches(" HTTP/1.1"));
        for header in attack.headers {
            tried.push_str(&format!(", `{}`", header.replace('\r', "\\r")));
        }
        let gets = match attack.gets {
            Refused(status) => format!("{status}, nothing is sent"),
            Sent(target) => format!("sent as `{target}`"),
        };
        format!("| {} | {tried} | {gets} |", attack.name)
    });
    let missing: Vec<String> = rows.filter(|row| !guide.contains(row.as_str())).collect();
    assert!(
        missing.is_empty(),
        "docs/proxy.md lacks:\n{}",
        missing.join("\n")
    );
}

/// A redirect is an answer like any other: nobody follows it here, so the credential
/// goes nowhere.
#[tokio::test]
async fn a_redirect_to_another_host_is_handed_back() {
    let upstream = Upstream::saying(
        "HTTP/1.1 302 Found\r\nlocation: http://evil.example/take\r\ncontent-length: 0\r\n\
         connection: close\r\n\r\n",
    )
    .await;
    let (world, installation) = at(&upstream).await;
    let request = wire(&world, &installation, "GET /2.0/downloads/x HTTP/1.1");
    let answer = exchange(
        &world,
        &format!("{request}x-ligature-rewrite-links: true\r\n"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 302 "), "{answer}");
    assert!(
        answer.contains("\r\nlocation: http://evil.example/take\r\n"),
        "{answer}"
    );
    assert_eq!(upstream.heads().len(), 1);
}

/// A provider that answers with another protocol, or with no HTTP.
#[tokio::test]
async fn what_is_no_answer_is_a_bad_gateway() {
    for nonsense in [
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "",
    ] {
        let upstream = Upstream::saying(nonsense).await;
        let (world, installation) = at(&upstream).await;
        let request = wire(&world, &installation, "POST /2.0/user HTTP/1.1");
        let answer = exchange(&world, &request).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
}
