use power_tuner_aws::StoredReports;
use power_tuner_reporter::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let reports = &StoredReports::from_env(); // once per cold start
    power_tuner_runtime::serve(move |input, deadline| handle(reports, input, deadline)).await
}
