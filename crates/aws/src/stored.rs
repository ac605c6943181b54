//! Payloads that lie in S3.

use std::sync::Arc;

use power_tuner_core::TuneError;
use power_tuner_core::payload::{NotAPayload, Payloads};
use power_tuner_core::request::Request;
use power_tuner_core::s3::S3Uri;

use crate::s3::{Refusal, S3};
use crate::wire::Wire;

/// S3, for payloads. It costs nothing before one is asked for.
#[derive(Debug)]
pub struct StoredPayloads {
    s3: S3,
}

/// A payload as it was in S3 at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub payloads: Payloads,
    /// Other for each other content.
    pub etag: String,
}

/// A call of a function takes no more than that.
const MOST_BYTES: u64 = 6 * 1024 * 1024;

impl StoredPayloads {
    #[must_use]
    pub fn from_env() -> Self {
        Self { s3: S3::from_env() }
    }

    /// A service on this machine, such as a simulated one.
    #[must_use]
    pub fn local(endpoint: &str) -> Self {
        Self {
            s3: S3::local(endpoint),
        }
    }

    /// Somebody in this process who plays AWS.
    #[must_use]
    pub fn through(wire: Arc<dyn Wire>) -> Self {
        Self {
            s3: S3::through(wire),
        }
    }

    /// Reads the payload that a request names; with an `etag`, only in that state of it.
    ///
    /// # Errors
    ///
    /// It is not there, may not be read, has changed, is too large or no JSON, or is a faulty distribution.
    pub async fn read(
        &self,
        at: &S3Uri,
        etag: Option<&str>,
        request: &Request,
    ) -> Result<Stored, TuneError> {
        let unavailable = |detail: String| TuneError::PayloadUnavailable {
            location: at.to_string(),
            detail,
        };
        let in_that_state: Vec<_> = etag.map(|etag| ("if-match", etag)).into_iter().collect();
        let object = self.s3.get(at, &in_that_state).await;
        let object = object.map_err(|refusal| unavailable(why(&refusal)))?;
        let bytes = object.length().unwrap_or_default();
        if bytes > MOST_BYTES {
            return Err(unavailable(format!(
                "it has {bytes} bytes, and a function can be called with {MOST_BYTES} at most; make it smaller"
            )));
        }
        let etag = object.etag().to_owned();
        let body = object
            .bytes()
            .await
            .map_err(|broke| unavailable(format!("{broke}; try again")))?;
        let text = String::from_utf8(body)
            .map_err(|_| unavailable("it is not UTF-8 text, as JSON has to be".to_owned()))?;
        tracing::info!(bytes, etag, "read the payload");
        match Payloads::parse(&text, request) {
            Ok(payloads) => Ok(Stored { payloads, etag }),
            Err(NotAPayload::Faults(faults)) => Err(TuneError::InvalidInput(faults)),
            Err(NotAPayload::NotJson(error)) if request.disable_payload_logs => {
                Err(unavailable(format!(
                    "it is not JSON, from line {} on; Lambda takes nothing else",
                    error.line()
                )))
            }
            Err(not_json) => Err(unavailable(format!(
                "{not_json}; Lambda takes nothing else (a text has to be in quotes)"
            ))),
        }
    }
}

/// What S3 says, and what to do about it.
fn why(refusal: &Refusal) -> String {
    let message = refusal.message();
    match (refusal, refusal.code()) {
        (Refusal::NoAnswer(why), _) => format!(
            "S3 gave no answer: {why}; try again, and where the functions are in a VPC look whether S3 can be reached from it"
        ),
        (_, Some("NoSuchKey")) => "there is no such object; check the key".to_owned(),
        (_, Some("NoSuchBucket")) => "there is no such bucket; check its name".to_owned(),
        (Refusal::Said { status, .. }, _) if status.as_u16() == 412 => {
            "it was changed while the function was being tuned; start the tuning again".to_owned()
        }
        (
            Refusal::Said { region, .. },
            Some("PermanentRedirect" | "AuthorizationHeaderMalformed"),
        ) => {
            let region = region.as_ref().map(|region| format!(", {region}"));
            format!(
                "the bucket is in another region{}; use one in the tuner's",
                region.unwrap_or_default()
            )
        }
        (Refusal::Said { status, .. }, _) if status.as_u16() == 403 => format!(
            "the tuner may not read it (`s3:GetObject`), or it is not there; deploy the stack with the parameters \
             PayloadS3Bucket and PayloadS3Key that name it, and look whether bucket or key policies forbid it ({})",
            message.unwrap_or("no reason given")
        ),
        (_, Some(code)) => format!(
            "S3 answered {code} ({}); try again",
            message.unwrap_or_default()
        ),
        (Refusal::Said { status, .. }, None) => format!("S3 answered {status}; try again"),
    }
}
