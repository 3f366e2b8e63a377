//! Members of a workspace: the two people who can sign in, and generated colleagues.

use super::people::{Account, Person, Principal, escape};
use super::workspaces::Workspace;
use crate::bbql::{Field, Kind, Operand, Record};
use crate::origin::Origin;
use serde_json::{Value, json};

const FIRST: [&str; 10] = [
    "Amara", "Björn", "Chidi", "Dolores", "Emre", "Fatima", "Goran", "Hana", "Ines", "Jürgen",
];
const LAST: [&str; 7] = [
    "Okafor",
    "Lindqvist",
    "Tanaka",
    "García",
    "Yılmaz",
    "Novak",
    "O'Brien",
];

/// Generated people's numbers begin here; below are those who can sign in.
const COLLEAGUES: u32 = 10_000;

/// What `q` may name. E-mail addresses are for administrators.
pub(crate) const FIELDS: &[Field] = &[
    Field::new("permission", Kind::Text),
    Field::new("user.email", Kind::Text),
    Field::new("user.nickname", Kind::Text),
    Field::new("user.account_id", Kind::Text),
];

/// One membership, by its number; the first two are [`Person::all`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    workspace: &'a Workspace,
    number: u32,
}

impl<'a> Member<'a> {
    pub(crate) fn new(workspace: &'a Workspace, number: u32) -> Self {
        Self { workspace, number }
    }

    /// By `{uuid}` or account id.
    pub(crate) fn find(workspace: &'a Workspace, name: &str) -> Option<Self> {
        let uuid = match name.strip_prefix(Account::ID_PREFIX) {
            Some(bare) => format!("{{{bare}}}"),
            None => name.to_owned(),
        };
        let person = workspace.people.number(&uuid)?;
        let number = match person.checked_sub(COLLEAGUES) {
            Some(number) => number,
            None => person,
        };
        let member = Self::new(workspace, number);
        let is_it = member.account().number == person && workspace.members.ledger.exists(number);
        is_it.then_some(member)
    }

    pub(crate) fn number(self) -> u32 {
        self.number
    }

    pub(crate) fn uuid(self) -> String {
        self.account().uuid(self.workspace.people)
    }

    fn person(self) -> Option<&'static Person> {
        Person::all()
            .iter()
            .find(|person| person.number() == self.number)
    }

    pub(crate) fn account(self) -> Account {
        let mut account = match self.person() {
            Some(person) => person.account(),
            None => self.generated(),
        };
        if let Some(name) = self.workspace.members.written(self.number) {
            account.display_name.clone_from(name);
        }
        account
    }

    fn generated(self) -> Account {
        let at = usize::try_from(self.number).unwrap_or_default();
        let first = FIRST.get(at % FIRST.len()).copied().unwrap_or_default();
        let last = LAST.get(at % LAST.len()).copied().unwrap_or_default();
        Account {
            number: COLLEAGUES + self.number,
            nickname: format!("colleague{}", self.number + 1),
            display_name: format!("{first} {last}"),
            joined_us: 1_500_000_000_000_000 + i64::from(self.number) * 86_400_000_123,
        }
    }

    pub(crate) fn email(self) -> String {
        if self.number == 0 {
            return self.workspace.first_email.clone();
        }
        format!("{}@example.com", self.account().nickname)
    }

    /// `owner` or `member`; `collaborator` is gone since 2022.
    pub(crate) fn permission(self) -> &'static str {
        if self.number == self.workspace.owner() {
            "owner"
        } else {
            "member"
        }
    }

    pub(crate) fn is(self, principal: Principal) -> bool {
        matches!(principal, Principal::Person(person) if person.number() == self.number)
    }

    /// The short form inside other objects.
    pub(crate) fn render_user(self, origin: &Origin) -> Value {
        self.account().render_short(self.workspace.people, origin)
    }

    /// The object of `GET /2.0/workspaces/{workspace}/members/{member}` and of the list.
    pub(crate) fn render(self, origin: &Origin) -> Value {
        let (slug, uuid) = (&self.workspace.slug, escape(&self.uuid()));
        json!({
            "type": "workspace_membership",
            "user": self.render_user(origin),
            "workspace": self.workspace.render_short(origin),
            "links": {"self": {"href": format!("{origin}/2.0/workspaces/{slug}/members/{uuid}")}}
        })
    }

    /// The entry of `GET /2.0/workspaces/{workspace}/permissions`. Without `added_on` and
    /// `last_accessed`, as in a workspace administered in admin.atlassian.com.
    pub(crate) fn render_permission(self, origin: &Origin) -> Value {
        json!({
            "type": "workspace_membership",
            "permission": self.permission(),
            "user": self.render_user(origin),
            "workspace": self.workspace.render_short(origin)
        })
    }
}

impl Record for Member<'_> {
    fn operand(&self, field: &str) -> Operand {
        match field {
            "permission" => Operand::text(self.permission()),
            "user.email" => Operand::Text(self.email()),
            "user.nickname" => Operand::Text(self.account().nickname),
            "user.account_id" => Operand::Text(self.account().account_id(self.workspace.people)),
            _ => Operand::Null,
        }
    }
}
