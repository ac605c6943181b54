//! What cannot be prevented, each shown once: here the promises end, and the documents say so.

use power_tuner_lambda_sim::{Fault, FunctionSpec, OtherRequest};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World};

fn somebody(method: &str, path: &str, body: Value) -> Vec<OtherRequest> {
    let path = format!("/2015-03-31/functions/{FUNCTION}/{path}");
    vec![OtherRequest::new(method, &path, body)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_of_latest_sees_another_size_while_versions_are_published() {
    let world = World::new().await;
    let call = somebody("POST", "invocations", json!({"from": "somebody"}));
    // The original size is published first, so that the second one is another.
    world.fault("PublishVersion", 2, Fault::First(call));
    world.tune("one", json!({})).await.expect("an outcome");
    let theirs = |call: &&Value| call["payload"].to_string().contains("somebody");
    let now = world.now();
    let seen = now.payloads.iter().find(theirs).expect("their call");
    assert_eq!(seen["version"], "$LATEST");
    assert_eq!(seen["memoryMb"], 128);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_while_a_size_is_being_set_gets_a_conflict() {
    let world = World::new().await;
    let deployment = somebody("PUT", "configuration", json!({"Timeout": 33}));
    world.fault("UpdateFunctionConfiguration", 1, Fault::Then(deployment));
    world.tune("one", json!({})).await.expect("an outcome");
    let theirs = world.calls("UpdateFunctionConfiguration");
    let theirs: Vec<_> = theirs
        .iter()
        .filter(|call| call.members == ["Timeout"])
        .map(|call| call.status)
        .collect();
    assert_eq!(theirs, [Some(409)]);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_publishes_while_a_size_is_set_gets_a_version_of_that_size_and_keeps_it() {
    let world = World::new().await;
    let release = somebody("POST", "versions", json!({"Description": "release 8"}));
    world.fault("PublishVersion", 2, Fault::First(release));
    let outcome = world.tune("one", json!({})).await.expect("an outcome");
    let now = world.now();
    let [theirs] = now.versions.as_slice() else {
        panic!("not one version: {:?}", now.versions);
    };
    assert_eq!(theirs.description, "release 8");
    assert_eq!(theirs.memory_mb, 128, "and not the function's 512");
    assert_eq!(outcome["sizes"][0]["status"], "measured");
    assert_eq!(world.memory(), 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_of_exactly_the_size_that_is_set_looks_like_the_tuners() {
    let world = World::new().await;
    let deployment = somebody("PUT", "configuration", json!({"MemorySize": 128}));
    world.fault("PublishVersion", 2, Fault::First(deployment));
    world.tune("one", json!({})).await.expect("an outcome");
    // They had deployed 128.
    assert_eq!(world.memory(), 512);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sets_the_size_published_last_and_publishes_gets_the_tuners_version() {
    let world = World::with(FunctionSpec {
        update_ms: Some(1.0),
        ..FunctionSpec::named(FUNCTION)
    })
    .await;
    let deployment = somebody("PUT", "configuration", json!({"MemorySize": 1024}));
    world.fault("Invoke", 1, Fault::First(deployment));
    let mut release = somebody("POST", "versions", json!({"Description": "release 8"}));
    let alias = json!({"Name": "live", "FunctionVersion": "3"});
    release.extend(somebody("POST", "aliases", alias));
    world.fault("Invoke", 8, Fault::First(release));
    let outcome = world.tune("one", json!({})).await.expect("an outcome");
    let now = world.now();
    let [kept] = now.versions.as_slice() else {
        panic!("not the one with the alias: {:?}", now.versions);
    };
    assert!(kept.description.starts_with("power-tuner arn:"), "{kept:?}");
    assert_eq!(outcome["keptVersions"][0]["number"], kept.version.as_str());
    assert_eq!(world.memory(), 1024, "their deployment stays");
}
