//! Tunings on local AWS: how long they take and what they ask of AWS.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use super::latencies::Latencies;
use crate::local_aws::{LocalAws, Options};
use crate::progress::step;
use crate::simulator::Speed;

/// The lock on `$LATEST`.
const LOCK: &str = "power-tuner-lock";
const LONGEST: Duration = Duration::from_mins(10);
/// What Step Functions takes for a transition in us-east-1, by which the outcome's cost is counted back.
const PER_TRANSITION: f64 = 2.5e-5;
/// A tuning with the name of the first one in at most so much of its time.
const COLD_OF_WARM: f64 = 2.0;
/// What the reference took for `grid-6x10` on local AWS without latencies, in seconds, and the share of it to reach.
const REFERENCE: (f64, f64) = (17.0, 1.0 / 3.0);
const PLAIN: &str = "grid-6x10";
const COLD: &str = "cold-6x10";

/// One tuning.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run {
    pub name: &'static str,
    pub sizes: usize,
    pub wall_s: f64,
    /// Seconds in each state of the state machine that works.
    pub phases: BTreeMap<String, f64>,
    /// Requests to Lambda, by action.
    pub calls: BTreeMap<String, usize>,
    pub transitions: u64,
    /// Events of the execution's history, as Step Functions writes them.
    pub events: u64,
    /// What local AWS billed the tuner's own functions, in milliseconds.
    pub billed_ms: BTreeMap<String, u64>,
    /// How long `$LATEST` had another size than its own, in seconds.
    pub changed_s: f64,
    /// How long it was locked, in seconds.
    pub locked_s: f64,
}

impl Run {
    /// Requests that count against the account's rate.
    pub fn control_plane_calls(&self) -> usize {
        let control = self.calls.iter().filter(|(action, _)| *action != "Invoke");
        control.map(|(_, count)| count).sum()
    }

    pub fn invocations(&self) -> usize {
        self.calls.get("Invoke").copied().unwrap_or_default()
    }
}

/// Names and inputs. Sizes and calls grow from [`PLAIN`] one at a time.
fn scenarios() -> Vec<(&'static str, Value)> {
    let six = json!([128, 256, 512, 1024, 1536, 3008]);
    let twelve: Vec<u32> = (1..=12).map(|size| size * 256).collect();
    let twenty_four: Vec<u32> = (1..=24).map(|size| size * 256).collect();
    vec![
        (PLAIN, json!({"powerValues": six, "num": 10})),
        (
            COLD,
            json!({"powerValues": six, "num": 10, "onlyColdStarts": true}),
        ),
        ("grid-6x50", json!({"powerValues": six, "num": 50})),
        ("grid-6x200", json!({"powerValues": six, "num": 200})),
        ("grid-12x10", json!({"powerValues": twelve, "num": 10})),
        ("grid-24x10", json!({"powerValues": twenty_four, "num": 10})),
        ("adaptive", json!({"search": "adaptive", "num": 20})),
        (
            "all-46x100",
            json!({"powerValues": "ALL", "num": 100, "parallelInvocation": true}),
        ),
        (
            "grid-6x1000",
            json!({"powerValues": six, "num": 1000, "parallelInvocation": true}),
        ),
    ]
}

pub(super) fn measure(
    latencies: &Latencies,
    control_plane_rate: u32,
    only: Option<&str>,
) -> Result<Vec<Run>> {
    let wanted: Vec<_> = scenarios()
        .into_iter()
        .filter(|(name, _)| only.is_none_or(|only| name.contains(only)))
        .collect();
    ensure!(
        !wanted.is_empty(),
        "no run has that in its name; there are {}",
        scenarios()
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    );
    let local = LocalAws::start(&Options {
        time_scale: 1.0,
        simulator: latencies.arguments(),
        parameters: vec![(
            "ControlPlaneRate".to_owned(),
            control_plane_rate.to_string(),
        )],
        simulator_speed: Speed::Fast,
        ..Options::default()
    })?;
    // The functions' own cold starts are not what is compared.
    step("warming the functions up", || {
        tune(
            &local,
            "warm-up",
            json!({"powerValues": [128, 256], "num": 5}),
        )
        .map(drop)
    })?;
    wanted
        .into_iter()
        .map(|(name, input)| step(name, || tune(&local, name, input)))
        .collect()
}

/// In words, what misses its bar.
pub(super) fn missed(runs: &[Run], latencies: &Latencies) -> Vec<String> {
    let wall = |name| {
        runs.iter()
            .find(|run| run.name == name)
            .map(|run| run.wall_s)
    };
    let mut missed = Vec::new();
    if let (Some(plain), Some(cold)) = (wall(PLAIN), wall(COLD))
        && cold > plain * COLD_OF_WARM
    {
        missed.push(format!(
            "{COLD} took {cold:.1} s, more than {COLD_OF_WARM} times the {plain:.1} s of {PLAIN}"
        ));
    }
    let (reference, share) = REFERENCE;
    if latencies.are_none()
        && let Some(plain) = wall(PLAIN).filter(|plain| *plain > reference * share)
    {
        missed.push(format!(
            "{PLAIN} took {plain:.1} s, more than a third of the reference's {reference} s without latencies"
        ));
    }
    missed
}

/// Tunes a function of the bench's: 5 ms and 20,000 ms at one megabyte.
fn tune(local: &LocalAws, name: &'static str, mut input: Value) -> Result<Run> {
    let created = local.simulator().create_function(&json!({
        "name": name,
        "memoryMb": 512,
        "behaviour": {
            "duration": {"kind": "formula", "baseMs": 5.0, "msTimesMb": 20_000.0, "flatAboveMb": 10_240.0},
            "noise": {"coefficient": 0.02},
        },
    }))?;
    input["lambdaARN"] = created["arn"].clone();
    input["payload"] = json!({});
    input["includeOutputResults"] = json!(true);
    local.simulator().request("DELETE", "/_sim/calls", None)?;
    let billed_before = billed(local)?;

    let start = Instant::now();
    let arn = local.start_execution(&input)?;
    let execution = local.aws().wait_for_execution(&arn, LONGEST)?;
    let wall_s = start.elapsed().as_secs_f64();
    ensure!(
        execution.status == "SUCCEEDED",
        "{name} ended {}: {}",
        execution.status,
        execution.cause.unwrap_or_default()
    );
    let outcome = execution
        .output
        .context("an execution that succeeded has an output")?;
    let calls = local.simulator().request("GET", "/_sim/calls", None)?;
    let calls = calls.as_array().context("the simulator lists calls")?;
    let history = local.aws().history(&arn)?;
    let cost = outcome["stateMachine"]["executionCost"].as_f64();
    let transitions = cost.context("the outcome has no `executionCost`")? / PER_TRANSITION;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a count"
    )]
    let transitions = transitions.round() as u64;
    let mut billed_ms = billed(local)?;
    for (function, ms) in &mut billed_ms {
        *ms -= billed_before.get(function).copied().unwrap_or_default();
    }
    Ok(Run {
        name,
        sizes: outcome["stats"].as_array().map_or(0, Vec::len),
        wall_s,
        phases: phases(&history)?,
        calls: counted(calls),
        transitions,
        events: events(&history, transitions),
        billed_ms,
        changed_s: between(
            calls,
            "UpdateFunctionConfiguration",
            "UpdateFunctionConfiguration",
        ),
        locked_s: between(calls, "CreateAlias", "DeleteAlias"),
    })
}

/// Requests that were answered well, or not.
fn counted(calls: &[Value]) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for action in calls.iter().filter_map(|call| call["action"].as_str()) {
        *counted.entry(action.to_owned()).or_default() += 1;
    }
    counted
}

/// Seconds from the answer to the first call of `first` to that of the last one of `last`, summed over the times that the
/// function was locked.
fn between(calls: &[Value], first: &str, last: &str) -> f64 {
    let is = |call: &Value, action: &str| call["action"] == action;
    let holds = calls.split_inclusive(|call| is(call, "DeleteAlias") && call["qualifier"] == LOCK);
    let ended = |call: &Value| call["endedMs"].as_f64().unwrap_or_default();
    holds
        .map(|hold| {
            let from = hold.iter().find(|call| is(call, first)).map(ended);
            let to = hold.iter().rfind(|call| is(call, last)).map(ended);
            from.zip(to).map_or(0.0, |(from, to)| (to - from) / 1000.0)
        })
        .sum()
}

/// Seconds in the states that work, summed where there are rounds.
fn phases(history: &[Value]) -> Result<BTreeMap<String, f64>> {
    let mut phases = BTreeMap::new();
    let mut entered: Option<(String, f64)> = None;
    for event in history {
        let kind = event["type"].as_str().unwrap_or_default();
        if !(kind.starts_with("Task") || kind.starts_with("Map")) {
            continue;
        }
        let at = event["timestamp"]
            .as_f64()
            .context("an event has a time in seconds")?;
        if kind.ends_with("StateEntered") {
            let name = event["stateEnteredEventDetails"]["name"].as_str();
            entered = name.map(|name| (name.to_owned(), at));
        } else if kind.ends_with("StateExited")
            && let Some((name, since)) = entered.take()
        {
            *phases.entry(name).or_default() += at - since;
        }
    }
    Ok(phases)
}

/// Events of the history as Step Functions writes them. Local AWS writes none of what is inside a Map, so these follow from
/// the transitions: a branch has an executor and a choice for each batch, and a state that ends it.
fn events(history: &[Value], transitions: u64) -> u64 {
    const STARTED_AND_ENDED: u64 = 2;
    const TASK: u64 = 5;
    const OTHER: u64 = 2;
    const MAP: u64 = 4;
    const ITERATION: u64 = 2;
    let count = |kind: &str| history.iter().filter(|event| event["type"] == kind).count() as u64;
    let maps = count("MapStateEntered");
    let tasks = count("TaskStateEntered");
    let all = history.iter().filter(|event| {
        let kind = event["type"].as_str().unwrap_or_default();
        kind.ends_with("StateEntered")
    });
    let outside = all.count() as u64;
    let branches: usize = history
        .iter()
        .filter(|event| event["type"] == "MapStateEntered")
        .filter_map(|event| event["stateEnteredEventDetails"]["input"].as_str())
        .filter_map(|input| serde_json::from_str::<Value>(input).ok())
        .filter_map(|input| input["round"]["sizes"].as_array().map(Vec::len))
        .sum();
    let branches = branches as u64;
    let batches = transitions.saturating_sub(outside + branches) / 2;
    STARTED_AND_ENDED
        + tasks * TASK
        + maps * MAP
        + (outside - tasks - maps) * OTHER
        + branches * (ITERATION + OTHER)
        + batches * (TASK + OTHER)
}

/// What local AWS has billed each function so far, in milliseconds.
fn billed(local: &LocalAws) -> Result<BTreeMap<String, u64>> {
    let mut billed = BTreeMap::new();
    local.aws().logged(|group, line| {
        let ms = line
            .split_once("Billed Duration: ")
            .and_then(|(_, rest)| rest.split_once(" ms"))
            .and_then(|(ms, _)| ms.parse::<u64>().ok());
        if let (Some(ms), Some(group)) = (ms, group.as_str()) {
            *billed.entry(function_of(group)).or_default() += ms;
        }
    })?;
    Ok(billed)
}

/// `Publisher` of `/aws/lambda/power-tuner-Publisher-1A2B3C`.
fn function_of(group: &str) -> String {
    const FUNCTIONS: [&str; 7] = [
        "Initializer",
        "Publisher",
        "Executor",
        "Analyzer",
        "Optimizer",
        "Cleaner",
        "Reporter",
    ];
    let known = FUNCTIONS.iter().find(|name| group.contains(*name));
    known.map_or_else(|| group.to_owned(), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_changed_from_its_first_update_to_its_last_in_each_hold() {
        let call = |action: &str, qualifier: &str, ended: u32| json!({"action": action, "qualifier": qualifier, "endedMs": ended});
        let calls = [
            call("CreateAlias", LOCK, 1_000),
            call("UpdateFunctionConfiguration", "", 2_000),
            call("PublishVersion", "", 2_500),
            call("UpdateFunctionConfiguration", "", 4_000),
            call("DeleteAlias", LOCK, 5_000),
            call("CreateAlias", LOCK, 10_000),
            call("UpdateFunctionConfiguration", "", 11_000),
            call("UpdateFunctionConfiguration", "", 11_500),
            call("DeleteAlias", LOCK, 12_000),
        ];
        let update = "UpdateFunctionConfiguration";
        assert!((between(&calls, update, update) - 2.5).abs() < 1e-9);
        assert!((between(&calls, "CreateAlias", "DeleteAlias") - 6.0).abs() < 1e-9);
    }

    #[test]
    fn events_inside_a_map_follow_from_the_transitions() {
        let state = |kind: &str| json!({"type": format!("{kind}StateEntered")});
        let map = json!({
            "type": "MapStateEntered",
            "stateEnteredEventDetails": {"input": json!({"round": {"sizes": [1, 2]}}).to_string()},
        });
        let history = [state("Choice"), state("Task"), map, state("Succeed")];
        // Two branches, one of them with two batches: 2 × 1 + 1 and 2 × 2 + 1 transitions beside the four outside.
        let want = 2 + 5 + 4 + 2 * 2 + 2 * (2 + 2) + 3 * 7;
        assert_eq!(events(&history, 4 + 3 + 5), want);
    }

    #[test]
    fn a_run_that_takes_too_long_is_said_to() {
        let run = |name, wall_s| Run {
            name,
            sizes: 6,
            wall_s,
            phases: BTreeMap::new(),
            calls: BTreeMap::new(),
            transitions: 0,
            events: 0,
            billed_ms: BTreeMap::new(),
            changed_s: 0.0,
            locked_s: 0.0,
        };
        let none = Latencies::none();
        assert!(missed(&[run(PLAIN, 5.0), run(COLD, 10.0)], &none).is_empty());
        let slow = [run(PLAIN, 6.0), run(COLD, 12.1)];
        assert_eq!(missed(&slow, &none).len(), 2);
        assert_eq!(missed(&slow, &Latencies::usual()).len(), 1);
    }
}
