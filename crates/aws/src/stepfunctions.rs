//! What the tuner asks Step Functions about executions: whether they go on, and what they planned.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::ProvideErrorMetadata;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::primitives::DateTime;
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use power_tuner_core::TuneError;
use power_tuner_core::lock::Execution;
use power_tuner_core::plan::Plan;
use serde::Deserialize;

use crate::client::{self, Shared};
use crate::failure::Asked;
use crate::wire::Wire;

#[derive(Clone, Debug)]
pub struct StepFunctionsApi {
    client: Client,
}

/// The first step's name in the state machine: what it gives out holds the plan.
const FIRST_STATE: &str = "Initializer";

/// What is read of a state.
#[derive(Deserialize)]
struct State {
    plan: Option<Plan>,
}

impl StepFunctionsApi {
    #[must_use]
    pub fn from_env() -> Self {
        Self::new(&client::from_env())
    }

    /// A service on this machine, such as a simulated one.
    #[must_use]
    pub fn local(endpoint: &str) -> Self {
        Self::new(&client::local(endpoint))
    }

    /// Somebody in this process who plays AWS.
    pub fn through(wire: Arc<dyn Wire>) -> Self {
        let config = aws_sdk_sfn::config::Builder::from(&client::through(wire).config);
        Self {
            client: Client::from_conf(config.retry_partition(client::own_retries()).build()),
        }
    }

    fn new(shared: &Shared) -> Self {
        Self {
            client: Client::new(&shared.config),
        }
    }

    /// Whether an execution goes on, as far as that may be seen.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn status(&self, execution: &str) -> Result<Execution, TuneError> {
        match self.describe(execution).await {
            Ok(Some(described)) => Ok(match described.status {
                ExecutionStatus::Running | ExecutionStatus::PendingRedrive => Execution::Running,
                _ => Execution::Over,
            }),
            Ok(None) => Ok(Execution::Missing),
            // Another stack's.
            Err(TuneError::AccessDenied { .. }) => Ok(Execution::Unknown),
            Err(error) => Err(error),
        }
    }

    /// Whether an execution is known to have ended badly.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn failed(&self, execution: &str) -> Result<bool, TuneError> {
        match self.describe(execution).await {
            Ok(described) => Ok(described.is_some_and(|described| {
                matches!(
                    described.status,
                    ExecutionStatus::Aborted | ExecutionStatus::Failed | ExecutionStatus::TimedOut
                )
            })),
            // Another stack's.
            Err(TuneError::AccessDenied { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How often an execution was redriven.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn redrives(&self, execution: &str) -> Result<i32, TuneError> {
        let described = self.describe(execution).await?;
        Ok(described
            .and_then(|described| described.redrive_count)
            .unwrap_or_default())
    }

    /// An execution, if there is one of that name, and it is not forgotten.
    async fn describe(
        &self,
        execution: &str,
    ) -> Result<Option<DescribeExecutionOutput>, TuneError> {
        let asked = Asked::of("states:DescribeExecution", &execution);
        let described = self
            .client
            .describe_execution()
            .execution_arn(execution)
            .send()
            .await;
        match described {
            Ok(output) => Ok(Some(output)),
            Err(error) if error.code() == Some("ExecutionDoesNotExist") => Ok(None),
            // In another region there is none of that name to see.
            Err(error) if error.code() == Some("InvalidArn") => {
                Err(asked.denied("ask in its region", "it is another region's"))
            }
            Err(error) => Err(asked.failed(&error)),
        }
    }

    /// What an execution planned; `None` where it never came so far, or is forgotten.
    ///
    /// # Errors
    ///
    /// The plan cannot be read, or what AWS says.
    pub async fn plan(&self, execution: &str) -> Result<Option<Plan>, TuneError> {
        let asked = Asked::of("states:GetExecutionHistory", &execution);
        let mut token = None;
        loop {
            // A page is as short as large inputs make it.
            let page = self
                .client
                .get_execution_history()
                .execution_arn(execution)
                .set_next_token(token)
                .send()
                .await;
            let page = match page {
                Ok(page) => page,
                Err(error) if error.code() == Some("ExecutionDoesNotExist") => return Ok(None),
                Err(error) => return Err(asked.failed(&error)),
            };
            if let Some(output) = first_output(page.events) {
                return read(execution, &output);
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(None);
            }
        }
    }

    /// Executions of a state machine that ended badly since then, the last one that was started first.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn ended_badly(
        &self,
        state_machine: &str,
        within: Duration,
    ) -> Result<Vec<String>, TuneError> {
        let asked = Asked::of("states:ListExecutions", &state_machine);
        let since = DateTime::from(SystemTime::now() - within);
        let mut found = Vec::new();
        for status in [
            ExecutionStatus::Aborted,
            ExecutionStatus::TimedOut,
            ExecutionStatus::Failed,
        ] {
            let mut token = None;
            loop {
                let page = self
                    .client
                    .list_executions()
                    .state_machine_arn(state_machine)
                    .status_filter(status.clone())
                    .set_next_token(token)
                    .send()
                    .await
                    .map_err(|error| asked.failed(&error))?;
                let all = page.executions.len();
                let mut recent = page.executions;
                // The newest come first.
                recent.retain(|execution| execution.start_date >= since);
                let goes_on = recent.len() == all;
                found.extend(recent);
                token = page.next_token.filter(|_| goes_on);
                if token.is_none() {
                    break;
                }
            }
        }
        found.sort_by_key(|execution| std::cmp::Reverse(execution.start_date));
        Ok(found
            .into_iter()
            .map(|execution| execution.execution_arn)
            .collect())
    }
}

/// What the first step gave out.
fn first_output(events: Vec<HistoryEvent>) -> Option<String> {
    events
        .into_iter()
        .filter_map(|event| event.state_exited_event_details)
        .find(|exited| exited.name == FIRST_STATE)?
        .output
}

/// What the first step gives out where it fails is no state.
fn read(execution: &str, output: &str) -> Result<Option<Plan>, TuneError> {
    let state: State =
        serde_json::from_str(output).map_err(|error| TuneError::PublishFailed {
            function: execution.to_owned(),
            detail: format!(
                "the plan in its history cannot be read ({error}), perhaps because another version of the tuner wrote it; \
                 delete the versions of the function whose description names this execution, and look at the function's \
                 memory size"
            ),
        })?;
    Ok(state.plan)
}
