//! Tunings that choose their sizes themselves.

use std::collections::BTreeMap;

use e2e::Failure;
use power_tuner_lambda_sim::{
    Curve, Fault, FaultError, FunctionError, FunctionSpec, Noise, Options,
};
use serde_json::{Value, json};

use crate::world::{FUNCTION, LOCK, Worker, World};

const PER_TRANSITION: f64 = 2.5e-5;
const NUM: u64 = 20;

fn searched(more: Value) -> Value {
    let mut input = json!({"search": "adaptive", "powerValues": null, "num": NUM});
    let (Value::Object(all), Value::Object(more)) = (&mut input, more) else {
        panic!("not fields");
    };
    all.extend(more);
    input
}

fn that_takes(duration: Curve) -> FunctionSpec {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.behaviour.duration = duration;
    spec.behaviour.init_ms = 400.0;
    spec.behaviour.noise = Noise {
        coefficient: 0.02,
        ..Noise::default()
    };
    spec
}

fn cpu_bound() -> Curve {
    Curve::Formula {
        base_ms: 20.0,
        ms_times_mb: 400_000.0,
        flat_above_mb: 1769.0,
    }
}

fn waits_for_others() -> Curve {
    Curve::Formula {
        base_ms: 300.0,
        ms_times_mb: 1_000.0,
        flat_above_mb: 1769.0,
    }
}

/// With too little memory it collects garbage all the time.
fn cliff() -> Curve {
    let points = [
        (128.0, 20_000.0),
        (460.0, 18_000.0),
        (500.0, 900.0),
        (1024.0, 450.0),
        (1769.0, 300.0),
        (10_240.0, 290.0),
    ];
    Curve::Points {
        points: points.to_vec(),
    }
}

/// A world with time of its own, where the service has this largest memory size.
async fn world(spec: FunctionSpec, largest_memory_mb: u32) -> World {
    let options = Options {
        largest_memory_mb,
        ..Options::default()
    };
    World::on_own_time(spec, options).await
}

fn rows(outcome: &Value) -> &[Value] {
    outcome["sizes"].as_array().expect("sizes")
}

fn sizes(outcome: &Value, status: &str) -> Vec<u64> {
    let rows = rows(outcome).iter().filter(|row| row["status"] == status);
    rows.map(|row| row["memory"].as_u64().expect("a number"))
        .collect()
}

fn sum(outcome: &Value, field: &str) -> u64 {
    let each = rows(outcome).iter();
    each.filter_map(|row| row[field].as_u64()).sum()
}

/// Calls of each version.
fn calls(world: &World) -> BTreeMap<String, u64> {
    let mut calls = BTreeMap::new();
    for call in world.calls("Invoke") {
        *calls.entry(call.qualifier.expect("a version")).or_default() += 1;
    }
    calls
}

/// What the outcome counts is what was done, and nothing is left.
#[track_caller]
fn counts_are_true(world: &World, outcome: &Value) {
    let cost = outcome["stateMachine"]["executionCost"].as_f64();
    let transitions = cost.expect("a number") / PER_TRANSITION;
    let made = f64::from(world.transitions("one"));
    assert!(
        (transitions - made).abs() < 1e-6,
        "{transitions} instead of {made}"
    );
    world.is_as_before();
}

/// No size got more warm calls than `num`, and each was measured on one version, however many rounds there were.
#[track_caller]
fn calls_are_bounded(world: &World, outcome: &Value) {
    let calls = calls(world);
    assert_eq!(calls.len(), rows(outcome).len(), "a version for each size");
    assert_eq!(calls.values().sum::<u64>(), sum(outcome, "calls"));
    for row in rows(outcome) {
        let warm = row["calls"].as_u64().zip(row["coldStarts"].as_u64());
        let warm = warm.map(|(calls, cold)| calls - cold);
        assert!(warm <= Some(NUM), "{row}");
    }
}

/// What a call takes at a size, without noise.
fn truth(curve: &Curve, mb: f64) -> f64 {
    match curve {
        Curve::Formula {
            base_ms,
            ms_times_mb,
            flat_above_mb,
        } => base_ms + ms_times_mb / mb.min(*flat_above_mb),
        Curve::Points { points } => {
            let after = points.iter().position(|(at, _)| *at >= mb);
            let after = after.expect("it is covered").max(1);
            let ((a, from), (b, to)) = (points[after - 1], points[after]);
            let share = (mb / a).ln() / (b / a).ln();
            from * (to / from).powf(share)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_strategy_finds_its_size_in_rounds() {
    let mut most_rounds = 0;
    for curve in [cpu_bound(), waits_for_others(), cliff()] {
        for strategy in ["cost", "speed", "balanced"] {
            let world = world(that_takes(curve.clone()), 10_240).await;
            let input = searched(json!({"strategy": strategy, "includeOutputResults": true}));
            let outcome = world.tune("one", input).await.expect("an outcome");
            assert_eq!(outcome["search"], "adaptive");
            most_rounds = most_rounds.max(outcome["rounds"].as_u64().expect("a number"));
            counts_are_true(&world, &outcome);
            calls_are_bounded(&world, &outcome);
            let power = outcome["power"].as_f64().expect("a number");
            let chosen = rows(&outcome).iter().find(|row| row["memory"] == power);
            let chosen = chosen.expect("a size that was measured");
            assert_eq!(outcome["duration"], chosen["averageDurationMs"]);
            assert_eq!(outcome["cost"], chosen["averageCost"]);
            let value = |mb: f64| match strategy {
                "cost" => mb * truth(&curve, mb),
                _ => truth(&curve, mb),
            };
            if strategy != "balanced" {
                let all = (128..=10_240).step_by(64).map(f64::from);
                let best = all.map(value).fold(f64::INFINITY, f64::min);
                let regret = value(power) / best - 1.0;
                assert!(regret < 0.15, "{strategy} {curve:?}: {power} MB, {regret}");
            }
            let duration = outcome["duration"].as_f64().expect("a number");
            let ratio = duration / truth(&curve, power);
            assert!(
                (0.9..1.1).contains(&ratio),
                "no cold start is in it: {ratio}"
            );
        }
    }
    assert!(
        most_rounds > 1,
        "what looks clear at once needs one round, others more"
    );
}

#[tokio::test(start_paused = true)]
async fn bounds_are_kept_to() {
    let world = world(that_takes(cpu_bound()), 10_240).await;
    let input = searched(json!({"powerValues": [300, 900]}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    let sizes = sizes(&outcome, "measured");
    assert!(sizes.iter().all(|mb| (300..=900).contains(mb)), "{sizes:?}");
    counts_are_true(&world, &outcome);
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_followed_by_calls_of_environments_that_are_warm() {
    for parallel in [json!(true), json!(4)] {
        let mut spec = that_takes(waits_for_others());
        spec.behaviour.init_ms = 5_000.0;
        let world = world(spec, 10_240).await;
        let input = searched(json!({"parallelInvocation": parallel}));
        let outcome = world.tune("one", input).await.expect("an outcome");
        assert!(sum(&outcome, "coldStarts") >= 2 * rows(&outcome).len() as u64);
        calls_are_bounded(&world, &outcome);
        for row in rows(&outcome) {
            let duration = row["averageDurationMs"].as_f64().expect("a number");
            assert!(duration < 1_000.0, "{row}");
        }
        counts_are_true(&world, &outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_goes_on_where_sizes_fail() {
    let mut spec = that_takes(cpu_bound());
    spec.behaviour.fails_below_mb = Some(300);
    let world = world(spec, 10_240).await;
    let outcome = world
        .tune("one", searched(json!({})))
        .await
        .expect("an outcome");
    let failed = sizes(&outcome, "failed");
    assert!(!failed.is_empty() && failed.iter().all(|mb| *mb < 300));
    let power = outcome["power"].as_u64().expect("a number");
    assert!(power >= 300);
    for row in rows(&outcome)
        .iter()
        .filter(|row| row["status"] == "failed")
    {
        assert_eq!(row["calls"], 1, "it is not asked again: {row}");
        let reason = row["reason"].as_str().expect("a reason");
        assert!(reason.contains("ran out of memory"), "{reason}");
    }
    assert!(outcome["rounds"].as_u64() > Some(1), "{outcome:#}");
    counts_are_true(&world, &outcome);
}

#[tokio::test(start_paused = true)]
async fn a_search_fails_where_all_sizes_do_or_where_one_may_not() {
    let mut spec = that_takes(cpu_bound());
    spec.behaviour.fails_below_mb = Some(300);
    let fragile = world(spec.clone(), 10_240).await;
    let input = searched(json!({"onFailure": "fail"}));
    let failure = fragile.fail_to_tune("one", input).await;
    assert_eq!(failure.error, "InvocationFailed", "{}", failure.cause);
    fragile.is_as_before();

    spec.behaviour.fails_with = Some(FunctionError {
        error_type: "KeyError".to_owned(),
        error_message: "no key".to_owned(),
        every_nth: 1,
    });
    let broken = world(spec, 10_240).await;
    let failure = broken.fail_to_tune("one", searched(json!({}))).await;
    assert_eq!(failure.error, "NoMeasurements", "{}", failure.cause);
    broken.is_as_before();
}

#[track_caller]
fn says_what_to_do(reason: &Value) {
    let reason = reason.as_str().expect("a reason");
    for part in ["AWS refuses", "ask AWS Support", "`powerValues`"] {
        assert!(reason.contains(part), "{reason}");
    }
}

/// The original size comes first, so that nothing but a refusal stands between it and the end.
#[tokio::test(start_paused = true)]
async fn what_the_account_may_not_have_is_a_failed_size() {
    let world = world(that_takes(cpu_bound()), 3_008).await;
    let input = json!({"powerValues": [512, 3008, 3009, 4096, 10_240]});
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(sizes(&outcome, "measured"), [512, 3008]);
    assert_eq!(sizes(&outcome, "failed"), [3009, 4096, 10_240]);
    for row in &rows(&outcome)[2..] {
        says_what_to_do(&row["reason"]);
    }
    let refused = world.calls("UpdateFunctionConfiguration").into_iter();
    let refused = refused.filter(|call| call.status == Some(400)).count();
    assert_eq!(refused, 1, "the others are larger");
    counts_are_true(&world, &outcome);
    let input = json!({"powerValues": [4096]});
    let failure = world.fail_to_tune("two", input).await;
    assert_eq!(failure.error, "NoMeasurements");
    says_what_to_do(&json!(failure.cause));
    world.is_as_before();
}

/// Where AWS does not say the largest size each is asked for, and refused from the one before.
#[tokio::test(start_paused = true)]
async fn refusals_that_say_nothing_are_survived_too() {
    let world = world(that_takes(cpu_bound()), 10_240).await;
    let refused = Fault::Error(FaultError {
        status: 400,
        error_type: Some("InvalidParameterValueException".to_owned()),
        message: Some("'MemorySize' value failed to satisfy constraint".to_owned()),
    });
    world.fault("UpdateFunctionConfiguration", 2, refused.clone());
    world.fault("UpdateFunctionConfiguration", 3, refused.clone());
    world.fault("UpdateFunctionConfiguration", 4, refused);
    let input = json!({"powerValues": [256, 4096, 6144, 10_240]});
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(sizes(&outcome, "measured"), [256]);
    assert_eq!(sizes(&outcome, "failed"), [4096, 6144, 10_240]);
    world.is_as_before();
}

#[tokio::test(start_paused = true)]
async fn a_function_at_the_accounts_largest_size_is_tuned() {
    let mut spec = that_takes(cpu_bound());
    spec.memory_mb = 3_008;
    let world = world(spec, 3_008).await;
    let input = json!({"powerValues": [3008]});
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(outcome["power"], 3008);
    world.is_as_before();
}

#[tokio::test(start_paused = true)]
async fn a_search_goes_on_below_what_the_account_may_not_have() {
    for on_failure in ["continue", "fail"] {
        let world = world(that_takes(cpu_bound()), 1_500).await;
        let input = searched(json!({"strategy": "speed", "onFailure": on_failure}));
        let outcome = world.tune("one", input).await.expect("an outcome");
        let failed = sizes(&outcome, "failed");
        assert!(!failed.is_empty() && failed.iter().all(|mb| *mb > 1_500));
        let power = outcome["power"].as_u64().expect("a number");
        assert!((1_000..=1_500).contains(&power), "{power}");
        counts_are_true(&world, &outcome);
    }
    let world = world(that_takes(cpu_bound()), 3_008).await;
    let input = searched(json!({"powerValues": [4096, 10_240]}));
    let failure = world.fail_to_tune("one", input).await;
    assert_eq!(failure.error, "NoMeasurements");
    says_what_to_do(&json!(failure.cause));
    world.is_as_before();
}

#[tokio::test(start_paused = true)]
async fn a_search_survives_throttles() {
    for parallel in [json!(false), json!(true)] {
        let world = world(that_takes(cpu_bound()), 10_240).await;
        world.reserve(2).await;
        world.remember();
        let input = searched(json!({"parallelInvocation": parallel}));
        let outcome = world.tune("one", input).await.expect("an outcome");
        assert_eq!(sizes(&outcome, "failed"), [0u64; 0]);
        assert_eq!(sum(&outcome, "throttles") > 0, parallel == true);
        counts_are_true(&world, &outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_among_cold_starts_takes_fresh_versions_in_each_round() {
    let mut spec = that_takes(cpu_bound());
    spec.behaviour.init_ms = 40.0;
    let world = world(spec, 10_240).await;
    let input = searched(json!({"onlyColdStarts": true, "strategy": "balanced"}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert!(outcome["rounds"].as_u64() > Some(1), "{outcome:#}");
    assert_eq!(sum(&outcome, "calls"), sum(&outcome, "coldStarts"));
    for row in rows(&outcome) {
        assert!(row["calls"].as_u64() <= Some(NUM), "{row}");
        let duration = row["averageDurationMs"].as_f64().expect("a number");
        assert!(duration > 40.0, "{row}");
    }
    counts_are_true(&world, &outcome);
}

#[tokio::test(start_paused = true)]
async fn cold_starts_that_are_missing_come_before_the_next_question() {
    let mut spec = that_takes(cpu_bound());
    spec.behaviour.init_ms = 4_000.0;
    let world = world(spec, 10_240).await;
    world.reserve(2).await;
    world.remember();
    let input = searched(json!({"onlyColdStarts": true, "powerValues": [512, 2048]}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(sizes(&outcome, "failed"), [0u64; 0], "{outcome:#}");
    assert!(sum(&outcome, "throttles") > 0);
    assert_eq!(sum(&outcome, "calls"), sum(&outcome, "coldStarts"));
    counts_are_true(&world, &outcome);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_calls_the_sizes_that_a_search_begins_with_once() {
    let world = world(that_takes(cpu_bound()), 10_240).await;
    let input = searched(json!({"dryRun": true, "baseline": true}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(outcome["dryRun"], true);
    let calls = calls(&world);
    assert_eq!(calls.len(), rows(&outcome).len());
    assert!(calls.values().all(|calls| *calls == 1), "{calls:?}");
    world.is_as_before();
}

/// What each call costs, from the sizes of the outcome and this one beside them.
fn cost_of_a_gb_second(outcome: &Value) -> f64 {
    let size = &rows(outcome)[0];
    let cost = size["averageCost"].as_f64().expect("a number");
    let duration = size["averageDurationMs"].as_f64().expect("a number");
    let gb = size["memory"].as_f64().expect("a number") / 1024.0;
    cost / (duration / 1000.0) / gb
}

#[tokio::test(start_paused = true)]
async fn the_current_size_is_measured_beside_those_that_were_asked_for() {
    let mut spec = that_takes(Curve::Formula {
        base_ms: 100.0,
        ms_times_mb: 0.0,
        flat_above_mb: 1769.0,
    });
    spec.behaviour.noise = Noise::default();
    spec.behaviour.init_ms = 0.0;
    spec.memory_mb = 768;
    let world = world(spec, 10_240).await;
    let input = json!({"baseline": true, "powerValues": [1024], "includeOutputResults": true});
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(sizes(&outcome, "measured"), [1024]);
    assert_eq!(outcome["stats"].as_array().map(Vec::len), Some(1));
    assert_eq!(outcome["power"], 1024, "it is no candidate");
    let reason = outcome["reason"].as_str().expect("a reason");
    assert!(reason.ends_with("than at the current 768 MB"), "{reason}");
    let calls: Vec<u64> = calls(&world).into_values().collect();
    assert_eq!(calls, [5, 5]);
    let cost = outcome["stateMachine"]["lambdaCost"].as_f64();
    let gb_seconds = cost.expect("a number") / cost_of_a_gb_second(&outcome);
    assert!((gb_seconds - 0.5 * 1.75).abs() < 0.02, "{gb_seconds}");
    counts_are_true(&world, &outcome);

    let among = json!({"baseline": true, "powerValues": [768, 1024]});
    let outcome = world.tune("two", among).await.expect("an outcome");
    assert_eq!(sizes(&outcome, "measured"), [768, 1024]);
    assert_eq!(world.calls("Invoke").len(), 20, "it is measured once");
}

#[tokio::test(start_paused = true)]
async fn a_current_size_that_fails_fails_nothing() {
    let mut spec = that_takes(cpu_bound());
    spec.memory_mb = 128;
    spec.behaviour.fails_below_mb = Some(200);
    let world = world(spec, 10_240).await;
    let input = json!({"baseline": true, "onFailure": "fail", "powerValues": [512, 1024]});
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(sizes(&outcome, "measured"), [512, 1024]);
    assert_eq!(sizes(&outcome, "failed"), [0u64; 0]);
    counts_are_true(&world, &outcome);
}

#[tokio::test(start_paused = true)]
async fn a_search_takes_the_current_size_for_one_of_its_own_if_it_may() {
    let within = world(that_takes(cpu_bound()), 10_240).await;
    let input = searched(json!({"baseline": true, "powerValues": [128, 3008]}));
    let outcome = within.tune("one", input).await.expect("an outcome");
    let row = rows(&outcome).iter().find(|row| row["memory"] == 512);
    assert!(row.is_some_and(|row| row["calls"].as_u64() >= Some(NUM)));
    counts_are_true(&within, &outcome);

    let beyond = world(that_takes(cpu_bound()), 10_240).await;
    let input = searched(json!({"baseline": true, "powerValues": [1024, 3008]}));
    let outcome = beyond.tune("one", input).await.expect("an outcome");
    assert!(rows(&outcome).iter().all(|row| row["memory"] != 512));
    assert_eq!(calls(&beyond).len(), rows(&outcome).len() + 1);
    counts_are_true(&beyond, &outcome);
}

async fn stopped(worker: Worker, holds: impl Fn(&World) -> bool) -> World {
    let mut spec = that_takes(cpu_bound());
    spec.timeout_s = 60;
    let world = World::with(spec).await;
    let input = searched(json!({"num": 5}));
    world.stop_when("one", input, worker, holds).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_is_stopped_between_its_rounds_leaves_nothing() {
    let has_decided = |world: &World| world.story().contains("AP");
    let is_publishing = |world: &World| has_decided(world) && world.memory() != 512;
    let world = stopped(Worker::LivesOn, has_decided).await;
    assert!(!world.now().versions.is_empty(), "of the first round");
    world.event("one").await.expect("cleaned up");
    world.is_as_before();

    let world = stopped(Worker::Dies, is_publishing).await;
    assert!(world.now().aliases.iter().any(|alias| alias.name == LOCK));
    world.let_the_lock_expire().await;
    world.event("one").await.expect("cleaned up");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_is_stopped_in_its_second_round_leaves_nothing() {
    for worker in [Worker::Dies, Worker::LivesOn] {
        let is_measuring_again = |world: &World| world.story().contains("APE");
        let world = stopped(worker, is_measuring_again).await;
        assert!(!world.now().versions.is_empty(), "of both rounds");
        world.event("one").await.expect("cleaned up");
        world.is_as_before();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_between_the_rounds_ends_a_search() {
    let world = World::with(that_takes(cpu_bound())).await;
    let tuned = world.tune("one", searched(json!({"num": 5})));
    let deployed = async {
        while world.calls("Invoke").is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        let handler = json!({"Handler": "app.other"});
        world.own("PUT", "configuration", handler).await;
    };
    let (ended, ()) = futures::join!(tuned, deployed);
    let Failure { error, cause } = ended.expect_err("a failure");
    assert_eq!(error, "FunctionChanged", "{cause}");
    world.is_as_before_but(&json!({"Handler": "app.other"}));
}
