//! Outcomes for the tests of `crates/report`, found by the tuner itself.

use std::fs;
use std::path::Path;

use power_tuner_lambda_sim::{Curve, FunctionSpec};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World};

const DIRECTORY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../crates/report/tests/outcomes"
);

fn computing(base_ms: f64, ms_times_mb: f64, coefficient: f64) -> FunctionSpec {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.behaviour.duration = Curve::Formula {
        base_ms,
        ms_times_mb,
        flat_above_mb: 1769.0,
    };
    spec.behaviour.noise.coefficient = coefficient;
    spec.behaviour.noise.tail_probability = 0.0;
    spec.behaviour.init_ms = 180.0;
    spec.behaviour.max_memory_used_mb = 96;
    spec
}

fn that_fails_below_256mb() -> FunctionSpec {
    let mut spec = computing(150.0, 100_000.0, 0.1);
    spec.behaviour.fails_below_mb = Some(256);
    spec.behaviour.max_memory_used_mb = 240;
    spec.memory_mb = 2048;
    spec
}

/// As a user names a function, and not as the tests do.
fn named(outcome: &Value) -> String {
    let text = format!("{outcome:#}\n");
    let from = format!(":function:{FUNCTION}\"");
    text.replace(&from, ":function:orders-api\"")
}

/// What a tuning finds is told by its outcomes, which the snapshots of `crates/report` are of: this makes them anew.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes crates/report/tests/outcomes"]
async fn outcomes_for_the_reports() {
    let sizes = json!([128, 256, 512, 1024, 1769, 3008]);
    let everything = json!({
        "num": 60, "powerValues": [128, 256, 512, 1024, 1769, 3008], "strategy": "balanced", "balancedWeight": 0.7,
        "parallelInvocation": 10, "maxDurationMs": 650, "percentile": 90, "maxCost": 0.000_009, "baseline": true,
        "monthlyInvocations": 5_000_000, "provisionedConcurrency": 5, "autoOptimize": true, "includeOutputResults": true,
        "note": "before & after <the move> to \"v2\", see OPS-17",
    });
    let adaptive = json!({
        "num": 40, "search": "adaptive", "powerValues": null, "strategy": "cost", "monthlyInvocations": 20_000_000,
    });
    let too_tight = json!({"num": 30, "powerValues": sizes, "maxDurationMs": 20});
    let cases = [
        (
            "grid",
            computing(20.0, 200_000.0, 0.05),
            json!({"num": 30, "powerValues": sizes, "parallelInvocation": 5}),
        ),
        ("everything", that_fails_below_256mb(), everything),
        ("adaptive", computing(40.0, 400_000.0, 0.03), adaptive),
        (
            "all-sizes",
            computing(60.0, 500_000.0, 0.08),
            json!({"num": 20, "powerValues": "ALL", "strategy": "speed"}),
        ),
        ("too-tight", computing(20.0, 200_000.0, 0.05), too_tight),
        (
            "limited",
            computing(20.0, 200_000.0, 0.05),
            json!({"num": 30, "powerValues": sizes, "maxDurationMs": 300, "monthlyInvocations": 20_000_000}),
        ),
        (
            "cold-starts",
            computing(20.0, 60_000.0, 0.1),
            json!({"num": 30, "powerValues": [256, 512, 1024], "onlyColdStarts": true, "strategy": "speed"}),
        ),
        (
            "dry-run",
            that_fails_below_256mb(),
            json!({"num": 10, "powerValues": [128, 512, 1024], "dryRun": true}),
        ),
        (
            "one-size",
            computing(20.0, 200_000.0, 0.05),
            json!({"num": 10, "powerValues": [512]}),
        ),
        (
            "same-durations",
            computing(400.0, 0.0, 0.0),
            json!({"num": 20, "powerValues": sizes, "strategy": "speed"}),
        ),
    ];
    for (name, spec, input) in cases {
        let world = World::with(spec).await;
        let outcome = world.tune(name, input).await.expect("an outcome");
        let path = Path::new(DIRECTORY).join(format!("{name}.json"));
        fs::write(&path, named(&outcome)).expect("it can be written");
    }
}
