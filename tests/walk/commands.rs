//! Executions that are asked for something else than a tuning.

use power_tuner_lambda_sim::{ExecutionStatus, Fault, FunctionSpec};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World, arn};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

/// A function as an execution left it that died while it published: another size, its lock, and a version.
async fn left_behind() -> World {
    let world = World::with(FunctionSpec::named(FUNCTION)).await;
    world.is("dead", ExecutionStatus::Aborted);
    let marker = format!("power-tuner {}", arn("dead"));
    world
        .own("PUT", "configuration", json!({"MemorySize": 1024}))
        .await;
    world.is_settled().await;
    world
        .own("POST", "versions", json!({"Description": marker}))
        .await;
    world.is_settled().await;
    world.lock("512>1024", 1, "dead").await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_puts_a_function_right() {
    let world = left_behind().await;
    let output = world.ask("asked", json!({"clean": FUNCTION})).await;
    let cleaned = json!({
        "function": ARN,
        "restored": 512,
        "deleted": [{"memory": 1024, "number": "1"}],
        "adopted": [],
    });
    assert_eq!(output, Ok(json!({"clean": cleaned})));
    world.is_settled().await;
    world.is_as_before();
    // Where nothing was left nothing is done.
    let output = world.ask("again", json!({"clean": ARN})).await;
    let nothing = json!({"function": ARN, "deleted": [], "adopted": []});
    assert_eq!(output, Ok(json!({"clean": nothing})));
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_cannot_put_a_function_right_fails_with_the_reason() {
    let world = left_behind().await;
    world.faults("UpdateFunctionConfiguration", 1, Fault::status(403));
    let failure = world
        .ask("asked", json!({"clean": FUNCTION}))
        .await
        .expect_err("a failure");
    assert_eq!(failure.error, "PublishFailed", "{}", failure.cause);
    let part = "it could not be put back to 512 MB: the tuner may not call `lambda:UpdateFunctionConfiguration`";
    assert!(failure.cause.contains(part), "{}", failure.cause);
    world.sim.clear_faults();
    let output = world.ask("again", json!({"clean": FUNCTION})).await;
    assert_eq!(output.expect("cleaned up")["clean"]["restored"], 512);
    world.is_settled().await;
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lives_is_left_alone_and_said() {
    let world = World::new().await;
    world.is("living", ExecutionStatus::Running);
    world.lock("512>1024", 1, "living").await;
    world.remember();
    let output = world.ask("asked", json!({"clean": FUNCTION})).await;
    let output = output.expect("an output");
    let left = output["clean"]["left"][0].as_str().expect("what is left");
    assert!(left.starts_with("the lock: "), "{output:#}");
    assert!(output["clean"]["restored"].is_null(), "{output:#}");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_such_an_input_is_named_before_anything_is_touched() {
    let world = World::new().await;
    let cases: [(Value, &str); 4] = [
        (
            json!({"clean": "my function", "num": 5}),
            "the input has 2 faults: `num`: has no meaning beside `clean`, which only `roleARN` may stand with; leave it \
             out; `clean`: `my function` is not a function's name (letters, digits, `-` and `_`, at most 64)",
        ),
        (
            json!({"clean": FUNCTION, "doctor": {}}),
            "the input has 1 fault: `doctor`: cannot be asked for together with `clean`; start an execution for each",
        ),
        (
            json!({"clean": null}),
            "the input has 1 fault: `clean`: must be a string: the function's name or ARN",
        ),
        (
            json!({"docter": FUNCTION, "cleen": FUNCTION, "lambdaARN": FUNCTION, "num": 5}),
            "the input has 2 faults: `cleen`: is not a field of the input; the nearest is `clean`; `docter`: is not a field \
             of the input; the nearest is `doctor`",
        ),
    ];
    world.sim.forget_calls();
    for (input, want) in cases {
        let failure = world.ask("asked", input).await.expect_err("a failure");
        assert_eq!(
            (failure.error.as_str(), failure.cause.as_str()),
            ("InvalidInput", want)
        );
    }
    let mut calls = world.sim.calls();
    // The event about its end asks what was planned.
    calls.retain(|call| !call.action.contains("Execution"));
    assert_eq!(calls, []);
}
