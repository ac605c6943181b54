//! What a report shows, in whatever format: every text on one line and harmless to a terminal, every number as it was found.

use power_tuner_core::choice::{Candidate, pareto_front};
use power_tuner_core::limits::{Constraint, Meets};
use power_tuner_core::outcome::{DryRun, Optimization, Outcome, Size, Stat, Status};

use crate::read::{Found, is_sound};
use crate::reference::Reference;
use crate::text::plain;
use crate::words::{self, Remark, sentence_of};
use crate::{About, Report};

pub(crate) struct Facts {
    /// The function's own, without what is before it in its ARN.
    pub name: String,
    pub function: Option<String>,
    pub region: Option<String>,
    pub architecture: Option<String>,
    pub strategy: Option<String>,
    pub currency: String,
    /// By memory.
    pub rows: Vec<Row>,
    pub best: Option<u32>,
    pub current: Option<u32>,
    pub limit: Limit,
    /// The best one keeps to the limit; where none does, it is only the closest one.
    pub is_within: bool,
    pub sentence: String,
    /// The same without asking for a change, where it does.
    pub told: Option<String>,
    /// What else may be worth a thought.
    pub hint: Option<String>,
    /// The current size is what the function had before.
    pub was_applied: bool,
    /// The current size is recommended.
    pub is_to_stay: bool,
    /// Calls of a month, and what the best size saves then against the current one.
    pub month: Option<(u64, f64)>,
    /// Why the sizes cannot be drawn.
    pub no_chart: Option<&'static str>,
    pub remarks: Vec<Remark>,
    pub warnings: Vec<Notice>,
    pub note: Option<String>,
    /// What was asked for, and when.
    pub settings: Vec<Remark>,
    /// To the chart on another page.
    pub link: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub mb: u32,
    pub state: State,
    pub rank: Rank,
    /// What the function had when it was tuned.
    pub current: bool,
    /// No other size is both cheaper and faster.
    pub pareto: bool,
    pub meets: Option<Meets>,
    pub monthly: Option<f64>,
    pub counts: Option<Counts>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    Best,
    /// Not shown to be worse than the best.
    AsGood,
    Other,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    Measured(Measured),
    Failed(String),
    /// A dry run measures nothing.
    Callable,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measured {
    pub ms: f64,
    /// Of one call.
    pub cost: f64,
    pub ms_interval: Option<[f64; 2]>,
    pub cost_interval: Option<[f64; 2]>,
    pub p95_ms: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counts {
    pub calls: u32,
    /// What the averages are of.
    pub samples: Option<u32>,
    pub errors: u32,
    pub cold_starts: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Limit {
    pub ms: Option<f64>,
    /// Of the calls, in percent; the mean where there is none.
    pub percentile: Option<f64>,
    /// Of one call.
    pub cost: Option<f64>,
}

pub(crate) struct Notice {
    pub message: String,
    /// Those that the message does not name.
    pub sizes: Vec<u32>,
}

impl Notice {
    /// Most messages name their sizes, which need not be named once more.
    fn of(message: String, mut sizes: Vec<u32>) -> Self {
        let words: Vec<&str> = message.split(' ').collect();
        let names = |mb: &u32| {
            let mb = mb.to_string();
            words
                .windows(2)
                .any(|two| two[0] == mb && two[1].starts_with("MB"))
        };
        if sizes.iter().all(names) {
            sizes.clear();
        }
        Self { message, sizes }
    }
}

impl Row {
    pub(crate) fn measured(&self) -> Option<&Measured> {
        match &self.state {
            State::Measured(measured) => Some(measured),
            State::Failed(_) | State::Callable => None,
        }
    }

    pub(crate) fn is_best(&self) -> bool {
        self.rank == Rank::Best
    }

    /// It is shown to keep to the limits, if there are any.
    pub(crate) fn may_be_chosen(&self) -> bool {
        matches!(self.meets, None | Some(Meets::Yes))
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        match &self.state {
            State::Failed(reason) => Some(reason),
            State::Measured(_) | State::Callable => None,
        }
    }
}

impl Facts {
    pub(crate) fn of(report: &Report) -> Self {
        match &report.found {
            Found::Outcome(outcome) => {
                let mut facts = Self::of_outcome(outcome, &report.about);
                facts.remarks.extend(words::stored(&report.source));
                facts
            }
            Found::DryRun(tried) => Self::of_dry_run(tried, &report.about),
            Found::Reference(reference) => Self::of_reference(reference, &report.about),
        }
    }

    pub(crate) fn row(&self, mb: Option<u32>) -> Option<&Row> {
        self.rows.iter().find(|row| Some(row.mb) == mb)
    }

    pub(crate) fn measured(&self) -> impl Iterator<Item = (&Row, &Measured)> {
        self.rows
            .iter()
            .filter_map(|row| Some((row, row.measured()?)))
    }

    /// What the chosen size is called.
    pub(crate) fn chosen(&self) -> &'static str {
        if self.is_within { "best" } else { "closest" }
    }

    /// The sign of the chosen size: no tick where it does not keep to the limits.
    pub(crate) fn chosen_sign(&self) -> &'static str {
        if self.is_within { "✔" } else { "→" }
    }

    /// Not all calls that were made count: in a search those that start an environment do not.
    pub(crate) fn some_calls_do_not_count(&self) -> bool {
        let mut counts = self.rows.iter().filter_map(|row| row.counts.as_ref());
        counts.any(|of| of.samples.is_some_and(|samples| samples != of.calls))
    }

    /// What the current size is called.
    pub(crate) fn now(&self) -> &'static str {
        if self.was_applied { "before" } else { "now" }
    }

    /// The same in a sentence.
    pub(crate) fn current_size(&self) -> &'static str {
        if self.was_applied {
            "the size before"
        } else {
            "the current size"
        }
    }

    fn of_outcome(outcome: &Outcome, about: &About) -> Self {
        let best = outcome.power.get();
        let current = outcome.current_memory.map(u32::from);
        let as_good = outcome
            .confidence
            .as_ref()
            .map_or(&[][..], |of| &of.as_good);
        let beside = outcome.baseline.iter().filter(|size| {
            outcome
                .sizes
                .iter()
                .all(|other| other.memory != size.memory)
        });
        // What the outcome marks is among its sizes. The current size beside them may beat one of these, or be beaten.
        let beats = |one: &Size, other: &Size| {
            one.average_cost < other.average_cost
                && one.average_duration_ms < other.average_duration_ms
                && one.status == Status::Measured
        };
        let is_on_front = |size: &Size| {
            let is_beside = beside.clone().any(|other| other.memory == size.memory);
            let is_measured = size.status == Status::Measured;
            (size.pareto && !beside.clone().any(|other| beats(other, size)))
                || (is_beside && is_measured && !outcome.sizes.iter().any(|of| beats(of, size)))
        };
        let row = |size: &Size| Row {
            mb: size.memory.get(),
            state: state(size),
            rank: if size.memory == outcome.power {
                Rank::Best
            } else if as_good.contains(&size.memory) {
                Rank::AsGood
            } else {
                Rank::Other
            },
            current: Some(size.memory.get()) == current,
            pareto: is_on_front(size),
            meets: size.meets_constraint,
            monthly: size.monthly_cost.and_then(|cost| cost.total),
            counts: Some(Counts {
                calls: size.calls,
                samples: size.samples,
                errors: size.errors,
                cold_starts: size.cold_starts,
            }),
        };
        let facts = Self {
            name: short_name(&outcome.function),
            function: Some(plain(&outcome.function)),
            region: Some(plain(&outcome.region)),
            architecture: Some(outcome.architecture.to_string()),
            strategy: Some(plain(&outcome.strategy)),
            currency: plain(&outcome.currency),
            rows: sorted(
                outcome
                    .sizes
                    .iter()
                    .chain(beside.clone())
                    .map(row)
                    .collect(),
            ),
            best: Some(best),
            current,
            is_within: outcome.constraint.as_ref().is_none_or(|limits| limits.met),
            limit: outcome.constraint.as_ref().map(limit).unwrap_or_default(),
            sentence: String::new(),
            told: None,
            hint: None,
            was_applied: outcome.optimization.as_ref().is_some_and(gave),
            is_to_stay: false,
            month: outcome
                .monthly
                .as_ref()
                .and_then(|month| Some((month.invocations, month.saving?))),
            no_chart: None,
            remarks: Vec::new(),
            warnings: outcome
                .warnings
                .iter()
                .map(|warning| {
                    let sizes = warning.sizes.iter().map(|size| size.get());
                    Notice::of(sentence_of(&plain(&warning.message)), sizes.collect())
                })
                .collect(),
            note: outcome.note.as_deref().map(plain),
            settings: words::settings(outcome, about),
            link: outcome.state_machine.visualization.as_deref().map(plain),
        };
        let nothing = facts.measured().next().is_none();
        let advice = words::advice(&facts, outcome);
        Self {
            hint: words::alternative(&facts, outcome, &advice),
            remarks: words::remarks(&facts, outcome, &advice),
            no_chart: nothing.then_some("no size was measured"),
            is_to_stay: facts.current.is_some() && advice.size == facts.current,
            sentence: advice.sentence,
            told: advice.told,
            ..facts
        }
    }

    fn of_dry_run(tried: &DryRun, about: &About) -> Self {
        let rows = tried.sizes.iter().map(|size| Row {
            mb: size.memory.get(),
            state: match size.status {
                Status::Measured => State::Callable,
                Status::Failed => State::Failed(reason(size.reason.as_deref())),
            },
            ..Row::of(size.memory.get())
        });
        let rows = sorted(rows.collect());
        let name = short_name(&tried.function);
        Self {
            sentence: words::of_dry_run(&name, &rows),
            told: None,
            hint: None,
            name,
            function: Some(plain(&tried.function)),
            region: Some(plain(&tried.region)),
            architecture: Some(tried.architecture.to_string()),
            strategy: None,
            currency: String::new(),
            rows,
            best: None,
            current: None,
            limit: Limit::default(),
            is_within: true,
            was_applied: false,
            is_to_stay: false,
            month: None,
            no_chart: Some("a dry run measures nothing"),
            remarks: words::kept(&tried.kept_versions).into_iter().collect(),
            warnings: Vec::new(),
            note: None,
            settings: words::about(about),
            link: None,
        }
    }

    fn of_reference(reference: &Reference, about: &About) -> Self {
        let candidates: Vec<Candidate> = reference.sizes.iter().map(candidate).collect();
        let front = pareto_front(&candidates);
        let row = |size: &Stat| Row {
            state: State::Measured(Measured {
                ms: size.average_duration,
                cost: size.average_price,
                ms_interval: None,
                cost_interval: None,
                p95_ms: None,
            }),
            rank: if size.value == reference.power {
                Rank::Best
            } else {
                Rank::Other
            },
            pareto: reference.all && front.contains(&size.value),
            ..Row::of(size.value.get())
        };
        let function = about
            .input
            .as_ref()
            .and_then(|input| input["lambdaARN"].as_str());
        let facts = Self {
            name: function.map_or_else(|| "the function".to_owned(), short_name),
            function: function.map(plain),
            region: None,
            architecture: None,
            strategy: None,
            currency: reference.currency().to_owned(),
            rows: reference.sizes.iter().map(row).collect(),
            best: Some(reference.power.get()),
            current: None,
            limit: Limit::default(),
            is_within: true,
            sentence: String::new(),
            told: None,
            hint: None,
            was_applied: false,
            is_to_stay: false,
            month: None,
            no_chart: (!reference.all).then_some(
                "this output has the chosen size alone, and `includeOutputResults` in the input gives all of them",
            ),
            remarks: Vec::new(),
            warnings: Vec::new(),
            note: None,
            settings: words::about(about),
            link: reference.state_machine.visualization.as_deref().map(plain),
        };
        Self {
            sentence: words::of_reference(&facts, reference.all),
            remarks: vec![words::own_cost(&reference.state_machine, &facts.currency)],
            ..facts
        }
    }
}

impl Row {
    fn of(mb: u32) -> Self {
        Self {
            mb,
            state: State::Callable,
            rank: Rank::Other,
            current: false,
            pareto: false,
            meets: None,
            monthly: None,
            counts: None,
        }
    }
}

/// To the function itself.
fn gave(done: &Optimization) -> bool {
    done.applied && done.changed && done.alias.is_none()
}

fn candidate(size: &Stat) -> Candidate {
    Candidate {
        memory: size.value,
        cost: size.average_price,
        duration_ms: size.average_duration,
    }
}

fn state(size: &Size) -> State {
    match (size.status, size.average_duration_ms, size.average_cost) {
        (Status::Measured, Some(ms), Some(cost)) => State::Measured(Measured {
            ms,
            cost,
            ms_interval: size.duration_interval_ms.filter(|ends| holds(*ends, ms)),
            cost_interval: size.cost_interval.filter(|ends| holds(*ends, cost)),
            p95_ms: size
                .percentiles
                .get("p95")
                .map(|shown| shown.ms)
                .filter(|ms| is_sound(*ms)),
        }),
        _ => State::Failed(reason(size.reason.as_deref())),
    }
}

/// Whether it is an interval of this, and of this world.
fn holds([low, high]: [f64; 2], value: f64) -> bool {
    (low..=high).contains(&value) && is_sound(-low.min(0.0)) && is_sound(high)
}

fn reason(said: Option<&str>) -> String {
    said.map_or_else(|| "no reason is given".to_owned(), plain)
}

fn limit(constraint: &Constraint) -> Limit {
    Limit {
        ms: constraint.max_duration_ms,
        percentile: constraint.percentile,
        cost: constraint.max_cost,
    }
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_key(|row| row.mb);
    rows
}

/// `orders` of `arn:aws:lambda:eu-central-1:111122223333:function:orders`.
fn short_name(function: &str) -> String {
    let name = function
        .split_once(":function:")
        .map_or(function, |(_, name)| name);
    plain(name)
}
