//! Each function by itself: how long it takes to start, what memory it takes, how large its package is.

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::json;

use super::tuner::{EMPTY, Tuner};
use crate::package;
use crate::progress::step;
use crate::workspace::Workspace;

const STARTS: usize = 20;
const EXECUTOR: &str = "power-tuner-executor";
/// In flight at once, each with an answer of so many bytes.
const LOAD: (u32, u32) = (1000, 6 * 1024);

const MOST_BEYOND_EMPTY_MS: f64 = 4.0;
const MOST_IDLE_MB: f64 = 10.0;
const MOST_LOADED_MB: f64 = 64.0;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Footprint {
    pub name: String,
    /// From the start of the process to its first question for work: the median.
    pub start_ms: f64,
    /// The same beside a function that does nothing, in the same run.
    pub beyond_empty_ms: f64,
    pub idle_mb: f64,
    /// Of the executor, with calls in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loaded_mb: Option<f64>,
    pub zipped_mb: f64,
}

pub(super) fn measure(tuner: &Tuner) -> Result<Vec<Footprint>> {
    let workspace = Workspace::find()?;
    let names: Vec<&str> = [EMPTY]
        .into_iter()
        .chain(workspace.functions.iter().map(String::as_str))
        .collect();
    let starts = step("starting the functions", || starts(tuner, &names))?;
    let empty_ms = starts[0].0;
    names
        .iter()
        .zip(&starts)
        .map(|(name, (start_ms, idle_mb))| {
            Ok(Footprint {
                name: (*name).to_owned(),
                start_ms: *start_ms,
                beyond_empty_ms: start_ms - empty_ms,
                idle_mb: *idle_mb,
                loaded_mb: (*name == EXECUTOR).then(|| loaded(tuner)).transpose()?,
                zipped_mb: package::zipped_mb(
                    &workspace,
                    &tuner.binaries.join(name).join("bootstrap"),
                )?,
            })
        })
        .collect()
}

/// Milliseconds and megabytes, in the order of the names: medians. They start in turns, so that what else the machine does
/// meets all of them.
fn starts(tuner: &Tuner, names: &[&str]) -> Result<Vec<(f64, f64)>> {
    let mut all = vec![(Vec::new(), Vec::new()); names.len()];
    for _ in 0..STARTS {
        for (name, (starts, memory)) in names.iter().zip(&mut all) {
            let host = tuner.start(name).with_context(|| (*name).to_owned())?;
            starts.push(host.start.as_secs_f64() * 1000.0);
            memory.push(host.peak_mb()?);
        }
    }
    Ok(all
        .into_iter()
        .map(|(starts, memory)| (median(starts), median(memory)))
        .collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    values[middle.saturating_sub(1)..=middle]
        .iter()
        .sum::<f64>()
        / 2.0
}

/// The most memory of an executor with many calls in flight.
fn loaded(tuner: &Tuner) -> Result<f64> {
    let (calls, bytes) = LOAD;
    let event = tuner.until_measured(
        &json!({
            "name": "loaded",
            "memoryMb": 128,
            "behaviour": {
                "duration": {"kind": "formula", "baseMs": 2_000.0},
                "response": {"kind": "bytes", "bytes": bytes},
            },
        }),
        json!({"powerValues": [128, 256], "num": calls, "parallelInvocation": true, "payload": {}}),
    )?;
    let mut executor = tuner.start(EXECUTOR)?;
    executor.call(event)?;
    ensure!(
        tuner.calls_of("loaded")? >= u64::from(calls),
        "the executor made fewer than {calls} calls"
    );
    executor.peak_mb()
}

/// In words, what misses its bar.
pub(super) fn missed(all: &[Footprint]) -> Vec<String> {
    let mut missed = Vec::new();
    for one in all.iter().filter(|one| one.name != EMPTY) {
        let bars = [
            (
                "takes longer to start than an empty function by",
                one.beyond_empty_ms,
                MOST_BEYOND_EMPTY_MS,
                "ms",
            ),
            ("has, idle,", one.idle_mb, MOST_IDLE_MB, "MB"),
            (
                "has, with calls in flight,",
                one.loaded_mb.unwrap_or_default(),
                MOST_LOADED_MB,
                "MB",
            ),
            (
                "has a package of",
                one.zipped_mb,
                most_zipped_mb(&one.name),
                "MB",
            ),
        ];
        for (what, is, most, unit) in bars {
            if is > most {
                missed.push(format!(
                    "{} {what} {is:.2} {unit}, more than {most} {unit}",
                    one.name
                ));
            }
        }
    }
    missed
}

/// With one client of the SDK, and with S3 or Step Functions besides.
fn most_zipped_mb(function: &str) -> f64 {
    match function {
        "power-tuner-analyzer" | "power-tuner-reporter" => 2.5,
        _ => 3.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_lies_between_the_two_in_the_middle() {
        assert!((median(vec![4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < 1e-9);
    }

    #[test]
    fn what_is_too_much_is_said() {
        let one = |start, idle, loaded, zipped| Footprint {
            name: EXECUTOR.to_owned(),
            start_ms: start + 2.0,
            beyond_empty_ms: start,
            idle_mb: idle,
            loaded_mb: Some(loaded),
            zipped_mb: zipped,
        };
        assert!(missed(&[one(4.0, 10.0, 64.0, 3.0)]).is_empty());
        assert_eq!(missed(&[one(4.1, 10.1, 64.1, 3.1)]).len(), 4);
    }
}
