//! What travels through the state machine, and what the analyzer makes of it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::choice::Candidate;
use crate::error::{Caught, Failure, TuneError};
use crate::function::FunctionArn;
use crate::limits::{self, Meets};
use crate::measurement::{Progress, Samples, Summary, Tally, Version, Wanted};
use crate::memory::MemoryMb;
use crate::outcome::{Conclusion, Counted, DryRun, Outcome};
use crate::plan::Plan;
use crate::request::{OnFailure, Parallel, Search};
use crate::search::{
    Bounds, MOST_SAMPLES_OF_A_SEARCH, MOST_SIZES_OF_A_SEARCH, Next, Question, Seen, Settings,
};

/// The state between two steps. The payload is not in it: steps that need it read it from the execution's input.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tuning {
    pub plan: Plan,
    pub round: Round,
    pub published: Published,
    /// Sizes that are not in the round. With one that failed nothing more is to be done; a search may come back to others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<Branch>,
    /// State transitions of the rounds that are over.
    #[serde(default)]
    pub transitions: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Conclusion>,
    /// What the cleaner did, once it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleaned: Option<Cleaned>,
}

/// What was cleaned up, and the failure that led to it, in words for the end of the execution.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Cleaned {
    /// Of which function, where somebody asked about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionArn>,
    /// The memory size that `$LATEST` was given back, where it had another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<MemoryMb>,
    pub deleted: Vec<Version>,
    /// Left in place because an alias points at them: somebody uses them.
    pub adopted: Vec<Version>,
    /// What was left alone, and why: a tuning that still runs, or one that cannot be judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What one pass of publishing and measuring covers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Round {
    /// From 1 on.
    pub number: u32,
    /// The Map puts what became of each in its place.
    pub sizes: Vec<Branch>,
    /// Runs of the executor for these sizes in the rounds before.
    #[serde(default)]
    pub batches_before: u32,
}

/// One memory size: a branch of the Map.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Branch {
    pub memory: MemoryMb,
    /// Samples that it is to have at the end of the round.
    pub wanted: u32,
    #[serde(default)]
    pub progress: Progress,
    /// An error of the executor itself, which the state machine caught.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caught: Option<Caught>,
}

/// How far the publishing of a round is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Published {
    pub done: bool,
    /// Runs of the publisher so far.
    pub batches: u32,
    pub versions: Vec<Version>,
    /// Versions that will never work, which AWS says some time after it made them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedVersion>,
    /// What the account may have at the most, once AWS has refused more and has said that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest: Option<MemoryMb>,
    /// How long it has waited for another tuning of the function; in a search, since the round began.
    #[serde(default)]
    pub waited_s: u64,
    /// How long it has waited for its versions to become active.
    #[serde(default)]
    pub pending_s: u64,
}

impl Published {
    /// There is no version of this size yet; one that failed will not be tried again.
    #[must_use]
    pub fn is_missing(&self, memory: MemoryMb) -> bool {
        let failed = self.failed.iter().map(|failed| &failed.version);
        let mut known = self.versions.iter().chain(failed);
        known.all(|version| version.memory != memory)
    }
}

/// A version that AWS could not bring to life.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct FailedVersion {
    pub version: Version,
    pub cause: String,
}

/// What is known of one size at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeResult {
    pub memory: MemoryMb,
    pub tally: Tally,
    pub result: Result<Summary, Failure>,
}

/// More rounds than this, beside those that a bound on calls at once makes necessary, do not bring what the ones before
/// did not.
const MOST_ROUNDS: u32 = 20;
/// Nor do more than so many one after the other that brought nothing.
const MOST_FRUITLESS: u32 = 3;
/// So many calls for each cold start that is wanted are enough.
const MOST_CALLS_PER_COLD_START: u32 = 4;
/// So many cold starts are a measurement for a search, though it wanted more.
const FEWEST_COLD_STARTS: usize = 3;
/// In a search the current size gets so many calls: enough to compare with.
const CALLS_OF_THE_BASELINE: u32 = 20;

impl SizeResult {
    /// Its averages, where it has any.
    #[must_use]
    pub fn candidate(&self) -> Option<Candidate> {
        let summary = self.result.as_ref().ok()?;
        Some(Candidate {
            memory: self.memory,
            cost: summary.average_cost,
            duration_ms: summary.average_duration_ms,
        })
    }
}

impl Branch {
    #[must_use]
    pub fn new(memory: MemoryMb, wanted: u32) -> Self {
        Self {
            memory,
            wanted,
            progress: Progress::default(),
            caught: None,
        }
    }

    /// Nothing more is to be measured in this round, nor in another one for what is missing.
    fn is_over(&self) -> bool {
        let Progress {
            fruitless, tally, ..
        } = &self.progress;
        let most_calls = self.wanted.saturating_mul(MOST_CALLS_PER_COLD_START);
        let is_in_vain = *fruitless >= MOST_FRUITLESS || tally.calls >= most_calls;
        self.is_measured() || self.has_failed() || is_in_vain
    }

    fn is_measured(&self) -> bool {
        self.progress.summary.is_some()
    }

    fn has_failed(&self) -> bool {
        self.progress.failure.is_some() || self.caught.is_some()
    }

    /// For another round, with what was measured so far.
    fn again(self) -> Self {
        Self {
            progress: Progress {
                done: false,
                summary: None,
                ..self.progress
            },
            ..self
        }
    }

    /// It needs no more calls, whatever a search wants to know of it.
    fn is_precise(&self, plan: &Plan) -> bool {
        let wanted = wanted(plan, self.wanted);
        self.progress.is_precise(wanted, &plan.request)
    }

    /// For a search the cold starts that came are a measurement, too, once no more are tried for.
    fn with_what_came(self, plan: &Plan) -> Self {
        let is_enough = self.progress.samples.len() >= FEWEST_COLD_STARTS;
        if self.is_measured() || self.has_failed() || !is_enough {
            return self;
        }
        let wanted = wanted(plan, self.wanted);
        let progress =
            self.progress
                .finish_for_now(None, wanted, &plan.request, self.memory, &plan.price);
        Self { progress, ..self }
    }

    /// What it ended with; one that has neither result nor failure never came to its cold starts.
    fn result(self, rounds: u32) -> SizeResult {
        let Self { memory, wanted, .. } = self;
        let Progress {
            samples,
            tally,
            summary,
            failure,
            ..
        } = self.progress;
        let too_few = || Failure {
            error: "NoMeasurements".to_owned(),
            cause: format!(
                "only {} of {wanted} cold starts after {rounds} rounds: of {} calls, {} found an environment that was ready, \
                 and Lambda refused {} more; lower `num`, or raise the concurrency that the function and the account have",
                samples.len(),
                tally.calls,
                tally.calls.saturating_sub(tally.cold_starts),
                tally.throttles
            ),
        };
        let failure = failure.or_else(|| self.caught.map(Failure::from));
        SizeResult {
            memory,
            tally,
            result: summary.ok_or_else(|| failure.unwrap_or_else(too_few)),
        }
    }
}

/// What the samples of a size must be.
fn wanted(plan: &Plan, samples: u32) -> Wanted {
    Wanted {
        samples,
        warm: plan.request.warm_calls_decide(),
    }
}

impl Tuning {
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let mut tuning = Self {
            round: Round {
                number: 1,
                sizes: Vec::new(),
                batches_before: 0,
            },
            plan,
            published: Published::default(),
            ended: Vec::new(),
            transitions: 0,
            outcome: None,
            cleaned: None,
        };
        tuning.round.sizes = tuning.first_round();
        tuning
    }

    fn first_round(&self) -> Vec<Branch> {
        let request = &self.plan.request;
        let current = self.plan.target.current;
        let (mut sizes, calls) = match &request.search {
            Search::Grid(sizes) => {
                let each = sizes.iter().map(|size| (*size, request.calls()));
                (each.collect(), request.calls())
            }
            Search::Adaptive(_) => (
                self.next_of_the_search(),
                request.calls().min(CALLS_OF_THE_BASELINE),
            ),
        };
        if request.baseline && !request.dry_run {
            match sizes.iter_mut().find(|(memory, _)| *memory == current) {
                Some((_, wanted)) => *wanted = calls.max(*wanted),
                None => sizes.push((current, calls)),
            }
        }
        let branches = sizes.into_iter();
        branches
            .map(|(memory, calls)| Branch::new(memory, calls.min(request.calls())))
            .collect()
    }

    /// Decides what the measurements mean: another round, or the outcome.
    ///
    /// # Errors
    ///
    /// No size could be measured, or one could not and the input wants that to be a failure.
    pub fn decide(mut self) -> Result<Self, TuneError> {
        self.transitions = self
            .transitions
            .saturating_add(self.transitions_of_the_round());
        self.refuse_a_payload_that_changed()?;
        let (over, unfinished): (Vec<Branch>, Vec<Branch>) = std::mem::take(&mut self.round.sizes)
            .into_iter()
            .partition(Branch::is_over);
        self.ended.extend(over);
        if !unfinished.is_empty() && self.may_make_another_round() {
            return Ok(self.with_another_round(unfinished));
        }
        self.ended.extend(unfinished);
        if matches!(self.plan.request.search, Search::Adaptive(_)) {
            let ended = std::mem::take(&mut self.ended).into_iter();
            self.ended = ended.map(|size| size.with_what_came(&self.plan)).collect();
            let next = self.next_of_the_search();
            if !next.is_empty() && self.may_make_another_round() {
                return Ok(self.with_another_round_of_the_search(next));
            }
        }
        self.conclude()
    }

    /// Sizes that were measured before it changed say nothing about those after.
    fn refuse_a_payload_that_changed(&self) -> Result<(), TuneError> {
        let caught = self
            .round
            .sizes
            .iter()
            .filter_map(|size| size.caught.clone());
        let mut failures = caught.map(Failure::from);
        let failure = failures.find(|failure| failure.error == PAYLOAD_UNAVAILABLE);
        match (failure, &self.plan.request.payload_s3) {
            (Some(Failure { cause, .. }), Some(at)) => {
                let detail = cause.split_once(": ").map_or(&*cause, |(_, detail)| detail);
                Err(TuneError::PayloadUnavailable {
                    location: at.to_string(),
                    detail: detail.to_owned(),
                })
            }
            _ => Ok(()),
        }
    }

    fn may_make_another_round(&self) -> bool {
        let request = &self.plan.request;
        let mut failed = self.ended.iter().filter(|size| !size.is_measured());
        let is_in_vain = request.on_failure == OnFailure::Fail
            && failed.any(|size| self.was_asked_for(size.memory));
        !request.dry_run && !is_in_vain && self.round.number < self.most_rounds()
    }

    /// Nobody asked for the current size, nor for what a search finds beyond the account's largest.
    fn was_asked_for(&self, memory: MemoryMb) -> bool {
        let is_searched = matches!(self.plan.request.search, Search::Adaptive(_));
        let is_beyond = |largest| memory > largest;
        let is_beyond = self.published.largest.is_some_and(is_beyond);
        self.plan.beside() != Some(memory) && !(is_searched && is_beyond)
    }

    fn most_rounds(&self) -> u32 {
        let request = &self.plan.request;
        let needed = match request.parallel {
            Parallel::AtMost(calls) if request.is_cold() => request.num.div_ceil(calls.max(1)),
            _ => 1,
        };
        needed.saturating_add(MOST_ROUNDS)
    }

    /// On fresh versions, for the cold starts that are missing. Sizes whose bursts took each other's concurrency are
    /// measured one after the other from here on.
    fn with_another_round(mut self, unfinished: Vec<Branch>) -> Self {
        let was_throttled = |branch: &Branch| branch.progress.tally.throttles > 0;
        if unfinished.iter().any(was_throttled) {
            self.plan.sizes_at_once = 1;
        }
        self.in_the_next_round(unfinished)
    }

    /// It waits for other tunings anew: they take their turns in each round.
    fn with_another_round_of_the_search(mut self, next: Vec<(MemoryMb, u32)>) -> Self {
        self.published.waited_s = 0;
        let mut sizes = Vec::with_capacity(next.len());
        for (memory, wanted) in next {
            let known = self.ended.iter().position(|size| size.memory == memory);
            sizes.push(match known {
                Some(place) => Branch {
                    wanted,
                    ..self.ended.remove(place)
                },
                None => Branch::new(memory, wanted),
            });
        }
        self.in_the_next_round(sizes)
    }

    /// Cold starts need fresh versions; else those that there are have environments that are warm.
    fn in_the_next_round(self, sizes: Vec<Branch>) -> Self {
        let Published {
            versions,
            failed,
            largest,
            waited_s,
            ..
        } = self.published;
        let (versions, failed) = if self.plan.request.is_cold() {
            (Vec::new(), Vec::new())
        } else {
            (versions, failed)
        };
        Self {
            round: Round {
                number: self.round.number + 1,
                batches_before: sizes
                    .iter()
                    .map(|size| size.progress.batches)
                    .fold(0, u32::saturating_add),
                sizes: sizes.into_iter().map(Branch::again).collect(),
            },
            published: Published {
                versions,
                failed,
                largest,
                waited_s,
                ..Published::default()
            },
            ..self
        }
    }

    /// What a search is asked, unless the account may have none of the sizes.
    fn question(&self) -> Option<Question> {
        let request = &self.plan.request;
        let Search::Adaptive(bounds) = request.search else {
            return None;
        };
        let largest = self.published.largest.unwrap_or(bounds.highest);
        let bounds = Bounds {
            highest: bounds.highest.min(largest),
            ..bounds
        };
        (bounds.lowest <= bounds.highest).then_some(Question {
            bounds,
            strategy: request.strategy,
            limits: request.limits,
            per_gb_second: self.plan.price.per_gb_second,
            discard: request.discard_top_bottom,
            precision: request.precision,
            most_calls: request.num,
            settings: Settings::default(),
        })
    }

    /// What a search knows: the samples of each size that decide, none where it failed.
    fn known(&self, bounds: Bounds) -> Vec<Known<'_>> {
        let limits = &self.plan.request.limits;
        let sizes = self.ended.iter().filter(|size| bounds.hold(size.memory));
        let known = sizes.map(|size| {
            let mut wanted = wanted(&self.plan, size.wanted);
            if size.is_precise(&self.plan) {
                // So many were enough, as in what is shown of it.
                wanted = wanted.at_most(size.progress.counted(wanted));
            }
            let samples = || wanted.deciding(&size.progress.samples);
            let summary = size.progress.summary.as_ref();
            Known {
                memory: size.memory,
                samples: size.is_measured().then(samples),
                meets: summary.map_or(Meets::No, |summary| limits.verdict(summary).meets),
            }
        });
        known.collect()
    }

    /// The sizes of the next round of a search, each with the samples that it is to have then; none where another round
    /// cannot pay, or brings nothing new.
    fn next_of_the_search(&self) -> Vec<(MemoryMb, u32)> {
        let Some(question) = self.question() else {
            return Vec::new();
        };
        let known = self.known(question.bounds);
        match question.next(&seen(&known)) {
            Next::Measure(next) => self.granted(&question, next),
            Next::Enough => Vec::new(),
        }
    }

    /// What is new in what a search asks for: of sizes within its bounds that have not failed, and as much as fits.
    fn granted(&self, question: &Question, asked: Vec<(MemoryMb, u32)>) -> Vec<(MemoryMb, u32)> {
        let taken = self.ended.iter().map(|size| size.wanted);
        let mut samples_left =
            MOST_SAMPLES_OF_A_SEARCH.saturating_sub(taken.fold(0, u32::saturating_add));
        let mut sizes_left = MOST_SIZES_OF_A_SEARCH.saturating_sub(self.ended.len());
        let mut granted: Vec<(MemoryMb, u32)> = Vec::new();
        for (memory, calls) in asked {
            let before = self.ended.iter().find(|size| size.memory == memory);
            let is_in_vain = match before {
                Some(size) => !size.is_measured() || size.is_precise(&self.plan),
                None => sizes_left == 0 || !question.bounds.hold(memory),
            };
            let is_twice = granted.iter().any(|(granted, _)| *granted == memory);
            let has = before.map_or(0, |size| size.wanted);
            let calls = calls.min(question.most_calls);
            let more = calls.saturating_sub(has).min(samples_left);
            if is_in_vain || is_twice || more == 0 {
                continue;
            }
            samples_left -= more;
            sizes_left -= usize::from(before.is_none());
            granted.push((memory, has + more));
        }
        granted
    }

    /// The best of these, by the strategy. What a search takes for the best is so only if its calls show that it keeps to
    /// the limits.
    fn best(&self, sizes: &[SizeResult]) -> Option<Candidate> {
        let request = &self.plan.request;
        let sizes = limits::judged(&request.limits, sizes);
        let found = self.question().and_then(|question| {
            let memory = question.best(&seen(&self.known(question.bounds)))?;
            let mut sizes = sizes.iter().copied();
            sizes.find(|size| size.candidate.memory == memory)
        });
        found
            .filter(|size| size.verdict.meets == Meets::Yes)
            .or_else(|| limits::choose(&sizes, request.strategy))
            .map(|size| size.candidate)
    }

    fn conclude(mut self) -> Result<Self, TuneError> {
        let rounds = self.round.number;
        self.ended.sort_by_key(|size| size.memory);
        let results = self.ended.iter().cloned();
        let results = results.map(|branch| branch.result(rounds));
        let beside = self.plan.beside();
        let (baseline, sizes): (Vec<SizeResult>, Vec<SizeResult>) =
            results.partition(|size| beside == Some(size.memory));
        if self.plan.request.on_failure == OnFailure::Fail
            && let Some((memory, failure)) = failures(&sizes)
                .into_iter()
                .find(|(memory, _)| self.was_asked_for(*memory))
        {
            return Err(TuneError::InvocationFailed(format!(
                "{memory} could not be measured, and `onFailure` is `fail`: {failure}"
            )));
        }
        let candidates: Vec<Candidate> = sizes.iter().filter_map(SizeResult::candidate).collect();
        let Some(best) = self.best(&sizes) else {
            return Err(TuneError::NoMeasurements(format!(
                "no memory size gave a result: {}",
                all_failures(&sizes)
            )));
        };
        let plan = self.plan;
        let conclusion = if plan.request.dry_run {
            Conclusion::Tried(DryRun::new(&plan, &sizes))
        } else {
            let counted = Counted {
                rounds,
                transitions: self
                    .transitions
                    .saturating_add(transitions_outside_rounds(&plan)),
            };
            let baseline = baseline.first();
            let outcome = Outcome::new(&plan, &sizes, baseline, &candidates, best, counted);
            Conclusion::Chosen(Box::new(outcome))
        };
        Ok(Self {
            plan,
            outcome: Some(conclusion),
            ended: Vec::new(),
            ..self
        })
    }

    /// The billed state transitions of a round, counted from what really ran. AWS bills each state entered; retries,
    /// which the state machine does not tell us of, are not in it.
    fn transitions_of_the_round(&self) -> u32 {
        const PUBLISHER_AND_CHOICE: u64 = 2;
        const MAP: u64 = 1;
        const EXECUTOR_AND_CHOICE: u64 = 2;
        const END_OF_BRANCH: u64 = 1;
        const ANALYZER_AND_CHOICE: u64 = 2;
        let branches: u64 = self
            .round
            .sizes
            .iter()
            .map(|branch| {
                // An executor that failed was entered, but no choice came after it.
                u64::from(branch.progress.batches) * EXECUTOR_AND_CHOICE
                    + u64::from(branch.caught.is_some())
                    + END_OF_BRANCH
            })
            .sum();
        let publishing = u64::from(self.published.batches) * PUBLISHER_AND_CHOICE;
        let before = u64::from(self.round.batches_before) * EXECUTOR_AND_CHOICE;
        let all = publishing + MAP + branches + ANALYZER_AND_CHOICE;
        u32::try_from(all.saturating_sub(before)).unwrap_or(u32::MAX)
    }
}

/// What is known of one size in the middle of a search.
struct Known<'a> {
    memory: MemoryMb,
    samples: Option<Cow<'a, Samples>>,
    meets: Meets,
}

fn seen<'a>(known: &'a [Known]) -> Vec<Seen<'a>> {
    let seen = known.iter().map(|size| Seen {
        memory: size.memory,
        samples: size.samples.as_deref(),
        meets: size.meets,
    });
    seen.collect()
}

fn transitions_outside_rounds(plan: &Plan) -> u32 {
    const START_INITIALIZER_CLEANER_OPTIMIZER_CHOICE_AND_END: u32 = 6;
    const REPORTER_AND_CHOICE: u32 = 2;
    START_INITIALIZER_CLEANER_OPTIMIZER_CHOICE_AND_END
        + if plan.reports { REPORTER_AND_CHOICE } else { 0 }
}

/// The name of the executor's error about a payload in S3, as the state machine catches it.
const PAYLOAD_UNAVAILABLE: &str = "PayloadUnavailable";

fn failures(sizes: &[SizeResult]) -> Vec<(MemoryMb, &Failure)> {
    sizes
        .iter()
        .filter_map(|size| Some((size.memory, size.result.as_ref().err()?)))
        .collect()
}

/// One sentence where all sizes failed alike, else one for each size.
fn all_failures(sizes: &[SizeResult]) -> String {
    let failures = failures(sizes);
    match failures.as_slice() {
        [] => "there was nothing to measure".to_owned(),
        [(_, first), rest @ ..]
            if !rest.is_empty() && rest.iter().all(|(_, failure)| failure == first) =>
        {
            format!("all {} sizes failed alike: {first}", failures.len())
        }
        failures => {
            let each: Vec<String> = failures
                .iter()
                .map(|(memory, failure)| format!("{memory}: {failure}"))
                .collect();
            each.join("; ")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::plan::tests::plan;

    fn branch(mb: u32) -> Branch {
        let mut branch = Branch::new(MemoryMb::try_from(mb).expect("a valid size"), 10);
        branch.progress.done = true;
        branch.progress.batches = 1;
        branch.progress.tally = Tally {
            calls: 10,
            billed_ms: 1000,
            ..Tally::default()
        };
        branch
    }

    fn measured(mb: u32, duration_ms: f64, cost: f64) -> Branch {
        let mut branch = branch(mb);
        branch.progress.summary = Some(Summary {
            average_duration_ms: duration_ms,
            average_cost: cost,
            ..Summary::default()
        });
        branch
    }

    fn failed(mb: u32, cause: &str) -> Branch {
        let mut branch = branch(mb);
        branch.progress.failure = Some(Failure {
            error: "InvocationFailed".to_owned(),
            cause: cause.to_owned(),
        });
        branch
    }

    fn unfinished(mb: u32, samples: usize) -> Branch {
        let mut branch = branch(mb);
        branch.progress.samples.duration_ms = vec![1.0; samples];
        branch.progress.samples.billed_ms = vec![1.0; samples];
        branch
    }

    fn after_a_round(input: Value, sizes: Vec<Branch>) -> Tuning {
        let mut tuning = Tuning::new(plan(input));
        tuning.published.batches = 1;
        tuning.round.sizes = sizes;
        tuning
    }

    fn conclude(input: Value, sizes: Vec<Branch>) -> Result<Outcome, TuneError> {
        match after_a_round(input, sizes).decide()?.outcome {
            Some(Conclusion::Chosen(outcome)) => Ok(*outcome),
            other => panic!("not an outcome: {other:?}"),
        }
    }

    #[test]
    fn what_a_search_finds_keeps_to_the_limits_where_any_size_does() {
        let input = json!({"search": "adaptive", "powerValues": [128, 1024], "num": 30, "maxDurationMs": 300});
        let mut tuning = Tuning::new(plan(input));
        tuning.round.number = tuning.most_rounds();
        let Tuning { plan, .. } = &tuning;
        let taking = |mb, ms: f64| {
            let memory = MemoryMb::try_from(mb).expect("a valid size");
            let mut branch = Branch::new(memory, 30);
            for call in 0..30 {
                let ms = ms + f64::from(call % 3);
                branch.progress.samples.push(ms, ms, None);
            }
            let (wanted, request) = (wanted(plan, 30), &plan.request);
            let progress = branch.progress;
            let progress = progress.finish_for_now(None, wanted, request, memory, &plan.price);
            Branch { progress, ..branch }
        };
        let sizes = vec![taking(128, 1000.0), taking(512, 290.0), taking(1024, 150.0)];
        tuning.round.sizes = sizes;
        let outcome = match tuning.decide().expect("an outcome").outcome {
            Some(Conclusion::Chosen(outcome)) => outcome,
            other => panic!("not an outcome: {other:?}"),
        };
        assert!(outcome.power.get() > 128, "the cheapest, and too slow");
        assert!(outcome.constraint.is_some_and(|limits| limits.met));
    }

    /// A size with calls that take so long, or up to 12 % longer.
    fn called(plan: &Plan, mb: u32, ms: f64) -> Branch {
        let memory = MemoryMb::try_from(mb).expect("a valid size");
        let mut branch = Branch::new(memory, 30);
        for call in 0..30 {
            let ms = ms * (1.0 + f64::from(call % 7) / 50.0);
            branch.progress.samples.push(ms, ms.ceil(), None);
        }
        let wanted = wanted(plan, 30);
        let progress = branch.progress;
        let progress = progress.finish_for_now(None, wanted, &plan.request, memory, &plan.price);
        Branch { progress, ..branch }
    }

    fn outcome_of_calls(input: Value, sizes: &[(u32, f64)]) -> Outcome {
        let mut tuning = Tuning::new(plan(input));
        tuning.round.number = tuning.most_rounds();
        let sizes = sizes.iter().map(|(mb, ms)| called(&tuning.plan, *mb, *ms));
        tuning.round.sizes = sizes.collect();
        match tuning.decide().expect("an outcome").outcome {
            Some(Conclusion::Chosen(outcome)) => *outcome,
            other => panic!("not an outcome: {other:?}"),
        }
    }

    #[test]
    fn the_reason_of_a_search_does_not_call_a_size_the_cheapest_that_is_not_shown_to_be() {
        let searched = json!({"search": "adaptive", "powerValues": [128, 1024], "num": 30});
        let sizes = [(512, 125.0), (640, 99.0)];
        let outcome = outcome_of_calls(searched.clone(), &sizes);
        let said = "512 MB is taken for the cheapest of 2 measured sizes, by all their calls together (640 MB has a better \
                    average, which may be chance)";
        assert!(outcome.reason.starts_with(said), "{}", outcome.reason);
        let confidence = outcome.confidence.expect("enough calls");
        assert_eq!(confidence.as_good, [mb(640)]);
        let limited = json!({"search": "adaptive", "powerValues": [128, 1024], "num": 30, "maxDurationMs": 1000});
        let reason = outcome_of_calls(limited, &sizes).reason;
        assert!(
            reason.contains("is taken for the cheapest of the 2 sizes that keep"),
            "{reason}"
        );
        let clear = outcome_of_calls(searched, &[(512, 125.0), (1024, 120.0)]);
        assert!(
            clear
                .reason
                .starts_with("512 MB is the cheapest of 2 measured sizes;"),
            "{}",
            clear.reason
        );
    }

    #[test]
    fn there_is_no_confidence_in_what_is_not_the_best_or_not_compared() {
        let sizes = [(512, 125.0), (1024, 120.0)];
        let compared = outcome_of_calls(json!({}), &sizes);
        assert!(compared.confidence.is_some());
        let closest = outcome_of_calls(json!({"maxDurationMs": 1}), &sizes);
        assert_eq!(closest.confidence, None, "it is only the closest");
        let mut tuning = Tuning::new(plan(json!({})));
        let one = called(&tuning.plan, 512, 125.0);
        tuning.round.sizes = vec![one, measured(1024, 1.0, 1.0)];
        let outcome = match tuning.decide().expect("an outcome").outcome {
            Some(Conclusion::Chosen(outcome)) => outcome,
            other => panic!("not an outcome: {other:?}"),
        };
        assert_eq!(outcome.confidence, None, "nothing is known of the other");
    }

    #[test]
    fn a_dry_run_says_which_sizes_can_be_called_and_chooses_none() {
        let sizes = vec![measured(512, 1.0, 1.0), failed(128, "out of memory")];
        let tuning = after_a_round(json!({"dryRun": true}), sizes);
        let conclusion = tuning.decide().expect("a conclusion").outcome;
        let Some(Conclusion::Tried(tried)) = conclusion else {
            panic!("not a dry run: {conclusion:?}");
        };
        let tried = serde_json::to_value(tried).expect("JSON");
        assert_eq!(tried["dryRun"], true);
        assert_eq!(tried.get("power"), None);
        assert_eq!(
            tried["sizes"],
            json!([
                {"memory": 128, "status": "failed", "reason": "out of memory (InvocationFailed)"},
                {"memory": 512, "status": "measured"},
            ])
        );
    }

    #[test]
    fn the_outcome_has_the_references_keys() {
        let results = vec![measured(1024, 100.0, 2e-6), measured(128, 900.0, 1e-6)];
        let outcome = conclude(json!({"includeOutputResults": true}), results).expect("an outcome");
        let outcome = serde_json::to_value(outcome).expect("JSON");
        assert_eq!(outcome["power"], 128);
        assert_eq!(outcome["cost"], 1e-6);
        assert_eq!(outcome["duration"], 900.0);
        assert_eq!(
            outcome["stats"],
            json!([
                {"value": 128, "averagePrice": 1e-6, "averageDuration": 900.0},
                {"value": 1024, "averagePrice": 2e-6, "averageDuration": 100.0},
            ])
        );
        let visualization = outcome["stateMachine"]["visualization"]
            .as_str()
            .expect("a text");
        assert!(
            visualization.starts_with("https://lambda-power-tuning.show/#"),
            "{visualization}"
        );
        // Two sizes of 1,000 billed ms each, at 128 and 1,024 MB, in us-east-1.
        let lambda_cost = outcome["stateMachine"]["lambdaCost"]
            .as_f64()
            .expect("a number");
        assert!(
            (lambda_cost - 1.125 * 1.66667e-5).abs() < 1e-12,
            "{lambda_cost}"
        );
        // The choice at the start, Initializer, Publisher and its choice, Map, three states a branch, Analyzer and its choice,
        // four to the end.
        let execution_cost = outcome["stateMachine"]["executionCost"]
            .as_f64()
            .expect("a number");
        assert!(
            (execution_cost - 17.0 * 2.5e-5).abs() < 1e-12,
            "{execution_cost}"
        );
    }

    #[test]
    fn a_stack_that_stores_reports_has_two_transitions_more() {
        let cost = |reports: bool| {
            let mut tuning = after_a_round(json!({}), vec![measured(128, 1.0, 1.0)]);
            tuning.plan.reports = reports;
            match tuning.decide().expect("a decision").outcome {
                Some(Conclusion::Chosen(outcome)) => {
                    assert_eq!(outcome.report.is_some(), reports);
                    outcome.state_machine.execution_cost
                }
                other => panic!("{other:?}"),
            }
        };
        let more = (cost(true) - cost(false)) / 2.5e-5;
        assert!((more - 2.0).abs() < 1e-9, "{more}");
    }

    #[test]
    fn stats_are_left_out_unless_asked_for() {
        let outcome = conclude(json!({}), vec![measured(128, 1.0, 1.0)]).expect("an outcome");
        let outcome = serde_json::to_value(outcome).expect("JSON");
        assert_eq!(outcome.get("stats"), None);
    }

    #[test]
    fn a_size_that_failed_is_in_the_outcome_with_its_reason() {
        let results = vec![failed(128, "out of memory"), measured(512, 1.0, 1.0)];
        let outcome = conclude(json!({}), results).expect("one size is enough");
        let sizes = serde_json::to_value(outcome).expect("JSON")["sizes"].clone();
        assert_eq!(sizes[0]["status"], "failed");
        assert_eq!(sizes[0]["reason"], "out of memory (InvocationFailed)");
        assert_eq!(sizes[1]["status"], "measured");
    }

    #[test]
    fn an_error_that_the_state_machine_caught_is_a_failed_size() {
        let caught = Branch {
            caught: Some(Caught {
                error: "Sandbox.Timedout".to_owned(),
                cause: r#"{"errorMessage":"Task timed out"}"#.to_owned(),
            }),
            ..branch(128)
        };
        let outcome =
            conclude(json!({}), vec![caught, measured(512, 1.0, 1.0)]).expect("an outcome");
        let sizes = serde_json::to_value(outcome).expect("JSON")["sizes"].clone();
        assert_eq!(sizes[0]["reason"], "Task timed out (Sandbox.Timedout)");
    }

    #[test]
    fn a_run_fails_when_no_size_is_left() {
        let alike = conclude(json!({}), vec![failed(128, "boom"), failed(512, "boom")]);
        assert_eq!(
            alike.expect_err("nothing measured").to_string(),
            "no memory size gave a result: all 2 sizes failed alike: boom (InvocationFailed)"
        );
        let differently = conclude(json!({}), vec![failed(128, "boom"), failed(512, "bang")]);
        assert_eq!(
            differently.expect_err("nothing measured").to_string(),
            "no memory size gave a result: 128 MB: boom (InvocationFailed); 512 MB: bang (InvocationFailed)"
        );
    }

    #[test]
    fn one_failed_size_fails_the_run_only_where_the_input_says_so() {
        let results = || vec![failed(128, "boom"), measured(512, 1.0, 1.0)];
        let error = conclude(json!({"onFailure": "fail"}), results()).expect_err("as asked");
        assert_eq!(error.name(), "InvocationFailed");
        assert!(conclude(json!({}), results()).is_ok());
    }

    #[test]
    fn sizes_without_all_their_cold_starts_get_another_round() {
        let sizes = vec![measured(128, 1.0, 1.0), unfinished(512, 3)];
        let tuning = after_a_round(json!({"onlyColdStarts": true}), sizes);
        let next = tuning.decide().expect("a decision");
        assert_eq!(next.outcome, None);
        assert_eq!(next.round.number, 2);
        let [again] = next.round.sizes.as_slice() else {
            panic!("not one size: {:?}", next.round.sizes);
        };
        assert_eq!(again.memory.get(), 512);
        assert!(!again.progress.done, "it is measured again");
        assert_eq!(again.progress.samples.len(), 3, "and nothing is lost");
        assert_eq!(next.published, Published::default(), "on another version");
        assert_eq!(next.ended, [measured(128, 1.0, 1.0)]);
        // Publisher and its choice, Map, three states for each of two branches, Analyzer and its choice.
        assert_eq!(next.transitions, 11);

        let mut last = next;
        last.published.batches = 1;
        last.round.sizes = vec![measured(512, 2.0, 2.0)];
        last.round.sizes[0].progress.batches = 2;
        let Some(Conclusion::Chosen(outcome)) = last.decide().expect("a decision").outcome else {
            panic!("no outcome");
        };
        assert_eq!(outcome.rounds, 2);
        assert_eq!(outcome.sizes.len(), 2);
        let transitions = outcome.state_machine.execution_cost / 2.5e-5;
        assert!((transitions - 25.0).abs() < 1e-9, "{transitions}");
    }

    #[test]
    fn rounds_come_to_an_end() {
        let mut tuning = after_a_round(
            json!({"onlyColdStarts": true}),
            vec![measured(128, 1.0, 1.0), unfinished(512, 3)],
        );
        for round in 1..=MOST_ROUNDS {
            assert_eq!(tuning.round.number, round);
            tuning = tuning.decide().expect("a decision");
            assert_eq!(tuning.outcome, None);
        }
        let Some(Conclusion::Chosen(outcome)) = tuning.decide().expect("a decision").outcome else {
            panic!("no outcome");
        };
        let reason = outcome.sizes[1].reason.clone().unwrap_or_default();
        let want = "only 3 of 10 cold starts after 21 rounds: of 10 calls, 10 found";
        assert!(reason.starts_with(want), "{reason}");
    }

    #[test]
    fn as_many_cold_starts_as_an_input_may_ask_for_fit_into_the_state() {
        let all = json!({"onlyColdStarts": true, "powerValues": "ALL", "num": 125});
        let mut tuning = Tuning::new(plan(all));
        for branch in &mut tuning.round.sizes {
            let call = |call: u32| 800_000.0 + f64::from(call) / 7.0;
            branch.progress = unfinished(128, 0).progress;
            branch.progress.samples.duration_ms = (0..124).map(call).collect();
            branch.progress.samples.billed_ms = (800_000..800_124).map(f64::from).collect();
            let memory = branch.memory;
            let number = "10000".to_owned();
            tuning.published.versions.push(Version { memory, number });
        }
        let bytes = serde_json::to_string(&tuning).expect("JSON").len();
        assert!(bytes < 256 * 1024, "{bytes}");
    }

    /// A size with all that may be known of one: cold and warm calls, two heaps, a drift, every percentile.
    fn measured_in_full(mb: u32, plan: &Plan) -> Branch {
        let mut branch = branch(mb);
        for call in 0..1000 {
            let place = f64::from(call);
            let slow = if call % 5 == 0 { 700_000.0 } else { 100_000.0 };
            let ms = slow + place * 77.7 + 1.0 / 7.0;
            let init_ms = (call % 100 == 0).then_some(1234.567);
            branch.progress.samples.push(ms, ms.ceil(), init_ms);
        }
        branch.progress = branch
            .progress
            .finish(None, &plan.request, branch.memory, &plan.price);
        let summary = branch.progress.summary.as_ref().expect("a summary");
        assert!(summary.drift.is_some() && summary.heaps.is_some() && summary.cold.is_some());
        assert!(summary.percentiles.p99.is_some());
        branch
    }

    #[test]
    fn what_is_known_of_sizes_fits_into_the_state_and_into_the_output() {
        // `ALL`, far below the limit; and as many sizes as an input may have.
        for (count, most) in [(46, 80 * 1024), (200, 256 * 1024)] {
            let list: Vec<u32> = (0..count).map(|place| 1000 + 10 * place).collect();
            let all = json!({
                "powerValues": list, "includeOutputResults": true, "num": 1000, "maxDurationMs": 1e7 / 7.0, "percentile": 99,
                "maxCost": 1.0 / 7.0, "monthlyInvocations": 1_000_000_007, "provisionedConcurrency": 7, "baseline": true,
                "note": "\u{10348}".repeat(500),
            });
            let mut tuning = Tuning::new(plan(all));
            let plan = &tuning.plan;
            // The current size is beside them.
            let all = list.iter().chain([&512]);
            tuning.round.sizes = all.map(|mb| measured_in_full(*mb, plan)).collect();
            let measured = serde_json::to_string(&tuning).expect("JSON").len();
            let decided = tuning.decide().expect("a decision");
            if let Some(Conclusion::Chosen(outcome)) = &decided.outcome {
                // So that it can be stored, and can say where.
                let outcome = serde_json::to_string(outcome).expect("JSON").len();
                assert!(
                    outcome + 1_000 < crate::filed::MOST_BYTES,
                    "{count}: {outcome}"
                );
            }
            let decided = serde_json::to_string(&decided).expect("JSON").len();
            assert!(
                measured < most && decided < most,
                "{count}: {measured}, {decided}"
            );
        }
    }

    #[test]
    fn rounds_that_bring_nothing_are_not_repeated_for_long() {
        let mut fruitless = unfinished(512, 3);
        fruitless.progress.fruitless = MOST_FRUITLESS;
        let outcome = conclude(
            json!({"onlyColdStarts": true}),
            vec![measured(128, 1.0, 1.0), fruitless],
        );
        assert_eq!(outcome.expect("an outcome").sizes[1].average_cost, None);
    }

    #[test]
    fn bursts_that_were_throttled_come_one_after_the_other() {
        let mut throttled = unfinished(512, 3);
        throttled.progress.tally.throttles = 1;
        let one = |sizes| {
            let tuning = after_a_round(json!({"onlyColdStarts": true}), sizes);
            tuning.decide().expect("a decision").plan.sizes_at_once
        };
        assert_eq!(one(vec![throttled, unfinished(128, 3)]), 1);
        assert!(one(vec![unfinished(128, 3)]) > 1);
    }

    #[test]
    fn a_bound_on_calls_at_once_makes_as_many_rounds_as_it_takes() {
        let rounds = |parallel: Value| {
            let input = json!({"onlyColdStarts": true, "num": 100, "parallelInvocation": parallel});
            after_a_round(input, Vec::new()).most_rounds()
        };
        assert_eq!(rounds(json!(4)), MOST_ROUNDS + 25);
        assert_eq!(rounds(json!(false)), MOST_ROUNDS + 1);
    }

    #[test]
    fn calls_for_cold_starts_that_do_not_come_are_bounded() {
        let mut warm = unfinished(512, 3);
        warm.progress.tally.calls = 40;
        let sizes = vec![measured(128, 1.0, 1.0), warm];
        let outcome = conclude(json!({"onlyColdStarts": true}), sizes).expect("an outcome");
        let reason = outcome.sizes[1].reason.clone().unwrap_or_default();
        assert!(
            reason.contains("of 40 calls, 40 found an environment"),
            "{reason}"
        );
    }

    #[test]
    fn a_payload_that_changed_under_some_sizes_ends_the_run() {
        let message = "the payload `s3://bucket/key` cannot be used: it was changed";
        let caught = Branch {
            caught: Some(Caught {
                error: "PayloadUnavailable".to_owned(),
                cause: json!({"errorMessage": message}).to_string(),
            }),
            ..branch(512)
        };
        let input = json!({"payloadS3": "s3://bucket/key"});
        let error = conclude(input, vec![measured(128, 1.0, 1.0), caught]).expect_err("no choice");
        assert_eq!(error.name(), "PayloadUnavailable");
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn no_round_is_made_for_a_run_that_has_failed() {
        let sizes = vec![failed(128, "boom"), unfinished(512, 3)];
        let input = json!({"onlyColdStarts": true, "onFailure": "fail"});
        let error = after_a_round(input, sizes).decide().expect_err("as asked");
        assert_eq!(error.name(), "InvocationFailed");
    }

    fn mb(mb: u32) -> MemoryMb {
        MemoryMb::try_from(mb).expect("a valid size")
    }

    /// A search whose first round is over, with these sizes.
    fn searched(more: Value, sizes: Vec<Branch>) -> Tuning {
        let mut input = json!({"search": "adaptive", "powerValues": null});
        if let (Some(input), Value::Object(more)) = (input.as_object_mut(), more) {
            input.extend(more);
        }
        after_a_round(input, sizes)
    }

    /// With so many samples, as the executor gives them back; every one of them has so many digits, and every other is
    /// of a cold start.
    fn sampled(memory: u32, wanted: u32, samples: u32) -> Branch {
        let mut branch = Branch::new(mb(memory), wanted);
        for sample in 0..samples {
            let ms = 800_000.0 + f64::from(sample) / 7.0;
            let init_ms = (sample % 2 == 1).then_some(ms / 3.0);
            branch.progress.samples.push(ms, ms.ceil(), init_ms);
        }
        branch.progress.tally.calls = samples;
        branch.progress.batches += 1;
        let wanted = Wanted {
            samples: wanted,
            warm: true,
        };
        let Plan { request, price, .. } = plan(json!({}));
        branch.progress =
            branch
                .progress
                .finish_for_now(None, wanted, &request, branch.memory, &price);
        branch
    }

    #[test]
    fn a_search_is_granted_what_is_new_and_fits() {
        let sizes = vec![
            sampled(256, 10, 12),
            failed(300, "boom"),
            sampled(512, 10, 10),
        ];
        let mut tuning = searched(json!({"num": 1500, "powerValues": [256, 2048]}), Vec::new());
        tuning.ended = sizes;
        let question = tuning.question().expect("a search");
        let granted = |asked: &[(u32, u32)]| {
            let asked = asked.iter().map(|(size, calls)| (mb(*size), *calls));
            let granted = tuning.granted(&question, asked.collect());
            let granted = granted.into_iter();
            granted
                .map(|(size, calls)| (size.get(), calls))
                .collect::<Vec<_>>()
        };
        assert_eq!(granted(&[(256, 20), (1024, 5)]), [(256, 20), (1024, 5)]);
        assert_eq!(granted(&[(256, 10), (512, 9)]), [], "they have them");
        assert_eq!(granted(&[(300, 20)]), [], "it failed");
        assert_eq!(granted(&[(128, 5), (2049, 5)]), [], "out of bounds");
        assert_eq!(granted(&[(1024, 5), (1024, 9)]), [(1024, 5)], "once");
        assert_eq!(granted(&[(1024, 4000)]), [(1024, 1500)], "`num`");
        let left = MOST_SAMPLES_OF_A_SEARCH - 30;
        let most = [(256, 1500), (512, 10 + left - 1490)];
        assert_eq!(granted(&[(256, 1500), (512, 1500), (600, 5)]), most);
        let many: Vec<(u32, u32)> = (0..100).map(|size| (600 + size, 5)).collect();
        assert_eq!(granted(&many), many[..MOST_SIZES_OF_A_SEARCH - 3]);
    }

    #[test]
    fn a_search_knows_the_samples_that_are_shown_where_a_size_ended_early() {
        let mut tuning = searched(json!({"precision": 0.5, "num": 100}), Vec::new());
        let mut branch = Branch::new(mb(512), 50);
        for call in 0..40 {
            let init_ms = (call >= 12).then_some(500.0);
            branch.progress.samples.push(600.0, 600.0, init_ms);
        }
        branch.progress.summary = Some(Summary::default());
        tuning.ended = vec![branch];
        let known = tuning.known(Bounds::default());
        let samples = known[0].samples.as_ref().map(|samples| samples.len());
        assert_eq!(samples, Some(12), "the warm ones");
    }

    #[test]
    fn versions_and_samples_of_a_search_are_kept_over_its_rounds() {
        let versions = vec![Version {
            memory: mb(512),
            number: "7".to_owned(),
        }];
        let again = |more: Value| {
            let mut tuning = searched(more, Vec::new());
            tuning.published.versions.clone_from(&versions);
            tuning.published.waited_s = 9;
            tuning.ended = vec![sampled(512, 3, 3), sampled(1024, 3, 3)];
            tuning.with_another_round_of_the_search(vec![(mb(512), 8), (mb(256), 3)])
        };
        let next = again(json!({}));
        assert_eq!(next.published.versions, versions);
        assert_eq!((next.published.batches, next.published.waited_s), (0, 0));
        let [more, new] = next.round.sizes.as_slice() else {
            panic!("not two sizes: {:?}", next.round.sizes);
        };
        assert_eq!((more.wanted, more.progress.samples.len()), (8, 3));
        assert!(!more.progress.done && more.progress.summary.is_none());
        assert_eq!(*new, Branch::new(mb(256), 3));
        assert_eq!(next.round.batches_before, 1, "they were counted");
        assert_eq!(next.ended, [sampled(1024, 3, 3)]);
        let cold = again(json!({"onlyColdStarts": true}));
        assert_eq!(cold.published.versions, [], "no cold starts are left there");
    }

    /// Whatever the sizes turn out to be like.
    #[test]
    fn a_search_ends_and_its_state_is_small_at_every_step() {
        for (strategy, cold) in [("cost", 0), ("speed", 0), ("balanced", 1)] {
            let input = json!({"strategy": strategy, "num": 5000});
            let mut tuning = searched(input, Vec::new());
            tuning.round = Tuning::new(tuning.plan.clone()).round;
            let mut rounds = 0;
            while tuning.outcome.is_none() {
                rounds += 1;
                assert!(rounds <= MOST_ROUNDS + 1, "it never ends");
                for branch in &mut tuning.round.sizes {
                    let most = branch.wanted * (1 + cold) + cold * 3;
                    *branch = sampled(branch.memory.get(), branch.wanted, most);
                }
                let bytes = serde_json::to_string(&tuning).expect("JSON").len();
                assert!(bytes < 200 * 1024, "{bytes}");
                tuning = tuning.decide().expect("a decision");
            }
        }
    }

    #[test]
    fn the_largest_search_fits_into_the_state() {
        let mut tuning = searched(json!({"num": 5000, "baseline": true}), Vec::new());
        let sizes = u32::try_from(MOST_SIZES_OF_A_SEARCH).expect("a few") + 1;
        let wanted = Wanted {
            samples: MOST_SAMPLES_OF_A_SEARCH / (sizes - 1),
            warm: true,
        };
        for size in 0..sizes {
            let memory = 10_000 + size;
            let branch = sampled(memory, wanted.samples, wanted.most());
            tuning.ended.push(branch);
            let number = "10000".to_owned();
            let memory = mb(memory);
            tuning.published.versions.push(Version { memory, number });
        }
        let bytes = serde_json::to_string(&tuning).expect("JSON").len();
        // The first step takes a plan to have 4 KB more than this one.
        assert!(bytes < 252 * 1024, "{bytes}");
    }

    #[test]
    fn what_the_account_may_not_have_is_not_searched() {
        let mut tuning = searched(json!({"onFailure": "fail"}), Vec::new());
        tuning.published.largest = Some(mb(3008));
        let question = tuning.question().expect("a search");
        assert_eq!(question.bounds.highest, mb(3008));
        tuning.ended = vec![sampled(512, 3, 3), failed(10_240, "refused")];
        assert_eq!(tuning.known(question.bounds).len(), 1);
        assert!(tuning.may_make_another_round(), "nobody asked for it");
        tuning.ended.push(failed(3008, "boom"));
        assert!(!tuning.may_make_another_round());
        let beyond = json!({"powerValues": [4096, 10_240]});
        let mut tuning = searched(beyond, vec![failed(4096, "refused")]);
        tuning.published.largest = Some(mb(3008));
        let error = tuning.decide().expect_err("nothing is left");
        assert_eq!(error.name(), "NoMeasurements");
    }

    #[test]
    fn a_current_size_beside_the_others_is_in_the_cost_and_the_reason_alone() {
        let input = || json!({"baseline": true, "powerValues": [128, 1024], "onFailure": "fail"});
        let first = Tuning::new(plan(input())).round.sizes;
        let sizes: Vec<(u32, u32)> = first
            .iter()
            .map(|size| (size.memory.get(), size.wanted))
            .collect();
        assert_eq!(sizes, [(128, 10), (1024, 10), (512, 10)]);
        let others = || vec![measured(128, 900.0, 2e-6), measured(1024, 100.0, 3e-6)];
        let with = |current| {
            let sizes = others().into_iter().chain([current]).collect();
            conclude(input(), sizes).expect("an outcome")
        };
        let outcome = with(measured(512, 200.0, 1e-6));
        assert_eq!(outcome.power.get(), 128, "not the current one");
        assert_eq!(outcome.sizes.len(), 2);
        let compared =
            "a call costs 100.0 % more and takes 350.0 % more time than at the current 512 MB";
        assert!(outcome.reason.ends_with(compared), "{}", outcome.reason);
        // 1,000 billed ms at each of 128, 1,024 and 512 MB.
        let cost = outcome.state_machine.lambda_cost;
        assert!((cost - 1.625 * 1.66667e-5).abs() < 1e-12, "{cost}");
        let outcome = with(failed(512, "boom"));
        assert_eq!(outcome.sizes.len(), 2, "it fails nothing");
        let mut cold = input();
        cold["onlyColdStarts"] = json!(true);
        let unfinished = vec![unfinished(128, 3), failed(512, "boom")];
        let next = after_a_round(cold, unfinished).decide();
        assert_eq!(next.expect("another round").round.number, 2);
        let alone = conclude(input(), vec![failed(128, "boom"), measured(512, 1.0, 1.0)]);
        assert_eq!(alone.expect_err("as asked").name(), "InvocationFailed");
    }

    #[test]
    fn a_search_begins_with_the_current_size_where_that_is_within_its_bounds() {
        let wanted = |more: Value| {
            let sizes = Tuning::new(searched(more, Vec::new()).plan).round.sizes;
            let current = sizes.iter().find(|size| size.memory == mb(512));
            current.map(|size| size.wanted)
        };
        let most = CALLS_OF_THE_BASELINE;
        let baseline = |num: u32, bounds: Value| {
            wanted(json!({"baseline": true, "num": num, "powerValues": bounds}))
        };
        assert_eq!(baseline(50, json!([128, 3008])), Some(most));
        assert_eq!(baseline(7, json!([128, 3008])), Some(7));
        assert_eq!(baseline(50, json!([1024, 3008])), Some(most), "beside");
        assert_eq!(wanted(json!({"powerValues": [1024, 3008]})), None);
    }

    #[test]
    fn cold_starts_that_came_are_enough_for_a_search() {
        let cold = |samples| {
            let mut size = unfinished(1024, samples);
            size.progress.fruitless = MOST_FRUITLESS;
            let tuning = searched(json!({"onlyColdStarts": true}), Vec::new());
            size.with_what_came(&tuning.plan).is_measured()
        };
        assert!(cold(FEWEST_COLD_STARTS) && !cold(FEWEST_COLD_STARTS - 1));
    }

    #[test]
    fn the_reason_compares_with_the_current_size() {
        let results = vec![measured(512, 200.0, 4e-6), measured(1024, 100.0, 3e-6)];
        let outcome = conclude(json!({}), results).expect("an outcome");
        assert_eq!(
            outcome.reason,
            "1024 MB is the cheapest of 2 measured sizes; a call costs 25.0 % less and takes 50.0 % less time than at the current 512 MB"
        );
        let alike = vec![measured(512, 200.0, 4e-6), measured(1024, 199.99, 4e-6)];
        let outcome = conclude(json!({}), alike).expect("an outcome");
        assert_eq!(
            outcome.reason,
            "1024 MB is the cheapest of 2 measured sizes; a call costs no less and takes hardly less time than at the current 512 MB"
        );
        let stays = conclude(json!({}), vec![measured(512, 200.0, 4e-6)]).expect("an outcome");
        assert_eq!(
            stays.reason,
            "512 MB is the only size that was measured; the function has it already"
        );
    }
}
