//! Every rule there is: its name, what it refuses, what to do about it.
//!
//! The names are stable: they stand in comments of manifests, in SARIF files and
//! in people's scripts. `docs/manifest-rules.md` is this table for readers.

use std::fmt;

use crate::Severity;

/// Makes the enum and the table from one list.
macro_rules! rules {
    ($($rule:ident, $name:literal, $severity:ident, $what:literal, $remedy:literal;)*) => {
        /// What a [`Problem`](crate::Problem) breaks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = $what] $rule,)*
        }

        impl Rule {
            /// Every rule, in the order in which they are documented.
            pub const ALL: &[Self] = &[$(Self::$rule,)*];

            /// The stable name, such as `unknown-key`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$rule => $name,)* }
            }

            /// How bad a problem with this rule is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$rule => Severity::$severity,)* }
            }

            /// What is wrong when a manifest breaks it.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$rule => $what,)* }
            }

            /// What to do about it, in general.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$rule => $remedy,)* }
            }
        }
    };
}

rules! {
    Encoding, "encoding", Error, "The text is not UTF-8, or has a character that YAML forbids.", "Save it as UTF-8 without control characters.";
    Size, "size", Error, "The manifest is bigger, deeper or has more aliases than any real one.", "Split it up; write it with less nesting and fewer aliases.";
    Yaml, "yaml", Error, "The text is not YAML, or has a second document.", "Fix it at that place: often it is the indentation or a quote.";
    Type, "type", Error, "A value is of another type than its key takes.", "Write the type that the message names.";
    RepeatedKey, "repeated-key", Error, "A key is twice in one map.", "Keep one of the two.";
    SpecVersion, "spec-version", Error, "`specVersion` is missing, or is not `1.0.0`.", "Write `specVersion: 1.0.0` at the top.";
    NoIntegrations, "no-integrations", Error, "There is no integration.", "Add one under `integrations`.";
    IntegrationName, "integration-name", Error, "An integration has no `name`.", "Give it one that is unique in the project.";
    RepeatedIntegration, "repeated-integration", Error, "Two integrations have one name.", "Give each its own.";
    NoAction, "no-action", Error, "An integration has none of `read`, `write`, `subscribe` and `proxy`.", "Add one, or remove the integration.";
    UnknownProvider, "unknown-provider", Error, "`provider` is missing, or names none that this server knows.", "Name one of those that the message lists.";
    UnknownModule, "unknown-module", Error, "The provider has no such `module`.", "Remove `module`.";
    UnsupportedAction, "unsupported-action", Error, "The provider or this server does not support the action.", "Remove it.";
    UnsupportedObject, "unsupported-object", Error, "The provider does not support the object for this action.", "Name one of those that the message lists.";
    EmptyObjects, "empty-objects", Error, "An action has no `objects`.", "Add one, or remove the action.";
    ObjectName, "object-name", Error, "An object has no `objectName`.", "Name an object of the provider.";
    RepeatedObject, "repeated-object", Error, "The same object is twice in one action.", "Put both into one.";
    RepeatedName, "repeated-name", Error, "Two objects, or two fields of one object, are mapped to one name.", "Map one of them to another name.";
    Destination, "destination", Error, "An object that is read or subscribed to has no `destination`.", "Name the destination that its messages go to.";
    FieldName, "field-name", Error, "A field has neither `fieldName` nor `mapToName`.", "Name the provider's field, or the name that the customer maps one to.";
    JsonPath, "json-path", Error, "A field's path is not a JSONPath of names in brackets.", "Write a name of the record's top level, or a path such as `$['owner']['uuid']`.";
    OptionalFieldsAuto, "optional-fields-auto", Error, "`optionalFieldsAuto` is something other than `all`.", "Write `all`, or remove it.";
    Cron, "cron", Error, "A `schedule` is not cron of five parts, or never comes round.", "Write minute, hour, day, month and weekday, in UTC: `0 * * * *` is hourly.";
    ScheduleTooOften, "schedule-too-often", Error, "Two ticks of a `schedule` are closer than this server allows.", "Let it come round less often. The operator sets the least with `LIGATURE_MIN_SCHEDULE_SECONDS`.";
    BackfillPeriod, "backfill-period", Error, "A `backfill` has neither or both of `days` and `fullHistory`.", "Give `defaultPeriod` one of the two.";
    BackfillDays, "backfill-days", Error, "`days` is negative, or more than a hundred years.", "Write a number from 0 to 36500, or `fullHistory: true` for everything.";
    DeliveryMode, "delivery-mode", Error, "`delivery.mode` is neither `auto` nor `onRequest`.", "Write one of the two.";
    PageSize, "page-size", Error, "`delivery.pageSize` is there with `auto`, or missing or outside 50 to 500 with `onRequest`.", "With `onRequest` write a number from 50 to 500, else remove it.";
    Enabled, "enabled", Error, "`enabled` of an object or an event is something other than `always`.", "Write `always`, or remove it.";
    AlwaysSchedule, "always-schedule", Error, "An object with `enabled: always` has no `schedule`.", "Add one, such as `0 * * * *`.";
    AlwaysFields, "always-fields", Error, "An object with `enabled: always` has no fields.", "Add `requiredFields`, or `optionalFieldsAuto: all`.";
    AlwaysMapping, "always-mapping", Error, "An object with `enabled: always` has a `mapToName`.", "Remove it, or remove `enabled`.";
    SubscribeRead, "subscribe-read", Error, "An integration subscribes but does not read.", "Add `read` with the same objects.";
    SubscribeTwin, "subscribe-twin", Error, "An object with events is not among the read objects.", "Add it to `read`.";
    SubscribeInherit, "subscribe-inherit", Error, "An object with events lacks `inheritFieldsAndMapping: true`.", "Add it.";
    WatchFields, "watch-fields", Error, "An `updateEvent` has neither or both of `watchFieldsAuto` and `requiredWatchFields`.", "Give it one of the two.";
    WatchFieldsAuto, "watch-fields-auto", Error, "`watchFieldsAuto` is neither `all` nor `selected`.", "Write one of the two.";
    NestedWatchField, "nested-watch-field", Error, "`requiredWatchFields` names a field inside another.", "Name the field at the record's top level.";
    UnknownKey, "unknown-key", Warning, "A key that is not documented. It has no effect.", "Fix its spelling, or remove it.";
    NoField, "no-field", Warning, "A read object has no field, so its records have none.", "Add `requiredFields`, `optionalFields` or `optionalFieldsAuto: all`.";
    NoEvent, "no-event", Warning, "A subscribe object has no event.", "Add `createEvent`, `updateEvent` or `deleteEvent`.";
    UnknownField, "unknown-field", Warning, "A field that is not known of the object.", "Fix its spelling; what the provider does not send stays empty.";
    RemovedObject, "removed-object", Warning, "The provider has removed the object from its API.", "Remove it: reading it is answered with an error.";
    UnknownDestination, "unknown-destination", Warning, "The project has no such destination yet. Seen at deployment only.", "Create the destination; until then nothing is delivered.";
    DisabledDestination, "disabled-destination", Warning, "The destination is disabled. Seen at deployment only.", "Enable it; until then its messages wait.";
    UnusedIgnore, "unused-ignore", Warning, "A comment `# amp:ignore[…]` silences nothing, or names no rule that it could silence.", "Remove it, or fix the rule's name.";
}

impl Rule {
    /// The rule of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.name() == name)
    }

    /// Whether only a server can tell: [`crate::check`] cannot, unless it is
    /// told of the destinations.
    #[must_use]
    pub const fn needs_destinations(self) -> bool {
        matches!(self, Self::UnknownDestination | Self::DisabledDestination)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
