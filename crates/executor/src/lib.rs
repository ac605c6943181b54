//! Measures one memory size.
//!
//! A run of the executor is a batch: it stops before its own deadline and gives back how far it came.

mod call;
mod doctor;
mod pace;

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use power_tuner_aws::{Answer, InvokeError, LambdaApi, StoredPayloads};
use power_tuner_core::error::shortened;
use power_tuner_core::measurement::{Answered, Made, Progress, Version, Wanted};
use power_tuner_core::payload::Payloads;
use power_tuner_core::plan::Plan;
use power_tuner_core::report::{self, Ending, Found};
use power_tuner_core::request::{Parallel, Request, Search};
use power_tuner_core::statistics::until_next_look;
use power_tuner_core::tuning::Published;
use power_tuner_core::{Failure, MemoryMb, TuneError};
use power_tuner_runtime::{Deadline, InLogs};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Barrier;
use tokio::time::{sleep, timeout};

use crate::call::{Call, Ended, longest};
pub use crate::doctor::examine;
use crate::pace::Pace;

#[derive(Debug, Deserialize)]
pub struct Input {
    execution: String,
    /// The execution's own input: the payload is read from it.
    #[serde(rename = "input")]
    written: Value,
    plan: Plan,
    /// Which of the versions is measured.
    memory: MemoryMb,
    /// Samples that it is to have.
    wanted: u32,
    published: Published,
    progress: Progress,
}

impl InLogs for Input {
    fn execution(&self) -> &str {
        &self.execution
    }

    fn memory(&self) -> Option<MemoryMb> {
        Some(self.memory)
    }
}

/// What a batch keeps back for telling how far it came.
const RESERVE: Duration = Duration::from_secs(5);
/// A Lambda function may have 1,024 files open, and connections are files.
const MOST_AT_ONCE: usize = 500;
/// Each call under way holds its payload twice or more, in the 512 MB that the executor has.
const MOST_PAYLOAD_BYTES: usize = 64 * 1024 * 1024;

/// Makes the calls that are missing, as far as the deadline allows.
///
/// # Errors
///
/// The tuner itself cannot go on. A target that fails is no error: it is a failed size, with all that it cost.
pub async fn handle(
    api: &LambdaApi,
    objects: &StoredPayloads,
    input: Input,
    deadline: Deadline,
) -> Result<Progress, TuneError> {
    let Input { plan, memory, .. } = &input;
    let request = &plan.request;
    let wanted = Wanted {
        samples: input.wanted,
        warm: request.warm_calls_decide(),
    };
    let (progress, is_precise, failure) = match version(&input) {
        Ok(version) => {
            let payloads = payloads(objects, &input).await?;
            let mut batch = Batch {
                api,
                target: &api.of_target(request.role.as_ref(), &input.execution),
                payloads: &payloads,
                plan,
                wanted,
                version,
                deadline,
                slowest: Duration::ZERO,
                throttled: false,
                progress: input.progress.clone(),
            };
            let failure = batch.run().await;
            let is_precise = batch.is_precise();
            (batch.progress, is_precise, failure)
        }
        Err(failed) => (input.progress.clone(), false, Some(failed)),
    };
    let mut progress = Progress {
        batches: progress.batches + 1,
        ..progress
    };
    let samples = progress.samples.len();
    let is_complete = is_precise || progress.missing(wanted) == 0;
    let failure = match failure {
        None if !is_complete => progress.end_batch(&input.progress, plan.most_batches),
        ended => ended,
    };
    if failure.is_none() && !is_complete {
        // Whether it is worth another round on another version is for the analyzer to say.
        if request.is_cold() && progress.tally.used_up() > input.progress.tally.used_up() {
            progress.end_round(&input.progress);
        }
        tracing::info!(
            samples,
            round_is_over = progress.done,
            "not all samples yet"
        );
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
    Ok(match request.search {
        Search::Grid(_) => progress.finish(failure, request, *memory, &plan.price),
        Search::Adaptive(_) => {
            let wanted = if is_precise {
                wanted.at_most(progress.counted(wanted))
            } else {
                wanted
            };
            progress.finish_for_now(failure, wanted, request, *memory, &plan.price)
        }
    })
}

/// The version to measure, if it ever came to life.
fn version(input: &Input) -> Result<&Version, TuneError> {
    let Published {
        versions, failed, ..
    } = &input.published;
    if let Some(failed) = failed
        .iter()
        .find(|failed| failed.version.memory == input.memory)
    {
        return Err(TuneError::PublishFailed {
            function: input.plan.target.function.to_string(),
            detail: failed.cause.clone(),
        });
    }
    let mut versions = versions.iter();
    versions
        .find(|version| version.memory == input.memory)
        .ok_or_else(|| TuneError::InvocationFailed(format!("{} was not published", input.memory)))
}

async fn payloads(objects: &StoredPayloads, input: &Input) -> Result<Payloads, TuneError> {
    let Plan {
        request,
        payload_etag,
        ..
    } = &input.plan;
    if let Some(at) = &request.payload_s3 {
        let stored = objects.read(at, payload_etag.as_deref(), request).await?;
        return Ok(stored.payloads);
    }
    Payloads::read(input.written.get("payload"), request).map_err(TuneError::InvalidInput)
}

struct Batch<'a> {
    /// For the functions before and after the target.
    api: &'a LambdaApi,
    target: &'a LambdaApi,
    payloads: &'a Payloads,
    plan: &'a Plan,
    wanted: Wanted,
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
        let before = self.progress.tally.used_up();
        let mut failure = None;
        let mut under_way = FuturesUnordered::new();
        // Samples of each payload that there are, or will be if all goes well.
        let mut used = self.progress.by_payload.clone();
        let mut pace = Pace::new(self.most_at_once(), longest(self.plan));
        let mut left = self.calls_of_a_version();
        if self.progress.batches > 0 {
            pace.rest(self.sleep_between_runs());
        }
        loop {
            let mut starting = Vec::new();
            while failure.is_none()
                && left > 0
                && under_way.len() + starting.len() < pace.limit
                && pace.may_start()
                && self.has_time_for_another(Duration::ZERO)
                && let Some(payload) = self.next_payload(&used, under_way.len() + starting.len())
            {
                if used.len() <= payload {
                    used.resize(payload + 1, 0);
                }
                used[payload] += 1;
                left -= 1;
                starting.push(Call {
                    api: self.api,
                    target: self.target,
                    plan: self.plan,
                    version: self.version,
                    bytes: self.payloads.get(payload),
                    payload,
                });
            }
            let together = self.start_of_a_burst(starting.len());
            let calls = starting.into_iter();
            under_way.extend(calls.map(|call| call.make(together.clone())));
            if under_way.is_empty() {
                let wait = pace.wait();
                if left == 0 && self.progress.tally.used_up() == before {
                    // All were refused, so that none of them took an environment of the version.
                    left = self.calls_of_a_version();
                    pace.limit = self.most_at_once();
                }
                let is_over = left == 0 || self.missing() == 0;
                if failure.is_some() || is_over || !self.has_time_for_another(wait) {
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

    /// As many as the input allows, and as this process can have open and hold in memory. Cold starts come of calls at
    /// the same moment, so that only a number in the input bounds these.
    fn most_at_once(&self) -> usize {
        let request = &self.plan.request;
        let asked = match request.parallel {
            Parallel::OneAtATime if request.is_cold() => Parallel::AllAtOnce,
            asked => asked,
        };
        let fit = MOST_PAYLOAD_BYTES / self.payloads.largest().max(1);
        asked.limit().min(MOST_AT_ONCE).min(fit.max(1))
    }

    /// How many calls may be begun on one version. Where only cold starts count, that is one burst: a later call would
    /// find an environment of an earlier one.
    fn calls_of_a_version(&self) -> usize {
        if self.plan.request.is_cold() {
            self.missing().min(self.most_at_once())
        } else {
            usize::MAX
        }
    }

    /// Cold starts come of calls at the same moment, so that all wait until each has its payload ready.
    fn start_of_a_burst(&self, calls: usize) -> Option<Arc<Barrier>> {
        let request = &self.plan.request;
        let waits = request.is_cold() && request.pre_processor.is_some();
        waits.then(|| Arc::new(Barrier::new(calls)))
    }

    /// What the next call receives, unless those under way are all that is missing.
    fn next_payload(&self, used: &[u32], under_way: usize) -> Option<usize> {
        let Request {
            search, precision, ..
        } = &self.plan.request;
        match (search, precision) {
            (Search::Grid(_), None) => self.payloads.next(used),
            (Search::Grid(_), Some(_)) | (Search::Adaptive(_), _) => {
                (under_way < self.missing()).then(|| self.payloads.next_by_share(used))
            }
        }
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
            .has_lost_too_many(self.wanted.samples)
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

    /// With a precision, until it is to be asked whether the samples have it. Calls that are under way then would be the
    /// slow ones, so that none is.
    fn missing(&self) -> usize {
        if self.is_precise() {
            return 0;
        }
        let missing = self.progress.missing(self.wanted);
        match self.plan.request.precision {
            None => missing,
            Some(_) => missing.min(until_next_look(self.progress.counted(self.wanted))),
        }
    }

    /// Of several payloads each has had its share of the calls then.
    fn is_precise(&self) -> bool {
        self.progress.is_precise(self.wanted, &self.plan.request)
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
        let made = Made {
            payload,
            answered,
            only_if_cold: self.plan.request.is_cold(),
        };
        self.progress.record(found, made);
        if let (Some(error), Answered::Failure) = (&answer.error, answered) {
            return Some(TuneError::InvocationFailed(self.why(error, found, payload)));
        }
        self.progress
            .has_lost_too_many(self.wanted.samples)
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
