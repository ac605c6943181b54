//! Whether a run ended as it must: what the execution says is true, and the function is as it was.

use e2e::Failure;
use power_tuner_core::TuneError;
use serde_json::Value;

use crate::fault::{Call, Fault, Lost};
use crate::mode::{BEST, Mode};
use crate::watch;
use crate::world::{Ended, World};

/// A run with a fault, after the event about its end was handled.
pub struct Run<'a> {
    pub world: &'a World,
    pub call: &'a Call,
    pub fault: Fault,
    pub before: Value,
    pub ended: Ended,
    /// The function when the execution had ended, and nobody had heard of that yet.
    pub at_end: Value,
    /// What became of the event, where there was one.
    pub event: Option<Result<Value, Failure>>,
}

type Judged = Result<(), String>;

fn need(holds: bool, otherwise: impl FnOnce() -> String) -> Judged {
    if holds { Ok(()) } else { Err(otherwise()) }
}

impl Run<'_> {
    /// What is wrong with the run before anybody else comes and cleans up.
    pub fn judge(&self) -> Judged {
        let by = self
            .world
            .met_by()
            .ok_or("the call was never made, so that nothing was tried")?;
        self.end(&by)?;
        need(self.world.broken().is_empty(), || {
            format!("in the middle: {}", self.world.broken().join("; "))
        })?;
        let wrong = watch::wrong_calls(self.world);
        need(wrong.is_none(), || wrong.unwrap_or_default())?;
        self.own_clean_up(&by)?;
        if let (Some(Err(failure)), false) = (&self.event, self.fault.lasts()) {
            return Err(format!("the event's clean-up failed: {failure:?}"));
        }
        let now = watch::lasting(self.world);
        // Something that lasts may keep from cleaning up, and then the execution must have said so.
        let excused = self.fault.lasts() && !matches!(self.ended, Ended::Itself(Ok(_)));
        need(excused || self.is_well(&now), || {
            format!(
                "the function was left changed: {}",
                watch::differences(&self.before, &now)
            )
        })
    }

    /// Whether the function is as it is to be.
    pub fn is_well(&self, now: &Value) -> bool {
        if self.fault == Fault::Deleted && now.is_null() {
            return true;
        }
        let is_before = watch::is_as_before(&self.before, now);
        match &self.ended {
            _ if self.world.mode != Mode::Optimize => is_before,
            Ended::Itself(Ok(outcome)) => {
                let size = outcome["power"].as_u64().unwrap_or_default();
                watch::is_applied(&self.before, now, size)
            }
            // It was stopped, or lost, before it could say so.
            _ => is_before || watch::is_applied(&self.before, now, BEST),
        }
    }

    /// An execution that fails cleans up after itself, or says that it could not. What it applied before, it says too.
    fn own_clean_up(&self, by: &str) -> Judged {
        let Ended::Itself(Err(Failure { cause, .. })) = &self.ended else {
            return Ok(());
        };
        let says_applied = cause.contains("the best size was applied all the same: alias `live`");
        let is_applied =
            self.world.mode == Mode::Optimize && watch::is_pointed(&self.before, &self.at_end);
        // A cleaner that may not look cannot say so.
        let may_miss = self.fault.lasts() || by == "Cleaner";
        need(
            says_applied == is_applied || (is_applied && may_miss),
            || format!("what it says was applied is not true: {cause}"),
        )?;
        let says_so = [
            "cleaning up failed",
            "could not be put back",
            "its lock could not be removed",
        ]
        .iter()
        .any(|part| cause.contains(part));
        let excused = self.fault.lasts() && (says_so || by == "Cleaner");
        need(excused || self.is_well(&self.at_end), || {
            format!(
                "it did not clean up, and does not say so: {}: {cause}",
                watch::differences(&self.before, &self.at_end)
            )
        })
    }

    /// What the execution says.
    fn end(&self, by: &str) -> Judged {
        match &self.ended {
            Ended::Stopped => need(matches!(self.fault, Fault::Execution(..)), || {
                "nobody stopped it".to_owned()
            }),
            Ended::Itself(Ok(outcome)) => self.outcome(outcome, by),
            Ended::Itself(Err(failure)) => self.failure(failure, by).map_err(|why| {
                format!(
                    "{why}: the execution says `{}`: {}",
                    failure.error, failure.cause
                )
            }),
        }
    }

    fn outcome(&self, outcome: &Value, by: &str) -> Judged {
        let may_succeed = match self.fault {
            Fault::Process(_, Lost::Caught) | Fault::Forever(500 | 429 | 409) => by == "Executor",
            Fault::Forever(_) => by == "Executor" || self.call.action == "DescribeExecution",
            Fault::Deleted => {
                let is_lambdas =
                    !matches!(self.call.action.as_str(), "DescribeExecution" | "GetObject");
                let applies = self.world.mode == Mode::Optimize;
                !is_lambdas || !applies || self.call.action == "DeleteAlias"
            }
            Fault::Once(412) => self.call.action != "GetObject",
            Fault::Execution(..) => false,
            _ => true,
        };
        need(may_succeed, || {
            "it succeeded, which it cannot have".to_owned()
        })?;
        let sizes = outcome["sizes"]
            .as_array()
            .ok_or("an outcome without sizes")?;
        let measured: Vec<u64> = sizes
            .iter()
            .filter(|size| size["status"] == "measured")
            .filter_map(|size| size["memory"].as_u64().or(size["value"].as_u64()))
            .collect();
        let may_fail = by == "Executor"
            && matches!(
                self.fault,
                Fault::Process(_, Lost::Caught)
                    | Fault::Forever(_)
                    | Fault::Deleted
                    | Fault::Once(409 | 412)
            );
        let all = self.world.mode.sizes();
        // A search makes its own list, and another one where a size fails.
        let all_there = self.world.mode == Mode::Search || sizes.len() == all.len();
        let complete = all_there && (may_fail || measured.len() == sizes.len());
        need(complete, || format!("a size is missing: {outcome}"))?;
        let power = outcome["power"].as_u64().unwrap_or_default();
        need(measured.contains(&power), || {
            format!("it chose what was not measured: {outcome}")
        })?;
        let applied = &outcome["optimization"];
        need(
            self.world.mode != Mode::Optimize || applied["to"] == power,
            || format!("it does not say what was applied: {outcome}"),
        )
    }

    fn failure(&self, failure: &Failure, by: &str) -> Judged {
        let Failure { error, cause } = failure;
        let action = self.call.action.as_str();
        let names = |names: &[&str]| {
            let known = names.iter().all(|name| TuneError::NAMES.contains(name));
            need(known && names.contains(&error.as_str()), || {
                format!("the error is none of {names:?}")
            })
        };
        let says = |part: &str| {
            need(cause.contains(part), || {
                format!("the cause does not say `{part}`")
            })
        };
        match self.fault {
            Fault::Process(_, Lost::Caught) => need(error == "Lambda.Unknown", || {
                "the function was lost".to_owned()
            }),
            Fault::Forever(_) if action == "GetObject" => {
                names(&["PayloadUnavailable", "NoMeasurements"])?;
                says("s3://payloads/a/large.json")
            }
            Fault::Once(412) if action == "GetObject" => {
                names(&["PayloadUnavailable"])?;
                says("it was changed while the function was being tuned")
            }
            Fault::Deleted if action == "GetObject" => {
                names(&["PayloadUnavailable", "NoMeasurements"])?;
                says("there is no such object")
            }
            Fault::Forever(status) if by == "Executor" => {
                names(&["NoMeasurements"])?;
                says(match status {
                    403 => "may not call `lambda:InvokeFunction`",
                    429 => "throttled the calls",
                    _ => "got no answer",
                })
            }
            Fault::Forever(403) => {
                names(&["AccessDenied", "PublishFailed"])?;
                says(&format!("may not call `lambda:{action}`"))
            }
            Fault::Forever(429) => {
                names(&["Throttled", "PublishFailed"])?;
                says("throttled")?;
                says(&format!(":{action}`"))
            }
            Fault::Forever(_) => {
                names(&["PublishFailed"])?;
                says(&format!(":{action}`"))
            }
            Fault::Deleted => {
                names(&[
                    "FunctionNotFound",
                    "FunctionChanged",
                    "TuningInProgress",
                    "NoMeasurements",
                ])?;
                need(
                    cause.contains("not found") || cause.contains("gone"),
                    || "the cause does not say that the function is gone".to_owned(),
                )
            }
            _ => Err("it should have succeeded".to_owned()),
        }
    }
}
