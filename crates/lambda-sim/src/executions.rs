//! Executions of state machines, as a test puts them, and how Step Functions shows them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::ApiError;

/// An execution of a state machine. Only its ARN has no default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Execution {
    /// `arn:aws:states:<region>:<account>:execution:<state machine>:<name>`.
    pub arn: String,
    /// How far it is.
    pub status: ExecutionStatus,
    /// What it was started with; `null` counts as `{}`, like on AWS.
    pub input: Value,
    /// When it started, in seconds since 1970.
    pub start_unix_s: f64,
    /// When it ended: given if and only if it is not running.
    pub stop_unix_s: Option<f64>,
    /// The task states that it went through, in order: the name of each and its output.
    pub states: Vec<(String, Value)>,
    /// The task state that it entered then and never left.
    pub stuck_in: Option<String>,
    /// How often it was redriven.
    pub redrive_count: u32,
}

/// How far an execution is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutionStatus {
    /// It has not ended.
    #[default]
    Running,
    /// It ended with an output.
    Succeeded,
    /// A state failed, and nothing caught that.
    Failed,
    /// It took longer than its state machine allows.
    TimedOut,
    /// Somebody stopped it.
    Aborted,
}

/// The parts of an execution's ARN that matter here.
struct Names<'a> {
    state_machine_arn: String,
    name: &'a str,
}

impl Execution {
    /// Says what makes this no execution, if anything.
    ///
    /// # Errors
    /// One sentence that names the field and its rule.
    pub fn check(&self) -> Result<(), String> {
        if names(&self.arn).is_none() {
            return Err(format!("`arn` is not an execution's ARN: `{}`", self.arn));
        }
        if self.stop_unix_s.is_none() != (self.status == ExecutionStatus::Running) {
            return Err("`stopUnixS` must be given unless the execution is running".to_owned());
        }
        Ok(())
    }

    pub(crate) fn is_of(&self, state_machine_arn: &str) -> bool {
        names(&self.arn).is_some_and(|names| names.state_machine_arn == state_machine_arn)
    }

    /// As a row of `ListExecutions`.
    pub(crate) fn row(&self) -> Value {
        let mut row = json!({
            "executionArn": self.arn,
            "status": self.status,
            "startDate": self.start_unix_s,
        });
        if let Some(names) = names(&self.arn) {
            row["stateMachineArn"] = json!(names.state_machine_arn);
            row["name"] = json!(names.name);
        }
        if let Some(stop) = self.stop_unix_s {
            row["stopDate"] = json!(stop);
        }
        row
    }

    /// As `DescribeExecution` shows it.
    pub(crate) fn described(&self) -> Value {
        let mut view = self.row();
        view["input"] = text(&self.input);
        view["inputDetails"] = json!({ "included": true });
        view["redriveCount"] = json!(self.redrive_count);
        if self.status == ExecutionStatus::Succeeded {
            view["output"] = text(self.output());
            view["outputDetails"] = json!({ "included": true });
        }
        view
    }

    /// The events from the first to the last. All but the end carry the time of the start.
    pub(crate) fn history(&self) -> Vec<Value> {
        let mut events = vec![json!({
            "type": "ExecutionStarted",
            "executionStartedEventDetails": input_details(&self.input),
        })];
        let mut input = &self.input;
        for (name, output) in &self.states {
            events.push(entered(name, input));
            events.push(json!({
                "type": "TaskStateExited",
                "stateExitedEventDetails": {
                    "name": name, "output": text(output), "outputDetails": { "truncated": false },
                },
            }));
            input = output;
        }
        events.extend(self.stuck_in.iter().map(|name| entered(name, input)));
        for event in &mut events {
            event["timestamp"] = json!(self.start_unix_s);
        }
        events.extend(self.end());
        for (id, event) in events.iter_mut().enumerate() {
            event["id"] = json!(id + 1);
            event["previousEventId"] = json!(id);
        }
        events
    }

    fn end(&self) -> Option<Value> {
        let mut event = match self.status {
            ExecutionStatus::Running => return None,
            ExecutionStatus::Succeeded => json!({
                "type": "ExecutionSucceeded",
                "executionSucceededEventDetails": {
                    "output": text(self.output()), "outputDetails": { "truncated": false },
                },
            }),
            ExecutionStatus::Failed => {
                json!({ "type": "ExecutionFailed", "executionFailedEventDetails": {} })
            }
            ExecutionStatus::TimedOut => {
                json!({ "type": "ExecutionTimedOut", "executionTimedOutEventDetails": {} })
            }
            ExecutionStatus::Aborted => {
                json!({ "type": "ExecutionAborted", "executionAbortedEventDetails": {} })
            }
        };
        event["timestamp"] = json!(self.stop_unix_s);
        Some(event)
    }

    fn output(&self) -> &Value {
        self.states.last().map_or(&self.input, |(_, output)| output)
    }
}

fn entered(name: &str, input: &Value) -> Value {
    let mut details = input_details(input);
    details["name"] = json!(name);
    json!({ "type": "TaskStateEntered", "stateEnteredEventDetails": details })
}

fn input_details(input: &Value) -> Value {
    json!({ "input": text(input), "inputDetails": { "truncated": false } })
}

/// Inputs and outputs are JSON texts in JSON.
fn text(value: &Value) -> Value {
    json!(if value.is_null() {
        "{}".to_owned()
    } else {
        value.to_string()
    })
}

fn names(arn: &str) -> Option<Names<'_>> {
    let parts: Vec<&str> = arn.split(':').collect();
    let [
        "arn",
        partition,
        "states",
        region,
        account,
        "execution",
        machine,
        name,
    ] = parts.as_slice()
    else {
        return None;
    };
    (!machine.is_empty() && !name.is_empty()).then(|| Names {
        state_machine_arn: format!(
            "arn:{partition}:states:{region}:{account}:stateMachine:{machine}"
        ),
        name,
    })
}

/// The executions in the order in which they were first put.
#[derive(Default)]
pub(crate) struct Executions(Vec<Execution>);

impl Executions {
    /// One with the same ARN is replaced.
    pub fn put(&mut self, execution: Execution) {
        match self.0.iter_mut().find(|known| known.arn == execution.arn) {
            Some(known) => *known = execution,
            None => self.0.push(execution),
        }
    }

    pub fn find(&self, arn: &str) -> Result<&Execution, ApiError> {
        if names(arn).is_none() {
            let message = format!("Invalid Arn: '{arn}'");
            return Err(ApiError::new(400, "InvalidArn", message));
        }
        let known = self.0.iter().find(|execution| execution.arn == arn);
        known.ok_or_else(|| {
            let message = format!("Execution Does Not Exist: '{arn}'");
            ApiError::new(400, "ExecutionDoesNotExist", message)
        })
    }

    /// The newest first; of those that started at the same time, the last put.
    pub fn newest_first(&self) -> Vec<&Execution> {
        let mut all: Vec<&Execution> = self.0.iter().rev().collect();
        all.sort_by(|a, b| b.start_unix_s.total_cmp(&a.start_unix_s));
        all
    }
}
