//! Applies the outcome to the function, if the input asks for that.

mod alias;
mod doctor;

use std::time::Duration;

use power_tuner_aws::latest::Latest;
use power_tuner_aws::lock::{Hand, Held, Try};
use power_tuner_aws::{LambdaApi, StepFunctionsApi};
use power_tuner_core::filed::Filed;
use power_tuner_core::metrics;
use power_tuner_core::outcome::{Conclusion, DryRun, Optimization, Outcome};
use power_tuner_core::plan::Plan;
use power_tuner_core::tuning::Tuning;
use power_tuner_core::{MemoryMb, TuneError};
use power_tuner_runtime::{Deadline, Step};
use serde::Serialize;

pub use crate::doctor::examine;
/// What is left for the work after waiting for another tuning.
const FOR_THE_WORK: Duration = Duration::from_mins(1);

/// The execution's output.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Output {
    Chosen(Box<Outcome>),
    Tried(DryRun),
}

/// Applies the outcome, and gives it out.
///
/// # Errors
///
/// The function was changed since it was planned, another tuning holds it, or it cannot be updated.
pub async fn handle(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    input: Step,
    deadline: Deadline,
) -> Result<Output, TuneError> {
    let Step { execution, tuning } = input;
    let Tuning {
        plan,
        outcome,
        cleaned,
        ..
    } = tuning;
    let kept_versions = cleaned.map(|cleaned| cleaned.adopted).unwrap_or_default();
    let mut outcome = match outcome {
        Some(Conclusion::Chosen(outcome)) => outcome,
        Some(Conclusion::Tried(tried)) => {
            return Ok(Output::Tried(DryRun {
                kept_versions,
                ..tried
            }));
        }
        None => {
            return Err(TuneError::NoMeasurements(
                "the analyzer ended without an outcome".to_owned(),
            ));
        }
    };
    outcome.kept_versions = kept_versions;
    if plan.request.auto_optimize {
        let applied = if let Some(reason) = outcome.why_not_to_apply(&plan.request) {
            tracing::info!(reason, "not applied");
            Optimization::withheld(plan.target.memory, reason)
        } else {
            let hand = Hand {
                api: &api.of_target(plan.request.role.as_ref(), &execution),
                executions,
                function: &plan.target.function,
                deadline,
            };
            optimize(hand, &plan, &execution, outcome.power).await?
        };
        outcome.optimization = Some(applied);
    }
    let is_wanted = outcome.report.is_some();
    outcome.report = Filed::wanted(&outcome);
    if is_wanted && outcome.report.is_none() {
        tracing::warn!("the outcome is too large to be stored");
    }
    power_tuner_runtime::log_metrics(&metrics::of(&outcome, &execution, deadline.now_unix_s()));
    Ok(Output::Chosen(outcome))
}

async fn optimize(
    hand: Hand<'_>,
    plan: &Plan,
    execution: &str,
    best: MemoryMb,
) -> Result<Optimization, TuneError> {
    let from = plan.target.memory;
    let longest_wait = Duration::from_secs(plan.longest_wait_s);
    let patience = longest_wait.min(hand.deadline.left().saturating_sub(FOR_THE_WORK));
    let mut held = match hand.lock(execution, from, patience).await? {
        Try::Got(held) => held,
        Try::Blocked(blocked) => return Err(blocked.error(hand.function, patience)),
    };
    match apply(&mut held, plan, execution, best).await {
        Ok(version) => {
            held.release().await?;
            tracing::info!(%from, to = %best, version, "applied");
            Ok(Optimization {
                applied: true,
                reason: None,
                from,
                to: best,
                changed: from != best,
                alias: plan.request.alias_to_optimize().map(str::to_owned),
                version,
            })
        }
        Err(error) => {
            let error = match error {
                TuneError::FunctionChanged { function, detail } => TuneError::FunctionChanged {
                    function,
                    detail: format!("it was not given the best size, {best}: {detail}"),
                },
                error => error,
            };
            held.end(Err(error)).await
        }
    }
}

/// Gives `$LATEST` the best size, and the alias a version of it. Gives that version's number.
async fn apply(
    held: &mut Held<'_>,
    plan: &Plan,
    execution: &str,
    best: MemoryMb,
) -> Result<Option<String>, TuneError> {
    // A run of ours may have applied it and died before it could tell; then it is there already.
    let mut latest = Latest::open(held, plan, &[plan.target.memory, best]).await?;
    latest.set_memory(best).await?;
    match plan.request.alias_to_optimize() {
        Some(name) => alias::point(&mut latest, name, execution).await.map(Some),
        None => Ok(None),
    }
}
