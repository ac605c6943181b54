//! The few actions of Step Functions' API that ask about executions, in its JSON 1.0 protocol.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{self, Misread, Request};
use crate::error::ApiError;
use crate::executions::{Execution, ExecutionStatus, Executions};
use crate::operation::{Call, Operation, Reply};

const TARGET: &str = "AWSStepFunctions.";
const USUAL_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

/// What a caller wants to know.
#[derive(Debug)]
pub(crate) enum Question {
    Describe(DescribeExecution),
    History(GetExecutionHistory),
    List(ListExecutions),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DescribeExecution {
    execution_arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GetExecutionHistory {
    execution_arn: String,
    #[serde(default)]
    reverse_order: bool,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListExecutions {
    state_machine_arn: String,
    status_filter: Option<ExecutionStatus>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// Whether a request is one for Step Functions: the protocol names the action in a header.
pub(crate) fn is_asked(request: &Request) -> bool {
    let target = request.amz_target.as_deref();
    request.method == "POST"
        && request.path == "/"
        && target.is_some_and(|target| target.starts_with(TARGET))
}

pub(crate) fn read(request: &Request, request_id: String) -> Result<Call, Misread> {
    let target = request.amz_target.as_deref().unwrap_or_default();
    let (action, question) = match target.strip_prefix(TARGET).unwrap_or_default() {
        "DescribeExecution" => (
            "DescribeExecution",
            api::body(request).map(Question::Describe),
        ),
        "GetExecutionHistory" => (
            "GetExecutionHistory",
            api::body(request).map(Question::History),
        ),
        "ListExecutions" => ("ListExecutions", api::body(request).map(Question::List)),
        _ => ("Unknown", Err(ApiError::not_simulated(target))),
    };
    let question = question.map_err(|error| Misread { action, error })?;
    Ok(Call {
        request_id,
        action,
        target: None,
        operation: Operation::StepFunctions(question),
        members: Vec::new(),
    })
}

pub(crate) fn answer(question: &Question, executions: &Executions) -> Result<Reply, ApiError> {
    let view = match question {
        Question::Describe(wanted) => executions.find(&wanted.execution_arn)?.described(),
        Question::History(wanted) => {
            let mut events = executions.find(&wanted.execution_arn)?.history();
            if wanted.reverse_order {
                events.reverse();
            }
            page(
                "events",
                events,
                wanted.max_results,
                wanted.next_token.as_deref(),
            )?
        }
        Question::List(wanted) => {
            let is_wanted = |status| wanted.status_filter.is_none_or(|filter| filter == status);
            let rows = executions
                .newest_first()
                .into_iter()
                .filter(|execution| execution.is_of(&wanted.state_machine_arn))
                .filter(|execution| is_wanted(execution.status))
                .map(Execution::row)
                .collect();
            page(
                "executions",
                rows,
                wanted.max_results,
                wanted.next_token.as_deref(),
            )?
        }
    };
    Ok(reply(200, &view))
}

/// A page of rows. The token is the number of rows before the next page.
fn page(
    list: &str,
    rows: Vec<Value>,
    max_results: Option<usize>,
    next_token: Option<&str>,
) -> Result<Value, ApiError> {
    let size = match max_results {
        None | Some(0) => USUAL_PAGE,
        Some(size @ 1..=LARGEST_PAGE) => size,
        Some(size) => {
            let rule = "Member must have value less than or equal to 1000";
            return Err(ApiError::validation(&size.to_string(), "maxResults", rule));
        }
    };
    let start = match next_token.map(str::parse) {
        None => 0,
        Some(Ok(start)) if start <= rows.len() => start,
        Some(_) => return Err(ApiError::new(400, "InvalidToken", "Invalid Token")),
    };
    let is_last = rows.len() <= start + size;
    let shown: Vec<Value> = rows.into_iter().skip(start).take(size).collect();
    let mut answer = json!({ list: shown });
    if !is_last {
        answer["nextToken"] = json!((start + size).to_string());
    }
    Ok(answer)
}

/// Writes a refusal. All that a caller can mend has status 400 in this protocol, and its name in the body.
pub(crate) fn refusal(error: &ApiError) -> Reply {
    let status = if error.status < 500 {
        400
    } else {
        error.status
    };
    reply(
        status,
        &json!({ "__type": error.kind, "message": error.message }),
    )
}

/// Step Functions' usual name for an error that Lambda would answer with that status.
pub(crate) fn usual_error(status: u16) -> &'static str {
    match status {
        403 => "AccessDeniedException",
        404 => "ExecutionDoesNotExist",
        429 => "ThrottlingException",
        503 => "ServiceUnavailable",
        500.. => "InternalFailure",
        _ => "ValidationException",
    }
}

fn reply(status: u16, body: &Value) -> Reply {
    Reply {
        headers: vec![("content-type", "application/x-amz-json-1.0".to_owned())],
        ..Reply::json(status, body)
    }
}
