//! What applying the best size would meet.

use power_tuner_aws::{Holder, LambdaApi, StepFunctionsApi};
use power_tuner_core::TuneError;
use power_tuner_core::doctor::{Call, Examination, Examined};

const HOLDER: Holder = Holder {
    publishes: true,
    deletes: true,
};

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
    let visit = call.visit()?;
    let target = api.of_target(visit.role.as_ref(), &visit.execution);
    let mut seen = Examination::by("optimizer");
    HOLDER.look(&target, executions, &visit, &mut seen).await;
    Ok(seen.end())
}
