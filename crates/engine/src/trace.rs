//! Traces: everything that belongs to an operation, on whichever node and however
//! much later, is one trace, whose id is the operation's id without its dashes.
//!
//! So nothing has to be carried along: a turn of a read and the delivery of a
//! message that it made both derive their parent from the operation.

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Makes a span part of an operation's trace, if traces are exported at all.
pub(crate) fn join(span: &Span, operation_id: &str) {
    if span.is_none() || span.is_disabled() {
        return;
    }
    if let Some(parent) = parent(operation_id) {
        let context = opentelemetry::Context::new().with_remote_span_context(parent);
        // Without an exporter there is no one to tell.
        span.set_parent(context).ok();
    }
}

/// What all spans of an operation hang from.
fn parent(operation_id: &str) -> Option<SpanContext> {
    let id = uuid::Uuid::parse_str(operation_id).ok()?;
    let (_, low) = id.as_u64_pair();
    Some(SpanContext::new(
        TraceId::from_bytes(*id.as_bytes()),
        SpanId::from_bytes(low.to_be_bytes()),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_its_own_trace() {
        let parent = parent("0198c0de-1111-7222-8333-444455556666").unwrap();
        assert_eq!(
            parent.trace_id().to_string(),
            "0198c0de111172228333444455556666"
        );
        assert!(parent.is_valid() && parent.is_sampled());
        assert!(super::parent("no uuid").is_none());
    }
}
