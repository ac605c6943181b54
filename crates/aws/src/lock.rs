//! The lock on `$LATEST`: getting it, taking it over, and putting `$LATEST` back through it.
//!
//! Whoever changes `$LATEST` holds the lock, and whoever puts `$LATEST` back does so through the lock: publisher,
//! optimizer and cleaner share this, and there is no other way.

use std::time::Duration;

use power_tuner_core::configuration::{Configuration, LastUpdate};
use power_tuner_core::function::FunctionArn;
use power_tuner_core::lock::{self, ALIAS, Execution, Note, Verdict};
use power_tuner_core::marker::applied_by;
use power_tuner_core::measurement::Version;
use power_tuner_core::plan::{Plan, listed};
use power_tuner_core::{MemoryMb, TuneError};
use power_tuner_runtime::Deadline;
use tokio::time::Instant;

use crate::aliases::Alias;
use crate::failure::WriteError;
use crate::lambda::LambdaApi;
use crate::latest;
use crate::pauses::{Pauses, Updates};
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
    /// An update without a clear answer may still take effect.
    is_unsettled: bool,
    /// AWS did not allow the size that was announced last, so that `$LATEST` has the one before.
    was_refused: bool,
    /// An alias may point at the size that was set, so that there is nothing to put back.
    may_be_applied: bool,
    /// `$LATEST` as it was read, if nothing was asked for since; what may have changed it makes this nothing.
    seen: Option<Box<Configuration>>,
    lost: Option<Lost>,
    /// What `$LATEST` was given back, once it was.
    restored: Option<MemoryMb>,
    updates: Updates,
}

/// What became of a lock that was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    /// Somebody else has it now, and with it the journal.
    TakenOver,
    /// Nobody has it.
    Removed,
}

/// Somebody else's lock, and why it was not taken over.
#[derive(Debug)]
pub struct Blocked {
    pub note: Note,
    pub verdict: Verdict,
}

/// What came of putting `$LATEST` back for somebody who is gone.
#[derive(Debug, Default)]
pub struct PutBack {
    /// The lock that was left alone, if any.
    pub blocked: Option<Blocked>,
    /// What `$LATEST` was given back, if it had another size.
    pub restored: Option<MemoryMb>,
}

/// What came of trying to get a lock.
pub enum Try<T> {
    Got(T),
    Blocked(Blocked),
}

const LATEST: &str = "$LATEST";
/// What is written, and not clearly so, is looked at and tried again: so often in all.
pub(crate) const ATTEMPTS: u32 = 8;
/// A lock that was refused, and is not there at the next look, was released in between; so often in a row it was not.
const MOST_REFUSALS: u32 = 20;
/// So long a holder may write at the most, whatever its own time is: others wait for it.
const LONGEST_HOLD: Duration = Duration::from_mins(2);
/// So long before its deadline a holder begins nothing new any more, but only puts back.
const LAST_CHANGE: Duration = Duration::from_secs(15);
/// And so long before it, nothing at all.
const LAST_WRITE: Duration = Duration::from_secs(3);
/// Between two looks at a lock that somebody else holds: all who wait share the control plane.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

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
        let give_up = Instant::now() + patience;
        let mut pauses = Pauses::up_to(BETWEEN_LOOKS);
        // Refusals in a row though nobody had it when it was looked at.
        let mut refusals = 0;
        let mut first = None;
        let held = 'locked: loop {
            let created = self.create(execution, memory).await;
            let refused = match created.map_err(|over| latest::after(first.take(), over))? {
                Ok(held) => break held,
                Err(refused) => refused,
            };
            loop {
                let is_over = Instant::now() > give_up;
                match self.take_over(execution, |_| true).await? {
                    Some(Try::Got(left)) => {
                        let left = left.put_back().await?;
                        // The journal begins anew, in this execution's name.
                        let note = self.note(execution, memory);
                        if let Ok(held) = self.rewrite(&note, &left.revision).await? {
                            break 'locked held;
                        }
                    }
                    Some(Try::Blocked(blocked)) if is_over => return Ok(Try::Blocked(blocked)),
                    Some(Try::Blocked(_)) => (refusals, first) = (0, None),
                    None if refusals == MOST_REFUSALS => return Err(refused),
                    None => {
                        refusals += 1;
                        first.get_or_insert(refused);
                        break;
                    }
                }
                pauses.pause().await;
            }
            pauses.pause().await;
        };
        // Whoever stopped the execution before there was a lock has cleaned up by now, or will find the lock.
        let stopped = match self.executions.status(execution).await {
            Ok(Execution::Over) => TuneError::PublishFailed {
                function: self.function.to_string(),
                detail: "its tuning was stopped, so nothing more was changed".to_owned(),
            },
            Ok(_) => return Ok(Try::Got(held)),
            Err(error) => error,
        };
        held.release().await?;
        Err(stopped)
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
        let mut pauses = Pauses::up_to(BETWEEN_LOOKS);
        let is_its = |note: &Note| note.execution == execution;
        loop {
            match self.take_over(execution, is_its).await {
                // None, or somebody else's alias, which is none of this execution's.
                Ok(None) | Err(TuneError::TuningInProgress { .. }) => return Ok(()),
                Ok(Some(Try::Got(left))) => return left.end(Ok(())).await,
                Ok(Some(Try::Blocked(blocked))) if !is_its(&blocked.note) => return Ok(()),
                Ok(Some(Try::Blocked(blocked))) if Instant::now() > give_up => {
                    return Err(blocked.error(self.function, patience));
                }
                Ok(Some(Try::Blocked(_))) => pauses.pause().await,
                Err(error) => return Err(error),
            }
        }
    }

    /// For a clean-up by hand: puts `$LATEST` back for whichever execution left it, if that is over.
    ///
    /// # Errors
    ///
    /// `$LATEST` cannot be put back, somebody has an alias of that name, or what AWS says.
    pub async fn put_back_after_any(self) -> Result<PutBack, TuneError> {
        match self.take_over("", |_| true).await? {
            None => Ok(PutBack::default()),
            Some(Try::Blocked(blocked)) => Ok(PutBack {
                blocked: Some(blocked),
                restored: None,
            }),
            Some(Try::Got(left)) => {
                let held = left.put_back().await?;
                let restored = held.restored;
                held.release().await?;
                Ok(PutBack {
                    blocked: None,
                    restored,
                })
            }
        }
    }

    /// Takes the lock over on behalf of `asking`, an execution, if that is allowed and `wanted`; `None` where there is
    /// no lock. It keeps the name of who left it, until `$LATEST` is back.
    async fn take_over(
        self,
        asking: &str,
        wanted: impl Fn(&Note) -> bool,
    ) -> Result<Option<Try<Held<'a>>>, TuneError> {
        let Some(seen) = self.api.alias(self.function, ALIAS).await? else {
            return Ok(None);
        };
        let note = read(self.function, &seen.description)?;
        let now_s = self.deadline.now_unix_s();
        // About a lock that is in its time nobody need be asked.
        let holder = if note.is_live(now_s) || note.execution == asking || !wanted(&note) {
            Execution::Running
        } else {
            self.executions.status(&note.execution).await?
        };
        let verdict = note.judge(asking, now_s, holder);
        if verdict != Verdict::TakeOver {
            return Ok(Some(Try::Blocked(Blocked { note, verdict })));
        }
        let renewed = Note {
            until_s: self.held_until().unix_s(),
            ..note.clone()
        };
        let Ok(held) = self.rewrite(&renewed, &seen.revision_id).await? else {
            let verdict = Verdict::Wait;
            return Ok(Some(Try::Blocked(Blocked { note, verdict })));
        };
        tracing::warn!(
            left_by = note.execution,
            memory = note.memory.get(),
            "took a lock over"
        );
        // How far the one that left it came, nobody knows.
        Ok(Some(Try::Got(Held {
            may_be_applied: true,
            ..held
        })))
    }

    /// A new lock, or why there is none: most often because somebody has it.
    async fn create(
        self,
        execution: &str,
        memory: MemoryMb,
    ) -> Result<Result<Held<'a>, TuneError>, TuneError> {
        let note = self.note(execution, memory);
        let (description, longest) = (note.to_string(), self.time_to_change()?);
        let created =
            self.api
                .create_alias(self.function, ALIAS, LATEST, Some(&description), longest);
        match created.await {
            Ok(revision) => Ok(Ok(self.holding(note, revision))),
            Err(WriteError::Refused(error)) => Err(error),
            Err(WriteError::Unclear(error)) => Ok(self.find(&note).await?.ok_or(error)),
        }
    }

    /// The lock with this note instead of the one that had `revision`, or why it has not: most often because somebody
    /// else was faster.
    async fn rewrite(
        self,
        note: &Note,
        revision: &str,
    ) -> Result<Result<Held<'a>, TuneError>, TuneError> {
        let (description, longest) = (note.to_string(), self.time_to_write()?);
        let written =
            self.api
                .describe_alias(self.function, ALIAS, &description, revision, longest);
        match written.await {
            Ok(revision) => Ok(Ok(self.holding(note.clone(), revision))),
            // Released in between.
            Err(WriteError::Refused(gone @ TuneError::FunctionNotFound { .. })) => Ok(Err(gone)),
            Err(WriteError::Refused(error)) => Err(error),
            Err(WriteError::Unclear(error)) => Ok(self.find(note).await?.ok_or(error)),
        }
    }

    /// Whether a write without a clear answer was made: nobody else writes this execution with this deadline.
    async fn find(self, note: &Note) -> Result<Option<Held<'a>>, TuneError> {
        let seen = self.api.alias(self.function, ALIAS).await?;
        let ours = seen.filter(|seen| seen.description == note.to_string());
        Ok(ours.map(|seen| self.holding(note.clone(), seen.revision_id)))
    }

    fn note(self, execution: &str, memory: MemoryMb) -> Note {
        Note {
            memory,
            set: Vec::new(),
            until_s: self.held_until().unix_s(),
            execution: execution.to_owned(),
        }
    }

    fn holding(self, note: Note, revision: String) -> Held<'a> {
        let hand = Hand {
            deadline: self.held_until(),
            ..self
        };
        Held {
            hand,
            note,
            revision,
            is_unsettled: false,
            was_refused: false,
            may_be_applied: false,
            seen: None,
            lost: None,
            restored: None,
            updates: Updates::default(),
        }
    }

    fn held_until(&self) -> Deadline {
        self.deadline.within(LONGEST_HOLD)
    }

    /// What is left for a change, so that there is time to undo it.
    pub(crate) fn time_to_change(&self) -> Result<Duration, TuneError> {
        self.time_before(LAST_CHANGE)
    }

    /// What is left for a write and its answer. After the deadline somebody else may hold the lock.
    fn time_to_write(&self) -> Result<Duration, TuneError> {
        self.time_before(LAST_WRITE)
    }

    fn time_before(&self, last: Duration) -> Result<Duration, TuneError> {
        let left = self.deadline.left().saturating_sub(last);
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
            Verdict::CannotTell => {
                "and whether it still runs is not for this stack to see (`states:DescribeExecution` was refused)"
            }
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

impl Held<'_> {
    /// Asks for a memory size. The lock says so first: whoever takes it over must know which sizes are ours, and a lock
    /// that is not ours any more shows here, before anything is written.
    pub(crate) async fn update_memory(
        &mut self,
        memory: MemoryMb,
        revision: &str,
    ) -> Result<(), WriteError> {
        // Where this goes wrong, perhaps because the function is gone, it is looked at once more.
        self.seen = None;
        if self.note.set.last() != Some(&memory) {
            self.announce(memory).await.map_err(WriteError::Refused)?;
        }
        let Hand { api, function, .. } = self.hand;
        let longest = self.hand.time_to_change().map_err(WriteError::Refused)?;
        let updated = api.update_memory(function, memory, revision, longest).await;
        if updated.is_ok() {
            self.updates.begin().await;
        }
        self.is_unsettled = matches!(updated, Err(WriteError::Unclear(_)));
        self.was_refused = matches!(
            updated,
            Err(WriteError::Refused(TuneError::MemoryRefused { .. }))
        );
        updated
    }

    async fn announce(&mut self, memory: MemoryMb) -> Result<(), TuneError> {
        let Hand { api, function, .. } = self.hand;
        let note = if self.was_refused {
            self.note.refused().about_to_set(memory)
        } else {
            self.note.about_to_set(memory)
        };
        let mut first = None;
        let mut pauses = Pauses::new();
        for _ in 0..ATTEMPTS {
            let written = self.hand.rewrite(&note, &self.revision).await;
            match written.map_err(|over| latest::after(first.take(), over))? {
                Ok(held) => {
                    self.note = note;
                    self.revision = held.revision;
                    return Ok(());
                }
                Err(error) => _ = first.get_or_insert(error),
            }
            let (lost, how) = match api.alias(function, ALIAS).await? {
                Some(seen) if seen.description == self.note.to_string() => {
                    self.revision = seen.revision_id;
                    pauses.pause().await;
                    continue;
                }
                Some(_) => (Lost::TakenOver, "took the lock over"),
                None => (Lost::Removed, "removed the lock"),
            };
            self.lost = Some(lost);
            return Err(TuneError::TuningInProgress {
                function: function.to_string(),
                detail: format!(
                    "somebody {how} while it was held; start again when nobody changes the function"
                ),
            });
        }
        let why = first.map(|error| error.to_string()).unwrap_or_default();
        Err(latest::failed(
            function,
            format!("its lock could not be written: {why}; start the tuning again"),
        ))
    }

    /// What was asked for was seen to have taken effect, so nothing is under way any more.
    pub(crate) fn is_settled(&mut self) {
        self.is_unsettled = false;
    }

    /// After so many looks, the last of which showed the function without an update in progress.
    pub(crate) fn has_seen(&mut self, now: &Configuration, looks: u32) {
        self.updates.end(looks);
        self.seen = Some(Box::new(now.clone()));
    }

    /// What was seen may not be so any more.
    pub(crate) fn is_about_to_publish(&mut self) {
        self.seen = None;
    }

    /// Gives `$LATEST` its own memory size again, unless it has one that was not set under this lock: then somebody
    /// else changed it, and it is theirs. One that was applied stays, too: nothing was left to do but to release the lock.
    ///
    /// # Errors
    ///
    /// What keeps it from being put back. The lock then stays, and may be taken over at once.
    pub async fn put_back(mut self) -> Result<Self, TuneError> {
        if self.lost == Some(Lost::TakenOver) {
            return Ok(self);
        }
        match self.try_to_put_back().await {
            Ok(()) => Ok(self),
            // Its owner deleted it, and the lock with it.
            Err(gone @ TuneError::FunctionNotFound { .. }) => Err(gone),
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

    async fn try_to_put_back(&mut self) -> Result<(), TuneError> {
        let Hand { api, function, .. } = self.hand;
        let memory = self.note.memory;
        let mut pauses = Pauses::new();
        // What became of the last write, once there was one.
        let mut written: Option<TuneError> = None;
        for _ in 0..ATTEMPTS {
            // After an update that failed another one is the remedy.
            let current = match self.seen.take() {
                Some(seen) => *seen,
                None => latest::update_over(api, function).await?,
            };
            if current.memory != memory && !self.note.set.contains(&current.memory) {
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
                // An update of ours that is still under way would take effect later; after this write it cannot.
                _ if current.memory == memory && !self.is_unsettled => {
                    self.restored = written.map(|_| memory);
                    return Ok(());
                }
                _ => {}
            }
            if self.may_be_applied && self.is_applied(current.memory).await? {
                tracing::warn!(memory = current.memory.get(), "it was applied, so it stays");
                return Ok(());
            }
            tracing::info!(from = %current.memory, to = %memory, "putting the memory size back");
            let longest = self.hand.time_to_write();
            let longest = longest.map_err(|over| latest::after(written.take(), over))?;
            let updated = api.update_memory(function, memory, &current.revision_id, longest);
            match updated.await {
                Ok(()) => {
                    self.is_unsettled = false;
                    self.updates.begin().await;
                    written = Some(latest::failed(function, latest::NO_EFFECT));
                }
                Err(WriteError::Unclear(error)) => {
                    self.is_unsettled = true;
                    written.get_or_insert(error);
                    pauses.pause().await;
                }
                Err(WriteError::Refused(error)) => return Err(error),
            }
        }
        let current = latest::settled(api, function).await?;
        match written {
            Some(error) if current.memory != memory || self.is_unsettled => Err(error),
            written => {
                self.restored = written.map(|_| memory);
                Ok(())
            }
        }
    }

    /// Whether the alias that the lock's execution optimizes points at a version that it applied this size with.
    async fn is_applied(&self, memory: MemoryMb) -> Result<bool, TuneError> {
        let Hand {
            api,
            executions,
            function,
            ..
        } = self.hand;
        let execution = self.note.execution.as_str();
        let mut applied = api.versions(function).await?;
        applied.retain(|row| {
            row.version.memory == memory && applied_by(&row.description) == Some(execution)
        });
        if applied.is_empty() {
            return Ok(false);
        }
        let plan = executions.plan(execution).await?;
        let Some(name) = plan
            .as_ref()
            .and_then(|plan| plan.request.alias_to_optimize())
        else {
            return Ok(false);
        };
        let alias = api.alias(function, name).await?;
        Ok(alias.is_some_and(|alias| {
            applied
                .iter()
                .any(|row| row.version.number == alias.version)
        }))
    }

    /// Makes an alias point at a version of `plan`'s target, whether there is one of that name or not.
    ///
    /// # Errors
    ///
    /// It points at something else than what was planned for by now, or what AWS says.
    pub(crate) async fn point(
        &mut self,
        plan: &Plan,
        name: &str,
        version: &Version,
    ) -> Result<(), TuneError> {
        let Hand { api, function, .. } = self.hand;
        self.may_be_applied = true;
        let mut first = None;
        let mut pauses = Pauses::new();
        for _ in 0..ATTEMPTS {
            let seen = api.alias(function, name).await?;
            let longest = self.hand.time_to_change();
            let longest = longest.map_err(|over| latest::after(first.take(), over))?;
            let written = match seen {
                Some(alias) if alias.version == version.number => return Ok(()),
                Some(alias) => {
                    self.check_alias(plan, name, &alias).await?;
                    let revision = &alias.revision_id;
                    api.move_alias(function, name, &version.number, revision, longest)
                        .await
                        .map(drop)
                }
                None => api
                    .create_alias(function, name, &version.number, None, longest)
                    .await
                    .map(drop),
            };
            match written {
                Ok(()) => return Ok(()),
                Err(WriteError::Refused(error)) => return Err(error),
                Err(WriteError::Unclear(error)) => _ = first.get_or_insert(error),
            }
            pauses.pause().await;
        }
        Err(first.unwrap_or_else(|| {
            latest::failed(function, format!("its alias `{name}` cannot be moved"))
        }))
    }

    /// Who moved the alias to other code since, such as the release before, wants that to stay.
    async fn check_alias(&self, plan: &Plan, name: &str, alias: &Alias) -> Result<(), TuneError> {
        let Hand { api, function, .. } = self.hand;
        let version = format!("{function}:{}", alias.version);
        let settings = api.configuration(&version).await?.settings;
        let differences = plan.target.settings.differences_from_version(&settings);
        if differences.is_empty() {
            return Ok(());
        }
        let detail = format!(
            "its alias `{name}` points at version {} by now, which differs from what was planned in {}",
            alias.version,
            listed(&differences)
        );
        Err(latest::changed(plan, detail))
    }

    /// Removes the lock: for whoever has left `$LATEST` as it is to be.
    ///
    /// # Errors
    ///
    /// It cannot be removed, or the deadline has come.
    pub async fn release(self) -> Result<(), TuneError> {
        if self.lost.is_some() {
            return Ok(());
        }
        let Hand { api, function, .. } = self.hand;
        let mut last = None;
        let mut pauses = Pauses::new();
        for _ in 0..ATTEMPTS {
            let longest = self.hand.time_to_write();
            let longest = longest.map_err(|over| latest::after(last.take(), over))?;
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
            pauses.pause().await;
        }
        let why = last.map(|error| error.to_string()).unwrap_or_default();
        let error = TuneError::PublishFailed {
            function: function.to_string(),
            detail: format!(
                "its lock could not be removed: {why}. The next clean-up tries again. By hand: {}",
                lock::removal(function)
            ),
        };
        self.give_up().await;
        Err(error)
    }

    /// Puts `$LATEST` back and releases the lock after what was tried: the first error stands, and none is lost.
    ///
    /// # Errors
    ///
    /// What was tried failed, or this did.
    pub async fn end<T>(self, tried: Result<T, TuneError>) -> Result<T, TuneError> {
        let back = match self.put_back().await {
            Ok(held) => held.release().await,
            Err(error) => Err(error),
        };
        match (tried, back) {
            (tried, Ok(())) => tried,
            (Ok(_), Err(back)) => Err(back),
            (Err(error), Err(back)) => Err(error.followed_by(back)),
        }
    }

    /// Says in the lock that its holder will not write any more, so that nobody has to wait for the deadline. The
    /// journal stays.
    async fn give_up(self) {
        let rewritten = self
            .hand
            .rewrite(&self.note.given_up(), &self.revision)
            .await;
        if !matches!(rewritten, Ok(Ok(_))) {
            tracing::warn!("the lock stays as it is until its deadline");
        }
    }
}
