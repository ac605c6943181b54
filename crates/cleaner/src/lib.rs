//! Deletes what a tuning made and puts back what it changed. Safe to repeat at any point.
//!
//! The state machine calls it at the end, good or bad. After an abort no state runs any more; then an event about the
//! execution's status calls it, and it learns the plan from the execution's history.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use futures::stream::{self, StreamExt as _};
use power_tuner_aws::{Deletion, LambdaApi, StepFunctionsApi, latest};
use power_tuner_core::error::Caught;
use power_tuner_core::marker::{Marker, Owner};
use power_tuner_core::measurement::Version;
use power_tuner_core::plan::Plan;
use power_tuner_core::tuning::Cleaned;
use power_tuner_core::{Failure, TuneError};
use power_tuner_runtime::InLogs;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One of the two who call the cleaner.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Input {
    StateMachine(Box<FromStateMachine>),
    Event(FromEvent),
}

#[derive(Debug, Deserialize)]
pub struct FromStateMachine {
    execution: String,
    state: State,
}

/// What the cleaner reads of the state. Where the first step failed there is no plan.
#[derive(Debug, Deserialize)]
struct State {
    plan: Option<Plan>,
    caught: Option<Caught>,
    cleaned: Option<Cleaned>,
}

/// The detail of a "Step Functions Execution Status Change".
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FromEvent {
    execution_arn: String,
    status: String,
}

impl TryFrom<Value> for Input {
    type Error = serde_json::Error;

    fn try_from(input: Value) -> Result<Self, serde_json::Error> {
        if input.get("detail-type").is_some() {
            let event: EventBridgeEvent<FromEvent> = serde_json::from_value(input)?;
            Ok(Self::Event(event.detail))
        } else {
            serde_json::from_value(input)
                .map(Box::new)
                .map(Self::StateMachine)
        }
    }
}

impl InLogs for Input {
    fn execution(&self) -> &str {
        match self {
            Self::StateMachine(input) => &input.execution,
            Self::Event(event) => &event.execution_arn,
        }
    }
}

/// The first step's name in the state machine: what it gives out holds the plan.
const FIRST_STATE: &str = "Initializer";
/// The state that cleans up before an execution fails.
const LAST_STATE: &str = "CleanUpAfterError";
/// All of the control plane takes 15 requests a second, for everybody in the account.
const DELETIONS_AT_ONCE: usize = 3;

/// Cleans up after one execution.
///
/// # Errors
///
/// Something could not be deleted or put back; calling again does the rest.
pub async fn handle(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    input: Input,
) -> Result<Cleaned, TuneError> {
    let (execution, plan, caught) = match input {
        Input::StateMachine(input) => {
            let FromStateMachine { execution, state } = *input;
            (execution, state.plan, state.caught)
        }
        Input::Event(event) => {
            let plan = left_behind(executions, &event).await?;
            (event.execution_arn, plan, None)
        }
    };
    let (deleted, adopted) = if let Some(plan) = plan {
        match clean(api, &plan, Marker::of(&execution)).await {
            // Its owner deleted it, and everything of ours with it.
            Err(TuneError::FunctionNotFound { .. }) => (Vec::new(), Vec::new()),
            cleaned => cleaned?,
        }
    } else {
        tracing::info!("there is nothing to clean up");
        (Vec::new(), Vec::new())
    };
    Ok(Cleaned {
        deleted,
        adopted,
        failure: caught.map(Failure::from),
    })
}

/// The plan of an execution that ended without its own clean-up.
async fn left_behind(
    executions: &StepFunctionsApi,
    event: &FromEvent,
) -> Result<Option<Plan>, TuneError> {
    let execution = &event.execution_arn;
    // What it did itself must not be done again later: by then the function may be in the middle of the next tuning.
    if event.status == "FAILED" {
        let last = executions.last_output(execution, LAST_STATE).await?;
        let cleaned = last.map(|output| read(execution, &output)).transpose()?;
        if cleaned.and_then(|state| state.cleaned?.failure).is_some() {
            tracing::info!("it cleaned up itself");
            return Ok(None);
        }
    }
    let first = executions.first_output(execution, FIRST_STATE).await?;
    let planned = first.map(|output| read(execution, &output)).transpose()?;
    Ok(planned.and_then(|state| state.plan))
}

fn read(execution: &str, output: &str) -> Result<State, TuneError> {
    serde_json::from_str(output).map_err(|error| TuneError::PublishFailed {
        function: execution.to_owned(),
        detail: format!(
            "the state in its history cannot be read ({error}); delete the versions of the function whose description \
             names this execution, and look at the function's memory size"
        ),
    })
}

async fn clean(
    api: &LambdaApi,
    plan: &Plan,
    marker: Marker<'_>,
) -> Result<(Vec<Version>, Vec<Version>), TuneError> {
    let function = &plan.target.function;
    // One that fails must not keep the other from being done.
    let back = latest::put_back(api, plan).await;
    let ours = api
        .versions(function)
        .await?
        .into_iter()
        .filter(|row| marker.owner(&row.description) == Owner::Us);
    let deletions: Vec<(Version, Result<Deletion, TuneError>)> = stream::iter(ours)
        .map(async |row| {
            let deletion = api.delete_version(function, &row.version).await;
            (row.version, deletion)
        })
        .buffer_unordered(DELETIONS_AT_ONCE)
        .collect()
        .await;
    let (mut deleted, mut adopted) = (Vec::new(), Vec::new());
    for (version, deletion) in deletions {
        tracing::info!(
            memory = version.memory.get(),
            version = version.number,
            outcome = ?deletion,
            "deletion"
        );
        match deletion? {
            Deletion::Deleted | Deletion::Gone => deleted.push(version),
            Deletion::Adopted => adopted.push(version),
        }
    }
    back?;
    Ok((deleted, adopted))
}
