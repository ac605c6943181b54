//! Payloads that lie in S3.

use power_tuner_lambda_sim::{Fault, OtherRequest};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World};

const URI: &str = "s3://payloads/a/large.json";

fn from_s3() -> Value {
    json!({"payload": {"from": "the input"}, "payloadS3": URI, "powerValues": [512, 1024]})
}

async fn world(document: &str) -> World {
    let world = World::new().await;
    world.sim.put_object("payloads", "a/large.json", document);
    world
}

fn received(world: &World) -> Vec<Value> {
    let snapshot = world.sim.snapshot(FUNCTION).expect("the function");
    let payloads = snapshot.payloads.iter();
    payloads
        .map(|received| received["payload"].clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_s3_is_sent_instead_of_the_payload_in_the_input() {
    let world = world(r#"{"from": "S3"}"#).await;
    world.tune("one", from_s3()).await.expect("an outcome");
    assert_eq!(received(&world), vec![json!({"from": "S3"}); 10]);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_distribution_in_s3_is_one_as_in_an_input() {
    let world = world(r#"[{"payload": 1, "weight": 2}, {"payload": "two", "weight": 3}]"#).await;
    world.tune("one", from_s3()).await.expect("an outcome");
    let all = received(&world);
    let count = |wanted: Value| all.iter().filter(|sent| **sent == wanted).count();
    assert_eq!((count(json!(1)), count(json!("two"))), (4, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_cannot_be_used_is_found_out_before_anything_is_touched() {
    let cases = [
        (
            r#"{"a": 1}"#,
            Some(403),
            "PayloadUnavailable",
            "deploy the stack with the parameters PayloadS3Bucket and PayloadS3Key that name it",
        ),
        (
            r#"{"a": 1}"#,
            Some(301),
            "PayloadUnavailable",
            "the bucket is in another region",
        ),
        ("{", None, "PayloadUnavailable", "it is not JSON: EOF"),
        (
            r#"[{"payload": 1, "weight": 0}]"#,
            None,
            "InvalidInput",
            "`payloadS3[0].weight`: 0 is not a number above 0",
        ),
    ];
    for (document, status, error, part) in cases {
        let world = world(document).await;
        if let Some(status) = status {
            world.faults("GetObject", 1, Fault::status(status));
        }
        let failure = world.fail_to_tune("one", from_s3()).await;
        assert_eq!(failure.error, error, "{}", failure.cause);
        assert!(failure.cause.contains(part), "{}", failure.cause);
        assert!(world.calls("PublishVersion").is_empty());
        world.is_as_before();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_payload_shows_where_that_is_not_wanted() {
    let world = world(r#""secret" "#).await;
    world.sim.put_object("payloads", "a/large.json", "secret");
    let mut input = from_s3();
    input["disablePayloadLogs"] = json!(true);
    let failure = world.fail_to_tune("one", input).await;
    assert!(
        failure.cause.contains("it is not JSON, from line 1 on"),
        "{}",
        failure.cause
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_changes_in_the_middle_ends_the_tuning() {
    let world = world(r#"{"from": "S3"}"#).await;
    let path = "/_sim/objects/payloads/a/large.json";
    let other = OtherRequest::new("PUT", path, json!({"from": "somebody"}));
    world.fault("PublishVersion", 1, Fault::First(vec![other]));
    let failure = world.fail_to_tune("one", from_s3()).await;
    assert_eq!(failure.error, "PayloadUnavailable");
    let part = "it was changed while the function was being tuned; start the tuning again";
    assert!(failure.cause.contains(part), "{}", failure.cause);
    assert!(received(&world).is_empty(), "nobody gets another payload");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_may_be_busy_for_a_moment() {
    for fault in [
        Fault::status(503),
        Fault::status(500),
        Fault::DropBefore,
        Fault::DropAfter,
    ] {
        let world = world("1").await;
        for nth in [1, 3] {
            world.fault("GetObject", nth, fault.clone());
        }
        world.tune("one", from_s3()).await.expect("an outcome");
        assert_eq!(received(&world), vec![json!(1); 10]);
    }
}
