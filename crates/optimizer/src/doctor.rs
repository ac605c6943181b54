//! What applying the best size would meet.

use power_tuner_aws::{LambdaApi, Probes, StepFunctionsApi};
use power_tuner_core::TuneError;
use power_tuner_core::doctor::{Call, Examination, Examined};

/// Says what this step may do under its own role, without doing it.
///
/// # Errors
///
/// Faults of the input.
pub async fn examine(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    call: Call,
) -> Result<Examined, TuneError> {
    let visit = &call.visit()?;
    let execution = &visit.execution;
    let mut seen = Examination::by("optimizer");
    let described = executions.may_describe(execution).await;
    seen.may("states:DescribeExecution", described);
    let history = executions.may_read_history(execution).await;
    seen.may("states:GetExecutionHistory", history);
    if let Some(function) = &visit.function() {
        let api = &api.of_target(visit.role.as_ref(), execution);
        let probes = Probes {
            api,
            visit,
            function,
        };
        probes.of_a_holder(&mut seen, true).await;
        if !seen.is_in_vain() {
            seen.may("lambda:DeleteFunction", probes.delete_version().await);
        }
    }
    Ok(seen.end())
}
