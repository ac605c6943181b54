//! One call of the target, with the functions before and after it.

use std::sync::Arc;
use std::time::Duration;

use power_tuner_aws::{Answer, Ask, InvokeError, LambdaApi};
use power_tuner_core::TuneError;
use power_tuner_core::error::shortened;
use power_tuner_core::function::FunctionRef;
use power_tuner_core::measurement::Version;
use power_tuner_core::plan::Plan;
use power_tuner_core::request::Request;
use serde_json::Value;
use tokio::sync::Barrier;
use tokio::time::{Instant, sleep};

pub(crate) struct Call<'a> {
    /// For the functions before and after the target.
    pub api: &'a LambdaApi,
    pub target: &'a LambdaApi,
    pub plan: &'a Plan,
    pub version: &'a Version,
    /// Which of the payloads it is, and what that says.
    pub payload: usize,
    pub bytes: &'a [u8],
}

pub(crate) struct Ended {
    pub payload: usize,
    pub took: Duration,
    pub answer: Result<Answer, InvokeError>,
    /// The post-processor failed.
    pub afterwards: Option<TuneError>,
}

/// What a call may take beyond the function's own timeout: a cold start, and the way.
const BEYOND_TIMEOUT: Duration = Duration::from_secs(30);
/// No function takes longer.
const LONGEST_PROCESSOR: Duration = Duration::from_mins(15);
/// A throttled post-processor is asked again, so often and after so long: the target has run, and must not run again.
const ATTEMPTS: u32 = 20;
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);

/// What one call may take.
pub(crate) fn longest(plan: &Plan) -> Duration {
    Duration::from_secs(u64::from(plan.target.timeout_s)) + BEYOND_TIMEOUT
}

impl Call<'_> {
    /// Makes the call; of several that are to start together, when all of them are ready.
    pub async fn make(self, together: Option<Arc<Barrier>>) -> Ended {
        let start = Instant::now();
        let prepared = self.prepare().await;
        if let Some(together) = together {
            together.wait().await;
        }
        let answer = match prepared {
            Ok(prepared) => self.call(&prepared).await,
            Err(error) => Err(error),
        };
        let afterwards = match &answer {
            Ok(answer) if answer.error.is_none() => self.follow_up(&answer.output).await,
            _ => None,
        };
        Ended {
            payload: self.payload,
            took: start.elapsed(),
            answer,
            afterwards,
        }
    }

    async fn prepare(&self) -> Result<Vec<u8>, InvokeError> {
        match &self.plan.request.pre_processor {
            Some(processor) => self.process(processor, "pre", self.bytes).await,
            None => Ok(Vec::new()),
        }
    }

    async fn call(&self, prepared: &[u8]) -> Result<Answer, InvokeError> {
        let ask = Ask {
            payload: if is_empty(prepared) {
                self.bytes
            } else {
                prepared
            },
            longest: longest(self.plan),
            keeps_output: self.plan.request.post_processor.is_some(),
        };
        self.target
            .invoke(&self.plan.target.function, self.version, ask)
            .await
    }

    async fn follow_up(&self, output: &[u8]) -> Option<TuneError> {
        let processor = self.plan.request.post_processor.as_ref()?;
        for _ in 0..ATTEMPTS {
            match self.process(processor, "post", output).await {
                Ok(_) => return None,
                Err(InvokeError::Failed(error)) => return Some(error),
                Err(InvokeError::NoAnswer(why)) => {
                    return Some(TuneError::InvocationFailed(format!(
                        "the post-processor `{}` gave no answer: {}",
                        processor.qualified(),
                        shortened(&why, 500)
                    )));
                }
                Err(InvokeError::Throttled) => sleep(BETWEEN_ATTEMPTS).await,
            }
        }
        Some(TuneError::Throttled {
            what: format!("the post-processor `{}`", processor.qualified()),
            remedy: "raise the concurrency that it and the account have",
        })
    }

    /// Calls the function before or after the target, and gives what it returned.
    async fn process(
        &self,
        processor: &FunctionRef,
        which: &str,
        payload: &[u8],
    ) -> Result<Vec<u8>, InvokeError> {
        let ask = Ask {
            payload,
            longest: LONGEST_PROCESSOR,
            keeps_output: true,
        };
        let answer = match self.api.call(&processor.qualified(), ask).await {
            Err(InvokeError::Failed(error)) => {
                return Err(InvokeError::Failed(TuneError::InvocationFailed(format!(
                    "the {which}-processor cannot be called: {error}"
                ))));
            }
            answer => answer?,
        };
        match &answer.error {
            None => Ok(answer.output),
            Some(error) => Err(InvokeError::Failed(TuneError::InvocationFailed(format!(
                "the {which}-processor `{}` failed: {}",
                processor.qualified(),
                readable(error, payload, &self.plan.request)
            )))),
        }
    }
}

/// Nothing, or what a function returns that returns nothing.
fn is_empty(output: &[u8]) -> bool {
    matches!(output, b"" | b"null" | b"\"\"")
}

/// `KeyError` of `{"errorMessage": …, "errorType": "KeyError"}`.
pub(crate) fn error_type(error: &str) -> Option<String> {
    let parsed: Value = serde_json::from_str(error).ok()?;
    Some(parsed.get("errorType")?.as_str()?.to_owned())
}

/// `KeyError`, `java.lang.RuntimeException`: a function may put any text into its place, also the payload.
fn is_a_types_name(kind: &str) -> bool {
    const LONGEST: usize = 100;
    let may_be = |c: char| c.is_ascii_alphanumeric() || "_.:$".contains(c);
    kind.len() <= LONGEST && kind.chars().all(may_be)
}

/// `{"errorMessage": …, "errorType": …}` as a sentence, with the payload; anything else as it is. A message may repeat
/// the payload, so where that must not show, only the error's type does.
pub(crate) fn readable(error: &str, payload: &[u8], request: &Request) -> String {
    const MOST: usize = 500;
    const MOST_OF_PAYLOAD: usize = 200;
    let kind = error_type(error);
    if request.disable_payload_logs {
        let kind = kind.filter(|kind| is_a_types_name(kind));
        let kind = kind.unwrap_or_else(|| "an error without a type".to_owned());
        return format!("{kind}; `disablePayloadLogs` keeps its message back");
    }
    let parsed: Option<Value> = serde_json::from_str(error).ok();
    let message = parsed
        .as_ref()
        .and_then(|error| error.get("errorMessage")?.as_str());
    let text = match (message, &kind) {
        (Some(message), Some(kind)) => format!("{message} ({kind})"),
        (Some(message), None) => message.to_owned(),
        _ => error.to_owned(),
    };
    let text = shortened(&text, MOST);
    match shortened(&String::from_utf8_lossy(payload), MOST_OF_PAYLOAD) {
        empty if empty.is_empty() => text,
        payload => format!("{text}, with the payload {payload}"),
    }
}
