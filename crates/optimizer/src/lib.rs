//! Applies the outcome to the function, if the input asks for that.

use std::time::Duration;

use power_tuner_aws::latest::Latest;
use power_tuner_aws::lock::{Hand, Held, Try};
use power_tuner_aws::{LambdaApi, StepFunctionsApi};
use power_tuner_core::outcome::{Optimization, Outcome};
use power_tuner_core::plan::Plan;
use power_tuner_core::tuning::Tuning;
use power_tuner_core::{MemoryMb, TuneError};
use power_tuner_runtime::{Deadline, Step};

/// What is left for the work after waiting for another tuning.
const FOR_THE_WORK: Duration = Duration::from_mins(1);

/// The outcome, which is the execution's output.
///
/// # Errors
///
/// The function was changed since it was planned, another tuning holds it, or it cannot be updated.
pub async fn handle(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    input: Step,
    deadline: Deadline,
) -> Result<Outcome, TuneError> {
    let Step { execution, tuning } = input;
    let Tuning {
        plan,
        outcome,
        cleaned,
        ..
    } = tuning;
    let mut outcome = outcome.ok_or_else(|| {
        TuneError::NoMeasurements("the analyzer ended without an outcome".to_owned())
    })?;
    outcome.kept_versions = cleaned.map(|cleaned| cleaned.adopted).unwrap_or_default();
    if !plan.request.auto_optimize {
        return Ok(outcome);
    }
    let (from, to) = (plan.target.memory, outcome.power);
    let hand = Hand {
        api,
        executions,
        function: &plan.target.function,
        deadline,
    };
    let patience = deadline.left().saturating_sub(FOR_THE_WORK);
    match hand.lock(&execution, from, patience).await? {
        Try::Got(held) => apply(held, &plan, to).await?,
        Try::Blocked(blocked) => return Err(blocked.error(hand.function, patience)),
    }
    tracing::info!(%from, %to, "applied");
    outcome.optimization = Some(Optimization {
        from,
        to,
        changed: from != to,
    });
    Ok(outcome)
}

/// Gives `$LATEST` the best size, or leaves it as it was.
async fn apply(held: Held<'_>, plan: &Plan, best: MemoryMb) -> Result<(), TuneError> {
    // A run of ours may have applied it and died before it could tell; then it is there already.
    let applied = match Latest::open(&held, plan, &[plan.target.memory, best]).await {
        Ok(mut latest) => latest.set_memory(best).await,
        Err(error) => Err(error),
    };
    match applied {
        Ok(()) => held.release().await,
        Err(error) => {
            let back = held.put_back(|memory| memory == best).await?;
            back.release().await?;
            Err(match error {
                TuneError::FunctionChanged { function, detail } => TuneError::FunctionChanged {
                    function,
                    detail: format!("it was not given the best size, {best}: {detail}"),
                },
                error => error,
            })
        }
    }
}
