//! The line in which Lambda reports what a call took, in both of its log formats.

use serde::Deserialize;
use serde_json::Value;

/// What one call took, as AWS reports it. What a report leaves out is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    pub duration_ms: f64,
    /// Contains init and restore already.
    pub billed_ms: f64,
    pub init_ms: f64,
    pub restore_ms: f64,
    /// The environment was not ready in ten seconds: AWS started it once more as a part of the call, whose duration
    /// contains it, and reports no init time.
    pub init_was_repeated: bool,
    pub max_memory_used_mb: u32,
    pub how_it_ended: Ending,
}

/// How AWS says a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    #[default]
    Normal,
    Timeout,
    OutOfMemory,
    Error,
}

impl Report {
    /// What the caller waited for: the call, and what came before it in a new environment.
    #[must_use]
    pub fn total_ms(&self) -> f64 {
        self.duration_ms + self.init_ms + self.restore_ms
    }

    #[must_use]
    pub fn is_cold(&self) -> bool {
        self.init_ms > 0.0 || self.restore_ms > 0.0 || self.init_was_repeated
    }
}

/// A report found in a log, and whether it carries the id of the call that was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub report: Report,
    pub matched: bool,
}

/// The last report of the call `request_id` in the end of a log, else the last report there, marked as unmatched.
///
/// The end of a log is cut anywhere, also in a line, and holds whatever else the function printed.
#[must_use]
pub fn find(log: &str, request_id: &str) -> Option<Found> {
    let mut found = last_of(log, request_id)?;
    found.report.init_was_repeated = init_was_repeated(log);
    Some(found)
}

/// An environment serves one call after the other, so that what the log says of its start is of this call. It says so
/// before the call's own START; what stands behind that, the function printed, and where no START is left of a log that
/// was cut, all of it.
fn init_was_repeated(log: &str) -> bool {
    let mut before = log.lines().take_while(|line| !is_start(line));
    before.any(is_of_a_repeated_init) && log.lines().any(is_start)
}

fn is_start(line: &str) -> bool {
    line.starts_with("START RequestId: ") || event(line, "platform.start").is_some()
}

/// `INIT_REPORT Init Duration: 10006.30 ms\tPhase: init\tStatus: timeout`, and then one with `Phase: invoke`.
fn is_of_a_repeated_init(line: &str) -> bool {
    if line.starts_with("INIT_REPORT ") {
        return line.contains("Status: timeout") || line.contains("Phase: invoke");
    }
    event(line, "platform.initReport")
        .is_some_and(|record| record["status"] == "timeout" || record["phase"] == "invoke")
}

fn last_of(log: &str, request_id: &str) -> Option<Found> {
    let mut unmatched = None;
    for line in log.lines().rev() {
        let Some((id, report)) = text(line).or_else(|| json(line)) else {
            continue;
        };
        if id == request_id {
            return Some(Found {
                report,
                matched: true,
            });
        }
        unmatched = unmatched.or(Some(Found {
            report,
            matched: false,
        }));
    }
    unmatched
}

/// `REPORT RequestId: …\tDuration: 12.34 ms\tBilled Duration: 13 ms\t…`; the line may have something before it.
fn text(line: &str) -> Option<(String, Report)> {
    let line = &line[line.find("REPORT RequestId: ")?..];
    let mut id = None;
    let (mut duration, mut billed) = (None, None);
    let mut report = Report::default();
    for field in line.split('\t') {
        let Some((name, value)) = field.split_once(": ") else {
            continue;
        };
        let value = value.trim();
        match name.trim() {
            "REPORT RequestId" => id = Some(value.to_owned()),
            "Duration" => duration = milliseconds(value),
            "Billed Duration" => billed = milliseconds(value),
            "Init Duration" => report.init_ms = milliseconds(value)?,
            "Restore Duration" => report.restore_ms = milliseconds(value)?,
            "Max Memory Used" => {
                report.max_memory_used_mb = value.strip_suffix(" MB")?.parse().ok()?;
            }
            "Status" => {
                report.how_it_ended = worse(report.how_it_ended, ending(value));
            }
            "Error Type" => {
                report.how_it_ended = worse(report.how_it_ended, error_type(value));
            }
            _ => {}
        }
    }
    report.duration_ms = duration?;
    report.billed_ms = billed?;
    Some((id?, report))
}

fn milliseconds(value: &str) -> Option<f64> {
    let ms: f64 = value.strip_suffix(" ms")?.parse().ok()?;
    plausible(ms)
}

/// Lambda's longest call is 15 minutes, and 90 on managed instances; a report that says more is no report. AWS gives
/// hundredths: more digits than one behind those would only take room where samples travel.
fn plausible(ms: f64) -> Option<f64> {
    let rounded = (ms * 1000.0).round() / 1000.0;
    (0.0..=86_400_000.0).contains(&ms).then_some(rounded)
}

#[derive(Deserialize)]
struct PlatformLine {
    #[serde(rename = "type")]
    kind: String,
    record: Value,
}

/// The record of an event of the platform, of this kind.
fn event(line: &str, kind: &str) -> Option<Value> {
    // Most lines are the function's own: do not parse what cannot be one.
    if !line.contains(kind) {
        return None;
    }
    let line: PlatformLine = serde_json::from_str(line.trim()).ok()?;
    (line.kind == kind).then_some(line.record)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlatformReport {
    request_id: String,
    status: Option<String>,
    error_type: Option<String>,
    metrics: Metrics,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    duration_ms: f64,
    billed_duration_ms: f64,
    #[serde(default)]
    init_duration_ms: f64,
    #[serde(default)]
    restore_duration_ms: f64,
    #[serde(default, rename = "maxMemoryUsedMB")]
    max_memory_used_mb: f64,
}

/// `{"time": …, "type": "platform.report", "record": {"requestId": …, "metrics": {…}}}`
fn json(line: &str) -> Option<(String, Report)> {
    let record = event(line, "platform.report")?;
    let report: PlatformReport = serde_json::from_value(record).ok()?;
    let metrics = report.metrics;
    let status = report.status.as_deref().map_or(Ending::Normal, ending);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from float saturates"
    )]
    let max_memory_used_mb = metrics.max_memory_used_mb as u32;
    Some((
        report.request_id,
        Report {
            duration_ms: plausible(metrics.duration_ms)?,
            billed_ms: plausible(metrics.billed_duration_ms)?,
            init_ms: plausible(metrics.init_duration_ms)?,
            restore_ms: plausible(metrics.restore_duration_ms)?,
            max_memory_used_mb,
            init_was_repeated: false,
            how_it_ended: worse(
                status,
                report
                    .error_type
                    .as_deref()
                    .map_or(Ending::Normal, error_type),
            ),
        },
    ))
}

fn ending(status: &str) -> Ending {
    match status {
        "success" => Ending::Normal,
        "timeout" => Ending::Timeout,
        _ => Ending::Error,
    }
}

fn error_type(name: &str) -> Ending {
    match name {
        "Runtime.OutOfMemory" => Ending::OutOfMemory,
        _ => Ending::Error,
    }
}

/// Status and error type say the same thing with different precision.
fn worse(a: Ending, b: Ending) -> Ending {
    match (a, b) {
        (Ending::Normal | Ending::Error, other) | (other, Ending::Normal | Ending::Error)
            if other != Ending::Normal =>
        {
            other
        }
        (a, _) => a,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8f507cfc-xmpl-4697-b07a-ac58fc914c95";

    fn text_line(id: &str, rest: &str) -> String {
        format!(
            "REPORT RequestId: {id}\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t{rest}"
        )
    }

    #[test]
    fn both_formats_say_the_same() {
        let json = format!(
            r#"{{"time":"2024-01-01T00:00:00.000Z","type":"platform.report","record":{{"requestId":"{ID}","metrics":{{"durationMs":12.34,"billedDurationMs":113.0,"memorySizeMB":128,"maxMemoryUsedMB":40,"initDurationMs":100.1}},"status":"success"}}}}"#
        );
        let text = text_line(ID, "Init Duration: 100.10 ms\t").replace("13 ms", "113 ms");
        let want = Report {
            duration_ms: 12.34,
            billed_ms: 113.0,
            init_ms: 100.1,
            max_memory_used_mb: 40,
            ..Report::default()
        };
        for log in [json, text] {
            let found = find(&log, ID).expect("a report");
            assert_eq!(found.report, want, "{log}");
            assert!(found.matched);
        }
        assert!((want.total_ms() - 112.44).abs() < 1e-9);
        assert!(want.is_cold());
    }

    #[test]
    fn the_calls_own_report_is_found_among_other_lines() {
        let log = format!(
            "cut off\": 1}}\n{}\nSTART RequestId: {ID}\n{{\"type\":\"platform.report\"}}\nhello\n{}\nsome extension, later\n",
            text_line("another", ""),
            text_line(ID, ""),
        );
        assert_eq!(find(&log, ID).map(|found| found.matched), Some(true));
    }

    #[test]
    fn a_report_with_another_id_is_marked() {
        let found = find(&text_line("another", ""), ID).expect("a report");
        assert!(!found.matched);
        assert!((found.report.billed_ms - 13.0).abs() < f64::EPSILON);
    }

    #[test]
    fn without_a_whole_report_there_is_none() {
        let half = &text_line(ID, "")[..70];
        for log in [
            "",
            "REPORT",
            half,
            "{\"type\":\"platform.report\",\"record\":{}}",
        ] {
            assert_eq!(find(log, ID), None, "{log}");
        }
    }

    #[test]
    fn timeouts_and_lack_of_memory_are_told_apart() {
        let cases = [
            ("Status: timeout", Ending::Timeout),
            (
                "Status: error\tError Type: Runtime.OutOfMemory",
                Ending::OutOfMemory,
            ),
            (
                "Status: error\tError Type: Runtime.ExitError",
                Ending::Error,
            ),
            ("", Ending::Normal),
        ];
        for (rest, want) in cases {
            let found = find(&text_line(ID, rest), ID).expect(rest);
            assert_eq!(found.report.how_it_ended, want, "{rest}");
        }
    }

    #[test]
    fn a_restore_is_read_and_counts_as_cold() {
        let line = text_line(
            ID,
            "Restore Duration: 250.00 ms\tBilled Restore Duration: 26 ms\t",
        );
        let found = find(&line, ID).expect("a report");
        assert!((found.report.total_ms() - 262.34).abs() < 1e-9);
        assert!(found.report.is_cold());
    }

    #[test]
    fn an_init_of_more_than_ten_seconds_is_known_by_its_own_line() {
        let text = "INIT_REPORT Init Duration: 10006.30 ms\tPhase: init\tStatus: timeout";
        let json = r#"{"time":"t","type":"platform.initReport","record":{"initializationType":"on-demand","phase":"init","status":"timeout","metrics":{"durationMs":10006.3}}}"#;
        let again = "INIT_REPORT Init Duration: 12006.30 ms\tPhase: invoke\tStatus: success";
        for line in [text, json, again] {
            let log = format!("{line}\nSTART RequestId: {ID}\n{}", text_line(ID, ""));
            let found = find(&log, ID).expect("a report");
            assert!(
                found.report.init_was_repeated && found.report.is_cold(),
                "{line}"
            );
        }
        let usual = r#"{"type":"platform.initReport","record":{"phase":"init","status":"success","metrics":{}}}"#;
        let start = format!("START RequestId: {ID} Version: 3");
        for line in [usual, "INIT_REPORT by the function: Status: success", ""] {
            let found = find(&format!("{line}\n{start}\n{}", text_line(ID, "")), ID);
            assert!(!found.expect("a report").report.is_cold(), "{line}");
        }
        let json_start = format!(r#"{{"type":"platform.start","record":{{"requestId":"{ID}"}}}}"#);
        for before in [&start, &json_start, "cut off"] {
            let log = format!("{before}\n{text}\n{json}\n{again}\n{}", text_line(ID, ""));
            let found = find(&log, ID).expect("a report");
            assert!(!found.report.is_cold(), "the function printed that: {log}");
        }
    }
}
