//! How the tool ends: an exit code that pipelines rely on, and words for whoever reads the log.

use std::process::ExitCode;

/// The README and `--help` document these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Fine,
    /// The current memory is outside the tolerance; a doctor has found a problem; a clean-up has left something.
    Outside,
    Usage,
    TuningFailed,
    Aws,
    /// Nothing is known for sure: a check without an answer, an execution that is not over.
    Inconclusive,
    Interrupted,
}

impl Exit {
    pub const ALL: [Self; 7] = [
        Self::Fine,
        Self::Outside,
        Self::Usage,
        Self::TuningFailed,
        Self::Aws,
        Self::Inconclusive,
        Self::Interrupted,
    ];

    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Outside => 1,
            Self::Usage => 2,
            Self::TuningFailed => 3,
            Self::Aws => 4,
            Self::Inconclusive => 5,
            // What a shell says of a program that Ctrl-C ended.
            Self::Interrupted => 130,
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Fine => "done; check: the current memory is within the tolerance",
            Self::Outside => {
                "check: it is outside, or breaks the limits; doctor: there are problems; clean: something was left; show: of either"
            }
            Self::Usage => {
                "the command line, the input (a function that is not there, too) or a file is wrong"
            }
            Self::TuningFailed => "the tuning failed, was stopped or took too long",
            Self::Aws => "AWS, credentials or the stack cannot be reached",
            Self::Inconclusive => "check: inconclusive; show: the execution is not over",
            Self::Interrupted => "interrupted",
        }
    }

    /// For `--help`.
    pub fn table() -> String {
        let lines = Self::ALL.map(|exit| format!("  {:>3}  {}", exit.code(), exit.meaning()));
        format!("Exit codes:\n{}", lines.join("\n"))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Why a command could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    TuningFailed(String),
    #[error("{0}")]
    Aws(String),
    #[error("{0}")]
    NotOver(String),
    #[error("{0}")]
    Interrupted(String),
}

impl Error {
    /// The same with a line more.
    pub fn with(self, line: &str) -> Self {
        let more = |words: String| format!("{words}\n{line}");
        match self {
            Self::Usage(words) => Self::Usage(more(words)),
            Self::TuningFailed(words) => Self::TuningFailed(more(words)),
            Self::Aws(words) => Self::Aws(more(words)),
            Self::NotOver(words) => Self::NotOver(more(words)),
            Self::Interrupted(words) => Self::Interrupted(more(words)),
        }
    }

    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::TuningFailed(_) => Exit::TuningFailed,
            Self::Aws(_) => Exit::Aws,
            Self::NotOver(_) => Exit::Inconclusive,
            Self::Interrupted(_) => Exit::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_each_exit_code() {
        let readme = include_str!("../../../README.md");
        for exit in Exit::ALL {
            let row = format!("| {} | ", exit.code());
            assert!(readme.contains(&row), "the README has no row `{row}`");
        }
        let codes = Exit::ALL.map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 130]);
    }
}
