//! Payloads that lie in S3.

use std::sync::Arc;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use power_tuner_core::TuneError;
use power_tuner_core::payload::{NotAPayload, Payloads};
use power_tuner_core::request::Request;
use power_tuner_core::s3::S3Uri;

use crate::failure::in_words;
use crate::s3::S3;
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
const MOST_BYTES: usize = 6 * 1024 * 1024;

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
        let client = self.s3.client();
        let object = client
            .get_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .set_if_match(etag.map(str::to_owned))
            .send()
            .await
            .map_err(|error| unavailable(why(&error)))?;
        let bytes = object.content_length.unwrap_or_default();
        let Some(bytes) = usize::try_from(bytes)
            .ok()
            .filter(|size| *size <= MOST_BYTES)
        else {
            return Err(unavailable(format!(
                "it has {bytes} bytes, and a function can be called with {MOST_BYTES} at most; make it smaller"
            )));
        };
        let etag = object.e_tag.unwrap_or_default();
        let body = object.body.collect().await.map_err(|error| {
            unavailable(format!("the connection broke while it was read: {error}"))
        })?;
        let text = String::from_utf8(body.to_vec())
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
fn why(error: &SdkError<GetObjectError, HttpResponse>) -> String {
    let response = error.raw_response();
    let region = response.and_then(|response| response.headers().get("x-amz-bucket-region"));
    match (
        error.code(),
        response.map(|response| response.status().as_u16()),
    ) {
        (Some("NoSuchKey"), _) => "there is no such object; check the key".to_owned(),
        (Some("NoSuchBucket"), _) => "there is no such bucket; check its name".to_owned(),
        (_, Some(412)) => {
            "it was changed while the function was being tuned; start the tuning again".to_owned()
        }
        (Some("PermanentRedirect" | "AuthorizationHeaderMalformed"), _) => format!(
            "the bucket is in another region{}; use one in the tuner's",
            region
                .map(|region| format!(", {region}"))
                .unwrap_or_default()
        ),
        (_, Some(403)) => format!(
            "the tuner may not read it (`s3:GetObject`), or it is not there; deploy the stack with the parameters \
             PayloadS3Bucket and PayloadS3Key that name it, and look whether bucket or key policies forbid it ({})",
            error.message().unwrap_or("no reason given")
        ),
        (Some(code), _) => format!(
            "S3 answered {code} ({}); try again",
            error.message().unwrap_or_default()
        ),
        (None, _) => format!("S3 gave no answer: {}", in_words(error)),
    }
}
