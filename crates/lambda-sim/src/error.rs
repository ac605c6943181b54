//! What the service answers when it refuses, in AWS's words where they are known.

use serde_json::{Value, json};

/// A refusal: the HTTP status, AWS's name for it, and its message.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The error's name, as in the header `x-amzn-ErrorType`.
    pub kind: String,
    /// What a person reads.
    pub message: String,
    /// The `Reason` that `TooManyRequestsException` carries.
    pub reason: Option<String>,
}

impl ApiError {
    pub(crate) fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: kind.to_owned(),
            message: message.into(),
            reason: None,
        }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "ResourceNotFoundException", message)
    }

    pub(crate) fn function_not_found(arn: &str) -> Self {
        Self::not_found(format!("Function not found: {arn}"))
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "ResourceConflictException", message)
    }

    pub(crate) fn update_in_progress(arn: &str) -> Self {
        Self::conflict(format!(
            "The operation cannot be performed at this time. An update is in progress for resource: {arn}"
        ))
    }

    pub(crate) fn in_state(state: &str) -> Self {
        Self::conflict(format!(
            "The operation cannot be performed at this time. The function is currently in the following state: {state}"
        ))
    }

    /// The answer to the call that wakes an inactive version.
    pub(crate) fn initializing(has_a_snapshot: bool) -> Self {
        if has_a_snapshot {
            let message = "Lambda is initializing your function. \
                           It will be ready to invoke once your function state becomes ACTIVE.";
            Self::new(409, "SnapStartNotReadyException", message)
        } else {
            let message =
                "Lambda is initializing your function. It will be ready to invoke shortly.";
            Self::new(409, "CodeArtifactUserPendingException", message)
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameterValueException", message)
    }

    /// The request breaks a constraint of the API's model, which AWS checks before the service sees it.
    pub(crate) fn validation(value: &str, field: &str, rule: &str) -> Self {
        let message = format!(
            "1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {rule}"
        );
        Self::new(400, "ValidationException", message)
    }

    pub(crate) fn stale_revision() -> Self {
        let message = "The Revision Id provided does not match the latest Revision Id. \
                       Call the GetFunction/GetAlias API to retrieve the latest Revision Id";
        Self::new(412, "PreconditionFailedException", message)
    }

    pub(crate) fn throttled(reason: &str) -> Self {
        Self {
            reason: Some(reason.to_owned()),
            ..Self::new(429, "TooManyRequestsException", "Rate Exceeded.")
        }
    }

    /// The account asks the control plane more often than it may.
    pub(crate) fn rate_exceeded() -> Self {
        Self {
            message: "Rate exceeded".to_owned(),
            ..Self::throttled("CallerRateLimitExceeded")
        }
    }

    /// The simulator lacks this: an answer of its own, so that nobody takes it for AWS's.
    pub(crate) fn not_simulated(what: &str) -> Self {
        Self::new(
            501,
            "NotSimulated",
            format!("the simulated Lambda service does not know {what}"),
        )
    }

    pub(crate) fn body(&self) -> Value {
        let mut body = json!({ "Type": if self.status >= 500 { "Service" } else { "User" } });
        // The model names this member `message` for throttles and `Message` for the rest.
        let message = if self.reason.is_some() {
            "message"
        } else {
            "Message"
        };
        body[message] = json!(self.message);
        if let Some(reason) = &self.reason {
            body["Reason"] = json!(reason);
        }
        body
    }
}
