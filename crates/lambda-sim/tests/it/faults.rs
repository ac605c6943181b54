//! Faults on demand.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use power_tuner_lambda_sim::{Fault, FaultRule, FunctionSpec, LogFormat, Options, OtherRequest};
use serde_json::{Value, json};

use crate::client::{Lambda, start, start_with};

const UPDATE: &str = "/2015-03-31/functions/f/configuration";

#[test]
fn an_error_is_answered_and_nothing_is_done() {
    let lambda = start().with_f();
    let cases = [
        (429, "TooManyRequestsException"),
        (500, "ServiceException"),
        (409, "ResourceConflictException"),
        (412, "PreconditionFailedException"),
        (403, "AccessDeniedException"),
    ];
    for (status, kind) in cases {
        lambda.sim().fault(FaultRule::always(
            "UpdateFunctionConfiguration",
            Fault::status(status),
        ));
        let answer = lambda.update("f", &json!({ "MemorySize": 1024 }));
        assert_eq!(
            (answer.status, answer.header("x-amzn-errortype")),
            (status, kind)
        );
        lambda.sim().clear_faults();
    }
    assert_eq!(lambda.configuration("f")["MemorySize"], 512);
}

#[test]
fn a_fault_meets_the_nth_matching_call_and_so_many() {
    let lambda = start().with_f().with(FunctionSpec::named("g"));
    let rule = FaultRule {
        function: Some("f".to_owned()),
        nth: Some(2),
        times: Some(2),
        ..FaultRule::always("Invoke", Fault::status(500))
    };
    lambda.sim().fault(rule);
    let statuses = |name: &str| [(); 4].map(|()| lambda.invoke(name, &json!({})).status);
    assert_eq!(statuses("g"), [200; 4]);
    assert_eq!(statuses("f"), [200, 500, 500, 200]);
}

#[test]
fn a_fault_can_be_for_one_qualifier() {
    let lambda = start().with_f();
    lambda.publish_active("f");
    let qualifier = Some("1".to_owned());
    lambda.sim().fault(FaultRule {
        qualifier,
        ..FaultRule::always("*", Fault::status(500))
    });
    assert_eq!(lambda.invoke("f", &json!({})).status, 200);
    assert_eq!(lambda.invoke("f:1", &json!({})).status, 500);
}

#[test]
fn a_connection_can_break_before_or_after_the_change() {
    for (fault, memory_mb) in [(Fault::DropBefore, 512), (Fault::DropAfter, 1024)] {
        let lambda = start().with_f();
        let times = Some(1);
        lambda.sim().fault(FaultRule {
            times,
            ..FaultRule::always("UpdateFunctionConfiguration", fault)
        });
        assert!(
            lambda
                .try_send("PUT", UPDATE, &[], r#"{"MemorySize":1024}"#)
                .is_none()
        );
        assert_eq!(lambda.configuration("f")["MemorySize"], memory_mb);
        let dropped: Vec<bool> = lambda
            .sim()
            .calls()
            .iter()
            .map(|call| call.dropped)
            .collect();
        assert_eq!(dropped, [true, false]);
    }
}

#[test]
fn a_call_can_be_delayed() {
    let lambda = start_with(Options {
        time_scale: 0.1,
        ..Options::default()
    })
    .with_f();
    lambda.sim().fault(FaultRule::always(
        "GetFunctionConfiguration",
        Fault::DelayMs(2000.0),
    ));
    let started = Instant::now();
    lambda.configuration("f");
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_call_can_be_held_for_as_long_as_its_caller_lives() {
    for (fault, is_done) in [(Fault::HeldBefore, false), (Fault::HeldAfter, true)] {
        let lambda = start().with_f();
        let rule = FaultRule::always("PublishVersion", fault);
        lambda.sim().fault(rule);
        let address = lambda.sim().url().replace("http://", "");
        let mut caller = TcpStream::connect(&address).expect("a connection");
        let body = "{}";
        write!(
            caller,
            "POST /2015-03-31/functions/f/versions HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("a request");
        let held = loop {
            let held = lambda.get("/_sim/held").body;
            if held != json!([]) {
                break held;
            }
        };
        let port = caller.local_addr().expect("an address").port();
        let wanted = json!([{"action": "PublishVersion", "function": "f", "caller": port}]);
        assert_eq!(held, wanted);
        let longest = Some(Duration::from_millis(50));
        caller.set_read_timeout(longest).expect("a time");
        assert!(caller.read(&mut [0]).is_err(), "nothing is answered");
        let versions = lambda.sim().snapshot("f").expect("the function").versions;
        assert_eq!(!versions.is_empty(), is_done);
    }
}

#[test]
fn a_log_can_lack_its_report_or_the_head_of_it() {
    for log_format in [LogFormat::Text, LogFormat::Json] {
        let lambda = start().with(FunctionSpec {
            log_format,
            ..FunctionSpec::named("f")
        });
        lambda
            .sim()
            .fault(FaultRule::always("Invoke", Fault::NoReport));
        let log = lambda.invoke("f", &json!({})).log();
        assert!(
            !log.is_empty() && !log.contains("REPORT") && !log.contains("platform.report"),
            "{log}"
        );
        lambda.sim().clear_faults();
        lambda
            .sim()
            .fault(FaultRule::always("Invoke", Fault::TruncateLog));
        let log = lambda.invoke("f", &json!({})).log();
        assert!(
            !log.is_empty() && !log.contains("REPORT") && !log.contains("platform.report"),
            "{log}"
        );
    }
}

#[test]
fn an_update_or_a_version_can_fail_later() {
    let lambda = start().with_f();
    lambda.sim().fault(FaultRule::always("*", Fault::FailLater));
    assert_eq!(
        lambda.update("f", &json!({ "MemorySize": 1024 })).status,
        200
    );
    assert_eq!(lambda.settle("f")["LastUpdateStatus"], "Failed");
    assert_eq!(
        lambda.invoke("f", &json!({})).field("Memory Size"),
        "512 MB"
    );
    assert_eq!(lambda.publish("f", &json!({})).status, 201);
    assert_eq!(lambda.settle("f:1")["State"], "Failed");
    assert_eq!(lambda.invoke("f:1", &json!({})).status, 409);
}

/// Somebody else sets the memory of `f`.
fn deployment(memory_mb: u32) -> Vec<OtherRequest> {
    let change = json!({ "MemorySize": memory_mb });
    vec![OtherRequest::new("PUT", UPDATE, change)]
}

fn actions(lambda: &Lambda) -> Vec<(String, Option<u16>)> {
    let calls = lambda.sim().calls().into_iter();
    calls.map(|call| (call.action, call.status)).collect()
}

fn action(name: &str, status: u16) -> (String, Option<u16>) {
    (name.to_owned(), Some(status))
}

#[test]
fn others_can_act_right_after_a_call() {
    let lambda = start().with_f();
    let get = "GetFunctionConfiguration";
    lambda
        .sim()
        .fault(FaultRule::always(get, Fault::Then(deployment(1024))));
    let seen = lambda.configuration("f");
    assert_eq!(
        (&seen["MemorySize"], &seen["LastUpdateStatus"]),
        (&json!(512), &json!("Successful"))
    );
    let update = "UpdateFunctionConfiguration";
    assert_eq!(actions(&lambda), [action(get, 200), action(update, 200)]);
    lambda.sim().clear_faults();
    assert_eq!(lambda.settle("f")["MemorySize"], 1024);
}

#[test]
fn others_can_act_right_before_a_call() {
    let lambda = start().with_f();
    let get = "GetFunctionConfiguration";
    lambda
        .sim()
        .fault(FaultRule::always(get, Fault::First(deployment(1024))));
    let seen = lambda.configuration("f");
    assert_eq!(
        (&seen["MemorySize"], &seen["LastUpdateStatus"]),
        (&json!(1024), &json!("InProgress"))
    );
    let update = "UpdateFunctionConfiguration";
    assert_eq!(actions(&lambda), [action(update, 200), action(get, 200)]);
}

#[test]
fn what_others_do_meets_no_fault_and_may_fail() {
    let lambda = start().with_f();
    let others = vec![
        OtherRequest::new("PUT", UPDATE, json!({ "MemorySize": 64 })),
        OtherRequest::new("POST", "/2015-03-31/functions/f/unheard-of", json!({})),
        OtherRequest::new(
            "POST",
            "/2015-03-31/functions/f/versions",
            json!({ "Description": "theirs" }),
        ),
        OtherRequest {
            body: None,
            ..OtherRequest::new("DELETE", "/2015-03-31/functions/f?Qualifier=1", json!({}))
        },
    ];
    // The rule matches what the others do, too: without an end to that, nothing would ever be answered.
    lambda
        .sim()
        .fault(FaultRule::always("*", Fault::First(others)));
    assert_eq!(lambda.configuration("f")["MemorySize"], 512);
    let want = [
        action("UpdateFunctionConfiguration", 400),
        action("Unknown", 501),
        action("PublishVersion", 201),
        action("DeleteFunction", 204),
        action("GetFunctionConfiguration", 200),
    ];
    assert_eq!(actions(&lambda), want);
}

#[test]
fn what_others_do_is_set_over_http() {
    let lambda = start().with_f();
    for (when, memory_mb) in [("first", 600), ("then", 700)] {
        let others =
            json!([{ "method": "PUT", "path": UPDATE, "body": { "MemorySize": memory_mb } }]);
        let rule = json!({
            "action": "GetFunctionConfiguration", "nth": 1, "fault": { (when): others },
        });
        assert_eq!(lambda.send("POST", "/_sim/faults", &rule).status, 201);
        lambda.configuration("f");
        assert_eq!(lambda.settle("f")["MemorySize"], memory_mb);
        lambda.sim().clear_faults();
    }
}

#[test]
fn faults_are_set_and_cleared_over_http() {
    let lambda = start().with_f();
    let rules = [
        json!({ "action": "GetFunctionConfiguration", "times": 1, "fault": { "status": 429, "errorType": "Slow" } }),
        json!({ "action": "GetFunctionConfiguration", "nth": 2, "fault": "drop-before" }),
        json!({ "action": "GetFunctionConfiguration", "nth": 3, "fault": { "delayMs": 5 } }),
        json!({ "action": "GetFunctionConfiguration", "nth": 4, "times": 9, "fault": { "status": 500 } }),
    ];
    for rule in rules {
        assert_eq!(
            lambda.send("POST", "/_sim/faults", &rule).status,
            201,
            "{rule}"
        );
    }
    let first = lambda.get(UPDATE);
    assert_eq!(
        (first.status, first.header("x-amzn-errortype")),
        (429, "Slow")
    );
    assert!(lambda.is_dropped("GET", UPDATE));
    assert_eq!(
        (lambda.get(UPDATE).status, lambda.get(UPDATE).status),
        (200, 500)
    );
    assert_eq!(
        lambda.send("DELETE", "/_sim/faults", &Value::Null).status,
        204
    );
    assert_eq!(lambda.get(UPDATE).status, 200);
    let bad = json!({ "action": "Invoke", "fault": "explode" });
    assert_eq!(lambda.send("POST", "/_sim/faults", &bad).status, 400);
}
