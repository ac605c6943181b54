//! Stores an outcome, and a report of it. Whatever goes wrong with that is in the outcome: a tuning does not fail for it.

mod doctor;

use std::time::Duration;

use power_tuner_aws::{Found, Kind, StoredReports};
use power_tuner_core::TuneError;
use power_tuner_core::filed::{Filed, Keys};
use power_tuner_core::moved::Moved;
use power_tuner_core::outcome::Outcome;
use power_tuner_core::s3::S3Uri;
use power_tuner_report::{About, Format, Look};
use power_tuner_runtime::{Deadline, InLogs};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;

pub use crate::doctor::examine;

#[derive(Debug, Deserialize)]
pub struct Input {
    execution: String,
    /// When the execution did, as Step Functions says it.
    started: String,
    outcome: Outcome,
    stack: Stack,
}

/// What the stack's parameters say.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stack {
    report_bucket: String,
    report_prefix: String,
    /// Who is told of news; nothing for nobody.
    notification_topic: String,
    #[serde(deserialize_with = "number_in_text")]
    notify_above_percent: f64,
}

/// A parameter of the template arrives as text.
fn number_in_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(D::Error::custom)
}

impl Stack {
    /// Whether people want to hear of that.
    fn tells(&self, moved: &Moved) -> bool {
        !self.notification_topic.is_empty() && moved.is_news(self.notify_above_percent)
    }
}

impl InLogs for Input {
    fn execution(&self) -> &str {
        &self.execution
    }
}

/// What is left for giving out the outcome when S3 answers too late.
const FOR_THE_OUTCOME: Duration = Duration::from_secs(5);

const NO_ANSWER: &str =
    "S3 took too long to answer; look whether it can be reached from the functions' VPC";

fn patience(deadline: Deadline) -> Duration {
    deadline.left().saturating_sub(FOR_THE_OUTCOME)
}

/// How long a link works at the most. It ends with the credentials that it is signed with, and those are as old as the
/// function's environment.
const LINK_LIVES: Duration = Duration::from_hours(12);

/// Stores the outcome, and gives it out with where it is.
///
/// # Errors
///
/// None: what went wrong is in the outcome.
pub async fn handle(
    reports: &StoredReports,
    input: Input,
    deadline: Deadline,
) -> Result<Outcome, TuneError> {
    let mut filed = Filed::default();
    let storing = timeout(
        patience(deadline),
        Box::pin(store(reports, &input, &mut filed)),
    )
    .await;
    filed.error = match storing {
        Ok(Ok(())) => None,
        Ok(Err(why)) => Some(why),
        Err(_) => Some(NO_ANSWER.to_owned()),
    };
    if let Some(error) = &filed.error {
        tracing::error!("not everything is stored: {error}");
    }
    let outcome = Outcome {
        report: None,
        ..input.outcome
    };
    if let Some(moved) = filed
        .moved
        .as_mut()
        .filter(|moved| input.stack.tells(moved))
    {
        moved.news = Some(moved.in_words(&outcome, &input.execution, filed.html.as_deref()));
    }
    Ok(filed.in_outcome(outcome))
}

/// What is stored is noted at once, so that it is known whatever comes after it.
async fn store(reports: &StoredReports, input: &Input, filed: &mut Filed) -> Result<(), String> {
    let Stack {
        report_bucket,
        report_prefix,
        ..
    } = &input.stack;
    let outcome = Outcome {
        report: None,
        ..input.outcome.clone()
    };
    let keys = Keys::of(report_prefix, &outcome, &input.execution, &input.started)?;
    let at = |key: String| S3Uri {
        bucket: report_bucket.clone(),
        key,
    };
    let (html, json, latest) = (at(keys.html), at(keys.json), at(keys.latest));
    let text = serde_json::to_string_pretty(&outcome).map_err(|error| error.to_string())?;
    reports.put(&json, Kind::Json, text.clone()).await?;
    filed.json = Some(json.to_string());
    reports.put(&html, Kind::Html, page(&text, input)?).await?;
    filed.html = Some(html.to_string());
    let settings = outcome.settings.as_ref();
    if settings.is_some_and(|settings| settings.report_link) {
        filed.link = Some(reports.link(&html, LINK_LIVES).await?);
    }
    // What is compared with next time comes last: before that, a run that is repeated is compared with the same outcome.
    filed.moved = moved(reports, &latest, &outcome, text).await?;
    tracing::info!(at = %html, "stored");
    Ok(())
}

/// The report that a browser shows.
fn page(outcome: &str, input: &Input) -> Result<String, String> {
    let look = Look {
        width: 100,
        color: false,
    };
    let report = power_tuner_report::read(outcome).map_err(|error| error.to_string())?;
    let about = About {
        execution: Some(input.execution.clone()),
        started: Some(input.started.clone()),
        ..About::default()
    };
    let page = report.about(about).show(Format::Html, look);
    page.map_err(|error| error.to_string())
}

/// How it differs from the outcome that was stored last, in whose place it is from now on.
async fn moved(
    reports: &StoredReports,
    latest: &S3Uri,
    outcome: &Outcome,
    text: String,
) -> Result<Option<Moved>, String> {
    let last = match reports.read(latest).await? {
        Found::Text(last) => last,
        Found::Nothing => String::new(),
        Found::Refused(why) => {
            let is_first = reports.put_first(latest, Kind::Json, text.clone()).await;
            return if is_first? { Ok(None) } else { Err(why.into()) };
        }
    };
    let last = serde_json::from_str::<Outcome>(&last).ok();
    reports.put(latest, Kind::Json, text).await?;
    Ok(last.and_then(|last| Moved::between(&last, outcome)))
}
