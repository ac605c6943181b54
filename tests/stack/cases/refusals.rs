//! Functions that are not tuned: found out before anything is touched.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{contains, known_curve};
use crate::harness::{Bench, Target};

fn is_refused(target: &Target, input: Value, reason: &str) -> Result<()> {
    let changes = target.changes()?;
    let (error, cause) = target.fail_to_tune(input)?;
    ensure!(error == "UnsupportedFunction", "{error}: {cause}");
    let arn_or_name = &target.name;
    contains(&cause, &format!("`{arn_or_name}` cannot be tuned: "))?;
    contains(&cause, reason)?;
    ensure!(target.changes()? == changes, "it was changed");
    target.is_untouched()
}

pub fn what_cannot_be_tuned_is_refused_and_left_alone(bench: &Bench) -> Result<()> {
    let provider = "arn:aws:lambda:us-east-1:123456789012:capacity-provider:mine";
    let durable = json!({"executionTimeout": 3600, "retentionPeriodInDays": 14});
    let cases = [
        (
            "1",
            json!({"capacityProvider": provider}),
            "it runs on managed instances",
        ),
        ("2", json!({"durable": durable}), "it is a durable function"),
        ("3", json!({"tenantIsolation": true}), "it isolates tenants"),
    ];
    for (name, spec, reason) in cases {
        let target = bench.another_function(name, spec)?;
        is_refused(&target, json!({"powerValues": [256, 1024]}), reason)?;
    }
    let mut target = bench.another_function("4", known_curve())?;
    target.reserve(0)?;
    target.remember()?;
    is_refused(
        &target,
        json!({"powerValues": [256, 1024]}),
        "its reserved concurrency is 0, so that nobody can call it; raise that first",
    )
}

pub fn a_version_that_is_not_like_latest_is_refused_and_left_alone(bench: &Bench) -> Result<()> {
    let environment = json!({"Environment": {"Variables": {"STAGE": "new"}}});
    let code = json!({"ZipFile": "b3RoZXIgY29kZQ=="});
    let cases = [
        (
            "live",
            "/code",
            code,
            "`live` is version 1, which differs from `$LATEST` in CodeSha256 and CodeSize;",
        ),
        (
            "1",
            "/configuration",
            environment,
            "`1` is version 1, which differs from `$LATEST` in Environment;",
        ),
    ];
    for (qualifier, path, deployment, reason) in cases {
        let mut target = bench.another_function(qualifier, known_curve())?;
        let version = target.publish("release 7")?;
        target.point("live", &version)?;
        target.deploy(path, &deployment)?;
        target.remember()?;
        let qualified = format!("{}:{qualifier}", target.name);
        is_refused(&target, json!({"lambdaARN": qualified}), reason)?;
    }

    let mut target = bench.another_function("w", known_curve())?;
    let first = target.publish("release 7")?;
    target.configure(&json!({"MemorySize": 1024}))?;
    let second = target.publish("release 8")?;
    let weights = json!({"AdditionalVersionWeights": {second: 0.1}});
    let alias = json!({"Name": "live", "FunctionVersion": first, "RoutingConfig": weights});
    target.own("POST", "/aliases", &alias)?;
    target.remember()?;
    let qualified = format!("{}:live", target.name);
    is_refused(
        &target,
        json!({"lambdaARN": qualified}),
        "the alias `live` gives a share of its calls to another version; finish that deployment first",
    )
}

pub fn the_tuners_own_functions_are_refused(bench: &Bench) -> Result<()> {
    let cleaner = bench.local.stack_output("CleanerFunctionName");
    let target = bench.function_named(cleaner, known_curve())?;
    is_refused(
        &target,
        json!({"powerValues": [256, 1024]}),
        "it is one of the power tuner's own functions",
    )
}

pub fn a_version_with_another_memory_size_only_is_tuned(bench: &Bench) -> Result<()> {
    let mut target = bench.function(known_curve())?;
    let version = target.publish("release 7")?;
    target.point("live", &version)?;
    target.configure(&json!({"MemorySize": 1024}))?;
    target.remember()?;
    let arn = format!(
        "arn:aws:lambda:us-east-1:123456789012:function:{}:live",
        target.name
    );
    let (_, outcome) = target.tune(json!({"lambdaARN": arn, "powerValues": [256, 512]}))?;
    ensure!(outcome["power"] == 512, "{outcome:#}");
    target.is_as_before()
}
