//! Measures one memory size.
//!
//! A run of the executor is a batch: it stops before its own deadline and gives back how far it came.

mod call;
mod pace;

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use power_tuner_aws::{Answer, InvokeError, LambdaApi};
use power_tuner_core::error::shortened;
use power_tuner_core::measurement::{Answered, Progress, Version};
use power_tuner_core::payload::Payloads;
use power_tuner_core::plan::Plan;
use power_tuner_core::report::{self, Ending, Found};
use power_tuner_core::request::Parallel;
use power_tuner_core::{Failure, MemoryMb, TuneError};
use power_tuner_runtime::{Deadline, InLogs};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::call::{Call, Ended, longest};
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
    let request = &input.plan.request;
    let written = input.written.get("payload");
    let payloads = Payloads::read("payload", written, request).map_err(TuneError::InvalidInput)?;
    let mut batch = Batch {
        api,
        payloads: &payloads,
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
    let complete = progress.samples.len() >= request.calls() as usize;
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
        request.discard_top_bottom,
        input.version.memory,
        &input.plan.price,
    ))
}

struct Batch<'a> {
    api: &'a LambdaApi,
    payloads: &'a Payloads,
    plan: &'a Plan,
    version: &'a Version,
    deadline: Deadline,
    /// By the clock, in this batch.
    slowest: Duration,
    /// In this batch.
    throttled: bool,
    progress: Progress,
}

impl Batch<'_> {
    /// Calls until the samples are complete, time is over or the size has failed. After a failure no call is started,
    /// and those under way are waited for: nobody may delete a version that still works for us.
    async fn run(&mut self) -> Option<TuneError> {
        let mut failure = None;
        let mut under_way = FuturesUnordered::new();
        // Samples of each payload that there are, or will be if all goes well.
        let mut used = self.progress.by_payload.clone();
        let mut pace = Pace::new(self.most_at_once());
        if self.progress.batches > 0 {
            pace.rest(self.sleep_between_runs());
        }
        loop {
            while failure.is_none()
                && under_way.len() < pace.limit
                && pace.may_start()
                && self.has_time_for_another(Duration::ZERO)
                && let Some(payload) = self.payloads.next(&used)
            {
                if used.len() <= payload {
                    used.resize(payload + 1, 0);
                }
                used[payload] += 1;
                let call = Call {
                    api: self.api,
                    plan: self.plan,
                    version: self.version,
                    bytes: self.payloads.get(payload),
                    payload,
                };
                under_way.push(call.make());
            }
            if under_way.is_empty() {
                let wait = pace.wait();
                if failure.is_some() || self.missing() == 0 || !self.has_time_for_another(wait) {
                    break;
                }
                sleep(wait.min(self.time_left())).await;
                continue;
            }
            let Ok(next) = timeout(self.time_left(), under_way.next()).await else {
                self.progress.tally.cut_off += u32::try_from(under_way.len()).unwrap_or(u32::MAX);
                return failure.or_else(|| self.out_of_time());
            };
            if let Some(ended) = next {
                let payload = ended.payload;
                let samples = self.progress.samples.len();
                let end = self.end(ended, &mut pace, under_way.len());
                failure = failure.or(end);
                if self.progress.samples.len() == samples {
                    used[payload] -= 1;
                }
                pace.rest(self.sleep_between_runs());
            }
        }
        failure
    }

    /// Takes in how a call ended. What it gives back ends the measuring of this size.
    fn end(&mut self, ended: Ended, pace: &mut Pace, under_way: usize) -> Option<TuneError> {
        match ended.answer {
            Ok(answer) => {
                pace.faster();
                let end = self.take(&answer, ended.payload, ended.took);
                end.or(ended.afterwards)
            }
            Err(InvokeError::Throttled) => {
                self.progress.tally.throttles += 1;
                self.throttled = true;
                pace.slower(under_way)
            }
            Err(InvokeError::NoAnswer(why)) => self.lost(&why),
            Err(InvokeError::Failed(TuneError::FunctionNotFound { .. })) => Some(self.gone()),
            Err(InvokeError::Failed(error)) => Some(error),
        }
    }

    /// As many as the input allows, and as this process can have open and hold in memory.
    fn most_at_once(&self) -> usize {
        let fit = MOST_PAYLOAD_BYTES / self.payloads.largest().max(1);
        self.plan
            .request
            .parallel
            .limit()
            .min(MOST_AT_ONCE)
            .min(fit.max(1))
    }

    /// Calls that run side by side have nothing to pause between.
    fn sleep_between_runs(&self) -> Duration {
        let request = &self.plan.request;
        match request.parallel {
            Parallel::OneAtATime | Parallel::AtMost(1) => {
                Duration::from_millis(request.sleep_between_runs_ms)
            }
            Parallel::AllAtOnce | Parallel::AtMost(_) => Duration::ZERO,
        }
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
        (self.plan.request.calls() as usize).saturating_sub(self.progress.samples.len())
    }

    /// A call that the deadline would cut off would be made, and paid, in vain.
    fn has_time_for_another(&self, after: Duration) -> bool {
        let expected = (self.slowest * 2).min(longest(self.plan));
        self.deadline.left() > after + expected + RESERVE
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

    fn take(&mut self, answer: &Answer, payload: usize, took: Duration) -> Option<TuneError> {
        self.slowest = self.slowest.max(took);
        let found = report::find(&answer.log, &answer.request_id);
        let answered = match &answer.error {
            None => Answered::Success,
            Some(error) if self.is_allowed(error) => Answered::AllowedError,
            Some(_) => Answered::Failure,
        };
        self.progress.record(found, payload, answered);
        if let (Some(error), Answered::Failure) = (&answer.error, answered) {
            return Some(TuneError::InvocationFailed(self.why(error, found, payload)));
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

    fn is_allowed(&self, error: &str) -> bool {
        let kind = call::error_type(error);
        let allowed = &self.plan.request.allowed_exceptions;
        kind.is_some_and(|kind| allowed.contains(&kind))
    }

    fn why(&self, error: &str, found: Option<Found>, payload: usize) -> String {
        let ending = found.map_or(Ending::Error, |found| found.report.how_it_ended);
        match ending {
            Ending::OutOfMemory => "the function ran out of memory".to_owned(),
            Ending::Timeout => format!(
                "the function timed out, after its timeout of {} s",
                self.plan.target.timeout_s
            ),
            Ending::Normal | Ending::Error => {
                let request = &self.plan.request;
                let said = call::readable(error, self.payloads.get(payload), request);
                format!("the function failed: {said}")
            }
        }
    }
}
