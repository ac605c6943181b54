//! The lock on `$LATEST`: getting it, taking it over, and putting `$LATEST` back through it.
//!
//! Whoever changes `$LATEST` holds the lock, and whoever puts `$LATEST` back does so through the lock: publisher,
//! optimizer and cleaner share this, and there is no other way.

use std::time::Duration;

use power_tuner_core::configuration::LastUpdate;
use power_tuner_core::function::FunctionArn;
use power_tuner_core::lock::{self, ALIAS, Execution, Note, Verdict};
use power_tuner_core::plan::Plan;
use power_tuner_core::{MemoryMb, TuneError};
use power_tuner_runtime::Deadline;
use tokio::time::Instant;

use crate::failure::WriteError;
use crate::lambda::LambdaApi;
use crate::latest;
use crate::pauses::Pauses;
use crate::stepfunctions::StepFunctionsApi;

/// Who wants to change a function, and until when.
#[derive(Clone, Copy)]
pub struct Hand<'a> {
    pub api: &'a LambdaApi,
    pub executions: &'a StepFunctionsApi,
    pub function: &'a FunctionArn,
    pub deadline: Deadline,
}

/// The lock, held: until it is released, or until the deadline of its hand.
pub struct Held<'a> {
    pub hand: Hand<'a>,
    note: Note,
    revision: String,
}

/// A lock that was left, now held, and the plan of the execution that left it, as far as that is still known.
struct TakenOver<'a> {
    held: Held<'a>,
    left_by: Option<Plan>,
}

/// Somebody else's lock, and why it was not taken over.
#[derive(Debug)]
pub struct Blocked {
    pub note: Note,
    pub verdict: Verdict,
}

/// What came of trying to get a lock.
pub enum Try<T> {
    Got(T),
    Blocked(Blocked),
}

/// What is written, and not clearly so, is looked at and tried again: so often in all.
pub(crate) const ATTEMPTS: u32 = 4;
/// So long before the deadline the last write is sent at the latest.
const LAST_WRITE: Duration = Duration::from_secs(3);
impl<'a> Hand<'a> {
    /// Gets the lock for an execution, on a function that has `memory` before. Another holder is waited for, so long at
    /// the most; where one is gone, `$LATEST` is put back for it first.
    ///
    /// # Errors
    ///
    /// The execution is over, somebody has an alias of that name, `$LATEST` cannot be put back, or what AWS says.
    pub async fn lock(
        self,
        execution: &str,
        memory: MemoryMb,
        patience: Duration,
    ) -> Result<Try<Held<'a>>, TuneError> {
        let note = Note {
            memory,
            until_ms: self.deadline.unix_ms(),
            execution: execution.to_owned(),
        };
        let give_up = Instant::now() + patience;
        let mut pauses = Pauses::new();
        let held = loop {
            let refused = match self.create(&note).await? {
                Ok(held) => break held,
                Err(refused) => refused,
            };
            match self.take_over(execution).await? {
                Some(Try::Got(left)) => {
                    let held = left.put_back().await?;
                    // The journal says the same from now on, in this execution's name.
                    if let Some(held) = self.rewrite(&note, &held.revision).await? {
                        break held;
                    }
                }
                Some(Try::Blocked(blocked)) if Instant::now() > give_up => {
                    return Ok(Try::Blocked(blocked));
                }
                // Gone in between; or it cannot be made, though nobody has it.
                None if Instant::now() > give_up => return Err(refused),
                Some(Try::Blocked(_)) | None => {}
            }
            pauses.pause().await;
        };
        // Whoever stopped the execution before there was a lock has cleaned up by now, or will find the lock.
        if self.executions.status(execution).await? != Execution::Over {
            return Ok(Try::Got(held));
        }
        held.release().await?;
        Err(TuneError::PublishFailed {
            function: self.function.to_string(),
            detail: "its tuning was stopped, so nothing more was changed".to_owned(),
        })
    }

    /// For the clean-up after an execution: waits for its lock as long as the holder may write, and puts `$LATEST`
    /// back. Any other lock is left alone.
    ///
    /// # Errors
    ///
    /// `$LATEST` cannot be put back, the holder may still write when `patience` is over, or what AWS says.
    pub async fn put_back_after(
        self,
        execution: &str,
        patience: Duration,
    ) -> Result<(), TuneError> {
        let give_up = Instant::now() + patience;
        let mut pauses = Pauses::new();
        loop {
            let seen = self.api.alias(self.function, ALIAS).await?;
            let note = seen.and_then(|alias| Note::read(&alias.description));
            if note.is_none_or(|note| note.execution != execution) {
                return Ok(());
            }
            match self.take_over(execution).await? {
                None => return Ok(()),
                Some(Try::Got(left)) => return left.put_back().await?.release().await,
                Some(Try::Blocked(blocked)) if Instant::now() > give_up => {
                    return Err(blocked.error(self.function, patience));
                }
                Some(Try::Blocked(_)) => pauses.pause().await,
            }
        }
    }

    /// For a clean-up by hand: puts `$LATEST` back for whichever execution left it, if that is over. Gives the lock that
    /// was left alone, if any.
    ///
    /// # Errors
    ///
    /// `$LATEST` cannot be put back, somebody has an alias of that name, or what AWS says.
    pub async fn put_back_after_any(self) -> Result<Option<Blocked>, TuneError> {
        match self.take_over("").await? {
            None => Ok(None),
            Some(Try::Blocked(blocked)) => Ok(Some(blocked)),
            Some(Try::Got(left)) => left.put_back().await?.release().await.map(|()| None),
        }
    }

    /// Takes the lock over on behalf of `asking`, an execution, if that is allowed; `None` where there is no lock.
    async fn take_over(self, asking: &str) -> Result<Option<Try<TakenOver<'a>>>, TuneError> {
        let Some(seen) = self.api.alias(self.function, ALIAS).await? else {
            return Ok(None);
        };
        let note = read(self.function, &seen.description)?;
        let now_ms = self.deadline.now_unix_ms();
        // About a lock that is in its time nobody need be asked.
        let holder = if note.is_live(now_ms) || note.execution == asking {
            Execution::Running
        } else {
            self.executions.status(&note.execution).await?
        };
        let verdict = note.judge(asking, now_ms, holder);
        if verdict != Verdict::TakeOver {
            return Ok(Some(Try::Blocked(Blocked { note, verdict })));
        }
        let left_by = self.executions.plan(&note.execution).await?;
        // In the name of who left it, until `$LATEST` is back: the sizes that were set are that plan's.
        let renewed = Note {
            until_ms: self.deadline.unix_ms(),
            ..note.clone()
        };
        let Some(held) = self.rewrite(&renewed, &seen.revision_id).await? else {
            let verdict = Verdict::Wait;
            return Ok(Some(Try::Blocked(Blocked { note, verdict })));
        };
        tracing::warn!(
            left_by = note.execution,
            memory = note.memory.get(),
            "took a lock over"
        );
        Ok(Some(Try::Got(TakenOver { held, left_by })))
    }

    /// The lock with this note, or why there is none: most often because somebody has it.
    async fn create(self, note: &Note) -> Result<Result<Held<'a>, TuneError>, TuneError> {
        let (description, longest) = (note.to_string(), self.time_to_write()?);
        let created = self
            .api
            .create_alias(self.function, ALIAS, &description, longest);
        match created.await {
            Ok(revision) => Ok(Ok(self.holding(note, revision))),
            Err(WriteError::Refused(error)) => Err(error),
            Err(WriteError::Unclear(error)) => Ok(self.find(note).await?.ok_or(error)),
        }
    }

    /// The lock with this note instead of the one that had `revision`; `None` where somebody else was faster.
    async fn rewrite(self, note: &Note, revision: &str) -> Result<Option<Held<'a>>, TuneError> {
        let (description, longest) = (note.to_string(), self.time_to_write()?);
        let written =
            self.api
                .describe_alias(self.function, ALIAS, &description, revision, longest);
        match written.await {
            Ok(revision) => Ok(Some(self.holding(note, revision))),
            // Released in between.
            Err(WriteError::Refused(TuneError::FunctionNotFound { .. })) => Ok(None),
            Err(WriteError::Refused(error)) => Err(error),
            Err(WriteError::Unclear(_)) => self.find(note).await,
        }
    }

    /// Whether a write without a clear answer was made: nobody else writes this execution with this deadline.
    async fn find(self, note: &Note) -> Result<Option<Held<'a>>, TuneError> {
        let seen = self.api.alias(self.function, ALIAS).await?;
        let ours = seen.filter(|seen| seen.description == note.to_string());
        Ok(ours.map(|seen| self.holding(note, seen.revision_id)))
    }

    fn holding(self, note: &Note, revision: String) -> Held<'a> {
        Held {
            hand: self,
            note: note.clone(),
            revision,
        }
    }

    /// What is left for a write and its answer. After the deadline somebody else may hold the lock.
    pub(crate) fn time_to_write(&self) -> Result<Duration, TuneError> {
        let left = self.deadline.left().saturating_sub(LAST_WRITE);
        if left.is_zero() {
            return Err(TuneError::PublishFailed {
                function: self.function.to_string(),
                detail: "the time for changing it was over; the clean-up goes on with it"
                    .to_owned(),
            });
        }
        Ok(left)
    }
}

/// What a lock says.
///
/// # Errors
///
/// It is somebody else's alias of that name.
pub fn read(function: &FunctionArn, description: &str) -> Result<Note, TuneError> {
    Note::read(description).ok_or_else(|| TuneError::TuningInProgress {
        function: function.to_string(),
        detail: format!(
            "it has an alias `{ALIAS}` that no power tuner made; if nobody needs that, remove it: {}",
            lock::removal(function)
        ),
    })
}

impl Blocked {
    /// For whoever waited in vain.
    #[must_use]
    pub fn error(&self, function: &FunctionArn, waited: Duration) -> TuneError {
        TuneError::TuningInProgress {
            function: function.to_string(),
            detail: format!(
                "{} after {} s of waiting; start again when it is over. {}",
                self.why(),
                waited.as_secs(),
                self.by_hand(function)
            ),
        }
    }

    #[must_use]
    pub fn why(&self) -> String {
        let state = match self.verdict {
            Verdict::CannotTell => "and whether it still runs is not for this stack to see",
            Verdict::Wait | Verdict::TakeOver => "and still held it",
        };
        format!("`{}` locked it {state}", self.note.execution)
    }

    #[must_use]
    pub fn by_hand(&self, function: &FunctionArn) -> String {
        format!(
            "If nothing tunes the function, put it back by hand: {}",
            self.note.remedy(function)
        )
    }
}

impl<'a> TakenOver<'a> {
    async fn put_back(self) -> Result<Held<'a>, TuneError> {
        let Self { held, left_by } = self;
        // Where the plan is gone the journal has to do.
        held.put_back(|memory| left_by.as_ref().is_none_or(|plan| plan.may_set(memory)))
            .await
    }
}

impl Held<'_> {
    /// Gives `$LATEST` its own memory size again, unless it has one that the tuning did not set: then somebody else
    /// changed it, and it is theirs.
    ///
    /// # Errors
    ///
    /// What keeps it from being put back. The lock then stays, and may be taken over at once.
    pub async fn put_back(self, ours: impl Fn(MemoryMb) -> bool) -> Result<Self, TuneError> {
        match self.try_to_put_back(ours).await {
            Ok(()) => Ok(self),
            Err(error) => {
                let cause = TuneError::PublishFailed {
                    function: self.hand.function.to_string(),
                    detail: format!(
                        "it could not be put back to {}: {error}. The lock stays until it is; the next clean-up tries \
                         again. By hand: {}",
                        self.note.memory,
                        self.note.remedy(self.hand.function)
                    ),
                };
                self.give_up().await;
                Err(cause)
            }
        }
    }

    async fn try_to_put_back(&self, ours: impl Fn(MemoryMb) -> bool) -> Result<(), TuneError> {
        let Hand { api, function, .. } = self.hand;
        let memory = self.note.memory;
        // What became of the last write, once there was one.
        let mut written: Option<TuneError> = None;
        for _ in 0..ATTEMPTS {
            // After an update that failed another one is the remedy.
            let current = latest::update_over(api, function).await?;
            if current.memory != memory && !ours(current.memory) {
                tracing::warn!(
                    memory = current.memory.get(),
                    "somebody else set the memory size; it stays"
                );
                return Ok(());
            }
            match (&current.last_update, &mut written) {
                (LastUpdate::Failed(reason), Some(error)) => {
                    *error = latest::failed_update(function, reason);
                }
                _ if current.memory == memory => return Ok(()),
                _ => {}
            }
            tracing::info!(from = %current.memory, to = %memory, "putting the memory size back");
            let longest = self.hand.time_to_write()?;
            let updated = api.update_memory(function, memory, &current.revision_id, longest);
            written = match updated.await {
                Ok(()) => Some(latest::failed_update(function, "it did not take effect")),
                Err(WriteError::Unclear(error)) => Some(error),
                Err(WriteError::Refused(error)) => return Err(error),
            };
        }
        let current = latest::settled(api, function).await?;
        match written {
            Some(error) if current.memory != memory => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the lock: for whoever has left `$LATEST` as it is to be.
    ///
    /// # Errors
    ///
    /// It cannot be removed, or the deadline has come.
    pub async fn release(self) -> Result<(), TuneError> {
        let Hand { api, function, .. } = self.hand;
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let longest = self.hand.time_to_write()?;
            match api.delete_alias(function, ALIAS, longest).await {
                Ok(()) => return Ok(()),
                Err(WriteError::Refused(error)) => {
                    last = Some(error);
                    break;
                }
                Err(WriteError::Unclear(error)) => last = Some(error),
            }
            if self.hand.find(&self.note).await?.is_none() {
                return Ok(());
            }
        }
        let why = last.map(|error| error.to_string()).unwrap_or_default();
        let error = TuneError::PublishFailed {
            function: function.to_string(),
            detail: format!(
                "it is as before, but its lock could not be removed: {why}. By hand: {}",
                lock::removal(function)
            ),
        };
        self.give_up().await;
        Err(error)
    }

    /// Says in the lock that its holder will not write any more, so that nobody has to wait for the deadline. The
    /// journal stays.
    async fn give_up(self) {
        let rewritten = self
            .hand
            .rewrite(&self.note.given_up(), &self.revision)
            .await;
        if !matches!(rewritten, Ok(Some(_))) {
            tracing::warn!("the lock stays as it is until its deadline");
        }
    }
}
