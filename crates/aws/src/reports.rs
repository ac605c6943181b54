//! Reports that are stored in S3.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use power_tuner_core::s3::S3Uri;

use crate::failure::in_words;
use crate::s3::S3;
use crate::wire::Wire;

/// S3, for reports.
#[derive(Debug)]
pub struct StoredReports {
    s3: S3,
}

/// An object could not be stored, or read: what S3 says, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{location}` could not be {what}: {detail}")]
pub struct NotStored {
    location: String,
    what: &'static str,
    detail: String,
    why: Why,
}

/// What keeps an object from being stored, or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its bucket is not there, or not here.
    NoBucket,
    /// It may not be done, by name.
    Denied,
    /// It may not be done, or is not there: without a word which.
    DeniedOrNothing,
    /// There is none, which S3 says so to those who may not list the bucket.
    Nothing,
    /// Something that says nothing about whether it may be done.
    Unclear,
}

impl NotStored {
    #[must_use]
    pub fn why(&self) -> Why {
        self.why
    }
}

impl From<NotStored> for String {
    fn from(error: NotStored) -> Self {
        error.to_string()
    }
}

/// An object that may not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Text(String),
    Nothing,
    /// S3 tells only those who may list a bucket whether something is in it that may not be read, or nothing at all.
    Refused(NotStored),
}

/// What an object is, as a browser wants to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Html,
    Json,
}

/// Nothing has this hash.
const NO_HASH: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

impl Kind {
    fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

impl StoredReports {
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

    /// Stores an object, encrypted as its bucket says.
    ///
    /// # Errors
    ///
    /// S3 refuses, or gives no answer.
    pub async fn put(&self, at: &S3Uri, kind: Kind, text: String) -> Result<(), NotStored> {
        let put = self.s3.client().put_object();
        let put = put.bucket(&at.bucket).key(&at.key);
        let put = put.content_type(kind.content_type());
        let put = put.body(ByteStream::from(text.into_bytes()));
        put.send()
            .await
            .map_err(|error| not(at, "written", "s3:PutObject", &error))?;
        Ok(())
    }

    /// The same, but only where there is none: tells whether it was stored.
    ///
    /// # Errors
    ///
    /// S3 refuses, or gives no answer.
    pub async fn put_first(&self, at: &S3Uri, kind: Kind, text: String) -> Result<bool, NotStored> {
        let put = self.s3.client().put_object();
        let put = put.bucket(&at.bucket).key(&at.key).if_none_match("*");
        let put = put.content_type(kind.content_type());
        let put = put.body(ByteStream::from(text.into_bytes()));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if status(&error) == Some(412) => Ok(false),
            Err(error) => Err(not(at, "written", "s3:PutObject", &error)),
        }
    }

    /// Whether an object may be stored, found out without storing it: S3 has to refuse one that has not the hash which it
    /// comes with, and looks at that after whether it may be stored.
    ///
    /// # Errors
    ///
    /// It may not be done, or that is not known.
    pub async fn may_put(&self, at: &S3Uri) -> Result<(), NotStored> {
        let put = self.s3.client().put_object();
        let put = put.bucket(&at.bucket).key(&at.key);
        let put = put.checksum_sha256(NO_HASH);
        let put = put.content_type(Kind::Json.content_type());
        match put.body(ByteStream::from_static(b"{}")).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("BadDigest") => Ok(()),
            Err(error) => Err(not(at, "written", "s3:PutObject", &error)),
        }
    }

    /// Whether an object may be read, be it there or not.
    ///
    /// # Errors
    ///
    /// It may not be done, or that is not known.
    pub async fn may_read(&self, at: &S3Uri) -> Result<(), NotStored> {
        match self.read(at).await? {
            Found::Text(_) | Found::Nothing => Ok(()),
            Found::Refused(not) if not.why == Why::Nothing => Ok(()),
            Found::Refused(not) => Err(not),
        }
    }

    /// Reads an object.
    ///
    /// # Errors
    ///
    /// S3 gives no answer, or one that helps nobody.
    pub async fn read(&self, at: &S3Uri) -> Result<Found, NotStored> {
        let get = self.s3.client().get_object();
        let object = match get.bucket(&at.bucket).key(&at.key).send().await {
            Ok(object) => object,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(Found::Nothing),
            Err(error) => {
                let not = not(at, "read", "s3:GetObject", &error);
                return match status(&error) {
                    Some(403) => Ok(Found::Refused(not)),
                    _ => Err(not),
                };
            }
        };
        let broken = |detail: String| NotStored {
            location: at.to_string(),
            what: "read",
            detail,
            why: Why::Unclear,
        };
        let body = object.body.collect().await;
        let body = body.map_err(|error| broken(format!("the connection broke: {error}")))?;
        let text = String::from_utf8(body.to_vec());
        text.map(Found::Text)
            .map_err(|_| broken("it is not UTF-8 text".to_owned()))
    }

    /// An address at which whoever has it can read an object for so long, and for no longer than the credentials live that
    /// this process has.
    ///
    /// # Errors
    ///
    /// There are no credentials to sign it with.
    pub async fn link(&self, at: &S3Uri, lives: Duration) -> Result<String, NotStored> {
        let not = |detail: String| NotStored {
            location: at.to_string(),
            what: "linked to",
            detail,
            why: Why::Unclear,
        };
        let lives = PresigningConfig::expires_in(lives).map_err(|error| not(error.to_string()))?;
        let get = self.s3.client().get_object();
        let get = get.bucket(&at.bucket).key(&at.key);
        let signed = get.presigned(lives).await;
        signed
            .map(|request| request.uri().to_owned())
            .map_err(|error| not(in_words(&error)))
    }
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

fn not<E>(
    at: &S3Uri,
    what: &'static str,
    action: &str,
    error: &SdkError<E, HttpResponse>,
) -> NotStored
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let message = error.message().unwrap_or("no reason given");
    let detail = match (error.code(), status(error)) {
        (Some("NoSuchBucket"), _) => {
            "there is no such bucket; check the stack's parameter ReportBucket".to_owned()
        }
        (Some("PermanentRedirect" | "AuthorizationHeaderMalformed"), _) => {
            "the bucket is in another region; use one in the tuner's".to_owned()
        }
        (_, Some(403)) => format!(
            "the reporter may not (`{action}`); look whether the bucket's policy, or that of its key, forbids it ({message})"
        ),
        (Some(code), _) => format!("S3 answered {code} ({message})"),
        (None, Some(status)) => format!("S3 answered {status}"),
        (None, None) => format!("S3 gave no answer: {}", in_words(error)),
    };
    NotStored {
        location: at.to_string(),
        what,
        detail,
        why: why(action, error),
    }
}

/// S3 says in words which action is missing, if it says it to that account: of an object that is not there it is the one that
/// would list the bucket.
fn why<E>(action: &str, error: &SdkError<E, HttpResponse>) -> Why
where
    E: ProvideErrorMetadata,
{
    let words = error.message().unwrap_or_default();
    match (error.code(), status(error)) {
        (Some("NoSuchBucket" | "PermanentRedirect" | "AuthorizationHeaderMalformed"), _) => {
            Why::NoBucket
        }
        (_, Some(403)) if action == "s3:PutObject" => Why::Denied,
        (_, Some(403)) if words.contains("s3:ListBucket") => Why::Nothing,
        (_, Some(403)) if words.contains("not authorized to perform") => Why::Denied,
        (_, Some(403)) => Why::DeniedOrNothing,
        _ => Why::Unclear,
    }
}
