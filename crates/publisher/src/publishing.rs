//! The versions of a round, in an order in which nobody's next publish returns one of ours.

use std::time::Duration;

use power_tuner_aws::VersionRow;
use power_tuner_aws::latest::{Latest, changed};
use power_tuner_aws::lock::Held;
use power_tuner_core::configuration::{Configuration, State};
use power_tuner_core::marker::{Marker, Owner};
use power_tuner_core::measurement::Version;
use power_tuner_core::plan::Plan;
use power_tuner_core::tuning::{FailedVersion, Published, Round};
use power_tuner_core::{MemoryMb, TuneError};
use tokio::time::Instant;

/// What a batch keeps back for putting `$LATEST` right, besides the time that updates take with this function.
const RESERVE: Duration = Duration::from_secs(30);

pub(crate) struct Publishing<'a> {
    plan: &'a Plan,
    marker: Marker<'a>,
    /// The version that a publish without a change would return is one of ours, at the function's own size.
    exposed: bool,
    /// Those that AWS said to be ready when it published them: most are, and nobody need ask again.
    ready: Vec<Version>,
}

impl<'a> Publishing<'a> {
    pub fn new(plan: &'a Plan, marker: Marker<'a>) -> Self {
        Self {
            plan,
            marker,
            exposed: false,
            ready: Vec::new(),
        }
    }

    /// Publishes what is missing of the round, until the deadline is near. Gives what is ready already.
    pub async fn run(
        mut self,
        held: &mut Held<'_>,
        round: &Round,
        published: &mut Published,
    ) -> Result<Vec<Version>, TuneError> {
        let hand = held.hand;
        let rows = hand.api.versions(hand.function).await?;
        self.know(&rows, round, published)?;
        let mut latest = Latest::open(held, self.plan, &[self.plan.target.memory]).await?;
        let mut slowest = Duration::ZERO;
        for size in self.in_order(round, published) {
            // What is begun here must be over, and undone, before the deadline; one size is always tried.
            if slowest > Duration::ZERO && hand.deadline.left() < slowest * 2 + RESERVE {
                break;
            }
            let start = Instant::now();
            let tried = match published.largest {
                Some(largest) if size > largest => Err(beyond(size, largest)),
                _ => self.version_of(&mut latest, size).await,
            };
            match tried {
                Ok(version) => published.versions.push(version),
                Err(refused @ TuneError::MemoryRefused { largest, .. }) => {
                    tracing::warn!(memory = size.get(), "{refused}");
                    published.largest = largest.or(published.largest);
                    published.failed.push(FailedVersion {
                        version: Version {
                            memory: size,
                            number: String::new(),
                        },
                        cause: refused.to_string(),
                    });
                }
                Err(error) => return Err(error),
            }
            slowest = slowest.max(start.elapsed());
        }
        if self.exposed {
            self.throw_away(&mut latest, self.plan.throwaway_size())
                .await?;
        }
        Ok(self.ready)
    }

    /// What there is already: of an earlier batch, or of one that died before it could tell. A throwaway is ours too,
    /// and nothing to measure.
    fn know(
        &mut self,
        rows: &[VersionRow],
        round: &Round,
        published: &mut Published,
    ) -> Result<(), TuneError> {
        let is_there = |version: &Version| rows.iter().any(|row| row.version == *version);
        if let Some(gone_version) = published.versions.iter().find(|version| !is_there(version)) {
            return Err(gone(self.plan, &gone_version.number));
        }
        let ours = |row: &VersionRow| self.marker.owner(&row.description) == Owner::Us;
        for row in rows
            .iter()
            .filter(|row| self.marker.is_on(&row.description))
        {
            let size = row.version.memory;
            let is_wanted = round.sizes.iter().any(|wanted| wanted.memory == size);
            if is_wanted && published.is_missing(size) {
                published.versions.push(row.version.clone());
            }
        }
        self.exposed = rows
            .iter()
            .max_by_key(|row| row.version.number.parse::<u64>().unwrap_or_default())
            .is_some_and(|last| ours(last) && last.version.memory == self.plan.target.memory);
        Ok(())
    }

    /// The sizes that are missing: the original first and never last, so that nobody's next publish returns a version
    /// of ours.
    fn in_order(&self, round: &Round, published: &Published) -> Vec<MemoryMb> {
        let mut missing: Vec<MemoryMb> = round
            .sizes
            .iter()
            .map(|size| size.memory)
            .filter(|size| published.is_missing(*size))
            .collect();
        missing.sort_by_key(|size| (*size != self.plan.target.memory, *size));
        missing
    }

    /// A version of one size that may be measured: a new one, or the user's.
    async fn version_of(
        &mut self,
        latest: &mut Latest<'_, '_>,
        size: MemoryMb,
    ) -> Result<Version, TuneError> {
        let mut version = self.publish_at(latest, size).await?;
        if self.must_not_be_used(&version) {
            // With another size in between, the next publish makes a new version.
            let other = [self.plan.throwaway_size(), self.plan.target.memory];
            let other = other.into_iter().find(|other| *other != size);
            self.throw_away(latest, other.unwrap_or_else(|| size.neighbour()))
                .await?;
            version = self.publish_at(latest, size).await?;
        }
        tracing::info!(
            memory = size.get(),
            version = version.version,
            owner = ?self.marker.owner(&version.description),
            "published"
        );
        let is_ready = version.state == State::Active;
        let version = Version {
            memory: size,
            number: version.version,
        };
        if is_ready {
            self.ready.push(version.clone());
        }
        Ok(version)
    }

    /// Another run deletes its versions when it likes; and of the user's, an idle one refuses its first call, and one
    /// that failed all of them. A version that somebody may have called has no cold starts left to give.
    fn must_not_be_used(&self, version: &Configuration) -> bool {
        if self.plan.request.is_cold() {
            return !self.marker.is_on(&version.description);
        }
        match self.marker.owner(&version.description) {
            Owner::Us => false,
            Owner::AnotherRun(_) => true,
            Owner::User => matches!(version.state, State::Inactive | State::Failed(_)),
        }
    }

    /// Publishes a version that nobody measures; its marker has it deleted like the others.
    async fn throw_away(
        &mut self,
        latest: &mut Latest<'_, '_>,
        size: MemoryMb,
    ) -> Result<(), TuneError> {
        let throwaway = self.publish_at(latest, size).await?;
        tracing::info!(
            memory = size.get(),
            version = throwaway.version,
            "published a throwaway"
        );
        Ok(())
    }

    async fn publish_at(
        &mut self,
        latest: &mut Latest<'_, '_>,
        size: MemoryMb,
    ) -> Result<Configuration, TuneError> {
        latest.set_memory(size).await?;
        let version = latest.publish(&self.marker.to_string()).await?;
        self.exposed = size == self.plan.target.memory
            && self.marker.owner(&version.description) != Owner::User;
        Ok(version)
    }
}

/// What AWS would say, and has said of another size.
fn beyond(memory: MemoryMb, largest: MemoryMb) -> TuneError {
    TuneError::MemoryRefused {
        memory,
        largest: Some(largest),
        detail: format!("the largest is {largest}"),
    }
}

/// An earlier batch published a version that is not there any more.
pub(crate) fn gone(plan: &Plan, version: &str) -> TuneError {
    changed(
        plan,
        format!(
            "version {version}, which this tuning had published, is gone; a tuning that was stopped and cleaned up cannot \
             go on"
        ),
    )
}
