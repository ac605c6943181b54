//! What cannot be tuned is refused before anything is touched.

use power_tuner_lambda_sim::{DurableSpec, FunctionSpec, FunctionState};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World};

fn named() -> FunctionSpec {
    FunctionSpec::named(FUNCTION)
}

/// The tuning is refused with that reason, and only read before.
async fn is_refused(world: &World, input: Value, reason: &str) {
    world.remember();
    world.sim.forget_calls();
    let failure = world.fail_to_tune("one", input).await;
    assert_eq!(failure.error, "UnsupportedFunction", "{}", failure.cause);
    assert!(
        failure.cause.contains(reason),
        "`{reason}` is not in `{}`",
        failure.cause
    );
    for call in world.sim.calls() {
        let reads = call.action.starts_with("Get") || call.action.starts_with("Describe");
        assert!(reads, "{call:?}");
    }
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_of_functions_that_have_no_best_memory_size_are_refused() {
    let cases = [
        (
            FunctionSpec {
                capacity_provider: Some(
                    "arn:aws:lambda:us-east-1:123456789012:capacity-provider:p".to_owned(),
                ),
                ..named()
            },
            "it runs on managed instances",
        ),
        (
            FunctionSpec {
                durable: Some(DurableSpec {
                    execution_timeout: 60,
                    retention_period_in_days: 1,
                }),
                ..named()
            },
            "it is a durable function",
        ),
        (
            FunctionSpec {
                tenant_isolation: true,
                ..named()
            },
            "it isolates tenants",
        ),
    ];
    for (spec, reason) in cases {
        let world = World::with(spec).await;
        is_refused(&world, json!({}), reason).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_nobody_can_call_is_refused() {
    let world = World::new().await;
    let none = json!({"ReservedConcurrentExecutions": 0});
    world
        .own_since("PUT", "2017-10-31", "concurrency", none)
        .await;
    is_refused(&world, json!({}), "its reserved concurrency is 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_does_not_work_is_refused() {
    let world = World::new().await;
    world
        .sim
        .set_state(FUNCTION, "$LATEST", FunctionState::Failed, Some("no image"))
        .expect("a function");
    is_refused(&world, json!({}), "its state is Failed (no image)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tuner_does_not_tune_itself() {
    let world = World::new().await;
    world
        .sim
        .create(FunctionSpec::named("Executor"))
        .expect("a function");
    let itself = json!({"lambdaARN": "Executor"});
    is_refused(
        &world,
        itself,
        "it is one of the power tuner's own functions",
    )
    .await;
}

/// Version 1 is what `$LATEST` was, and version 2 what it is now.
async fn deployed(change: Value) -> World {
    let world = World::new().await;
    world
        .own("POST", "versions", json!({"Description": "one"}))
        .await;
    world.own("PUT", "configuration", change).await;
    world.is_settled().await;
    world
        .own("POST", "versions", json!({"Description": "two"}))
        .await;
    world.is_settled().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_with_other_settings_than_latest_is_refused() {
    let world = deployed(json!({"Environment": {"Variables": {"STAGE": "new"}}})).await;
    let other = json!({"lambdaARN": "f:1"});
    let reason = "`1` is version 1, which differs from `$LATEST` in Environment;";
    is_refused(&world, other, reason).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_of_other_code_than_latest_is_refused() {
    let world = World::new().await;
    world.own("POST", "versions", json!({})).await;
    let alias = json!({"Name": "live", "FunctionVersion": "1"});
    world.own("POST", "aliases", alias).await;
    world
        .own("PUT", "code", json!({"ZipFile": "bmV3IGNvZGU="}))
        .await;
    world.is_settled().await;
    let live = json!({"lambdaARN": "f:live"});
    let reason = "`live` is version 1, which differs from `$LATEST` in CodeSha256 and CodeSize;";
    is_refused(&world, live, reason).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_in_the_middle_of_a_deployment_is_refused() {
    let world = deployed(json!({"MemorySize": 1024})).await;
    let weights = json!({"AdditionalVersionWeights": {"1": 0.1}});
    let alias = json!({"Name": "live", "FunctionVersion": "2", "RoutingConfig": weights});
    world.own("POST", "aliases", alias).await;
    let live = json!({"lambdaARN": "f:live"});
    is_refused(
        &world,
        live,
        "gives a share of its calls to another version",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_to_optimise_that_has_other_code_is_refused() {
    let world = World::new().await;
    world.own("POST", "versions", json!({})).await;
    let alias = json!({"Name": "live", "FunctionVersion": "1"});
    world.own("POST", "aliases", alias).await;
    world
        .own("PUT", "code", json!({"ZipFile": "bmV3IGNvZGU="}))
        .await;
    world.is_settled().await;
    let optimize = json!({"autoOptimize": true, "autoOptimizeAlias": "live"});
    let reason = "`live` is version 1, which differs from `$LATEST` in CodeSha256 and CodeSize;";
    is_refused(&world, optimize, reason).await;
    // What is not applied is nobody's risk.
    let only_named = json!({"autoOptimizeAlias": "live"});
    world.tune("two", only_named).await.expect("an outcome");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_that_differs_in_memory_alone_is_tuned() {
    let world = deployed(json!({"MemorySize": 1024})).await;
    let alias = json!({"Name": "live", "FunctionVersion": "1"});
    world.own("POST", "aliases", alias).await;
    world.remember();
    let input = json!({"lambdaARN": "f:live", "includeOutputResults": true});
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(world.plan("one")["target"]["current"], 512);
    assert_eq!(world.plan("one")["target"]["memory"], 1024);
    let reason = outcome["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("at the current 512 MB"),
        "compared with what the alias has: {reason}"
    );
    world.is_as_before();
}
