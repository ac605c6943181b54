//! Tunings that count only cold starts.

use power_tuner_lambda_sim::{Curve, FunctionSpec, Options, SnapStartSpec};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World};

fn cold(more: Value) -> Value {
    let mut input = json!({"onlyColdStarts": true, "powerValues": [256, 512, 1024]});
    let (Value::Object(all), Value::Object(more)) = (&mut input, more) else {
        panic!("not fields");
    };
    all.extend(more);
    input
}

/// Calls that take long enough to meet, with environments that take time to start.
fn slow_to_start() -> FunctionSpec {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.behaviour.init_ms = 4_000.0;
    spec
}

fn sum(outcome: &Value, field: &str) -> u64 {
    let sizes = outcome["sizes"].as_array().expect("sizes");
    sizes.iter().filter_map(|size| size[field].as_u64()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_version_of_a_size_gives_all_its_cold_starts() {
    let world = World::with(slow_to_start()).await;
    let input = cold(json!({"num": 8, "includeOutputResults": true}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(outcome["rounds"], 1);
    assert_eq!(sum(&outcome, "coldStarts"), 24);
    assert_eq!(sum(&outcome, "calls"), 24, "not one in vain");
    let published = world.calls("PublishVersion").len();
    assert!(
        published <= 4,
        "three sizes, and perhaps a throwaway: {published}"
    );
    for size in outcome["sizes"].as_array().expect("sizes") {
        let duration = size["averageDurationMs"].as_f64().expect("a number");
        assert!(duration > 4_000.0, "the start is in it: {size}");
    }
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lambda_refused_comes_from_versions_of_another_round() {
    let world = World::with(slow_to_start()).await;
    let reserved = json!({"ReservedConcurrentExecutions": 6});
    world
        .own_since("PUT", "2017-10-31", "concurrency", reserved)
        .await;
    world.remember();
    let input = cold(json!({"num": 10, "includeOutputResults": true}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    let rounds = outcome["rounds"].as_u64().expect("a number");
    assert!((2..=6).contains(&rounds), "{rounds}");
    assert!(sum(&outcome, "throttles") > 0);
    assert_eq!(sum(&outcome, "calls"), 30, "no version is called twice");
    assert_eq!(sum(&outcome, "coldStarts"), 30);
    assert_eq!(outcome["stats"].as_array().expect("stats").len(), 3);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_the_users_is_not_taken_for_a_fresh_one() {
    let world = World::with(slow_to_start()).await;
    world
        .own("POST", "versions", json!({"Description": "mine"}))
        .await;
    world.is_settled().await;
    world.remember();
    let outcome = world
        .tune("one", cold(json!({})))
        .await
        .expect("an outcome");
    assert_eq!(sum(&outcome, "coldStarts"), 15);
    world.is_as_before();
    let snapshot = world.now();
    let calls = world.calls("Invoke");
    assert!(!calls.is_empty() && snapshot.versions.len() == 1);
    assert!(
        calls
            .iter()
            .all(|call| call.qualifier.as_deref() != Some("1")),
        "{calls:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_of_more_than_ten_seconds_is_counted_and_said() {
    let mut spec = slow_to_start();
    spec.timeout_s = 60;
    spec.behaviour.init_ms = 12_000.0;
    let world = World::with(spec).await;
    let input = cold(json!({"powerValues": [512]}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(sum(&outcome, "slowInits"), 5);
    assert_eq!(outcome["warnings"][0]["code"], "slowInit");
    assert_eq!(outcome["warnings"][0]["sizes"], json!([512]));
    assert!(outcome["duration"].as_f64().expect("a number") > 12_000.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_snapshot_is_a_cold_start() {
    let mut spec = slow_to_start();
    spec.snap_start = Some(SnapStartSpec {
        restore_ms: 90.0,
        publish_ms: 2_000.0,
    });
    let world = World::with(spec).await;
    let input = cold(json!({"powerValues": [512]}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(sum(&outcome, "coldStarts"), 5);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_needs_no_burst() {
    let world = World::with(slow_to_start()).await;
    let input = cold(json!({"dryRun": true}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(outcome["dryRun"], true);
    assert_eq!(world.calls("Invoke").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sizes_are_carried_from_round_to_round() {
    let world = World::with(slow_to_start()).await;
    let reserved = json!({"ReservedConcurrentExecutions": 20});
    world
        .own_since("PUT", "2017-10-31", "concurrency", reserved)
        .await;
    world.remember();
    let input = cold(json!({"powerValues": "ALL", "num": 25}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert!(
        outcome["rounds"].as_u64() > Some(1),
        "{}",
        outcome["rounds"]
    );
    assert_eq!(sum(&outcome, "coldStarts"), 46 * 25);
    world.is_as_before();
}

/// One that takes longer than the function would make the burst a queue.
#[tokio::test(start_paused = true)]
async fn a_burst_waits_until_all_pre_processors_are_done() {
    let mut processor = FunctionSpec::named("pre");
    processor.behaviour.init_ms = 0.0;
    processor.behaviour.duration = Curve::Formula {
        base_ms: 20_000.0,
        ms_times_mb: 0.0,
        flat_above_mb: 1769.0,
    };
    processor.behaviour.noise.coefficient = 0.6;
    processor.timeout_s = 900;
    let mut target = slow_to_start();
    target.behaviour.init_ms = 2_000.0;
    let world = World::on_own_time(target, Options::default()).await;
    world.sim.create(processor).expect("a sound function");
    let input = cold(json!({"num": 8, "powerValues": [512], "preProcessorARN": "pre"}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(sum(&outcome, "coldStarts"), 8);
    assert_eq!(sum(&outcome, "calls"), 8, "none met an environment");
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_that_lambda_started_in_advance_are_left_out() {
    let mut spec = slow_to_start();
    spec.behaviour.initialised_in_advance = 0.3;
    let world = World::with(spec).await;
    let outcome = world
        .tune("one", cold(json!({"num": 10})))
        .await
        .expect("an outcome");
    assert_eq!(sum(&outcome, "coldStarts"), 30);
    assert!(sum(&outcome, "calls") > 30, "some were paid in vain");
    assert!(
        outcome["rounds"].as_u64() > Some(1),
        "{}",
        outcome["rounds"]
    );
    world.is_as_before();
}

#[test]
fn the_template_sets_the_pace_that_the_functions_read() {
    const TEMPLATE: &str = include_str!("../../template.yaml");
    let set = format!("{}: !Ref ControlPlaneRate", power_tuner_aws::paced::RATE);
    assert_eq!(
        TEMPLATE.matches(&set).count(),
        4,
        "in all that ask for versions"
    );
}
