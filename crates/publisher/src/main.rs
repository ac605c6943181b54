use power_tuner_aws::{LambdaApi, StepFunctionsApi};
use power_tuner_publisher::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let api = &LambdaApi::from_env().await; // once per cold start
    let executions = &StepFunctionsApi::from_env().await;
    power_tuner_runtime::serve(move |input, deadline| handle(api, executions, input, deadline))
        .await
}
