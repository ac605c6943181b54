//! Cleaning up after executions that are long gone: one function by hand, or all functions of a state machine.

use std::collections::BTreeMap;
use std::time::Duration;

use power_tuner_aws::lock::{Hand, PutBack};
use power_tuner_aws::versions::{self, Deleted};
use power_tuner_aws::{LambdaApi, StepFunctionsApi, VersionRow};
use power_tuner_core::TuneError;
use power_tuner_core::command::Clean;
use power_tuner_core::function::FunctionArn;
use power_tuner_core::lock::Execution;
use power_tuner_core::marker::{applied_by, execution_in};
use power_tuner_core::measurement::Version;
use power_tuner_core::role::RoleArn;
use power_tuner_core::tuning::Cleaned;
use power_tuner_runtime::Deadline;

/// How far back a sweep looks: longer than anybody takes to give back a permission that a clean-up needed.
const LOOKS_BACK: Duration = Duration::from_hours(30 * 24);
/// A function is not begun with less than this.
const FOR_ONE: Duration = Duration::from_secs(75);

/// Cleans up one function, as a person names it. `session` is what a role's account sees of us.
pub(crate) async fn by_hand(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    asked: &Clean,
    session: &str,
    deadline: Deadline,
) -> Result<Cleaned, TuneError> {
    let target = &api.of_target(asked.role.as_ref(), session);
    let current = target.configuration(asked.function.as_str()).await?;
    function_of_any(target, executions, &current.function, deadline).await
}

/// Cleans up every function that an execution of the state machine tuned and that ended badly. One that cannot be
/// cleaned up does not keep the others from it.
pub(crate) async fn all(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    state_machine: &str,
    deadline: Deadline,
) -> Result<Cleaned, TuneError> {
    let ended = executions.ended_badly(state_machine, LOOKS_BACK).await?;
    let (mut all, mut first_error) = (Cleaned::default(), None);
    // Under another role a function may be reached that the last one does not reach any more.
    let mut seen: Vec<(FunctionArn, Option<RoleArn>)> = Vec::new();
    for execution in ended {
        if deadline.left() < FOR_ONE {
            let left = format!("what `{execution}` and those before it left: there was no time");
            tracing::warn!(left, "the next sweep goes on");
            all.left.push(left);
            break;
        }
        let cleaned = match executions.plan(&execution).await {
            Ok(Some(plan)) => {
                let target = (plan.target.function, plan.request.role);
                if seen.contains(&target) {
                    continue;
                }
                let (function, role) = &target;
                let api = &api.of_target(role.as_ref(), &execution);
                let cleaned = function_of_any(api, executions, function, deadline).await;
                seen.push(target);
                cleaned
            }
            Ok(None) => continue,
            Err(error) => Err(error),
        };
        match cleaned {
            Ok(cleaned) => {
                all.deleted.extend(cleaned.deleted);
                all.adopted.extend(cleaned.adopted);
                all.left.extend(cleaned.left);
            }
            // Its owner deleted it, and everything of ours with it.
            Err(TuneError::FunctionNotFound { .. }) => {}
            Err(error) => {
                tracing::error!(execution, error = error.name(), "{error}");
                first_error = first_error.or(Some(error));
            }
        }
    }
    first_error.map_or(Ok(all), Err)
}

/// Removes what executions that are over left on a function, and does not touch what belongs to any other.
async fn function_of_any(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    function: &FunctionArn,
    deadline: Deadline,
) -> Result<Cleaned, TuneError> {
    let hand = Hand {
        api,
        executions,
        function,
        deadline,
    };
    // One that fails must not keep the other from being done.
    let back = hand.put_back_after_any().await;
    let LeftBehind {
        over,
        running,
        unseen,
    } = left_behind(executions, api.versions(function).await?).await?;
    let mut left = [running, unseen].concat();
    let Deleted { deleted, adopted } = versions::delete(api, function, over, deadline).await?;
    let PutBack { blocked, restored } = back?;
    if let Some(blocked) = blocked {
        left.push(format!(
            "the lock: {}. {}",
            blocked.why(),
            blocked.by_hand(function)
        ));
    }
    tracing::info!(%function, deleted = deleted.len(), ?left, "cleaned up by hand or on schedule");
    Ok(Cleaned {
        function: Some(function.clone()),
        restored,
        deleted,
        adopted,
        left,
        failure: None,
    })
}

/// What executions have left on a function of versions.
pub(crate) struct LeftBehind {
    /// Those of executions that are over.
    pub over: Vec<Version>,
    /// Those of executions that still run, in words.
    pub running: Vec<String>,
    /// Those of executions that are not for this stack to see, in words.
    pub unseen: Vec<String>,
}

/// Which of these versions may go.
pub(crate) async fn left_behind(
    executions: &StepFunctionsApi,
    rows: Vec<VersionRow>,
) -> Result<LeftBehind, TuneError> {
    let (mut running, mut unseen) = (Vec::new(), Vec::new());
    let mut over = Vec::new();
    let mut by_execution: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    for row in rows {
        if let Some(execution) = execution_in(&row.description) {
            let versions = by_execution.entry(execution.to_owned()).or_default();
            versions.push(row.version);
        } else if let Some(execution) = applied_by(&row.description)
            && executions.failed(execution).await?
        {
            // It was to be applied and was not; an alias keeps what was.
            over.push(row.version);
        }
    }
    for (execution, versions) in by_execution {
        match executions.status(&execution).await? {
            Execution::Over | Execution::Missing => over.extend(versions),
            Execution::Running => running.push(format!("the versions of `{execution}`, which still runs")),
            Execution::Unknown => unseen.push(format!(
                "the versions of `{execution}`, which is not for this stack to see (`states:DescribeExecution` was \
                 refused); delete them by hand if it is over"
            )),
        }
    }
    Ok(LeftBehind {
        over,
        running,
        unseen,
    })
}
