//! Published versions: waiting until they can be called, and deleting them.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use power_tuner_core::TuneError;
use power_tuner_core::configuration::State;
use power_tuner_core::error::shortened;
use power_tuner_core::function::FunctionArn;
use power_tuner_core::measurement::Version;
use power_tuner_core::tuning::FailedVersion;
use power_tuner_runtime::Deadline;
use tokio::time::Instant;

use crate::failure::WriteError;
use crate::lambda::{Deletion, LambdaApi};
use crate::pauses::Pauses;

/// What became of versions that were to be deleted.
#[derive(Debug, Default)]
pub struct Deleted {
    pub deleted: Vec<Version>,
    /// Left in place because an alias points at them: somebody uses them.
    pub adopted: Vec<Version>,
}

/// What is known of versions that were published.
#[derive(Debug, Default)]
pub struct Ready {
    /// None is pending any more.
    pub all: bool,
    /// Those that will never work.
    pub failed: Vec<FailedVersion>,
}

/// Reasons of all sizes travel together.
const LONGEST_REASON: usize = 200;
/// All of the control plane takes 15 requests a second, for everybody in the account.
const DELETIONS_AT_ONCE: usize = 3;
/// What a deletion that has to be repeated leaves for telling what became of it.
const LAST_WORD: Duration = Duration::from_secs(5);

/// Waits until none of the versions is pending, for so long at the most. One that failed is not waited for.
///
/// # Errors
///
/// A version is gone, or what else AWS says.
pub async fn ready(
    api: &LambdaApi,
    function: &FunctionArn,
    versions: impl Iterator<Item = &Version>,
    patience: Duration,
) -> Result<Ready, TuneError> {
    let give_up = Instant::now() + patience;
    let mut ready = Ready::default();
    for version in versions {
        let name = format!("{function}:{}", version.number);
        let mut pauses = Pauses::new();
        loop {
            match api.configuration(&name).await?.state {
                State::Active | State::Inactive => break,
                State::Failed(reason) => {
                    ready.failed.push(FailedVersion {
                        version: version.clone(),
                        cause: format!(
                            "AWS could not make its version work: {}",
                            shortened(&reason, LONGEST_REASON)
                        ),
                    });
                    break;
                }
                State::Pending if Instant::now() > give_up => return Ok(ready),
                State::Pending => pauses.pause().await,
            }
        }
    }
    ready.all = true;
    Ok(ready)
}

/// Deletes versions, a few at a time. All are tried; then the first error is given.
///
/// # Errors
///
/// One could not be deleted.
pub async fn delete(
    api: &LambdaApi,
    function: &FunctionArn,
    versions: Vec<Version>,
    deadline: Deadline,
) -> Result<Deleted, TuneError> {
    let results: Vec<_> = stream::iter(versions)
        .map(async |version| {
            let deletion = delete_one(api, function, &version, deadline).await;
            tracing::info!(
                memory = version.memory.get(),
                version = version.number,
                outcome = ?deletion,
                "deletion"
            );
            (version, deletion)
        })
        // In their order, so that the same fault gives the same error each time.
        .buffered(DELETIONS_AT_ONCE)
        .collect()
        .await;
    let mut all = Deleted::default();
    for (version, deletion) in results {
        match deletion? {
            Deletion::Deleted | Deletion::Gone => all.deleted.push(version),
            Deletion::Adopted => all.adopted.push(version),
        }
    }
    Ok(all)
}

/// A conflict passes: a version may still be pending, with `SnapStart` for minutes.
async fn delete_one(
    api: &LambdaApi,
    function: &FunctionArn,
    version: &Version,
    deadline: Deadline,
) -> Result<Deletion, TuneError> {
    let mut first = None;
    let mut pauses = Pauses::new();
    loop {
        let longest = deadline.left().saturating_sub(LAST_WORD);
        match api.delete_version(function, version, longest).await {
            Ok(deletion) => return Ok(deletion),
            Err(WriteError::Refused(error)) => return Err(error),
            Err(WriteError::Unclear(error)) => _ = first.get_or_insert(error),
        }
        match first {
            Some(error) if deadline.left() < LAST_WORD => return Err(error),
            _ => pauses.pause().await,
        }
    }
}
