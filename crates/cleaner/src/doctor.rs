//! What cleaning up would meet, and what there is to clean up.

use power_tuner_aws::versions::{self, Deleted};
use power_tuner_aws::{Holder, LambdaApi, StepFunctionsApi, lock};
use power_tuner_core::TuneError;
use power_tuner_core::doctor::{Call, Examination, Examined, Status};
use power_tuner_core::function::FunctionArn;
use power_tuner_core::lock::{ALIAS, Execution};
use power_tuner_core::marker::{Marker, Owner};
use power_tuner_runtime::Deadline;

use crate::sweep::{LeftBehind, left_behind};

const HOLDER: Holder = Holder {
    publishes: false,
    deletes: true,
};

/// Says what this step may do under its own role, without doing it, and what tunings have left on the function.
///
/// # Errors
///
/// Faults of the input.
pub async fn examine(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    call: Call,
    deadline: Deadline,
) -> Result<Examined, TuneError> {
    let visit = &call.visit()?;
    let execution = &visit.execution;
    let api = &api.of_target(visit.role.as_ref(), execution);
    let mut seen = Examination::by("cleaner");
    HOLDER.look(api, executions, visit, &mut seen).await;
    let listed = executions.may_list(&visit.state_machine()).await;
    seen.may("states:ListExecutions", listed);
    if let Some(function) = &visit.function()
        && !seen.is_in_vain()
    {
        look_at_the_lock(api, executions, function, deadline, &mut seen).await;
        let left = what_is_left(api, executions, function, execution, deadline).await;
        let left = seen.may("lambda:ListVersionsByFunction", left);
        if let Some(LeftBehind {
            over,
            running,
            unseen,
        }) = left
        {
            seen.left_behind(function, &over, &running, &unseen);
        }
    }
    Ok(seen.end())
}

async fn look_at_the_lock(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    function: &FunctionArn,
    deadline: Deadline,
    seen: &mut Examination,
) {
    let read = api.alias(function, ALIAS).await;
    let Some(found) = seen.may("lambda:GetAlias", read) else {
        return;
    };
    let Some(alias) = found else {
        seen.no_lock();
        return;
    };
    let note = match lock::read(function, &alias.description) {
        Ok(note) => note,
        Err(foreign) => {
            seen.find("lock", Status::Problem, foreign.to_string());
            return;
        }
    };
    let live = note.is_live(deadline.now_unix_s());
    let holder = if live {
        Ok(Execution::Running)
    } else {
        executions.status(&note.execution).await
    };
    if let Some(holder) = seen.may("states:DescribeExecution", holder) {
        seen.lock(function, &note, live, holder);
    }
}

/// What tunings have left, once that is gone which asking whether one may publish has made where nobody refused it.
async fn what_is_left(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    function: &FunctionArn,
    execution: &str,
    deadline: Deadline,
) -> Result<LeftBehind, TuneError> {
    let marker = Marker::of(execution);
    let (ours, others): (Vec<_>, Vec<_>) = api
        .versions(function)
        .await?
        .into_iter()
        .partition(|row| marker.owner(&row.description) == Owner::Us);
    let ours = ours.into_iter().map(|row| row.version).collect();
    let Deleted { .. } = versions::delete(api, function, ours, deadline).await?;
    left_behind(executions, others).await
}
