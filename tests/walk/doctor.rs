//! What an execution says that is asked what is wrong, and that it changes nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use e2e::Given;
use power_tuner_aws::{Answered, Wire};
use power_tuner_lambda_sim::{
    ExecutionStatus, Fault, FaultError, FunctionSpec, FunctionState, Options, Sim,
};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World, arn};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

/// Each action that a tuning needs of Lambda, by the check that asks for it, with the steps that need it.
const NEEDED: [(&str, &str, &[&str]); 11] = [
    (
        "GetFunctionConfiguration",
        "getFunctionConfiguration",
        &["initializer", "publisher", "optimizer", "cleaner"],
    ),
    (
        "GetFunctionConcurrency",
        "getFunctionConcurrency",
        &["initializer"],
    ),
    (
        "GetAlias",
        "getAlias",
        &["initializer", "publisher", "optimizer", "cleaner"],
    ),
    (
        "UpdateFunctionConfiguration",
        "updateFunctionConfiguration",
        &["publisher", "optimizer", "cleaner"],
    ),
    (
        "PublishVersion",
        "publishVersion",
        &["publisher", "optimizer"],
    ),
    (
        "ListVersionsByFunction",
        "listVersionsByFunction",
        &["publisher", "optimizer", "cleaner"],
    ),
    ("CreateAlias", "createAlias", &["publisher", "optimizer"]),
    (
        "UpdateAlias",
        "updateAlias",
        &["publisher", "optimizer", "cleaner"],
    ),
    (
        "DeleteAlias",
        "deleteAlias",
        &["publisher", "optimizer", "cleaner"],
    ),
    (
        "DeleteFunction",
        "deleteFunction",
        &["optimizer", "cleaner"],
    ),
    ("Invoke", "invokeFunction", &["executor"]),
];

struct Diagnosis(Value);

impl Diagnosis {
    fn findings(&self) -> &[Value] {
        self.0["findings"].as_array().expect("findings")
    }

    /// The steps in which a check ended so.
    fn steps(&self, check: &str, status: &str) -> BTreeSet<&str> {
        let findings = self.findings().iter();
        findings
            .filter(|finding| finding["check"] == check && finding["status"] == status)
            .filter_map(|finding| finding["step"].as_str())
            .collect()
    }

    /// The checks that did not end well, in the order in which they are given.
    fn complaints(&self) -> Vec<String> {
        let findings = self.findings().iter();
        let bad = findings.filter(|finding| finding["status"] != "ok");
        bad.map(|finding| {
            let text = |field: &str| finding[field].as_str().expect("a text").to_owned();
            format!("{} {}: {}", text("status"), text("step"), text("check"))
        })
        .collect()
    }

    #[track_caller]
    fn message(&self, check: &str) -> &str {
        let mut findings = self.findings().iter();
        let found = findings.find(|finding| finding["check"] == check);
        let found = found.unwrap_or_else(|| panic!("nobody looked at {check}: {:#}", self.0));
        found["message"].as_str().expect("a message")
    }
}

/// Asks, and compares the function with what it was, to its last revision.
async fn ask(world: &World, input: Value) -> Diagnosis {
    let before = world.now();
    let mut output = world.ask("asked", input).await.expect("an output");
    let after = world.now();
    assert_eq!(after.latest.configuration, before.latest.configuration);
    assert_eq!(after.latest.volatile, before.latest.volatile);
    assert_eq!(after.versions, before.versions);
    assert_eq!(after.aliases, before.aliases);
    assert_eq!(after.invocations, before.invocations);
    Diagnosis(output["doctor"].take())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_function_is_healthy_and_nothing_is_changed() {
    let world = World::new().await;
    for input in [
        json!({"doctor": FUNCTION}),
        json!({"doctor": ARN, "roleARN": null}),
    ] {
        let seen = ask(&world, input).await;
        assert_eq!(seen.0["healthy"], true, "{:#}", seen.0);
        assert_eq!(seen.0["function"], ARN);
        assert_eq!(seen.complaints(), [""; 0]);
        for (_, check, steps) in NEEDED {
            let wanted: BTreeSet<&str> = steps.iter().copied().collect();
            assert_eq!(seen.steps(check, "ok"), wanted, "{check}");
        }
        let states = ["publisher", "optimizer", "cleaner"].into();
        assert_eq!(seen.steps("describeExecution", "ok"), states);
        assert_eq!(seen.steps("getExecutionHistory", "ok"), states);
        assert_eq!(seen.steps("listExecutions", "ok"), ["cleaner"].into());
        assert_eq!(seen.steps("answers", "ok").len(), 6);
        for check in [
            "target",
            "lock",
            "versions",
            "accountConcurrency",
            "codeStorage",
            "price",
        ] {
            seen.message(check);
        }
    }
    world.is_as_before();
    // Each write was one that AWS refuses, or one of what is not there.
    for call in world.sim.calls() {
        let is_write = ["Update", "Publish", "Create"]
            .iter()
            .any(|verb| call.action.starts_with(verb));
        assert!(!is_write || call.status >= Some(400), "{call:?}");
        assert!(!call.members.contains(&"MemorySize".to_owned()), "{call:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stack_alone_is_asked_nothing_about_a_function() {
    let world = World::new().await;
    world.sim.forget_calls();
    let seen = ask(&world, json!({"doctor": {}})).await;
    assert_eq!(seen.0["healthy"], true, "{:#}", seen.0);
    assert!(seen.0.get("function").is_none());
    assert_eq!(seen.complaints(), [""; 0]);
    assert!(seen.message("price").contains("us-east-1"));
    assert!(world.sim.calls().iter().all(|call| call.function.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_permission_that_is_missing_is_named_with_who_lacks_it() {
    for (action, check, steps) in NEEDED {
        let world = World::new().await;
        world.faults(action, 1, Fault::status(403));
        let seen = ask(&world, json!({"doctor": FUNCTION})).await;
        assert_eq!(seen.0["healthy"], false, "{action}: {:#}", seen.0);
        let wanted: BTreeSet<&str> = steps.iter().copied().collect();
        assert_eq!(seen.steps(check, "problem"), wanted, "{action}");
        let problems = seen.complaints();
        assert!(
            problems
                .iter()
                .all(|problem| problem.ends_with(&format!(": {check}"))),
            "{action}: {problems:?}"
        );
        let name = if action == "Invoke" {
            "InvokeFunction"
        } else {
            action
        };
        let message = seen.message(check);
        let who = format!(
            "the {}'s role may not call `lambda:{name}` on `{ARN}",
            steps[0]
        );
        assert!(message.starts_with(&who), "{message}");
        for part in [
            "LambdaResource",
            "PermissionsBoundary",
            "service control policy",
        ] {
            assert!(message.contains(part), "`{part}` is not in `{message}`");
        }
        world.is_as_before();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_about_executions_are_looked_at_too() {
    for (action, steps) in [
        (
            "DescribeExecution",
            &["publisher", "optimizer", "cleaner"][..],
        ),
        (
            "GetExecutionHistory",
            &["publisher", "optimizer", "cleaner"],
        ),
        ("ListExecutions", &["cleaner"]),
    ] {
        let world = World::new().await;
        world.faults(action, 1, Fault::status(403));
        let seen = ask(&world, json!({"doctor": {}})).await;
        let check = format!("{}{}", action[..1].to_lowercase(), &action[1..]);
        let wanted: BTreeSet<&str> = steps.iter().copied().collect();
        assert_eq!(seen.steps(&check, "problem"), wanted, "{action}");
        let who = format!("the {}'s role may not call `states:{action}`", steps[0]);
        assert!(seen.message(&check).starts_with(&who), "{:#}", seen.0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_found_out_is_neither_well_nor_a_problem() {
    let world = World::on_own_time(FunctionSpec::named(FUNCTION), Options::default()).await;
    world.faults("PublishVersion", 1, Fault::status(500));
    world.faults("GetAccountSettings", 1, Fault::status(403));
    let seen = ask(&world, json!({"doctor": FUNCTION})).await;
    assert_eq!(
        seen.complaints(),
        [
            "unknown initializer: accountConcurrency",
            "unknown publisher: publishVersion",
            "unknown optimizer: publishVersion",
        ]
    );
    assert_eq!(seen.0["healthy"], true);
    let quotas = seen.message("accountConcurrency");
    assert!(quotas.contains("lambda:GetAccountSettings"), "{quotas}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_not_there_is_said_once() {
    let world = World::new().await;
    let seen = ask(&world, json!({"doctor": "nobody"})).await;
    assert_eq!(seen.complaints(), ["problem initializer: function"]);
    assert!(seen.message("function").contains("nobody` was not found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_a_tuning_would_refuse_is_refused_in_the_same_words() {
    let world = World::with(FunctionSpec {
        tenant_isolation: true,
        ..FunctionSpec::named(FUNCTION)
    })
    .await;
    world
        .sim
        .set_state(
            FUNCTION,
            "$LATEST",
            FunctionState::Failed,
            Some("its role is gone"),
        )
        .expect("a state");
    let seen = ask(&world, json!({"doctor": FUNCTION})).await;
    let refusal = world.fail_to_tune("tuned", json!({})).await;
    assert_eq!(refusal.error, "UnsupportedFunction");
    assert_eq!(seen.message("target"), refusal.cause);
    assert_eq!(seen.steps("target", "problem"), ["initializer"].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_and_versions_that_were_left_are_found() {
    let world = World::new().await;
    world.is("dead", ExecutionStatus::Failed);
    let marker = format!("power-tuner {}", arn("dead"));
    world
        .own("POST", "versions", json!({"Description": marker}))
        .await;
    world.lock("512>128", 1, "dead").await;
    world.is_settled().await;
    let seen = ask(&world, json!({"doctor": FUNCTION})).await;
    assert_eq!(
        seen.complaints(),
        ["problem cleaner: lock", "warning cleaner: versions"]
    );
    let remedy = format!("start an execution with {{\"clean\": \"{ARN}\"}}");
    for check in ["lock", "versions"] {
        assert!(seen.message(check).contains(&remedy), "{:#}", seen.0);
    }
    world
        .ask("cleaned", json!({"clean": ARN}))
        .await
        .expect("cleaned up");
    let seen = ask(&world, json!({"doctor": FUNCTION})).await;
    assert_eq!(seen.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_judged_by_their_executions() {
    for (fault, status, part) in [
        (None, "ok", "which still runs"),
        (Some(403), "warning", "which is not for this stack to see"),
    ] {
        let world = World::new().await;
        world.is("living", ExecutionStatus::Running);
        let marker = format!("power-tuner {}", arn("living"));
        world
            .own("POST", "versions", json!({"Description": marker}))
            .await;
        world.is_settled().await;
        if let Some(fault) = fault {
            // The first three are of the steps about themselves.
            world.faults("DescribeExecution", 4, Fault::status(fault));
        }
        let seen = ask(&world, json!({"doctor": FUNCTION})).await;
        assert_eq!(
            seen.steps("versions", status),
            ["cleaner"].into(),
            "{:#}",
            seen.0
        );
        assert!(seen.message("versions").contains(part), "{:#}", seen.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_judged_by_its_holder() {
    let foreign =
        json!({"Name": "power-tuner-lock", "FunctionVersion": "$LATEST", "Description": "mine"});
    for (status, until_s, want) in [
        (Some(ExecutionStatus::Running), 1, "ok"),
        (None, 4_000_000_000, "ok"),
        (None, 1, "problem"),
    ] {
        let world = World::new().await;
        if let Some(status) = status {
            world.is("holder", status);
        }
        world.lock("512>128", until_s, "holder").await;
        let seen = ask(&world, json!({"doctor": FUNCTION})).await;
        assert_eq!(seen.steps("lock", want), ["cleaner"].into(), "{:#}", seen.0);
    }
    let world = World::new().await;
    world.own("POST", "aliases", foreign).await;
    let seen = ask(&world, json!({"doctor": FUNCTION})).await;
    let who = ["initializer", "cleaner"].into();
    assert_eq!(seen.steps("lock", "problem"), who, "{:#}", seen.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn little_concurrency_is_a_warning() {
    let options = Options {
        time_scale: 0.02,
        account_concurrency: 10,
        ..Options::default()
    };
    let world = World::on_own_time(FunctionSpec::named(FUNCTION), options).await;
    let seen = ask(&world, json!({"doctor": FUNCTION})).await;
    assert_eq!(
        seen.complaints(),
        ["warning initializer: accountConcurrency"]
    );
    let world = World::new().await;
    world.reserve(2).await;
    let seen = ask(&world, json!({"doctor": FUNCTION})).await;
    assert_eq!(
        seen.complaints(),
        ["warning initializer: reservedConcurrency"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_of_the_tuner_that_breaks_is_a_finding() {
    for (name, step) in [
        ("Initializer", "initializer"),
        ("Publisher", "publisher"),
        ("Executor", "executor"),
        ("Optimizer", "optimizer"),
        ("Cleaner", "cleaner"),
    ] {
        let world = World::new().await;
        world.breaks(name);
        let seen = ask(&world, json!({"doctor": FUNCTION})).await;
        assert_eq!(seen.complaints(), [format!("problem {step}: answers")]);
        assert_eq!(seen.0["healthy"], false);
        let message = seen.message("answers");
        assert!(
            message.contains("Lambda.ResourceNotFoundException"),
            "{message}"
        );
    }
    let world = with_reports().await;
    world.breaks("Reporter");
    let seen = ask(&world, json!({"doctor": {}})).await;
    assert_eq!(seen.complaints(), ["problem reporter: answers"]);
    let world = World::new().await;
    world.breaks("Analyzer");
    let seen = ask(&world, json!({"doctor": FUNCTION})).await;
    assert_eq!(seen.complaints(), ["problem analyzer: answers"]);
    assert_eq!(seen.0["healthy"], false);
    assert!(seen.0["found"]["cleaner"]["findings"].is_array());
}

const BUCKET: &str = "reports";
const LATEST: &str = "tunings/f/latest-cost.json";

/// In a stack that stores reports.
async fn with_reports() -> World {
    let spec = FunctionSpec::named(FUNCTION);
    let world = World::on_own_time(spec, Options::default()).await;
    let world = world.given(Given {
        report_bucket: BUCKET,
        report_prefix: "tunings/",
        ..Given::default()
    });
    world.home.put_object(BUCKET, "somebody's", "own");
    world
}

/// S3's 403 in these words.
fn denied_by_s3(words: &str) -> Fault {
    Fault::Error(FaultError {
        status: 403,
        error_type: Some("AccessDenied".to_owned()),
        message: Some(words.to_owned()),
    })
}

#[tokio::test(start_paused = true)]
async fn a_stack_with_reports_may_store_and_read_them_and_stores_none() {
    let world = with_reports().await;
    for input in [json!({"doctor": FUNCTION}), json!({"doctor": {}})] {
        for stored in [false, true] {
            if stored {
                world.home.put_object(BUCKET, LATEST, "{}");
            } else {
                world.home.delete_object(BUCKET, LATEST);
            }
            let before = world.home.keys(BUCKET);
            let seen = ask(&world, input.clone()).await;
            assert_eq!(seen.complaints(), [""; 0], "{:#}", seen.0);
            assert_eq!(seen.steps("answers", "ok").len(), 7);
            for check in ["putObject", "getObject"] {
                assert_eq!(seen.steps(check, "ok"), ["reporter"].into(), "{check}");
            }
            assert_eq!(world.home.keys(BUCKET), before);
        }
    }
    let writes: Vec<_> = world
        .sim
        .calls()
        .into_iter()
        .filter(|call| call.action == "PutObject")
        .map(|call| (call.function.expect("an object"), call.status))
        .collect();
    let of_the_function = ("reports/tunings/f/doctor".to_owned(), Some(400));
    let of_the_stack = ("reports/tunings/doctor".to_owned(), Some(400));
    assert_eq!(
        writes,
        [
            of_the_function.clone(),
            of_the_function,
            of_the_stack.clone(),
            of_the_stack
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_reporter_may_not_is_told_from_what_is_not_there() {
    let who = "User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized to perform:";
    let named = |action: &str| denied_by_s3(&format!("{who} {action} on resource: \"arn:…\""));
    let bare = || denied_by_s3("Access Denied");
    let put = "may not (`s3:PutObject`); look whether the bucket's policy";
    let get = "may not (`s3:GetObject`); look whether the bucket's policy";
    for (action, fault, complaint, part) in [
        ("PutObject", bare(), "problem reporter: putObject", put),
        (
            "PutObject",
            named("s3:PutObject"),
            "problem reporter: putObject",
            put,
        ),
        (
            "PutObject",
            named("kms:GenerateDataKey"),
            "problem reporter: putObject",
            put,
        ),
        (
            "PutObject",
            Fault::status(500),
            "unknown reporter: putObject",
            "ask again",
        ),
        (
            "PutObject",
            Fault::status(400),
            "unknown reporter: putObject",
            "whether the reporter may call `s3:PutObject` is not known",
        ),
        (
            "GetObject",
            named("s3:GetObject"),
            "problem reporter: getObject",
            get,
        ),
        (
            "GetObject",
            named("kms:Decrypt"),
            "problem reporter: getObject",
            get,
        ),
        (
            "GetObject",
            named("s3:ListBucket"),
            "",
            "may call `s3:GetObject`",
        ),
        (
            "GetObject",
            bare(),
            "unknown reporter: getObject",
            "none is stored yet",
        ),
        (
            "GetObject",
            Fault::status(500),
            "unknown reporter: getObject",
            "ask again",
        ),
        (
            "PutObject",
            Fault::status(301),
            "problem reporter: reportBucket",
            "the bucket is in another region",
        ),
        (
            "PutObject",
            Fault::HeldBefore,
            "unknown reporter: answersOfS3",
            "S3 took too long to answer",
        ),
    ] {
        let world = with_reports().await;
        world.faults(action, 1, fault.clone());
        let seen = ask(&world, json!({"doctor": FUNCTION})).await;
        let complaints = seen.complaints().join(" ");
        assert_eq!(complaints, complaint, "{fault:?}");
        assert_eq!(seen.0["healthy"], !complaint.starts_with("problem"));
        let check = complaint
            .rsplit(' ')
            .next()
            .filter(|check| !check.is_empty());
        let message = seen.message(check.unwrap_or("getObject"));
        assert!(message.contains(part), "{fault:?}: {message}");
        assert_eq!(world.home.keys(BUCKET), ["somebody's"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_for_reports_that_is_not_there_is_a_problem() {
    let world = with_reports().await.given(Given {
        report_bucket: "nowhere",
        ..Given::default()
    });
    let seen = ask(&world, json!({"doctor": {}})).await;
    assert_eq!(seen.steps("reportBucket", "problem"), ["reporter"].into());
    let message = seen.message("reportBucket");
    assert!(
        message.contains("check the stack's parameter ReportBucket"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_input_are_named_before_anything_is_asked() {
    let world = World::new().await;
    world.sim.forget_calls();
    let input = json!({"doctor": {"f": 1}, "num": 5});
    let failure = world.ask("asked", input).await.expect_err("a failure");
    assert_eq!(failure.error, "InvalidInput");
    assert_eq!(
        failure.cause,
        "the input has 2 faults: `num`: has no meaning beside `doctor`, which only `roleARN` may stand with; leave it out; \
         `doctor`: must be a string: the function's name or ARN; or {}, which asks about the stack alone"
    );
    assert!(world.calls("GetFunctionConfiguration").is_empty());
}

/// An AWS that takes whatever it is asked: no revision, no hash of code and no version is looked at.
struct Careless(Arc<Sim>);

impl fmt::Debug for Careless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Careless")
    }
}

impl Wire for Careless {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answered {
        let sim = Arc::clone(&self.0);
        let request = request.map(|body| {
            let Ok(Value::Object(mut members)) = serde_json::from_slice(&body) else {
                return body;
            };
            members.remove("RevisionId");
            members.remove("CodeSha256");
            if members.contains_key("FunctionVersion") {
                members.insert("FunctionVersion".to_owned(), json!("$LATEST"));
            }
            Value::Object(members).to_string().into_bytes()
        });
        Box::pin(async move { sim.answer(request).await })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_where_aws_takes_what_it_should_refuse() {
    let options = Options {
        time_scale: 0.02,
        ..Options::default()
    };
    let sim = Arc::new(Sim::start(options).await.expect("the simulator starts"));
    sim.create(FunctionSpec::named(FUNCTION))
        .expect("a function");
    let careless = Arc::new(Careless(Arc::clone(&sim)));
    let world = World::apart(Arc::clone(&sim), sim, careless);
    let output = world.ask("asked", json!({"doctor": FUNCTION})).await;
    let seen = Diagnosis(output.expect("an output")["doctor"].take());
    assert_eq!(seen.complaints(), [""; 0]);
    // They were taken, and are undone.
    for action in [
        "PublishVersion",
        "CreateAlias",
        "UpdateFunctionConfiguration",
    ] {
        let mut taken = world.calls(action);
        taken.retain(|call| call.status < Some(300));
        assert!(!taken.is_empty(), "{action}");
    }
    world.is_settled().await;
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_that_has_another_name_is_one_too() {
    let world = World::new().await;
    let denied = Fault::Error(FaultError {
        status: 403,
        error_type: Some("AccessDenied".to_owned()),
        message: Some("by a service control policy".to_owned()),
    });
    world.faults("UpdateAlias", 1, denied);
    let seen = ask(&world, json!({"doctor": FUNCTION})).await;
    assert_eq!(seen.steps("updateAlias", "problem").len(), 3);
    assert!(
        seen.message("updateAlias")
            .contains("by a service control policy")
    );
}
