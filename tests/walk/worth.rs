//! Limits, the current size and a month in the outcome, and what is applied only if it is worth it.

use power_tuner_lambda_sim::{Curve, FunctionSpec, Noise};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World};

/// It takes 791 ms with 128 MB, 205 ms with 512 MB and 108 ms with 1,024 MB, and costs 101, 105 and 110 for that.
fn faster_with_memory() -> FunctionSpec {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.behaviour.duration = Curve::Formula {
        base_ms: 10.0,
        ms_times_mb: 100_000.0,
        flat_above_mb: 1769.0,
    };
    spec
}

async fn tuned(world: &World, input: Value) -> Value {
    let mut fields = json!({"num": 20, "autoOptimize": true});
    if let (Some(fields), Value::Object(input)) = (fields.as_object_mut(), input) {
        fields.extend(input);
    }
    world.tune("one", fields).await.expect("an outcome")
}

/// The optimizer did not begin.
#[track_caller]
fn nothing_was_applied(world: &World, outcome: &Value, because: &str) {
    let optimization = &outcome["optimization"];
    assert_eq!(optimization["applied"], false, "{outcome:#}");
    assert_eq!(optimization["changed"], false);
    assert_eq!(optimization["from"], optimization["to"]);
    let reason = optimization["reason"].as_str().expect("a reason");
    assert!(reason.contains(because), "{reason}");
    assert_eq!(
        world.calls("CreateAlias").len(),
        1,
        "the lock of the publisher"
    );
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_better_beyond_chance_is_applied() {
    let world = World::with(faster_with_memory()).await;
    let input =
        json!({"strategy": "speed", "minImprovementPercent": 40, "powerValues": [128, 1024]});
    let outcome = tuned(&world, input).await;
    assert_eq!(
        outcome["optimization"],
        json!({"applied": true, "from": 512, "to": 1024, "changed": true})
    );
    assert_eq!(outcome["baseline"]["memory"], 512);
    assert_eq!(outcome["sizes"].as_array().map(Vec::len), Some(2));
    let improvement = &outcome["improvement"];
    assert_eq!(improvement["over"], 512);
    let percent = improvement["percent"].as_f64().expect("a number");
    let at_least = improvement["atLeastPercent"].as_f64().expect("a number");
    assert!(percent > 40.0 && percent < 50.0, "{improvement}");
    assert!(at_least > 0.0 && at_least <= percent, "{improvement}");
    world.is_as_before_but(&json!({"MemorySize": 1024}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_better_by_less_than_asked_for_is_not_applied() {
    let world = World::with(faster_with_memory()).await;
    let input =
        json!({"strategy": "speed", "minImprovementPercent": "60", "autoOptimizeAlias": "live"});
    let outcome = tuned(&world, input).await;
    assert_eq!(outcome["power"], 1024);
    nothing_was_applied(&world, &outcome, "`minImprovementPercent` is 60");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_better_by_chance_is_not_applied() {
    let mut spec = faster_with_memory();
    spec.behaviour.duration = Curve::Points {
        points: vec![(512.0, 100.0), (1024.0, 96.0)],
    };
    spec.behaviour.noise = Noise {
        coefficient: 0.6,
        ..Noise::default()
    };
    let world = World::with(spec).await;
    // Whichever is the faster of the two by these calls, they do not show it.
    let input =
        json!({"strategy": "speed", "minImprovementPercent": 0, "powerValues": [512, 1024]});
    let outcome = tuned(&world, input).await;
    let because = match outcome["power"].as_u64() {
        Some(512) => "512 MB is the current size already",
        _ => "may be chance",
    };
    nothing_was_applied(&world, &outcome, because);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_current_size_no_improvement_is_taken_for_granted() {
    let world = World::with(faster_with_memory()).await;
    let input = json!({
        "strategy": "speed", "minImprovementPercent": 0, "powerValues": [128, 1024], "baseline": false,
    });
    let outcome = tuned(&world, input).await;
    assert_eq!(outcome.get("baseline"), None);
    nothing_was_applied(&world, &outcome, "no measurement to compare with");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_of_those_within_the_limits_is_applied() {
    let mut spec = faster_with_memory();
    spec.memory_mb = 1024;
    let world = World::with(spec).await;
    let outcome = tuned(&world, json!({"maxDurationMs": 300})).await;
    assert_eq!(outcome["power"], 512, "128 MB is cheaper, and too slow");
    assert_eq!(
        outcome["constraint"],
        json!({"maxDurationMs": 300.0, "confidence": 0.95, "met": true})
    );
    let meets: Vec<&Value> = (0..3)
        .map(|size| &outcome["sizes"][size]["meetsConstraint"])
        .collect();
    assert_eq!(meets, ["no", "yes", "yes"]);
    let reason = outcome["reason"].as_str().expect("a reason");
    assert!(
        reason.starts_with(
            "512 MB is the cheapest of the 2 sizes that keep to a mean duration of at most 300 ms with 95 % confidence, \
             of 3 measured sizes; "
        ),
        "{reason}"
    );
    assert_eq!(outcome["optimization"]["applied"], true);
    world.is_as_before_but(&json!({"MemorySize": 512}));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_size_keeps_to_the_limits_the_closest_is_named_and_nothing_applied() {
    let world = World::with(faster_with_memory()).await;
    let input = json!({
        "num": 60, "maxDurationMs": 100, "percentile": 95, "maxCost": 1e-3, "autoOptimizeAlias": "live",
    });
    let outcome = tuned(&world, input).await;
    assert_eq!(outcome["power"], 1024);
    let limits = json!({
        "maxDurationMs": 100.0, "percentile": 95.0, "maxCost": 1e-3, "confidence": 0.95, "met": false,
    });
    assert_eq!(outcome["constraint"], limits);
    assert_eq!(outcome["sizes"][2]["meetsConstraint"], "no");
    let reason = outcome["reason"].as_str().expect("a reason");
    assert!(
        reason.starts_with(
            "no measured size keeps to 95 % of the calls within 100 ms and a mean cost of at most 0.001 USD a call with \
             95 % confidence, and 1024 MB comes closest"
        ),
        "{reason}"
    );
    nothing_was_applied(&world, &outcome, "no measured size keeps to the limits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_compared_with_that_of_the_current_size() {
    let world = World::with(faster_with_memory()).await;
    let storage = json!({"EphemeralStorage": {"Size": 2560}});
    world.own("PUT", "configuration", storage).await;
    world.is_settled().await;
    world.remember();
    let input = json!({
        "autoOptimize": false, "powerValues": [128, 1024], "monthlyInvocations": 1_000_000, "provisionedConcurrency": 2,
        "includeOutputResults": true,
    });
    let outcome = tuned(&world, input).await;
    assert_eq!(outcome["stats"].as_array().map(Vec::len), Some(2));
    assert_eq!(outcome["baseline"]["memory"], 512);
    let monthly = &outcome["monthly"];
    assert_eq!(
        (&monthly["invocations"], &monthly["currency"]),
        (&json!(1_000_000), &json!("USD"))
    );
    assert_eq!(
        (&monthly["best"]["memory"], &monthly["current"]["memory"]),
        (&json!(128), &json!(512))
    );
    // A million calls of some 800 ms (a cold start among twenty) with 128 MB are 100,000 GB-seconds on arm64, and 1.6 million of /tmp.
    let best = &monthly["best"]["cost"];
    let number = |value: &Value| value.as_f64().expect("a number");
    assert!((1.30..1.40).contains(&number(&best["duration"])), "{best}");
    assert!((0.049..0.052).contains(&number(&best["storage"])), "{best}");
    assert!((number(&best["requests"]) - 0.2).abs() < 1e-9);
    let notes = monthly["notes"].to_string();
    assert!(notes.contains("1 of 20 calls was a cold start"), "{notes}");
    let saving = number(&monthly["current"]["cost"]["total"]) - number(&best["total"]);
    assert!(
        (number(&monthly["saving"]) - saving).abs() < 1e-9,
        "{monthly:#}"
    );
    // Of each size they are written with six digits.
    let is_near = |one: &Value, other: &Value| {
        let (one, other) = (number(one), number(other));
        assert!(
            (one - other).abs() <= other.abs() * 1e-5,
            "{one} and {other}"
        );
    };
    let size = &outcome["sizes"][0];
    is_near(&size["monthlyCost"]["total"], &best["total"]);
    is_near(&size["monthlySaving"], &monthly["saving"]);
    assert_eq!(outcome["baseline"]["monthlySaving"], 0.0);
    let provisioned = &monthly["provisioned"];
    assert_eq!(provisioned["environments"], 2);
    // 2 environments of an eighth of a GB for 730 hours.
    let ready = number(&provisioned["best"]["cost"]["ready"]);
    assert!((ready - 657_000.0 * 3.3334e-6).abs() < 1e-9, "{ready}");
    let total = &provisioned["best"]["cost"]["total"];
    is_near(&size["monthlyProvisionedCost"], total);
    assert!(outcome["sizes"][0]["pareto"] == true && outcome["sizes"][1]["pareto"] == true);
    world.is_as_before();
}
