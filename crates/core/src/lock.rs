//! The lock on `$LATEST`, and the journal that it is: an alias whose description says what to restore, who holds it,
//! and until when.

use std::fmt;

use crate::function::FunctionArn;
use crate::memory::MemoryMb;

/// The name of the alias. `CreateAlias` fails where it exists, which makes it a lock; it survives whoever made it, which
/// makes it a journal.
pub const ALIAS: &str = "power-tuner-lock";

/// What the alias's description says: `512>128>256 until 1763680000, arn:aws:states:…` is what `$LATEST` had before, what
/// it has and what it is about to get, until when the holder may write, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What `$LATEST` had before.
    pub memory: MemoryMb,
    /// The last two sizes that the holder set, or was about to set. Any other is somebody else's change.
    pub set: Vec<MemoryMb>,
    /// In seconds since 1970: until then nobody but the holder writes. Zero once the holder gave up.
    pub until_s: u64,
    /// The holder's execution.
    pub execution: String,
}

/// What is known of an execution that somebody else started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    Running,
    Over,
    /// There is none of that name, or AWS has forgotten it.
    Missing,
    /// Not for us to see: another stack's.
    Unknown,
}

/// What may be done about a lock that somebody else holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its holder may still write.
    Wait,
    /// Nobody knows whether its holder's execution goes on, so it counts as held.
    CannotTell,
    /// Nobody will write any more who does not take it over first: restore what it says.
    TakeOver,
}

/// Clocks differ a little, and a call that was sent in time may take effect a moment later.
const GRACE_S: u64 = 10;

impl Note {
    /// Whether its holder may still write.
    #[must_use]
    pub fn is_live(&self, now_s: u64) -> bool {
        self.until_s > 0 && now_s <= self.until_s + GRACE_S
    }

    /// The same for a holder that will not write any more.
    #[must_use]
    pub fn given_up(&self) -> Self {
        Self {
            until_s: 0,
            ..self.clone()
        }
    }

    /// The same for a holder that is about to set this size.
    #[must_use]
    pub fn about_to_set(&self, memory: MemoryMb) -> Self {
        let before = self.set.last().copied();
        Self {
            set: before.into_iter().chain([memory]).collect(),
            ..self.clone()
        }
    }

    /// The same for a holder that was not allowed to set what it was about to.
    #[must_use]
    pub fn refused(&self) -> Self {
        let mut note = self.clone();
        note.set.pop();
        note
    }

    /// Reads a description; `None` where a power tuner did not write it.
    #[must_use]
    pub fn read(description: &str) -> Option<Self> {
        let (sizes, rest) = description.split_once(" until ")?;
        let (until_s, execution) = rest.split_once(", ")?;
        let size = |text: &str| MemoryMb::try_from(text.parse::<u32>().ok()?).ok();
        let sizes: Option<Vec<MemoryMb>> = sizes.split('>').map(size).collect();
        let (memory, set) = sizes.as_deref()?.split_first()?;
        Some(Self {
            memory: *memory,
            set: set.to_vec(),
            until_s: until_s.parse().ok()?,
            execution: execution
                .contains(":execution:")
                .then(|| execution.to_owned())?,
        })
    }

    /// What `asking`, an execution, may do about this lock.
    #[must_use]
    pub fn judge(&self, asking: &str, now_s: u64, holder: Execution) -> Verdict {
        if self.is_live(now_s) {
            return Verdict::Wait;
        }
        if self.execution == asking {
            // An earlier run of the same step, which is over: its time is.
            return Verdict::TakeOver;
        }
        match holder {
            // Its next step, or its clean-up, takes it over.
            Execution::Running => Verdict::Wait,
            Execution::Over | Execution::Missing => Verdict::TakeOver,
            Execution::Unknown => Verdict::CannotTell,
        }
    }

    /// The way out where no tuner may do it.
    #[must_use]
    pub fn remedy(&self, function: &FunctionArn) -> String {
        let memory = self.memory.get();
        let region = function.region();
        format!(
            "aws lambda update-function-configuration --region {region} --function-name {function} --memory-size {memory} && {}",
            removal(function)
        )
    }
}

/// The command that removes the alias.
#[must_use]
pub fn removal(function: &FunctionArn) -> String {
    let region = function.region();
    format!("aws lambda delete-alias --region {region} --function-name {function} --name {ALIAS}")
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.memory.get())?;
        for size in &self.set {
            write!(f, ">{}", size.get())?;
        }
        write!(f, " until {}, {}", self.until_s, self.execution)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: &str = "arn:aws:states:eu-west-1:123456789012:execution:power-tuner:mine";
    const THEIRS: &str = "arn:aws:states:eu-west-1:123456789012:execution:power-tuner:theirs";

    fn mb(mb: u32) -> MemoryMb {
        MemoryMb::try_from(mb).expect("a valid size")
    }

    fn note(execution: &str) -> Note {
        Note {
            memory: mb(512),
            set: Vec::new(),
            until_s: 1_000,
            execution: execution.to_owned(),
        }
    }

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let mut note = note(MINE);
        assert_eq!(note.to_string(), format!("512 until 1000, {MINE}"));
        for (next, want) in [
            (128, "512>128"),
            (256, "512>128>256"),
            (1024, "512>256>1024"),
        ] {
            note = note.about_to_set(mb(next));
            assert_eq!(note.to_string(), format!("{want} until 1000, {MINE}"));
            assert_eq!(Note::read(&note.to_string()), Some(note.clone()));
        }
    }

    #[test]
    fn what_no_tuner_wrote_is_no_note() {
        for description in [
            "",
            "do not touch",
            "512 until tomorrow, arn:aws:states:::execution:a:b",
            "512 until 1, me",
            "64 until 1, arn:aws:states:::execution:a:b",
            "512> until 1, arn:aws:states:::execution:a:b",
        ] {
            assert_eq!(Note::read(description), None, "{description}");
        }
    }

    #[test]
    fn the_longest_note_fits_into_a_description() {
        let execution = format!(
            "arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:{}:{}",
            "m".repeat(80),
            "e".repeat(80)
        );
        let longest = Note {
            memory: mb(10_240),
            set: vec![mb(10_240); 2],
            until_s: 9_999_999_999,
            execution,
        };
        assert!(longest.to_string().len() <= 256);
    }

    #[test]
    fn nobody_takes_a_lock_over_before_its_time_or_from_a_living_execution() {
        use Execution::{Missing, Over, Running, Unknown};
        let in_time = 1_000;
        let just_over = in_time + GRACE_S;
        let late = just_over + 1;
        let cases = [
            (THEIRS, in_time, Over, Verdict::Wait),
            (THEIRS, just_over, Over, Verdict::Wait),
            (MINE, just_over, Over, Verdict::Wait),
            (MINE, late, Running, Verdict::TakeOver),
            (THEIRS, late, Running, Verdict::Wait),
            (THEIRS, late, Over, Verdict::TakeOver),
            (THEIRS, late, Missing, Verdict::TakeOver),
            (THEIRS, late, Unknown, Verdict::CannotTell),
        ];
        for (holder, now, state, want) in cases {
            assert_eq!(
                note(holder).judge(MINE, now, state),
                want,
                "{holder} {now} {state:?}"
            );
        }
    }

    #[test]
    fn who_gave_up_need_not_be_waited_for() {
        let given_up = note(MINE).given_up();
        assert_eq!(
            given_up.judge(MINE, 1, Execution::Running),
            Verdict::TakeOver
        );
        assert_eq!(given_up.memory.get(), 512);
    }
}
