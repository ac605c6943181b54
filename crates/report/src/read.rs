//! From somebody's text to a report.

use power_tuner_core::outcome::{DryRun, Outcome, SCHEMA_VERSION, Size};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::reference::Reference;
use crate::{About, Report};

/// Beyond what a duration or a cost can be.
const ABSURD: f64 = 1e12;

#[derive(Debug, thiserror::Error)]
pub enum NotAnOutcome {
    #[error("it is not JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    #[error(
        "its `schemaVersion` is {0}, and this version reads {SCHEMA_VERSION} and older ones; update the tool"
    )]
    Newer(u64),
    #[error(
        "it is not the output of a tuning: it has no `power` and no `dryRun`; take the output of a succeeded execution"
    )]
    Unknown,
    #[error("the execution has not succeeded, it is {0}; only one that has gives an outcome")]
    NotSucceeded(String),
    #[error("it is not the output of a tuning: {0}")]
    Malformed(String),
}

#[derive(Clone, Debug)]
pub(crate) enum Found {
    Outcome(Box<Outcome>),
    DryRun(DryRun),
    Reference(Reference),
}

/// An outcome of ours, a dry run of ours, or the output of the tool whose keys ours has; also as `aws stepfunctions
/// describe-execution` writes it.
///
/// # Errors
/// Says what the text is not.
pub fn read(text: &str) -> Result<Report, NotAnOutcome> {
    let value: Value = serde_json::from_str(text).map_err(NotAnOutcome::NotJson)?;
    if value["executionArn"].is_string() {
        return of_execution(&value);
    }
    of_output(value)
}

fn of_execution(execution: &Value) -> Result<Report, NotAnOutcome> {
    let text = |key: &str| execution[key].as_str().map(str::to_owned);
    let Some(output) = execution["output"].as_str() else {
        let status = text("status").unwrap_or_else(|| "without an output".to_owned());
        return Err(NotAnOutcome::NotSucceeded(status));
    };
    let report = of_output(serde_json::from_str(output).map_err(NotAnOutcome::NotJson)?)?;
    let input = execution["input"].as_str();
    Ok(report.about(About {
        execution: text("executionArn"),
        started: text("startDate"),
        stopped: text("stopDate"),
        input: input.and_then(|input| serde_json::from_str(input).ok()),
    }))
}

fn of_output(source: Value) -> Result<Report, NotAnOutcome> {
    if let Some(version) = source["schemaVersion"]
        .as_u64()
        .filter(|version| *version > u64::from(SCHEMA_VERSION))
    {
        return Err(NotAnOutcome::Newer(version));
    }
    let found = if source["dryRun"] == true {
        Found::DryRun(typed(&source)?)
    } else if source["sizes"].is_array() && !source["power"].is_null() {
        let outcome: Outcome = typed(&source)?;
        sound(&outcome)?;
        Found::Outcome(Box::new(outcome))
    } else if source["power"].is_null() {
        return Err(NotAnOutcome::Unknown);
    } else {
        Found::Reference(Reference::read(&source).map_err(NotAnOutcome::Malformed)?)
    };
    Ok(Report {
        source,
        found,
        about: About::default(),
    })
}

fn typed<T: DeserializeOwned>(source: &Value) -> Result<T, NotAnOutcome> {
    T::deserialize(source).map_err(|error| NotAnOutcome::Malformed(error.to_string()))
}

/// A duration or a cost that may be shown.
pub(crate) fn is_sound(value: f64) -> bool {
    (0.0..ABSURD).contains(&value)
}

fn sound(outcome: &Outcome) -> Result<(), NotAnOutcome> {
    let mut sizes = outcome.sizes.iter().chain(&outcome.baseline);
    let shown = |size: &Size| [size.average_duration_ms, size.average_cost];
    let is_sound_size = |size: &Size| shown(size).into_iter().flatten().all(is_sound);
    match sizes.find(|size| !is_sound_size(size)) {
        Some(size) => Err(NotAnOutcome::Malformed(format!(
            "no call takes or costs what it says of {}",
            size.memory
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_outcome_says_what_to_do() {
        let cases = [
            ("{", "it is not JSON: "),
            (
                r#"{"schemaVersion": 2, "power": 512}"#,
                "its `schemaVersion` is 2, and this version reads 1 and older ones; update the tool",
            ),
            (
                "[]",
                "it is not the output of a tuning: it has no `power` and no `dryRun`; take the output of a succeeded execution",
            ),
            (
                r#"{"power": 512}"#,
                "it is not the output of a tuning: missing field `cost`",
            ),
            (
                r#"{"executionArn": "arn", "status": "FAILED"}"#,
                "the execution has not succeeded, it is FAILED; only one that has gives an outcome",
            ),
        ];
        for (text, want) in cases {
            let error = read(text).expect_err(text).to_string();
            assert!(error.starts_with(want), "{text}: {error}");
        }
    }

    #[test]
    fn an_execution_as_aws_describes_it_is_read() {
        let output = json!({"power": 512, "cost": 1e-6, "duration": 12.5, "stateMachine": {"executionCost": 0, "lambdaCost": 0}});
        let execution = json!({
            "executionArn": "arn:aws:states:eu-central-1:1:execution:t:e", "status": "SUCCEEDED",
            "startDate": "2026-01-01T00:00:00Z", "input": "{\"num\": 5}", "output": output.to_string(),
        });
        let report = read(&execution.to_string()).expect("an outcome");
        assert_eq!(report.source, output);
        assert_eq!(
            report.about.started.as_deref(),
            Some("2026-01-01T00:00:00Z")
        );
        assert_eq!(report.about.input, Some(json!({"num": 5})));
    }
}
