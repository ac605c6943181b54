//! Decides what the measurements mean. It calls nothing and nobody: all of it is the domain's.

use power_tuner_core::TuneError;
use power_tuner_core::outcome::Conclusion;
use power_tuner_core::tuning::Tuning;
use power_tuner_runtime::Step;

/// The tuning with its outcome.
///
/// # Errors
///
/// There is nothing to choose from.
pub fn handle(input: Step) -> Result<Tuning, TuneError> {
    let tuning = input.tuning.decide()?;
    match &tuning.outcome {
        Some(Conclusion::Chosen(outcome)) => {
            tracing::info!(
                power = outcome.power.get(),
                reason = outcome.reason,
                "decided"
            );
        }
        Some(Conclusion::Tried(_)) => tracing::info!("it was a dry run, so nothing is chosen"),
        None => {
            let missing = tuning.round.sizes.len();
            tracing::info!(round = tuning.round.number, missing, "another round");
        }
    }
    Ok(tuning)
}
