//! Deletes what a tuning made and puts back what it changed. Safe to repeat at any point.
//!
//! The state machine calls it at the end, good or bad. After an abort no state runs any more; then an event about the
//! execution's status calls it. A person calls it with a function's name, and a schedule with a state machine's.

mod doctor;
mod input;
mod sweep;

use std::time::Duration;

use power_tuner_aws::lock::Hand;
use power_tuner_aws::versions::{self, Deleted};
use power_tuner_aws::{LambdaApi, StepFunctionsApi};
use power_tuner_core::command::Clean;
use power_tuner_core::error::{Caught, Fault, shortened};
use power_tuner_core::marker::{Marker, Owner, applied_by};
use power_tuner_core::plan::Plan;
use power_tuner_core::tuning::Cleaned;
use power_tuner_core::{Failure, TuneError};
use power_tuner_runtime::Deadline;

pub use crate::doctor::examine;
pub use crate::input::Input;
use crate::input::{Asked, ByHand, FromEvent, FromStateMachine};

/// What is left for the work after waiting for whoever still holds the function.
const FOR_THE_WORK: Duration = Duration::from_mins(2);
/// What a role's account sees of us, where no execution has its name there.
const BY_HAND: &str = "clean-up";

/// Cleans up after one execution, after all that are over with one function, or after all of a state machine.
///
/// # Errors
///
/// Something could not be deleted or put back; calling again does the rest.
pub async fn handle(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    input: Input,
    deadline: Deadline,
) -> Result<Cleaned, TuneError> {
    match input {
        Input::StateMachine(asked) => {
            let FromStateMachine { execution, state } = *asked;
            // Where the first step failed there is nothing to do: that one only reads.
            let Some(plan) = &state.plan else {
                let failure = state.caught.map(Failure::from);
                return conclude(Ok(Cleaned::default()), failure, false);
            };
            let cleaned = after(api, executions, plan, &execution, deadline).await;
            let failure = match state.caught {
                Some(caught) => Some(with_what_was_applied(api, plan, &execution, caught).await),
                None => None,
            };
            conclude(cleaned, failure, state.outcome.is_some())
        }
        Input::Event(event) => after_event(api, executions, &event, deadline).await,
        Input::Function(ByHand(written)) => {
            let asked = Clean::by_hand("function", &written).map_err(TuneError::InvalidInput)?;
            sweep::by_hand(api, executions, &asked, BY_HAND, deadline).await
        }
        Input::Execution(Asked { execution, written }) => {
            let asked = Clean::parse(&written).map_err(TuneError::InvalidInput)?;
            sweep::by_hand(api, executions, &asked, &execution, deadline).await
        }
        Input::StateMachineSweep(arn) => sweep::all(api, executions, &arn, deadline).await,
        Input::Unknown => Err(TuneError::InvalidInput(vec![Fault::new(
            "input",
            "must be {\"function\": NAME} to clean up a function (with \"roleARN\" under a role of its account), or {\"sweep\": STATE_MACHINE_ARN} to clean up after \
             all executions that ended badly",
        )])),
    }
}

/// The first error is the execution's. One of the clean-up must not get lost behind it, nor take its place; where cleaning
/// up was what failed first, once is enough.
fn conclude(
    cleaned: Result<Cleaned, TuneError>,
    failure: Option<Failure>,
    was_cleaning: bool,
) -> Result<Cleaned, TuneError> {
    match (cleaned, failure) {
        (Ok(cleaned), failure) => Ok(Cleaned { failure, ..cleaned }),
        (Err(error), None) => Err(error),
        (Err(error), Some(Failure { error: name, cause })) => {
            tracing::error!(error = error.name(), "{error}");
            let again = shortened(&error.to_string(), Failure::LONGEST_CAUSE);
            let cause = if again == cause && was_cleaning {
                cause
            } else if again == cause {
                // What the rounds before had made is still there.
                format!("{cause}; after that, cleaning up failed for the same reason")
            } else {
                format!("{cause}; after that, cleaning up failed: {again}")
            };
            let failure = Some(Failure { error: name, cause });
            Ok(Cleaned {
                failure,
                ..Cleaned::default()
            })
        }
    }
}

/// An optimizer that was lost may have done all but tell. Whoever reads why the execution failed is to know that.
async fn with_what_was_applied(
    api: &LambdaApi,
    plan: &Plan,
    execution: &str,
    caught: Caught,
) -> Failure {
    let failure = Failure::from(caught);
    match applied_version(api, plan, execution).await {
        Ok(Some((alias, version))) => Failure {
            cause: format!(
                "{}; the best size was applied all the same: alias `{alias}` points at version {version}",
                failure.cause
            ),
            ..failure
        },
        Ok(None) => failure,
        Err(error) => {
            tracing::warn!(
                error = error.name(),
                "what was applied is not known: {error}"
            );
            failure
        }
    }
}

/// The alias that an execution was to optimize, and its version, if that is what the execution applied.
async fn applied_version<'a>(
    api: &LambdaApi,
    plan: &'a Plan,
    execution: &str,
) -> Result<Option<(&'a str, String)>, TuneError> {
    let api = &api.of_target(plan.request.role.as_ref(), execution);
    let function = &plan.target.function;
    let Some(name) = plan.request.alias_to_optimize() else {
        return Ok(None);
    };
    let Some(alias) = api.alias(function, name).await? else {
        return Ok(None);
    };
    let pointed = api
        .configuration(&format!("{function}:{}", alias.version))
        .await?;
    let is_applied = applied_by(&pointed.description) == Some(execution);
    Ok(is_applied.then_some((name, alias.version)))
}

async fn after_event(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    event: &FromEvent,
    deadline: Deadline,
) -> Result<Cleaned, TuneError> {
    // What Step Functions says of the status may be older than the event.
    if executions.redrives(&event.execution_arn).await? > event.redrive_count.unwrap_or_default() {
        tracing::info!("somebody redrove it since, so nothing is cleaned up");
        return Ok(Cleaned::default());
    }
    let execution = &event.execution_arn;
    let Some(plan) = executions.plan(execution).await? else {
        tracing::info!("there is nothing to clean up");
        return Ok(Cleaned::default());
    };
    after(api, executions, &plan, execution, deadline).await
}

/// Cleans up after one execution, whose publisher may live on: stopping an execution does not stop it.
async fn after(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    plan: &Plan,
    execution: &str,
    deadline: Deadline,
) -> Result<Cleaned, TuneError> {
    let function = &plan.target.function;
    let target = &api.of_target(plan.request.role.as_ref(), execution);
    let hand = Hand {
        api: target,
        executions,
        function,
        deadline,
    };
    let patience = deadline.left().saturating_sub(FOR_THE_WORK);
    // One that fails must not keep the other from being done.
    let back = hand.put_back_after(execution, patience).await;
    let deleted = delete_versions(target, plan, execution, deadline).await;
    let outcome = match (back, deleted) {
        (Ok(()), Ok(Deleted { deleted, adopted })) => {
            tracing::info!(%function, deleted = deleted.len(), adopted = adopted.len(), "cleaned up");
            Ok(Cleaned {
                deleted,
                adopted,
                ..Cleaned::default()
            })
        }
        (Err(error), _) | (Ok(()), Err(error)) => Err(error),
    };
    match outcome {
        // Its owner deleted it, and everything of ours with it.
        Err(TuneError::FunctionNotFound { .. }) => Ok(Cleaned::default()),
        outcome => outcome,
    }
}

async fn delete_versions(
    api: &LambdaApi,
    plan: &Plan,
    execution: &str,
    deadline: Deadline,
) -> Result<Deleted, TuneError> {
    let marker = Marker::of(execution);
    let function = &plan.target.function;
    let ours = api
        .versions(function)
        .await?
        .into_iter()
        .filter(|row| {
            // What was to be applied and was not; an alias keeps what was.
            marker.owner(&row.description) == Owner::Us
                || applied_by(&row.description) == Some(execution)
        })
        .map(|row| row.version)
        .collect();
    versions::delete(api, function, ours, deadline).await
}
