use power_tuner_analyzer::handle;
use power_tuner_core::doctor::Conclusion;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    power_tuner_runtime::serve_with_doctor(
        |input, _| async { handle(input) },
        |found: Conclusion, _| async { found.conclude() },
    )
    .await
}
