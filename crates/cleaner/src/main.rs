use power_tuner_aws::{LambdaApi, StepFunctionsApi};
use power_tuner_cleaner::{examine, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let api = &LambdaApi::from_env(); // once per cold start
    let executions = &StepFunctionsApi::from_env();
    power_tuner_runtime::serve_with_doctor(
        move |input, deadline| handle(api, executions, input, deadline),
        move |call, deadline| examine(api, executions, call, deadline),
    )
    .await
}
