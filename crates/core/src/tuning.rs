//! What travels through the state machine, and what the analyzer makes of it.

use serde::{Deserialize, Serialize};

use crate::choice::{Candidate, best};
use crate::error::{Caught, Failure, TuneError};
use crate::measurement::{Summary, Tally, Version};
use crate::memory::MemoryMb;
use crate::outcome::{Conclusion, DryRun, Outcome};
use crate::plan::Plan;
use crate::request::OnFailure;

/// The state between two steps. The payload is not in it: steps that need it read it from the execution's input.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tuning {
    pub plan: Plan,
    pub round: Round,
    pub published: Published,
    /// What the branches of this round ended with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<BranchResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Conclusion>,
    /// What the cleaner did, once it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleaned: Option<Cleaned>,
}

/// What was cleaned up, and the failure that led to it, in words for the end of the execution.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Cleaned {
    pub deleted: Vec<Version>,
    /// Left in place because an alias points at them: somebody uses them.
    pub adopted: Vec<Version>,
    /// What was left alone, and why: a tuning that still runs, or one that cannot be judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What one pass of publishing and measuring covers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Round {
    pub number: u32,
    pub sizes: Vec<MemoryMb>,
}

/// How far the publishing of a round is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Published {
    pub done: bool,
    /// Runs of the publisher so far.
    pub batches: u32,
    pub versions: Vec<Version>,
    /// Versions that will never work, which AWS says some time after it made them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedVersion>,
    /// How long it has waited for another tuning of the function.
    #[serde(default)]
    pub waited_s: u64,
    /// How long it has waited for its versions to become active.
    #[serde(default)]
    pub pending_s: u64,
}

/// A version that AWS could not bring to life.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct FailedVersion {
    pub version: Version,
    pub cause: String,
}

/// What one branch of the Map ended with: a summary, a failure that the executor reported, or an error of the executor
/// itself that the state machine caught.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct BranchResult {
    pub version: Version,
    pub batches: u32,
    pub tally: Tally,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caught: Option<Caught>,
}

/// What is known of one size at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeResult {
    pub memory: MemoryMb,
    pub tally: Tally,
    pub result: Result<Summary, Failure>,
}

impl From<BranchResult> for SizeResult {
    fn from(branch: BranchResult) -> Self {
        let failure = branch
            .failure
            .or_else(|| branch.caught.map(Failure::from))
            .unwrap_or_else(|| Failure {
                error: "NoMeasurements".to_owned(),
                cause: "the measuring ended without a result".to_owned(),
            });
        Self {
            memory: branch.version.memory,
            tally: branch.tally,
            result: branch.summary.ok_or(failure),
        }
    }
}

impl From<FailedVersion> for SizeResult {
    fn from(failed: FailedVersion) -> Self {
        Self {
            memory: failed.version.memory,
            tally: Tally::default(),
            result: Err(Failure {
                error: "PublishFailed".to_owned(),
                cause: failed.cause,
            }),
        }
    }
}

impl Tuning {
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let sizes = plan.request.sizes.clone();
        Self {
            plan,
            round: Round { number: 1, sizes },
            published: Published::default(),
            results: Vec::new(),
            outcome: None,
            cleaned: None,
        }
    }

    /// Decides what the measurements mean.
    ///
    /// # Errors
    ///
    /// No size could be measured, or one could not and the input wants that to be a failure.
    pub fn conclude(self) -> Result<Self, TuneError> {
        let transitions = self.transitions();
        let plan = self.plan;
        let never_worked = self.published.failed.iter().cloned().map(SizeResult::from);
        let measured = self.results.into_iter().map(SizeResult::from);
        let mut sizes: Vec<SizeResult> = measured.chain(never_worked).collect();
        sizes.sort_by_key(|size| size.memory);
        if plan.request.on_failure == OnFailure::Fail
            && let Some((memory, failure)) = first_failure(&sizes)
        {
            return Err(TuneError::InvocationFailed(format!(
                "{memory} could not be measured, and `onFailure` is `fail`: {failure}"
            )));
        }
        let candidates: Vec<Candidate> = sizes.iter().filter_map(candidate).collect();
        let Some(best) = best(&candidates, plan.request.strategy) else {
            return Err(TuneError::NoMeasurements(format!(
                "no memory size gave a result: {}",
                all_failures(&sizes)
            )));
        };
        let conclusion = if plan.request.dry_run {
            Conclusion::Tried(DryRun::new(&plan, &sizes))
        } else {
            let outcome = Outcome::new(&plan, &sizes, &candidates, best, transitions);
            Conclusion::Chosen(Box::new(outcome))
        };
        Ok(Self {
            plan,
            outcome: Some(conclusion),
            results: Vec::new(),
            ..self
        })
    }

    /// The billed state transitions of an execution that ends well, counted from what really ran. AWS bills each state
    /// entered; retries, which the state machine does not tell us of, are not in it.
    fn transitions(&self) -> u32 {
        const INITIALIZER: u32 = 1;
        const PUBLISHER_AND_CHOICE: u32 = 2;
        const MAP: u32 = 1;
        const EXECUTOR_AND_CHOICE: u32 = 2;
        const END_OF_BRANCH: u32 = 1;
        const ANALYZER_AND_CHOICE: u32 = 2;
        const CLEANER_OPTIMIZER_SUCCEED: u32 = 3;
        let branches: u32 = self
            .results
            .iter()
            .map(|branch| {
                // An executor that failed was entered, but no choice came after it.
                branch.batches * EXECUTOR_AND_CHOICE
                    + u32::from(branch.caught.is_some())
                    + END_OF_BRANCH
            })
            .sum();
        INITIALIZER
            + self.published.batches * PUBLISHER_AND_CHOICE
            + MAP
            + branches
            + ANALYZER_AND_CHOICE
            + CLEANER_OPTIMIZER_SUCCEED
    }
}

fn candidate(size: &SizeResult) -> Option<Candidate> {
    let summary = size.result.as_ref().ok()?;
    Some(Candidate {
        memory: size.memory,
        cost: summary.average_cost,
        duration_ms: summary.average_duration_ms,
    })
}

fn first_failure(sizes: &[SizeResult]) -> Option<(MemoryMb, &Failure)> {
    sizes
        .iter()
        .find_map(|size| Some((size.memory, size.result.as_ref().err()?)))
}

/// One sentence where all sizes failed alike, else one for each size.
fn all_failures(sizes: &[SizeResult]) -> String {
    let failures: Vec<(MemoryMb, &Failure)> = sizes
        .iter()
        .filter_map(|size| Some((size.memory, size.result.as_ref().err()?)))
        .collect();
    match failures.as_slice() {
        [] => "there was nothing to measure".to_owned(),
        [(_, first), rest @ ..]
            if !rest.is_empty() && rest.iter().all(|(_, failure)| failure == first) =>
        {
            format!("all {} sizes failed alike: {first}", failures.len())
        }
        failures => {
            let each: Vec<String> = failures
                .iter()
                .map(|(memory, failure)| format!("{memory}: {failure}"))
                .collect();
            each.join("; ")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::plan::tests::plan;

    fn measured(mb: u32, duration_ms: f64, cost: f64) -> BranchResult {
        BranchResult {
            version: Version {
                memory: MemoryMb::try_from(mb).expect("a valid size"),
                number: "1".to_owned(),
            },
            batches: 1,
            tally: Tally {
                calls: 10,
                billed_ms: 1000,
                ..Tally::default()
            },
            summary: Some(Summary {
                average_duration_ms: duration_ms,
                average_cost: cost,
            }),
            failure: None,
            caught: None,
        }
    }

    fn failed(mb: u32, cause: &str) -> BranchResult {
        BranchResult {
            summary: None,
            failure: Some(Failure {
                error: "InvocationFailed".to_owned(),
                cause: cause.to_owned(),
            }),
            ..measured(mb, 0.0, 0.0)
        }
    }

    fn conclude(input: Value, results: Vec<BranchResult>) -> Result<Outcome, TuneError> {
        let mut tuning = Tuning::new(plan(input));
        tuning.published.batches = 1;
        tuning.results = results;
        match tuning.conclude()?.outcome {
            Some(Conclusion::Chosen(outcome)) => Ok(*outcome),
            other => panic!("not an outcome: {other:?}"),
        }
    }

    #[test]
    fn a_dry_run_says_which_sizes_can_be_called_and_chooses_none() {
        let mut tuning = Tuning::new(plan(json!({"dryRun": true})));
        tuning.results = vec![measured(512, 1.0, 1.0), failed(128, "out of memory")];
        let conclusion = tuning.conclude().expect("a conclusion").outcome;
        let Some(Conclusion::Tried(tried)) = conclusion else {
            panic!("not a dry run: {conclusion:?}");
        };
        let tried = serde_json::to_value(tried).expect("JSON");
        assert_eq!(tried["dryRun"], true);
        assert_eq!(tried.get("power"), None);
        assert_eq!(
            tried["sizes"],
            json!([
                {"memory": 128, "status": "failed", "reason": "out of memory (InvocationFailed)"},
                {"memory": 512, "status": "measured"},
            ])
        );
    }

    #[test]
    fn the_outcome_has_the_references_keys() {
        let results = vec![measured(1024, 100.0, 2e-6), measured(128, 900.0, 1e-6)];
        let outcome = conclude(json!({"includeOutputResults": true}), results).expect("an outcome");
        let outcome = serde_json::to_value(outcome).expect("JSON");
        assert_eq!(outcome["power"], 128);
        assert_eq!(outcome["cost"], 1e-6);
        assert_eq!(outcome["duration"], 900.0);
        assert_eq!(
            outcome["stats"],
            json!([
                {"value": 128, "averagePrice": 1e-6, "averageDuration": 900.0},
                {"value": 1024, "averagePrice": 2e-6, "averageDuration": 100.0},
            ])
        );
        let visualization = outcome["stateMachine"]["visualization"]
            .as_str()
            .expect("a text");
        assert!(
            visualization.starts_with("https://lambda-power-tuning.show/#"),
            "{visualization}"
        );
        // Two sizes of 1,000 billed ms each, at 128 and 1,024 MB, in us-east-1.
        let lambda_cost = outcome["stateMachine"]["lambdaCost"]
            .as_f64()
            .expect("a number");
        assert!(
            (lambda_cost - 1.125 * 1.66667e-5).abs() < 1e-12,
            "{lambda_cost}"
        );
        // Initializer, Publisher and its choice, Map, three states a branch, Analyzer and its choice, three to the end.
        let execution_cost = outcome["stateMachine"]["executionCost"]
            .as_f64()
            .expect("a number");
        assert!(
            (execution_cost - 15.0 * 2.5e-5).abs() < 1e-12,
            "{execution_cost}"
        );
    }

    #[test]
    fn stats_are_left_out_unless_asked_for() {
        let outcome = conclude(json!({}), vec![measured(128, 1.0, 1.0)]).expect("an outcome");
        let outcome = serde_json::to_value(outcome).expect("JSON");
        assert_eq!(outcome.get("stats"), None);
    }

    #[test]
    fn a_size_that_failed_is_in_the_outcome_with_its_reason() {
        let results = vec![failed(128, "out of memory"), measured(512, 1.0, 1.0)];
        let outcome = conclude(json!({}), results).expect("one size is enough");
        let sizes = serde_json::to_value(outcome).expect("JSON")["sizes"].clone();
        assert_eq!(sizes[0]["status"], "failed");
        assert_eq!(sizes[0]["reason"], "out of memory (InvocationFailed)");
        assert_eq!(sizes[1]["status"], "measured");
    }

    #[test]
    fn an_error_that_the_state_machine_caught_is_a_failed_size() {
        let caught = BranchResult {
            failure: None,
            caught: Some(Caught {
                error: "Sandbox.Timedout".to_owned(),
                cause: r#"{"errorMessage":"Task timed out"}"#.to_owned(),
            }),
            ..failed(128, "")
        };
        let outcome =
            conclude(json!({}), vec![caught, measured(512, 1.0, 1.0)]).expect("an outcome");
        let sizes = serde_json::to_value(outcome).expect("JSON")["sizes"].clone();
        assert_eq!(sizes[0]["reason"], "Task timed out (Sandbox.Timedout)");
    }

    #[test]
    fn a_run_fails_when_no_size_is_left() {
        let alike = conclude(json!({}), vec![failed(128, "boom"), failed(512, "boom")]);
        assert_eq!(
            alike.expect_err("nothing measured").to_string(),
            "no memory size gave a result: all 2 sizes failed alike: boom (InvocationFailed)"
        );
        let differently = conclude(json!({}), vec![failed(128, "boom"), failed(512, "bang")]);
        assert_eq!(
            differently.expect_err("nothing measured").to_string(),
            "no memory size gave a result: 128 MB: boom (InvocationFailed); 512 MB: bang (InvocationFailed)"
        );
    }

    #[test]
    fn one_failed_size_fails_the_run_only_where_the_input_says_so() {
        let results = || vec![failed(128, "boom"), measured(512, 1.0, 1.0)];
        let error = conclude(json!({"onFailure": "fail"}), results()).expect_err("as asked");
        assert_eq!(error.name(), "InvocationFailed");
        assert!(conclude(json!({}), results()).is_ok());
    }

    #[test]
    fn the_reason_compares_with_the_current_size() {
        let results = vec![measured(512, 200.0, 4e-6), measured(1024, 100.0, 3e-6)];
        let outcome = conclude(json!({}), results).expect("an outcome");
        assert_eq!(
            outcome.reason,
            "1024 MB is the cheapest of 2 measured sizes; a call costs 25.0 % less and takes 50.0 % less time than at the current 512 MB"
        );
        let stays = conclude(json!({}), vec![measured(512, 200.0, 4e-6)]).expect("an outcome");
        assert_eq!(
            stays.reason,
            "512 MB is the only size that was measured; the function has it already"
        );
    }
}
