//! The first step: everything that can be known to be wrong is found here, before anything is touched.

use power_tuner_aws::LambdaApi;
use power_tuner_core::TuneError;
use power_tuner_core::plan::Plan;
use power_tuner_core::request::Request;
use power_tuner_core::tuning::Tuning;
use power_tuner_runtime::InLogs;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub struct Input {
    execution: String,
    /// The execution's own input, as somebody wrote it.
    #[serde(rename = "input")]
    written: Value,
}

impl InLogs for Input {
    fn execution(&self) -> &str {
        &self.execution
    }
}

/// Reads the input and the target, and plans the tuning.
///
/// # Errors
///
/// Faults of the input, a target that cannot be tuned, an unknown price, or what AWS says.
pub async fn handle(api: &LambdaApi, input: Input) -> Result<Tuning, TuneError> {
    let request = Request::parse(&input.written).map_err(TuneError::InvalidInput)?;
    let current = api.configuration(request.function.as_str()).await?;
    let plan = Plan::new(request, current)?;
    tracing::info!(
        function = %plan.target.function,
        memory = plan.target.memory.get(),
        sizes = plan.request.sizes.len(),
        num = plan.request.num,
        strategy = plan.request.strategy.name(),
        "planned"
    );
    Ok(Tuning::new(plan))
}
