//! SDK errors become ours, with what to do about them.

use std::error::Error;
use std::iter;

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use power_tuner_core::role::RoleArn;
use power_tuner_core::{MemoryMb, TuneError};

/// What was asked of AWS, for the error that names it.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub action: &'static str,
    pub resource: &'a (dyn std::fmt::Display + Sync),
    /// Whose credentials it was signed with, if not the tuner's own.
    pub role: Option<&'a RoleArn>,
}

/// An error and what led to it. What the SDK's own text has besides may be an answer's body, with the values of a function's
/// environment or what a function returned.
pub(crate) fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !words.ends_with(&said) {
            words = format!("{words}: {said}");
        }
        cause = error.source();
    }
    words
}

/// Why a write did not do what it was to do.
#[derive(Debug)]
pub enum WriteError {
    /// It may have taken effect, or may do so in another moment: no answer, another revision than expected, a change
    /// in progress. Whoever wrote looks what is there now.
    Unclear(TuneError),
    /// It took no effect, and would not if it were repeated.
    Refused(TuneError),
}

impl From<WriteError> for TuneError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Unclear(error) | WriteError::Refused(error) => error,
        }
    }
}

impl<'a> Asked<'a> {
    pub fn of(action: &'static str, resource: &'a (dyn std::fmt::Display + Sync)) -> Self {
        Self {
            action,
            resource,
            role: None,
        }
    }

    pub fn denied(self, remedy: &'static str, detail: &str) -> TuneError {
        TuneError::AccessDenied {
            who: match self.role {
                Some(role) => format!("the role `{role}`"),
                None => "the tuner".to_owned(),
            },
            action: self.action,
            resource: self.resource.to_string(),
            remedy,
            detail: detail.to_owned(),
        }
    }

    pub fn failed<E>(self, error: &SdkError<E>) -> TuneError
    where
        SdkError<E>: ProvideErrorMetadata,
        E: Error + 'static,
    {
        if let Some(not_sent) = not_signed(error) {
            return not_sent.clone();
        }
        match error.code() {
            Some(code) => self.refused(code, error.message().unwrap_or_default()),
            None => TuneError::PublishFailed {
                function: self.resource.to_string(),
                detail: format!("`{}` got no answer: {}", self.action, in_words(error)),
            },
        }
    }

    /// AWS said no, with this code.
    pub fn refused(self, code: &str, message: &str) -> TuneError {
        let Self {
            action,
            resource,
            role,
        } = self;
        let resource = resource.to_string();
        match code {
            "ResourceNotFoundException" => TuneError::FunctionNotFound { function: resource },
            code if is_denial(code) => {
                let remedy = match role {
                    Some(_) => "allow it in the policies of that role",
                    None => "allow it in the stack's policies",
                };
                self.denied(remedy, message)
            }
            "UnrecognizedClientException" | "ExpiredTokenException" if role.is_some() => {
                let remedy = "look whether it was deleted, or its sessions were ended";
                self.denied(remedy, message)
            }
            "TooManyRequestsException" | "ThrottlingException" => TuneError::Throttled {
                what: format!("`{action}` on `{resource}`"),
                remedy: "tune again when nobody else in the account keeps Lambda's control plane busy",
            },
            "PreconditionFailedException" => TuneError::FunctionChanged {
                function: resource,
                detail: format!("`{action}` was refused because the function has another revision"),
            },
            code => TuneError::PublishFailed {
                function: resource,
                detail: format!("`{action}` was refused: {message} ({code})"),
            },
        }
    }

    /// As [`not_written`](Self::not_written), for a write of a memory size: the account may be one that has a smaller largest
    /// size than Lambda, which AWS says only so.
    pub fn memory_not_written<E>(self, error: &SdkError<E>, memory: MemoryMb) -> WriteError
    where
        SdkError<E>: ProvideErrorMetadata,
        E: Error + 'static,
    {
        let code = error.code().unwrap_or_default();
        let message = error.message().unwrap_or_default();
        let is_invalid = ["ValidationException", "InvalidParameterValueException"].contains(&code);
        if is_invalid && message.to_lowercase().contains("memorysize") {
            return WriteError::Refused(TuneError::MemoryRefused {
                memory,
                largest: largest_memory(message).filter(|largest| *largest < memory),
                detail: format!("{message} ({code})"),
            });
        }
        self.not_written(error)
    }

    pub fn not_written<E>(self, error: &SdkError<E>) -> WriteError
    where
        SdkError<E>: ProvideErrorMetadata,
        E: Error + 'static,
    {
        let named = self.failed(error);
        if not_signed(error).is_some() {
            return WriteError::Refused(named);
        }
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        match status {
            // A success that cannot be read may have happened; so may an attempt before the one that was throttled.
            None | Some(200..=299 | 409 | 412 | 429 | 500..) => WriteError::Unclear(named),
            Some(_) => WriteError::Refused(named),
        }
    }
}

/// `Member must have value less than or equal to 3008`.
fn largest_memory(message: &str) -> Option<MemoryMb> {
    let (_, rest) = message.split_once("less than or equal to ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    MemoryMb::try_from(digits.parse::<u32>().ok()?).ok()
}

pub(crate) fn is_denial(code: &str) -> bool {
    code.starts_with("AccessDenied")
}

/// Why a call was never sent: the role that it was to be signed for could not be assumed.
pub(crate) fn not_signed<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a TuneError> {
    iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}
