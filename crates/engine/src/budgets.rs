//! The request budgets of a project, to be looked at.

use std::collections::BTreeMap;

use store::{BudgetSnapshot, InstallationCalls, Scope, StoreError};

use crate::Engine;
use crate::pay::{bucket, limit_of};

/// Installations shown for a bucket: those that call most.
const TOP: u32 = 20;

/// One bucket that a project's calls are counted in.
#[derive(Debug)]
pub struct RequestBudget {
    /// The project's own provider app, where the calls are counted for one.
    pub provider_app_id: Option<String>,
    /// The state; `None` before the first call.
    pub state: Option<BudgetSnapshot>,
    /// The provider.
    pub provider: String,
    /// The resource group.
    pub group: String,
    /// Calls allowed in a window; `None` is no limit.
    pub limit: Option<u32>,
    /// The length of the window in seconds.
    pub window_s: i64,
    /// The project's installations that called most in the window, the first most.
    pub installations: Vec<InstallationCalls>,
}

impl Engine {
    /// Every bucket in which calls of a project are counted: for each of its
    /// provider apps those of the provider's resource groups, called or not, and
    /// those in which connections with a credential of their own have called.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn request_budgets(&self, scope: &Scope) -> Result<Vec<RequestBudget>, StoreError> {
        let now = self.clock.now();
        let tenant = self.store.within(scope);
        let mut budgets = Vec::new();
        let mut names = Vec::new();
        for app in tenant.provider_apps().await? {
            let Some(connector) = self.registry.get(&app.provider) else {
                continue;
            };
            let description = connector.describe();
            let groups = description.groups.iter().map(|group| Some(group.name));
            for group in groups.chain([None]) {
                let (limit, window) = limit_of(&self.calls.budgets, description, group);
                let group = group.unwrap_or("other");
                names.push(bucket(&app.client_id, group));
                budgets.push(RequestBudget {
                    provider_app_id: Some(app.id.clone()),
                    state: None,
                    provider: app.provider.clone(),
                    group: group.to_owned(),
                    limit: (limit != u32::MAX).then_some(limit),
                    window_s: window.as_secs(),
                    installations: Vec::new(),
                });
            }
        }
        let states = tenant.budgets(&names, now).await?;
        let mut states: BTreeMap<String, BudgetSnapshot> = states
            .into_iter()
            .map(|state| (state.bucket.clone(), state))
            .collect();
        for (budget, name) in budgets.iter_mut().zip(&names) {
            budget.state = states.get(name).cloned();
        }
        states.retain(|name, _| !names.contains(name));
        budgets.extend(states.into_values().map(own));
        // A group without a limit is shown once it has been called.
        budgets.retain(|budget| budget.limit.is_some() || budget.state.is_some());
        for budget in &mut budgets {
            if let Some(state) = &budget.state {
                budget.installations = tenant.budget_shares(&state.bucket, TOP, now).await?;
            }
        }
        Ok(budgets)
    }
}

/// The bucket of a connection with a credential of its own.
fn own(state: BudgetSnapshot) -> RequestBudget {
    RequestBudget {
        provider_app_id: None,
        provider: state.provider.clone(),
        group: state.group.clone(),
        limit: state.limit,
        window_s: state.window.as_secs(),
        installations: Vec::new(),
        state: Some(state),
    }
}
