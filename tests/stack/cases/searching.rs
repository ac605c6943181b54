//! Tunings that choose their sizes themselves.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{close, contains, known_curve};
use crate::harness::{Bench, Target, wait_until};

const PER_TRANSITION: f64 = 2.5e-5;

fn rows(outcome: &Value) -> Result<&Vec<Value>> {
    outcome["sizes"].as_array().context("`sizes`")
}

/// The states that an execution entered whose branches take one batch each: an executor, a choice, and the end.
fn transitions(bench: &Bench, execution: &str) -> Result<f64> {
    let history = bench.local.aws().history(execution)?;
    let of_kind = |wanted: &str| {
        let kinds = history.iter().filter_map(|event| event["type"].as_str());
        kinds.filter(|kind| kind.ends_with(wanted)).count()
    };
    let executors = of_kind("TaskScheduled") - of_kind("TaskStateEntered");
    Ok(f64::from(u32::try_from(
        of_kind("StateEntered") + 3 * executors,
    )?))
}

/// What the outcome says of its calls and its own cost is so, and nothing is left.
fn is_true(bench: &Bench, target: &Target, execution: &str, outcome: &Value) -> Result<()> {
    ensure!(outcome["search"] == "adaptive", "{outcome:#}");
    ensure!(outcome["rounds"].as_u64() > Some(1), "{outcome:#}");
    let calls = rows(outcome)?
        .iter()
        .filter_map(|row| row["calls"].as_u64());
    let calls: u64 = calls.sum();
    ensure!(target.calls()? == calls, "{calls} calls: {outcome:#}");
    close(
        &outcome["stateMachine"]["executionCost"],
        transitions(bench, execution)? * PER_TRANSITION,
    )?;
    target.is_as_before()
}

/// The curve is exact, so that the best of the measured sizes is within a few percent of the best.
fn search_finds(bench: &Bench, strategy: &str, good: std::ops::RangeInclusive<u64>) -> Result<()> {
    let target = bench.function(known_curve())?;
    let input = json!({
        "search": "adaptive",
        "powerValues": [128, 3008],
        "num": 10,
        "strategy": strategy,
    });
    let (execution, outcome) = target.tune(input)?;
    let power = outcome["power"].as_u64().context("`power`")?;
    ensure!(good.contains(&power), "{outcome:#}");
    for row in rows(&outcome)? {
        let warm = row["calls"].as_u64().zip(row["coldStarts"].as_u64());
        let warm = warm.map(|(calls, cold)| calls - cold);
        ensure!(warm <= Some(10), "{row}");
    }
    is_true(bench, &target, &execution, &outcome)
}

/// Cost in ms × MB: 230,400 at 256 MB, 204,800 at 512 MB, and 235,520 at 1,024 MB.
pub fn a_search_finds_the_cheapest_size_in_rounds(bench: &Bench) -> Result<()> {
    search_finds(bench, "cost", 384..=800)
}

pub fn a_search_finds_the_fastest_size_in_rounds(bench: &Bench) -> Result<()> {
    search_finds(bench, "speed", 1536..=3008)
}

pub fn a_search_finds_a_balanced_size_in_rounds(bench: &Bench) -> Result<()> {
    search_finds(bench, "balanced", 512..=1769)
}

pub fn a_search_goes_on_where_sizes_fail(bench: &Bench) -> Result<()> {
    let target = bench.function(json!({"preset": "fails-below-256mb"}))?;
    let input = json!({"search": "adaptive", "powerValues": [128, 2048], "num": 10});
    let (execution, outcome) = target.tune(input)?;
    let failed: Vec<&Value> = rows(&outcome)?
        .iter()
        .filter(|row| row["status"] == "failed")
        .collect();
    ensure!(!failed.is_empty(), "{outcome:#}");
    for row in failed {
        ensure!(row["memory"].as_u64() < Some(256), "{row}");
        ensure!(row["calls"] == 1, "it was asked again: {row}");
        contains(
            row["reason"].as_str().context("a reason")?,
            "ran out of memory",
        )?;
    }
    ensure!(outcome["power"].as_u64() >= Some(256), "{outcome:#}");
    is_true(bench, &target, &execution, &outcome)
}

/// How often an execution has entered a state.
fn entered(bench: &Bench, execution: &str, state: &str) -> Result<usize> {
    let history = bench.local.aws().history(execution)?;
    let names = history
        .iter()
        .map(|event| &event["stateEnteredEventDetails"]["name"]);
    Ok(names.filter(|name| *name == state).count())
}

/// The more memory the faster: what the first round has does not include the fastest.
fn faster_and_faster() -> Value {
    let duration = json!({"kind": "formula", "baseMs": 10, "msTimesMb": 4_000_000});
    json!({"timeoutS": 60, "updateMs": 50_000, "behaviour": {"duration": duration}})
}

pub fn a_search_stopped_between_its_rounds_leaves_no_trace(bench: &Bench) -> Result<()> {
    // Each update takes a real second, so that a second round that publishes is still at it.
    let target = bench.function(faster_and_faster())?;
    let execution = target.start(json!({"search": "adaptive", "strategy": "speed", "num": 20}))?;
    wait_until(|| Ok(entered(bench, &execution, "Publisher")? == 2))?;
    ensure!(target.calls()? > 0, "a round was measured");
    ensure!(!target.versions()?.is_empty(), "its versions are kept");
    bench.stop(&execution)?;
    target.is_cleaned_up_after(&execution)
}

pub fn a_search_stopped_while_it_measures_again_leaves_no_trace(bench: &Bench) -> Result<()> {
    let target = bench.function(faster_and_faster())?;
    let execution = target.start(json!({"search": "adaptive", "strategy": "speed", "num": 20}))?;
    wait_until(|| Ok(entered(bench, &execution, "Measure")? == 2))?;
    let calls = target.calls()?;
    wait_until(|| Ok(target.calls()? > calls))?;
    bench.stop(&execution)?;
    target.is_cleaned_up_after(&execution)
}

pub fn the_current_size_is_measured_beside_those_that_were_asked_for(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let input = json!({"powerValues": [1024, 3008], "baseline": true});
    let (execution, outcome) = target.tune(input)?;
    ensure!(rows(&outcome)?.len() == 2, "{outcome:#}");
    ensure!(target.calls()? == 15, "{} calls", target.calls()?);
    let reason = outcome["reason"].as_str().context("a reason")?;
    contains(reason, "than at the current 512 MB")?;
    close(
        &outcome["stateMachine"]["executionCost"],
        transitions(bench, &execution)? * PER_TRANSITION,
    )?;
    target.is_as_before()
}
