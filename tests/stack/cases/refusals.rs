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

/// Each is refused by its very words, and before anything is touched.
pub fn bad_inputs_are_refused_by_their_exact_messages(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let nan = json!({"perGbSecond": "much"});
    let weighted = json!([{"payload": 1, "weight": 0}, {"payload": 2, "weight": 1}]);
    let cases = [
        (
            json!({"num": 4}),
            "`num`: 4 is not a whole number from 5 to 5000",
        ),
        (json!({"num": null}), "`num`: is missing"),
        (
            json!({"lambdaARN": "my function"}),
            "`lambdaARN`: `my function` is not a function's name (letters, digits, `-` and `_`, at most 64)",
        ),
        (
            json!({"powerValues": [64]}),
            "`powerValues[0]`: 64 MB is outside Lambda's range of 128 to 10240 MB",
        ),
        (
            json!({"powerValues": []}),
            "`powerValues`: must be a list of memory sizes in MB, such as [128, 512, 1024], or \"ALL\"",
        ),
        (
            json!({"powerValue": [128]}),
            "`powerValue`: is not a field of the input; the nearest is `powerValues`",
        ),
        (
            json!({"strategy": "cheap"}),
            "`strategy`: \"cheap\" is not `cost`, `speed` or `balanced`",
        ),
        (
            json!({"parallelInvocation": 0}),
            "`parallelInvocation`: 0 is not true, false or a number of calls above 0",
        ),
        (
            json!({"balancedWeight": "half"}),
            "`balancedWeight`: \"half\" is not a number",
        ),
        (
            json!({"payload": weighted}),
            "`payload[0].weight`: 0 is not a number above 0",
        ),
        (
            json!({"payloadS3": "bucket/key"}),
            "`payloadS3`: `bucket/key` is not of the form s3://BUCKET/KEY",
        ),
        (
            json!({"autoOptimizeAlias": "7"}),
            "`autoOptimizeAlias`: `7` is not an alias's name (letters, digits, `-` and `_`, not digits alone, at most 128)",
        ),
        (
            json!({"sleepBetweenRunsMs": -1}),
            "`sleepBetweenRunsMs`: -1 is not a whole number of milliseconds up to 600000",
        ),
        (
            json!({"allowedExceptions": "KeyError"}),
            "`allowedExceptions`: must be a list of error names, such as [\"NotFoundError\"]",
        ),
        (
            json!({"autoOptimize": "yes"}),
            "`autoOptimize`: \"yes\" is neither true nor false",
        ),
        (
            json!({"price": nan}),
            "`price.perGbSecond`: \"much\" is not a number above 0",
        ),
    ];
    for (input, want) in cases {
        let (error, cause) = target.fail_to_tune(input)?;
        ensure!(error == "InvalidInput", "{error}: {cause}");
        ensure!(cause == format!("the input has 1 fault: {want}"), "{cause}");
    }
    ensure!(target.asked()?.is_empty(), "the function was asked for");
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
