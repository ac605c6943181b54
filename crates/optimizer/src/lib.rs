//! Applies the outcome to the function, if the input asks for that.

use power_tuner_aws::{LambdaApi, latest};
use power_tuner_core::TuneError;
use power_tuner_core::outcome::{Optimization, Outcome};
use power_tuner_core::tuning::Tuning;
use power_tuner_runtime::Step;

/// The outcome, which is the execution's output.
///
/// # Errors
///
/// The function was changed since it was planned, or cannot be updated.
pub async fn handle(api: &LambdaApi, input: Step) -> Result<Outcome, TuneError> {
    let Tuning {
        plan,
        outcome,
        cleaned,
        ..
    } = input.tuning;
    let mut outcome = outcome.ok_or_else(|| {
        TuneError::NoMeasurements("the analyzer ended without an outcome".to_owned())
    })?;
    outcome.kept_versions = cleaned.map(|cleaned| cleaned.adopted).unwrap_or_default();
    if !plan.request.auto_optimize {
        return Ok(outcome);
    }
    let target = plan.target;
    let current = latest::settled(api, &target.function).await?;
    // A run of ours may have applied it and died before it could tell; then it is there already.
    let expected = [target.memory, outcome.power];
    if !expected.contains(&current.memory) || current.code_sha256 != target.code_sha256 {
        return Err(TuneError::FunctionChanged {
            function: target.function.to_string(),
            detail: format!(
                "it was not given the best size, {}, because its code or its memory is no longer what was measured",
                outcome.power
            ),
        });
    }
    if current.memory != outcome.power {
        latest::set_memory(api, &current, outcome.power).await?;
        tracing::info!(from = %current.memory, to = %outcome.power, "applied");
    }
    Ok(Outcome {
        optimization: Some(Optimization {
            from: target.memory,
            to: outcome.power,
            changed: target.memory != outcome.power,
        }),
        ..outcome
    })
}
