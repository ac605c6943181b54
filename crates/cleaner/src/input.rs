//! Who calls the cleaner, and with what.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use power_tuner_core::error::Caught;
use power_tuner_core::plan::Plan;
use power_tuner_runtime::InLogs;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Input {
    /// A state of the execution that it cleans up after.
    StateMachine(Box<FromStateMachine>),
    /// An execution ended without, or after an attempt at, its own clean-up.
    Event(FromEvent),
    /// A person, by calling the cleaner: this function.
    Function(ByHand),
    /// A person, by starting an execution.
    Execution(Asked),
    /// The schedule: all executions of this state machine that ended badly.
    StateMachineSweep(String),
    Unknown,
}

#[derive(Debug, Deserialize)]
pub struct FromStateMachine {
    pub(crate) execution: String,
    pub(crate) state: State,
}

/// What the cleaner reads of the state. Where the first step failed there is no plan.
#[derive(Debug, Deserialize)]
pub(crate) struct State {
    pub plan: Option<Plan>,
    pub caught: Option<Caught>,
    /// Whatever it is: there is one from the analyzer's last decision on.
    pub outcome: Option<IgnoredAny>,
}

/// The detail of a "Step Functions Execution Status Change".
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FromEvent {
    pub(crate) execution_arn: String,
    /// How often it had been redriven when it ended so.
    pub(crate) redrive_count: Option<i32>,
}

/// `{"function": NAME, "roleARN": ROLE}`, as somebody wrote it.
#[derive(Debug)]
pub struct ByHand(pub(crate) Value);

/// An execution that was started with `{"clean": NAME, "roleARN": ROLE}`.
#[derive(Debug, Deserialize)]
pub struct Asked {
    pub(crate) execution: String,
    /// Its input, as somebody wrote it.
    #[serde(rename = "clean")]
    pub(crate) written: Value,
}

impl TryFrom<Value> for Input {
    type Error = serde_json::Error;

    fn try_from(input: Value) -> Result<Self, serde_json::Error> {
        let text = |field: &str| input.get(field).and_then(Value::as_str).map(str::to_owned);
        if text("function").is_some() {
            return Ok(Self::Function(ByHand(input)));
        }
        if input.get("clean").is_some() {
            return Ok(Self::Execution(serde_json::from_value(input)?));
        }
        if let Some(state_machine) = text("sweep") {
            return Ok(Self::StateMachineSweep(state_machine));
        }
        if input.get("detail-type").is_some() {
            let event: EventBridgeEvent<FromEvent> = serde_json::from_value(input)?;
            return Ok(Self::Event(event.detail));
        }
        if input.get("execution").is_some() {
            let asked = serde_json::from_value(input)?;
            return Ok(Self::StateMachine(Box::new(asked)));
        }
        Ok(Self::Unknown)
    }
}

impl InLogs for Input {
    fn execution(&self) -> &str {
        match self {
            Self::StateMachine(asked) => &asked.execution,
            Self::Event(event) => &event.execution_arn,
            Self::Function(ByHand(written)) => written["function"].as_str().unwrap_or_default(),
            Self::Execution(asked) => &asked.execution,
            Self::StateMachineSweep(state_machine) => state_machine,
            Self::Unknown => "",
        }
    }
}
