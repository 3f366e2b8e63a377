//! One object of an installation as a form: which records, how far back, which words.

use serde_json::{Value, json};
use testing::TestStore;
use url::form_urlencoded;

use crate::world::browser::{Browser, as_it_stands};
use crate::world::steps::installations;
use crate::world::{Answer, World};

testing::both!(
    conditions_backfill_and_words_are_edited,
    conditions_that_are_wrong_say_so,
    a_backfill_that_is_wrong_says_so,
    words_that_are_wrong_say_so,
    what_the_form_does_not_know_stays,
    words_that_the_app_offers_are_asked_for,
);

/// A form of one object, in an owner's browser.
struct Editor {
    world: World,
    browser: Browser,
    id: String,
    place: String,
}

type Fields = Vec<(String, String)>;

/// Fields as a query has them, in lines for people.
fn fields(query: &str) -> Fields {
    let query: String = query.split_whitespace().collect();
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn borrowed(fields: &Fields) -> Vec<(&str, &str)> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

impl Editor {
    async fn open(store: TestStore, objects: Value) -> Self {
        let world = World::idle(store).await;
        world.prepare().await;
        let installation = world.install(objects).await;
        let id = installation["id"].as_str().unwrap().to_owned();
        let pages = world.pages().await;
        Self {
            browser: world.owners_browser().await,
            place: format!("{pages}/installations/{id}/object?object=repositories"),
            world,
            id,
        }
    }

    async fn form(&mut self) -> Answer {
        self.browser.get(&self.place).await
    }

    /// Sends what is hidden in the form, and these fields.
    async fn submit(&mut self, form: &Answer, query: &str) -> Answer {
        let fields = fields(query);
        let place = self.place.clone();
        self.browser.submit(form, &place, &borrowed(&fields)).await
    }

    /// Sends the form as it stands, with these fields in place of its own.
    async fn resubmit(&mut self, form: &Answer, query: &str) -> Answer {
        let own = fields(query);
        let mut all = as_it_stands(&form.text(), &self.place);
        all.retain(|(name, _)| own.iter().all(|(other, _)| other != name));
        all.extend(own);
        let place = self.place.clone();
        self.browser.post(form, &place, &borrowed(&all)).await
    }

    /// Sends fields of which something is wrong: it is said, what was typed stays,
    /// and nothing is saved.
    async fn refused(&mut self, form: &Answer, query: &str, error: &str) -> String {
        let before = self.stored().await;
        let refused = self.submit(form, query).await;
        let text = refused.text();
        assert_eq!(refused.status, 422, "{error}: {text}");
        assert!(text.contains(error), "{error}: {text}");
        for (name, value) in fields(query) {
            let shown = format!("name=\"{name}\" value=\"{}\"", value.replace('\'', "&#39;"));
            let is_box = name == "enabled" || name == "backfill" || name.ends_with("-type");
            let is_blank = value.is_empty() && name.ends_with("-field");
            assert!(
                is_box || is_blank || text.contains(&shown),
                "{shown}: {text}"
            );
        }
        assert_eq!(self.stored().await, before);
        text
    }

    async fn stored(&self) -> Value {
        let path = format!("{}/{}", installations(), self.id);
        let now = self.world.api.get(&path).await.json(200);
        now["config"]["content"]["read"]["objects"]["repositories"].clone()
    }
}

fn condition(field: &str, value: Value) -> Value {
    json!({ "fieldName": field, "operator": "eq", "value": value })
}

fn is_saved(answer: &Answer) {
    let text = answer.text();
    assert!(text.contains("repositories: saved."), "{text}");
}

const FILLED: &str = "enabled=yes&field=language&map-secrecy=is_private
    &filter-field=is_private&filter-value=false&filter-type=
    &filter-field=+project.key+&filter-value=12&filter-type=
    &filter-field=size&filter-value=12&filter-type=
    &filter-field=&filter-value=&filter-type=truth
    &backfill=days&backfill-days=30
    &backfill-filter-field=name&backfill-filter-value=&backfill-filter-type=text
    &word-field=language&word-value=rust&word-word=Rust+%26+friends
    &word-field=language&word-value=c&word-word=C
    &word-field=&word-value=&word-word=";

async fn conditions_backfill_and_words_are_edited(store: TestStore) {
    let mut editor = Editor::open(store, json!({})).await;
    let form = editor.form().await;
    let text = form.text();
    for shown in [
        "As the manifest says: everything there is",
        "value=\"manifest\" checked",
        "<option value=\"project.key\">",
        "Bitbucket itself filters by uuid, name",
        "Value at Bitbucket",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert_eq!(text.matches("name=\"filter-field\"").count(), 2);
    assert_eq!(text.matches("name=\"word-field\"").count(), 2);
    assert!(!text.contains("That has been"), "nothing is read yet");

    is_saved(&editor.submit(&form, FILLED).await);
    let first = editor.stored().await;
    let conditions = [
        condition("is_private", json!(false)),
        condition("project.key", json!("12")),
        condition("size", json!(12)),
    ];
    assert_eq!(first["fieldFilters"], json!(conditions));
    let own = [condition("name", json!(""))];
    let backfill = json!({ "defaultPeriod": { "days": 30 }, "fieldFilters": own });
    assert_eq!(first["backfill"], backfill);
    let words = json!({ "language": { "Rust & friends": "rust", "C": "c" } });
    assert_eq!(first["selectedValueMappings"], words);

    // As it stands it says what is stored.
    let form = editor.form().await;
    let text = form.text();
    assert!(text.contains("value=\"Rust &#38; friends\"") && text.contains("That has been"));
    assert!(
        text.contains("value=\"text\" selected"),
        "an empty text is one on purpose"
    );
    is_saved(&editor.resubmit(&form, "").await);
    assert_eq!(editor.stored().await, first);

    // No conditions in the backfill; and then nothing of all that.
    let none = "backfill=everything&backfill-unfiltered=yes
        &backfill-filter-field=&backfill-filter-value=";
    editor.resubmit(&form, none).await;
    let now = editor.stored().await;
    let open = json!({ "defaultPeriod": { "fullHistory": true }, "fieldFilters": [] });
    assert_eq!(now["backfill"], open);
    assert_eq!(now["fieldFilters"], first["fieldFilters"]);
    let form = editor.form().await;
    let ticked = "name=\"backfill-unfiltered\" value=\"yes\" checked";
    assert!(form.text().contains(ticked));
    let nothing = "enabled=yes&backfill=manifest&filter-field=&backfill-filter-field=&word-field=";
    is_saved(&editor.submit(&form, nothing).await);
    let now = editor.stored().await;
    for gone in ["fieldFilters", "backfill", "selectedValueMappings"] {
        assert_eq!(now.get(gone), None, "{now}");
    }
}

async fn conditions_that_are_wrong_say_so(store: TestStore) {
    let mut editor = Editor::open(store, json!({})).await;
    let form = editor.form().await;
    for (field, value, error) in [
        (
            "is_private",
            "perhaps",
            "`is_private` is compared as true or false",
        ),
        ("size", "big", "`size` is compared as a number"),
        ("name", "", "Say what `name` must be"),
        ("", "lost", "Name the field"),
        ("project", "CORE", "`project` is no single value"),
        ("$..x", "1", "Not taken: `$..x` is no field name"),
    ] {
        let query = format!("enabled=yes&filter-field={field}&filter-value={value}");
        let text = editor.refused(&form, &query, error).await;
        assert!(text.contains("aria-describedby=\"filter-1\"") && text.contains("id=\"filter-1\""));
    }
    // What the engine finds is beside the row, too, whatever is empty before it.
    let twice = "enabled=yes&filter-field=&filter-value=&filter-type=
        &filter-field=project.key&filter-value=A&filter-type=
        &filter-field=$['project']['key']&filter-value=B&filter-type=";
    let error = "id=\"filter-2\">Not taken: the field has a condition already";
    let text = editor.refused(&form, twice, error).await;
    assert!(!text.contains("fieldFilters["), "it is said once: {text}");
}

async fn a_backfill_that_is_wrong_says_so(store: TestStore) {
    let mut editor = Editor::open(store, json!({})).await;
    let form = editor.form().await;
    for (query, error) in [
        (
            "backfill=days&backfill-days=0&backfill-filter-field=",
            "Write how many days back",
        ),
        (
            "backfill=days&backfill-days=many&backfill-filter-field=",
            "Write how many days back",
        ),
        (
            "backfill=manifest&backfill-filter-field=name&backfill-filter-value=x",
            "say here how far back",
        ),
        (
            "backfill=nothing&backfill-unfiltered=yes
            &backfill-filter-field=name&backfill-filter-value=x",
            "Take the conditions below out",
        ),
        (
            "backfill=everything&backfill-filter-field=size&backfill-filter-value=x",
            "`size` is compared as a number",
        ),
        (
            "backfill=everything&backfill-filter-field=$..x&backfill-filter-value=x",
            "id=\"backfill-filter-1\">Not taken: `$..x`",
        ),
    ] {
        editor
            .refused(&form, &format!("enabled=yes&{query}"), error)
            .await;
    }
}

async fn words_that_are_wrong_say_so(store: TestStore) {
    let mut editor = Editor::open(store, json!({})).await;
    let form = editor.form().await;
    for (query, error) in [
        (
            "word-field=language&word-value=c&word-word=C",
            "`language` is not sent",
        ),
        ("word-field=&word-value=c&word-word=C", "Name the field"),
        (
            "word-field=full_name&word-value=&word-word=C",
            "Say which value Bitbucket has",
        ),
        (
            "word-field=full_name&word-value=c&word-word=",
            "Say which word your app has",
        ),
        (
            "word-field=$..x&word-value=c&word-word=C",
            "`$..x` is no field name",
        ),
        (
            "word-field=full_name&word-value=a&word-word=C
            &word-field=full_name&word-value=b&word-word=C",
            "`C` stands for another value already",
        ),
    ] {
        let text = editor
            .refused(&form, &format!("enabled=yes&{query}"), error)
            .await;
        assert!(
            text.contains("Nothing was saved: one thing below"),
            "{text}"
        );
    }
    // What goes out as one of all has words like any other.
    let all = "enabled=yes&all=yes&word-field=language&word-value=c&word-word=C";
    is_saved(&editor.submit(&form, all).await);
}

async fn what_the_form_does_not_know_stays(store: TestStore) {
    let object = json!({
        "objectName": "repositories",
        "selectedFields": { "language": true }, "selectedFieldMappings": {},
        "selectedValueMappings": { "language": { "none": "" }, "beyond": { "x": "1" }, "slug": {} },
        "fieldFilters": [
            condition("is_private", json!("false")), condition("size", json!(1.50)), condition("project", json!("x")),
        ],
        "backfill": {
            "defaultPeriod": { "days": 0, "fullHistory": false, "later": 1 }, "fieldFilters": [], "later": true,
        },
        "later": { "a": [1] },
    });
    let mut editor = Editor::open(store, json!({ "repositories": object })).await;
    let before = editor.stored().await;
    assert_eq!(before["backfill"]["later"], true);
    let form = editor.form().await;
    assert!(form.text().contains("value=\"nothing\" checked"));
    is_saved(&editor.resubmit(&form, "schedule=15+*+*+*+*").await);
    let mut expected = before;
    expected["schedule"] = json!("15 * * * *");
    // The form has the mapping that goes without saying.
    expected["selectedFieldMappings"] = json!({ "secrecy": "is_private" });
    assert_eq!(editor.stored().await, expected);
    // Neither does a form without these parts touch them.
    is_saved(&editor.submit(&form, "enabled=yes&field=language").await);
    let now = editor.stored().await;
    for kept in ["fieldFilters", "backfill", "selectedValueMappings", "later"] {
        assert_eq!(now[kept], expected[kept], "{kept}");
    }
}

async fn words_that_the_app_offers_are_asked_for(store: TestStore) {
    let offer = json!([{
        "mapToName": "stage", "prompt": "Which field is the stage?",
        "mappedValues": [
            { "mappedValue": "open", "mappedDisplayValue": "Open" },
            { "mappedValue": "shut", "mappedDisplayValue": "Shut" },
        ],
    }]);
    let object = json!({
        "objectName": "repositories", "selectedFields": {},
        "selectedFieldMappings": { "stage": "is_private" }, "dynamicMappingsInput": offer,
    });
    let mut editor = Editor::open(store, json!({ "repositories": object })).await;
    let form = editor.form().await;
    let text = form.text();
    assert!(text.contains("Which field is the stage?"), "{text}");
    assert!(
        text.contains("name=\"map-stage\" value=\"is_private\""),
        "{text}"
    );
    assert!(
        text.contains("value=\"open\"") && text.contains("value=\"shut\""),
        "{text}"
    );
    // One of them stands for something; the other one goes on being asked for.
    let words = "word-field=is_private&word-value=false&word-word=open
        &word-field=is_private&word-value=&word-word=shut";
    is_saved(&editor.resubmit(&form, words).await);
    let now = editor.stored().await;
    assert_eq!(
        now["selectedValueMappings"],
        json!({ "is_private": { "open": "false" } })
    );
    assert_eq!(now["dynamicMappingsInput"], offer);
    assert!(editor.form().await.text().contains("value=\"shut\""));
}
