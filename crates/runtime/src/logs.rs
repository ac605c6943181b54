//! Structured logs: one JSON object a line, each with the execution and, where there is one, the memory size.

use std::{env, fmt};

use power_tuner_core::MemoryMb;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Span, Subscriber, field};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

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
const REPETITION: &str = "lambda_runtime::layers::panic";

/// Of an event that is a line of its own.
const METRICS: &str = "power_tuner_metrics";

/// Logs an object as it is: `CloudWatch` takes metrics from a line that is one, with `_aws` in its outermost object.
pub fn log_metrics(line: &Value) {
    tracing::info!(target: METRICS, "{line}");
}

pub(crate) fn init() {
    subscriber(std::io::stdout).init();
}

fn subscriber<W>(to: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let asked = env::var(LEVEL).ok();
    let targets = Targets::new()
        .with_default(level(asked.as_deref()))
        .with_target(REPETITION, LevelFilter::OFF)
        .with_target(METRICS, LevelFilter::INFO);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .map_event_format(Lines)
        .with_writer(to)
        .finish()
        .with(targets)
}

/// Events as JSON, and metrics as they are.
struct Lines(Format<Json>);

impl<S> FormatEvent<S, JsonFields> for Lines
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() != METRICS {
            return self.0.format_event(context, writer, event);
        }
        let mut message = Message::default();
        event.record(&mut message);
        writeln!(writer, "{}", message.0)
    }
}

/// What an event says.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
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
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::json;
    use tracing::subscriber::with_default;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics with it").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn metrics_are_lines_of_their_own_among_the_others() {
        let written = Written::default();
        let to = written.clone();
        let metrics =
            json!({"_aws": {"Timestamp": 1}, "Function": "a \"name\"\n", "BestCost": 2e-7});
        with_default(subscriber(move || to.clone()), || {
            let _in_span = tracing::info_span!("tuning", execution = "one").entered();
            tracing::info!(power = 512, "decided");
            tracing::error!(target: "lambda_runtime::layers::panic", "said already");
            tracing::debug!("too much");
            log_metrics(&metrics);
        });
        let written = written.0.lock().expect("nobody panics with it").clone();
        let text = String::from_utf8(written).expect("a text");
        let lines: Vec<&str> = text.lines().collect();
        let [decided, line] = lines.as_slice() else {
            panic!("{text}");
        };
        let decided: Value = serde_json::from_str(decided).expect("JSON");
        assert_eq!(
            (&decided["message"], &decided["power"]),
            (&json!("decided"), &json!(512))
        );
        assert_eq!(
            (&decided["level"], &decided["span"]["execution"]),
            (&json!("INFO"), &json!("one"))
        );
        assert_eq!(serde_json::from_str::<Value>(line).expect("JSON"), metrics);
        assert_eq!(**line, metrics.to_string());
    }

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
