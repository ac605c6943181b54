//! What can go wrong, in words that tell the reader what to do, and the names that the state machine matches.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::memory::MemoryMb;

/// One thing wrong with an input, in the words of the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `powerValues[1]`.
    pub field: String,
    /// What the value breaks: `64 MB is outside Lambda's range of 128 to 10240 MB`.
    pub rule: String,
}

impl Fault {
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            rule: rule.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.field, self.rule)
    }
}

fn list(faults: &[Fault]) -> String {
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    faults.join("; ")
}

/// Why a tuning ended without an answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TuneError {
    #[error("the input has {} fault{}: {}", .0.len(), if .0.len() == 1 { "" } else { "s" }, list(.0))]
    InvalidInput(Vec<Fault>),

    #[error(
        "function `{function}` was not found; check its name or ARN; a name alone means one in the tuner's own region and account"
    )]
    FunctionNotFound { function: String },

    #[error("{who} may not call `{action}` on `{resource}`; {remedy} ({detail})")]
    AccessDenied {
        /// The tuner, or the role that it has assumed.
        who: String,
        action: &'static str,
        resource: String,
        remedy: &'static str,
        detail: String,
    },

    #[error("`{function}` cannot be tuned: {reason}")]
    UnsupportedFunction { function: String, reason: String },

    #[error("`{function}` cannot be locked: {detail}")]
    TuningInProgress { function: String, detail: String },

    #[error(
        "`{function}` was changed while it was being tuned: {detail}; start the tuning again when the deployment is over"
    )]
    FunctionChanged { function: String, detail: String },

    #[error("failed on `{function}`: {detail}")]
    PublishFailed { function: String, detail: String },

    #[error(
        "AWS refuses a function of {memory} in this account; ask AWS Support for more memory, or name smaller sizes in \
         `powerValues` ({detail})"
    )]
    MemoryRefused {
        memory: MemoryMb,
        /// What the account may have at the most, where AWS says it.
        largest: Option<MemoryMb>,
        detail: String,
    },

    #[error("{0}")]
    InvocationFailed(String),

    #[error("the payload `{location}` cannot be used: {detail}")]
    PayloadUnavailable { location: String, detail: String },

    #[error("Lambda throttled {what} for too long; {remedy}")]
    Throttled { what: String, remedy: &'static str },

    #[error("{0}")]
    NoMeasurements(String),

    #[error(
        "no Lambda price is known for region `{region}` and architecture `{architecture}`; state it in the input, as `\"price\": {{\"perGbSecond\": 0.0000166667}}`"
    )]
    PriceUnknown {
        region: String,
        architecture: String,
    },

    #[error("{first}; after that: {later}")]
    Followed { first: Box<Self>, later: Box<Self> },
}

impl TuneError {
    /// Every name that [`name`](Self::name) can give. A name in the state machine that is neither here nor AWS's own
    /// would never match.
    pub const NAMES: [&str; 12] = [
        "InvalidInput",
        "FunctionNotFound",
        "AccessDenied",
        "UnsupportedFunction",
        "TuningInProgress",
        "FunctionChanged",
        "PublishFailed",
        "InvocationFailed",
        "PayloadUnavailable",
        "Throttled",
        "NoMeasurements",
        "PriceUnknown",
    ];

    /// The same error, with what went wrong after it: the first one is the execution's, and neither may get lost.
    #[must_use]
    pub fn followed_by(self, later: Self) -> Self {
        Self::Followed {
            first: Box::new(self),
            later: Box::new(later),
        }
    }

    /// The error name of the failed state, and so of the failed execution.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "InvalidInput",
            Self::FunctionNotFound { .. } => "FunctionNotFound",
            Self::AccessDenied { .. } => "AccessDenied",
            Self::UnsupportedFunction { .. } => "UnsupportedFunction",
            Self::TuningInProgress { .. } => "TuningInProgress",
            Self::FunctionChanged { .. } => "FunctionChanged",
            Self::PublishFailed { .. } | Self::MemoryRefused { .. } => "PublishFailed",
            Self::InvocationFailed(_) => "InvocationFailed",
            Self::PayloadUnavailable { .. } => "PayloadUnavailable",
            Self::Throttled { .. } => "Throttled",
            Self::NoMeasurements(_) => "NoMeasurements",
            Self::PriceUnknown { .. } => "PriceUnknown",
            Self::Followed { first, .. } => first.name(),
        }
    }
}

/// A failure as it reads in an outcome or at the end of an execution: a name and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Failure {
    pub error: String,
    pub cause: String,
}

/// A failure as a `Catch` of Step Functions writes it into the state.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Caught {
    #[serde(rename = "Error")]
    pub error: String,
    #[serde(rename = "Cause", default)]
    pub cause: String,
}

impl From<Caught> for Failure {
    /// Lambda puts the message into JSON (`{"errorType": …, "errorMessage": …}`); other sources write plain text.
    fn from(caught: Caught) -> Self {
        let message = serde_json::from_str::<serde_json::Value>(&caught.cause)
            .ok()
            .and_then(|cause| Some(cause.get("errorMessage")?.as_str()?.to_owned()));
        let cause = match message.unwrap_or(caught.cause) {
            empty if empty.is_empty() => format!("`{}` without a message", caught.error),
            message => shortened(&message, Self::LONGEST_CAUSE),
        };
        Self {
            error: caught.error,
            cause,
        }
    }
}

impl Failure {
    /// A cause is read by a person in a console: no more than this many characters.
    pub const LONGEST_CAUSE: usize = 2_000;
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.cause, self.error)
    }
}

/// The text, or as much of it as `most` characters hold, with an ellipsis.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_listed() {
        let errors = [
            TuneError::InvalidInput(vec![]),
            TuneError::FunctionNotFound {
                function: String::new(),
            },
            TuneError::AccessDenied {
                who: String::new(),
                action: "",
                resource: String::new(),
                remedy: "",
                detail: String::new(),
            },
            TuneError::UnsupportedFunction {
                function: String::new(),
                reason: String::new(),
            },
            TuneError::TuningInProgress {
                function: String::new(),
                detail: String::new(),
            },
            TuneError::FunctionChanged {
                function: String::new(),
                detail: String::new(),
            },
            TuneError::PublishFailed {
                function: String::new(),
                detail: String::new(),
            },
            TuneError::InvocationFailed(String::new()),
            TuneError::PayloadUnavailable {
                location: String::new(),
                detail: String::new(),
            },
            TuneError::Throttled {
                what: String::new(),
                remedy: "",
            },
            TuneError::NoMeasurements(String::new()),
            TuneError::PriceUnknown {
                region: String::new(),
                architecture: String::new(),
            },
        ];
        assert_eq!(errors.each_ref().map(TuneError::name), TuneError::NAMES);
    }

    #[test]
    fn what_comes_after_the_first_error_does_not_take_its_name() {
        let first = TuneError::InvocationFailed("one".to_owned());
        let both = first.followed_by(TuneError::NoMeasurements("two".to_owned()));
        assert_eq!(both.name(), "InvocationFailed");
        assert_eq!(both.to_string(), "one; after that: two");
    }

    #[test]
    fn all_faults_of_an_input_are_in_one_message() {
        let error = TuneError::InvalidInput(vec![
            Fault::new("num", "is missing"),
            Fault::new("powerValues[0]", "must be a number"),
        ]);
        assert_eq!(
            error.to_string(),
            "the input has 2 faults: `num`: is missing; `powerValues[0]`: must be a number"
        );
    }

    #[test]
    fn a_caught_failure_reads_as_its_message() {
        let cases = [
            (
                r#"{"errorType":"InvalidInput","errorMessage":"`num`: is missing"}"#,
                "`num`: is missing",
            ),
            ("timed out", "timed out"),
            ("{\"other\":1}", "{\"other\":1}"),
            ("", "`E` without a message"),
        ];
        for (cause, want) in cases {
            let failure = Failure::from(Caught {
                error: "E".to_owned(),
                cause: cause.to_owned(),
            });
            assert_eq!(failure.cause, want);
        }
    }

    #[test]
    fn a_long_cause_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 2), "äö…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
