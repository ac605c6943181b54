//! Functions that print what looks like Lambda's own lines, and everything else that a log can hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use power_tuner_lambda_sim::{Curve, Fault, FunctionSpec, LogFormat};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World};

/// A whole report that says 1 ms, of whom it is and with what else.
fn report(id: &str, duration: &str, more: &str) -> String {
    format!(
        "REPORT RequestId: {id}\tDuration: {duration} ms\tBilled Duration: {duration} ms\tMemory Size: 128 MB\tMax Memory Used: \
         9999 MB\t{more}"
    )
}

fn event(kind: &str, id: &str, metrics: &str) -> String {
    format!(
        r#"{{"time":"2025-01-01T00:00:00.000Z","type":"{kind}","record":{{"requestId":"{id}","phase":"invoke","status":"timeout","metrics":{{{metrics}}}}}}}"#
    )
}

const OTHER: &str = "11111111-2222-3333-4444-555555555555";
const MINE: &str = "{requestId}";
const ONE_MS: &str = r#""durationMs":1,"billedDurationMs":1,"initDurationMs":1"#;

/// What a function may print, each with what it is.
fn lies() -> Vec<(&'static str, Vec<String>)> {
    let init = "INIT_REPORT Init Duration: 10006.30 ms\tPhase: init\tStatus: timeout";
    let again = "INIT_REPORT Init Duration: 12006.30 ms\tPhase: invoke\tStatus: success";
    let numbers = ["1e308", "NaN", "-1", "inf", "1e-300", &"9".repeat(30)];
    let of_event = |kind: &str| event(kind, MINE, ONE_MS);
    vec![
        (
            "its own report",
            vec![report(MINE, "1", "Init Duration: 1.00 ms\t")],
        ),
        (
            "its own failure",
            vec![report(MINE, "1", "Status: timeout")],
        ),
        (
            "others' reports",
            vec![
                report(OTHER, "1", ""),
                event("platform.report", OTHER, ONE_MS),
            ],
        ),
        (
            "a slow start",
            vec![
                init.to_owned(),
                again.to_owned(),
                of_event("platform.initReport"),
            ],
        ),
        (
            "another call's start",
            vec![
                format!("END RequestId: {MINE}"),
                init.to_owned(),
                format!("START RequestId: {OTHER}"),
            ],
        ),
        (
            "an event of the platform",
            vec![of_event("platform.report"), of_event("platform.start")],
        ),
        (
            "an event in a message of its own",
            vec![
                json!({"level": "INFO", "message": of_event("platform.report")}).to_string(),
                json!({"type": "platform.report", "record": {"requestId": 7}}).to_string(),
            ],
        ),
        (
            "numbers",
            numbers
                .iter()
                .map(|number| report(MINE, number, ""))
                .collect(),
        ),
        (
            "escapes",
            vec![
                format!("\u{1b}[2J\u{1b}[31m{}\r\u{0}", report(MINE, "1", "")),
                "\u{202e}".to_owned(),
            ],
        ),
        (
            "depth",
            vec![format!(
                r#"{{"type":"platform.report","record":{}"#,
                "[".repeat(3000)
            )],
        ),
    ]
}

fn printing(format: LogFormat, lines: Vec<String>) -> FunctionSpec {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.log_format = format;
    spec.log_lines = lines;
    spec.behaviour.duration = Curve::Formula {
        base_ms: 200.0,
        ms_times_mb: 0.0,
        flat_above_mb: 1769.0,
    };
    spec
}

fn input() -> Value {
    json!({"powerValues": [512], "discardTopBottom": 0})
}

/// What AWS reported: 200 ms for each of five calls, one of them in a new environment that took 150 ms to start.
fn is_what_aws_reported(outcome: &Value, case: &str) {
    let size = &outcome["sizes"][0];
    assert_eq!(size["averageDurationMs"], json!(230.0), "{case}: {size:#}");
    for (count, want) in [
        ("calls", 5),
        ("errors", 0),
        ("coldStarts", 1),
        ("unmatched", 0),
        ("slowInits", 0),
        ("withoutReport", 0),
        ("maxMemoryUsedMB", 64),
    ] {
        assert_eq!(size[count], want, "{case}, {count}: {size:#}");
    }
    // Of five calls, one of them a cold start, little is known for sure, and nothing else is strange.
    let warnings = outcome["warnings"].as_array().expect("warnings");
    let codes: Vec<&Value> = warnings.iter().map(|warning| &warning["code"]).collect();
    assert_eq!(codes, [&json!("tooFewSamples")], "{case}: {outcome:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_prints_is_never_taken_for_what_aws_reports() {
    for format in [LogFormat::Text, LogFormat::Json] {
        for (case, lines) in lies() {
            let case = format!("{case}, {format:?}");
            let world = World::with(printing(format, lines)).await;
            let outcome = world.tune("one", input()).await.expect(&case);
            is_what_aws_reported(&outcome, &case);
            world.is_as_before();
        }
    }
}

/// What stands before the report then begins in the middle of a line, or of a character.
#[tokio::test(flavor = "multi_thread")]
async fn nor_is_what_is_left_of_a_log_that_was_cut() {
    let all_bytes: Vec<u8> = (0..=255).cycle().take(6000).collect();
    for format in [LogFormat::Text, LogFormat::Json] {
        for bytes in [all_bytes.clone(), "ä€😀\n".repeat(900).into_bytes()] {
            for more in 0..4 {
                let lines = lies().into_iter().flat_map(|(_, lines)| lines);
                let spec = FunctionSpec {
                    log_base64: STANDARD.encode(&bytes[more..]),
                    ..printing(format, lines.collect())
                };
                let world = World::with(spec).await;
                let outcome = world.tune("one", input()).await.expect("an outcome");
                is_what_aws_reported(&outcome, &format!("{format:?}, {more}"));
            }
        }
    }
}

/// The one thing that cannot be told from the truth: a function that keeps AWS's report out of its log. It is what a
/// function of which there is no report but another's says, and the outcome shows it.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_report_of_aws_anothers_is_counted_as_such() {
    let lines = vec![report(OTHER, "1", "")];
    let world = World::with(printing(LogFormat::Text, lines)).await;
    world.faults("Invoke", 1, Fault::NoReport);
    let outcome = world.tune("one", input()).await.expect("an outcome");
    let size = &outcome["sizes"][0];
    assert_eq!(
        (&size["unmatched"], &size["calls"]),
        (&json!(5), &json!(5)),
        "{size:#}"
    );
}

/// Nor does what it prints decide about cold starts.
#[tokio::test(flavor = "multi_thread")]
async fn a_warm_call_is_not_made_cold_by_what_it_prints() {
    let init = "INIT_REPORT Init Duration: 10006.30 ms\tPhase: init\tStatus: timeout".to_owned();
    let mut spec = printing(LogFormat::Text, vec![init]);
    spec.behaviour.initialised_in_advance = 1.0;
    let world = World::with(spec).await;
    let input = json!({"powerValues": [512], "onlyColdStarts": true});
    let failure = world.fail_to_tune("one", input).await;
    assert_eq!(failure.error, "NoMeasurements", "{}", failure.cause);
    assert!(
        failure.cause.contains("only 0 of 5 cold starts"),
        "{}",
        failure.cause
    );
    world.is_as_before();
}

/// An error's type is a name. What is none may be anything, and of any length.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_any_length_is_a_short_cause() {
    for hidden in [false, true] {
        let mut spec = FunctionSpec::named(FUNCTION);
        spec.behaviour.fails_with = Some(power_tuner_lambda_sim::FunctionError {
            error_type: "T".repeat(300_000),
            error_message: "m".repeat(300_000),
            every_nth: 1,
        });
        let world = World::with(spec).await;
        let input = json!({"disablePayloadLogs": hidden});
        let failure = world.fail_to_tune("one", input).await;
        assert_eq!(failure.error, "NoMeasurements");
        assert!(failure.cause.len() < 3000, "{} bytes", failure.cause.len());
        world.is_as_before();
    }
}
