//! What goes wrong at one call.

use std::fmt;

/// One call of a run: the so-many-th of its action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub action: String,
    pub nth: u64,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.action, self.nth)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

/// What becomes of a function's process when Step Functions loses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It dies, and Step Functions catches that.
    Caught,
    /// It dies, and Step Functions tries again.
    Retried,
    /// It goes on beside the one that Step Functions starts instead.
    Beside,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    Dies,
    LivesOn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service answers with that error, to this call.
    Once(u16),
    /// And to all calls of its action from this one on.
    Forever(u16),
    DropBefore,
    DropAfter,
    /// The call is made, and no answer ever comes.
    Silent,
    /// The call takes effect long after whoever made it stopped waiting.
    Late,
    /// What the call is about is deleted right before it: the function with everything, the object, the execution.
    Deleted,
    /// The function that makes the call is lost.
    Process(When, Lost),
    /// The execution is stopped.
    Execution(When, Worker),
}

use Fault::{Deleted, DropAfter, DropBefore, Execution, Forever, Late, Once, Process, Silent};

impl Fault {
    pub const ALL: [Self; 23] = [
        Once(429),
        Forever(429),
        Once(500),
        Forever(500),
        DropBefore,
        DropAfter,
        Silent,
        Late,
        Once(409),
        Once(412),
        Forever(403),
        Deleted,
        Process(When::Before, Lost::Caught),
        Process(When::After, Lost::Caught),
        Process(When::Before, Lost::Retried),
        Process(When::After, Lost::Retried),
        Process(When::Before, Lost::Beside),
        Process(When::After, Lost::Beside),
        Execution(When::Before, Worker::Dies),
        Execution(When::After, Worker::Dies),
        Execution(When::Before, Worker::LivesOn),
        Execution(When::After, Worker::LivesOn),
        Forever(409),
    ];

    /// Whether AWS may answer this to a call of that action.
    pub fn may_meet(self, Call { action, nth }: &Call) -> bool {
        let action = action.as_str();
        match self {
            // Only what is asked for in one state of it.
            Once(412) if action == "GetObject" => *nth > 1,
            // What only reads has no effect, so that after it is as before.
            DropAfter | Process(When::After, _) | Execution(When::After, _) if reads(action) => {
                false
            }
            Once(409) => matches!(
                action,
                "UpdateFunctionConfiguration"
                    | "PublishVersion"
                    | "CreateAlias"
                    | "UpdateAlias"
                    | "DeleteAlias"
                    | "DeleteFunction"
                    | "Invoke"
            ),
            Forever(409) => matches!(action, "UpdateFunctionConfiguration" | "PublishVersion"),
            Once(412) => matches!(
                action,
                "UpdateFunctionConfiguration" | "PublishVersion" | "UpdateAlias"
            ),
            // Without a revision nothing keeps a lost call from taking effect.
            Late => matches!(
                action,
                "UpdateFunctionConfiguration" | "PublishVersion" | "UpdateAlias"
            ),
            _ => true,
        }
    }

    /// Nothing heals it before somebody does something about it.
    pub fn lasts(self) -> bool {
        matches!(self, Forever(_) | Deleted)
    }
}

/// Whether calls of that action change nothing.
pub fn reads(action: &str) -> bool {
    ["Get", "List", "Describe"]
        .iter()
        .any(|verb| action.starts_with(verb))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = |when: &When| match when {
            When::Before => "before",
            When::After => "after",
        };
        match self {
            Once(status) => write!(f, "{status}-once"),
            Forever(status) => write!(f, "{status}-forever"),
            DropBefore => f.write_str("drop-before"),
            DropAfter => f.write_str("drop-after"),
            Silent => f.write_str("silent"),
            Late => f.write_str("late"),
            Deleted => f.write_str("deleted"),
            Process(at, Lost::Caught) => write!(f, "dies-{}", when(at)),
            Process(at, Lost::Retried) => write!(f, "dies-{}-and-is-retried", when(at)),
            Process(at, Lost::Beside) => write!(f, "lost-{}-and-is-retried", when(at)),
            Execution(at, Worker::Dies) => write!(f, "stopped-{}", when(at)),
            Execution(at, Worker::LivesOn) => write!(f, "stopped-{}-and-lives-on", when(at)),
        }
    }
}
