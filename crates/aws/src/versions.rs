//! Published versions: waiting until they can be called.

use std::time::Duration;

use power_tuner_core::TuneError;
use power_tuner_core::function::FunctionArn;
use power_tuner_core::measurement::Version;
use power_tuner_core::plan::State;
use tokio::time::Instant;

use crate::lambda::LambdaApi;
use crate::pauses::Pauses;

/// Waits until none of the versions is pending, for so long at the most. False where that was too short.
///
/// # Errors
///
/// A version failed, which is for good; else what AWS says.
pub async fn active(
    api: &LambdaApi,
    function: &FunctionArn,
    versions: &[Version],
    patience: Duration,
) -> Result<bool, TuneError> {
    let give_up = Instant::now() + patience;
    for version in versions {
        let name = format!("{function}:{}", version.number);
        let mut pauses = Pauses::new();
        loop {
            match api.configuration(&name).await?.state {
                State::Active | State::Inactive => break,
                State::Failed(reason) => {
                    return Err(TuneError::PublishFailed {
                        function: name,
                        detail: format!("the version of {} failed: {reason}", version.memory),
                    });
                }
                State::Pending if Instant::now() > give_up => return Ok(false),
                State::Pending => pauses.pause().await,
            }
        }
    }
    Ok(true)
}
