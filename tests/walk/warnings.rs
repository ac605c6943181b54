//! What an outcome warns of, made to happen.

use power_tuner_lambda_sim::{Curve, FunctionSpec};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World};

/// A function of 100 ms, without noise.
fn calm() -> FunctionSpec {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.behaviour.noise.coefficient = 0.0;
    spec.behaviour.noise.tail_probability = 0.0;
    spec.behaviour.init_ms = 1.0;
    spec
}

async fn warnings(spec: FunctionSpec, input: Value) -> Vec<Value> {
    let world = World::with(spec).await;
    let outcome = world.tune("one", input).await.expect("an outcome");
    world.is_as_before();
    outcome["warnings"].as_array().cloned().unwrap_or_default()
}

fn codes(warnings: &[Value]) -> Vec<&str> {
    warnings
        .iter()
        .filter_map(|warning| warning["code"].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_function_is_tuned_without_a_warning() {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.behaviour.noise.coefficient = 0.05;
    spec.behaviour.noise.tail_probability = 0.02;
    let found = warnings(spec, json!({"num": 50})).await;
    assert_eq!(codes(&found), Vec::<&str>::new(), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_varies_much_needs_more_calls() {
    let mut spec = calm();
    spec.behaviour.noise.coefficient = 0.5;
    let found = warnings(spec, json!({"num": 10, "powerValues": [512]})).await;
    assert_eq!(codes(&found), ["tooFewSamples"], "{found:#?}");
    let message = found[0]["message"].as_str().expect("a message");
    assert!(message.contains("set `num` to "), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_calls_among_fast_ones_are_told() {
    let mut spec = calm();
    spec.behaviour.noise.coefficient = 0.01;
    spec.behaviour.noise.tail_probability = 0.3;
    spec.behaviour.noise.tail_factor = 30.0;
    let found = warnings(spec, json!({"num": 60, "powerValues": [512]})).await;
    assert!(codes(&found).contains(&"bimodal"), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_all_at_once_are_all_cold() {
    let mut slow_to_start = calm();
    slow_to_start.behaviour.init_ms = 5_000.0;
    let at_once = json!({"num": 20, "powerValues": [512, 1024], "parallelInvocation": true});
    let found = warnings(slow_to_start, at_once).await;
    assert_eq!(codes(&found), ["allCold"], "{found:#?}");
    assert_eq!(found[0]["sizes"], json!([512, 1024]));
    let one_by_one = json!({"num": 20, "powerValues": [512, 1024]});
    assert_eq!(
        codes(&warnings(calm(), one_by_one).await),
        Vec::<&str>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_is_nearly_used_up_is_told() {
    let mut spec = calm();
    spec.behaviour.max_memory_used_mb = 125;
    let found = warnings(spec, json!({"powerValues": [128, 512]})).await;
    assert_eq!(codes(&found), ["memoryNearLimit"], "{found:#?}");
    assert_eq!(found[0]["sizes"], json!([128]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_that_is_too_close_or_far_above_has_a_better_value() {
    let cases = [
        (
            2,
            1500.0,
            "timeoutTooClose",
            "set the function's `Timeout` to 5",
        ),
        (
            900,
            100.0,
            "timeoutFarAbove",
            "set the function's `Timeout` to 30",
        ),
    ];
    for (timeout_s, ms, code, advice) in cases {
        let mut spec = calm();
        spec.timeout_s = timeout_s;
        spec.behaviour.duration = Curve::Formula {
            base_ms: ms,
            ms_times_mb: 0.0,
            flat_above_mb: 1769.0,
        };
        let found = warnings(spec, json!({"powerValues": [512]})).await;
        assert_eq!(codes(&found), [code], "{found:#?}");
        let message = found[0]["message"].as_str().expect("a message");
        assert!(message.contains(advice), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_lambda_refused_are_told() {
    use power_tuner_lambda_sim::Options;
    let options = Options {
        account_concurrency: 4,
        time_scale: 0.02,
        ..Options::default()
    };
    let world = World::on_own_time(calm(), options).await;
    let input = json!({"num": 20, "powerValues": [512], "parallelInvocation": 10});
    let outcome = world.tune("one", input).await.expect("an outcome");
    let found = outcome["warnings"].as_array().expect("warnings");
    assert!(codes(found).contains(&"throttled"), "{found:#?}");
    let message = found[0]["message"].as_str().expect("a message");
    assert!(
        message.contains("set `parallelInvocation` to 5"),
        "{message}"
    );
}
