//! Reads HTTP requests of the Lambda REST-JSON API, and writes its answers.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::names::{Place, Target};
use crate::operation::{Call, Invocation, Operation, Page, Reply};

/// The parts of an HTTP request that matter here.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub invocation_type: Option<String>,
    pub log_type: Option<String>,
    /// The region in the scope of the signature, where there is one.
    pub signed_for: Option<String>,
    /// The action, in the protocols that do not name it in the path.
    pub amz_target: Option<String>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub content_type: Option<String>,
    pub checksum_sha256: Option<String>,
    pub range: Option<String>,
    /// The port that it came from, where there is a network.
    pub caller: Option<u16>,
    pub body: Vec<u8>,
}

/// What went wrong with a request before it became a call.
#[derive(Debug)]
pub(crate) struct Misread {
    pub action: &'static str,
    pub error: ApiError,
}

type Read = (&'static str, Result<Operation, ApiError>);

/// Turns a request into a call.
pub(crate) fn read(place: &Place, request: &Request, request_id: String) -> Result<Call, Misread> {
    let segments: Vec<String> = request
        .path
        .trim_matches('/')
        .split('/')
        .map(percent_decode)
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let unknown = || Misread {
        action: "Unknown",
        error: ApiError::not_simulated(&format!("{} {}", request.method, request.path)),
    };
    let (name, rest) = match segments.as_slice() {
        ["2016-08-19", "account-settings"] if request.method == "GET" => {
            let operation = Operation::GetAccountSettings;
            return Ok(Call {
                request_id,
                action: "GetAccountSettings",
                target: None,
                operation,
                members: Vec::new(),
            });
        }
        [
            date @ ("2015-03-31" | "2017-10-31" | "2019-09-30"),
            "functions",
            name,
            rest @ ..,
        ] => (*name, [&[*date], rest].concat()),
        _ => return Err(unknown()),
    };
    let (action, operation) = route(request, &rest).ok_or_else(unknown)?;
    let misread = |error| Misread { action, error };
    let operation = operation.map_err(misread)?;
    if let Some(region) = &request.signed_for {
        place.check_signed_for(region).map_err(misread)?;
    }
    let target = place
        .target(name, request.query.get("Qualifier").map(String::as_str))
        .map_err(misread)?;
    Ok(Call {
        request_id,
        action,
        target: Some(with_alias(target, &operation)),
        members: members(&operation, &request.body),
        operation,
    })
}

fn members(operation: &Operation, body: &[u8]) -> Vec<String> {
    let read = match operation {
        Operation::Invoke(_) => None,
        _ => serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).ok(),
    };
    let mut names: Vec<String> = read.into_iter().flatten().map(|(name, _)| name).collect();
    names.sort_unstable();
    names
}

/// An alias operation names its alias in the path or the body; faults and the call list want it as the qualifier.
fn with_alias(target: Target, operation: &Operation) -> Target {
    let alias = match operation {
        Operation::CreateAlias(alias) => &alias.name,
        Operation::GetAlias(name)
        | Operation::UpdateAlias(name, _)
        | Operation::DeleteAlias(name) => name,
        _ => return target,
    };
    Target {
        qualifier: Some(alias.clone()),
        ..target
    }
}

fn route(request: &Request, rest: &[&str]) -> Option<Read> {
    let read: Read = match (request.method.as_str(), rest) {
        ("GET", ["2015-03-31", "configuration"]) => (
            "GetFunctionConfiguration",
            Ok(Operation::GetFunctionConfiguration),
        ),
        ("PUT", ["2015-03-31", "configuration"]) => (
            "UpdateFunctionConfiguration",
            body(request).map(|change| Operation::UpdateFunctionConfiguration(Box::new(change))),
        ),
        ("PUT", ["2015-03-31", "code"]) => (
            "UpdateFunctionCode",
            body(request).map(Operation::UpdateFunctionCode),
        ),
        ("DELETE", ["2015-03-31"]) => ("DeleteFunction", Ok(Operation::DeleteFunction)),
        ("POST", ["2015-03-31", "invocations"]) => {
            ("Invoke", invocation(request).map(Operation::Invoke))
        }
        ("POST", ["2015-03-31", "versions"]) => (
            "PublishVersion",
            body(request).map(Operation::PublishVersion),
        ),
        ("GET", ["2015-03-31", "versions"]) => (
            "ListVersionsByFunction",
            page(request).map(Operation::ListVersionsByFunction),
        ),
        ("PUT", ["2017-10-31", "concurrency"]) => (
            "PutFunctionConcurrency",
            body(request).map(Operation::PutFunctionConcurrency),
        ),
        ("DELETE", ["2017-10-31", "concurrency"]) => (
            "DeleteFunctionConcurrency",
            Ok(Operation::DeleteFunctionConcurrency),
        ),
        ("GET", ["2019-09-30", "concurrency"]) => (
            "GetFunctionConcurrency",
            Ok(Operation::GetFunctionConcurrency),
        ),
        (_, ["2015-03-31", "aliases", alias @ ..]) => return alias_route(request, alias),
        _ => return None,
    };
    Some(read)
}

fn alias_route(request: &Request, alias: &[&str]) -> Option<Read> {
    let read: Read = match (request.method.as_str(), alias) {
        ("POST", []) => ("CreateAlias", body(request).map(Operation::CreateAlias)),
        ("GET", []) => {
            let version = request.query.get("FunctionVersion").cloned();
            (
                "ListAliases",
                page(request).map(|page| Operation::ListAliases { version, page }),
            )
        }
        ("GET", [name]) => ("GetAlias", Ok(Operation::GetAlias((*name).to_owned()))),
        ("PUT", [name]) => (
            "UpdateAlias",
            body(request).map(|change| Operation::UpdateAlias((*name).to_owned(), change)),
        ),
        ("DELETE", [name]) => (
            "DeleteAlias",
            Ok(Operation::DeleteAlias((*name).to_owned())),
        ),
        _ => return None,
    };
    Some(read)
}

pub(crate) fn body<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    let body: &[u8] = if request.body.is_empty() {
        b"{}"
    } else {
        &request.body
    };
    // A member that the simulator does not know is refused too: ignoring it would test something else.
    serde_json::from_slice(body)
        .map_err(|error| ApiError::new(400, "SerializationException", error.to_string()))
}

fn page(request: &Request) -> Result<Page, ApiError> {
    let max_items = match request.query.get("MaxItems") {
        None => None,
        Some(text) => match text.parse() {
            Ok(number @ 1..=10_000) => Some(number),
            _ => {
                return Err(ApiError::validation(
                    text,
                    "maxItems",
                    "Member must be between 1 and 10000",
                ));
            }
        },
    };
    Ok(Page {
        marker: request.query.get("Marker").cloned(),
        max_items,
    })
}

fn invocation(request: &Request) -> Result<Invocation, ApiError> {
    let dry_run = match request.invocation_type.as_deref() {
        None | Some("RequestResponse") => false,
        Some("DryRun") => true,
        Some(other) => {
            return Err(ApiError::not_simulated(&format!(
                "the invocation type `{other}`"
            )));
        }
    };
    Ok(Invocation {
        dry_run,
        tail: request.log_type.as_deref() == Some("Tail"),
        payload: request.body.clone(),
    })
}

/// AWS's usual name for an error with that status.
pub(crate) fn usual_error(status: u16) -> &'static str {
    match status {
        400 => "InvalidParameterValueException",
        403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        409 => "ResourceConflictException",
        412 => "PreconditionFailedException",
        429 => "TooManyRequestsException",
        _ => "ServiceException",
    }
}

/// Writes a refusal in the form of AWS's REST-JSON protocol.
pub(crate) fn refusal(error: &ApiError) -> Reply {
    Reply {
        headers: vec![("x-amzn-ErrorType", error.kind.clone())],
        ..Reply::json(error.status, &error.body())
    }
}

/// Reads what follows the `?` of a path.
pub(crate) fn query(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (percent_decode(name), percent_decode(value)))
        .collect()
}

pub(crate) fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| tail.get(..2).and_then(hex_byte))
            .flatten();
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
