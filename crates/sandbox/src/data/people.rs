//! Who can sign in: two people, and the application itself.

use super::identity::Identity;
use super::times::notation;
use crate::Options;
use crate::origin::Origin;
use serde_json::{Value, json};

/// Somebody with an account.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) nickname: &'static str,
    pub(crate) display_name: &'static str,
    number: u32,
    joined_us: i64,
}

static PEOPLE: [Person; 2] = [
    Person {
        nickname: "ada",
        display_name: "Ada Sandbox",
        number: 0,
        joined_us: 1_343_192_021_525_465,
    },
    Person {
        nickname: "grace",
        display_name: "Grace Sandbox",
        number: 1,
        joined_us: 1_425_600_000_000_000,
    },
];

impl Person {
    /// The owner of the first workspace and of the fixed credentials.
    pub(crate) fn first() -> &'static Self {
        let [first, _] = &PEOPLE;
        first
    }

    pub(crate) fn all() -> &'static [Self] {
        &PEOPLE
    }

    pub(crate) fn named(nickname: &str) -> Option<&'static Self> {
        PEOPLE.iter().find(|person| person.nickname == nickname)
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

/// On whose behalf a call is made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Principal {
    Person(&'static Person),
    /// What `client_credentials` signs in since May 2026.
    App,
}

impl Principal {
    /// The object of `GET /2.0/user`, also embedded elsewhere.
    pub(crate) fn render(self, options: &Options, origin: &Origin) -> Value {
        let identity = Identity::new(&[options.seed, 10]);
        let person = match self {
            Self::Person(person) => person,
            Self::App => {
                let uuid = identity.uuid(1_000);
                return json!({
                    "display_name": options.client_id,
                    "type": "app_user",
                    "uuid": uuid,
                    "created_on": notation(1_700_000_000_000_000),
                    "links": {"self": {"href": format!("{origin}/2.0/users/{}", escape(&uuid))}}
                });
            }
        };
        let uuid = identity.uuid(person.number);
        let escaped = escape(&uuid);
        json!({
            "display_name": person.display_name,
            "links": {
                "self": {"href": format!("{origin}/2.0/users/{escaped}")},
                "avatar": {"href": format!("{origin}/account/{}/avatar/", person.nickname)},
                "repositories": {"href": format!("{origin}/2.0/repositories/{escaped}")},
                "snippets": {"href": format!("{origin}/2.0/snippets/{escaped}")},
                "html": {"href": format!("{origin}/{escaped}/")},
                "hooks": {"href": format!("{origin}/2.0/workspaces/{escaped}/hooks")}
            },
            "created_on": notation(person.joined_us),
            "type": "user",
            "uuid": uuid,
            "is_staff": false,
            "account_id": format!("557058:{}", uuid.trim_matches(['{', '}'])),
            "nickname": person.nickname,
            "account_status": "active",
            "location": null,
            "website": null
        })
    }
}

/// A UUID as it appears in a path.
pub(crate) fn escape(uuid: &str) -> String {
    uuid.replace('{', "%7B").replace('}', "%7D")
}
