//! How many calls it takes to be sure, and what an outcome says of how sure it is.

use power_tuner_lambda_sim::{Curve, FunctionSpec};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World};

/// A function that takes as long as its curve says, but for its noise, and starts in no time.
fn noisy(coefficient: f64) -> FunctionSpec {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.behaviour.noise.coefficient = coefficient;
    spec.behaviour.noise.tail_probability = 0.0;
    spec.behaviour.init_ms = 1.0;
    spec
}

fn size(outcome: &Value, place: usize) -> &Value {
    &outcome["sizes"][place]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_that_is_known_precisely_gets_no_more_calls() {
    for parallel in [json!(false), json!(3), json!(true)] {
        let world = World::with(noisy(0.001)).await;
        let input = json!({"num": 100, "precision": 0.05, "powerValues": [512], "parallelInvocation": parallel});
        let outcome = world.tune("one", input).await.expect("an outcome");
        assert_eq!(size(&outcome, 0)["calls"], 12, "{parallel}: {outcome:#}");
        assert_eq!(size(&outcome, 0)["samples"], 12);
        let (low, high) = interval(size(&outcome, 0), "durationIntervalMs");
        let mean = size(&outcome, 0)["averageDurationMs"]
            .as_f64()
            .expect("a number");
        assert!(mean * 0.95 <= low && high <= mean * 1.05);
        world.is_as_before();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_that_is_not_known_precisely_gets_all_its_calls() {
    let world = World::with(noisy(0.3)).await;
    let input = json!({"num": 25, "precision": 0.01, "powerValues": [512]});
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(size(&outcome, 0)["calls"], 25, "{outcome:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sampling_that_ends_early_has_sent_each_payload_by_its_weight() {
    for parallel in [json!(false), json!(true)] {
        let world = World::with(noisy(0.001)).await;
        let payload = json!([{"payload": "a", "weight": 1}, {"payload": "b", "weight": 3}]);
        let input = json!({
            "num": 100, "precision": 0.05, "powerValues": [512], "payload": payload, "parallelInvocation": parallel,
        });
        world.tune("one", input).await.expect("an outcome");
        let snapshot = world.sim.snapshot(FUNCTION).expect("a function");
        let sent = |wanted: &str| {
            let payloads = snapshot.payloads.iter();
            payloads.filter(|sent| sent["payload"] == wanted).count()
        };
        assert_eq!((sent("a"), sent("b")), (3, 9), "{parallel}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cold_starts_end_early_too() {
    let world = World::with(noisy(0.001)).await;
    let input = json!({"num": 60, "precision": 0.1, "powerValues": [512], "onlyColdStarts": true});
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(size(&outcome, 0)["coldStarts"], 12, "{outcome:#}");
    world.is_as_before();
}

fn interval(size: &Value, field: &str) -> (f64, f64) {
    let end = |place: usize| size[field][place].as_f64().expect("a number");
    (end(0), end(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_says_how_sure_it_is() {
    let mut spec = noisy(0.02);
    spec.behaviour.init_ms = 150.0;
    spec.behaviour.duration = Curve::Formula {
        base_ms: 20.0,
        ms_times_mb: 100_000.0,
        flat_above_mb: 1769.0,
    };
    let world = World::with(spec).await;
    let input = json!({"num": 30, "powerValues": [256, 1769, 3008], "strategy": "speed"});
    let outcome = world.tune("one", input).await.expect("an outcome");
    let confidence = &outcome["confidence"];
    assert_eq!(confidence["level"], 0.95);
    // 1,769 and 3,008 MB are equally fast.
    let chosen = outcome["power"].as_u64().expect("a number");
    let other = if chosen == 1769 { 3008 } else { 1769 };
    assert_eq!(confidence["asGood"], json!([other]), "{confidence:#}");
    let number = |field: &str| confidence[field].as_f64().expect(field);
    assert!(number("probability") > 0.4 && number("probability") < 1.0);
    assert!(number("worstLossPercent") > number("expectedLossPercent"));
    assert!(number("worstLossPercent") < 5.0, "{confidence:#}");
    for size in outcome["sizes"].as_array().expect("sizes") {
        assert_eq!(size["samples"], 30);
        let (low, high) = interval(size, "durationIntervalMs");
        let mean = size["averageDurationMs"].as_f64().expect("a number");
        assert!(low < mean && mean < high, "{size:#}");
        let (low, high) = interval(size, "costInterval");
        let cost = size["averageCost"].as_f64().expect("a number");
        assert!(low < cost && cost <= high, "{size:#}");
        assert_eq!(size["percentiles"]["p90"]["samples"], 30);
        assert_eq!(
            size["percentiles"]["p95"],
            Value::Null,
            "30 calls carry none"
        );
        assert_eq!(size["cold"]["samples"], 1);
        assert_eq!(size["warm"]["samples"], 29);
        let cold = size["cold"]["meanDurationMs"].as_f64().expect("a number");
        let warm = size["warm"]["meanDurationMs"].as_f64().expect("a number");
        let init = size["cold"]["meanInitMs"].as_f64().expect("a number");
        assert!((cold - init - warm).abs() < 0.2 * warm, "{size:#}");
        assert_eq!(size["fullVcpu"] == true, size["memory"] == 1769, "{size:#}");
    }
}
