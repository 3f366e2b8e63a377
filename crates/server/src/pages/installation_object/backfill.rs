//! The backfill of an object as a choice in a form: as the manifest says, or how far
//! back for this customer, and by which conditions.

use connector::Object;
use engine::{BackfillConfig, ReadFilter};
use manifest::{Backfill, DefaultPeriod};

use super::filters::Rows;
use crate::pages::form::Form;

/// What the names of its conditions begin with.
const FILTERS: &str = "backfill-filter";

/// How far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// As the manifest says.
    Manifest,
    Nothing,
    Everything,
    /// So many days as are said beside it.
    Days,
}

impl Reach {
    const ALL: [Self; 4] = [Self::Manifest, Self::Nothing, Self::Everything, Self::Days];

    fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Nothing => "nothing",
            Self::Everything => "everything",
            Self::Days => "days",
        }
    }

    fn of(period: &DefaultPeriod) -> Self {
        match (period.full_history, period.days) {
            (Some(true), _) => Self::Everything,
            (_, Some(days)) if days > 0 => Self::Days,
            _ => Self::Nothing,
        }
    }
}

/// What the form says of the backfill.
#[derive(Debug)]
pub(super) struct Choice {
    reach: Reach,
    /// The number as it was typed.
    pub(super) days: String,
    /// Whether it has no conditions, though other reads may.
    pub(super) unfiltered: bool,
    pub(super) filters: Rows,
    /// What is wrong with the reach.
    pub(super) reach_error: Option<String>,
    /// What is wrong with there being no conditions.
    pub(super) unfiltered_error: Option<String>,
}

/// How far back the manifest says, in words.
pub(super) fn of_manifest(backfill: Option<&Backfill>) -> String {
    let Some(period) = backfill.map(|backfill| &backfill.default_period) else {
        return "nothing".to_owned();
    };
    match (Reach::of(period), period.days) {
        (Reach::Everything, _) => "everything there is".to_owned(),
        (Reach::Days, Some(1)) => "the last day".to_owned(),
        (Reach::Days, Some(days)) => format!("the last {days} days"),
        (Reach::Manifest | Reach::Nothing | Reach::Days, _) => "nothing".to_owned(),
    }
}

impl Choice {
    pub(super) fn of_config(config: Option<&BackfillConfig>, object: Option<&Object>) -> Self {
        let period = config.map(|config| &config.period.default_period);
        let reach = period.map_or(Reach::Manifest, Reach::of);
        let days = period.and_then(|period| period.days);
        let filters = config.and_then(|config| config.field_filters.as_deref());
        Self {
            reach,
            days: days
                .filter(|_| reach == Reach::Days)
                .map_or_else(String::new, |days| days.to_string()),
            unfiltered: filters.is_some_and(<[ReadFilter]>::is_empty),
            filters: Rows::of_config(FILTERS, filters, object),
            reach_error: None,
            unfiltered_error: None,
        }
    }

    /// What a form says; `None` where it says nothing of it.
    pub(super) fn of_form(form: &Form) -> Option<Self> {
        let said = form.given("backfill")?;
        Some(Self {
            reach: Reach::ALL.into_iter().find(|one| one.as_str() == said)?,
            days: form.text("backfill-days").to_owned(),
            unfiltered: form.has("backfill-unfiltered"),
            filters: Rows::of_form(FILTERS, form)?,
            reach_error: None,
            unfiltered_error: None,
        })
    }

    /// What it comes to; what is wrong is said where it is from then on. What was
    /// there `before` is kept as it was where the form says the same.
    pub(super) fn read(
        &mut self,
        before: Option<&BackfillConfig>,
        object: Option<&Object>,
    ) -> Option<BackfillConfig> {
        let own_before = before.and_then(|before| before.field_filters.as_deref());
        let own = self.filters.read(own_before, object);
        if self.unfiltered && self.filters.len() > 0 {
            let wrong = "Take the conditions below out, or let them hold.";
            self.unfiltered_error = Some(wrong.to_owned());
        }
        let own = (self.unfiltered || !own.is_empty()).then_some(own);
        let then = Self::of_config(before, object);
        let period = match before {
            Some(before) if (then.reach, &then.days) == (self.reach, &self.days) => {
                Some(before.period.default_period.clone())
            }
            _ => self.period(),
        };
        if self.reach == Reach::Manifest && (own.is_some() || self.filters.len() > 0) {
            let wrong = "With conditions of its own, say here how far back the backfill goes.";
            self.reach_error = Some(wrong.to_owned());
        }
        Some(BackfillConfig {
            period: Backfill {
                default_period: period?,
            },
            field_filters: own,
        })
    }

    fn period(&mut self) -> Option<DefaultPeriod> {
        let days = match self.reach {
            Reach::Manifest => return None,
            Reach::Everything => {
                return Some(DefaultPeriod {
                    days: None,
                    full_history: Some(true),
                });
            }
            Reach::Nothing => 0,
            Reach::Days => match self.days.parse() {
                Ok(days) if days > 0 => days,
                _ => {
                    let wrong = "Write how many days back, as a whole number from 1 on.";
                    self.reach_error = Some(wrong.to_owned());
                    return None;
                }
            },
        };
        Some(DefaultPeriod {
            days: Some(days),
            full_history: None,
        })
    }

    pub(super) fn is(&self, reach: &str) -> bool {
        self.reach.as_str() == reach
    }

    /// Whether anything differs from the manifest.
    pub(super) fn is_own(&self) -> bool {
        self.reach != Reach::Manifest || self.wrong() > 0
    }

    /// How many things are wrong.
    pub(super) fn wrong(&self) -> usize {
        let errors = [&self.reach_error, &self.unfiltered_error];
        errors.into_iter().flatten().count() + self.filters.wrong()
    }
}
