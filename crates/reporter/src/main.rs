use power_tuner_aws::StoredReports;
use power_tuner_reporter::{examine, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let reports = &StoredReports::from_env(); // once per cold start
    power_tuner_runtime::serve_with_doctor(
        move |input, deadline| handle(reports, input, deadline),
        move |call, deadline| examine(reports, call, deadline),
    )
    .await
}
