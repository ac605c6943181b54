//! What the cleaner asks Step Functions about an execution that ended without it.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::{HistoryEvent, StateExitedEventDetails};
use power_tuner_core::TuneError;

use crate::client;
use crate::failure::Asked;

#[derive(Clone, Debug)]
pub struct StepFunctionsApi {
    client: Client,
}

/// The end of the execution, the last state that was entered, and the end of the one before it.
const LAST_EVENTS: i32 = 5;

impl StepFunctionsApi {
    pub async fn from_env() -> Self {
        Self {
            client: Client::new(&client::from_env().await),
        }
    }

    /// What a state first gave out in an execution, as JSON; `None` where it never ended.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn first_output(
        &self,
        execution: &str,
        state: &str,
    ) -> Result<Option<String>, TuneError> {
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
                .await
                .map_err(|error| asked.failed(&error))?;
            let exited = exit(page.events, state);
            token = page.next_token;
            if exited.is_some() || token.is_none() {
                return Ok(exited.and_then(|exited| exited.output));
            }
        }
    }

    /// What a state gave out right before an execution ended, as JSON; `None` where it was another state.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn last_output(
        &self,
        execution: &str,
        state: &str,
    ) -> Result<Option<String>, TuneError> {
        let asked = Asked::of("states:GetExecutionHistory", &execution);
        let last = self
            .client
            .get_execution_history()
            .execution_arn(execution)
            .reverse_order(true)
            .max_results(LAST_EVENTS)
            .send()
            .await
            .map_err(|error| asked.failed(&error))?;
        Ok(exit(last.events, state).and_then(|exited| exited.output))
    }
}

fn exit(events: Vec<HistoryEvent>, state: &str) -> Option<StateExitedEventDetails> {
    events
        .into_iter()
        .filter_map(|event| event.state_exited_event_details)
        .find(|exited| exited.name == state)
}
