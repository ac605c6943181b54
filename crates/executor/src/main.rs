use power_tuner_aws::LambdaApi;
use power_tuner_executor::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let api = &LambdaApi::from_env().await; // once per cold start
    power_tuner_runtime::serve(move |input, deadline| handle(api, input, deadline)).await
}
