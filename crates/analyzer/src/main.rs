use power_tuner_analyzer::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    power_tuner_runtime::serve(|input, _| async { handle(input) }).await
}
