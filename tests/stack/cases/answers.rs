//! What a tuning finds out, and what it does with it.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::{close, contains, known_curve};
use crate::harness::Bench;

const SIZES: [u32; 5] = [128, 256, 512, 1024, 3008];

/// arm64 in us-east-1, from the price table's source.
const PER_GB_SECOND: f64 = 1.33334e-5;
const PER_TRANSITION: f64 = 2.5e-5;

fn strategy_finds(bench: &Bench, strategy: &str, memory: u32, duration_ms: f64) -> Result<()> {
    let target = bench.function(known_curve())?;
    let input = json!({"powerValues": SIZES, "num": 10, "strategy": strategy, "includeOutputResults": true});
    let (execution, outcome) = target.tune(input)?;
    ensure!(outcome["power"] == memory, "{outcome:#}");
    // One call in ten was a cold start; the trimmed mean leaves it out, so the numbers are exact.
    close(&outcome["duration"], duration_ms)?;
    let cost = duration_ms / 1000.0 * f64::from(memory) / 1024.0 * PER_GB_SECOND;
    close(&outcome["cost"], cost)?;
    let stats = outcome["stats"].as_array().context("`stats`")?;
    ensure!(stats.len() == SIZES.len(), "{stats:?}");
    close(
        &outcome["stateMachine"]["executionCost"],
        transitions(bench, &execution)? * PER_TRANSITION,
    )?;
    ensure!(target.calls()? == 50, "{} calls", target.calls()?);
    target.is_as_before()
}

/// The states that an execution entered. Local AWS does not write those of a Map's branches into the history, but it
/// does write their tasks: each run of the executor is followed by a choice, and each branch ends with one more state.
fn transitions(bench: &Bench, execution: &str) -> Result<f64> {
    let history = bench.local.aws().history(execution)?;
    let kinds = || history.iter().filter_map(|event| event["type"].as_str());
    let entered = kinds()
        .filter(|kind| kind.ends_with("StateEntered"))
        .count();
    let tasks = kinds().filter(|kind| *kind == "TaskScheduled").count();
    let top_level_tasks = kinds().filter(|kind| *kind == "TaskStateEntered").count();
    let executors = tasks - top_level_tasks;
    ensure!(executors >= SIZES.len(), "{executors} runs of the executor");
    Ok(f64::from(u32::try_from(
        entered + 2 * executors + SIZES.len(),
    )?))
}

pub fn the_cheapest_size_wins_by_cost(bench: &Bench) -> Result<()> {
    strategy_finds(bench, "cost", 512, 400.0)
}

pub fn the_fastest_size_wins_by_speed(bench: &Bench) -> Result<()> {
    strategy_finds(bench, "speed", 3008, 200.0)
}

pub fn the_best_balanced_size_wins_by_both(bench: &Bench) -> Result<()> {
    strategy_finds(bench, "balanced", 1024, 230.0)
}

pub fn a_size_that_always_fails_does_not_keep_the_others_from_an_answer(
    bench: &Bench,
) -> Result<()> {
    let target = bench.function(json!({"preset": "fails-below-256mb"}))?;
    let (_, outcome) = target.tune(json!({"powerValues": [128, 256, 512]}))?;
    let sizes = &outcome["sizes"];
    ensure!(sizes[0]["status"] == "failed", "{sizes:#}");
    contains(
        sizes[0]["reason"].as_str().unwrap_or_default(),
        "the function ran out of memory",
    )?;
    ensure!(sizes[1]["status"] == "measured", "{sizes:#}");
    ensure!(sizes[2]["status"] == "measured", "{sizes:#}");
    ensure!(outcome["power"] != 128, "{outcome:#}");
    target.is_as_before()
}

pub fn the_best_size_is_applied_where_the_input_asks_for_it(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let (_, outcome) = target
        .tune(json!({"powerValues": [512, 3008], "strategy": "speed", "autoOptimize": true}))?;
    ensure!(
        outcome["optimization"]
            == json!({"applied": true, "from": 512, "to": 3008, "changed": true}),
        "{outcome:#}"
    );
    ensure!(target.memory()? == 3008, "{}", target.memory()?);
    // Besides its memory the function is as it was: give that back and compare.
    target.configure(&json!({"MemorySize": 512}))?;
    target.is_as_before()
}

pub fn an_alias_is_made_and_moved_to_the_best_size(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let optimize = |strategy| {
        json!({
            "powerValues": [512, 3008], "strategy": strategy,
            "autoOptimize": true, "autoOptimizeAlias": "live",
        })
    };
    for (strategy, best) in [("speed", 3008), ("cost", 512)] {
        let (_, outcome) = target.tune(optimize(strategy))?;
        let optimization = &outcome["optimization"];
        ensure!(optimization["to"] == best, "{outcome:#}");
        ensure!(target.memory()? == best, "{}", target.memory()?);
        let now = target.now()?;
        let alias = &now["aliases"][0];
        ensure!(
            alias["name"] == "live" && now["aliases"][1].is_null(),
            "{now:#}"
        );
        ensure!(alias["version"] == optimization["version"], "{outcome:#}");
        let versions = target.versions()?;
        let version = versions
            .iter()
            .find(|version| version["version"] == alias["version"]);
        let version = version.context("the alias's version")?;
        ensure!(version["memoryMb"] == best, "{version:#}");
        let description = version["description"].as_str().unwrap_or_default();
        ensure!(
            description.starts_with("power-tuner applied by arn:"),
            "{version:#}"
        );
    }
    Ok(())
}

pub fn a_dry_run_calls_each_size_once_and_changes_nothing(bench: &Bench) -> Result<()> {
    let target = bench.function(json!({"preset": "fails-below-256mb"}))?;
    let input = json!({"powerValues": [128, 512, 1024], "dryRun": true, "autoOptimize": true});
    let (_, tried) = target.tune(input)?;
    ensure!(
        tried["dryRun"] == true && tried["power"].is_null(),
        "{tried:#}"
    );
    let statuses: Vec<_> = (0..3).map(|size| &tried["sizes"][size]["status"]).collect();
    ensure!(statuses == ["failed", "measured", "measured"], "{tried:#}");
    ensure!(target.calls()? == 3, "{} calls", target.calls()?);
    target.is_as_before()
}

pub fn a_distribution_of_payloads_is_sent_as_its_weights_say(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let payload = json!([{"payload": "a", "weight": 1}, {"payload": {"b": 1}, "weight": 3}]);
    target.tune(json!({"powerValues": [512], "num": 8, "payload": payload}))?;
    let now = target.now()?;
    let sent = now["payloads"].as_array().context("`payloads`")?;
    let count = |payload| {
        sent.iter()
            .filter(|sent| sent["payload"] == payload)
            .count()
    };
    ensure!(count(json!("a")) == 2, "{sent:?}");
    ensure!(count(json!({"b": 1})) == 6, "{sent:?}");
    target.is_as_before()
}

pub fn processors_are_called_around_each_call(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let prepared = json!({"kind": "json", "value": {"prepared": true}});
    let pre = bench.another_function("pre", json!({"behaviour": {"response": prepared}}))?;
    let post = bench.another_function("post", json!({}))?;
    target.tune(json!({
        "powerValues": [512], "payload": {"raw": true},
        "preProcessorARN": pre.name, "postProcessorARN": post.name,
    }))?;
    // The target returns what it is called with.
    let received = [
        (&pre, json!({"raw": true})),
        (&target, json!({"prepared": true})),
        (&post, json!({"prepared": true})),
    ];
    for (function, want) in received {
        let now = function.now()?;
        let sent = now["payloads"].as_array().context("`payloads`")?;
        ensure!(sent.len() == 5, "{}: {sent:?}", function.name);
        ensure!(sent.iter().all(|sent| sent["payload"] == want), "{sent:?}");
    }
    target.is_as_before()
}

pub fn a_price_that_the_input_states_is_what_a_call_costs(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let price = json!({"perGbSecond": 2.0, "currency": "EUR"});
    let (_, outcome) = target.tune(json!({"powerValues": [512], "num": 10, "price": price}))?;
    ensure!(outcome["currency"] == "EUR", "{outcome:#}");
    // 400 ms at half a gigabyte.
    close(&outcome["cost"], 0.4)?;
    target.is_as_before()
}

pub fn json_logs_are_read_as_well_as_text(bench: &Bench) -> Result<()> {
    let target = bench.function(json!({"preset": "json-logs"}))?;
    let (_, outcome) = target.tune(json!({"powerValues": [128, 1024]}))?;
    for size in outcome["sizes"].as_array().context("`sizes`")? {
        ensure!(size["status"] == "measured", "{size:#}");
        ensure!(
            size["unmatched"] == 0 && size["withoutReport"] == 0,
            "{size:#}"
        );
        ensure!(size["coldStarts"] == 1, "{size:#}");
    }
    target.is_as_before()
}

pub fn a_parallel_tuning_measures_with_the_payload(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let input = json!({"powerValues": [512], "num": 8, "parallelInvocation": true, "payload": {"order": 7}});
    let (_, outcome) = target.tune(input)?;
    ensure!(
        outcome["sizes"][0]["coldStarts"] == 8,
        "all at once means an environment for each: {outcome:#}"
    );
    let now = target.now()?;
    let payloads = now["payloads"].as_array().context("`payloads`")?;
    ensure!(payloads.len() == 8, "{payloads:?}");
    ensure!(
        payloads
            .iter()
            .all(|received| received["payload"] == json!({"order": 7})),
        "{payloads:?}"
    );
    target.is_as_before()
}

pub fn throttled_calls_are_made_again_and_counted(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let throttled = json!({"status": 429, "errorType": "TooManyRequestsException"});
    target.fault(json!({"action": "Invoke", "times": 3, "fault": throttled}))?;
    let (_, outcome) = target.tune(json!({"powerValues": [512]}))?;
    ensure!(outcome["sizes"][0]["throttles"] == 3, "{outcome:#}");
    ensure!(outcome["sizes"][0]["calls"] == 5, "{outcome:#}");
    target.is_as_before()
}
