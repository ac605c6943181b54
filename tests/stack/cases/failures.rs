//! How a tuning that cannot succeed ends, and what is said about it.

use anyhow::{Result, ensure};
use serde_json::json;

use super::{contains, known_curve};
use crate::harness::{Bench, failed};

pub fn one_failed_size_fails_the_run_where_the_input_says_so(bench: &Bench) -> Result<()> {
    let target = bench.function(json!({"preset": "fails-below-256mb"}))?;
    let input = json!({"powerValues": [128, 256], "onFailure": "fail"});
    let (error, cause) = target.fail_to_tune(input)?;
    ensure!(error == "InvocationFailed", "{error}: {cause}");
    contains(
        &cause,
        "128 MB could not be measured, and `onFailure` is `fail`: the function ran out of memory",
    )?;
    target.is_as_before()
}

pub fn a_function_that_fails_at_every_size_is_a_failed_execution(bench: &Bench) -> Result<()> {
    let fails_with = json!({"errorType": "KeyError", "errorMessage": "'orderId'"});
    let target = bench.function(json!({"behaviour": {"failsWith": fails_with}}))?;
    let (error, cause) = target.fail_to_tune(json!({"powerValues": [128, 512]}))?;
    ensure!(error == "NoMeasurements", "{error}: {cause}");
    contains(
        &cause,
        "no memory size gave a result: all 2 sizes failed alike: the function failed: 'orderId' (KeyError)",
    )?;
    target.is_as_before()
}

pub fn a_function_that_times_out_is_named_as_such(bench: &Bench) -> Result<()> {
    let slow = json!({"kind": "formula", "baseMs": 5000});
    let target = bench.function(json!({"timeoutS": 3, "behaviour": {"duration": slow}}))?;
    let (error, cause) = target.fail_to_tune(json!({"powerValues": [128]}))?;
    ensure!(error == "NoMeasurements", "{error}: {cause}");
    contains(
        &cause,
        "128 MB: the function timed out, after its timeout of 3 s",
    )?;
    target.is_as_before()
}

pub fn a_missing_function_is_a_failed_execution(bench: &Bench) -> Result<()> {
    let (_, ended) = bench.execute(&json!({"lambdaARN": "no-such-function", "num": 5}))?;
    let (error, cause) = failed(ended)?;
    ensure!(error == "FunctionNotFound", "{error}: {cause}");
    ensure!(
        cause
            == "function `no-such-function` was not found; check its name or ARN; a name alone means one in the tuner's own region and account",
        "{cause}"
    );
    Ok(())
}

pub fn every_fault_of_an_input_is_reported_before_anything_is_touched(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let input = json!({"powerValues": [64, 128], "num": 2, "stratgy": "speed"});
    let (error, cause) = target.fail_to_tune(input)?;
    ensure!(error == "InvalidInput", "{error}: {cause}");
    ensure!(
        cause
            == "the input has 3 faults: `stratgy`: is not a field of the input; the nearest is `strategy`; \
                `powerValues[0]`: 64 MB is outside Lambda's range of 128 to 10240 MB; \
                `num`: 2 is not a whole number from 5 to 5000",
        "{cause}"
    );
    ensure!(target.calls()? == 0, "the function was called");
    target.is_as_before()
}

pub fn an_input_that_is_no_object_is_a_failed_execution_too(bench: &Bench) -> Result<()> {
    let (_, ended) = bench.execute(&json!(["my-function"]))?;
    let (error, cause) = failed(ended)?;
    ensure!(error == "InvalidInput", "{error}: {cause}");
    contains(
        &cause,
        "must be a JSON object with at least `lambdaARN` and `num`",
    )
}

pub fn every_line_of_the_logs_names_the_execution(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let (execution, _) = target.tune(json!({"powerValues": [256, 1024]}))?;
    let lines = bench.logs()?;
    for line in &lines {
        let named = line["span"]["execution"].as_str().unwrap_or_default();
        // The cleaner is called by hand and by the schedule as well, for no execution.
        let is_cleaners = line["group"]
            .as_str()
            .is_some_and(|group| group.contains("Cleaner"));
        ensure!(
            named.starts_with("arn:aws:states:") || is_cleaners,
            "{line:#}"
        );
    }
    let of = |message: &str| {
        let mut found = lines.iter().filter(|line| line["message"] == message);
        found.find(|line| line["span"]["execution"] == execution)
    };
    for message in ["planned", "published", "measured", "decided", "deletion"] {
        ensure!(
            of(message).is_some(),
            "no line `{message}` among {lines:#?}"
        );
    }
    ensure!(
        of("measured").is_some_and(|line| line["span"]["memory"].is_u64()),
        "the executor's lines name the memory size: {lines:#?}"
    );
    Ok(())
}
