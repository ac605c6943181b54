//! The rate of control plane requests.

use std::thread;
use std::time::Duration;

use power_tuner_lambda_sim::{Fault, FaultRule, Options, OtherRequest};
use serde_json::{Value, json};

use crate::client::{Lambda, refusal, start, start_with};

const CONFIGURATION: &str = "/2015-03-31/functions/f/configuration";

fn limited(per_s: u32) -> Lambda {
    start_with(Options {
        time_scale: 0.0,
        control_plane_per_s: Some(per_s),
        ..Options::default()
    })
    .with_f()
}

#[test]
fn control_plane_requests_beyond_the_rate_are_refused_and_not_done() {
    let lambda = limited(1);
    assert_eq!(lambda.get(CONFIGURATION).status, 200);
    let refused = lambda.update("f", &json!({ "MemorySize": 1024 }));
    let want = refusal(429, "TooManyRequestsException", "Rate exceeded");
    assert_eq!(refused.refusal(), want);
    assert_eq!(refused.body["Reason"], "CallerRateLimitExceeded");
    let statuses: Vec<_> = lambda
        .sim()
        .calls()
        .iter()
        .map(|call| call.status)
        .collect();
    assert_eq!(statuses, [Some(200), Some(429)]);
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(lambda.configuration("f")["MemorySize"], 512);
}

#[test]
fn all_apis_of_the_control_plane_share_the_rate_and_no_others_have_one() {
    let lambda = limited(1);
    lambda.sim().put_object("b", "k", *b"{}");
    assert_eq!(lambda.get("/2016-08-19/account-settings").status, 200);
    for path in [CONFIGURATION, "/2015-03-31/functions/g/versions"] {
        assert_eq!(lambda.get(path).status, 429, "{path}");
    }
    for _ in 0..3 {
        assert_eq!(lambda.invoke("f", &json!({})).status, 200);
        assert_eq!(lambda.get("/b/k").status, 200);
        let question =
            json!({ "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m" });
        assert_eq!(lambda.ask("ListExecutions", &question).status, 200);
    }
    assert_eq!(lambda.sim().peak_control_plane_rate(), 3);
}

#[test]
fn a_refused_request_meets_no_fault() {
    let lambda = limited(1);
    let fault = FaultRule {
        nth: Some(2),
        ..FaultRule::always("GetFunctionConfiguration", Fault::status(500))
    };
    lambda.sim().fault(fault);
    let statuses = [(); 2].map(|()| lambda.get(CONFIGURATION).status);
    assert_eq!(statuses, [200, 429]);
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(lambda.get(CONFIGURATION).status, 500);
}

#[test]
fn the_highest_rate_is_known_without_a_limit_until_it_is_forgotten() {
    let lambda = start().with_f();
    let others = vec![OtherRequest::new(
        "PUT",
        CONFIGURATION,
        json!({ "Timeout": 9 }),
    )];
    let rule = FaultRule {
        nth: Some(2),
        ..FaultRule::always("GetFunctionConfiguration", Fault::Then(others))
    };
    lambda.sim().fault(rule);
    for _ in 0..4 {
        assert_eq!(lambda.get(CONFIGURATION).status, 200);
    }
    assert_eq!(lambda.sim().peak_control_plane_rate(), 4);
    let shown = lambda.get("/_sim/control-plane").body;
    assert_eq!(shown, json!({ "peakPerSecond": 4 }));
    assert_eq!(
        lambda.send("DELETE", "/_sim/calls", &Value::Null).status,
        204
    );
    lambda.get(CONFIGURATION);
    assert_eq!(lambda.sim().peak_control_plane_rate(), 1);
}
