//! Lines for an operation's log.

use serde_json::{Value, json};
use store::NewLog;

/// Something a builder may want to know.
pub(super) fn info(msg: &str) -> NewLog {
    NewLog {
        severity: "INFO".to_owned(),
        msg: msg.to_owned(),
        error: None,
        details: json!({}),
    }
}

/// Something that has to be waited for.
pub(super) fn waits(msg: &str, details: Value) -> NewLog {
    NewLog {
        severity: "WARNING".to_owned(),
        msg: msg.to_owned(),
        error: None,
        details,
    }
}

/// Something that is being dealt with.
pub(super) fn warning(msg: &str, error: &str, details: Value) -> NewLog {
    line("WARNING", msg, error, details)
}

/// Something that ended the operation.
pub(super) fn error(msg: &str, error: &str, details: Value) -> NewLog {
    line("ERROR", msg, error, details)
}

fn line(severity: &str, msg: &str, error: &str, details: Value) -> NewLog {
    NewLog {
        severity: severity.to_owned(),
        msg: msg.to_owned(),
        error: Some(error.to_owned()),
        details,
    }
}
