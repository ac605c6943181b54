//! The target is somebody's production function: whatever happens, it is as before afterwards.

use e2e::Failure;
use futures::stream::{self, StreamExt as _};
use power_tuner_lambda_sim::{
    ExecutionStatus, Fault, FaultRule, FunctionSpec, FunctionState, OtherRequest, SnapStartSpec,
};
use serde_json::{Value, json};

use crate::world::{FUNCTION, LOCK, Worker, World, arn};

/// Updates that take long enough to be caught in the middle.
fn slow() -> FunctionSpec {
    FunctionSpec {
        update_ms: Some(5_000.0),
        ..FunctionSpec::named(FUNCTION)
    }
}

/// Calls that take long enough to be caught in the middle.
fn busy() -> FunctionSpec {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.timeout_s = 60;
    spec.behaviour.duration = power_tuner_lambda_sim::Curve::Formula {
        base_ms: 10_000.0,
        ms_times_mb: 0.0,
        flat_above_mb: 1769.0,
    };
    spec
}

/// An execution of that name is dead, and left the function at another size, with a lock.
async fn left_by_a_dead_one(world: &World, memory: u32) {
    world
        .own("PUT", "configuration", json!({"MemorySize": memory}))
        .await;
    world.lock(&format!("512>{memory}"), 1, "dead").await;
}

fn has_a_lock(world: &World) -> bool {
    world.now().aliases.iter().any(|alias| alias.name == LOCK)
}

/// A request of somebody else's about the function.
fn somebody(method: &str, path: &str, body: Value) -> Vec<OtherRequest> {
    let path = format!("/2015-03-31/functions/{FUNCTION}/{path}");
    vec![OtherRequest::new(method, &path, body)]
}

fn deployed(settings: &Value) -> Vec<OtherRequest> {
    somebody("PUT", "configuration", settings.clone())
}

#[track_caller]
fn is(failure: &Failure, error: &str, parts: &[&str]) {
    assert_eq!(failure.error, error, "{}", failure.cause);
    for part in parts {
        assert!(
            failure.cause.contains(part),
            "`{part}` is not in `{}`",
            failure.cause
        );
    }
}

// A tuning that nobody disturbs.

/// The first round of a tuning, in which nothing was measured yet.
fn round(sizes: &[u32]) -> Value {
    let nothing = json!({"done": false, "batches": 0, "tally": {}});
    let branch = |memory| json!({"memory": memory, "wanted": 5, "progress": nothing});
    let sizes: Vec<Value> = sizes.iter().map(branch).collect();
    json!({"number": 1, "sizes": sizes})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tuning_leaves_the_function_as_it_was_to_the_byte() {
    let world = World::new().await;
    let outcome = world.tune("one", json!({})).await.expect("an outcome");
    assert_eq!(outcome["sizes"].as_array().map(Vec::len), Some(3));
    world.is_as_before();
    assert_eq!(
        world.calls("CreateAlias").len(),
        1,
        "one lock for all sizes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_send_the_memory_and_nothing_else() {
    let world = World::new().await;
    world.tune("one", json!({})).await.expect("an outcome");
    // The original size needs none; then to 128, to 1,024, and back.
    let updates = world.calls("UpdateFunctionConfiguration");
    assert_eq!(updates.len(), 3);
    for update in updates {
        assert_eq!(update.members, ["MemorySize", "RevisionId"]);
    }
}

// Stopped in the middle.

async fn stopped_while_publishing(worker: Worker) -> World {
    let world = World::with(slow()).await;
    let changed = |world: &World| world.memory() == 128;
    world.stop_when("one", json!({}), worker, changed).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_publisher_that_died_left_is_put_back_from_its_lock() {
    let world = stopped_while_publishing(Worker::Dies).await;
    assert!(has_a_lock(&world));
    world.let_the_lock_expire().await;
    world.event("one").await.expect("cleaned up");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_lives_on_is_waited_for() {
    let world = stopped_while_publishing(Worker::LivesOn).await;
    let updates = world.calls("UpdateFunctionConfiguration").len();
    world.event("one").await.expect("cleaned up");
    let all = world.calls("UpdateFunctionConfiguration").len();
    assert!(all > updates, "it went on");
    // Its own two, before each change: nobody took it over.
    assert_eq!(world.calls("UpdateAlias").len(), 2);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_holder_writes_before_the_deadline() {
    let world = stopped_while_publishing(Worker::Dies).await;
    // As if the cleaner had just the time to look.
    let other = world
        .tune("two", json!({}))
        .await
        .expect_err("it is locked");
    is(
        &other,
        "TuningInProgress",
        &[
            "`arn:aws:states:",
            ":one`",
            "power-tuner-lock",
            "--memory-size 512",
        ],
    );
    let left = world.clean_by_hand().await;
    assert!(
        left["left"][0]
            .as_str()
            .is_some_and(|left| left.contains("the lock")),
        "{left:#}"
    );
    assert_eq!(world.memory(), 128);
    world.let_the_lock_expire().await;
    world.event("one").await.expect("cleaned up");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_gets_the_lock_after_its_execution_was_stopped_does_nothing() {
    let world = World::new().await;
    // The lock is somebody else's when the execution is stopped, and free a moment later.
    world.lock("512", 9_999_999_999, "other").await;
    let waits = |world: &World| world.calls("CreateAlias").len() > 1;
    world
        .stop_when("one", json!({}), Worker::LivesOn, waits)
        .await;
    world.event("one").await.expect("cleaned up");
    world
        .own("DELETE", &format!("aliases/{LOCK}"), Value::Null)
        .await;
    while world.calls("DeleteAlias").len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(world.calls("UpdateFunctionConfiguration").len(), 0);
    assert_eq!(world.calls("PublishVersion").len(), 0);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_stopped_while_measuring_leaves_no_trace() {
    for worker in [Worker::Dies, Worker::LivesOn] {
        let world = World::with(busy()).await;
        let measures = |world: &World| world.calls("Invoke").len() > 2;
        world.stop_when("one", json!({}), worker, measures).await;
        assert_eq!(
            world.now().versions.len(),
            3,
            "there is something to clean up"
        );
        world.event("one").await.expect("cleaned up");
        world.is_as_before();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_timed_out_is_cleaned_up_like_one_that_was_stopped() {
    let world = World::with(busy()).await;
    let measures = |world: &World| world.calls("Invoke").len() > 2;
    world
        .stop_when("one", json!({}), Worker::Dies, measures)
        .await;
    world.is("one", ExecutionStatus::TimedOut);
    let cleaned = world.event("one").await.expect("cleaned up");
    assert_eq!(
        cleaned["deleted"].as_array().map(Vec::len),
        Some(3),
        "{cleaned:#}"
    );
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_was_redriven_is_not_cleaned_up_and_fails_clearly_once_it_was() {
    let world = World::with(busy()).await;
    let measures = |world: &World| world.calls("Invoke").len() > 2;
    world
        .stop_when("one", json!({}), Worker::Dies, measures)
        .await;
    world.is_redriven("one");
    world.event("one").await.expect("nothing to do");
    assert_eq!(world.now().versions.len(), 3, "it runs again");
    // Cleaned up, and redriven after that: the state still names the versions.
    world.is("one", ExecutionStatus::Aborted);
    let deleted = world.event("one").await.expect("cleaned up")["deleted"].clone();
    world.is("one", ExecutionStatus::Running);
    let plan = world.plan("one");
    let state = json!({
        "execution": arn("one"),
        "plan": plan,
        "round": round(&[128, 512, 1024, 2048]),
        "published": {"done": false, "batches": 1, "versions": deleted},
    });
    let failure = world.run("Publisher", state).await.expect_err("a failure");
    is(
        &failure,
        "FunctionChanged",
        &["is gone; a tuning that was stopped and cleaned up cannot go on"],
    );
    let state = json!({
        "execution": arn("one"),
        "input": {"lambdaARN": FUNCTION, "num": 5},
        "plan": plan,
        "memory": deleted[0]["memory"],
        "published": {"done": true, "batches": 1, "versions": deleted},
        "wanted": 5,
        "progress": {"done": false, "batches": 1, "tally": {}},
    });
    let progress = world.run("Executor", state).await.expect("a failed size");
    let cause = progress["failure"]["cause"].as_str().expect("a cause");
    assert!(cause.contains("start a new execution"), "{cause}");
    world.is_as_before();
}

// Several at once.

#[tokio::test(flavor = "multi_thread")]
async fn two_tunings_at_once_both_get_the_answer_for_the_original_size() {
    let world = World::that_waits(slow(), 60).await;
    let (one, two) = tokio::join!(world.tune("one", json!({})), world.tune("two", json!({})));
    for outcome in [one.expect("an outcome"), two.expect("an outcome")] {
        assert_eq!(outcome["sizes"].as_array().map(Vec::len), Some(3));
    }
    for name in ["one", "two"] {
        assert_eq!(world.plan(name)["target"]["memory"], 512);
    }
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_tunings_at_once_all_get_an_answer() {
    let world = World::that_waits(FunctionSpec::named(FUNCTION), 60).await;
    let names = ["1", "2", "3", "4", "5", "6", "7", "8"];
    let all = names.map(|name| world.tune(name, json!({})));
    for outcome in futures::future::join_all(all).await {
        outcome.expect("an outcome");
    }
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tuning_that_starts_while_another_publishes_knows_the_original_size() {
    let world = World::that_waits(slow(), 60).await;
    let first = world.tune("one", json!({}));
    let second = async {
        while world.memory() != 128 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        world.tune("two", json!({"strategy": "speed"})).await
    };
    let (one, two) = tokio::join!(first, second);
    one.expect("an outcome");
    two.expect("an outcome");
    assert_eq!(world.plan("two")["target"]["memory"], 512);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_held_for_longer_than_the_wait_is_an_error_that_names_its_holder() {
    let world = World::new().await;
    world.lock("512", 9_999_999_999, "other").await;
    world.remember();
    let failure = world.fail_to_tune("one", json!({})).await;
    is(
        &failure,
        "TuningInProgress",
        &[&arn("other"), " s of waiting", "aws lambda delete-alias"],
    );
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_goes_when_the_patience_does_is_taken_all_the_same() {
    let world = World::that_waits(FunctionSpec::named(FUNCTION), 0).await;
    world.lock("512", 9_999_999_999, "other").await;
    let released = OtherRequest {
        method: "DELETE".to_owned(),
        path: format!("/2015-03-31/functions/{FUNCTION}/aliases/{LOCK}"),
        body: None,
    };
    // The initializer looks first; then the publisher is refused, and looks whether the lock is its own, and whose.
    world.fault("GetAlias", 3, Fault::First(vec![released]));
    world.tune("one", json!({})).await.expect("an outcome");
    assert_eq!(
        world.calls("CreateAlias").len(),
        3,
        "the other's, one in vain, one made"
    );
    assert_eq!(world.now().aliases.len(), 0);
}

// Locks that somebody left.

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_an_execution_that_is_over_or_forgotten_is_taken_over() {
    for status in [Some(ExecutionStatus::Aborted), None] {
        let world = World::new().await;
        left_by_a_dead_one(&world, 1024).await;
        if let Some(status) = status {
            world.is("dead", status);
        }
        let outcome = world.tune("one", json!({})).await.expect("an outcome");
        assert_eq!(world.plan("one")["target"]["memory"], 512, "{outcome:#}");
        world.is_as_before();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_take_a_lock_over_one_waits() {
    let world = World::new().await;
    left_by_a_dead_one(&world, 1024).await;
    world.is_settled().await;
    let theirs = json!({"Description": format!("512>1024 until 9999999999, {}", arn("dead"))});
    let first = somebody("PUT", &format!("aliases/{LOCK}"), theirs);
    world.fault("UpdateAlias", 1, Fault::First(first));
    world.remember();
    let failure = world.fail_to_tune("one", json!({})).await;
    is(&failure, "TuningInProgress", &[&arn("dead")]);
    assert_eq!(world.memory(), 1024, "that is for the other to restore");
    assert_eq!(world.calls("PublishVersion").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_an_execution_that_still_runs_is_not_taken_over_after_its_deadline() {
    let world = World::new().await;
    world.lock("512", 1, "living").await;
    world.is("living", ExecutionStatus::Running);
    world.remember();
    let failure = world.fail_to_tune("one", json!({})).await;
    is(
        &failure,
        "TuningInProgress",
        &[&arn("living"), "and still held it"],
    );
    let cleaned = world.clean_by_hand().await;
    assert_eq!(
        cleaned["left"].as_array().map(Vec::len),
        Some(1),
        "{cleaned:#}"
    );
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_stacks_lock_counts_as_held() {
    let world = World::new().await;
    world.lock("512", 1, "foreign").await;
    world.remember();
    world.faults("DescribeExecution", 1, Fault::status(403));
    let failure = world.fail_to_tune("one", json!({})).await;
    is(
        &failure,
        "TuningInProgress",
        &[
            "is not for this stack to see",
            "--memory-size 512 && aws lambda delete-alias",
        ],
    );
    let cleaned = world.clean_by_hand().await;
    let left = cleaned["left"][0].as_str().expect("a reason");
    assert!(left.contains("not for this stack to see"), "{left}");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_alias_of_that_name_is_refused_before_anything_is_touched() {
    let world = World::new().await;
    let alias = json!({"Name": LOCK, "FunctionVersion": "$LATEST", "Description": "mine"});
    world.own("POST", "aliases", alias).await;
    world.remember();
    let failure = world.fail_to_tune("one", json!({})).await;
    is(
        &failure,
        "TuningInProgress",
        &["that no power tuner made", "aws lambda delete-alias"],
    );
    assert_eq!(world.calls("CreateAlias").len(), 1, "the owner's own");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_that_no_tuning_set_is_left_to_whoever_set_it() {
    let world = stopped_while_publishing(Worker::Dies).await;
    world.is_settled().await;
    world
        .own("PUT", "configuration", json!({"MemorySize": 2048}))
        .await;
    world.let_the_lock_expire().await;
    world.event("one").await.expect("cleaned up");
    world.is_as_before_but(&json!({"MemorySize": 2048}));
}

// Deployments in the middle.

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_in_the_middle_of_publishing_ends_the_tuning_and_stays() {
    let environment = json!({"Environment": {"Variables": {"STAGE": "new"}}});
    let memory = json!({"MemorySize": 3008});
    // One of the sizes that are tuned, but not one that was set before.
    let planned = json!({"MemorySize": 1024});
    let cases = [
        // Between two of our writes, or right before one, whose revision then is not the function's any more.
        (
            "PublishVersion",
            1,
            Fault::Then(deployed(&environment)),
            &environment,
            "it differs from what was planned in Environment",
        ),
        (
            "PublishVersion",
            2,
            Fault::First(deployed(&environment)),
            &environment,
            "it differs from what was planned in Environment",
        ),
        (
            "UpdateFunctionConfiguration",
            1,
            Fault::First(deployed(&environment)),
            &environment,
            "it differs from what was planned in Environment",
        ),
        (
            "PublishVersion",
            2,
            Fault::Then(deployed(&planned)),
            &planned,
            "it has 1024 MB instead of",
        ),
        (
            "PublishVersion",
            2,
            Fault::Then(deployed(&memory)),
            &memory,
            "it has 3008 MB instead of",
        ),
        (
            "UpdateFunctionConfiguration",
            2,
            Fault::First(deployed(&memory)),
            &memory,
            "it has 3008 MB instead of",
        ),
    ];
    for (action, nth, fault, settings, cause) in cases {
        let world = World::new().await;
        world.fault(action, nth, fault.clone());
        let failure = world.fail_to_tune("one", json!({})).await;
        is(&failure, "FunctionChanged", &[cause]);
        world.is_as_before_but(settings);
        assert_eq!(world.calls("Invoke").len(), 0, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_of_code_in_the_middle_of_publishing_ends_the_tuning_and_stays() {
    for (action, before) in [
        ("PublishVersion", true),
        ("PublishVersion", false),
        ("UpdateFunctionConfiguration", true),
    ] {
        let world = World::new().await;
        let code = somebody("PUT", "code", json!({"ZipFile": "bmV3IGNvZGU="}));
        world.fault(
            action,
            2,
            if before {
                Fault::First(code)
            } else {
                Fault::Then(code)
            },
        );
        let failure = world.fail_to_tune("one", json!({})).await;
        is(
            &failure,
            "FunctionChanged",
            &["it differs from what was planned in CodeSha256 and CodeSize"],
        );
        assert_eq!(world.memory(), 512);
        assert_eq!(world.now().versions.len(), 0);
        assert!(!has_a_lock(&world));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_between_planning_and_publishing_ends_the_tuning_before_anything_is_published()
{
    let cases = [
        (
            json!({"MemorySize": 2048}),
            "it has 2048 MB instead of 512 MB",
        ),
        (
            json!({"MemorySize": 1024}),
            "it has 1024 MB instead of 512 MB",
        ),
        (
            json!({"Timeout": 60}),
            "it differs from what was planned in Timeout",
        ),
    ];
    for (settings, cause) in cases {
        let world = World::new().await;
        world.fault("CreateAlias", 1, Fault::First(deployed(&settings)));
        let failure = world.fail_to_tune("one", json!({})).await;
        is(&failure, "FunctionChanged", &[cause]);
        assert_eq!(world.calls("PublishVersion").len(), 0);
        world.is_as_before_but(&settings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_while_measuring_stays_and_does_not_disturb() {
    for settings in [json!({"MemorySize": 128}), json!({"Timeout": 60})] {
        let world = World::new().await;
        world.fault("Invoke", 3, Fault::First(deployed(&settings)));
        world.tune("one", json!({})).await.expect("an outcome");
        world.is_as_before_but(&settings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deployed_while_measuring_is_not_overwritten_by_the_best_size() {
    let optimize = json!({"strategy": "speed", "autoOptimize": true});
    for settings in [json!({"MemorySize": 3008}), json!({"Timeout": 60})] {
        let world = World::new().await;
        world.fault("Invoke", 3, Fault::First(deployed(&settings)));
        let failure = world.fail_to_tune("one", optimize.clone()).await;
        is(
            &failure,
            "FunctionChanged",
            &["it was not given the best size"],
        );
        world.is_as_before_but(&settings);
    }
}

// Answers that are lost.

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_is_found_out_about_by_reading() {
    let writes = [
        ("CreateAlias", 1),
        ("UpdateAlias", 2),
        ("UpdateFunctionConfiguration", 3),
        ("PublishVersion", 3),
        ("DeleteAlias", 1),
        ("DeleteFunction", 3),
    ];
    let faults = [
        Fault::DropAfter,
        Fault::DropBefore,
        Fault::status(409),
        Fault::status(412),
        Fault::status(429),
        Fault::status(500),
    ];
    let calls = writes
        .into_iter()
        .flat_map(|(action, calls)| (1..=calls).map(move |nth| (action, nth)));
    let all = calls.flat_map(|(action, nth)| faults.clone().map(move |fault| (action, nth, fault)));
    let survived = stream::iter(all).map(async |(action, nth, fault)| {
        let world = World::new().await;
        world.fault(action, nth, fault.clone());
        let outcome = world.tune("one", json!({})).await;
        outcome.unwrap_or_else(|failure| panic!("{action} {nth} {fault:?}: {failure:?}"));
        world.is_as_before();
    });
    survived.buffer_unordered(20).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_may_still_take_effect_cannot_once_the_lock_is_gone() {
    let world = World::new().await;
    // None of these is answered clearly, so each may come later, with the revision that it was sent with.
    world.sim.fault(FaultRule {
        nth: Some(1),
        times: Some(8),
        ..FaultRule::always("UpdateFunctionConfiguration", Fault::status(409))
    });
    let before = world.now().latest.volatile["RevisionId"].clone();
    let failure = world.fail_to_tune("one", json!({})).await;
    is(
        &failure,
        "PublishFailed",
        &["lambda:UpdateFunctionConfiguration"],
    );
    let updates = world.calls("UpdateFunctionConfiguration");
    assert_eq!(
        updates.len(),
        9,
        "one more, though the memory is the original one"
    );
    assert_ne!(world.now().latest.volatile["RevisionId"], before);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_is_deleted_once_and_never_somebody_elses() {
    let world = World::new().await;
    // Another tuning makes its lock before this one learns that its own is gone.
    let theirs = json!({
        "Name": LOCK, "FunctionVersion": "$LATEST",
        "Description": format!("512 until 9999999999, {}", arn("other")),
    });
    let path = format!("/2015-03-31/functions/{FUNCTION}/aliases");
    world.fault("DeleteAlias", 1, Fault::DropAfter);
    let made = OtherRequest::new("POST", &path, theirs);
    world.fault("GetAlias", 2, Fault::First(vec![made]));
    world.tune("one", json!({})).await.expect("an outcome");
    assert_eq!(world.calls("DeleteAlias").len(), 1);
    assert!(has_a_lock(&world), "that is the other's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_whose_lock_is_not_its_own_any_more_writes_nothing() {
    let world = World::new().await;
    let theirs = json!({"Description": format!("512 until 9999999999, {}", arn("other"))});
    let taken = somebody("PUT", &format!("aliases/{LOCK}"), theirs);
    // It has published the original size, and is about to set the first other one.
    world.fault("PublishVersion", 1, Fault::Then(taken));
    let failure = world.fail_to_tune("one", json!({})).await;
    is(
        &failure,
        "TuningInProgress",
        &["somebody took the lock over while it was held"],
    );
    assert_eq!(world.calls("UpdateFunctionConfiguration").len(), 0);
    assert!(has_a_lock(&world), "that is the other's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_is_started_again_waits_for_the_first_one() {
    let world = World::with(slow()).await;
    let changed = |world: &World| world.memory() == 128;
    world
        .stop_when("one", json!({}), Worker::LivesOn, changed)
        .await;
    // It was not stopped: Step Functions lost sight of it, and tries again.
    world.is("one", ExecutionStatus::Running);
    let state = json!({
        "execution": arn("one"),
        "plan": world.plan("one"),
        "round": round(&[128, 512, 1024]),
        "published": {"done": false, "batches": 0, "versions": []},
    });
    let mut published = state["published"].clone();
    while published["done"] != true {
        let mut again = state.clone();
        again["published"] = published;
        published = world.run("Publisher", again).await.expect("published");
    }
    assert_eq!(world.now().versions.len(), 3, "each size once");
    assert_eq!(
        world.calls("UpdateAlias").len(),
        2,
        "the first one's, before each change"
    );
    world.is("one", ExecutionStatus::Aborted);
    world.event("one").await.expect("cleaned up");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_whose_lock_somebody_removed_puts_back_and_stops() {
    let world = World::new().await;
    let removed = OtherRequest {
        method: "DELETE".to_owned(),
        path: format!("/2015-03-31/functions/{FUNCTION}/aliases/{LOCK}"),
        body: None,
    };
    // It has published the first other size, and is about to set the next.
    world.fault("PublishVersion", 2, Fault::Then(vec![removed]));
    let failure = world.fail_to_tune("one", json!({})).await;
    is(
        &failure,
        "TuningInProgress",
        &["somebody removed the lock while it was held"],
    );
    world.is_as_before();
}

// Applying the best size.

fn faster_with_memory() -> FunctionSpec {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.behaviour.duration = power_tuner_lambda_sim::Curve::Formula {
        base_ms: 10.0,
        ms_times_mb: 100_000.0,
        flat_above_mb: 1769.0,
    };
    spec
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_size_is_applied_under_the_lock() {
    let world = World::with(faster_with_memory()).await;
    let optimize = json!({"strategy": "speed", "autoOptimize": true});
    let outcome = world.tune("one", optimize).await.expect("an outcome");
    assert_eq!(
        outcome["optimization"],
        json!({"applied": true, "from": 512, "to": 1024, "changed": true})
    );
    assert_eq!(
        world.calls("CreateAlias").len(),
        2,
        "once to publish, once to apply"
    );
    world.is_as_before_but(&json!({"MemorySize": 1024}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_is_made_or_moved_to_a_version_of_the_best_size() {
    let optimize = json!({"strategy": "speed", "autoOptimize": true, "autoOptimizeAlias": "live"});
    for exists in [false, true] {
        let world = World::with(faster_with_memory()).await;
        if exists {
            world
                .own("POST", "versions", json!({"Description": "release 7"}))
                .await;
            let alias = json!({"Name": "live", "FunctionVersion": "1", "Description": "mine"});
            world.own("POST", "aliases", alias).await;
            world.is_settled().await;
        }
        let outcome = world
            .tune("one", optimize.clone())
            .await
            .expect("an outcome");
        let optimization = &outcome["optimization"];
        assert_eq!(optimization["alias"], "live");
        let now = world.now();
        assert_eq!(now.aliases.len(), 1);
        assert_eq!(json!(now.aliases[0].version), optimization["version"]);
        assert_eq!(now.aliases[0].description, if exists { "mine" } else { "" });
        let version = now.versions.last().expect("a version");
        let description = format!("power-tuner applied by {}", arn("one"));
        assert_eq!(
            (version.memory_mb, version.description.as_str()),
            (1024, description.as_str())
        );
        assert_eq!(now.versions.len(), if exists { 2 } else { 1 });
        assert_eq!(world.memory(), 1024);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_that_cannot_be_moved_leaves_no_trace() {
    let world = World::with(faster_with_memory()).await;
    // The locks are the first two.
    world.fault("CreateAlias", 3, Fault::status(403));
    let optimize = json!({"strategy": "speed", "autoOptimize": true, "autoOptimizeAlias": "live"});
    let failure = world.fail_to_tune("one", optimize).await;
    is(&failure, "AccessDenied", &["lambda:CreateAlias"]);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_optimizer_that_died_is_undone_from_its_lock() {
    let mut spec = faster_with_memory();
    spec.update_ms = Some(5_000.0);
    let world = World::with(spec).await;
    let optimize = json!({"strategy": "speed", "autoOptimize": true});
    let applies = |world: &World| world.calls("Invoke").len() == 15 && world.memory() == 1024;
    world
        .stop_when("one", optimize, Worker::Dies, applies)
        .await;
    world.let_the_lock_expire().await;
    world.event("one").await.expect("cleaned up");
    world.is_as_before();
}

/// A tuning whose optimizer died when all was done but to release the lock.
async fn lost_after_it_was_applied() -> World {
    let world = World::with(faster_with_memory()).await;
    // The first one goes when everything is published.
    world.fault("DeleteAlias", 2, Fault::HeldBefore);
    let optimize = json!({"strategy": "speed", "autoOptimize": true, "autoOptimizeAlias": "live"});
    let lets_go = |world: &World| world.calls("DeleteAlias").len() == 2;
    world
        .stop_when("one", optimize, Worker::Dies, lets_go)
        .await;
    world.let_the_lock_expire().await;
    world
}

#[track_caller]
fn is_applied(world: &World) {
    let now = world.now();
    assert_eq!(world.memory(), 1024, "put back");
    assert_eq!(now.aliases.len(), 1, "the lock stays: {:?}", now.aliases);
    let [applied] = now.versions.as_slice() else {
        panic!("not one version: {:?}", now.versions);
    };
    assert_eq!(applied.version, now.aliases[0].version);
    assert_eq!(applied.memory_mb, 1024);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_applied_before_its_optimizer_died_stays() {
    let world = lost_after_it_was_applied().await;
    world.event("one").await.expect("cleaned up");
    is_applied(&world);

    let world = lost_after_it_was_applied().await;
    world.clean_by_hand().await;
    is_applied(&world);

    let world = lost_after_it_was_applied().await;
    let failure = world.fail_to_tune("two", json!({})).await;
    is(
        &failure,
        "FunctionChanged",
        &["it has 1024 MB instead of 512 MB"],
    );
    is_applied(&world);
    world.tune("three", json!({})).await.expect("an outcome");
    is_applied(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_is_taken_back_while_measuring_is_not_overwritten() {
    let world = World::with(faster_with_memory()).await;
    let publish = || world.own("POST", "versions", json!({"Description": "a release"}));
    publish().await;
    world.is_settled().await;
    world.own("PUT", "code", json!({"ZipFile": "bmV3"})).await;
    world.is_settled().await;
    publish().await;
    let live = json!({"Name": "live", "FunctionVersion": "2", "Description": "mine"});
    world.own("POST", "aliases", live).await;
    world.is_settled().await;
    let back = somebody("PUT", "aliases/live", json!({"FunctionVersion": "1"}));
    world.fault("Invoke", 1, Fault::First(back));
    let optimize = json!({"strategy": "speed", "autoOptimize": true, "autoOptimizeAlias": "live"});
    let failure = world.fail_to_tune("one", optimize).await;
    let parts = [
        "it was not given the best size, 1024 MB",
        "its alias `live` points at version 1 by now, which differs from what was planned in CodeSha256",
    ];
    is(&failure, "FunctionChanged", &parts);
    let now = world.now();
    assert_eq!(now.aliases.len(), 1);
    assert_eq!(now.aliases[0].version, "1", "the release before");
    assert_eq!(now.versions.len(), 2);
    assert_eq!(world.memory(), 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_calls_each_size_once_and_applies_nothing() {
    let world = World::with(faster_with_memory()).await;
    let input = json!({"strategy": "speed", "autoOptimize": true, "dryRun": true});
    let tried = world.tune("one", input).await.expect("an answer");
    assert_eq!(tried["dryRun"], true);
    assert_eq!(tried["sizes"].as_array().map(Vec::len), Some(3));
    assert_eq!(world.calls("Invoke").len(), 3);
    world.is_as_before();
}

// Versions and whose they are.

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_the_users_is_measured_and_kept() {
    let world = World::new().await;
    world
        .own("POST", "versions", json!({"Description": "release 7"}))
        .await;
    world.is_settled().await;
    world.remember();
    world.tune("one", json!({})).await.expect("an outcome");
    assert_eq!(world.now().invocations.len(), 3);
    assert!(
        world
            .calls("Invoke")
            .iter()
            .any(|call| call.qualifier.as_deref() == Some("1"))
    );
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_the_users_that_cannot_be_called_is_not_measured_but_a_new_one_like_it() {
    for state in [FunctionState::Inactive, FunctionState::Failed] {
        let world = World::new().await;
        world
            .own("POST", "versions", json!({"Description": "release 7"}))
            .await;
        world
            .sim
            .set_state(FUNCTION, "1", state, None)
            .expect("a version");
        world.remember();
        let outcome = world.tune("one", json!({})).await.expect("an outcome");
        assert_eq!(outcome["sizes"][1]["status"], "measured", "{outcome:#}");
        assert!(
            world
                .calls("Invoke")
                .iter()
                .all(|call| call.qualifier.as_deref() != Some("1"))
        );
        world.is_as_before();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_another_run_is_never_measured() {
    let world = World::new().await;
    let marker = format!("power-tuner {}", arn("other"));
    world.is("other", ExecutionStatus::Running);
    world
        .own("POST", "versions", json!({"Description": marker}))
        .await;
    world.is_settled().await;
    world.remember();
    world.tune("one", json!({})).await.expect("an outcome");
    assert!(
        world
            .calls("Invoke")
            .iter()
            .all(|call| call.qualifier.as_deref() != Some("1"))
    );
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_an_alias_points_to_is_left_and_reported() {
    let world = World::new().await;
    let alias = json!({"Name": "live", "FunctionVersion": "2"});
    world.fault("Invoke", 1, Fault::Then(somebody("POST", "aliases", alias)));
    let outcome = world.tune("one", json!({})).await.expect("an outcome");
    assert_eq!(outcome["keptVersions"][0]["number"], "2", "{outcome:#}");
    let now = world.now();
    assert_eq!(now.versions.len(), 1);
    assert_eq!(now.aliases.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobodys_next_publish_returns_a_version_of_ours() {
    for sizes in [json!([512]), json!([512, 1024]), json!([128, 512])] {
        let world = World::new().await;
        let theirs = somebody("POST", "versions", json!({"Description": "release 8"}));
        // In the middle, and after the end.
        world.fault("Invoke", 1, Fault::Then(theirs));
        world
            .tune("one", json!({"powerValues": sizes}))
            .await
            .expect("an outcome");
        let now = world.now();
        assert_eq!(now.versions.len(), 1, "{sizes}");
        assert_eq!(now.versions[0].description, "release 8", "{sizes}");
        let world = World::new().await;
        world
            .tune("one", json!({"powerValues": sizes}))
            .await
            .expect("an outcome");
        let next = world
            .own("POST", "versions", json!({"Description": "release 9"}))
            .await;
        assert_eq!(next["Description"], "release 9", "{sizes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_is_a_failed_size() {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.snap_start = Some(SnapStartSpec {
        restore_ms: 50.0,
        publish_ms: 20_000.0,
    });
    let world = World::with(spec).await;
    world.fault("PublishVersion", 2, Fault::FailLater);
    let outcome = world.tune("one", json!({})).await.expect("an outcome");
    assert_eq!(outcome["sizes"][0]["status"], "failed", "{outcome:#}");
    let reason = outcome["sizes"][0]["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("AWS could not make its version work"),
        "{reason}"
    );
    assert_eq!(outcome["sizes"][2]["status"], "measured", "{outcome:#}");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_cannot_be_deleted_yet_is_deleted_later() {
    let mut spec = slow();
    spec.pending_versions_cannot_be_deleted = true;
    spec.publish_ms = Some(20_000.0);
    let world = World::with(spec).await;
    let published = |world: &World| world.now().versions.len() == 2;
    world
        .stop_when("one", json!({}), Worker::LivesOn, published)
        .await;
    world.event("one").await.expect("cleaned up");
    world.is_as_before();
}

// Putting back is impossible.

async fn left_impossible() -> World {
    let world = World::new().await;
    world.faults("UpdateFunctionConfiguration", 2, Fault::status(403));
    let failure = world.fail_to_tune("one", json!({})).await;
    is(
        &failure,
        "AccessDenied",
        &[
            "lambda:UpdateFunctionConfiguration",
            "after that: ",
            "could not be put back to 512 MB",
            "The lock stays",
            "--memory-size 512 && aws lambda delete-alias",
        ],
    );
    assert!(
        has_a_lock(&world),
        "the lock stays, and says what to restore"
    );
    assert_eq!(world.memory(), 128);
    world.sim.clear_faults();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_put_back_is_put_back_by_the_next_clean_up() {
    let world = left_impossible().await;
    world.event("one").await.expect("cleaned up");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_put_back_is_put_back_by_hand() {
    let world = left_impossible().await;
    world.clean_by_hand().await;
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_put_back_is_put_back_by_the_sweep() {
    let world = left_impossible().await;
    let state_machine = "arn:aws:states:us-east-1:123456789012:stateMachine:power-tuner-tuner";
    world
        .clean(json!({"sweep": state_machine}))
        .await
        .expect("cleaned up");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_put_back_is_put_back_by_the_next_tuning() {
    let world = left_impossible().await;
    world.tune("two", json!({})).await.expect("an outcome");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_fails_on_the_way_back_is_tried_again() {
    let world = World::new().await;
    // The third puts it back.
    world.fault("UpdateFunctionConfiguration", 3, Fault::FailLater);
    world.tune("one", json!({})).await.expect("an outcome");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_cannot_be_removed_is_said_and_removed_later() {
    let world = World::new().await;
    world.faults("DeleteAlias", 1, Fault::status(403));
    let failure = world.fail_to_tune("one", json!({})).await;
    is(
        &failure,
        "PublishFailed",
        &["its lock could not be removed"],
    );
    world.sim.clear_faults();
    world.clean_by_hand().await;
    world.is_as_before();
}

// By hand and on schedule.

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_up_by_hand_removes_what_is_over_and_leaves_what_lives() {
    let world = World::new().await;
    world.is("living", ExecutionStatus::Running);
    world.is("over", ExecutionStatus::Succeeded);
    for (size, owner) in [(128, "living"), (256, "over"), (1024, "forgotten")] {
        world
            .own("PUT", "configuration", json!({"MemorySize": size}))
            .await;
        world.is_settled().await;
        let marker = format!("power-tuner {}", arn(owner));
        world
            .own("POST", "versions", json!({"Description": marker}))
            .await;
    }
    let cleaned = world.clean_by_hand().await;
    let mut deleted: Vec<u64> = cleaned["deleted"]
        .as_array()
        .expect("versions")
        .iter()
        .filter_map(|version| version["memory"].as_u64())
        .collect();
    deleted.sort_unstable();
    assert_eq!(deleted, [256, 1024], "{cleaned:#}");
    let left = cleaned["left"][0].as_str().expect("a reason");
    assert!(left.contains(&arn("living")), "{left}");
    assert_eq!(world.now().versions.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cleaner_says_what_it_can_be_called_with() {
    let world = World::new().await;
    let failure = world
        .clean(json!({"functoin": "f"}))
        .await
        .expect_err("a failure");
    is(&failure, "InvalidInput", &["NAME"]);
    let failure = world
        .clean(json!({"function": "a b"}))
        .await
        .expect_err("a failure");
    is(
        &failure,
        "InvalidInput",
        &["`function`", "is not a function's name"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_up_that_fails_does_not_hide_why_the_tuning_did() {
    let world = World::new().await;
    world.fault("Invoke", 1, Fault::status(403));
    world.faults("DeleteFunction", 1, Fault::status(403));
    let failure = world
        .fail_to_tune("one", json!({"onFailure": "fail"}))
        .await;
    is(
        &failure,
        "InvocationFailed",
        &[
            "could not be measured",
            "; after that, cleaning up failed: ",
            "`lambda:DeleteFunction`",
        ],
    );
    assert!(
        !failure.cause.contains("errorType"),
        "a sentence: {}",
        failure.cause
    );
    world.sim.clear_faults();
    world.event("one").await.expect("cleaned up");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_its_owner_deletes_in_the_middle_is_no_trouble_for_the_clean_up() {
    let world = World::new().await;
    let path = format!("/2015-03-31/functions/{FUNCTION}");
    let gone = OtherRequest {
        method: "DELETE".to_owned(),
        path,
        body: None,
    };
    world.fault("Invoke", 2, Fault::Then(vec![gone]));
    let failure = world.fail_to_tune("one", json!({})).await;
    is(&failure, "NoMeasurements", &[]);
    world.event("one").await.expect("nothing is left");
}
