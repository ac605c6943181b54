//! Measures one memory size.
//!
//! A run of the executor is a batch: it stops before its own deadline and gives back how far it came.

mod pace;

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use power_tuner_aws::{Answer, InvokeError, LambdaApi};
use power_tuner_core::error::shortened;
use power_tuner_core::measurement::{Progress, Version};
use power_tuner_core::plan::Plan;
use power_tuner_core::report::{self, Ending, Found};
use power_tuner_core::request;
use power_tuner_core::{Failure, MemoryMb, TuneError};
use power_tuner_runtime::{Deadline, InLogs};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::pace::Pace;

#[derive(Debug, Deserialize)]
pub struct Input {
    execution: String,
    /// The execution's own input: the payload is read from it.
    #[serde(rename = "input")]
    written: Value,
    plan: Plan,
    version: Version,
    progress: Progress,
}

impl InLogs for Input {
    fn execution(&self) -> &str {
        &self.execution
    }

    fn memory(&self) -> Option<MemoryMb> {
        Some(self.version.memory)
    }
}

/// What a batch keeps back for telling how far it came.
const RESERVE: Duration = Duration::from_secs(5);
/// What a call may take beyond the function's own timeout: a cold start, and the way.
const BEYOND_TIMEOUT: Duration = Duration::from_secs(30);
/// A Lambda function may have 1,024 files open, and connections are files.
const MOST_AT_ONCE: usize = 500;
/// Each call under way holds its payload twice or more, in the 256 MB that the executor has.
const MOST_PAYLOAD_BYTES: usize = 32 * 1024 * 1024;

/// Makes the calls that are missing, as far as the deadline allows.
///
/// # Errors
///
/// The tuner itself cannot go on. A target that fails is no error: it is a failed size, with all that it cost.
pub async fn handle(
    api: &LambdaApi,
    input: Input,
    deadline: Deadline,
) -> Result<Progress, TuneError> {
    let mut batch = Batch {
        api,
        payload: request::payload(&input.written),
        plan: &input.plan,
        version: &input.version,
        deadline,
        slowest: Duration::ZERO,
        throttled: false,
        progress: input.progress,
    };
    let failure = batch.run().await;
    let mut progress = batch.progress;
    progress.batches += 1;
    let complete = progress.samples.len() >= input.plan.request.num as usize;
    if failure.is_none() && !complete {
        tracing::info!(samples = progress.samples.len(), "the next batch goes on");
        return Ok(progress);
    }
    tracing::info!(
        calls = progress.tally.calls,
        errors = progress.tally.errors,
        throttles = progress.tally.throttles,
        cold_starts = progress.tally.cold_starts,
        failure = failure.as_ref().map(ToString::to_string),
        "measured"
    );
    let failure = failure.map(|error| Failure {
        error: error.name().to_owned(),
        cause: error.to_string(),
    });
    Ok(progress.finish(
        failure,
        input.plan.request.discard_top_bottom,
        input.version.memory,
        &input.plan.price,
    ))
}

struct Batch<'a> {
    api: &'a LambdaApi,
    payload: Vec<u8>,
    plan: &'a Plan,
    version: &'a Version,
    deadline: Deadline,
    /// By the clock, in this batch.
    slowest: Duration,
    /// In this batch.
    throttled: bool,
    progress: Progress,
}

struct Call {
    took: Duration,
    answer: Result<Answer, InvokeError>,
}

impl Batch<'_> {
    /// Calls until the samples are complete, time is over or the size has failed. After a failure no call is started,
    /// and those under way are waited for: nobody may delete a version that still works for us.
    async fn run(&mut self) -> Option<TuneError> {
        let mut failure = None;
        let mut under_way = FuturesUnordered::new();
        let mut pace = Pace::new(self.most_at_once());
        loop {
            while failure.is_none()
                && under_way.len() < pace.limit
                && pace.may_start()
                && under_way.len() < self.missing()
                && self.has_time_for_another()
            {
                under_way.push(call(
                    self.api,
                    self.plan,
                    self.version,
                    self.payload.clone(),
                ));
            }
            if under_way.is_empty() {
                if failure.is_some() || self.missing() == 0 || !self.has_time_for_another() {
                    break;
                }
                sleep(pace.wait().min(self.time_left())).await;
                continue;
            }
            let Ok(next) = timeout(self.time_left(), under_way.next()).await else {
                self.progress.tally.cut_off += u32::try_from(under_way.len()).unwrap_or(u32::MAX);
                return failure.or_else(|| self.out_of_time());
            };
            if let Some(Call { took, answer }) = next {
                let ended = match answer {
                    Ok(answer) => {
                        pace.faster();
                        self.take(&answer, took)
                    }
                    Err(InvokeError::Throttled) => {
                        self.progress.tally.throttles += 1;
                        self.throttled = true;
                        pace.slower(under_way.len())
                    }
                    Err(InvokeError::NoAnswer(why)) => self.lost(&why),
                    Err(InvokeError::Failed(TuneError::FunctionNotFound { .. })) => {
                        Some(self.gone())
                    }
                    Err(InvokeError::Failed(error)) => Some(error),
                };
                failure = failure.or(ended);
            }
        }
        failure
    }

    /// As many as the input allows, and as this process can have open and hold in memory.
    fn most_at_once(&self) -> usize {
        let fit = MOST_PAYLOAD_BYTES / self.payload.len().max(1);
        self.plan
            .request
            .parallel
            .limit()
            .min(MOST_AT_ONCE)
            .min(fit.max(1))
    }

    /// Until this batch has to say how far it came.
    fn time_left(&self) -> Duration {
        self.deadline.left().saturating_sub(RESERVE)
    }

    /// A call without an answer is made again, within bounds.
    fn lost(&mut self, why: &str) -> Option<TuneError> {
        tracing::warn!(why, "a call has no answer");
        self.progress.tally.without_answer += 1;
        self.progress
            .has_lost_too_many(self.plan.request.num)
            .then(|| {
                TuneError::InvocationFailed(format!(
                    "too many calls got no answer: {}",
                    shortened(why, 500)
                ))
            })
    }

    fn gone(&self) -> TuneError {
        TuneError::InvocationFailed(format!(
            "version {} is gone: somebody deleted it, or the tuning was stopped and cleaned up before it went on; \
             start a new execution",
            self.version.number
        ))
    }

    fn missing(&self) -> usize {
        (self.plan.request.num as usize).saturating_sub(self.progress.samples.len())
    }

    /// A call that the deadline would cut off would be made, and paid, in vain.
    fn has_time_for_another(&self) -> bool {
        let expected = (self.slowest * 2).min(longest(self.plan));
        self.deadline.left() > expected + RESERVE
    }

    /// Calls that the deadline cut off are made again by the next batch, unless that would never end.
    fn out_of_time(&self) -> Option<TuneError> {
        let had_the_whole_batch = self.slowest == Duration::ZERO && !self.throttled;
        had_the_whole_batch.then(|| {
            TuneError::InvocationFailed(
                "not one call ended within the time that the executor has; tune the function on a smaller payload"
                    .to_owned(),
            )
        })
    }

    /// Takes in an answer. What it gives back ends the measuring of this size.
    fn take(&mut self, answer: &Answer, took: Duration) -> Option<TuneError> {
        self.slowest = self.slowest.max(took);
        let found = report::find(&answer.log, &answer.request_id);
        self.progress.record(found, answer.error.is_some());
        if let Some(error) = &answer.error {
            return Some(TuneError::InvocationFailed(self.why(error, found)));
        }
        self.progress
            .has_lost_too_many(self.plan.request.num)
            .then(|| {
                TuneError::NoMeasurements(
                    "too many calls ended without a REPORT line in their log; the function must not hold back Lambda's platform logs"
                        .to_owned(),
                )
            })
    }

    fn why(&self, error: &str, found: Option<Found>) -> String {
        let ending = found.map_or(Ending::Error, |found| found.report.how_it_ended);
        match ending {
            Ending::OutOfMemory => "the function ran out of memory".to_owned(),
            Ending::Timeout => format!(
                "the function timed out, after its timeout of {} s",
                self.plan.target.timeout_s
            ),
            Ending::Normal | Ending::Error => {
                format!("the function failed: {}", readable(error))
            }
        }
    }
}

/// What one call may take.
fn longest(plan: &Plan) -> Duration {
    Duration::from_secs(u64::from(plan.target.timeout_s)) + BEYOND_TIMEOUT
}

async fn call(api: &LambdaApi, plan: &Plan, version: &Version, payload: Vec<u8>) -> Call {
    let start = Instant::now();
    let answer = api
        .invoke(&plan.target.function, version, payload, longest(plan))
        .await;
    Call {
        took: start.elapsed(),
        answer,
    }
}

/// `{"errorMessage": …, "errorType": …}` as a sentence; anything else as it is.
fn readable(error: &str) -> String {
    const MOST: usize = 500;
    let parsed: Option<Value> = serde_json::from_str(error).ok();
    let field = |name: &str| parsed.as_ref()?.get(name)?.as_str();
    let text = match (field("errorMessage"), field("errorType")) {
        (Some(message), Some(kind)) => format!("{message} ({kind})"),
        (Some(message), None) => message.to_owned(),
        _ => error.to_owned(),
    };
    shortened(&text, MOST)
}
