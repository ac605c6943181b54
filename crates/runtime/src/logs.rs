//! Structured logs: one JSON object a line, each with the execution and, where there is one, the memory size.

use std::env;

use power_tuner_core::MemoryMb;
use tracing::level_filters::LevelFilter;
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
    let asked = env::var(LEVEL).ok();
    let level = EnvFilter::builder()
        .with_default_directive(level(asked.as_deref()).into())
        .parse_lossy("")
        .add_directive(REPETITION.parse().expect("the directive is well-formed"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(level)
        .init();
}

/// Ours end at INFO. What the libraries say below that has whole requests in it, and so payloads.
fn level(asked: Option<&str>) -> LevelFilter {
    // An empty text would mean errors alone.
    let asked = asked.filter(|asked| !asked.is_empty());
    let asked = asked.and_then(|asked| asked.parse().ok());
    asked.unwrap_or(LevelFilter::INFO).min(LevelFilter::INFO)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_below_info_is_logged_whatever_is_asked_for() {
        for (asked, want) in [
            ("", LevelFilter::INFO),
            ("TRACE", LevelFilter::INFO),
            ("debug", LevelFilter::INFO),
            ("FATAL", LevelFilter::INFO),
            ("WARN", LevelFilter::WARN),
            ("ERROR", LevelFilter::ERROR),
        ] {
            assert_eq!(level(Some(asked)), want, "{asked}");
        }
        assert_eq!(level(None), LevelFilter::INFO);
    }
}
