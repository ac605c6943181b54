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
use tokio::time::Instant;

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

/// What a batch keeps back for putting `$LATEST` right, besides the time that updates take with this function.
const RESERVE: Duration = Duration::from_secs(20);
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
        self.check_memory(&current)?;
        let mut slowest = Duration::ZERO;
        for size in self.in_order(sizes) {
            // What is begun here must be over, and undone, before the deadline; one size is always tried.
            if slowest > Duration::ZERO && deadline.left() < slowest * 2 + RESERVE {
                return Ok(false);
            }
            let start = Instant::now();
            current = self.publish(current, size).await?;
            slowest = slowest.max(start.elapsed());
        }
        if sizes == [self.plan.target.memory] {
            self.cover(current).await?;
        }
        Ok(true)
    }

    /// `$LATEST` has its own size, or one that an earlier batch of ours was stopped at.
    fn check_memory(&self, current: &Configuration) -> Result<(), TuneError> {
        if current.memory == self.plan.target.memory || self.plan.may_set(current.memory) {
            return Ok(());
        }
        Err(self.changed(format!(
            "somebody gave it {} after the tuning was planned at {}",
            current.memory, self.plan.target.memory
        )))
    }

    fn changed(&self, detail: String) -> TuneError {
        TuneError::FunctionChanged {
            function: self.plan.target.function.to_string(),
            detail,
        }
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

    /// Publishes `$LATEST` at one size. Takes and gives what was last read of `$LATEST`.
    async fn publish(
        &mut self,
        current: Configuration,
        size: MemoryMb,
    ) -> Result<Configuration, TuneError> {
        let (current, published) = self.publish_at(current, size).await?;
        if published.memory != size {
            return Err(self.changed(format!(
                "it was set to {size}, and the version published then has {}",
                published.memory
            )));
        }
        tracing::info!(
            memory = size.get(),
            version = published.version,
            owner = ?self.marker.owner(&published.description),
            "published"
        );
        self.keep(Version {
            memory: size,
            number: published.version,
        });
        Ok(current)
    }

    /// While a version of the original size is the last one, a publish of the user's would return it; where it is
    /// ours, we would delete what they then hold. A throwaway behind it, deleted by its marker like the others,
    /// prevents that.
    async fn cover(&self, current: Configuration) -> Result<(), TuneError> {
        let rows = self.api.versions(&self.plan.target.function).await?;
        let number = |row: &VersionRow| row.version.number.parse::<u64>().unwrap_or_default();
        let exposed = rows
            .iter()
            .max_by_key(|row| number(row))
            .is_some_and(|last| {
                last.version.memory == self.plan.target.memory
                    && self.marker.owner(&last.description) == Owner::Us
            });
        if exposed {
            let size = self.plan.throwaway_size();
            let (_, throwaway) = self.publish_at(current, size).await?;
            tracing::info!(
                memory = size.get(),
                version = throwaway.version,
                "published a throwaway"
            );
        }
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
        if current.code_sha256 != self.plan.target.code_sha256 {
            return Err(
                self.changed("its code is not the code that the tuning was planned for".to_owned())
            );
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
