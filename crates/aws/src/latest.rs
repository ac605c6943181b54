//! `$LATEST`: changing its memory, and putting it back. Publisher, optimizer and cleaner share this.

use std::time::Duration;

use power_tuner_core::function::FunctionArn;
use power_tuner_core::plan::{Configuration, LastUpdate, Plan};
use power_tuner_core::{MemoryMb, TuneError};
use tokio::time::Instant;

use crate::lambda::LambdaApi;
use crate::pauses::Pauses;

/// An update takes a second or two; longer only for functions in a VPC or from an image.
const LONGEST_UPDATE: Duration = Duration::from_mins(1);

/// Waits until no update of the function is in progress.
///
/// # Errors
///
/// The update failed or takes too long; else what AWS says.
pub async fn settled(api: &LambdaApi, function: &FunctionArn) -> Result<Configuration, TuneError> {
    let current = update_over(api, function).await?;
    match &current.last_update {
        LastUpdate::Failed(reason) => Err(TuneError::PublishFailed {
            function: function.to_string(),
            detail: format!("its last update failed: {reason}"),
        }),
        _ => Ok(current),
    }
}

/// Waits until no update is in progress, however the last one ended.
async fn update_over(api: &LambdaApi, function: &FunctionArn) -> Result<Configuration, TuneError> {
    let give_up = Instant::now() + LONGEST_UPDATE;
    let name = function.to_string();
    let mut pauses = Pauses::new();
    loop {
        let current = api.configuration(&name).await?;
        if current.last_update != LastUpdate::InProgress {
            return Ok(current);
        }
        if Instant::now() > give_up {
            return Err(TuneError::PublishFailed {
                function: name,
                detail: format!(
                    "an update has been in progress for more than {} s",
                    LONGEST_UPDATE.as_secs()
                ),
            });
        }
        pauses.pause().await;
    }
}

/// Gives `$LATEST` a memory size and waits until it has it. `current` is what was read last; where the function has
/// changed since, nothing is written.
///
/// # Errors
///
/// [`TuneError::FunctionChanged`], a failed update, or what AWS says.
pub async fn set_memory(
    api: &LambdaApi,
    current: &Configuration,
    memory: MemoryMb,
) -> Result<Configuration, TuneError> {
    let function = &current.function;
    api.update_memory(function, memory, &current.revision_id)
        .await?;
    let settled = settled(api, function).await?;
    if settled.memory != memory {
        return Err(TuneError::FunctionChanged {
            function: function.to_string(),
            detail: format!("it was set to {memory} and has {}", settled.memory),
        });
    }
    Ok(settled)
}

/// Gives `$LATEST` its own memory size again, unless it has it, or has one that no tuning of ours set: then somebody
/// else changed it, and it is theirs.
///
/// # Errors
///
/// As [`set_memory`].
pub async fn put_back(api: &LambdaApi, plan: &Plan) -> Result<(), TuneError> {
    let target = &plan.target;
    // After an update of ours that failed another one is the remedy, so a failure is no reason not to try.
    let current = update_over(api, &target.function).await?;
    if current.memory != target.memory && plan.may_set(current.memory) {
        tracing::info!(from = %current.memory, to = %target.memory, "putting the memory size back");
        set_memory(api, &current, target.memory).await?;
    }
    Ok(())
}
