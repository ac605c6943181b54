//! What must not show anywhere: payloads, where the input says so, and the values of an environment and credentials, ever.

use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::{Mutex, Once};

use power_tuner_lambda_sim::{
    Execution, ExecutionStatus, Fault, FunctionError, FunctionSpec, OtherRequest, Response,
};
use serde_json::{Value, json};
use tracing_subscriber::filter::LevelFilter;

use crate::world::{FUNCTION, World};

/// What the payload, and nothing else, says.
const CARD: &str = "canary-4711";
/// What a variable of the function's environment says.
const TOKEN: &str = "canary-token";
/// What the tuner's own calls are signed with, where AWS is on this machine.
const CREDENTIALS: [&str; 2] = ["local-key", "local-secret"];

static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Kept;

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.lock().expect("nobody panics with it").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything that any function logs in this process, at the level that they have on AWS.
fn keep_what_is_logged() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .with_max_level(LevelFilter::INFO)
            .with_writer(|| Kept)
            .init();
    });
}

#[track_caller]
fn shows_nothing(case: &str, of: impl Debug) {
    let shown = format!("{of:?}");
    let logged = LOGGED.lock().expect("nobody panics with it").clone();
    let logged = String::from_utf8_lossy(&logged);
    assert!(
        logged.contains("\"message\":\"planned\""),
        "nothing is logged"
    );
    for secret in [CARD, TOKEN].into_iter().chain(CREDENTIALS) {
        assert!(!shown.contains(secret), "{case}: {shown}");
        let line = logged.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{case}");
    }
}

fn target() -> FunctionSpec {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.environment
        .insert("TOKEN".to_owned(), TOKEN.to_owned());
    spec.log_lines = vec![format!("{CARD} {TOKEN}")];
    spec
}

/// A function whose error repeats what it got.
fn echoing(name: &str, error_type: &str) -> FunctionSpec {
    let mut spec = FunctionSpec {
        name: name.to_owned(),
        ..target()
    };
    spec.behaviour.fails_with = Some(FunctionError {
        error_type: error_type.to_owned(),
        error_message: format!("cannot read {CARD} with {TOKEN}"),
        every_nth: 1,
    });
    spec
}

fn returning(name: &str, response: Response) -> FunctionSpec {
    let mut spec = FunctionSpec::named(name);
    spec.behaviour.response = response;
    spec
}

fn quiet(more: &Value) -> Value {
    let mut input = json!({
        "payload": {"card": CARD}, "disablePayloadLogs": true, "powerValues": [512, 1024],
    });
    for (field, value) in more.as_object().expect("fields") {
        input[field] = value.clone();
    }
    input
}

/// What the first step gave out, if it came to that.
fn planned(world: &World) -> Execution {
    world.execution("one", ExecutionStatus::Running)
}

async fn ends(case: &str, world: &World, input: Value) {
    let ended = world.tune("one", input).await;
    shows_nothing(case, &ended);
    // What travels through the state machine: the input is the user's, the plan ours.
    shows_nothing(case, planned(world));
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_payload_shows_however_a_tuning_ends() {
    keep_what_is_logged();
    let weighted =
        json!([{"payload": {"card": CARD}, "weight": 1}, {"payload": CARD, "weight": 2}]);
    let faulty = json!([{"payload": {"card": CARD}, "weight": CARD}]);
    let text = |text: String| Response::Text { text };
    let other = |response| vec![returning("other", response)];
    let cases: Vec<(&str, FunctionSpec, Vec<FunctionSpec>, Value)> = vec![
        (
            "an outcome",
            target(),
            vec![],
            json!({"includeOutputResults": true}),
        ),
        ("weights", target(), vec![], json!({"payload": weighted})),
        ("a dry run", target(), vec![], json!({"dryRun": true})),
        ("a bad weight", target(), vec![], json!({"payload": faulty})),
        (
            "more faults",
            target(),
            vec![],
            json!({"payload": faulty, "num": 2, "nmu": 7}),
        ),
        (
            "too large",
            target(),
            vec![],
            json!({"payload": CARD.repeat(30_000)}),
        ),
        (
            "its error",
            echoing(FUNCTION, "KeyError"),
            vec![],
            json!({}),
        ),
        (
            "its error's type",
            echoing(FUNCTION, &format!("no {CARD}")),
            vec![],
            json!({}),
        ),
        (
            "its error, and a failure is one",
            echoing(FUNCTION, "KeyError"),
            vec![],
            json!({"onFailure": "fail"}),
        ),
        (
            "an allowed error",
            echoing(FUNCTION, "KeyError"),
            vec![],
            json!({"allowedExceptions": ["KeyError"]}),
        ),
        (
            "the pre-processor's",
            target(),
            vec![echoing("other", "KeyError")],
            json!({"preProcessorARN": "other"}),
        ),
        (
            "the post-processor's",
            target(),
            vec![echoing("other", "KeyError")],
            json!({"postProcessorARN": "other"}),
        ),
        (
            "what is prepared",
            target(),
            other(Response::Json {
                value: json!([CARD]),
            }),
            json!({"preProcessorARN": "other"}),
        ),
        (
            "what is prepared is no JSON",
            target(),
            other(text(format!("{CARD} {{"))),
            json!({"preProcessorARN": "other"}),
        ),
        (
            "what is returned is no JSON",
            returning(FUNCTION, text(CARD.to_owned())),
            other(Response::Echo),
            json!({"postProcessorARN": "other"}),
        ),
    ];
    for (case, target, others, input) in cases {
        let world = World::with(target).await;
        for other in others {
            world.sim.create(other).expect("a sound function");
        }
        ends(case, &world, quiet(&input)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_payload_in_s3_shows_however_a_tuning_ends() {
    keep_what_is_logged();
    let bad_weight = json!([{"payload": 1, "weight": CARD}]).to_string();
    let good = json!({"card": CARD}).to_string();
    for (case, target, document) in [
        ("an outcome", target(), good.as_str()),
        ("its error", echoing(FUNCTION, "KeyError"), good.as_str()),
        ("no JSON", target(), CARD),
        ("half of it", target(), &good[..good.len() - 1]),
        ("a bad weight", target(), bad_weight.as_str()),
    ] {
        let world = World::with(target).await;
        world.sim.put_object("payloads", "a.json", document);
        let input = quiet(&json!({"payload": null, "payloadS3": "s3://payloads/a.json"}));
        ends(case, &world, input).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_payload_shows_where_lambda_fails() {
    keep_what_is_logged();
    for fault in [
        Fault::status(400),
        Fault::status(403),
        Fault::status(413),
        Fault::status(500),
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::NoReport,
    ] {
        let world = World::with(target()).await;
        let case = format!("{fault:?}");
        world.faults("Invoke", 1, fault);
        ends(&case, &world, quiet(&json!({}))).await;
    }
}

/// Whatever the input says.
#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_an_environment_shows_where_that_was_deployed_in_the_middle() {
    keep_what_is_logged();
    let world = World::with(target()).await;
    let variables =
        json!({"Environment": {"Variables": {"TOKEN": format!("{TOKEN}-new"), "ANOTHER": TOKEN}}});
    let path = format!("/2015-03-31/functions/{FUNCTION}/configuration");
    let deployment = OtherRequest::new("PUT", &path, variables);
    world.fault("PublishVersion", 1, Fault::First(vec![deployment]));
    let failure = world
        .fail_to_tune("one", json!({"powerValues": [512, 1024]}))
        .await;
    assert_eq!(failure.error, "FunctionChanged", "{}", failure.cause);
    shows_nothing("a deployment", &failure);
    shows_nothing("a deployment", planned(&world));
}
