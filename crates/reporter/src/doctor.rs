//! What storing would meet.

use power_tuner_aws::{NotStored, StoredReports, Why};
use power_tuner_core::TuneError;
use power_tuner_core::choice::Strategy;
use power_tuner_core::doctor::{Call, Examination, Examined, Status};
use power_tuner_core::filed;
use power_tuner_core::s3::S3Uri;
use power_tuner_runtime::Deadline;
use serde::Deserialize;
use tokio::time::timeout;

use crate::{NO_ANSWER, patience};

/// Where the stack stores reports.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    report_bucket: String,
    report_prefix: String,
}

/// Says whether this step may store an outcome, and read the one that was stored last, without storing anything.
///
/// # Errors
///
/// Faults of the input.
pub async fn examine(
    reports: &StoredReports,
    call: Call<Place>,
    deadline: Deadline,
) -> Result<Examined, TuneError> {
    let visit = call.visit()?;
    let mut seen = Examination::by("reporter");
    if let Some(place) = &call.stack {
        let function = visit.function().map(|function| function.to_string());
        let folder = function.and_then(|function| filed::folder(&function, &visit.execution).ok());
        let looking = look(reports, place, folder.as_deref(), &mut seen);
        if timeout(patience(deadline), looking).await.is_err() {
            seen.find("answersOfS3", Status::Unknown, NO_ANSWER);
        }
    }
    Ok(seen.end())
}

/// In the folder of a function, or where those of all functions are.
async fn look(
    reports: &StoredReports,
    place: &Place,
    folder: Option<&str>,
    seen: &mut Examination,
) {
    let folder = folder.map_or(String::new(), |folder| format!("{folder}/"));
    let at = |name: &str| S3Uri {
        bucket: place.report_bucket.clone(),
        key: format!("{}{folder}{name}", place.report_prefix),
    };
    let put = reports.may_put(&at("doctor")).await;
    say(seen, "s3:PutObject", put);
    let latest = at(&filed::latest(Strategy::Cost.name()));
    say(seen, "s3:GetObject", reports.may_read(&latest).await);
}

fn say(seen: &mut Examination, action: &str, asked: Result<(), NotStored>) {
    let Err(error) = asked else {
        seen.may(action, Ok(()));
        return;
    };
    match error.why() {
        Why::NoBucket => seen.find("reportBucket", Status::Problem, error.to_string()),
        Why::Denied => seen.may_not(action, Status::Problem, error.to_string()),
        Why::DeniedOrNothing => {
            let message = format!(
                "{error}; it may also be that none is stored yet, of which S3 says the same"
            );
            seen.may_not(action, Status::Unknown, message);
        }
        Why::Nothing | Why::Unclear => {
            let message = format!(
                "whether the reporter may call `{action}` is not known: {error}; ask again"
            );
            seen.may_not(action, Status::Unknown, message);
        }
    }
}
