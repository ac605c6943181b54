//! The one call that measuring is built on.

use std::time::Duration;

use aws_credential_types::Credentials;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, StatusCode};
use power_tuner_core::TuneError;
use power_tuner_core::function::{FunctionArn, region_in};
use power_tuner_core::measurement::Version;
use serde::Deserialize;
use tokio::time::timeout;

use crate::endpoint;
use crate::lambda::LambdaApi;
use crate::signed::{NoAnswer, Service, segment};

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
        let answer = timeout(ask.longest, self.call_once(name, ask)).await;
        answer.unwrap_or_else(|_| {
            let why = format!("it took longer than {} s", ask.longest.as_secs_f64());
            Err(InvokeError::NoAnswer(why))
        })
    }

    /// No client of the SDK is between, which would repeat a call that failed, or give it up while the function is silent.
    async fn call_once(&self, name: &str, ask: Ask<'_>) -> Result<Answer, InvokeError> {
        let region = match region_in(name) {
            Some(region) => region,
            None => self.shared.region()?,
        };
        let url = format!(
            "{}/2015-03-31/functions/{}/invocations",
            endpoint::lambda(&self.shared.config, region),
            segment(name)
        );
        let request = Request::post(url)
            .header("content-type", "application/octet-stream")
            .header("x-amz-log-type", "Tail")
            .body(ask.payload.to_vec())
            .map_err(|error| InvokeError::NoAnswer(error.to_string()))?;
        let credentials = self.own_or_assumed().await?;
        let sent = self
            .shared
            .send(request, Service::Lambda, region, credentials);
        let answer = sent.await?;
        let header = |name| answer.header(name).unwrap_or_default().to_owned();
        let (status, code) = (answer.status, header("x-amzn-errortype"));
        if status.is_success() {
            let request_id = header("x-amzn-requestid");
            let log = decoded(&header("x-amz-log-result"));
            let failed = answer.header("x-amz-function-error").is_some();
            let returned = answer.bytes().await?;
            return Ok(Answer {
                request_id,
                log,
                error: failed.then(|| String::from_utf8_lossy(&returned).into_owned()),
                output: if ask.keeps_output {
                    returned
                } else {
                    Vec::new()
                },
            });
        }
        if let (403, Some(assumed)) = (status.as_u16(), &self.assumed) {
            assumed.was_refused();
        }
        let refusal = Refusal::read(&code, status, &answer.bytes().await?);
        Err(match refusal.code.as_str() {
            "TooManyRequestsException" => InvokeError::Throttled,
            // Lambda's own message quotes the payload.
            "InvalidRequestContentException" => {
                let detail = format!("`lambda:InvokeFunction` on `{name}` was refused: {NOT_JSON}");
                InvokeError::Failed(TuneError::InvocationFailed(detail))
            }
            code if status.is_client_error() => {
                let asked = self.asked("lambda:InvokeFunction", &name);
                InvokeError::Failed(match asked.refused(code, &refusal.message) {
                    TuneError::PublishFailed { detail, .. } => TuneError::InvocationFailed(detail),
                    named => named,
                })
            }
            code => InvokeError::NoAnswer(format!("Lambda answered {code}: {}", refusal.message)),
        })
    }

    async fn own_or_assumed(&self) -> Result<Credentials, InvokeError> {
        let Some(assumed) = &self.assumed else {
            return Ok(self.shared.credentials().await?);
        };
        assumed.credentials().await.map_err(|error| match error {
            TuneError::AccessDenied { .. } => InvokeError::Failed(error),
            // STS may also have had a bad moment: that passes.
            passing => InvokeError::NoAnswer(passing.to_string()),
        })
    }
}

impl From<NoAnswer> for InvokeError {
    fn from(why: NoAnswer) -> Self {
        Self::NoAnswer(why)
    }
}

/// Why Lambda did not take a call.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    #[serde(skip)]
    code: String,
    #[serde(alias = "Message")]
    message: String,
}

impl Refusal {
    /// A code may have a namespace before it, and an address behind it; what is no answer of Lambda's has none.
    fn read(code: &str, status: StatusCode, body: &[u8]) -> Self {
        let code = code.split(':').next().unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default();
        let code = match code {
            "" => status.to_string(),
            code => code.to_owned(),
        };
        Self {
            code,
            ..serde_json::from_slice(body).unwrap_or_default()
        }
    }
}

const NOT_JSON: &str =
    "its payload is not JSON; where there is a pre-processor, that has to return JSON";

/// A log that cannot be read is a log without a report: the executor counts it.
fn decoded(log: &str) -> String {
    let bytes = STANDARD.decode(log).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
