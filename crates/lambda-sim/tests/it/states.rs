//! Versions that are inactive or have failed.

use power_tuner_lambda_sim::{FunctionSpec, FunctionState, Options, SnapStartSpec};
use serde_json::{Value, json};

use crate::client::{Answer, Lambda, refusal, start, start_with};

const IN_STATE: &str = "The operation cannot be performed at this time. \
                        The function is currently in the following state: ";

fn set(lambda: &Lambda, qualifier: &str, state: FunctionState) {
    lambda
        .sim()
        .set_state("f", qualifier, state, None)
        .expect("a version");
}

fn conflict(state: &str) -> (u16, String, String) {
    refusal(
        409,
        "ResourceConflictException",
        &format!("{IN_STATE}{state}"),
    )
}

fn state(shown: &Value) -> (Value, Value) {
    (shown["State"].clone(), shown["StateReasonCode"].clone())
}

fn states(state: &str, code: &str) -> (Value, Value) {
    (json!(state), json!(code))
}

#[test]
fn the_first_call_of_an_inactive_version_fails_and_wakes_it() {
    for (name, qualifier) in [("f", "$LATEST"), ("f:1", "1")] {
        let lambda = start().with_f();
        lambda.publish_active("f");
        set(&lambda, qualifier, FunctionState::Inactive);
        let asleep = lambda.configuration(name);
        assert_eq!(state(&asleep), states("Inactive", "Idle"));
        assert_eq!(asleep["LastUpdateStatus"], "Successful");
        let message = "Lambda is initializing your function. It will be ready to invoke shortly.";
        assert_eq!(
            lambda.invoke(name, &json!({})).refusal(),
            refusal(409, "CodeArtifactUserPendingException", message)
        );
        assert_eq!(
            lambda.invoke(name, &json!({})).refusal(),
            conflict("Pending"),
            "a call meanwhile"
        );
        let awake = lambda.settle(name);
        assert_eq!(state(&awake), (json!("Active"), Value::Null));
        assert_eq!(lambda.invoke(name, &json!({})).status, 200);
    }
}

#[test]
fn waking_takes_as_long_as_publishing() {
    let lambda = start_with(Options {
        publish_ms: 0.0,
        ..Options::default()
    })
    .with(FunctionSpec {
        publish_ms: Some(3_600_000.0),
        ..FunctionSpec::named("f")
    });
    set(&lambda, "$LATEST", FunctionState::Inactive);
    lambda.invoke("f", &json!({}));
    let shown = [lambda.configuration("f"), lambda.configuration("f")];
    let waking = states("Pending", "Restoring");
    assert_eq!(
        [state(&shown[0]), state(&shown[1])],
        [waking.clone(), waking]
    );
}

#[test]
fn an_inactive_version_with_snap_start_is_refused_by_another_name() {
    let lambda = start().with(FunctionSpec {
        snap_start: Some(SnapStartSpec {
            restore_ms: 80.0,
            publish_ms: 1000.0,
        }),
        ..FunctionSpec::named("f")
    });
    lambda.publish_active("f");
    set(&lambda, "1", FunctionState::Inactive);
    let (status, kind, _) = lambda.invoke("f:1", &json!({})).refusal();
    assert_eq!((status, kind.as_str()), (409, "SnapStartNotReadyException"));
}

fn writes(lambda: &Lambda) -> [Answer; 3] {
    let code = json!({ "ZipFile": "AAAA" });
    let publish = lambda.publish("f", &json!({}));
    let update = lambda.update("f", &json!({ "MemorySize": 1024 }));
    lambda.settle("f");
    [
        publish,
        update,
        lambda.send("PUT", "/2015-03-31/functions/f/code", &code),
    ]
}

#[test]
fn an_inactive_function_is_changed_and_published_and_stays_inactive() {
    let lambda = start().with_f();
    set(&lambda, "$LATEST", FunctionState::Inactive);
    assert_eq!(writes(&lambda).map(|answer| answer.status), [201, 200, 200]);
    assert_eq!(lambda.settle("f")["State"], "Inactive");
    assert_eq!(lambda.settle("f:1")["State"], "Active");
}

#[test]
fn publishing_an_inactive_version_again_shows_its_state() {
    let lambda = start().with_f();
    lambda.publish_active("f");
    set(&lambda, "1", FunctionState::Inactive);
    let again = lambda.publish("f", &json!({})).body;
    assert_eq!(state(&again), states("Inactive", "Idle"));
}

#[test]
fn a_failed_function_can_neither_be_called_nor_changed() {
    let lambda = start().with_f();
    set(&lambda, "$LATEST", FunctionState::Failed);
    assert_eq!(
        state(&lambda.configuration("f")),
        states("Failed", "InternalError")
    );
    for answer in writes(&lambda) {
        assert_eq!(answer.refusal(), conflict("Failed"));
    }
    assert_eq!(lambda.invoke("f", &json!({})).refusal(), conflict("Failed"));
    assert_eq!(lambda.configuration("f")["State"], "Failed", "for good");
}

#[test]
fn a_function_that_wakes_cannot_be_changed_yet() {
    let lambda = start_with(Options::default()).with_f();
    set(&lambda, "$LATEST", FunctionState::Inactive);
    lambda.invoke("f", &json!({}));
    let update = lambda.update("f", &json!({ "MemorySize": 1024 }));
    assert_eq!(update.refusal(), conflict("Pending"));
    assert_eq!(
        lambda.publish("f", &json!({})).refusal(),
        conflict("Pending")
    );
}

#[test]
fn a_pending_version_that_fails_does_not_become_active() {
    let lambda = start().with_f();
    lambda.publish("f", &json!({}));
    set(&lambda, "1", FunctionState::Failed);
    assert_eq!(lambda.settle("f:1")["State"], "Failed");
    assert_eq!(lambda.settle("f:1")["State"], "Failed");
}

#[test]
fn a_state_is_set_over_http_with_its_reason() {
    let lambda = start().with_f();
    lambda.publish_active("f");
    let set = |body: &Value| lambda.send("POST", "/_sim/functions/f/state", body).status;
    let failed = json!({ "qualifier": "1", "state": "Failed", "reason": "The key is gone." });
    assert_eq!(set(&failed), 204);
    assert_eq!(
        lambda.configuration("f:1")["StateReason"],
        "The key is gone."
    );
    assert_eq!(set(&json!({ "state": "Inactive" })), 204);
    let snapshot = lambda.get("/_sim/functions/f").body;
    assert_eq!(snapshot["versions"][0]["state"], "Failed");
    assert_eq!(snapshot["latest"]["volatile"]["State"], "Inactive");
    assert_eq!(set(&json!({ "qualifier": "7", "state": "Failed" })), 404);
    assert_eq!(set(&json!({ "qualifier": "1", "state": "Asleep" })), 400);
    assert_eq!(set(&json!({ "qualifier": "1" })), 400);
}

#[test]
fn a_version_can_become_inactive_between_two_calls() {
    let lambda = start().with_f();
    let sleep = json!({
        "action": "GetFunctionConfiguration",
        "fault": { "then": [{
            "method": "POST", "path": "/_sim/functions/f/state", "body": { "state": "Inactive" },
        }] },
    });
    assert_eq!(lambda.send("POST", "/_sim/faults", &sleep).status, 201);
    assert_eq!(lambda.configuration("f")["State"], "Active");
    assert_eq!(lambda.invoke("f", &json!({})).status, 409);
}
