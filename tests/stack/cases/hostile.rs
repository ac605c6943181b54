//! Functions that print what looks like Lambda's own lines, and payloads that must not show.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::contains;
use crate::harness::{Bench, wait_until};

const CANARY: &str = "canary-of-the-stack";

fn lying(format: &str) -> Value {
    let mine = "{requestId}";
    let text = format!(
        "REPORT RequestId: {mine}\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 9 MB\t"
    );
    let record = json!({"requestId": mine, "metrics": {"durationMs": 1, "billedDurationMs": 1}});
    let event = json!({"time": "t", "type": "platform.report", "record": record}).to_string();
    let init = "INIT_REPORT Init Duration: 10006.30 ms\tPhase: init\tStatus: timeout";
    json!({
        "logFormat": format,
        "logLines": [text, event, init, "\u{1b}[2J", format!("REPORT RequestId: {mine}\tDuration: NaN ms\tBilled Duration: 1e308 ms")],
        // Half of a character, and more than the tail has room for before it.
        "logBase64": "w6TDpMOkw6TD",
        "logBytes": 3900,
        "environment": {"TOKEN": CANARY},
        "behaviour": {"duration": {"kind": "formula", "baseMs": 200}},
    })
}

pub fn what_a_function_prints_is_not_taken_for_a_report(bench: &Bench) -> Result<()> {
    for format in ["text", "json"] {
        let target = bench.another_function(format, lying(format))?;
        let (_, outcome) = target.tune(json!({"powerValues": [512]}))?;
        let size = &outcome["sizes"][0];
        // The one call that also took 150 ms to start is the highest fifth.
        ensure!(size["averageDurationMs"] == 200.0, "{size:#}");
        let counts = json!([size["coldStarts"], size["slowInits"], size["unmatched"]]);
        ensure!(counts == json!([1, 0, 0]), "{size:#}");
        target.is_as_before()?;
    }
    Ok(())
}

pub fn no_payload_shows_in_logs_and_causes_where_the_input_says_so(bench: &Bench) -> Result<()> {
    let mut spec = lying("text");
    spec["behaviour"]["failsWith"] =
        json!({"errorType": "KeyError", "errorMessage": format!("cannot read {CANARY}")});
    let target = bench.function(spec)?;
    let input =
        json!({"powerValues": [512], "payload": {"card": CANARY}, "disablePayloadLogs": true});
    let execution = target.start(input)?;
    let (error, cause) = crate::harness::failed(bench.end_of(&execution)?)?;
    ensure!(error == "NoMeasurements", "{error}: {cause}");
    contains(
        &cause,
        "KeyError; `disablePayloadLogs` keeps its message back",
    )?;
    ensure!(!cause.contains(CANARY), "{cause}");
    // Logs come a moment later.
    wait_until(|| {
        let logged = bench.everything_logged()?;
        let is_the_end = |line: &str| line.contains(&execution) && line.contains(&error);
        Ok(logged.lines().any(is_the_end))
    })?;
    let logged = bench.everything_logged()?;
    let line = logged.lines().find(|line| line.contains(CANARY));
    ensure!(line.is_none(), "{line:?}");
    target.is_as_before()
}
