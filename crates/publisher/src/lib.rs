//! Publishes one version of the target for each memory size, and puts `$LATEST` back before it returns.
//!
//! A run of the publisher is a batch: what it cannot publish before its deadline, the next one does.

use std::time::Duration;

use power_tuner_aws::{LambdaApi, VersionRow, latest, versions};
use power_tuner_core::marker::{Marker, Owner};
use power_tuner_core::measurement::Version;
use power_tuner_core::plan::{Configuration, Plan, Target};
use power_tuner_core::tuning::{Published, Round};
use power_tuner_core::{MemoryMb, TuneError};
use power_tuner_runtime::{Deadline, InLogs};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct Input {
    execution: String,
    plan: Plan,
    round: Round,
    published: Published,
}

impl InLogs for Input {
    fn execution(&self) -> &str {
        &self.execution
    }
}

/// What a batch keeps back for putting `$LATEST` right.
const RESERVE: Duration = Duration::from_secs(70);
/// What it keeps back for telling how far it came.
const LAST_WORD: Duration = Duration::from_secs(5);

/// Publishes what is missing of the round, as far as the deadline allows.
///
/// # Errors
///
/// A version cannot be published, or `$LATEST` cannot be put back.
pub async fn handle(
    api: &LambdaApi,
    input: Input,
    deadline: Deadline,
) -> Result<Published, TuneError> {
    let Input {
        execution,
        plan,
        round,
        published,
    } = input;
    let marker = Marker::of(&execution);
    let target = &plan.target;
    let known = [
        published.versions,
        ours(api.versions(&target.function).await?, marker),
    ];
    let mut publishing = Publishing {
        api,
        plan: &plan,
        marker,
        versions: Vec::new(),
    };
    // A throwaway of an earlier batch is ours too, and nothing to measure.
    let wanted = |version: &Version| round.sizes.contains(&version.memory);
    for version in known.concat().into_iter().filter(wanted) {
        publishing.keep(version);
    }
    let tried = publishing.publish_all(&round.sizes, deadline).await;
    // Whatever happened: nobody but a running publisher may leave `$LATEST` changed.
    let back = latest::put_back(api, &plan).await;
    let complete = both(tried, back, target)?;
    let versions = publishing.versions;
    // A version that is still pending cannot be called.
    let patience = deadline.left().saturating_sub(LAST_WORD);
    let done = complete && versions::active(api, &target.function, &versions, patience).await?;
    Ok(Published {
        done,
        batches: published.batches + 1,
        versions,
    })
}

/// What an earlier batch published and died before it could tell of.
fn ours(rows: Vec<VersionRow>, marker: Marker<'_>) -> Vec<Version> {
    rows.into_iter()
        .filter(|row| marker.owner(&row.description) == Owner::Us)
        .map(|row| row.version)
        .collect()
}

/// The first error stands; a failure to put the function back must not get lost behind it.
fn both(
    tried: Result<bool, TuneError>,
    back: Result<(), TuneError>,
    target: &Target,
) -> Result<bool, TuneError> {
    match (tried, back) {
        (Ok(complete), Ok(())) => Ok(complete),
        (Err(error), Ok(())) | (Ok(_), Err(error)) => Err(error),
        (Err(error), Err(back)) => Err(TuneError::PublishFailed {
            function: target.function.to_string(),
            detail: format!(
                "{error}; after that it could not be put back to {}: {back}",
                target.memory
            ),
        }),
    }
}

struct Publishing<'a> {
    api: &'a LambdaApi,
    plan: &'a Plan,
    marker: Marker<'a>,
    versions: Vec<Version>,
}

impl Publishing<'_> {
    /// False where the deadline came first.
    async fn publish_all(
        &mut self,
        sizes: &[MemoryMb],
        deadline: Deadline,
    ) -> Result<bool, TuneError> {
        let mut current = latest::settled(self.api, &self.plan.target.function).await?;
        let missing = self.in_order(sizes);
        let mut owner = Owner::User;
        for size in &missing {
            if deadline.left() < RESERVE {
                return Ok(false);
            }
            (current, owner) = self.publish(current, *size).await?;
        }
        if missing == [self.plan.target.memory] && owner == Owner::Us {
            self.cover(current).await?;
        }
        Ok(true)
    }

    /// The sizes that are missing: the original first and never last, so that nobody's next publish returns a version
    /// of ours.
    fn in_order(&self, sizes: &[MemoryMb]) -> Vec<MemoryMb> {
        let mut missing: Vec<MemoryMb> = sizes
            .iter()
            .copied()
            .filter(|size| self.versions.iter().all(|known| known.memory != *size))
            .collect();
        missing.sort_by_key(|size| (*size != self.plan.target.memory, *size));
        missing
    }

    /// Publishes `$LATEST` at one size. Takes and gives what was last read of `$LATEST`; says whose version it is.
    async fn publish(
        &mut self,
        current: Configuration,
        size: MemoryMb,
    ) -> Result<(Configuration, Owner), TuneError> {
        let (current, published) = self.publish_at(current, size).await?;
        if published.memory != size {
            return Err(TuneError::FunctionChanged {
                function: self.plan.target.function.to_string(),
                detail: format!(
                    "it was set to {size}, and the version published then has {}",
                    published.memory
                ),
            });
        }
        let owner = self.marker.owner(&published.description);
        tracing::info!(
            memory = size.get(),
            version = published.version,
            ?owner,
            "published"
        );
        self.keep(Version {
            memory: size,
            number: published.version,
        });
        Ok((current, owner))
    }

    /// While a version of the original size is the last one, a publish of the user's would return it; where it is
    /// ours, we would delete what they then hold. A throwaway behind it, deleted by its marker like the others,
    /// prevents that.
    async fn cover(&self, current: Configuration) -> Result<(), TuneError> {
        let (_, throwaway) = self.publish_at(current, self.plan.throwaway_size()).await?;
        tracing::info!(
            memory = throwaway.memory.get(),
            version = throwaway.version,
            "published a throwaway"
        );
        Ok(())
    }

    async fn publish_at(
        &self,
        mut current: Configuration,
        size: MemoryMb,
    ) -> Result<(Configuration, Configuration), TuneError> {
        if current.memory != size {
            current = latest::set_memory(self.api, &current, size).await?;
        }
        let published = self
            .api
            .publish(
                &self.plan.target.function,
                &self.marker.to_string(),
                &current.revision_id,
                &self.plan.target.code_sha256,
            )
            .await?;
        // Publishing changes the revision of `$LATEST`.
        let current = latest::settled(self.api, &self.plan.target.function).await?;
        Ok((current, published))
    }

    fn keep(&mut self, version: Version) {
        if self
            .versions
            .iter()
            .all(|known| known.memory != version.memory)
        {
            self.versions.push(version);
        }
    }
}
