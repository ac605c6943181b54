//! What a stack with a reporter stores, and what becomes of a tuning when that goes wrong.

use std::time::Duration;

use e2e::Given;
use power_tuner_aws::StoredReports;
use power_tuner_lambda_sim::{Curve, Fault, FunctionSpec, Options};
use power_tuner_runtime::Deadline;
use serde_json::{Value, json};

use crate::world::{FUNCTION, World, arn};

const BUCKET: &str = "reports";
const HTML: &str = "tunings/f/2026-01-02T030405Z-one.html";
const JSON: &str = "tunings/f/2026-01-02T030405Z-one.json";
const LATEST: &str = "tunings/f/latest-cost.json";
/// Of a state transition in us-east-1, from AWS's price list.
const PER_TRANSITION: f64 = 0.000_025;

async fn world() -> World {
    with(FunctionSpec::named(FUNCTION)).await
}

/// Without a bucket.
async fn plain() -> World {
    World::on_own_time(FunctionSpec::named(FUNCTION), Options::default()).await
}

/// The bucket is there.
async fn with(spec: FunctionSpec) -> World {
    let world = World::on_own_time(spec, Options::default()).await;
    let world = world.given(Given {
        report_bucket: BUCKET,
        report_prefix: "tunings/",
        ..Given::default()
    });
    world.home.put_object(BUCKET, "somebody's", "own");
    world
}

fn stored(world: &World, key: &str) -> Value {
    let object = world.home.object(BUCKET, key).expect(key);
    assert_eq!(object.content_type.as_deref(), Some("application/json"));
    serde_json::from_slice(&object.bytes).expect("JSON")
}

fn without_report(outcome: &Value) -> Value {
    let mut outcome = outcome.clone();
    outcome.as_object_mut().expect("an object").remove("report");
    outcome
}

#[tokio::test(start_paused = true)]
async fn an_outcome_is_stored_and_says_where() {
    let world = world().await;
    let outcome = world.tune("one", json!({})).await.expect("an outcome");
    let at = |key: &str| format!("s3://{BUCKET}/{key}");
    assert_eq!(
        outcome["report"],
        json!({"html": at(HTML), "json": at(JSON)})
    );
    for key in [JSON, LATEST] {
        assert_eq!(stored(&world, key), without_report(&outcome), "{key}");
    }
    let page = world.home.object(BUCKET, HTML).expect("a page");
    assert_eq!(
        page.content_type.as_deref(),
        Some("text/html; charset=utf-8")
    );
    let page = String::from_utf8(page.bytes).expect("a text");
    assert!(
        page.starts_with("<!doctype html>") && page.contains(&arn("one")),
        "{page}"
    );
    assert_eq!(world.home.keys(BUCKET), ["somebody's", HTML, JSON, LATEST]);
    world.is_as_before();
}

#[tokio::test(start_paused = true)]
async fn what_the_run_cost_is_exact_with_a_reporter_and_without() {
    for world in [world().await, plain().await] {
        let outcome = world.tune("one", json!({})).await.expect("an outcome");
        let cost = outcome["stateMachine"]["executionCost"].as_f64();
        let transitions = cost.expect("a number") / PER_TRANSITION;
        let made = f64::from(world.transitions("one"));
        assert!(
            (transitions - made).abs() < 1e-6,
            "{transitions} instead of {made}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_bucket_nothing_is_stored_nor_said() {
    let world = plain().await;
    let input = json!({"reportLink": true});
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(outcome["report"], Value::Null);
    assert!(!world.story().contains('R'), "{}", world.story());
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_is_not_stored() {
    let world = world().await;
    let outcome = world.tune("one", json!({"dryRun": true})).await;
    let outcome = outcome.expect("an outcome");
    assert_eq!(
        (&outcome["dryRun"], &outcome["report"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(world.home.keys(BUCKET), ["somebody's"]);
}

#[tokio::test(start_paused = true)]
async fn a_link_is_given_where_it_is_asked_for() {
    let world = world().await;
    let input = json!({"reportLink": true});
    let outcome = world.tune("one", input).await.expect("an outcome");
    let link = outcome["report"]["link"]
        .as_str()
        .expect("a link")
        .to_owned();
    let begin = format!("http://127.0.0.1/{BUCKET}/{HTML}?");
    assert!(link.starts_with(&begin), "{link}");
    assert!(
        link.contains("X-Amz-Expires=43200") && link.contains("X-Amz-Signature="),
        "{link}"
    );
    assert_eq!(stored(&world, JSON)["settings"]["reportLink"], true);
}

#[tokio::test(start_paused = true)]
async fn whatever_s3_says_a_tuning_does_not_fail_for_it() {
    for (action, nth, fault, part, stored) in [
        (
            "PutObject",
            1,
            Fault::status(403),
            "the reporter may not (`s3:PutObject`)",
            "",
        ),
        (
            "PutObject",
            2,
            Fault::status(403),
            "one.html` could not be written",
            "json",
        ),
        (
            "PutObject",
            3,
            Fault::status(403),
            "latest-cost.json` could not be written",
            "json html",
        ),
        (
            "PutObject",
            1,
            Fault::status(404),
            "S3 answered NoSuchKey",
            "",
        ),
        (
            "PutObject",
            1,
            Fault::status(301),
            "the bucket is in another region",
            "",
        ),
        (
            "PutObject",
            1,
            Fault::status(503),
            "S3 answered SlowDown",
            "",
        ),
        ("PutObject", 1, Fault::DropBefore, "S3 gave no answer", ""),
        (
            "GetObject",
            1,
            Fault::status(500),
            "latest-cost.json` could not be read: S3 answered InternalError",
            "json html",
        ),
    ] {
        let world = world().await;
        world.faults(action, nth, fault.clone());
        let outcome = world.tune("one", json!({})).await.expect("an outcome");
        let error = outcome["report"]["error"].as_str().expect("an error");
        assert!(error.contains(part), "{fault:?}: {error}");
        for kind in ["html", "json", "link"] {
            assert_eq!(
                outcome["report"][kind].is_string(),
                stored.contains(kind),
                "{fault:?}"
            );
        }
        assert_eq!(outcome["power"], 128);
        world.is_as_before();
    }
}

/// As the sweep does with the calls that touch the function.
#[tokio::test(start_paused = true)]
async fn each_fault_at_each_call_of_the_reporter_leaves_the_outcome() {
    let calls = [
        ("PutObject", 1),
        ("PutObject", 2),
        ("PutObject", 3),
        ("GetObject", 1),
    ];
    let lasting = [403, 404, 412, 429, 500, 503].map(Fault::status);
    let broken = [
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::HeldBefore,
        Fault::HeldAfter,
    ];
    for (action, nth) in calls {
        for fault in lasting.iter().chain(&broken) {
            for lasts in [false, true] {
                let world = world().await;
                if lasts {
                    world.faults(action, nth, fault.clone());
                } else {
                    world.fault(action, nth, fault.clone());
                }
                let place = format!("{action} {nth}: {fault:?}, for ever: {lasts}");
                let outcome = world.tune("one", json!({})).await;
                let outcome = outcome.unwrap_or_else(|failure| panic!("{place}: {failure:?}"));
                assert_eq!(outcome["power"], 128, "{place}");
                let report = &outcome["report"];
                let is_whole = report["html"].is_string() && report["json"].is_string();
                assert!(
                    is_whole || report["error"].is_string(),
                    "{place}: {report:#}"
                );
                // What it says is stored is there.
                for (kind, key) in [("html", HTML), ("json", JSON)] {
                    let is_there = world.home.object(BUCKET, key).is_some();
                    assert!(!report[kind].is_string() || is_there, "{place}: {report:#}");
                }
                world.is_as_before();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_not_there_is_named() {
    let world = plain().await.given(Given {
        report_bucket: "nowhere",
        ..Given::default()
    });
    let outcome = world.tune("one", json!({})).await.expect("an outcome");
    let error = outcome["report"]["error"].as_str().expect("an error");
    let want = "`s3://nowhere/f/2026-01-02T030405Z-one.json` could not be written: there is no such bucket; check the stack's \
                parameter ReportBucket";
    assert_eq!(error, want);
}

#[tokio::test(start_paused = true)]
async fn s3_may_be_busy_for_a_moment_when_an_outcome_is_stored() {
    for fault in [Fault::status(503), Fault::DropBefore, Fault::DropAfter] {
        let world = world().await;
        for nth in [1, 3] {
            world.fault("PutObject", nth, fault.clone());
        }
        let outcome = world.tune("one", json!({})).await.expect("an outcome");
        assert_eq!(outcome["report"]["error"], Value::Null, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s3_that_never_answers_is_not_waited_for() {
    let world = world().await;
    let elsewhere = plain().await;
    let outcome = elsewhere.tune("one", json!({})).await.expect("an outcome");
    world.faults("PutObject", 1, Fault::HeldBefore);
    let input = json!({
        "execution": arn("one"),
        "started": "2026-01-02T03:04:05Z",
        "outcome": outcome,
        "stack": {
            "reportBucket": BUCKET, "reportPrefix": "", "notificationTopic": "", "notifyAbovePercent": "5",
        },
    });
    let input = serde_json::from_value(input).expect("what the reporter reads");
    // Some seconds of that are for giving out the outcome.
    let soon = Deadline::after(Duration::from_millis(5_300));
    let reports = StoredReports::local(&world.home.url());
    let outcome = power_tuner_reporter::handle(&reports, input, soon).await;
    let report = outcome.expect("an outcome").report.expect("a report");
    let error = report.error.expect("an error");
    assert!(error.starts_with("S3 took too long to answer"), "{error}");
}

/// Gets faster with memory up to that size, and then not at all.
fn fast_up_to(mb: f64) -> FunctionSpec {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.behaviour.duration = Curve::Formula {
        base_ms: 0.0,
        ms_times_mb: 400_000.0,
        flat_above_mb: mb,
    };
    spec
}

#[tokio::test(start_paused = true)]
async fn what_is_recommended_is_compared_with_the_last_outcome() {
    let world = with(fast_up_to(3000.0)).await;
    let speed = || json!({"strategy": "speed"});
    let first = world.tune("one", speed()).await.expect("an outcome");
    assert_eq!(
        (&first["power"], &first["report"]["moved"]),
        (&json!(1024), &Value::Null)
    );
    let same = world.tune("two", speed()).await.expect("an outcome");
    assert_eq!(same["report"]["moved"], Value::Null);
    let other = json!({"strategy": "speed", "powerValues": [512, 1024, 2048]});
    let moved = world.tune("three", other).await.expect("an outcome");
    let moved = &moved["report"]["moved"];
    assert_eq!((&moved["from"], &moved["to"]), (&json!(1024), &json!(2048)));
    let percent = moved["percent"].as_f64().expect("a number");
    assert!((percent - 50.0).abs() < 1.0, "{percent}");
    // Another strategy has a memory of its own.
    let cost = world.tune("four", json!({})).await.expect("an outcome");
    assert_eq!(cost["report"]["moved"], Value::Null);
    assert!(
        world
            .home
            .object(BUCKET, "tunings/f/latest-speed.json")
            .is_some()
    );
}

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:news";

#[tokio::test(start_paused = true)]
async fn people_are_told_only_what_is_better_by_more_than_the_threshold() {
    let world = with(fast_up_to(3000.0)).await.given(Given {
        report_bucket: BUCKET,
        report_prefix: "tunings/",
        notification_topic: TOPIC,
    });
    let sizes = |sizes: &[u32]| json!({"strategy": "speed", "powerValues": sizes, "monthlyInvocations": 1_000_000});
    // The first one, the same again, one that is 3 % better, and one that is half as fast.
    for (name, sizes) in [
        ("one", sizes(&[512, 1024])),
        ("two", sizes(&[512, 1024])),
        ("three", sizes(&[1024, 1056])),
        ("four", sizes(&[512, 576])),
    ] {
        let outcome = world.tune(name, sizes).await.expect("an outcome");
        assert_eq!(outcome["report"]["error"], Value::Null, "{name}");
        assert_eq!(world.told(), Vec::<Value>::new(), "{name}");
    }
    let outcome = world.tune("five", sizes(&[576, 2048])).await;
    let outcome = outcome.expect("an outcome");
    let told = world.told();
    let [told] = told.as_slice() else {
        panic!("{told:#?}");
    };
    assert_eq!(told["TopicArn"], TOPIC);
    assert_eq!(told["Message"], outcome["report"]["moved"]["news"]);
    let message = told["Message"].as_str().expect("a text");
    for part in [
        "recommends 2048 MB for arn:aws:lambda:us-east-1:123456789012:function:f, instead of 576 MB as before",
        "2048 MB is better by 7",
        "a month.",
        "Report: s3://reports/tunings/f/2026-01-02T030405Z-five.html",
        &arn("five"),
    ] {
        assert!(message.contains(part), "`{part}` is not in {message}");
    }
    // An outcome that is news costs what another does.
    let made = f64::from(world.transitions("five"));
    let cost = outcome["stateMachine"]["executionCost"].as_f64();
    let transitions = cost.expect("a number") / PER_TRANSITION;
    assert!(
        (transitions - made).abs() < 1e-6,
        "{transitions} instead of {made}"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_topic_nobody_is_told() {
    let world = with(fast_up_to(3000.0)).await;
    for (name, size) in [("one", 512), ("two", 2048)] {
        let input = json!({"strategy": "speed", "powerValues": [size]});
        let outcome = world.tune(name, input).await.expect("an outcome");
        assert_eq!(outcome["report"]["moved"]["news"], Value::Null);
    }
    assert_eq!(world.told(), Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn a_last_outcome_that_may_not_be_read_is_told_from_one_that_is_not_there() {
    let world = world().await;
    // Who may not list a bucket gets the same answer for both.
    world.faults("GetObject", 1, Fault::status(403));
    let first = world.tune("one", json!({})).await.expect("an outcome");
    assert_eq!(first["report"]["error"], Value::Null);
    let second = world.tune("two", json!({})).await.expect("an outcome");
    let error = second["report"]["error"].as_str().expect("an error");
    let want = "`s3://reports/tunings/f/latest-cost.json` could not be read: the reporter may not (`s3:GetObject`)";
    assert!(error.starts_with(want), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_last_outcome_that_is_none_is_replaced() {
    let world = world().await;
    world
        .home
        .put_object(BUCKET, LATEST, "{\"power\": \"none\"}");
    let outcome = world.tune("one", json!({})).await.expect("an outcome");
    assert_eq!(
        (&outcome["report"]["moved"], &outcome["report"]["error"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(stored(&world, LATEST), without_report(&outcome));
}
