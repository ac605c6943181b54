//! Runs at the edge of what Step Functions and Lambda carry.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{close, known_curve};
use crate::harness::Bench;

/// In bytes.
const STATE_LIMIT: usize = 256 * 1024;
const MOST_EVENTS: f64 = 25_000.0;
/// Step Functions writes at most so many events for a state that is entered: a task has five.
const EVENTS_OF_A_STATE: f64 = 5.0;
const PER_TRANSITION: f64 = 2.5e-5;

/// Everything that the history says was given to a state or came out of it.
fn texts(event: &Value) -> impl Iterator<Item = &str> {
    let details = event
        .as_object()
        .into_iter()
        .flat_map(|event| event.values());
    let fields = details
        .filter_map(Value::as_object)
        .flat_map(|fields| fields.iter());
    fields
        .filter(|(name, _)| ["input", "output", "parameters"].contains(&name.as_str()))
        .filter_map(|(_, text)| text.as_str())
}

pub fn a_thousand_calls_at_all_sizes_fit_into_step_functions(bench: &Bench) -> Result<()> {
    const NUM: u64 = 1_000;
    let target = bench.function(known_curve())?;
    // Local AWS runs all branches at once, whatever `sizesAtOnce` says: with ten calls each that is 460 connections.
    let input = json!({"powerValues": "ALL", "num": NUM, "parallelInvocation": 10, "includeOutputResults": true});
    let (execution, outcome) = target.tune(input)?;
    ensure!(outcome["power"] == 512, "{outcome:#}");
    let sizes = outcome["sizes"].as_array().context("`sizes`")?;
    let failed = sizes.iter().find(|size| size["status"] == "failed");
    ensure!(failed.is_none(), "{failed:#?}");
    ensure!(outcome["stats"].as_array().context("`stats`")?.len() == 46);
    ensure!(target.calls()? == 46 * NUM, "{} calls", target.calls()?);
    let history = bench.local.aws().history(&execution)?;
    let largest = history.iter().flat_map(texts).map(str::len).max();
    let largest = largest.context("texts in the history")?;
    ensure!(largest < STATE_LIMIT, "{largest} bytes in one state");
    // Local AWS does not write what happens in branches, so this counts the states that were entered.
    let cost = outcome["stateMachine"]["executionCost"].as_f64();
    let events = cost.context("a cost")? / PER_TRANSITION * EVENTS_OF_A_STATE;
    ensure!(events < MOST_EVENTS, "{events} events");
    target.is_as_before()
}

/// Each batch of the executor holds one of these calls, so that every sample but the first comes by a cursor.
pub fn calls_of_14_minutes_outlast_the_executor_several_times_over(bench: &Bench) -> Result<()> {
    const FOURTEEN_MINUTES_MS: f64 = 840_000.0;
    let duration = json!({"kind": "formula", "baseMs": FOURTEEN_MINUTES_MS});
    let behaviour = json!({"duration": duration, "initMs": 0});
    let target = bench.function(json!({"timeoutS": 900, "behaviour": behaviour}))?;
    let input =
        json!({"powerValues": [512, 1024], "includeOutputResults": true, "parallelInvocation": 2});
    let (execution, outcome) = target.tune(input)?;
    for stat in outcome["stats"].as_array().context("`stats`")? {
        close(&stat["averageDuration"], FOURTEEN_MINUTES_MS)?;
    }
    for size in outcome["sizes"].as_array().context("`sizes`")? {
        ensure!(size["calls"] == 5 && size["cutOff"] == 0, "{size}");
    }
    let history = bench.local.aws().history(&execution)?;
    let kinds = || history.iter().filter_map(|event| event["type"].as_str());
    let tasks = kinds().filter(|kind| *kind == "TaskScheduled").count();
    let outside = kinds().filter(|kind| *kind == "TaskStateEntered").count();
    let batches = tasks - outside;
    ensure!(batches >= 6, "{batches} batches for two sizes");
    target.is_as_before()
}
