//! Pages of a list, as the contract has them: `pageSize` and `pageToken` in, and
//! `pagination` out.

use engine::ActionError;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The most entries on a page, and how many where nothing is said.
const MOST: u32 = 1000;
const DEFAULT: u32 = 200;

/// `?pageSize=&pageToken=`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageQuery {
    page_size: Option<u32>,
    page_token: Option<String>,
}

/// Where the next page begins, if there is one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pagination {
    done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

impl PageQuery {
    /// The size that is asked for.
    pub(crate) fn size(&self) -> Result<u32, ActionError> {
        let size = self.page_size.unwrap_or(DEFAULT);
        if (1..=MOST).contains(&size) {
            return Ok(size);
        }
        Err(ActionError::bad_request(
            format!("`pageSize` is {size}"),
            format!("Use a number from 1 to {MOST}"),
        ))
    }

    /// The token that is given; clients send an empty one for the first page.
    pub(crate) fn token(&self) -> Option<&str> {
        self.page_token.as_deref().filter(|token| !token.is_empty())
    }
}

impl Pagination {
    /// The end, or the token of the next page.
    pub(crate) fn of(next: Option<String>) -> Self {
        Self {
            done: next.is_none(),
            next_page_token: next,
        }
    }
}
