//! What measuring would meet.

use power_tuner_aws::{LambdaApi, Probes};
use power_tuner_core::TuneError;
use power_tuner_core::doctor::{Call, Examination, Examined};

/// Says whether this step may call the function under its own role, without calling it.
///
/// # Errors
///
/// Faults of the input.
pub async fn examine(api: &LambdaApi, call: Call) -> Result<Examined, TuneError> {
    let visit = &call.visit()?;
    let mut seen = Examination::by("executor");
    if let Some(function) = &visit.function() {
        let api = &api.of_target(visit.role.as_ref(), &visit.execution);
        let probes = Probes {
            api,
            visit,
            function,
        };
        seen.may("lambda:InvokeFunction", probes.invoke().await);
    }
    Ok(seen.end())
}
