//! `$LATEST` while the lock is held: every write is checked against what was planned, and looked at afterwards.

use std::time::Duration;

use power_tuner_core::configuration::{Configuration, LastUpdate};
use power_tuner_core::function::FunctionArn;
use power_tuner_core::measurement::Version;
use power_tuner_core::plan::{Plan, listed};
use power_tuner_core::{MemoryMb, TuneError};
use tokio::time::Instant;

use crate::failure::WriteError;
use crate::lambda::LambdaApi;
use crate::lock::{ATTEMPTS, Held};
use crate::pauses::Pauses;

pub(crate) const NO_EFFECT: &str = "an update of its memory did not take effect; start the tuning again when nobody else updates it";
/// An update takes a second or two; longer only for functions in a VPC or from an image.
const LONGEST_UPDATE: Duration = Duration::from_secs(45);

/// Waits until no update of the function is in progress.
///
/// # Errors
///
/// The update failed or takes too long; else what AWS says.
pub async fn settled(api: &LambdaApi, function: &FunctionArn) -> Result<Configuration, TuneError> {
    looks_until_settled(api, function)
        .await
        .map(|(current, _)| current)
}

/// The same, with how many looks it took.
async fn looks_until_settled(
    api: &LambdaApi,
    function: &FunctionArn,
) -> Result<(Configuration, u32), TuneError> {
    let (current, looks) = looks_until_over(api, function).await?;
    match &current.last_update {
        LastUpdate::Failed(reason) => Err(failed_update(function, reason)),
        _ => Ok((current, looks)),
    }
}

/// Waits until no update is in progress, however the last one ended.
pub(crate) async fn update_over(
    api: &LambdaApi,
    function: &FunctionArn,
) -> Result<Configuration, TuneError> {
    looks_until_over(api, function)
        .await
        .map(|(current, _)| current)
}

async fn looks_until_over(
    api: &LambdaApi,
    function: &FunctionArn,
) -> Result<(Configuration, u32), TuneError> {
    let name = function.to_string();
    let (current, looks) = looks_until_idle(api, &name).await?;
    match current.last_update {
        LastUpdate::InProgress => Err(TuneError::PublishFailed {
            function: name,
            detail: format!(
                "an update has been in progress for more than {} s",
                LONGEST_UPDATE.as_secs()
            ),
        }),
        _ => Ok((current, looks)),
    }
}

/// The function as it is once no update is in progress, or as it is after waiting long enough for that.
///
/// # Errors
///
/// What AWS says, in our words.
pub async fn idle(api: &LambdaApi, function: &str) -> Result<Configuration, TuneError> {
    let (current, _) = looks_until_idle(api, function).await?;
    Ok(current)
}

async fn looks_until_idle(
    api: &LambdaApi,
    function: &str,
) -> Result<(Configuration, u32), TuneError> {
    let give_up = Instant::now() + LONGEST_UPDATE;
    let mut pauses = Pauses::new();
    let mut looks = 0;
    loop {
        looks += 1;
        let current = api.configuration(function).await?;
        if current.last_update != LastUpdate::InProgress || Instant::now() > give_up {
            return Ok((current, looks));
        }
        pauses.pause().await;
    }
}

/// What went wrong first is why the time was over.
pub(crate) fn after(first: Option<TuneError>, over: TuneError) -> TuneError {
    match first {
        Some(first) => first.followed_by(over),
        None => over,
    }
}

pub(crate) fn failed_update(function: &FunctionArn, reason: &str) -> TuneError {
    failed(function, format!("its last update failed: {reason}"))
}

pub(crate) fn failed(function: &FunctionArn, detail: impl Into<String>) -> TuneError {
    TuneError::PublishFailed {
        function: function.to_string(),
        detail: detail.into(),
    }
}

/// `$LATEST`, in the hands of whoever holds the lock.
pub struct Latest<'a, 'h> {
    pub held: &'a mut Held<'h>,
    plan: &'a Plan,
    /// As it was read last: after everything that was written.
    current: Configuration,
}

impl<'a, 'h> Latest<'a, 'h> {
    /// # Errors
    ///
    /// [`TuneError::FunctionChanged`] where it is not as it was planned, with one of these memory sizes; else what AWS
    /// says.
    pub async fn open(
        held: &'a mut Held<'h>,
        plan: &'a Plan,
        sizes: &[MemoryMb],
    ) -> Result<Self, TuneError> {
        let (current, looks) = looks_until_settled(held.hand.api, held.hand.function).await?;
        held.has_seen(&current, looks);
        check(plan, &current, sizes)?;
        Ok(Self {
            held,
            plan,
            current,
        })
    }

    /// Gives it a memory size and waits until it has it.
    ///
    /// # Errors
    ///
    /// [`TuneError::FunctionChanged`], an update that failed, or what AWS says.
    pub async fn set_memory(&mut self, memory: MemoryMb) -> Result<(), TuneError> {
        let before = self.current.memory;
        let mut first = None;
        let mut pauses = Pauses::new();
        for _ in 0..ATTEMPTS {
            if self.current.memory == memory {
                self.held.is_settled();
                return Ok(());
            }
            let updated = self
                .held
                .update_memory(memory, &self.current.revision_id)
                .await;
            match updated {
                Ok(()) => {}
                // Nothing that was tried before it can have taken effect.
                Err(WriteError::Refused(refused @ TuneError::MemoryRefused { .. })) => {
                    return Err(refused);
                }
                Err(WriteError::Refused(error)) => return Err(after(first, error)),
                Err(WriteError::Unclear(error)) => {
                    first.get_or_insert(error);
                    pauses.pause().await;
                }
            }
            // If it has what was written, and nothing else is different, then it was us, whatever the answer was.
            self.look(&[memory, before]).await?;
        }
        if self.current.memory == memory {
            return Ok(());
        }
        let function = self.held.hand.function;
        Err(first.unwrap_or_else(|| failed(function, NO_EFFECT)))
    }

    /// Publishes it as it is, with another description. Gives the new version, or the last one where nothing changed since.
    ///
    /// # Errors
    ///
    /// [`TuneError::FunctionChanged`], or what AWS says.
    pub async fn publish(&mut self, description: &str) -> Result<Configuration, TuneError> {
        let function = self.held.hand.function;
        let memory = self.current.memory;
        let mut first = None;
        let mut pauses = Pauses::new();
        for _ in 0..ATTEMPTS {
            let longest = self.held.hand.time_to_change();
            let longest = longest.map_err(|over| after(first.take(), over))?;
            self.held.is_about_to_publish();
            let published = self.held.hand.api.publish(
                function,
                description,
                &self.current.revision_id,
                &self.plan.target.code_sha256,
                longest,
            );
            match published.await {
                Ok(version) => {
                    self.check_version(&version)?;
                    // Publishing changes the revision.
                    self.look(&[memory]).await?;
                    return Ok(version);
                }
                Err(WriteError::Refused(error)) => return Err(error),
                // A version that was made all the same is what the next try gets.
                Err(WriteError::Unclear(error)) => _ = first.get_or_insert(error),
            }
            pauses.pause().await;
            self.look(&[memory]).await?;
        }
        Err(first.unwrap_or_else(|| {
            failed(
                function,
                "it could not be published; start the tuning again",
            )
        }))
    }

    /// Makes an alias point at a version of it, whether there is one of that name or not.
    ///
    /// # Errors
    ///
    /// [`TuneError::FunctionChanged`] where the alias points at other code or settings by now, or what AWS says.
    pub async fn point(&mut self, name: &str, version: &Version) -> Result<(), TuneError> {
        self.held.point(self.plan, name, version).await
    }

    /// Reads it again, and compares it with what was planned: it may have one of these sizes, and no other setting may
    /// differ.
    async fn look(&mut self, sizes: &[MemoryMb]) -> Result<(), TuneError> {
        let (now, looks) = looks_until_settled(self.held.hand.api, self.held.hand.function).await?;
        self.held.has_seen(&now, looks);
        check(self.plan, &now, sizes)?;
        self.current = now;
        Ok(())
    }

    /// A version is a copy of `$LATEST`, with a description of its own.
    fn check_version(&self, version: &Configuration) -> Result<(), TuneError> {
        let planned = &self.plan.target.settings;
        let settings = planned.differences_from_version(&version.settings);
        compare(self.plan, version.memory, &[self.current.memory], &settings)
    }
}

/// It must have one of these sizes, and all other settings as planned.
fn check(plan: &Plan, now: &Configuration, sizes: &[MemoryMb]) -> Result<(), TuneError> {
    let settings = plan.target.settings.differences(&now.settings);
    compare(plan, now.memory, sizes, &settings)
}

fn compare(
    plan: &Plan,
    memory: MemoryMb,
    sizes: &[MemoryMb],
    settings: &[&str],
) -> Result<(), TuneError> {
    let mut differences = Vec::new();
    if let (false, [expected, ..]) = (sizes.contains(&memory), sizes) {
        differences.push(format!("it has {memory} instead of {expected}"));
    }
    if !settings.is_empty() {
        differences.push(format!(
            "it differs from what was planned in {}",
            listed(settings)
        ));
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(changed(plan, differences.join(", and ")))
}

/// Somebody else changed the function.
#[must_use]
pub fn changed(plan: &Plan, detail: String) -> TuneError {
    TuneError::FunctionChanged {
        function: plan.target.function.to_string(),
        detail,
    }
}
