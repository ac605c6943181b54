//! What a tuning found, as the execution's output says it: the reference's keys, and ours beside them.

use serde::{Deserialize, Serialize};

use crate::choice::{Candidate, Strategy};
use crate::configuration::Architecture;
use crate::measurement::{Tally, Version};
use crate::memory::MemoryMb;
use crate::plan::Plan;
use crate::tuning::SizeResult;

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
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
    /// One sentence: why this size.
    pub reason: String,
    pub sizes: Vec<Size>,
    /// Passes of publishing and measuring: those of a search, and those for cold starts that were missing.
    pub rounds: u32,
    /// What a reader of these numbers should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Versions of ours that were not deleted, because an alias points at them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_versions: Vec<Version>,
    /// What was applied; absent unless the input asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optimization: Option<Optimization>,
}

/// What was counted over all rounds.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub rounds: u32,
    /// State transitions that AWS bills.
    pub transitions: u32,
}

/// Something that the numbers alone do not say.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Warning {
    /// For programs: `slowInit`.
    pub code: String,
    /// For people.
    pub message: String,
    /// The sizes that it is about.
    pub sizes: Vec<MemoryMb>,
}

impl Warning {
    fn all(sizes: &[SizeResult]) -> Vec<Self> {
        let slow = sizes.iter().filter(|size| size.tally.slow_inits > 0);
        let slow: Vec<MemoryMb> = slow.map(|size| size.memory).collect();
        if slow.is_empty() {
            return Vec::new();
        }
        vec![Self {
            code: "slowInit".to_owned(),
            message: "environments took more than 10 s to start; AWS starts such a one again as a part of the call, so \
                      that the call's duration contains the second start, and neither the report nor the duration the first"
                .to_owned(),
            sizes: slow,
        }]
    }
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Measured,
    Failed,
}

/// What `autoOptimize` did to the function.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Optimization {
    pub from: MemoryMb,
    pub to: MemoryMb,
    /// False where the function had the best size already.
    pub changed: bool,
    /// The alias that was asked for, and the version that it now points at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Outcome {
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
        let stats = candidates.iter().map(|size| Stat {
            value: size.memory,
            average_price: size.cost,
            average_duration: size.duration_ms,
        });
        Self {
            power: best.memory,
            cost: best.cost,
            duration: best.duration_ms,
            state_machine: StateMachine {
                execution_cost: f64::from(counted.transitions) * plan.price.per_transition,
                lambda_cost: sizes
                    .iter()
                    .chain(baseline)
                    .map(|size| cost_of_all_calls(plan, size))
                    .sum(),
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
            reason: reason(plan, candidates, baseline, best),
            sizes: sizes.iter().map(Size::of).collect(),
            rounds: counted.rounds,
            warnings: Warning::all(sizes),
            kept_versions: Vec::new(),
            optimization: None,
        }
    }
}

impl Size {
    fn of(size: &SizeResult) -> Self {
        let summary = size.result.as_ref().ok();
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
    candidates: &[Candidate],
    baseline: Option<&SizeResult>,
    best: Candidate,
) -> String {
    let wins = match (candidates.len(), plan.request.strategy) {
        (1, _) => "the only size that was measured".to_owned(),
        (many, Strategy::Cost) => format!("the cheapest of {many} measured sizes"),
        (many, Strategy::Speed) => format!("the fastest of {many} measured sizes"),
        (many, Strategy::Balanced { weight }) => {
            format!("the best balanced of {many} measured sizes (weight {weight})")
        }
    };
    let current = candidates
        .iter()
        .copied()
        .chain(baseline.and_then(SizeResult::candidate))
        .find(|size| size.memory == plan.target.current);
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
    format!("{} is {wins}{comparison}", best.memory)
}

fn change(from: f64, to: f64, less: &str, more: &str) -> String {
    if from <= 0.0 {
        return format!("no {less}");
    }
    let percent = (to / from - 1.0) * 100.0;
    format!(
        "{:.1} % {}",
        percent.abs(),
        if percent <= 0.0 { less } else { more }
    )
}
