use power_tuner_aws::{LambdaApi, StoredPayloads};
use power_tuner_initializer::{examine, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let api = &LambdaApi::from_env(); // once per cold start
    let objects = &StoredPayloads::from_env();
    power_tuner_runtime::serve_with_doctor(
        move |input, _| handle(api, objects, input),
        move |call, _| examine(api, call),
    )
    .await
}
