//! `GetObject` and `PutObject` of S3's REST-XML API, with the bucket in the path.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::api::{self, Misread, Request};
use crate::error::ApiError;
use crate::names::Target;
use crate::objects::{Object, Objects};
use crate::operation::{Call, Operation, Reply};

/// What a caller wants to have.
#[derive(Debug)]
pub(crate) struct GetObject {
    bucket: String,
    key: String,
    /// The `ETag` that the object must have.
    if_match: Option<String>,
}

/// What a caller stores.
#[derive(Debug)]
pub(crate) struct PutObject {
    bucket: String,
    key: String,
    /// Only where there is nothing yet.
    is_first: bool,
    /// What the SHA-256 of its bytes is, in Base64.
    checksum: Option<String>,
    pub content_type: Option<String>,
    pub bytes: Vec<u8>,
}

/// Whether a request is one for S3: the GETs and PUTs whose path is a bucket and a key. Those of Lambda begin with a date.
pub(crate) fn is_asked(request: &Request) -> bool {
    ["GET", "PUT"].contains(&request.method.as_str())
        && bucket_and_key(&request.path).is_some_and(|(bucket, _)| !is_api_version(&bucket))
}

/// The bucket and the key of a path like `/bucket/a/key`.
pub(crate) fn bucket_and_key(path: &str) -> Option<(String, String)> {
    let (bucket, key) = path.strip_prefix('/')?.split_once('/')?;
    (!bucket.is_empty() && !key.is_empty())
        .then(|| (api::percent_decode(bucket), api::percent_decode(key)))
}

/// `2015-03-31` and its like.
fn is_api_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([4, 2, 2])
        && parts.concat().bytes().all(|byte| byte.is_ascii_digit())
}

pub(crate) fn read(request: &Request, request_id: String) -> Result<Call, Misread> {
    let action = match request.method.as_str() {
        "PUT" => "PutObject",
        _ => "GetObject",
    };
    let misread = |what: &str| Misread {
        action,
        error: ApiError::not_simulated(what),
    };
    if let Some(other) = request.query.keys().find(|name| *name != "x-id") {
        return Err(misread(&format!("`{other}` of an object")));
    }
    if request.range.is_some() {
        return Err(misread("a range of an object"));
    }
    let (bucket, key) = bucket_and_key(&request.path).ok_or_else(|| misread(&request.path))?;
    let target = Target {
        function: format!("{bucket}/{key}"),
        qualifier: None,
    };
    let operation = if action == "GetObject" {
        Operation::GetObject(GetObject {
            bucket,
            key,
            if_match: request.if_match.clone(),
        })
    } else {
        let is_first = match request.if_none_match.as_deref() {
            None => false,
            Some("*") => true,
            Some(other) => return Err(misread(&format!("If-None-Match `{other}`"))),
        };
        Operation::PutObject(PutObject {
            bucket,
            key,
            is_first,
            checksum: request.checksum_sha256.clone(),
            content_type: request.content_type.clone(),
            bytes: request.body.clone(),
        })
    };
    Ok(Call {
        request_id,
        action,
        target: Some(target),
        operation,
        members: Vec::new(),
    })
}

pub(crate) fn answer(wanted: &GetObject, objects: &Objects) -> Result<Reply, ApiError> {
    let object = objects.find(&wanted.bucket, &wanted.key)?;
    let matches =
        |etag: &str| etag == "*" || etag.trim_matches('"') == object.etag.trim_matches('"');
    if !wanted.if_match.as_deref().is_none_or(matches) {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Err(ApiError::new(412, "PreconditionFailed", message));
    }
    Ok(Reply {
        status: 200,
        headers: vec![
            (
                "content-type",
                object
                    .content_type
                    .clone()
                    .unwrap_or_else(|| "binary/octet-stream".to_owned()),
            ),
            ("etag", object.etag.clone()),
            ("last-modified", object.last_modified.clone()),
        ],
        body: object.bytes.clone(),
    })
}

pub(crate) fn store(
    given: &PutObject,
    object: Object,
    objects: &mut Objects,
) -> Result<Reply, ApiError> {
    if !objects.has(&given.bucket) {
        let message = "The specified bucket does not exist";
        return Err(ApiError::new(404, "NoSuchBucket", message));
    }
    let checksum = STANDARD.encode(Sha256::digest(&given.bytes));
    if given
        .checksum
        .as_ref()
        .is_some_and(|given| *given != checksum)
    {
        let message = "The SHA256 you specified did not match the calculated checksum.";
        return Err(ApiError::new(400, "BadDigest", message));
    }
    if given.is_first && objects.find(&given.bucket, &given.key).is_ok() {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Err(ApiError::new(412, "PreconditionFailed", message));
    }
    let etag = object.etag.clone();
    objects.put(&given.bucket, &given.key, object);
    Ok(Reply {
        headers: vec![("etag", etag)],
        ..Reply::empty(200)
    })
}

/// Writes a refusal in the form of S3's REST-XML protocol.
pub(crate) fn refusal(error: &ApiError) -> Reply {
    let (code, message) = (escaped(&error.kind), escaped(&error.message));
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Reply {
        status: error.status,
        headers: vec![("content-type", "application/xml".to_owned())],
        body: body.into_bytes(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// S3's usual name for an error with that status.
pub(crate) fn usual_error(status: u16) -> &'static str {
    match status {
        301 => "PermanentRedirect",
        403 => "AccessDenied",
        404 => "NoSuchKey",
        412 => "PreconditionFailed",
        503 => "SlowDown",
        500.. => "InternalError",
        _ => "InvalidRequest",
    }
}
