//! `GetObject` of S3's REST-XML API, with the bucket in the path.

use crate::api::{self, Misread, Request};
use crate::error::ApiError;
use crate::names::Target;
use crate::objects::Objects;
use crate::operation::{Call, Operation, Reply};

const ACTION: &str = "GetObject";

/// What a caller wants to have.
#[derive(Debug)]
pub(crate) struct GetObject {
    bucket: String,
    key: String,
    /// The `ETag` that the object must have.
    if_match: Option<String>,
}

/// Whether a request is one for S3: the GETs whose path is a bucket and a key. Those of Lambda begin with a date.
pub(crate) fn is_asked(request: &Request) -> bool {
    request.method == "GET"
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
    let misread = |what: &str| Misread {
        action: ACTION,
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
    Ok(Call {
        request_id,
        action: ACTION,
        target: Some(target),
        operation: Operation::GetObject(GetObject {
            bucket,
            key,
            if_match: request.if_match.clone(),
        }),
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
            ("content-type", "binary/octet-stream".to_owned()),
            ("etag", object.etag.clone()),
            ("last-modified", object.last_modified.clone()),
        ],
        body: object.bytes.clone(),
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
