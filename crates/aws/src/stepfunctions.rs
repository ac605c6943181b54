//! What the cleaner asks Step Functions about an execution that ended without it.

use aws_sdk_sfn::Client;
use power_tuner_core::TuneError;

use crate::client;
use crate::failure::Asked;

#[derive(Clone, Debug)]
pub struct StepFunctionsApi {
    client: Client,
}

/// The first state ends within the first few events.
const EVENTS: i32 = 50;

impl StepFunctionsApi {
    pub async fn from_env() -> Self {
        Self {
            client: Client::new(&client::from_env().await),
        }
    }

    /// What the state `state` gave out early in an execution, as JSON; `None` where it never ended.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn early_output(
        &self,
        execution: &str,
        state: &str,
    ) -> Result<Option<String>, TuneError> {
        let asked = Asked::of("states:GetExecutionHistory", &execution);
        let history = self
            .client
            .get_execution_history()
            .execution_arn(execution)
            .max_results(EVENTS)
            .send()
            .await
            .map_err(|error| asked.failed(&error))?;
        Ok(history
            .events
            .into_iter()
            .filter_map(|event| event.state_exited_event_details)
            .find(|exited| exited.name == state)
            .and_then(|exited| exited.output))
    }
}
