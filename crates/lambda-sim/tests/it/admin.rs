//! The endpoints under `/_sim`.

use std::time::{Duration, Instant};

use power_tuner_lambda_sim::{FunctionSpec, Options, PRESETS};
use serde_json::{Value, json};

use crate::client::{start, start_with};

#[test]
fn a_function_is_made_from_a_spec_shown_and_removed() {
    let lambda = start();
    let spec = json!({
        "name": "f", "memoryMb": 256, "timeoutS": 10, "logFormat": "json",
        "behaviour": { "duration": { "kind": "points", "points": [[128, 1000.0], [1024, 150.0]] }, "initMs": 90 },
    });
    let made = lambda.send("POST", "/_sim/functions", &spec);
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
    assert_eq!(
        (made.status, made.body),
        (201, json!({ "name": "f", "arn": arn }))
    );
    assert_eq!(lambda.send("POST", "/_sim/functions", &spec).status, 409);
    assert_eq!(lambda.configuration("f")["MemorySize"], 256);
    assert_eq!(
        lambda
            .send("DELETE", "/_sim/functions/f", &Value::Null)
            .status,
        204
    );
    assert_eq!(
        lambda
            .send("DELETE", "/_sim/functions/f", &Value::Null)
            .status,
        404
    );
}

#[test]
fn an_unsound_spec_is_refused_with_its_rule() {
    let lambda = start();
    let cases = [
        (
            json!({ "name": "f", "memory": 128 }),
            "unknown field `memory`",
        ),
        (json!({ "memoryMb": 128 }), "`name` must be"),
        (
            json!({ "name": "f", "memoryMb": 64 }),
            "`memoryMb` must be 128 to 10240",
        ),
        (
            json!({ "name": "f", "behaviour": { "duration": { "kind": "points", "points": [] } } }),
            "`behaviour.duration`",
        ),
        (
            json!({ "name": "f", "behaviour": { "noise": { "tailProbability": 2 } } }),
            "`behaviour.noise`",
        ),
        (
            json!({ "name": "f", "behaviour": { "initialisedInAdvance": 1.5 } }),
            "`behaviour.initialisedInAdvance` must be 0 to 1",
        ),
        (json!({ "preset": "slow" }), "no preset `slow`"),
    ];
    for (spec, rule) in cases {
        let (status, _, message) = lambda.send("POST", "/_sim/functions", &spec).refusal();
        assert!(
            (400..500).contains(&status) && message.contains(rule),
            "{spec}: {status} {message}"
        );
    }
}

#[test]
fn every_preset_makes_a_function_that_can_be_called() {
    let lambda = start();
    let listed = lambda.get("/_sim/presets").body;
    assert_eq!(listed.as_array().map(Vec::len), Some(PRESETS.len()));
    for (name, description) in PRESETS {
        assert!(listed.as_array().is_some_and(|rows| {
            rows.contains(&json!({ "name": name, "description": description }))
        }));
        let made = lambda.send(
            "POST",
            "/_sim/functions",
            &json!({ "preset": name, "name": format!("my-{name}") }),
        );
        assert_eq!(made.status, 201, "{name}");
        assert_eq!(
            lambda
                .invoke(&format!("my-{name}"), &json!({}))
                .header("x-amz-function-error"),
            "",
            "{name}"
        );
        assert!(FunctionSpec::preset(name).is_some_and(|spec| spec.memory_mb == 512));
    }
}

#[test]
fn a_snapshot_has_everything_of_a_function() {
    let lambda = start().with_f();
    let version = lambda.publish_active("f");
    lambda.create_alias("f", "live", &version);
    lambda.set_memory("f", 1024);
    lambda.invoke("f:live", &json!({ "n": 1 }));
    lambda.invoke("f", &json!({ "n": 2 }));
    let mut snapshot = lambda.get("/_sim/functions/f").body;
    let configuration = snapshot["latest"]["configuration"].take();
    assert_eq!(configuration["MemorySize"], 1024);
    assert_eq!(configuration["RevisionId"], Value::Null);
    let volatile = snapshot["latest"]["volatile"].take();
    assert_eq!(volatile["LastUpdateStatus"], "Successful");
    let want = json!({
        "latest": { "configuration": null, "volatile": null },
        "versions": [{ "version": "1", "memoryMb": 512, "description": "", "state": "Active" }],
        "aliases": [{ "name": "live", "version": "1", "description": "", "weights": {} }],
        "reservedConcurrency": null,
        "invocations": { "512": 1, "1024": 1 },
        "payloads": [
            { "version": "1", "memoryMb": 512, "payload": { "n": 1 } },
            { "version": "$LATEST", "memoryMb": 1024, "payload": { "n": 2 } },
        ],
    });
    assert_eq!(snapshot, want);
}

#[test]
fn a_change_that_is_undone_leaves_an_equal_snapshot() {
    let lambda = start().with_f();
    let before = lambda.sim().snapshot("f").expect("f");
    lambda.set_memory("f", 1024);
    lambda.set_memory("f", 512);
    let after = lambda.sim().snapshot("f").expect("f");
    assert_eq!(before.latest.configuration, after.latest.configuration);
    assert_ne!(before.latest.volatile, after.latest.volatile);
}

#[test]
fn payloads_are_kept_within_bounds() {
    let lambda = start().with_f();
    for number in 0..1010 {
        lambda.invoke("f", &json!(number));
    }
    let snapshot = lambda.sim().snapshot("f").expect("f");
    assert_eq!(
        (
            snapshot.payloads.len(),
            snapshot.payloads[0]["payload"].as_u64()
        ),
        (1000, Some(10))
    );
    assert_eq!(snapshot.invocations[&512], 1010);
}

#[test]
fn calls_are_listed_until_they_are_forgotten() {
    let lambda = start().with_f();
    lambda.configuration("f");
    lambda.create_alias("f", "live", "9");
    lambda.get("/nothing");
    let want = json!([
        { "number": 1, "action": "GetFunctionConfiguration", "function": "f", "qualifier": null, "members": [], "status": 200, "dropped": false },
        { "number": 2, "action": "CreateAlias", "function": "f", "qualifier": "live", "members": ["FunctionVersion", "Name"], "status": 404, "dropped": false },
        { "number": 3, "action": "Unknown", "function": null, "qualifier": null, "members": [], "status": 501, "dropped": false },
    ]);
    assert_eq!(lambda.calls_without_times(), want);
    assert_eq!(
        lambda.send("DELETE", "/_sim/calls", &Value::Null).status,
        204
    );
    assert_eq!(lambda.get("/_sim/calls").body, json!([]));
}

#[test]
fn a_request_is_on_its_way_for_as_long_as_asked_and_the_list_says_when() {
    let lambda = start_with(Options {
        latencies: [("CreateAlias".to_owned(), 200.0)].into(),
        ..Options::default()
    })
    .with_f();
    let begin = Instant::now();
    lambda.configuration("f");
    assert!(begin.elapsed() < Duration::from_millis(150));
    lambda.create_alias("f", "live", "9");
    assert!(begin.elapsed() >= Duration::from_millis(200));
    let calls = lambda.get("/_sim/calls").body;
    let time = |call: usize, field: &str| calls[call][field].as_f64().expect("a time");
    let took = |call| time(call, "endedMs") - time(call, "startedMs");
    assert!(took(0) < 150.0 && took(1) >= 200.0, "{calls:#}");
    assert!(time(0, "endedMs") <= time(1, "startedMs"), "{calls:#}");
}

#[test]
fn health_and_unknown_endpoints_answer() {
    let lambda = start();
    assert_eq!(lambda.get("/_sim/health").body, json!({ "status": "ok" }));
    assert_eq!(lambda.get("/_sim/other").status, 501);
}

#[test]
fn a_dropped_service_answers_no_more() {
    let mut lambda = start().with_f();
    assert_eq!(lambda.configuration("f")["Version"], "$LATEST");
    lambda.sim = None;
    assert!(lambda.is_dropped("GET", "/2015-03-31/functions/f/configuration"));
}
