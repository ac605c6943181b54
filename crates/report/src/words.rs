//! What the numbers mean, in sentences.

use power_tuner_core::choice::Strategy;
use power_tuner_core::measurement::Version;
use power_tuner_core::month::Monthly;
use power_tuner_core::outcome::{Optimization, Outcome, StateMachine};
use serde_json::Value;

use crate::About;
use crate::facts::{Facts, Limit, Row};
use crate::numbers::{asked, count, duration, fixed, list, memory, money, percent, whole};
use crate::text::plain;

/// A line about the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    pub label: &'static str,
    pub text: String,
}

impl Remark {
    fn new(label: &'static str, text: impl Into<String>) -> Self {
        Self {
            label,
            text: text.into(),
        }
    }
}

/// What a call does more or less of.
struct Verb {
    does: &'static str,
    of_what: &'static str,
    as_much: &'static str,
}

const COSTS: Verb = Verb {
    does: "costs",
    of_what: "",
    as_much: "as much",
};
const TAKES: Verb = Verb {
    does: "takes",
    of_what: " time",
    as_much: "as long",
};

/// From here on people think in times and not in percent.
const DOUBLE: f64 = 2.0;
/// How sure an improvement has to be to be called one.
const NO_GAIN: f64 = 0.0;

/// The comparative and the superlative of a strategy.
pub(crate) fn degrees(strategy: &str) -> [&'static str; 2] {
    if strategy == Strategy::Cost.name() {
        ["cheaper", "cheapest"]
    } else if strategy == Strategy::Speed.name() {
        ["faster", "fastest"]
    } else {
        ["better balanced", "best balanced"]
    }
}

/// What to do, and what it brings.
pub(crate) fn sentence(facts: &Facts, outcome: &Outcome) -> String {
    let name = &facts.name;
    let best = memory(outcome.power.get());
    let [comparative, superlative] = degrees(&outcome.strategy);
    let within = limits(&facts.limit, &facts.currency);
    let at = format!(
        "{} and {} for a million calls",
        duration(outcome.duration),
        money(outcome.cost * 1e6, &facts.currency)
    );
    if outcome
        .constraint
        .as_ref()
        .is_some_and(|limits| !limits.met)
    {
        return format!(
            "No measured size of {name} is shown to keep to {}; {best} comes closest, at {at}.",
            within.unwrap_or_default()
        );
    }
    let limited = within
        .as_ref()
        .map(|within| format!(" that keeps to {within}"))
        .unwrap_or_default();
    let is_the_best = match facts.measured().count() {
        1 => format!("the only size that was measured{limited}"),
        many => format!(
            "the {superlative} of {}{limited}",
            count(many, "measured size")
        ),
    };
    let current = facts.current.filter(|_| facts.row(facts.current).is_some());
    let Some(current) = current else {
        return format!("Give {name} {best}: {is_the_best}, at {at}.");
    };
    if current == outcome.power.get() {
        return format!("Leave {name} at {best}: it is {is_the_best}, at {at}.");
    }
    let Some((now, then)) = facts
        .row(Some(current))
        .and_then(Row::measured)
        .zip(facts.row(facts.best).and_then(Row::measured))
    else {
        return format!(
            "Give {name} {best} instead of {}: {is_the_best}, at {at}.",
            memory(current)
        );
    };
    if let Some(improvement) = outcome.improvement
        && improvement
            .at_least_percent
            .is_some_and(|least| least <= NO_GAIN)
        && within.is_none()
    {
        return format!(
            "Nothing shows that {name} should change: {best} came out {} {comparative} than the current {}, which may be chance.",
            percent(improvement.percent),
            memory(current)
        );
    }
    let saving = outcome.monthly.as_ref().and_then(|month| month.saving);
    let saves = match saving {
        Some(saving) if saving > 0.0 => format!(
            "; that saves about {} a month",
            money(saving, &facts.currency)
        ),
        Some(saving) if saving < 0.0 => format!(
            "; that costs about {} more a month",
            money(-saving, &facts.currency)
        ),
        _ => String::new(),
    };
    let (given, then_costs) = if facts.was_applied {
        (
            format!("{name} now has {best} instead of {}", memory(current)),
            "a call",
        )
    } else {
        (
            format!("Give {name} {best} instead of {}", memory(current)),
            "a call then",
        )
    };
    format!(
        "{given}: {then_costs} {} and {}{saves}.",
        difference(&COSTS, now.cost, then.cost),
        difference(&TAKES, now.ms, then.ms),
    )
}

/// `costs 12 % less`, `takes 3 % more time`, `takes 2.4 times as long`, `costs the same`.
fn difference(of: &Verb, from: f64, to: f64) -> String {
    let Verb {
        does,
        of_what,
        as_much,
    } = of;
    if from <= 0.0 {
        let more = if to > from { "more" } else { "no less" };
        return format!("{does} {more}{of_what}");
    }
    let times = to / from;
    match percent((times - 1.0) * 100.0).as_str() {
        "0 %" => format!("{does} the same{of_what}"),
        _ if times >= DOUBLE => format!("{does} {} times {as_much}", fixed(times, 1)),
        by if times < 1.0 => format!("{does} {by} less{of_what}"),
        by => format!("{does} {by} more{of_what}"),
    }
}

pub(crate) fn of_dry_run(name: &str, rows: &[Row]) -> String {
    let failed = rows.iter().filter(|row| row.failure().is_some()).count();
    let sizes = count(rows.len(), "size");
    if failed == 0 {
        format!("{name} can be called at all of {sizes}; a dry run measures nothing.")
    } else {
        format!("{name} cannot be called at {failed} of {sizes}; a dry run measures nothing.")
    }
}

pub(crate) fn of_reference(facts: &Facts, all: bool) -> String {
    let best = facts.row(facts.best);
    let at = best.and_then(Row::measured).map(|at| {
        format!(
            ", at {} and {} for a million calls",
            duration(at.ms),
            money(at.cost * 1e6, &facts.currency)
        )
    });
    let of = if all {
        format!("the best of {}", count(facts.rows.len(), "measured size"))
    } else {
        "the best of the measured sizes".to_owned()
    };
    format!(
        "Give {} {}: {of}{}.",
        facts.name,
        facts.best.map(memory).unwrap_or_default(),
        at.unwrap_or_default()
    )
}

/// `95 % of the calls within 300 ms and a mean cost of at most 2.00 USD for a million calls`. None without limits.
pub(crate) fn limits(limit: &Limit, currency: &str) -> Option<String> {
    let time = limit.ms.map(|ms| match limit.percentile {
        Some(percentile) => format!("{percentile} % of the calls within {}", asked(ms)),
        None => format!("a mean duration of at most {}", asked(ms)),
    });
    let cost = limit.cost.map(|cost| {
        format!(
            "a mean cost of at most {} for a million calls",
            money(cost * 1e6, currency)
        )
    });
    let both: Vec<String> = [time, cost].into_iter().flatten().collect();
    (!both.is_empty()).then(|| both.join(" and "))
}

pub(crate) fn remarks(facts: &Facts, outcome: &Outcome) -> Vec<Remark> {
    let one = [
        Some(Remark::new("Why", sentence_of(&plain(&outcome.reason)))),
        confidence(outcome),
        improvement(outcome),
        kept_limits(facts, outcome),
        outcome.optimization.as_ref().map(applied),
    ];
    let month = outcome
        .monthly
        .iter()
        .flat_map(|month| monthly(month, &facts.currency));
    let last = [
        Some(own_cost(&outcome.state_machine, &facts.currency)),
        kept(&outcome.kept_versions),
    ];
    one.into_iter()
        .flatten()
        .chain(month)
        .chain(last.into_iter().flatten())
        .collect()
}

/// With a capital letter and a full stop.
pub(crate) fn sentence_of(text: &str) -> String {
    let mut rest = text.trim_end_matches('.').chars();
    let first = rest.next().map(char::to_uppercase);
    first
        .into_iter()
        .flatten()
        .chain(rest)
        .chain(['.'])
        .collect()
}

fn confidence(outcome: &Outcome) -> Option<Remark> {
    let sure = outcome.confidence.as_ref()?;
    if outcome.sizes.len() == 1 {
        return None;
    }
    let as_good: Vec<String> = sure.as_good.iter().map(|size| memory(size.get())).collect();
    let probability = percent(sure.probability * 100.0);
    let others = match as_good.as_slice() {
        [] => "every other size is shown to be worse".to_owned(),
        [one] => format!("{one} may be as good"),
        several => format!("{} may be as good", list(several)),
    };
    Some(Remark::new(
        "Confidence",
        format!(
            "{probability} that no other measured size is better; {others}. A wrong choice loses {} on average, and {} at the most.",
            percent(sure.expected_loss_percent),
            percent(sure.worst_loss_percent)
        ),
    ))
}

fn improvement(outcome: &Outcome) -> Option<Remark> {
    let improvement = outcome.improvement?;
    if improvement.over == outcome.power {
        return None;
    }
    let [comparative, _] = degrees(&outcome.strategy);
    let than = memory(improvement.over.get());
    let by = percent(improvement.percent);
    if improvement.percent < 0.0 {
        let text = format!("{than}, the current size, is {by} better.");
        return Some(Remark::new("Improvement", text));
    }
    let shown = format!("{by} {comparative} than {than}, the current size");
    let surely = match improvement.at_least_percent {
        Some(least) if least > NO_GAIN => {
            format!("with 95 % confidence by more than {}", percent(least))
        }
        Some(_) => "which may be chance".to_owned(),
        None => "from too few calls to tell it from chance".to_owned(),
    };
    Some(Remark::new("Improvement", format!("{shown}, {surely}.")))
}

fn kept_limits(facts: &Facts, outcome: &Outcome) -> Option<Remark> {
    let constraint = outcome.constraint.as_ref()?;
    let limits = limits(&facts.limit, &facts.currency)?;
    let level = percent(constraint.confidence * 100.0);
    let verdict = if constraint.met {
        format!(
            "{} keeps to it with {level} confidence",
            memory(outcome.power.get())
        )
    } else {
        format!("no size is shown to keep to it with {level} confidence")
    };
    Some(Remark::new(
        "Limit",
        sentence_of(&format!("{limits}: {verdict}")),
    ))
}

fn monthly(month: &Monthly, currency: &str) -> Vec<Remark> {
    let total = |cost: Option<f64>, or: f64| money(cost.unwrap_or(or), currency);
    let best = &month.best;
    let current = month
        .current
        .filter(|current| current.memory != best.memory);
    let now = current.map(|current| {
        format!(
            ", and {} at the current {}",
            total(current.cost.total, current.cost.duration),
            memory(current.memory.get())
        )
    });
    let mut remarks = vec![Remark::new(
        "A month",
        format!(
            "{} calls cost {} at {}{}.",
            whole(month.invocations),
            total(best.cost.total, best.cost.duration),
            memory(best.memory.get()),
            now.unwrap_or_default()
        ),
    )];
    if let Some(ready) = &month.provisioned {
        let cost = &ready.best.cost;
        let kept = count(
            usize::try_from(ready.environments).unwrap_or(usize::MAX),
            "environment",
        );
        let against = if cost.saving >= 0.0 {
            format!("{} less", money(cost.saving, currency))
        } else {
            format!("{} more", money(-cost.saving, currency))
        };
        remarks.push(Remark::new(
            "Kept ready",
            format!(
                "With {kept} kept ready a month costs {} at {}, {against} than on demand; they would be used for {} of the time.",
                total(cost.total, cost.ready + cost.duration + cost.on_demand),
                memory(ready.best.memory.get()),
                percent(cost.utilization * 100.0)
            ),
        ));
    }
    if !month.notes.is_empty() {
        let sentences = month.notes.iter().map(|note| sentence_of(&plain(note)));
        let notes: Vec<String> = sentences.collect();
        remarks.push(Remark::new("On the month", notes.join(" ")));
    }
    remarks
}

fn applied(done: &Optimization) -> Remark {
    let size = memory(done.to.get());
    let alias = done.alias.as_deref().map(plain);
    let version = done.version.as_deref().map(plain);
    let text = match (done.applied, done.changed, alias, version) {
        (false, ..) => {
            let why = done.reason.as_deref().map(plain).unwrap_or_default();
            format!("The function was left at {size}: {why}")
        }
        (true, _, Some(alias), Some(version)) => {
            format!("The alias {alias} points at version {version}, which has {size}")
        }
        (true, true, ..) => format!(
            "The function has {size} now, and had {} before",
            memory(done.from.get())
        ),
        (true, false, ..) => format!("The function had {size} already"),
    };
    Remark::new("Applied", sentence_of(&text))
}

pub(crate) fn own_cost(machine: &StateMachine, currency: &str) -> Remark {
    let StateMachine {
        execution_cost,
        lambda_cost,
        ..
    } = machine;
    Remark::new(
        "This tuning",
        format!(
            "It cost {}: {} for the calls and {} for the state machine.",
            money(execution_cost + lambda_cost, currency),
            money(*lambda_cost, currency),
            money(*execution_cost, currency)
        ),
    )
}

/// Where the tuner put the report itself, as `report` of the output says.
pub(crate) fn stored(output: &Value) -> Option<Remark> {
    let report = &output["report"];
    let text = |key: &str| report[key].as_str().map(plain);
    if let Some(why) = text("error") {
        return Some(Remark::new(
            "Report",
            sentence_of(&format!("it could not be stored: {why}")),
        ));
    }
    let places: Vec<String> = [text("html"), text("json")].into_iter().flatten().collect();
    (!places.is_empty()).then(|| Remark::new("Report", format!("Stored as {}.", list(&places))))
}

pub(crate) fn kept(versions: &[Version]) -> Option<Remark> {
    let versions: Vec<String> = versions
        .iter()
        .map(|version| {
            format!(
                "{} ({})",
                plain(&version.number),
                memory(version.memory.get())
            )
        })
        .collect();
    (!versions.is_empty()).then(|| {
        Remark::new(
            "Kept versions",
            format!(
                "An alias points at {}, so that it was not deleted.",
                list(&versions)
            ),
        )
    })
}

pub(crate) fn settings(outcome: &Outcome, beside: &About) -> Vec<Remark> {
    let mut all = vec![
        Remark::new("Function", plain(&outcome.function)),
        Remark::new("Region", plain(&outcome.region)),
        Remark::new("Architecture", outcome.architecture.to_string()),
    ];
    let weight = outcome
        .settings
        .as_ref()
        .and_then(|settings| settings.balanced_weight);
    let strategy = match weight {
        Some(weight) => format!("{} (weight {weight})", plain(&outcome.strategy)),
        None => plain(&outcome.strategy),
    };
    all.push(Remark::new("Strategy", strategy));
    if !outcome.search.is_empty() {
        all.push(Remark::new(
            "Search",
            format!(
                "{}, {} of measuring",
                plain(&outcome.search),
                count(
                    usize::try_from(outcome.rounds).unwrap_or(usize::MAX),
                    "round"
                )
            ),
        ));
    }
    if let Some(settings) = &outcome.settings {
        all.push(Remark::new(
            "Calls for each size",
            format!("{} (`num`)", whole(settings.num)),
        ));
        all.push(Remark::new(
            "At the same time",
            at_once(&settings.parallel_invocation),
        ));
        all.push(Remark::new(
            "Left out of averages",
            if settings.discard_top_bottom > 0.0 {
                format!(
                    "the highest and the lowest {}",
                    percent(settings.discard_top_bottom * 100.0)
                )
            } else {
                "nothing".to_owned()
            },
        ));
        if settings.only_cold_starts {
            all.push(Remark::new("Measured", "cold starts alone"));
        }
        if let Some(precision) = settings.precision {
            all.push(Remark::new(
                "Precision",
                format!("{} of the average duration", percent(precision * 100.0)),
            ));
        }
    }
    all.extend(about(beside));
    all
}

fn at_once(parallel: &Value) -> String {
    match parallel {
        Value::Bool(true) => "all calls".to_owned(),
        Value::Number(calls) => format!("up to {calls} calls"),
        _ => "one call".to_owned(),
    }
}

pub(crate) fn about(about: &About) -> Vec<Remark> {
    let all = [
        ("Execution", &about.execution),
        ("Started", &about.started),
        ("Ended", &about.stopped),
    ];
    all.into_iter()
        .filter_map(|(label, text)| Some(Remark::new(label, plain(text.as_ref()?))))
        .collect()
}
