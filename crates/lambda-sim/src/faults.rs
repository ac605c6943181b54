//! Faults on demand: what goes wrong, for which calls, and how often.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api;
use crate::error::ApiError;
use crate::operation::Call;
use crate::report::LogDamage;

/// A fault and the calls that it meets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRule {
    /// The API action, such as `Invoke`; `*` is any.
    pub action: String,
    /// Only calls for this function; those of objects have `bucket/key` here.
    #[serde(default)]
    pub function: Option<String>,
    /// Only calls for this version or alias.
    #[serde(default)]
    pub qualifier: Option<String>,
    /// From the n-th matching call on; the first by default.
    #[serde(default)]
    pub nth: Option<u64>,
    /// For so many calls: one by default if `nth` is given, else all.
    #[serde(default)]
    pub times: Option<u64>,
    /// What goes wrong.
    pub fault: Fault,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The connection breaks before anything has been done.
    DropBefore,
    /// The connection breaks after everything has been done.
    DropAfter,
    /// Nothing is done, and no answer comes as long as the caller lives: `GET /_sim/held` says who it is.
    HeldBefore,
    /// Everything is done, and no answer comes.
    HeldAfter,
    /// The log ends without its report.
    NoReport,
    /// Only the last bytes of the log arrive, less than its report.
    TruncateLog,
    /// The change is accepted and then ends as `Failed`.
    FailLater,
    /// The call is done after this many virtual milliseconds.
    #[serde(rename = "delayMs")]
    DelayMs(f64),
    /// Others' requests are carried out right before the call.
    First(Vec<OtherRequest>),
    /// Others' requests are carried out right after the call and before its answer is sent.
    Then(Vec<OtherRequest>),
    /// An error answers, and nothing has been done.
    #[serde(untagged)]
    Error(FaultError),
}

/// A request that somebody else makes. No fault meets it, it is in the list of calls, and its answer is lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherRequest {
    /// The HTTP method.
    pub method: String,
    /// The path, with the query if there is one.
    pub path: String,
    /// The body, if there is one.
    #[serde(default)]
    pub body: Option<Value>,
}

impl OtherRequest {
    /// A request with a body.
    #[must_use]
    pub fn new(method: &str, path: &str, body: Value) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            body: Some(body),
        }
    }

    pub(crate) fn read(&self) -> api::Request {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let body = self.body.as_ref().map(Value::to_string);
        api::Request {
            method: self.method.clone(),
            path: path.to_owned(),
            query: api::query(query),
            body: body.unwrap_or_default().into_bytes(),
            ..api::Request::default()
        }
    }
}

/// An error answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultError {
    /// The HTTP status.
    pub status: u16,
    /// The error's name; the usual one of the status by default.
    #[serde(default)]
    pub error_type: Option<String>,
    /// The message.
    #[serde(default)]
    pub message: Option<String>,
}

impl FaultRule {
    /// The fault for every call of an action; narrow it down by setting fields.
    #[must_use]
    pub fn always(action: &str, fault: Fault) -> Self {
        Self {
            action: action.to_owned(),
            function: None,
            qualifier: None,
            nth: None,
            times: None,
            fault,
        }
    }
}

impl Fault {
    /// An error with AWS's usual name for that status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Error(FaultError {
            status,
            error_type: None,
            message: None,
        })
    }
}

/// What a fault does to a call that is carried out all the same.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effects {
    pub log: LogDamage,
    pub fails_later: bool,
}

#[derive(Default)]
pub(crate) struct Faults {
    rules: Vec<(FaultRule, u64)>,
}

impl Faults {
    pub fn add(&mut self, rule: FaultRule) {
        self.rules.push((rule, 0));
    }

    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault that this call meets. Every rule that matches counts the call; the first that is due decides.
    pub fn meet(&mut self, call: &Call) -> Option<Fault> {
        let mut met = None;
        for (rule, seen) in self.rules.iter_mut().filter(|(rule, _)| rule.matches(call)) {
            *seen += 1;
            if met.is_none() && rule.is_due(*seen) {
                met = Some(rule.fault.clone());
            }
        }
        met
    }
}

impl FaultRule {
    fn matches(&self, call: &Call) -> bool {
        let target = call.target.as_ref();
        let is = |wanted: &Option<String>, actual: Option<&str>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| actual == Some(wanted))
        };
        (self.action == "*" || self.action == call.action)
            && is(
                &self.function,
                target.map(|target| target.function.as_str()),
            )
            && is(
                &self.qualifier,
                target.and_then(|target| target.qualifier.as_deref()),
            )
    }

    fn is_due(&self, seen: u64) -> bool {
        let first = self.nth.unwrap_or(1);
        let times = self
            .times
            .unwrap_or(if self.nth.is_some() { 1 } else { u64::MAX });
        seen >= first && seen - first < times
    }
}

impl FaultError {
    /// `usual` is the error's name unless the rule gives one.
    pub(crate) fn answer(&self, usual: &str) -> ApiError {
        let kind = self.error_type.as_deref().unwrap_or(usual);
        let message = self
            .message
            .as_deref()
            .unwrap_or("a fault that the simulator was asked for");
        let error = ApiError::new(self.status, kind, message);
        let reason = (self.status == 429).then(|| "CallerRateLimitExceeded".to_owned());
        ApiError { reason, ..error }
    }
}
