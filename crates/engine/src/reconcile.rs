//! What an installation reads against what it should read: objects to add and
//! objects to take away. Pure, and the same for an install, an update and a deploy.
//!
//! An object is wanted when the customer's config has it and does not disable it,
//! or when the manifest enables it for everyone. What is there already and is
//! still wanted, or only disabled, keeps its position and watermark.

use connector::{Connector, Intent, ReadIntent};
use jiff::{SignedDuration, Timestamp};
use manifest::{Limits, ReadObject};
use store::{Connection, NewSync, ReadType, Sync};

use crate::read::inputs_of;
use crate::schedule;
use crate::shape::{InstallationConfig, ReadObjectConfig, Selection, chosen};

/// How far behind ours a provider's clock may be, as in every watermark.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// What is there, and what the reads are made from.
pub(crate) struct Reconciliation<'a> {
    pub(crate) connector: &'a dyn Connector,
    pub(crate) connection: &'a Connection,
    pub(crate) manifest: &'a manifest::Integration,
    /// What is read now.
    pub(crate) syncs: &'a [Sync],
    /// The names of the project's destinations; `None` if that one is missing is
    /// no reason against a read, which will say so itself.
    pub(crate) destinations: Option<&'a [String]>,
    pub(crate) limits: Limits,
    pub(crate) now: Timestamp,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Objects to be read from now on.
    pub(crate) add: Vec<NewSync>,
    /// Objects, by the provider's names, of which nothing is to be left.
    pub(crate) remove: Vec<String>,
    /// What is wrong with what was chosen; objects that it is about are not added.
    pub(crate) causes: Vec<String>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

impl Reconciliation<'_> {
    /// Plans the step from the config `before` to `after`. Choices that stay as
    /// they were are not judged again: a deploy may have made them odd, and that
    /// is no reason to refuse another one.
    pub(crate) fn plan(&self, before: &InstallationConfig, after: &InstallationConfig) -> Plan {
        let mut plan = Plan::default();
        let kept = self.kept();
        let objects: Vec<&ReadObject> = self.manifest.read_objects().chain(&kept).collect();
        self.unknown(&objects, before, after, &mut plan);
        for object in objects {
            let choice = choice(after, object);
            let is_read = self.is_read(&object.object_name);
            let always = choice.is_none() && object.is_always_enabled();
            if choice.is_none() && !always {
                if is_read {
                    plan.remove.push(object.object_name.clone());
                }
                continue;
            }
            let disabled = choice.is_some_and(|choice| choice.disabled == Some(true));
            let begins = !is_read && !disabled;
            let touched = choice != crate::reconcile::choice(before, object);
            if !begins && !touched {
                continue;
            }
            let causes = plan.causes.len();
            let sync = self.sync(object, choice, &mut plan.causes);
            if begins && plan.causes.len() == causes {
                plan.add.extend(sync);
            }
        }
        plan
    }

    /// The last definitions of objects that the manifest has no longer.
    fn kept(&self) -> Vec<ReadObject> {
        let gone = |sync: &&Sync| self.manifest.read_object(&sync.object_name).is_none();
        let definitions = self.syncs.iter().filter(gone);
        definitions
            .filter_map(|sync| serde_json::from_value(sync.definition.clone()?).ok())
            .collect()
    }

    fn is_read(&self, object_name: &str) -> bool {
        self.syncs
            .iter()
            .any(|sync| sync.object_name == object_name)
    }

    /// Choices, made now, of objects that there are none of. What a destructive
    /// deploy has stopped stays there, for the day when it comes back.
    fn unknown(
        &self,
        objects: &[&ReadObject],
        before: &InstallationConfig,
        after: &InstallationConfig,
        plan: &mut Plan,
    ) {
        for (key, choice) in after.read.iter().flat_map(|read| &read.objects) {
            let name = choice.object_name.as_ref().unwrap_or(key);
            let known = objects
                .iter()
                .any(|object| object.object_name == *name || object.name() == name);
            let was = before.read.as_ref().and_then(|read| read.objects.get(key));
            if !known && was != Some(choice) {
                plan.causes.push(format!(
                    "read object `{name}` is not in the integration's manifest"
                ));
            }
        }
    }

    /// The read of an object, and everything wrong with it.
    fn sync(
        &self,
        object: &ReadObject,
        choice: Option<&ReadObjectConfig>,
        causes: &mut Vec<String>,
    ) -> Option<NewSync> {
        let name = &object.object_name;
        let selection = match Selection::new(object, choice) {
            Ok(selection) => selection,
            Err(error) => {
                causes.push(format!("read object `{name}`: {error}"));
                return None;
            }
        };
        if let Some(wrong) = manifest::explain_schedule(&selection.schedule, self.limits) {
            causes.push(format!("read object `{name}`: {wrong}"));
        }
        if let Some(destinations) = self.destinations
            && !destinations.contains(&selection.destination)
        {
            causes.push(format!(
                "read object `{name}` goes to destination `{}`, which does not exist",
                selection.destination
            ));
        }
        let first = FirstRun::of(object, choice, self.now);
        let intent = Intent::Read(ReadIntent {
            object: name.clone(),
            inputs: inputs_of(self.connector, &self.connection.provider_metadata),
            since: first.since,
        });
        if let Err(failure) = self.connector.start(&intent) {
            causes.push(format!("read object `{name}`: {failure}"));
        }
        let key = schedule::key(&self.connection.id, name);
        Some(NewSync {
            object_name: name.clone(),
            run: first.run,
            since: first.since,
            watermark: first.watermark,
            due_at: schedule::next_tick(&selection.schedule, &key, self.now),
        })
    }
}

/// The choices for an object, if any were made.
fn choice<'a>(config: &'a InstallationConfig, object: &ReadObject) -> Option<&'a ReadObjectConfig> {
    let read = config.read.as_ref()?;
    chosen(read.objects.iter(), object)
}

/// How reading an object begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FirstRun {
    /// A backfill, if there is to be one.
    pub(crate) run: Option<ReadType>,
    /// Where it begins; `None` is the beginning.
    pub(crate) since: Option<Timestamp>,
    /// Where the next incremental read begins, if there is no backfill.
    pub(crate) watermark: Option<Timestamp>,
}

impl FirstRun {
    /// `days: N` counts from `now`; none of it means no backfill, and reading
    /// starts now.
    pub(crate) fn of(
        object: &ReadObject,
        choice: Option<&ReadObjectConfig>,
        now: Timestamp,
    ) -> Self {
        let backfill = choice
            .and_then(|choice| choice.backfill.as_ref())
            .or(object.backfill.as_ref());
        let (run, since) = match backfill.map(|backfill| &backfill.default_period) {
            Some(period) if period.full_history == Some(true) => (Some(ReadType::Backfill), None),
            Some(period) if period.days.unwrap_or(0) > 0 => {
                let back = SignedDuration::from_hours(24 * i64::from(period.days.unwrap_or(0)));
                (Some(ReadType::Backfill), now.checked_sub(back).ok())
            }
            Some(_) | None => (None, None),
        };
        // The provider's clock may be behind ours.
        let overlap = now.checked_sub(OVERLAP).unwrap_or(now);
        Self {
            run,
            since,
            watermark: run.is_none().then_some(overlap),
        }
    }
}
