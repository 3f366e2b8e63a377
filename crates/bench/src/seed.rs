//! Fills a store with customers, past the API: a hundred thousand consents would
//! take longer than what is to be measured.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::json;
use store::{
    Afterwards, Credential, Kind, MessageBody, NewConnection, NewDestination, NewInstallation,
    NewMessage, NewProject, NewRevision, NewSync, OperationStatus, PageCommit, ReadType, RunEnd,
    Scope, Store, Tenant,
};

/// Messages in one transaction.
const MESSAGES_PER_COMMIT: usize = 50;

/// What to put in.
#[derive(Debug)]
pub struct Seed<'a> {
    /// Where messages go: a destination for each.
    pub destinations: Vec<String>,
    /// Cron in UTC; empty for none.
    pub schedule: &'a str,
    /// The time of it all.
    pub now: Timestamp,
}

/// A read of repositories by one installation.
#[derive(Debug, Clone, Copy)]
pub enum Read {
    /// From the beginning, at once.
    Backfill,
    /// At a tick, from a watermark on.
    Scheduled {
        /// The tick.
        due_at: Timestamp,
        /// The watermark.
        watermark: Timestamp,
    },
}

/// A project with one integration, to be installed.
#[derive(Debug)]
pub struct Project<'a> {
    store: &'a Store,
    scope: Scope,
    now: Timestamp,
    integration_id: String,
    revision_id: String,
    destination_ids: Vec<String>,
    installed: u64,
}

impl Seed<'_> {
    /// Makes the project.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn project<'s>(&self, store: &'s Store) -> Result<Project<'s>> {
        let operator = store.operator();
        let new = NewProject {
            name: "bench".to_owned(),
            app_name: "Bench".to_owned(),
            org_id: None,
        };
        let project = store.create_project(&operator, new, self.now).await?;
        let scope = store.scope(&operator, &project.id).await?;
        let tenant = store.within(&scope);
        let mut destination_ids = Vec::new();
        for (n, url) in self.destinations.iter().enumerate() {
            let new = NewDestination {
                name: format!("hook{n}"),
                kind: "webhook".to_owned(),
                metadata: json!({ "url": url }),
            };
            destination_ids.push(tenant.create_destination(new, self.now).await?.id);
        }
        tenant.upsert_consumer("ada", None, self.now).await?;
        let revision = NewRevision {
            name: "bench".to_owned(),
            provider: "bitbucket".to_owned(),
            spec_version: "1.0.0".to_owned(),
            content: json!({
                "name": "bench", "provider": "bitbucket",
                "read": { "objects": [{
                    "objectName": "repositories", "destination": "hook0", "schedule": self.schedule,
                    "requiredFields": [
                        { "fieldName": "uuid" }, { "fieldName": "full_name" }, { "fieldName": "updated_on" },
                        { "fieldName": "$['project']['key']", "mapToName": "projectKey" },
                    ],
                }] },
            }),
        };
        let integration = tenant.deploy(vec![revision], false, self.now).await?;
        let integration = integration.into_iter().next().context("no integration")?;
        Ok(Project {
            store,
            scope,
            now: self.now,
            integration_id: integration.id,
            revision_id: integration.latest_revision.id,
            destination_ids,
            installed: 0,
        })
    }
}

impl Project<'_> {
    /// One more customer, connected and installed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn install(&mut self, read: Read) -> Result<()> {
        let group = format!("group-{}", self.installed);
        self.installed += 1;
        let tenant = self.tenant();
        tenant.upsert_group(&group, None, self.now).await?;
        let connection = NewConnection {
            id: None,
            provider: "bitbucket".to_owned(),
            provider_app_id: None,
            group_ref: group.clone(),
            consumer_ref: "ada".to_owned(),
            auth_scheme: "apiKey".to_owned(),
            provider_metadata: json!({ "workspace": { "value": group, "source": "input" } }),
            provider_workspace_ref: Some(group.clone()),
            credential: Credential::ApiKey(format!("token of {group}").into()),
        };
        let connection = tenant.upsert_connection(connection, self.now).await?;
        let sync = match read {
            Read::Backfill => NewSync {
                object_name: "repositories".to_owned(),
                run: Some(ReadType::Backfill),
                since: None,
                watermark: None,
                due_at: None,
            },
            Read::Scheduled { due_at, watermark } => NewSync {
                object_name: "repositories".to_owned(),
                run: None,
                since: None,
                watermark: Some(watermark),
                due_at: Some(due_at),
            },
        };
        let new = NewInstallation {
            integration_id: self.integration_id.clone(),
            revision_id: self.revision_id.clone(),
            planned_by: self.revision_id.clone(),
            connection_id: connection.id,
            group_ref: group,
            created_by: "operator".to_owned(),
            config: json!({ "read": { "objects": { "repositories": { "objectName": "repositories" } } } }),
            objects: vec![sync],
        };
        tenant.install(new, self.now).await?;
        Ok(())
    }

    /// Puts messages with that body into the outbox, the destinations taking
    /// turns, by the one backfill that is due; and ends it.
    ///
    /// # Errors
    /// When the store fails, or no backfill is due.
    pub async fn fill_outbox(&self, count: usize, body: &[u8]) -> Result<()> {
        let kinds = [Kind::READ];
        let leases = self.store.claim(&kinds, "bench", 1, self.now).await?;
        let lease = leases.first().context("no backfill is due")?;
        let subject = self.store.read_subject(lease).await?;
        let operation_id = subject.sync.operation_id.context("no run is under way")?;
        let mut left = count;
        while left > 0 {
            let here = left.min(MESSAGES_PER_COMMIT);
            let messages = (left - here..left).filter_map(|n| {
                let destination = n % self.destination_ids.len().max(1);
                Some(NewMessage {
                    id: format!("msg_{n:08}"),
                    destination_id: self.destination_ids.get(destination)?.clone(),
                    installation_id: subject.installation.id.clone(),
                    operation_id: operation_id.clone(),
                    body: MessageBody::Inline(body.to_vec()),
                    num_records: 1,
                    hold_for: None,
                })
            });
            let messages: Vec<NewMessage> = messages.collect();
            left -= here;
            let end = (left == 0).then_some(RunEnd {
                object_name: "repositories".to_owned(),
                status: OperationStatus::Success,
                result: None,
                watermark: None,
                forget_seen_before: None,
                due_at: None,
            });
            let afterwards = if left == 0 {
                Afterwards::Release(None)
            } else {
                Afterwards::Hold
            };
            let commit = PageCommit {
                position: None,
                messages,
                seen: Vec::new(),
                records: 0,
                estimated_total: None,
                logs: Vec::new(),
                end,
                afterwards,
            };
            self.store.commit_page(lease, commit, self.now).await?;
        }
        Ok(())
    }

    /// The store as the project sees it.
    #[must_use]
    pub fn tenant(&self) -> Tenant<'_> {
        self.store.within(&self.scope)
    }
}
