//! What Step Functions tells of executions.

use power_tuner_lambda_sim::{Execution, ExecutionStatus, Fault, FaultRule, OtherRequest};
use serde_json::{Value, json};

use crate::client::{Answer, Lambda, start};

const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:tuner";

fn arn(name: &str) -> String {
    format!("arn:aws:states:us-east-1:123456789012:execution:tuner:{name}")
}

fn running(name: &str, start_unix_s: f64) -> Execution {
    Execution {
        arn: arn(name),
        input: json!({ "n": 1 }),
        start_unix_s,
        ..Execution::default()
    }
}

fn ended(name: &str, status: ExecutionStatus) -> Execution {
    Execution {
        status,
        stop_unix_s: Some(1_750_000_060.0),
        ..running(name, 1_750_000_000.0)
    }
}

fn with(executions: impl IntoIterator<Item = Execution>) -> Lambda {
    let lambda = start();
    for execution in executions {
        lambda.sim().put_execution(execution).expect("a sound one");
    }
    lambda
}

fn describe(lambda: &Lambda, name: &str) -> Answer {
    lambda.ask("DescribeExecution", &json!({ "executionArn": arn(name) }))
}

fn refused(kind: &str) -> (u16, Value) {
    (400, json!(kind))
}

fn refusal(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.body["__type"].clone())
}

fn each(rows: &Value, field: &str) -> Vec<Value> {
    let rows = rows.as_array().expect("rows").iter();
    rows.map(|row| row[field].clone()).collect()
}

#[test]
fn an_execution_is_described() {
    let lambda = with([
        Execution {
            redrive_count: 2,
            ..running("a", 1_750_000_000.5)
        },
        Execution {
            states: vec![("Tune".to_owned(), json!({ "power": 512 }))],
            ..ended("b", ExecutionStatus::Succeeded)
        },
    ]);
    let answer = describe(&lambda, "a");
    let want = json!({
        "executionArn": arn("a"), "stateMachineArn": MACHINE, "name": "a", "status": "RUNNING",
        "startDate": 1_750_000_000.5, "input": r#"{"n":1}"#, "inputDetails": { "included": true },
        "redriveCount": 2,
    });
    assert_eq!((answer.status, &answer.body), (200, &want));
    assert_eq!(answer.header("content-type"), "application/x-amz-json-1.0");
    assert_eq!(answer.header("x-amzn-requestid").len(), 36);
    let ended = describe(&lambda, "b").body;
    assert_eq!(ended["stopDate"], 1_750_000_060.0);
    assert_eq!(ended["output"], r#"{"power":512}"#);
}

#[test]
fn an_execution_that_is_put_again_replaces_the_old_one() {
    let lambda = with([running("a", 1_750_000_000.0)]);
    assert_eq!(describe(&lambda, "a").body["status"], "RUNNING");
    let status = ExecutionStatus::TimedOut;
    lambda.sim().put_execution(ended("a", status)).expect("a");
    assert_eq!(describe(&lambda, "a").body["status"], "TIMED_OUT");
    let all = lambda.ask("ListExecutions", &json!({ "stateMachineArn": MACHINE }));
    assert_eq!(each(&all.body["executions"], "name"), ["a"]);
}

#[test]
fn an_execution_is_put_over_http() {
    let lambda = start();
    let execution = json!({
        "arn": arn("a"), "status": "FAILED", "input": {}, "startUnixS": 1, "stopUnixS": 2,
        "states": [["Tune", { "power": 512 }]], "stuckIn": "Publish",
    });
    let put = |execution: &Value| lambda.send("POST", "/_sim/executions", execution).status;
    assert_eq!(put(&execution), 201);
    assert_eq!(describe(&lambda, "a").body["status"], "FAILED");
    let cases = [
        json!({ "arn": "arn:aws:states:us-east-1:123456789012:stateMachine:tuner" }),
        json!({ "arn": arn("b"), "stopUnixS": 2 }),
        json!({ "arn": arn("b"), "status": "ABORTED" }),
        json!({ "arn": arn("b"), "state": "RUNNING" }),
    ];
    for unsound in cases {
        assert_eq!(put(&unsound), 400, "{unsound}");
    }
}

#[test]
fn what_step_functions_does_not_know_is_refused_by_name() {
    let lambda = start();
    assert_eq!(
        describe(&lambda, "a").body,
        json!({
            "__type": "ExecutionDoesNotExist",
            "message": format!("Execution Does Not Exist: '{}'", arn("a")),
        })
    );
    let history = lambda.ask("GetExecutionHistory", &json!({ "executionArn": arn("a") }));
    assert_eq!(refusal(&history), refused("ExecutionDoesNotExist"));
    let bad = lambda.ask("DescribeExecution", &json!({ "executionArn": MACHINE }));
    assert_eq!(refusal(&bad), refused("InvalidArn"));
    let unread = lambda.ask("DescribeExecution", &json!({ "arn": arn("a") }));
    assert_eq!(refusal(&unread), refused("SerializationException"));
    let unknown = lambda.ask("StartExecution", &json!({}));
    assert_eq!(refusal(&unknown), (501, json!("NotSimulated")));
}

#[test]
fn a_history_goes_through_the_states_to_the_end() {
    let lambda = with([Execution {
        states: vec![
            ("Read".to_owned(), json!({ "lock": 7 })),
            ("Tune".to_owned(), json!({ "power": 512 })),
        ],
        stuck_in: Some("Publish".to_owned()),
        ..ended("a", ExecutionStatus::Aborted)
    }]);
    let question = json!({ "executionArn": arn("a") });
    let events = lambda.ask("GetExecutionHistory", &question).body["events"].take();
    let types = [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskStateExited",
        "TaskStateEntered",
        "TaskStateExited",
        "TaskStateEntered",
        "ExecutionAborted",
    ];
    assert_eq!(each(&events, "type"), types);
    assert_eq!(each(&events, "id"), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(each(&events, "previousEventId"), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(
        events[2],
        json!({
            "id": 3, "previousEventId": 2, "timestamp": 1_750_000_000.0, "type": "TaskStateExited",
            "stateExitedEventDetails": {
                "name": "Read", "output": r#"{"lock":7}"#, "outputDetails": { "truncated": false },
            },
        })
    );
    let entered = &events[3]["stateEnteredEventDetails"];
    assert_eq!(
        (&entered["name"], &entered["input"]),
        (&json!("Tune"), &json!(r#"{"lock":7}"#))
    );
    assert_eq!(events[5]["stateEnteredEventDetails"]["name"], "Publish");
    assert_eq!(events[6]["timestamp"], 1_750_000_060.0);
}

#[test]
fn a_history_ends_as_its_execution_did() {
    let cases = [
        (ExecutionStatus::Succeeded, "ExecutionSucceeded"),
        (ExecutionStatus::Failed, "ExecutionFailed"),
        (ExecutionStatus::TimedOut, "ExecutionTimedOut"),
        (ExecutionStatus::Aborted, "ExecutionAborted"),
    ];
    let newest = json!({ "executionArn": arn("a"), "reverseOrder": true, "maxResults": 1 });
    for (status, event) in cases {
        let lambda = with([ended("a", status)]);
        let page = lambda.ask("GetExecutionHistory", &newest).body;
        assert_eq!(each(&page["events"], "type"), [event]);
    }
    let lambda = with([running("a", 1.0)]);
    let page = lambda.ask("GetExecutionHistory", &newest).body;
    assert_eq!(each(&page["events"], "type"), ["ExecutionStarted"]);
}

#[test]
fn a_history_is_read_in_pages() {
    let states = (0..60).map(|number| (format!("S{number}"), json!({})));
    let lambda = with([Execution {
        states: states.collect(),
        ..running("a", 1.0)
    }]);
    let ask = |size: Option<usize>, token: &Value| {
        let arn = arn("a");
        let question = json!({ "executionArn": arn, "maxResults": size, "nextToken": token });
        lambda.ask("GetExecutionHistory", &question)
    };
    let first = ask(Some(2), &Value::Null).body;
    assert_eq!(each(&first["events"], "id"), [1, 2]);
    let second = ask(Some(2), &first["nextToken"]).body;
    assert_eq!(each(&second["events"], "id"), [3, 4]);
    for usual in [None, Some(0)] {
        let page = ask(usual, &Value::Null).body;
        assert_eq!(each(&page["events"], "id").len(), 100);
        let last = ask(usual, &page["nextToken"]).body;
        assert_eq!(each(&last["events"], "id").len(), 21);
        assert_eq!(last["nextToken"], Value::Null);
    }
    for token in ["next", "9999"] {
        let answer = ask(None, &json!(token));
        assert_eq!(refusal(&answer), refused("InvalidToken"), "{token}");
    }
    let answer = ask(Some(1001), &Value::Null);
    assert_eq!(refusal(&answer), refused("ValidationException"));
}

#[test]
fn executions_are_listed_newest_first_by_machine_and_status() {
    let other = "arn:aws:states:us-east-1:123456789012:execution:other:z".to_owned();
    let lambda = with([
        running("b", 20.0),
        running("c", 30.0),
        running("a", 10.0),
        ended("d", ExecutionStatus::Succeeded),
        ended("e", ExecutionStatus::Succeeded),
        Execution {
            arn: other,
            ..running("z", 40.0)
        },
    ]);
    let list = |more: Value| {
        let mut question = json!({ "stateMachineArn": MACHINE });
        question
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().cloned().unwrap_or_default());
        lambda.ask("ListExecutions", &question).body
    };
    let all = list(json!({}));
    let names = each(&all["executions"], "name");
    assert_eq!(names, ["e", "d", "c", "b", "a"], "of two, the last put");
    let want = json!({
        "executionArn": arn("c"), "stateMachineArn": MACHINE, "name": "c", "status": "RUNNING",
        "startDate": 30.0,
    });
    assert_eq!(all["executions"][2], want);
    let first = list(json!({ "statusFilter": "RUNNING", "maxResults": 2 }));
    assert_eq!(each(&first["executions"], "name"), ["c", "b"]);
    let token = first["nextToken"].clone();
    let rest = list(json!({ "statusFilter": "RUNNING", "maxResults": 2, "nextToken": token }));
    assert_eq!(each(&rest["executions"], "name"), ["a"]);
    assert_eq!(rest["nextToken"], Value::Null);
}

#[test]
fn faults_and_the_list_of_calls_are_for_step_functions_too() {
    let lambda = with([running("a", 1.0)]);
    let cases = [
        (403, 400, "AccessDeniedException"),
        (429, 400, "ThrottlingException"),
        (400, 400, "ValidationException"),
        (404, 400, "ExecutionDoesNotExist"),
        (500, 500, "InternalFailure"),
        (503, 503, "ServiceUnavailable"),
    ];
    for (asked, status, kind) in cases {
        let rule = FaultRule::always("DescribeExecution", Fault::status(asked));
        lambda.sim().fault(rule);
        let answer = describe(&lambda, "a");
        assert_eq!(refusal(&answer), (status, json!(kind)), "{asked}");
        lambda.sim().clear_faults();
    }
    lambda.sim().forget_calls();
    describe(&lambda, "a");
    lambda.ask("StartExecution", &json!({}));
    let want = json!([
        { "number": 7, "action": "DescribeExecution", "function": null, "qualifier": null, "members": [], "status": 200, "dropped": false },
        { "number": 8, "action": "Unknown", "function": null, "qualifier": null, "members": [], "status": 501, "dropped": false },
    ]);
    assert_eq!(lambda.calls_without_times(), want);
}

#[test]
fn an_execution_can_end_between_two_questions() {
    let lambda = with([running("a", 1.0)]);
    let end = json!({ "arn": arn("a"), "status": "SUCCEEDED", "startUnixS": 1, "stopUnixS": 2 });
    let others = vec![
        OtherRequest::new("POST", "/_sim/executions", end),
        OtherRequest::new("POST", "/_sim/executions", json!({ "arn": "a" })),
    ];
    lambda.sim().fault(FaultRule {
        times: Some(1),
        ..FaultRule::always("DescribeExecution", Fault::Then(others))
    });
    assert_eq!(describe(&lambda, "a").body["status"], "RUNNING");
    assert_eq!(describe(&lambda, "a").body["status"], "SUCCEEDED");
    let calls = lambda.sim().calls().into_iter();
    let statuses: Vec<(String, Option<u16>)> =
        calls.map(|call| (call.action, call.status)).collect();
    let ask = ("DescribeExecution".to_owned(), Some(200));
    let unsound = ("Unknown".to_owned(), Some(400));
    assert_eq!(statuses, [ask.clone(), unsound, ask]);
}
