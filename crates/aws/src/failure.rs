//! SDK errors become ours, with what to do about them.

use std::error::Error;

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use power_tuner_core::TuneError;
use power_tuner_core::function::FunctionArn;

/// What was asked of AWS, for the error that names it.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub action: &'static str,
    pub resource: &'a (dyn std::fmt::Display + Sync),
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
        Self { action, resource }
    }

    pub fn on(action: &'static str, function: &'a FunctionArn) -> Self {
        Self::of(action, function)
    }

    pub fn failed<E>(self, error: &SdkError<E>) -> TuneError
    where
        SdkError<E>: ProvideErrorMetadata,
        E: Error + 'static,
    {
        let Self { action, resource } = self;
        let resource = resource.to_string();
        let message = error.message().unwrap_or_default().to_owned();
        match error.code() {
            Some("ResourceNotFoundException") => TuneError::FunctionNotFound { function: resource },
            Some(code) if code.starts_with("AccessDenied") => TuneError::AccessDenied {
                action,
                resource,
                detail: message,
            },
            Some("TooManyRequestsException" | "ThrottlingException") => TuneError::Throttled {
                what: format!("`{action}` on `{resource}`"),
                remedy: "tune again when nobody else in the account keeps Lambda's control plane busy",
            },
            Some("PreconditionFailedException") => TuneError::FunctionChanged {
                function: resource,
                detail: format!("`{action}` was refused because the function has another revision"),
            },
            Some(code) => TuneError::PublishFailed {
                function: resource,
                detail: format!("`{action}` was refused: {message} ({code})"),
            },
            None => TuneError::PublishFailed {
                function: resource,
                detail: format!("`{action}` got no answer: {}", in_words(error)),
            },
        }
    }

    pub fn not_written<E>(self, error: &SdkError<E>) -> WriteError
    where
        SdkError<E>: ProvideErrorMetadata,
        E: Error + 'static,
    {
        let named = self.failed(error);
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
