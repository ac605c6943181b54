//! What the target receives, and what is around its calls.

use std::time::{Duration, Instant};

use power_tuner_lambda_sim::{FunctionError, FunctionSpec, Response};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World};

/// What a function received, in order.
fn received(world: &World, function: &str) -> Vec<Value> {
    let snapshot = world.sim.snapshot(function).expect("a function");
    let payloads = snapshot.payloads.iter();
    payloads
        .map(|received| received["payload"].clone())
        .collect()
}

fn failing(name: &str) -> FunctionSpec {
    let mut spec = FunctionSpec::named(name);
    spec.behaviour.fails_with = Some(FunctionError {
        error_type: "KeyError".to_owned(),
        error_message: "'secret'".to_owned(),
        every_nth: 1,
    });
    spec
}

/// A function that returns this, whatever it is called with.
fn returning(name: &str, value: Value) -> FunctionSpec {
    let mut spec = FunctionSpec::named(name);
    spec.behaviour.response = Response::Json { value };
    spec
}

/// The target and one function more.
async fn beside(target: FunctionSpec, other: FunctionSpec) -> World {
    let world = World::with(target).await;
    world.sim.create(other).expect("a sound function");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn each_payload_of_a_distribution_is_sent_as_often_as_its_weight_says() {
    for parallel in [json!(false), json!(3), json!(true)] {
        let world = World::new().await;
        let payload = json!([
            {"payload": {"kind": "a"}, "weight": 5},
            {"payload": {"kind": "b"}, "weight": 15},
            {"payload": "c", "weight": 30},
        ]);
        let input = json!({"payload": payload, "num": 10, "powerValues": [512], "parallelInvocation": parallel});
        world.tune("one", input).await.expect("an outcome");
        let all = received(&world, FUNCTION);
        let count = |wanted: Value| all.iter().filter(|sent| **sent == wanted).count();
        let counts = [json!({"kind": "a"}), json!({"kind": "b"}), json!("c")].map(count);
        assert_eq!(counts, [1, 3, 6], "{parallel}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pre_processor_returns_replaces_the_payload() {
    for (returned, want) in [
        (json!({"prepared": 1}), json!({"prepared": 1})),
        (json!(null), json!({"raw": 1})),
        (json!(""), json!({"raw": 1})),
    ] {
        let world = beside(FunctionSpec::named(FUNCTION), returning("pre", returned)).await;
        let input = json!({"payload": {"raw": 1}, "preProcessorARN": "pre", "powerValues": [512]});
        world.tune("one", input).await.expect("an outcome");
        assert_eq!(received(&world, "pre"), vec![json!({"raw": 1}); 5]);
        assert_eq!(received(&world, FUNCTION), vec![want; 5]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_post_processor_gets_what_the_function_returned() {
    let target = returning(FUNCTION, json!({"answer": 42}));
    let world = beside(target, FunctionSpec::named("post")).await;
    let input = json!({"payload": 1, "postProcessorARN": "post", "powerValues": [512]});
    world.tune("one", input).await.expect("an outcome");
    assert_eq!(received(&world, "post"), vec![json!({"answer": 42}); 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_fails_or_is_missing_is_named() {
    let cases = [
        (
            "preProcessorARN",
            "other",
            "the pre-processor `other` failed: 'secret' (KeyError)",
        ),
        (
            "postProcessorARN",
            "other",
            "the post-processor `other` failed: 'secret' (KeyError)",
        ),
        (
            "preProcessorARN",
            "none",
            "the pre-processor cannot be called: function `none` was not found",
        ),
    ];
    for (field, name, want) in cases {
        let world = beside(FunctionSpec::named(FUNCTION), failing("other")).await;
        let failure = world.fail_to_tune("one", json!({field: name})).await;
        assert_eq!(failure.error, "NoMeasurements");
        assert!(failure.cause.contains(want), "{}", failure.cause);
        world.is_as_before();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ends_by_an_allowed_error_is_measured() {
    let world = World::with(failing(FUNCTION)).await;
    let input = json!({"allowedExceptions": ["ValueError", "KeyError"]});
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(outcome["sizes"][0]["status"], "measured", "{outcome:#}");
    assert_eq!(outcome["sizes"][0]["errors"], 5);
    let other = json!({"allowedExceptions": ["ValueError"]});
    let failure = world.fail_to_tune("two", other).await;
    assert_eq!(failure.error, "NoMeasurements");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cause_has_the_payload_unless_the_input_says_otherwise() {
    let world = World::with(failing(FUNCTION)).await;
    let payload = json!({"card": "4711"});
    let failure = world.fail_to_tune("one", json!({"payload": payload})).await;
    let want = r#"'secret' (KeyError), with the payload {"card":"4711"}"#;
    assert!(failure.cause.contains(want), "{}", failure.cause);
    let hidden = json!({"payload": payload, "disablePayloadLogs": true});
    let failure = world.fail_to_tune("two", hidden).await;
    assert!(failure.cause.contains("KeyError"), "{}", failure.cause);
    for part in ["4711", "secret"] {
        assert!(!failure.cause.contains(part), "{}", failure.cause);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_follow_each_other_pause_as_long_as_the_input_says() {
    let world = World::new().await;
    let pauses = |parallel: Value| json!({"powerValues": [512], "sleepBetweenRunsMs": 300, "parallelInvocation": parallel});
    let start = Instant::now();
    world
        .tune("one", pauses(json!(false)))
        .await
        .expect("an outcome");
    assert!(
        start.elapsed() > Duration::from_millis(4 * 300),
        "{:?}",
        start.elapsed()
    );
    let start = Instant::now();
    world
        .tune("two", pauses(json!(true)))
        .await
        .expect("an outcome");
    assert!(
        start.elapsed() < Duration::from_millis(4 * 300),
        "{:?}",
        start.elapsed()
    );
}
