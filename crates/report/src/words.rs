//! What the numbers mean, in sentences.

use std::fmt::Write as _;

use power_tuner_core::choice::Strategy;
use power_tuner_core::limits::Meets;
use power_tuner_core::measurement::Version;
use power_tuner_core::month::Monthly;
use power_tuner_core::outcome::{Optimization, Outcome, Settings, StateMachine};
use serde_json::Value;

use crate::About;
use crate::compare::Difference;
use crate::facts::{Facts, Limit, Measured, Row};
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

/// What is said of the strategy.
pub(crate) const STRATEGY: &str = "Strategy";

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
pub(crate) const DOUBLE: f64 = 2.0;
/// How sure an improvement has to be to be called one.
const NO_GAIN: f64 = 0.0;
/// So many times the best value is nearly as good.
const NEARLY: f64 = 1.1;
/// This share of the other value is much less.
const MUCH_LESS: f64 = 2.0 / 3.0;
/// More sizes than these are counted in a sentence.
const MOST_NAMED: usize = 6;

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

/// What a strategy is for.
pub(crate) fn meaning(strategy: &str) -> &str {
    match strategy {
        "balanced" => "a balance of cost and speed",
        other => other,
    }
}

/// What to do, and what it brings.
pub(crate) struct Advice {
    pub sentence: String,
    /// The same without asking for a change; none where it does not.
    pub told: Option<String>,
    /// What the function is to have; none where no size keeps to the limits.
    pub size: Option<u32>,
    /// It says what changes against the current size.
    compares: bool,
}

impl Advice {
    fn to_leave(size: u32, sentence: String) -> Self {
        Self {
            sentence,
            told: None,
            size: Some(size),
            compares: false,
        }
    }

    fn comparing(self) -> Self {
        Self {
            compares: true,
            ..self
        }
    }
}

pub(crate) fn advice(facts: &Facts, outcome: &Outcome) -> Advice {
    let name = &facts.name;
    let power = outcome.power.get();
    let best = memory(power);
    let [_, superlative] = degrees(&outcome.strategy);
    let within = limits(&facts.limit, &facts.currency);
    let at = format!(
        "{} and {} for a million calls",
        duration(outcome.duration),
        money(outcome.cost * 1e6, &facts.currency)
    );
    if !facts.is_within {
        return Advice {
            sentence: format!(
                "No measured size of {name} is shown to keep to {}; {best} comes closest, at {at}.",
                within.unwrap_or_default()
            ),
            told: None,
            size: None,
            compares: false,
        };
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
    let to_give = |sentence: String, told: String| Advice {
        sentence,
        told: Some(told),
        size: Some(power),
        compares: false,
    };
    let found = format!("{best} is {is_the_best}, at {at}.");
    let current = facts.row(facts.current);
    let Some(current) = current else {
        return to_give(
            format!("Give {name} {best}: {is_the_best}, at {at}."),
            found,
        );
    };
    if current.is_best() {
        return Advice::to_leave(
            power,
            format!("Leave {name} at {best}: it is {is_the_best}, at {at}."),
        );
    }
    let misses = match (current.meets, &within) {
        (Some(Meets::No), Some(within)) => format!(", which does not keep to {within}"),
        (Some(Meets::Unsure), Some(within)) => format!(", which is not shown to keep to {within}"),
        _ => String::new(),
    };
    let comma = if misses.is_empty() { "" } else { "," };
    let instead = format!("{best} instead of {}{misses}", memory(current.mb));
    let Some((now, then)) = current
        .measured()
        .zip(facts.row(facts.best).and_then(Row::measured))
    else {
        return to_give(
            format!("Give {name} {instead}: {is_the_best}, at {at}."),
            found,
        );
    };
    let differs = format!(
        "{} and {}",
        difference(&COSTS, now.cost, then.cost),
        difference(&TAKES, now.ms, then.ms)
    );
    if let Some(leave) = to_stay(facts, outcome, current, &differs) {
        return Advice::to_leave(current.mb, leave);
    }
    let saves = saves(outcome, &facts.currency);
    if facts.was_applied {
        return Advice::to_leave(
            power,
            format!("{name} now has {instead}: a call {differs}{saves}."),
        )
        .comparing();
    }
    to_give(
        format!("Give {name} {instead}: a call then {differs}{saves}."),
        format!("At {instead}{comma} a call of {name} {differs}{saves}."),
    )
    .comparing()
}

/// Where the current size will do, and nothing shows that the best one is better.
fn to_stay(facts: &Facts, outcome: &Outcome, current: &Row, differs: &str) -> Option<String> {
    let improvement = outcome
        .improvement
        .filter(|_| !facts.was_applied && current.may_be_chosen())?;
    let [comparative, _] = degrees(&outcome.strategy);
    let name = &facts.name;
    let (best, now) = (memory(outcome.power.get()), memory(current.mb));
    if improvement.percent < 0.0 {
        return Some(format!(
            "Leave {name} at {now}: at {best}, which was chosen among the others, a call {differs}."
        ));
    }
    let may_be_chance = improvement
        .at_least_percent
        .is_some_and(|least| least <= NO_GAIN);
    may_be_chance.then(|| match percent(improvement.percent).as_str() {
        "0 %" => format!(
            "Leave {name} at {now}: {best}, which came out best, is not shown to be {comparative}."
        ),
        by => {
            format!("Leave {name} at {now}: that {best} came out {by} {comparative} may be chance.")
        }
    })
}

/// `; that saves about 12.30 USD a month`.
fn saves(outcome: &Outcome, currency: &str) -> String {
    let saving = outcome.monthly.as_ref().and_then(|month| month.saving);
    match saving {
        Some(saving) if saving > 0.0 => {
            format!("; that saves about {} a month", money(saving, currency))
        }
        Some(saving) if saving < 0.0 => format!(
            "; that costs about {} more a month",
            money(-saving, currency)
        ),
        _ => String::new(),
    }
}

/// `12 % cheaper`, `hardly cheaper`.
pub(crate) fn better_by(by: f64, comparative: &str) -> String {
    match percent(by).as_str() {
        "0 %" => format!("hardly {comparative}"),
        by => format!("{by} {comparative}"),
    }
}

/// A size that is nearly as good by the strategy, and much better in what the strategy does not look at.
pub(crate) fn alternative(facts: &Facts, outcome: &Outcome, advice: &Advice) -> Option<String> {
    let is_for_cost = match outcome.aim()? {
        Strategy::Cost => true,
        Strategy::Speed => false,
        Strategy::Balanced { .. } => return None,
    };
    // What the strategy looks at, and what it does not.
    let both = |of: &Measured| {
        let (cost, time) = ((of.cost, of.cost_interval), (of.ms, of.ms_interval));
        if is_for_cost {
            [cost, time]
        } else {
            [time, cost]
        }
    };
    let advised = facts.row(advice.size)?;
    let from = advised.measured()?;
    let [(best, _), (much, much_interval)] = both(from);
    let is_alternative = |row: &Row, of: &Measured| {
        let [(value, _), (less, interval)] = both(of);
        // What may be chance is no reason to look further.
        let is_surely_less = interval
            .zip(much_interval)
            .is_none_or(|([_, high], [low, _])| high < low);
        row.mb != advised.mb
            && row.may_be_chosen()
            && value <= best * NEARLY
            && less <= much * MUCH_LESS
            && is_surely_less
    };
    let (row, to) = facts
        .measured()
        .filter(|(row, of)| is_alternative(row, of))
        .min_by(|(_, one), (_, other)| {
            let [[_, (one, _)], [_, (other, _)]] = [both(one), both(other)];
            one.total_cmp(&other)
        })?;
    let costs = difference(&COSTS, from.cost, to.cost);
    let takes = difference(&TAKES, from.ms, to.ms);
    let (is, first, second) = if is_for_cost {
        ("as cheap and much faster", costs, takes)
    } else {
        ("as fast and much cheaper", takes, costs)
    };
    let [(value, _), _] = both(to);
    let nearly = if value > best { "nearly " } else { "" };
    let now = if row.current {
        ", the current size,"
    } else {
        ""
    };
    Some(format!(
        "{}{now} is {nearly}{is}: against {} a call {first} and {second}. The strategy `balanced` weighs both.",
        memory(row.mb),
        memory(advised.mb)
    ))
}

/// `costs 12 % less`, `takes 3 % more time`, `takes 2.4 times as long`, `costs about the same`.
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
        "0 %" if times.total_cmp(&1.0).is_eq() => format!("{does} the same{of_what}"),
        "0 %" => format!("{does} about the same{of_what}"),
        _ if times >= DOUBLE => format!("{does} {} times {as_much}", fixed(times, 1)),
        by if times < 1.0 => format!("{does} {by} less{of_what}"),
        by => format!("{does} {by} more{of_what}"),
    }
}

pub(crate) fn of_dry_run(name: &str, rows: &[Row]) -> String {
    let failed = rows.iter().filter(|row| row.failure().is_some()).count();
    let sizes = count(rows.len(), "size");
    let at = match (rows, failed) {
        ([row], 0) => format!("can be called at {}", memory(row.mb)),
        ([row], _) => format!("cannot be called at {}", memory(row.mb)),
        (_, 0) => format!("can be called at all of {sizes}"),
        _ => format!("cannot be called at {failed} of {sizes}"),
    };
    format!("{name} {at}; a dry run measures nothing.")
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

pub(crate) fn remarks(facts: &Facts, outcome: &Outcome, advice: &Advice) -> Vec<Remark> {
    let one = [
        Some(why(outcome, advice)),
        confidence(outcome),
        improvement(facts, outcome),
        kept_limits(facts, outcome),
        price_of_the_limits(facts, outcome),
        outcome.optimization.as_ref().map(applied),
    ];
    let month = outcome
        .monthly
        .iter()
        .flat_map(|month| monthly(month, facts));
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

/// The reason ends with what changes. Where the sentence above says that too, it is said once, and rounded once.
fn why(outcome: &Outcome, advice: &Advice) -> Remark {
    let reason = plain(&outcome.reason);
    let reason = match reason.rsplit_once("; a call costs ") {
        Some((chosen, _)) if advice.compares => chosen,
        _ => &reason,
    };
    Remark::new("Why", sentence_of(reason))
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
    let mut as_good: Vec<u32> = sure.as_good.iter().map(|size| size.get()).collect();
    as_good.sort_unstable();
    // No number of calls makes it certain.
    let probability = match percent(sure.probability * 100.0).as_str() {
        "100 %" => "more than 99.9 %".to_owned(),
        probability => probability.to_owned(),
    };
    let text = match as_good.as_slice() {
        [] => format!(
            "{probability} that no other measured size is better; every other size is shown to be worse."
        ),
        sizes => {
            // After a few calls what is rarely lost may weigh more than what is lost at the most with 95 % confidence.
            let most = sure.worst_loss_percent;
            let most = if most < sure.expected_loss_percent {
                String::new()
            } else {
                format!(", and {} at the most", some(most))
            };
            format!(
                "{probability} that no other measured size is better; {} may be as good. A wrong choice loses {} on average{most}.",
                in_short(sizes),
                some(sure.expected_loss_percent)
            )
        }
    };
    Some(Remark::new("Confidence", text))
}

/// All of them, as long as this is a help.
fn in_short(sizes: &[u32]) -> String {
    match sizes {
        [first, .., last] if sizes.len() > MOST_NAMED => format!(
            "{} from {} to {}",
            count(sizes.len(), "other size"),
            memory(*first),
            memory(*last)
        ),
        _ => list(&sizes.iter().copied().map(memory).collect::<Vec<_>>()),
    }
}

/// `4.3 %`, `less than 0.1 %`.
fn some(value: f64) -> String {
    match percent(value).as_str() {
        "0 %" => "less than 0.1 %".to_owned(),
        shown => shown.to_owned(),
    }
}

fn improvement(facts: &Facts, outcome: &Outcome) -> Option<Remark> {
    let is_chosen = outcome.constraint.as_ref().is_none_or(|limits| limits.met);
    let improvement = outcome
        .improvement
        .filter(|of| is_chosen && of.over != outcome.power && of.percent >= 0.0)?;
    let [comparative, _] = degrees(&outcome.strategy);
    let than = memory(improvement.over.get());
    let by = better_by(improvement.percent, comparative);
    let surely = match improvement.at_least_percent {
        Some(least) if least > NO_GAIN => {
            format!("with 95 % confidence by more than {}", least_of(least))
        }
        Some(_) => "which may be chance".to_owned(),
        None => "from too few calls to tell it from chance".to_owned(),
    };
    Some(Remark::new(
        "Improvement",
        sentence_of(&format!(
            "{by} than {than}, {}, {surely}",
            facts.current_size()
        )),
    ))
}

/// `4.3 %`; less than it, where it is rounded to nothing.
pub(crate) fn least_of(bound: f64) -> String {
    match percent(bound).as_str() {
        "0 %" => "nothing".to_owned(),
        shown => shown.to_owned(),
    }
}

/// What keeping to the limits takes, against the best size without them and against the current one.
fn price_of_the_limits(facts: &Facts, outcome: &Outcome) -> Option<Remark> {
    if !outcome.constraint.as_ref()?.met {
        return None;
    }
    let [_, superlative] = degrees(&outcome.strategy);
    let best = facts.row(facts.best)?;
    let free = facts.row(Some(outcome.best_without_limits()?.memory.get()))?;
    if free.may_be_chosen() {
        let text = format!(
            "Nothing: {} would be chosen without limits, too.",
            memory(best.mb)
        );
        return Some(Remark::new("Price of the limit", text));
    }
    let against = |row: &Row, is: &str| {
        let (from, to) = (row.measured()?, best.measured()?);
        let month = row.monthly.zip(best.monthly).map(|(from, to)| {
            let amount = money((to - from).abs(), &facts.currency);
            let than = if to < from { "less" } else { "more" };
            format!(" ({amount} {than} a month)")
        });
        let difference_in_cost =
            Difference::of((from.cost, from.cost_interval), (to.cost, to.cost_interval))?;
        let chance = match difference_in_cost.more_than_chance {
            Some(false) => " (which may be chance)",
            Some(true) | None => "",
        };
        Some(format!(
            "against {}, {is}, a call {}{}{chance} and {}",
            memory(row.mb),
            difference(&COSTS, from.cost, to.cost),
            month.unwrap_or_default(),
            difference(&TAKES, from.ms, to.ms),
        ))
    };
    let is_current = |row: &Row| row.current && !row.is_best();
    let now = facts.current_size();
    let mut text = against(
        free,
        &format!(
            "the {superlative} of all measured sizes{}, which {}",
            if is_current(free) {
                format!(" and {now}")
            } else {
                String::new()
            },
            misses(free)
        ),
    )?;
    let current = facts
        .row(facts.current)
        .filter(|row| row.mb != free.mb && is_current(row) && !row.may_be_chosen());
    if let Some(current) =
        current.and_then(|row| against(row, &format!("{now}, which {}", misses(row))))
    {
        let _ = write!(text, "; {current}");
    }
    Some(Remark::new("Price of the limit", sentence_of(&text)))
}

fn misses(row: &Row) -> &'static str {
    match row.meets {
        Some(Meets::No) => "is over the limit",
        _ => "may be over the limit",
    }
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

fn monthly(month: &Monthly, facts: &Facts) -> Vec<Remark> {
    let currency = &facts.currency;
    let total = |cost: Option<f64>, or: f64| money(cost.unwrap_or(or), currency);
    let best = &month.best;
    let current = month
        .current
        .filter(|current| current.memory != best.memory);
    let now = current.map(|current| {
        format!(
            ", and {} at {}, {}",
            total(current.cost.total, current.cost.duration),
            memory(current.memory.get()),
            facts.current_size()
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
    all.push(Remark::new(STRATEGY, strategy));
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
            calls(settings, outcome.is_of_a_search()),
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

/// How many, and which of them count.
fn calls(settings: &Settings, is_search: bool) -> String {
    let up_to = if is_search || settings.precision.is_some() {
        "up to "
    } else {
        ""
    };
    let num = whole(settings.num);
    let which = match (settings.only_cold_starts, is_search) {
        (true, _) => {
            " that start an environment; those that find one ready are made besides, and left out of averages"
        }
        (false, true) => {
            " that find an environment ready; those that start one are made besides, and left out of averages"
        }
        (false, false) => "",
    };
    format!("{up_to}{num} (`num`){which}")
}

fn at_once(parallel: &Value) -> String {
    match parallel {
        Value::Bool(true) => "all calls".to_owned(),
        Value::Number(calls) => format!("up to {calls} calls"),
        _ => "one call".to_owned(),
    }
}

pub(crate) fn about(about: &About) -> Vec<Remark> {
    let execution = about.execution.as_deref().map(plain);
    let [started, stopped] =
        [&about.started, &about.stopped].map(|time| Some(moment(&plain(time.as_ref()?))));
    let all = [
        ("Execution", execution),
        ("Started", started),
        ("Ended", stopped),
    ];
    all.into_iter()
        .filter_map(|(label, text)| Some(Remark::new(label, text?)))
        .collect()
}

/// `2026-03-14 09:26:53 UTC` of `2026-03-14T09:26:53.123Z`; anything else as it is.
fn moment(time: &str) -> String {
    let both = time.strip_suffix('Z').and_then(|time| time.split_once('T'));
    match both {
        Some((day, time)) => {
            let seconds = time.split('.').next().unwrap_or(time);
            format!("{day} {seconds} UTC")
        }
        None => time.to_owned(),
    }
}
