//! The one call that measuring is built on.

use std::time::Duration;

use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::RequestId;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use power_tuner_core::TuneError;
use power_tuner_core::function::FunctionArn;
use power_tuner_core::measurement::Version;

use crate::failure::{in_words, not_signed};
use crate::lambda::LambdaApi;

/// What a call of the target gave back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub request_id: String,
    /// The last 4 KB of the call's log.
    pub log: String,
    /// The function failed: its error, as far as it is text.
    pub error: Option<String>,
    /// What it returned, where somebody wants it.
    pub output: Vec<u8>,
}

/// What a call of the target is made with.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub payload: &'a [u8],
    pub longest: Duration,
    pub keeps_output: bool,
}

/// Why a call of the target has no answer.
#[derive(Debug)]
pub enum InvokeError {
    /// No environment was free; the function did not run.
    Throttled,
    /// The connection or the service failed; whether the function ran is not known.
    NoAnswer(String),
    /// The call was refused, and would be again.
    Failed(TuneError),
}

impl LambdaApi {
    /// Calls one version once, and waits for it no longer than asked.
    ///
    /// # Errors
    ///
    /// The call was refused or has no answer. A function that fails is an [`Answer`].
    pub async fn invoke(
        &self,
        function: &FunctionArn,
        version: &Version,
        ask: Ask<'_>,
    ) -> Result<Answer, InvokeError> {
        let name = format!("{function}:{}", version.number);
        self.call(&name, ask).await
    }

    /// Calls any function once, by a name or an ARN with or without a qualifier.
    ///
    /// # Errors
    ///
    /// As [`invoke`](Self::invoke).
    pub async fn call(&self, name: &str, ask: Ask<'_>) -> Result<Answer, InvokeError> {
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(ask.longest)
            .build();
        let sent = self
            .measured(name)
            .invoke()
            .function_name(name)
            .log_type(LogType::Tail)
            .payload(Blob::new(ask.payload))
            .customize()
            .config_override(aws_sdk_lambda::Config::builder().timeout_config(timeouts))
            .send()
            .await;
        match sent {
            Ok(output) => {
                let request_id = output.request_id().unwrap_or_default().to_owned();
                let returned = output.payload.map(Blob::into_inner).unwrap_or_default();
                Ok(Answer {
                    request_id,
                    error: output
                        .function_error
                        .map(|_| String::from_utf8_lossy(&returned).into_owned()),
                    log: decoded(&output.log_result.unwrap_or_default()),
                    output: if ask.keeps_output {
                        returned
                    } else {
                        Vec::new()
                    },
                })
            }
            Err(error) if error.code() == Some("TooManyRequestsException") => {
                Err(InvokeError::Throttled)
            }
            // Lambda's own message quotes the payload.
            Err(error) if error.code() == Some("InvalidRequestContentException") => {
                let detail = format!("`lambda:InvokeFunction` on `{name}` was refused: {NOT_JSON}");
                Err(InvokeError::Failed(TuneError::InvocationFailed(detail)))
            }
            Err(error) if refused(&error) || is_not_for_us(&error) => {
                let failed = self.asked("lambda:InvokeFunction", &name).failed(&error);
                Err(InvokeError::Failed(match failed {
                    TuneError::PublishFailed { detail, .. } => TuneError::InvocationFailed(detail),
                    named => named,
                }))
            }
            Err(error) => Err(InvokeError::NoAnswer(in_words(&error))),
        }
    }
}

const NOT_JSON: &str =
    "its payload is not JSON; where there is a pre-processor, that has to return JSON";

fn refused<E>(error: &SdkError<E>) -> bool {
    error
        .raw_response()
        .is_some_and(|response| response.status().is_client_error())
}

/// The role that it was to be signed for may not be assumed. STS may also have had a bad moment: that passes.
fn is_not_for_us<E: std::error::Error + 'static>(error: &SdkError<E>) -> bool {
    matches!(not_signed(error), Some(TuneError::AccessDenied { .. }))
}

/// A log that cannot be read is a log without a report: the executor counts it.
fn decoded(log: &str) -> String {
    let bytes = STANDARD.decode(log).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
