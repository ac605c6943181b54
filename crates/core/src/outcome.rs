//! What a tuning found, as the execution's output says it: the reference's keys, and ours beside them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::choice::{Candidate, Scale, Strategy, pareto_front};
use crate::confidence::{Confidence, Rival};
use crate::configuration::Architecture;
use crate::filed::Filed;
use crate::improvement::{Improvement, Measured};
use crate::limits::{self, Constraint, Judged, Meets};
use crate::measurement::{Cold, Percentiles, Summary, Tally, Version, Warm};
use crate::memory::MemoryMb;
use crate::month::{Bill, Monthly, MonthlyCost};
use crate::plan::Plan;
use crate::request::{Limits, Parallel, Request, Search};
use crate::search;
use crate::statistics::{Estimate, six_digits};
use crate::tuning::SizeResult;
use crate::warnings::Warning;

/// At so much memory AWS gives a function one full vCPU (Lambda's developer guide, "Configure Lambda function memory").
const FULL_VCPU_MB: u32 = 1_769;

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Of this layout; a reader refuses what is newer than it knows.
    #[serde(default = "first_version")]
    pub schema_version: u32,
    pub power: MemoryMb,
    /// Of one call at `power`, for its duration alone.
    pub cost: f64,
    /// Of one call at `power`, in ms.
    pub duration: f64,
    pub state_machine: StateMachine,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<Vec<Stat>>,

    pub function: String,
    pub region: String,
    pub architecture: Architecture,
    pub currency: String,
    pub strategy: String,
    /// How the sizes were chosen: `grid` or `adaptive`.
    #[serde(default)]
    pub search: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// The writer's of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the function had when it was planned, whether that was measured or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_memory: Option<MemoryMb>,
    /// One sentence: why this size.
    pub reason: String,
    pub sizes: Vec<Size>,
    /// The limits of the input, and whether the best size keeps to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraint: Option<Constraint>,
    /// The current size, where it is measured to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Size>,
    /// Over the current size, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub improvement: Option<Improvement>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Monthly>,
    /// Passes of publishing and measuring: those of a search, and those for cold starts that were missing.
    pub rounds: u32,
    /// How sure it is that `power` is the best; absent where there are too few samples to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
    /// What a reader of these numbers should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Versions of ours that were not deleted, because an alias points at them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_versions: Vec<Version>,
    /// What was applied; absent unless the input asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optimization: Option<Optimization>,
    /// Where the reports of it are; absent unless the stack stores them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Filed>,
}

/// The layout that this code writes.
pub const SCHEMA_VERSION: u32 = 1;

/// Of outcomes that do not say.
fn first_version() -> u32 {
    1
}

/// How it was measured, in the words of the input.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub num: u32,
    pub parallel_invocation: Value,
    pub discard_top_bottom: f64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_cold_starts: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balanced_weight: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_invocations: Option<u64>,
    /// The outcome is to have a link to its report.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub report_link: bool,
}

impl Settings {
    fn of(request: &Request) -> Self {
        Self {
            num: request.num,
            parallel_invocation: match request.parallel {
                Parallel::OneAtATime => false.into(),
                Parallel::AllAtOnce => true.into(),
                Parallel::AtMost(calls) => calls.into(),
            },
            discard_top_bottom: request.discard_top_bottom,
            only_cold_starts: request.only_cold_starts,
            balanced_weight: match request.strategy {
                Strategy::Balanced { weight } => Some(weight),
                Strategy::Cost | Strategy::Speed => None,
            },
            precision: request.precision,
            monthly_invocations: request.month.map(|month| month.invocations),
            report_link: request.report_link,
        }
    }
}

/// What was counted over all rounds.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub rounds: u32,
    /// State transitions that AWS bills.
    pub transitions: u32,
}

/// What the measuring led to.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Conclusion {
    Chosen(Box<Outcome>),
    Tried(DryRun),
}

/// What a dry run gives out: whether each size can be called. One call says nothing about time or cost.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    /// Always true: this is how a reader tells it from an outcome.
    pub dry_run: bool,
    pub function: String,
    pub region: String,
    pub architecture: Architecture,
    pub sizes: Vec<Tried>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_versions: Vec<Version>,
}

/// A size that was called once.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    pub memory: MemoryMb,
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl DryRun {
    #[must_use]
    pub fn new(plan: &Plan, sizes: &[SizeResult]) -> Self {
        let function = &plan.target.function;
        let tried = |size: &SizeResult| {
            let Size {
                memory,
                status,
                reason,
                ..
            } = Size::of(size);
            Tried {
                memory,
                status,
                reason,
            }
        };
        Self {
            dry_run: true,
            function: function.to_string(),
            region: function.region().to_owned(),
            architecture: plan.target.architecture,
            sizes: sizes.iter().map(tried).collect(),
            kept_versions: Vec::new(),
        }
    }
}

/// What the tuning itself cost.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StateMachine {
    pub execution_cost: f64,
    pub lambda_cost: f64,
    /// Absent where the stack says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visualization: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stat {
    pub value: MemoryMb,
    pub average_price: f64,
    pub average_duration: f64,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Size {
    pub memory: MemoryMb,
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_cost: Option<f64>,
    /// What was measured, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
    /// Between what the true averages lie with 95 % confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_interval_ms: Option<[f64; 2]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_interval: Option<[f64; 2]>,
    /// Of all samples, with nothing left out; its interval is indicative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_duration_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_duration_interval_ms: Option<[f64; 2]>,
    /// Those that the samples carry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub percentiles: BTreeMap<String, Shown>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowest_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm: Option<Warm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold: Option<Cold>,
    /// Present, and true, at exactly one full vCPU: code that runs on one thread gets no faster above it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub full_vcpu: bool,
    /// Whether it keeps to the limits of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meets_constraint: Option<Meets>,
    /// What the limited duration is below with 95 % confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_bound_ms: Option<f64>,
    /// The same for the cost, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_bound: Option<f64>,
    /// No other size is both cheaper and faster.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pareto: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_cost: Option<MonthlyCost>,
    /// Against the current size; negative where this one costs more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_saving: Option<f64>,
    /// All in all, with environments that are kept ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_provisioned_cost: Option<f64>,
    /// Why the size could not be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub calls: u32,
    pub errors: u32,
    pub cold_starts: u32,
    pub throttles: u32,
    pub unmatched: u32,
    pub slow_inits: u32,
    pub without_report: u32,
    pub without_answer: u32,
    pub cut_off: u32,
    #[serde(rename = "maxMemoryUsedMB")]
    pub max_memory_used_mb: u32,
}

/// A percentile of the durations.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// In the samples.
    pub ms: f64,
    /// Of all calls, with 95 % confidence.
    pub at_most_ms: f64,
    pub samples: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Measured,
    Failed,
}

/// What `autoOptimize` did to the function.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Optimization {
    /// False where the best size was not to be given to the function.
    #[serde(default = "is_applied")]
    pub applied: bool,
    /// Why it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub from: MemoryMb,
    /// What the function has now.
    pub to: MemoryMb,
    /// False where the function had that size already.
    pub changed: bool,
    /// The alias that was asked for, and the version that it now points at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

fn is_applied() -> bool {
    true
}

impl Optimization {
    /// The function is left as it is.
    #[must_use]
    pub fn withheld(memory: MemoryMb, reason: String) -> Self {
        Self {
            applied: false,
            reason: Some(reason),
            from: memory,
            to: memory,
            changed: false,
            alias: None,
            version: None,
        }
    }
}

impl Outcome {
    /// What "best" means in it. None where it is of a strategy that is not known here.
    #[must_use]
    pub fn aim(&self) -> Option<Strategy> {
        let settings = self.settings.as_ref();
        let weight = settings.and_then(|settings| settings.balanced_weight);
        match (self.strategy.as_str(), weight) {
            ("cost", _) => Some(Strategy::Cost),
            ("speed", _) => Some(Strategy::Speed),
            ("balanced", Some(weight)) => Some(Strategy::Balanced { weight }),
            _ => None,
        }
    }

    /// The tuner chose the sizes, and how often each was called.
    #[must_use]
    pub fn is_of_a_search(&self) -> bool {
        self.search == Search::ADAPTIVE
    }

    /// The best of all measured sizes by their averages, whether they keep to the limits or not.
    #[must_use]
    pub fn best_without_limits(&self) -> Option<&Size> {
        let measured: Vec<Candidate> = self.sizes.iter().filter_map(Size::candidate).collect();
        let scale = if self.is_of_a_search() {
            search::scale(&measured)
        } else {
            Scale::of(&measured)
        };
        let best = scale.best(&measured, self.aim()?)?;
        self.sizes.iter().find(|size| size.memory == best.memory)
    }

    /// Why the best size is not to be given to the function; none where it is.
    #[must_use]
    pub fn why_not_to_apply(&self, request: &Request) -> Option<String> {
        if self.constraint.as_ref().is_some_and(|limits| !limits.met) {
            return Some(format!(
                "no measured size keeps to the limits with 95 % confidence; {} only comes closest",
                self.power
            ));
        }
        let least = request.min_improvement_percent?;
        let Some(improvement) = self.improvement else {
            return Some(
                "the current size has no measurement to compare with, and `minImprovementPercent` is set"
                    .to_owned(),
            );
        };
        let Improvement {
            over,
            percent,
            at_least_percent,
        } = improvement;
        if improvement.is_worth(least) {
            return None;
        }
        let more = match request.search {
            Search::Grid(_) => "more calls (`num`)",
            Search::Adaptive(_) => "more calls of the best size (`precision`)",
        };
        Some(if over == self.power {
            format!("{over} is the current size already")
        } else if percent < least {
            format!("the improvement is {percent:.1} %, and `minImprovementPercent` is {least}")
        } else if let Some(at_least) = at_least_percent {
            format!(
                "the improvement of {percent:.1} % may be chance: with 95 % confidence it is only above {at_least:.1} %; \
                 {more} may show it"
            )
        } else {
            format!(
                "too few calls were measured to tell the improvement from chance; {more} may show it"
            )
        })
    }

    /// `baseline` is the current size where it was measured beside those that were asked for.
    #[must_use]
    pub fn new(
        plan: &Plan,
        sizes: &[SizeResult],
        baseline: Option<&SizeResult>,
        candidates: &[Candidate],
        best: Candidate,
        counted: Counted,
    ) -> Self {
        let target = &plan.target;
        let request = &plan.request;
        let all = sizes.iter().chain(baseline);
        let current = all.clone().find(|size| size.memory == target.current);
        let chosen = sizes.iter().find(|size| size.memory == best.memory);
        let judged = limits::judged(&request.limits, sizes);
        let verdict = judged.iter().find(|size| size.candidate == best);
        let view = View {
            limits: &request.limits,
            bill: Bill::of(plan),
            current,
            front: pareto_front(candidates),
        };
        let scale = match request.search {
            Search::Grid(_) => Scale::of(candidates),
            Search::Adaptive(_) => search::scale(candidates),
        };
        let confidence = verdict
            .filter(|best| best.verdict.meets == Meets::Yes)
            .and_then(|best| confidence(request, sizes, &judged, best.candidate.memory, &scale));
        let as_good = confidence.as_ref().map_or(&[][..], |of| &of.as_good);
        let stats = candidates.iter().map(|size| Stat {
            value: size.memory,
            average_price: size.cost,
            average_duration: size.duration_ms,
        });
        Self {
            schema_version: SCHEMA_VERSION,
            power: best.memory,
            cost: best.cost,
            duration: best.duration_ms,
            state_machine: StateMachine {
                execution_cost: f64::from(counted.transitions) * plan.price.per_transition,
                lambda_cost: all.map(|size| cost_of_all_calls(plan, size)).sum(),
                visualization: plan
                    .viewer
                    .as_ref()
                    .map(|viewer| viewer.url(candidates, &plan.price.currency)),
            },
            stats: plan.request.include_output_results.then(|| stats.collect()),
            function: target.function.to_string(),
            region: target.function.region().to_owned(),
            architecture: target.architecture,
            currency: plan.price.currency.clone(),
            strategy: plan.request.strategy.name().to_owned(),
            search: plan.request.search.name().to_owned(),
            settings: Some(Settings::of(request)),
            note: request.note.clone(),
            current_memory: Some(target.current),
            reason: reason(plan, &judged, current, best, &scale),
            sizes: sizes.iter().map(|size| view.of(size)).collect(),
            constraint: verdict.and_then(|size| request.limits.constraint(&size.verdict)),
            baseline: current
                .filter(|_| request.baseline)
                .map(|size| view.of(size)),
            improvement: current.and_then(|current| {
                Improvement::of(
                    &measured(chosen?)?,
                    &measured(current)?,
                    request.strategy,
                    &scale,
                )
            }),
            monthly: chosen.and_then(|chosen| Monthly::of(plan, chosen, current)),
            rounds: counted.rounds,
            warnings: Warning::all(plan, sizes, best.memory, as_good)
                .into_iter()
                .chain(
                    verdict.and_then(|best| unsure_of_the_limits(request, &judged, best, &scale)),
                )
                .collect(),
            confidence,
            kept_versions: Vec::new(),
            optimization: None,
            report: plan.reports.then(Filed::default),
        }
    }
}

/// What all sizes are looked at with.
struct View<'a> {
    limits: &'a Limits,
    bill: Option<Bill<'a>>,
    current: Option<&'a SizeResult>,
    front: Vec<MemoryMb>,
}

impl View<'_> {
    fn of(&self, size: &SizeResult) -> Size {
        let summary = size.result.as_ref().ok();
        let verdict = summary
            .filter(|_| self.limits.is_any())
            .map(|summary| self.limits.verdict(summary));
        let monthly_cost = self.monthly_cost(size);
        let current = self.current.and_then(|current| self.monthly_cost(current));
        let ready = self.bill.as_ref().zip(summary);
        Size {
            meets_constraint: verdict.map(|verdict| verdict.meets),
            duration_bound_ms: verdict.and_then(|verdict| verdict.duration_bound_ms),
            cost_bound: verdict.and_then(|verdict| verdict.cost_bound),
            pareto: self.front.contains(&size.memory),
            monthly_cost: monthly_cost.map(MonthlyCost::short),
            monthly_saving: current
                .and_then(|current| current.saving(&monthly_cost?))
                .map(six_digits),
            monthly_provisioned_cost: ready
                .and_then(|(bill, summary)| {
                    let ready = bill.provisioned(size.memory, summary.mean_billed_ms)?;
                    ready.total
                })
                .map(six_digits),
            ..Size::of(size)
        }
    }

    fn monthly_cost(&self, size: &SizeResult) -> Option<MonthlyCost> {
        let summary = size.result.as_ref().ok()?;
        let bill = self.bill.as_ref()?;
        Some(bill.on_demand(size.memory, summary.mean_billed_ms))
    }
}

fn measured(size: &SizeResult) -> Option<Measured<'_>> {
    Some(Measured {
        candidate: size.candidate()?,
        summary: size.result.as_ref().ok()?,
    })
}

fn unsure_of_the_limits(
    request: &Request,
    sizes: &[Judged],
    best: &Judged,
    scale: &Scale,
) -> Option<Warning> {
    let left_out = limits::left_out_unsure(sizes, best, request.strategy, scale);
    (!left_out.is_empty()).then(|| Warning {
        code: "unsureOfLimits".to_owned(),
        message: "these sizes might keep to the limits and be chosen, but their calls do not show it with 95 % confidence; \
                  raise `num` to find out"
            .to_owned(),
        sizes: left_out,
    })
}

impl Size {
    /// None of one that was not measured.
    #[must_use]
    pub fn candidate(&self) -> Option<Candidate> {
        Some(Candidate {
            memory: self.memory,
            cost: self.average_cost?,
            duration_ms: self.average_duration_ms?,
        })
    }

    fn of(size: &SizeResult) -> Self {
        let summary = size.result.as_ref().ok();
        let mean = summary.and_then(|summary| summary.mean_duration);
        let Tally {
            calls,
            errors,
            throttles,
            cold_starts,
            unmatched,
            slow_inits,
            without_report,
            without_answer,
            cut_off,
            max_memory_used_mb,
            billed_ms: _,
        } = size.tally;
        Self {
            memory: size.memory,
            status: if summary.is_some() {
                Status::Measured
            } else {
                Status::Failed
            },
            average_duration_ms: summary.map(|summary| summary.average_duration_ms),
            average_cost: summary.map(|summary| summary.average_cost),
            samples: summary.map(|summary| summary.samples),
            duration_interval_ms: summary
                .and_then(|summary| interval(summary.duration, summary.average_duration_ms)),
            cost_interval: summary.and_then(|summary| interval(summary.cost, summary.average_cost)),
            mean_duration_ms: mean.map(|mean| six_digits(mean.mean)),
            mean_duration_interval_ms: mean.and_then(|mean| interval(mean, mean.mean)),
            percentiles: summary.map(percentiles).unwrap_or_default(),
            slowest_ms: summary.map(|summary| summary.slowest_ms),
            warm: summary.and_then(|summary| summary.warm).map(|warm| Warm {
                mean_duration_ms: six_digits(warm.mean_duration_ms),
                ..warm
            }),
            cold: summary.and_then(|summary| summary.cold).map(|cold| Cold {
                mean_duration_ms: six_digits(cold.mean_duration_ms),
                mean_init_ms: six_digits(cold.mean_init_ms),
                ..cold
            }),
            full_vcpu: size.memory.get() == FULL_VCPU_MB,
            meets_constraint: None,
            duration_bound_ms: None,
            cost_bound: None,
            pareto: false,
            monthly_cost: None,
            monthly_saving: None,
            monthly_provisioned_cost: None,
            reason: size.result.as_ref().err().map(ToString::to_string),
            calls,
            errors,
            cold_starts,
            throttles,
            unmatched,
            slow_inits,
            without_report,
            without_answer,
            cut_off,
            max_memory_used_mb,
        }
    }
}

/// Among the sizes that may be chosen: those that keep to the limits. None where one of them has too few samples to say.
fn confidence(
    request: &Request,
    sizes: &[SizeResult],
    judged: &[Judged],
    chosen: MemoryMb,
    scale: &Scale,
) -> Option<Confidence> {
    let may_be_chosen = |memory: MemoryMb| {
        let mut judged = judged.iter();
        judged.any(|size| size.candidate.memory == memory && size.verdict.meets == Meets::Yes)
    };
    let rivals: Option<Vec<Rival>> = sizes
        .iter()
        .filter(|size| may_be_chosen(size.memory))
        .map(|size| {
            let summary = size.result.as_ref().ok()?;
            Rival::of(size.memory, summary, request.strategy, scale)
        })
        .collect();
    let found = Confidence::of(&rivals?, chosen)?;
    Some(Confidence {
        probability: six_digits(found.probability),
        expected_loss_percent: six_digits(found.expected_loss_percent),
        worst_loss_percent: six_digits(found.worst_loss_percent),
        ..found
    })
}

/// It holds the number shown, which is rounded in its own way.
fn interval(of: impl Into<Option<Estimate>>, shown: f64) -> Option<[f64; 2]> {
    let Estimate { low, high, .. } = of.into()?;
    Some([six_digits(low).min(shown), six_digits(high).max(shown)])
}

fn percentiles(of: &Summary) -> BTreeMap<String, Shown> {
    let Percentiles { p50, p90, p95, p99 } = of.percentiles;
    let all = [("p50", p50), ("p90", p90), ("p95", p95), ("p99", p99)];
    let carried = all.into_iter().filter_map(|(name, percentile)| {
        let percentile = percentile?;
        let shown = Shown {
            ms: percentile.value,
            at_most_ms: percentile.bound,
            samples: of.samples,
        };
        Some((name.to_owned(), shown))
    });
    carried.collect()
}

fn cost_of_all_calls(plan: &Plan, size: &SizeResult) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact below 2^53 ms, 285,000 years"
    )]
    let billed_ms = size.tally.billed_ms as f64;
    plan.price.of_calls(size.memory, billed_ms)
}

fn reason(
    plan: &Plan,
    sizes: &[Judged],
    current: Option<&SizeResult>,
    best: Candidate,
    scale: &Scale,
) -> String {
    let request = &plan.request;
    let superlative = match request.strategy {
        Strategy::Cost => "the cheapest",
        Strategy::Speed => "the fastest",
        Strategy::Balanced { .. } => "the best balanced",
    };
    let weight = match request.strategy {
        Strategy::Balanced { weight } => format!(" (weight {weight})"),
        Strategy::Cost | Strategy::Speed => String::new(),
    };
    let many = sizes.len();
    let limits = request.limits.in_words(&plan.price.currency);
    let meeting = sizes.iter().filter(|size| size.verdict.meets == Meets::Yes);
    let memory = best.memory;
    // A search chooses by what all calls say together, and the averages shown may say otherwise, within chance.
    let value = |size: &Candidate| scale.value(request.strategy, size.cost, size.duration_ms);
    let shown_best = meeting
        .clone()
        .map(|size| size.candidate)
        .min_by(|a, b| value(a).total_cmp(&value(b)))
        .filter(|other| value(other) < value(&best));
    let (is, but) = match shown_best {
        Some(other) => (
            "is taken for",
            format!(
                ", by all their calls together ({} has a better average, which may be chance)",
                other.memory
            ),
        ),
        None => ("is", String::new()),
    };
    let wins = match (request.limits.is_any(), meeting.count(), many) {
        (false, _, 1) => format!("{memory} is the only size that was measured"),
        (false, ..) => format!("{memory} {is} {superlative} of {many} measured sizes{weight}{but}"),
        (true, 0, _) => format!(
            "no measured size keeps to {limits} with 95 % confidence, and {memory} comes closest"
        ),
        (true, 1, _) => format!(
            "{memory} is the only one of {many} measured sizes that keeps to {limits} with 95 % confidence"
        ),
        (true, meeting, _) => format!(
            "{memory} {is} {superlative}{weight} of the {meeting} sizes that keep to {limits} with 95 % confidence, of {many} \
             measured sizes{but}"
        ),
    };
    let current = current.and_then(SizeResult::candidate);
    let comparison = match current {
        None => String::new(),
        Some(current) if current.memory == best.memory => {
            "; the function has it already".to_owned()
        }
        Some(current) => format!(
            "; a call costs {} and takes {} time than at the current {}",
            change(current.cost, best.cost, "less", "more"),
            change(current.duration_ms, best.duration_ms, "less", "more"),
            current.memory
        ),
    };
    wins + &comparison
}

fn change(from: f64, to: f64, less: &str, more: &str) -> String {
    if from <= 0.0 {
        return format!("no {less}");
    }
    let percent = (to / from - 1.0) * 100.0;
    let than = if percent <= 0.0 { less } else { more };
    match format!("{:.1}", percent.abs()).as_str() {
        "0.0" if from.total_cmp(&to).is_eq() => format!("no {less}"),
        "0.0" => format!("hardly {than}"),
        by => format!("{by} % {than}"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// One of a function `f` with these sizes (MB, cost and milliseconds), of which that one is the best.
    pub(crate) fn outcome_of(strategy: &str, sizes: &[(u32, f64, f64)], best: u32) -> Outcome {
        let found = sizes.iter().find(|(memory, ..)| *memory == best);
        let (_, cost, duration) = found.expect("the best size is one of them");
        let size = |(memory, cost, duration): &(u32, f64, f64)| {
            json!({
                "memory": memory, "status": "measured", "averageDurationMs": duration, "averageCost": cost, "calls": 10,
                "errors": 0, "coldStarts": 1, "throttles": 0, "unmatched": 0, "slowInits": 0, "withoutReport": 0,
                "withoutAnswer": 0, "cutOff": 0, "maxMemoryUsedMB": 64,
            })
        };
        let sizes: Vec<Value> = sizes.iter().map(size).collect();
        let weight = (strategy == "balanced").then_some(0.5);
        let outcome = json!({
            "schemaVersion": SCHEMA_VERSION, "power": best, "cost": cost, "duration": duration,
            "stateMachine": {"executionCost": 0.0007, "lambdaCost": 0.0001},
            "function": "arn:aws:lambda:us-east-1:123456789012:function:f", "region": "us-east-1",
            "architecture": "arm64", "currency": "USD", "strategy": strategy, "reason": "it is the best", "sizes": sizes,
            "settings": {
                "num": 10, "parallelInvocation": false, "discardTopBottom": 0.2, "balancedWeight": weight,
            },
            "rounds": 1,
        });
        serde_json::from_value(outcome).expect("an outcome")
    }
}
