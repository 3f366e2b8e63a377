//! Bitbucket can be moved, to an origin and nothing more.

use connector::Connector;

use super::read;
use crate::{Bitbucket, EndpointError, Endpoints};

fn at(api_url: &str) -> Result<Bitbucket, EndpointError> {
    Bitbucket::new(&Endpoints {
        api_url: api_url.to_owned(),
        oauth_url: "http://127.0.0.1:8081/".to_owned(),
    })
}

#[test]
fn requests_go_where_it_was_moved() {
    let bitbucket = at("http://127.0.0.1:8080/").unwrap();
    assert_eq!(bitbucket.describe().origin, "http://127.0.0.1:8080");
    assert_eq!(
        bitbucket.describe().oauth.token_url,
        "http://127.0.0.1:8081/site/oauth2/access_token"
    );
    let state = bitbucket.start(&read("projects", "acme", None)).unwrap();
    assert_eq!(
        bitbucket.step(&state).unwrap().url,
        "http://127.0.0.1:8080/2.0/workspaces/acme/projects?pagelen=100"
    );
}

#[test]
fn only_origins_will_do() {
    assert!(matches!(
        at("bitbucket"),
        Err(EndpointError::NotAUrl { .. })
    ));
    for odd in [
        "https://api.bitbucket.org/2.0",
        "https://user:pass@api.bitbucket.org",
        "https://api.bitbucket.org?x=1",
        "file:///2.0",
    ] {
        let error = at(odd).unwrap_err();
        assert!(matches!(error, EndpointError::NotAnOrigin { .. }), "{odd}");
    }
}
