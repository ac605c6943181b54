//! The log of one call, as Lambda writes it and as `X-Amz-Log-Result` returns its tail.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::run::{CUT_OFF_INIT_MS, Ending, Preparation, Run, killed_line, timeout_line, whole_ms};
use crate::spec::{FunctionSpec, LogFormat};

/// `X-Amz-Log-Result` holds the last 4 KB.
const TAIL_BYTES: usize = 4096;
/// Less than a report line of either format, so that its head is cut.
const TRUNCATED_BYTES: usize = 60;

/// What a fault does to the log.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum LogDamage {
    #[default]
    None,
    NoReport,
    Truncated,
}

pub(crate) struct LogEntry<'a> {
    pub request_id: &'a str,
    pub timestamp: &'a str,
    pub version: &'a str,
    pub timeout_s: u32,
    pub format: LogFormat,
    pub run: &'a Run,
}

/// The base64 text of `X-Amz-Log-Result`.
pub(crate) fn log_result(spec: &FunctionSpec, entry: &LogEntry<'_>, damage: LogDamage) -> String {
    let mut lines = match entry.format {
        LogFormat::Text => entry.text_lines(spec),
        LogFormat::Json => entry.json_lines(spec),
    };
    if damage == LogDamage::NoReport {
        lines.pop();
    }
    let log: Vec<u8> = lines
        .into_iter()
        .flat_map(|line| [line, b"\n".to_vec()].concat())
        .collect();
    let longest = if damage == LogDamage::Truncated {
        TRUNCATED_BYTES
    } else {
        TAIL_BYTES
    };
    let tail = &log[log.len().saturating_sub(longest)..];
    STANDARD.encode(tail)
}

impl LogEntry<'_> {
    fn text_lines(&self, spec: &FunctionSpec) -> Vec<Vec<u8>> {
        let id = self.request_id;
        let mut lines = self.text_preparation(&spec.runtime);
        lines.push(format!("START RequestId: {id} Version: {}", self.version));
        let after = self.platform_complaint().into_iter();
        let after = after.chain([format!("END RequestId: {id}"), self.text_report()]);
        let lines = lines.into_iter().map(String::into_bytes);
        lines
            .chain(self.function_lines(spec))
            .chain(after.map(String::into_bytes))
            .collect()
    }

    fn text_preparation(&self, runtime: &str) -> Vec<String> {
        let start = |phase: &str| format!("{phase}_START Runtime Version: {runtime}.v1");
        match self.run.preparation {
            Preparation::None => Vec::new(),
            Preparation::Init(_) => vec![start("INIT")],
            Preparation::Restore(_) => vec![start("RESTORE")],
            Preparation::InitTimedOut => {
                let report = format!(
                    "INIT_REPORT Init Duration: {CUT_OFF_INIT_MS:.2} ms\tPhase: init\tStatus: timeout"
                );
                vec![start("INIT"), report]
            }
        }
    }

    fn text_report(&self) -> String {
        let run = self.run;
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
            self.request_id,
            run.duration_ms,
            run.billed_ms(),
            run.memory_mb,
            run.max_memory_used_mb,
        );
        // Writing to a String cannot fail.
        let _ = match run.preparation {
            Preparation::Init(ms) => write!(line, "Init Duration: {ms:.2} ms\t"),
            Preparation::Restore(ms) => {
                write!(
                    line,
                    "Restore Duration: {ms:.2} ms\tBilled Restore Duration: {} ms\t",
                    whole_ms(ms)
                )
            }
            Preparation::None | Preparation::InitTimedOut => Ok(()),
        };
        // An error that the handler raised leaves the line as it is; only what kills the process adds a status.
        match run.ending {
            Ending::Success | Ending::Raised => {}
            Ending::Timeout => line.push_str("Status: timeout"),
            Ending::OutOfMemory => line.push_str("Status: error\tError Type: Runtime.OutOfMemory"),
        }
        line
    }

    fn platform_complaint(&self) -> Option<String> {
        match self.run.ending {
            Ending::Success | Ending::Raised => None,
            Ending::Timeout => {
                Some(timeout_line(self.timestamp, self.request_id, self.timeout_s) + "\n")
            }
            Ending::OutOfMemory => Some(killed_line(self.request_id) + "\nRuntime.ExitError"),
        }
    }

    fn json_lines(&self, spec: &FunctionSpec) -> Vec<Vec<u8>> {
        let mut lines = self.json_preparation();
        let start = json!({ "requestId": self.request_id, "version": self.version });
        lines.push(self.event("platform.start", &start));
        let done = self.json_record(&self.done_metrics());
        let report = self.json_record(&self.report_metrics());
        let after = [
            self.event("platform.runtimeDone", &done),
            self.event("platform.report", &report),
        ];
        let lines = lines.into_iter().map(String::into_bytes);
        lines
            .chain(self.function_lines(spec))
            .chain(after.map(String::into_bytes))
            .collect()
    }

    /// What the function itself writes.
    fn function_lines(&self, spec: &FunctionSpec) -> Vec<Vec<u8>> {
        let lines = spec.log_lines.iter();
        let lines = lines.map(|line| line.replace("{requestId}", self.request_id).into_bytes());
        let bytes = STANDARD.decode(&spec.log_base64).unwrap_or_default();
        let more = [bytes, vec![b'.'; spec.log_bytes]];
        lines
            .chain(more.into_iter().filter(|bytes| !bytes.is_empty()))
            .collect()
    }

    fn json_preparation(&self) -> Vec<String> {
        let start = || {
            let record = json!({ "initializationType": "on-demand", "phase": "init" });
            self.event("platform.initStart", &record)
        };
        match self.run.preparation {
            Preparation::None => Vec::new(),
            Preparation::Init(_) => vec![start()],
            Preparation::Restore(_) => vec![self.event("platform.restoreStart", &json!({}))],
            Preparation::InitTimedOut => {
                let record = json!({
                    "initializationType": "on-demand",
                    "phase": "init",
                    "status": "timeout",
                    "metrics": { "durationMs": CUT_OFF_INIT_MS },
                });
                vec![start(), self.event("platform.initReport", &record)]
            }
        }
    }

    /// In AWS's order of members: a cut head takes the type first.
    fn event(&self, kind: &str, record: &Value) -> String {
        let time = self.timestamp;
        format!(r#"{{"time":"{time}","type":"{kind}","record":{record}}}"#)
    }

    fn json_record(&self, metrics: &Value) -> Value {
        let (status, error_type) = match self.run.ending {
            Ending::Success => ("success", None),
            Ending::Raised => ("error", Some("Runtime.Unknown")),
            Ending::Timeout => ("timeout", None),
            Ending::OutOfMemory => ("error", Some("Runtime.OutOfMemory")),
        };
        let mut record =
            json!({ "requestId": self.request_id, "metrics": metrics, "status": status });
        if let Some(error_type) = error_type {
            record["errorType"] = json!(error_type);
        }
        record
    }

    fn done_metrics(&self) -> Value {
        json!({ "durationMs": self.run.duration_ms, "producedBytes": self.run.payload.len() })
    }

    fn report_metrics(&self) -> Value {
        let run = self.run;
        let mut metrics = json!({
            "durationMs": run.duration_ms,
            "billedDurationMs": run.billed_ms(),
            "memorySizeMB": run.memory_mb,
            "maxMemoryUsedMB": run.max_memory_used_mb,
        });
        match run.preparation {
            Preparation::Init(ms) => metrics["initDurationMs"] = json!(ms),
            Preparation::Restore(ms) => {
                metrics["restoreDurationMs"] = json!(ms);
                metrics["billedRestoreDurationMs"] = json!(whole_ms(ms));
            }
            Preparation::None | Preparation::InitTimedOut => {}
        }
        metrics
    }
}
