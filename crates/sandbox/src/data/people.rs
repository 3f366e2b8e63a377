//! Who can sign in: two people, and the application itself.

use super::identity::Identity;
use super::times::notation;
use crate::Options;
use crate::origin::Origin;
use serde_json::{Value, json};

/// Somebody who can sign in.
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

    pub(crate) fn account(&self) -> Account {
        Account {
            number: self.number,
            nickname: self.nickname.to_owned(),
            display_name: self.display_name.to_owned(),
            joined_us: self.joined_us,
        }
    }
}

/// Somebody with an account, able to sign in here or not.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) number: u32,
    pub(crate) nickname: String,
    pub(crate) display_name: String,
    pub(crate) joined_us: i64,
}

impl Account {
    /// What an account id begins with; the rest is the UUID.
    pub(crate) const ID_PREFIX: &'static str = "557058:";

    pub(crate) fn uuid(&self, people: Identity) -> String {
        people.uuid(self.number)
    }

    pub(crate) fn account_id(&self, people: Identity) -> String {
        let uuid = self.uuid(people);
        format!("{}{}", Self::ID_PREFIX, uuid.trim_matches(['{', '}']))
    }

    /// The short form inside other objects.
    pub(crate) fn render_short(&self, people: Identity, origin: &Origin) -> Value {
        let uuid = self.uuid(people);
        let escaped = escape(&uuid);
        json!({
            "display_name": self.display_name,
            "links": {
                "self": {"href": format!("{origin}/2.0/users/{escaped}")},
                "avatar": {"href": format!("{origin}/account/{}/avatar/", self.nickname)},
                "html": {"href": format!("{origin}/{escaped}/")}
            },
            "type": "user",
            "uuid": uuid,
            "account_id": self.account_id(people),
            "nickname": self.nickname
        })
    }

    /// The object of `GET /2.0/user`.
    fn render(&self, people: Identity, origin: &Origin) -> Value {
        let uuid = self.uuid(people);
        let escaped = escape(&uuid);
        json!({
            "display_name": self.display_name,
            "links": {
                "self": {"href": format!("{origin}/2.0/users/{escaped}")},
                "avatar": {"href": format!("{origin}/account/{}/avatar/", self.nickname)},
                "repositories": {"href": format!("{origin}/2.0/repositories/{escaped}")},
                "snippets": {"href": format!("{origin}/2.0/snippets/{escaped}")},
                "html": {"href": format!("{origin}/{escaped}/")},
                "hooks": {"href": format!("{origin}/2.0/workspaces/{escaped}/hooks")}
            },
            "created_on": notation(self.joined_us),
            "type": "user",
            "uuid": uuid,
            "is_staff": false,
            "account_id": self.account_id(people),
            "nickname": self.nickname,
            "account_status": "active",
            "location": null,
            "website": null
        })
    }
}

/// The UUIDs of everybody.
pub(super) fn everybody(options: &Options) -> Identity {
    Identity::new(&[options.seed, 10])
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
        let people = everybody(options);
        match self {
            Self::Person(person) => person.account().render(people, origin),
            Self::App => {
                let uuid = people.uuid(1_000);
                json!({
                    "display_name": options.client_id,
                    "type": "app_user",
                    "uuid": uuid,
                    "created_on": notation(1_700_000_000_000_000),
                    "links": {"self": {"href": format!("{origin}/2.0/users/{}", escape(&uuid))}}
                })
            }
        }
    }

    /// `(address, primary, confirmed)`: a confirmed and an unconfirmed one beside the primary.
    pub(crate) fn emails(self, options: &Options) -> Vec<(String, bool, bool)> {
        let Self::Person(person) = self else {
            return Vec::new();
        };
        let name = person.nickname;
        let primary = match person.number {
            0 => options.email.clone(),
            _ => format!("{name}@example.com"),
        };
        vec![
            (primary, true, true),
            (format!("{name}@work.example.com"), false, true),
            (format!("{name}+new@example.org"), false, false),
        ]
    }
}

/// A UUID as it appears in a path.
pub(crate) fn escape(uuid: &str) -> String {
    uuid.replace('{', "%7B").replace('}', "%7D")
}
