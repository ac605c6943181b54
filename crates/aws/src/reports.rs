//! Reports that are stored in S3.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use power_tuner_core::s3::S3Uri;
use sha2::{Digest as _, Sha256};

use crate::s3::{Refusal, S3};
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

const CHECKSUM: &str = "x-amz-checksum-sha256";
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
        let stored = self.store(at, kind, &text, &[]).await;
        stored.map_err(|refusal| not(at, "written", "s3:PutObject", &refusal))
    }

    /// The same, but only where there is none: tells whether it was stored.
    ///
    /// # Errors
    ///
    /// S3 refuses, or gives no answer.
    pub async fn put_first(&self, at: &S3Uri, kind: Kind, text: String) -> Result<bool, NotStored> {
        match self.store(at, kind, &text, &[("if-none-match", "*")]).await {
            Ok(()) => Ok(true),
            Err(refusal) if refusal.status() == Some(412) => Ok(false),
            Err(refusal) => Err(not(at, "written", "s3:PutObject", &refusal)),
        }
    }

    /// A bucket that locks its objects wants a checksum of its own, besides that of the signature.
    async fn store(
        &self,
        at: &S3Uri,
        kind: Kind,
        text: &str,
        besides: &[(&str, &str)],
    ) -> Result<(), Refusal> {
        let hash = STANDARD.encode(Sha256::digest(text));
        let usual = [
            ("content-type", kind.content_type()),
            (CHECKSUM, hash.as_str()),
        ];
        let headers = [&usual, besides].concat();
        self.s3.put(at, &headers, text.as_bytes()).await
    }

    /// Whether an object may be stored, found out without storing it: S3 has to refuse one that has not the hash which it
    /// comes with, and looks at that after whether it may be stored.
    ///
    /// # Errors
    ///
    /// It may not be done, or that is not known.
    pub async fn may_put(&self, at: &S3Uri) -> Result<(), NotStored> {
        let headers = [
            ("content-type", Kind::Json.content_type()),
            (CHECKSUM, NO_HASH),
        ];
        match self.s3.put(at, &headers, b"{}").await {
            Ok(()) => Ok(()),
            Err(refusal) if refusal.code() == Some("BadDigest") => Ok(()),
            Err(refusal) => Err(not(at, "written", "s3:PutObject", &refusal)),
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
        let object = match self.s3.get(at, &[]).await {
            Ok(object) => object,
            Err(refusal) if refusal.code() == Some("NoSuchKey") => return Ok(Found::Nothing),
            Err(refusal) => {
                let not = not(at, "read", "s3:GetObject", &refusal);
                return match refusal.status() {
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
        let text = String::from_utf8(object.bytes().await.map_err(broken)?);
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
        let link = self.s3.link(at, lives).await;
        link.map_err(|detail| NotStored {
            location: at.to_string(),
            what: "linked to",
            detail,
            why: Why::Unclear,
        })
    }
}

fn not(at: &S3Uri, what: &'static str, action: &str, refusal: &Refusal) -> NotStored {
    let message = refusal.message().unwrap_or("no reason given");
    let detail = match (refusal, refusal.code()) {
        (Refusal::NoAnswer(why), _) => format!("S3 gave no answer: {why}"),
        (_, Some("NoSuchBucket")) => {
            "there is no such bucket; check the stack's parameter ReportBucket".to_owned()
        }
        (_, Some("PermanentRedirect" | "AuthorizationHeaderMalformed")) => {
            "the bucket is in another region; use one in the tuner's".to_owned()
        }
        (Refusal::Said { status, .. }, _) if status.as_u16() == 403 => format!(
            "the reporter may not (`{action}`); look whether the bucket's policy, or that of its key, forbids it ({message})"
        ),
        (_, Some(code)) => format!("S3 answered {code} ({message})"),
        (Refusal::Said { status, .. }, None) => format!("S3 answered {status}"),
    };
    NotStored {
        location: at.to_string(),
        what,
        detail,
        why: why(action, refusal),
    }
}

/// S3 says in words which action is missing, if it says it to that account: of an object that is not there it is the one that
/// would list the bucket.
fn why(action: &str, refusal: &Refusal) -> Why {
    let words = refusal.message().unwrap_or_default();
    match (refusal.code(), refusal.status()) {
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
