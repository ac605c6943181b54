//! Structured logs: one JSON object a line, each with the execution and, where there is one, the memory size.

use power_tuner_core::MemoryMb;
use tracing::{Span, field};
use tracing_subscriber::EnvFilter;

/// What an input contributes to each line logged on its behalf.
pub trait InLogs {
    fn execution(&self) -> &str;

    fn memory(&self) -> Option<MemoryMb> {
        None
    }
}

/// Lambda sets this to what its own log settings ask for.
const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

/// The runtime logs each failure once more, without the execution; we and, for panics, Rust have said it already.
const REPETITION: &str = "lambda_runtime::layers::panic=off";

pub(crate) fn init() {
    let level = EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::INFO.into())
        .with_env_var(LEVEL)
        .from_env_lossy()
        .add_directive(REPETITION.parse().expect("the directive is well-formed"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(level)
        .init();
}

pub(crate) fn span(input: &impl InLogs) -> Span {
    let span = tracing::info_span!(
        "tuning",
        execution = input.execution(),
        memory = field::Empty
    );
    if let Some(memory) = input.memory() {
        span.record("memory", memory.get());
    }
    span
}
