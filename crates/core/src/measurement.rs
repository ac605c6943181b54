//! What is learned about one memory size: samples while it is measured, a summary afterwards.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::choice::{Scale, Strategy};
use crate::error::{Failure, TuneError};
use crate::memory::MemoryMb;
use crate::prices::Price;
use crate::report::{Found, Report};
use crate::request::Request;
use crate::statistics::{
    Estimate, Heaps, Percentile, drift, heaps, is_precise, percentile, percentile_bound,
    percentile_floor, trimmed_mean,
};

/// A published version to measure.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    pub memory: MemoryMb,
    pub number: String,
}

/// How far the measuring of one size is. It travels from batch to batch, so it holds numbers and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    pub done: bool,
    /// Runs of the executor so far.
    pub batches: u32,
    pub samples: Samples,
    /// Samples of each payload, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_payload: Vec<u32>,
    pub tally: Tally,
    /// Rounds one after the other that brought no cold start.
    #[serde(skip_serializing_if = "is_zero")]
    pub fruitless: u32,
    /// Batches one after the other whose calls were cut off, and none answered.
    #[serde(skip_serializing_if = "is_zero")]
    pub stalled: u32,
    /// Set when `done`, unless the size failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Set when `done` and the size cannot be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Calls that no batch can hold are not begun for ever.
const MOST_STALLED: u32 = 2;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_nothing(sum: &f64) -> bool {
    *sum == 0.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The samples of one size, a column for each quantity.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Samples {
    /// Duration of the call plus init and restore.
    pub duration_ms: Vec<f64>,
    pub billed_ms: Vec<f64>,
    /// Which are of cold starts: lengths of runs, first one of warm samples, then one of cold ones, and so on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cold_runs: Vec<u32>,
    /// The sum of the time that environments took to start or to be restored.
    #[serde(skip_serializing_if = "is_nothing")]
    pub init_ms: f64,
    /// What the timeout is about: the longest call, without the start of its environment.
    #[serde(skip_serializing_if = "is_nothing")]
    pub slowest_without_init_ms: f64,
}

impl Samples {
    /// Takes in a call; `init_ms` is None for a warm one.
    pub fn push(&mut self, duration_ms: f64, billed_ms: f64, init_ms: Option<f64>) {
        self.duration_ms.push(duration_ms);
        self.billed_ms.push(billed_ms);
        let init = init_ms.unwrap_or_default();
        self.init_ms += init;
        self.slowest_without_init_ms = self.slowest_without_init_ms.max(duration_ms - init);
        // The runs at even places are warm.
        let is_of_the_last_run = self.cold_runs.len() % 2 == usize::from(init_ms.is_none());
        match self.cold_runs.last_mut() {
            Some(last) if is_of_the_last_run => *last += 1,
            Some(_) => self.cold_runs.push(1),
            None if init_ms.is_none() => self.cold_runs.push(1),
            None => self.cold_runs.extend([0, 1]),
        }
    }

    /// Of each sample, in the order in which they were taken, whether an environment was started for it.
    pub fn are_cold(&self) -> impl Iterator<Item = bool> {
        let runs = self.cold_runs.iter().enumerate();
        runs.flat_map(|(place, length)| std::iter::repeat_n(place % 2 == 1, *length as usize))
            .take(self.len())
    }

    #[must_use]
    pub fn cold(&self) -> usize {
        let runs = self.cold_runs.iter().skip(1).step_by(2);
        runs.map(|length| *length as usize).sum()
    }

    #[must_use]
    pub fn warm(&self) -> usize {
        self.len().saturating_sub(self.cold())
    }

    /// Those of warm calls alone.
    fn warm_ones(&self) -> Self {
        let columns = self.duration_ms.iter().zip(&self.billed_ms);
        let mut warm = Self::default();
        for ((duration_ms, billed_ms), is_cold) in columns.zip(self.are_cold()) {
            if !is_cold {
                warm.push(*duration_ms, *billed_ms, None);
            }
        }
        warm
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.duration_ms.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.duration_ms.is_empty()
    }
}

/// What happened besides the samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tally {
    /// Calls that the function answered, with or without an error.
    pub calls: u32,
    pub errors: u32,
    /// Calls that Lambda refused for lack of concurrency; each was made again.
    pub throttles: u32,
    pub cold_starts: u32,
    /// Reports that carried another call's id, and were taken all the same.
    pub unmatched: u32,
    /// Calls whose environment took more than ten seconds to start; their report has no init time.
    pub slow_inits: u32,
    /// Calls whose log held no report; each was made again.
    pub without_report: u32,
    /// Calls whose connection or service failed; each was made again.
    pub without_answer: u32,
    /// Calls that the end of a batch cut off; they run on, are billed, and were made again.
    pub cut_off: u32,
    pub max_memory_used_mb: u32,
    /// The sum over all calls: what the measuring was billed for.
    pub billed_ms: u64,
}

impl Tally {
    /// Calls that took an environment, or may have.
    #[must_use]
    pub fn used_up(&self) -> u32 {
        self.calls + self.without_answer + self.cut_off
    }
}

/// The samples that a size is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub samples: u32,
    /// Of warm calls, as long as there are any.
    pub warm: bool,
}

impl Wanted {
    /// The most samples that a size gets. Where all environments are started together, each of them is warm for one more
    /// call; where none ever is, more calls do not bring what these did not.
    #[must_use]
    pub fn most(self) -> u32 {
        const COLD_AT_LEAST: u32 = 3;
        if self.warm {
            self.samples.saturating_mul(2).saturating_add(COLD_AT_LEAST)
        } else {
            self.samples
        }
    }

    /// Where so many were enough.
    #[must_use]
    pub fn at_most(self, samples: usize) -> Self {
        let enough = u32::try_from(samples).unwrap_or(u32::MAX);
        Self {
            samples: self.samples.min(enough),
            ..self
        }
    }

    /// The samples that decide: the warm ones where those are wanted, and are about half of what was, or of what came.
    #[must_use]
    pub fn deciding(self, samples: &Samples) -> Cow<'_, Samples> {
        let half_of = samples.len().min(self.samples as usize);
        let is_enough = samples.warm().saturating_mul(2) >= half_of;
        if self.warm && samples.cold() > 0 && is_enough {
            Cow::Owned(samples.warm_ones())
        } else {
            Cow::Borrowed(samples)
        }
    }
}

/// How a call of the target ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    Success,
    /// By an error that the input allows: it is measured like a success.
    AllowedError,
    Failure,
}

/// A call that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Which payload it received.
    pub payload: usize,
    pub answered: Answered,
    /// It counts only if an environment was started for it.
    pub only_if_cold: bool,
}

impl Progress {
    /// Takes in what the log of one call says. Without a report there is no sample.
    pub fn record(&mut self, found: Option<Found>, made: Made) {
        let Made {
            payload,
            answered,
            only_if_cold,
        } = made;
        let failed = answered == Answered::Failure;
        self.tally.calls += 1;
        self.tally.errors += u32::from(answered != Answered::Success);
        let Some(Found { report, matched }) = found else {
            self.tally.without_report += u32::from(!failed);
            return;
        };
        self.tally.unmatched += u32::from(!matched);
        self.tally.cold_starts += u32::from(report.is_cold());
        self.tally.slow_inits += u32::from(report.init_was_repeated);
        self.tally.max_memory_used_mb =
            self.tally.max_memory_used_mb.max(report.max_memory_used_mb);
        self.tally.billed_ms += whole_ms(&report);
        if !failed && (report.is_cold() || !only_if_cold) {
            let init_ms = report
                .is_cold()
                .then_some(report.init_ms + report.restore_ms);
            self.samples
                .push(report.total_ms(), report.billed_ms, init_ms);
            if self.by_payload.len() <= payload {
                self.by_payload.resize(payload + 1, 0);
            }
            self.by_payload[payload] += 1;
        }
    }

    /// Samples that still have to be taken.
    #[must_use]
    pub fn missing(&self, wanted: Wanted) -> usize {
        let missing = (wanted.samples as usize).saturating_sub(self.counted(wanted));
        missing.min((wanted.most() as usize).saturating_sub(self.samples.len()))
    }

    /// Samples of the kind that is wanted.
    #[must_use]
    pub fn counted(&self, wanted: Wanted) -> usize {
        if wanted.warm {
            self.samples.warm()
        } else {
            self.samples.len()
        }
    }

    /// Whether no more samples are needed, because these show the average duration as precisely as the request asks for,
    /// and the percentile of its limit, if it has one.
    #[must_use]
    pub fn is_precise(&self, wanted: Wanted, request: &Request) -> bool {
        let Some(precision) = request.precision else {
            return false;
        };
        let samples = if wanted.warm {
            Cow::Owned(self.samples.warm_ones())
        } else {
            Cow::Borrowed(&self.samples)
        };
        let durations = &samples.duration_ms;
        let percentile = request.limits.duration.and_then(|limit| limit.percentile);
        is_precise(durations, request.discard_top_bottom, precision)
            && percentile
                .is_none_or(|percent| percentile_bound(durations, percent / 100.0).is_some())
    }

    /// Calls that gave no sample are made again, but not for ever.
    #[must_use]
    pub fn has_lost_too_many(&self, num: u32) -> bool {
        self.tally.without_report + self.tally.without_answer > (num / 5).max(3)
    }

    /// Ends a batch: what it gives back keeps batches from following each other for ever.
    pub fn end_batch(&mut self, before: &Self, most_batches: u32) -> Option<TuneError> {
        let (now, then) = (&self.tally, &before.tally);
        self.stalled = if now.calls > then.calls {
            0
        } else {
            before.stalled + u32::from(now.cut_off > then.cut_off)
        };
        if self.stalled >= MOST_STALLED {
            return Some(TuneError::InvocationFailed(format!(
                "not one call ended within the time of {} batches; tune the function on a smaller payload, or set \
                 `parallelInvocation` to a smaller number",
                self.stalled
            )));
        }
        (self.batches >= most_batches).then(|| {
            TuneError::InvocationFailed(format!(
                "{} batches have given {} samples, and more would not fit into the history of an execution; tune with \
                 fewer calls, fewer sizes, shorter pauses or more calls at once",
                self.batches,
                self.samples.len()
            ))
        })
    }

    /// Ends a round that did not bring all cold starts.
    pub fn end_round(&mut self, before: &Self) {
        self.done = true;
        self.fruitless = if self.samples.len() > before.samples.len() {
            0
        } else {
            before.fruitless + 1
        };
    }

    /// Ends the measuring of a size that a search may come back to: its samples stay.
    #[must_use]
    pub fn finish_for_now(
        self,
        failure: Option<Failure>,
        wanted: Wanted,
        request: &Request,
        memory: MemoryMb,
        price: &Price,
    ) -> Self {
        if failure.is_some() {
            return self.finish(failure, request, memory, price);
        }
        let deciding = wanted.deciding(&self.samples);
        let summary = self.sum_up(&deciding, request, memory, price);
        Self {
            done: true,
            fruitless: 0,
            stalled: 0,
            summary: Some(summary),
            ..self
        }
    }

    /// Payloads that take their own time each, one after the other, are neither two heaps nor a drift.
    fn sum_up(
        &self,
        deciding: &Samples,
        request: &Request,
        memory: MemoryMb,
        price: &Price,
    ) -> Summary {
        let mut summary = Summary::of(deciding, &self.samples, request, memory, price);
        if self.by_payload.len() > 1 {
            summary.drift = None;
            summary.heaps = None;
        }
        summary
    }

    /// Ends the measuring: the samples become a summary, or the failure stands for them.
    #[must_use]
    pub fn finish(
        self,
        failure: Option<Failure>,
        request: &Request,
        memory: MemoryMb,
        price: &Price,
    ) -> Self {
        let summary = match failure {
            Some(_) => None,
            None => Some(self.sum_up(&self.samples, request, memory, price)),
        };
        Self {
            done: true,
            samples: Samples::default(),
            by_payload: Vec::new(),
            fruitless: 0,
            stalled: 0,
            summary,
            failure,
            ..self
        }
    }
}

fn len(values: &[f64]) -> u32 {
    u32::try_from(values.len()).unwrap_or(u32::MAX)
}

/// Billed durations are whole milliseconds; JSON logs may write them with a fraction.
fn whole_ms(report: &Report) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a report's numbers are checked to be between 0 and a day"
    )]
    let ms = report.billed_ms.ceil() as u64;
    ms
}

/// One size, measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub average_duration_ms: f64,
    /// Of one call, for its duration alone: no request fee, no storage.
    pub average_cost: f64,
    /// Plain, over all samples: what a month is billed by.
    #[serde(default)]
    pub mean_billed_ms: f64,
    /// How sure the average duration is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Estimate>,
    /// How sure the average cost is, which it is before rounding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Estimate>,
    /// Where the percentile that a limit asks for lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<Between>,
    /// How many samples the averages are of.
    #[serde(default)]
    pub samples: u32,
    /// The plain mean of the durations, with an indicative interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_duration: Option<Estimate>,
    #[serde(default)]
    pub percentiles: Percentiles,
    #[serde(default)]
    pub slowest_ms: f64,
    #[serde(default)]
    pub slowest_without_init_ms: f64,
    /// Plain means of all samples, those of cold starts apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm: Option<Warm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold: Option<Cold>,
    /// By which share the duration of warm calls changed while they were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<f64>,
    /// Of the durations of warm calls of one payload, if they fall into two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heaps: Option<Heaps>,
}

/// Those that the samples carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Percentiles {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<Percentile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90: Option<Percentile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95: Option<Percentile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<Percentile>,
}

impl Percentiles {
    fn of(values: &[f64]) -> Self {
        Self {
            p50: percentile(values, 0.5),
            p90: percentile(values, 0.9),
            p95: percentile(values, 0.95),
            p99: percentile(values, 0.99),
        }
    }
}

/// Calls that found an environment ready.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warm {
    pub samples: u32,
    pub mean_duration_ms: f64,
}

/// Calls for which an environment was started or restored.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cold {
    pub samples: u32,
    /// Init or restore included.
    pub mean_duration_ms: f64,
    pub mean_init_ms: f64,
}

/// The ends of what a percentile lies between, each with 95 % confidence; too few samples have no such end.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Between {
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl Summary {
    /// What the strategy wants to be small. None where there are too few samples to say how sure it is.
    #[must_use]
    pub fn value(&self, strategy: Strategy, scale: &Scale) -> Option<Estimate> {
        // Cost and duration are of the same calls, so that they are off together, and their deviations add up. The scale
        // is the same for all sizes, and is taken as it is.
        let (cost, duration) = match strategy {
            Strategy::Cost => (self.cost?, self.cost?),
            Strategy::Speed => (self.duration?, self.duration?),
            Strategy::Balanced { .. } => (self.cost?, self.duration?),
        };
        let of_both =
            |part: fn(&Estimate) -> f64| scale.value(strategy, part(&cost), part(&duration));
        Some(Estimate {
            mean: of_both(|of| of.mean),
            low: of_both(|of| of.low),
            high: of_both(|of| of.high),
            standard_error: of_both(|of| of.standard_error),
            freedom: cost.freedom.min(duration.freedom),
        })
    }

    /// As the reference computes it: both averages are trimmed means, and the average of the billed time is rounded up.
    /// The averages are of the samples that decide; `all` has the others, too.
    fn of(
        samples: &Samples,
        all: &Samples,
        request: &Request,
        memory: MemoryMb,
        price: &Price,
    ) -> Self {
        let discard = request.discard_top_bottom;
        let Samples {
            duration_ms,
            billed_ms,
            ..
        } = samples;
        let asked = request.limits.duration.and_then(|limit| limit.percentile);
        let per_ms = price.of_calls(memory, 1.0);
        let (cold, warm): (Vec<_>, Vec<_>) = all
            .duration_ms
            .iter()
            .zip(all.are_cold())
            .partition(|(_, is_cold)| *is_cold);
        let [cold, warm] =
            [cold, warm].map(|calls| calls.into_iter().map(|(ms, _)| *ms).collect::<Vec<f64>>());
        let of_one_kind = if warm.is_empty() { &cold } else { &warm };
        Self {
            samples: len(duration_ms),
            mean_duration: Estimate::plain(duration_ms).map(Estimate::short),
            percentiles: Percentiles::of(duration_ms),
            slowest_without_init_ms: all.slowest_without_init_ms,
            slowest_ms: all.duration_ms.iter().copied().fold(0.0, f64::max),
            warm: (!warm.is_empty()).then(|| Warm {
                samples: len(&warm),
                mean_duration_ms: trimmed_mean(&warm, 0.0),
            }),
            cold: (!cold.is_empty()).then(|| Cold {
                samples: len(&cold),
                mean_duration_ms: trimmed_mean(&cold, 0.0),
                mean_init_ms: all.init_ms / f64::from(len(&cold)),
            }),
            drift: drift(of_one_kind),
            heaps: heaps(of_one_kind),
            average_duration_ms: trimmed_mean(duration_ms, discard),
            average_cost: price.of_calls(memory, trimmed_mean(billed_ms, discard)),
            mean_billed_ms: trimmed_mean(billed_ms, 0.0),
            duration: Estimate::trimmed(duration_ms, discard).map(Estimate::short),
            cost: Estimate::trimmed(billed_ms, discard).map(|billed| billed.times(per_ms).short()),
            percentile: asked.map(|percent| Between {
                low: percentile_floor(duration_ms, percent / 100.0),
                high: percentile_bound(duration_ms, percent / 100.0),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn made(answered: Answered) -> Made {
        Made {
            payload: 0,
            answered,
            only_if_cold: false,
        }
    }

    fn report(duration_ms: f64, billed_ms: f64, init_ms: f64) -> Found {
        let report = Report {
            duration_ms,
            billed_ms,
            init_ms,
            max_memory_used_mb: 70,
            ..Report::default()
        };
        Found {
            report,
            matched: true,
        }
    }

    fn request(fields: Value) -> Request {
        let mut input = json!({"lambdaARN": "f", "num": 100});
        if let (Some(input), Value::Object(fields)) = (input.as_object_mut(), fields) {
            input.extend(fields);
        }
        Request::parse(&input).expect("a good input")
    }

    fn price() -> Price {
        Price {
            currency: "USD".to_owned(),
            per_gb_second: 1.66667e-5,
            per_transition: 2.5e-5,
        }
    }

    #[test]
    fn init_is_shown_but_never_billed_twice() {
        let mut progress = Progress::default();
        for _ in 0..5 {
            progress.record(Some(report(100.0, 301.0, 200.5)), made(Answered::Success));
        }
        let size = MemoryMb::try_from(1024).expect("a valid size");
        let done = progress.finish(
            None,
            &request(json!({"discardTopBottom": 0})),
            size,
            &price(),
        );
        let summary = done.summary.expect("measured");
        assert!((summary.average_duration_ms - 300.5).abs() < 1e-9);
        assert!((summary.average_cost - 0.301 * 1.66667e-5).abs() < 1e-15);
        assert_eq!(done.tally.cold_starts, 5);
        assert_eq!(done.tally.billed_ms, 1505);
        assert!(
            done.samples.is_empty(),
            "what is summed up travels no further"
        );
    }

    #[test]
    fn a_call_without_a_report_is_counted_and_is_no_sample() {
        let mut progress = Progress::default();
        progress.record(None, made(Answered::Success));
        assert_eq!(progress.samples.len(), 0);
        assert_eq!(
            (progress.tally.calls, progress.tally.without_report),
            (1, 1)
        );
        assert!(!progress.has_lost_too_many(10));
        for _ in 0..3 {
            progress.record(None, made(Answered::Success));
        }
        assert!(progress.has_lost_too_many(10));
    }

    #[test]
    fn where_cold_starts_are_wanted_others_are_paid_and_left_out() {
        let mut progress = Progress::default();
        let only_if_cold = Made {
            only_if_cold: true,
            ..made(Answered::Success)
        };
        progress.record(Some(report(50.0, 50.0, 0.0)), only_if_cold);
        assert_eq!((progress.samples.len(), progress.tally.calls), (0, 1));
        assert_eq!(progress.tally.billed_ms, 50);
        progress.record(Some(report(50.0, 150.0, 100.0)), only_if_cold);
        let mut repeated = report(15_000.0, 15_000.0, 0.0);
        repeated.report.init_was_repeated = true;
        progress.record(Some(repeated), only_if_cold);
        assert_eq!(progress.samples.duration_ms, [150.0, 15_000.0]);
        assert_eq!(
            (progress.tally.cold_starts, progress.tally.slow_inits),
            (2, 1)
        );
    }

    #[test]
    fn batches_without_an_answer_or_an_end_are_not_repeated_for_ever() {
        let mut progress = Progress::default();
        for stalled in 1..MOST_STALLED {
            let before = progress.clone();
            progress.tally.cut_off += 4;
            assert!(progress.end_batch(&before, 100).is_none());
            assert_eq!(progress.stalled, stalled);
        }
        let before = progress.clone();
        progress.tally.cut_off += 4;
        assert!(progress.end_batch(&before, 100).is_some());
        progress.tally.calls += 1;
        assert!(progress.end_batch(&before, 100).is_none());
        assert_eq!(progress.stalled, 0, "one was answered");
        progress.batches = 100;
        let error = progress.end_batch(&before, 100).expect("too many batches");
        assert!(
            error.to_string().contains("the history of an execution"),
            "{error}"
        );
    }

    #[test]
    fn a_failed_call_costs_but_is_no_sample() {
        let mut progress = Progress::default();
        progress.record(Some(report(50.0, 50.0, 0.0)), made(Answered::Failure));
        assert_eq!(progress.samples.len(), 0);
        assert_eq!((progress.tally.errors, progress.tally.billed_ms), (1, 50));
    }

    fn of(colds: &[bool]) -> Progress {
        let mut progress = Progress::default();
        for cold in colds {
            let init_ms = if *cold { 100.0 } else { 0.0 };
            progress.record(Some(report(10.0, 10.0, init_ms)), made(Answered::Success));
        }
        progress
    }

    #[test]
    fn warm_calls_are_made_until_there_are_enough_or_never_will_be() {
        let warm = Wanted {
            samples: 5,
            warm: true,
        };
        let missing = |cold: usize, rest: usize, wanted| {
            let all = [vec![true; cold], vec![false; rest]].concat();
            of(&all).missing(wanted)
        };
        assert_eq!(missing(0, 0, warm), 5);
        assert_eq!(missing(1, 4, warm), 1);
        assert_eq!(missing(5, 0, warm), 5, "all were started together");
        assert_eq!(missing(5, 5, warm), 0);
        assert_eq!(missing(10, 0, warm), 3);
        assert_eq!(missing(13, 0, warm), 0, "no environment is ever warm");
        let any = Wanted {
            warm: false,
            ..warm
        };
        assert_eq!((missing(3, 0, any), missing(5, 0, any)), (2, 0));
    }

    #[test]
    fn cold_starts_decide_only_where_there_is_little_else() {
        let wanted = Wanted {
            samples: 4,
            warm: true,
        };
        let deciding = |colds: &[bool], wanted: Wanted| {
            let samples = of(colds).samples;
            let deciding = wanted.deciding(&samples);
            (deciding.warm(), deciding.cold())
        };
        let mixed = [true, false, true, false];
        assert_eq!(deciding(&mixed, wanted), (2, 0));
        assert_eq!(deciding(&[true, true, true, false], wanted), (1, 3));
        let ended_early = Wanted {
            samples: 50,
            ..wanted
        };
        assert_eq!(deciding(&mixed, ended_early), (2, 0));
        let any = Wanted {
            warm: false,
            ..wanted
        };
        assert_eq!(deciding(&mixed, any), (2, 2));
        let size = MemoryMb::try_from(1024).expect("a valid size");
        let done = of(&mixed).finish_for_now(None, wanted, &request(json!({})), size, &price());
        let summary = done.summary.expect("measured");
        assert!((summary.average_duration_ms - 10.0).abs() < 1e-9);
        assert_eq!(done.samples.len(), 4, "a search may come back");
    }

    #[test]
    fn what_limits_and_a_month_are_judged_by_is_summed_up() {
        let mut progress = Progress::default();
        for ms in (1..100).chain([1100]) {
            let found = report(f64::from(ms) - 0.5, f64::from(ms), 0.0);
            progress.record(Some(found), made(Answered::Success));
        }
        let size = MemoryMb::try_from(1024).expect("a valid size");
        let limits = json!({"maxDurationMs": 300, "percentile": "50"});
        let done = progress.finish(None, &request(limits), size, &price());
        let summary = done.summary.expect("measured");
        assert!(
            (summary.mean_billed_ms - 60.5).abs() < 1e-9,
            "nothing is left out"
        );
        let (duration, cost) = (
            summary.duration.expect("a spread"),
            summary.cost.expect("a spread"),
        );
        assert!((duration.mean - summary.average_duration_ms).abs() < 1e-9);
        assert!((cost.mean - 0.0505 * 1.66667e-5).abs() < 1e-15);
        let ratio = (cost.high - cost.mean) / (duration.high - duration.mean);
        assert!((ratio - 0.001 * 1.66667e-5).abs() < 1e-12, "{ratio}");
        let median = Between {
            low: Some(41.5),
            high: Some(58.5),
        };
        assert_eq!(summary.percentile, Some(median));
    }

    #[test]
    fn payloads_that_take_their_own_time_are_neither_groups_nor_a_drift() {
        let sum_up = |payloads: usize| {
            let mut progress = Progress::default();
            for call in 0..30 {
                let late = usize::from(call >= 15);
                let ms = if late == 1 { 900.0 } else { 100.0 } + f64::from(call % 3);
                let to = Made {
                    payload: late.min(payloads - 1),
                    ..made(Answered::Success)
                };
                progress.record(Some(report(ms, ms, 0.0)), to);
            }
            let size = MemoryMb::try_from(512).expect("a valid size");
            let done = progress.finish(None, &request(json!({})), size, &price());
            let summary = done.summary.expect("measured");
            (summary.heaps.is_some(), summary.drift.is_some())
        };
        assert_eq!(sum_up(1), (true, true));
        assert_eq!(sum_up(2), (false, false));
    }

    #[test]
    fn samples_know_which_were_cold() {
        let runs = [
            (vec![], vec![]),
            (vec![false], vec![1]),
            (vec![true, true], vec![0, 2]),
            (vec![true, false, false, true], vec![0, 1, 2, 1]),
            (vec![false, true, false], vec![1, 1, 1]),
        ];
        for (colds, wanted) in runs {
            let mut samples = Samples::default();
            for cold in &colds {
                samples.push(10.0, 10.0, cold.then_some(2.0));
            }
            assert_eq!(samples.cold_runs, wanted);
            assert_eq!(samples.are_cold().collect::<Vec<_>>(), colds);
            let cold = colds.iter().filter(|cold| **cold).count();
            assert_eq!(samples.cold(), cold);
            assert!((samples.init_ms - 2.0 * crate::distributions::count(cold)).abs() < 1e-9);
        }
    }

    #[test]
    fn the_samples_of_the_longest_run_fit_between_two_batches() {
        let mut progress = Progress::default();
        for call in 0..1000 {
            progress.record(
                Some(report(800_000.0 + f64::from(call) / 7.0, 800_001.0, 0.0)),
                made(Answered::Success),
            );
        }
        let bytes = serde_json::to_string(&progress).expect("JSON").len();
        assert!(bytes < 40_000, "{bytes} bytes");
    }
}
