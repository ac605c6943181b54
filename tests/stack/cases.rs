//! The cases. Each says in its name what is guaranteed.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::differences::the_simulator_differs_from_local_aws_only_where_it_is_documented;
use crate::harness::{Bench, failed, wait_until};

pub type Case = fn(&Bench) -> Result<()>;

macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        pub const ALL: [(&str, Case); [$(stringify!($name)),+].len()] = [$((stringify!($name), $name)),+];
    };
}

cases![
    the_cheapest_size_wins_by_cost,
    the_fastest_size_wins_by_speed,
    the_best_balanced_size_wins_by_both,
    a_size_that_always_fails_does_not_keep_the_others_from_an_answer,
    one_failed_size_fails_the_run_where_the_input_says_so,
    a_function_that_fails_at_every_size_is_a_failed_execution,
    a_function_that_times_out_is_named_as_such,
    a_missing_function_is_a_failed_execution,
    every_fault_of_an_input_is_reported_before_anything_is_touched,
    an_input_that_is_no_object_is_a_failed_execution_too,
    an_execution_stopped_while_measuring_leaves_no_trace,
    a_failure_in_the_middle_of_publishing_leaves_no_trace,
    a_clean_up_that_fails_is_said_and_made_up_for_by_the_event,
    a_clean_up_that_was_done_is_not_repeated_by_the_event,
    a_version_of_the_users_is_measured_and_kept,
    the_users_next_publish_returns_no_version_of_ours,
    a_version_that_an_alias_points_to_is_left_alone,
    the_best_size_is_applied_where_the_input_asks_for_it,
    json_logs_are_read_as_well_as_text,
    a_parallel_tuning_measures_with_the_payload,
    throttled_calls_are_made_again_and_counted,
    every_line_of_the_logs_names_the_execution,
    the_simulator_differs_from_local_aws_only_where_it_is_documented,
];

/// Cost in ms × MB: 256,000, 230,400, 204,800, 235,520, 601,600. So 512 MB is the cheapest and 3,008 MB the fastest;
/// in the middle (weight 0.5) 1,024 MB has the smallest sum of shares: 0.196 + 0.058.
fn known_curve() -> Value {
    let points = json!([
        [128, 2000],
        [256, 900],
        [512, 400],
        [1024, 230],
        [3008, 200]
    ]);
    json!({"behaviour": {"duration": {"kind": "points", "points": points}}})
}

const SIZES: [u32; 5] = [128, 256, 512, 1024, 3008];

/// arm64 in us-east-1, from the price table's source.
const PER_GB_SECOND: f64 = 1.33334e-5;
const PER_TRANSITION: f64 = 2.5e-5;

fn strategy_finds(bench: &Bench, strategy: &str, memory: u32, duration_ms: f64) -> Result<()> {
    let target = bench.function(known_curve())?;
    let input = json!({"powerValues": SIZES, "num": 10, "strategy": strategy, "includeOutputResults": true});
    let (execution, outcome) = target.tune(input)?;
    ensure!(outcome["power"] == memory, "{outcome:#}");
    // One call in ten was a cold start; the trimmed mean leaves it out, so the numbers are exact.
    close(&outcome["duration"], duration_ms)?;
    let cost = duration_ms / 1000.0 * f64::from(memory) / 1024.0 * PER_GB_SECOND;
    close(&outcome["cost"], cost)?;
    let stats = outcome["stats"].as_array().context("`stats`")?;
    ensure!(stats.len() == SIZES.len(), "{stats:?}");
    close(
        &outcome["stateMachine"]["executionCost"],
        transitions(bench, &execution)? * PER_TRANSITION,
    )?;
    ensure!(target.calls()? == 50, "{} calls", target.calls()?);
    target.is_as_before()
}

/// The states that an execution entered. Local AWS does not write those of a Map's branches into the history, but it
/// does write their tasks: each run of the executor is followed by a choice, and each branch ends with one more state.
fn transitions(bench: &Bench, execution: &str) -> Result<f64> {
    let history = bench.local.aws().history(execution)?;
    let kinds = || history.iter().filter_map(|event| event["type"].as_str());
    let entered = kinds()
        .filter(|kind| kind.ends_with("StateEntered"))
        .count();
    let tasks = kinds().filter(|kind| *kind == "TaskScheduled").count();
    let top_level_tasks = kinds().filter(|kind| *kind == "TaskStateEntered").count();
    let executors = tasks - top_level_tasks;
    ensure!(executors >= SIZES.len(), "{executors} runs of the executor");
    Ok(f64::from(u32::try_from(
        entered + 2 * executors + SIZES.len(),
    )?))
}

fn the_cheapest_size_wins_by_cost(bench: &Bench) -> Result<()> {
    strategy_finds(bench, "cost", 512, 400.0)
}

fn the_fastest_size_wins_by_speed(bench: &Bench) -> Result<()> {
    strategy_finds(bench, "speed", 3008, 200.0)
}

fn the_best_balanced_size_wins_by_both(bench: &Bench) -> Result<()> {
    strategy_finds(bench, "balanced", 1024, 230.0)
}

fn a_size_that_always_fails_does_not_keep_the_others_from_an_answer(bench: &Bench) -> Result<()> {
    let target = bench.function(json!({"preset": "fails-below-256mb"}))?;
    let (_, outcome) = target.tune(json!({"powerValues": [128, 256, 512]}))?;
    let sizes = &outcome["sizes"];
    ensure!(sizes[0]["status"] == "failed", "{sizes:#}");
    contains(&sizes[0]["reason"], "the function ran out of memory")?;
    ensure!(sizes[1]["status"] == "measured", "{sizes:#}");
    ensure!(sizes[2]["status"] == "measured", "{sizes:#}");
    ensure!(outcome["power"] != 128, "{outcome:#}");
    target.is_as_before()
}

fn one_failed_size_fails_the_run_where_the_input_says_so(bench: &Bench) -> Result<()> {
    let target = bench.function(json!({"preset": "fails-below-256mb"}))?;
    let input = json!({"powerValues": [128, 256], "onFailure": "fail"});
    let (error, cause) = target.fail_to_tune(input)?;
    ensure!(error == "InvocationFailed", "{error}: {cause}");
    contains(
        &json!(cause),
        "128 MB could not be measured, and `onFailure` is `fail`: the function ran out of memory",
    )?;
    target.is_as_before()
}

fn a_function_that_fails_at_every_size_is_a_failed_execution(bench: &Bench) -> Result<()> {
    let fails_with = json!({"errorType": "KeyError", "errorMessage": "'orderId'"});
    let target = bench.function(json!({"behaviour": {"failsWith": fails_with}}))?;
    let (error, cause) = target.fail_to_tune(json!({"powerValues": [128, 512]}))?;
    ensure!(error == "NoMeasurements", "{error}: {cause}");
    contains(
        &json!(cause),
        "no memory size gave a result: all 2 sizes failed alike: the function failed: 'orderId' (KeyError)",
    )?;
    target.is_as_before()
}

fn a_function_that_times_out_is_named_as_such(bench: &Bench) -> Result<()> {
    let slow = json!({"kind": "formula", "baseMs": 5000});
    let target = bench.function(json!({"timeoutS": 3, "behaviour": {"duration": slow}}))?;
    let (error, cause) = target.fail_to_tune(json!({"powerValues": [128]}))?;
    ensure!(error == "NoMeasurements", "{error}: {cause}");
    contains(
        &json!(cause),
        "128 MB: the function timed out, after its timeout of 3 s",
    )?;
    target.is_as_before()
}

fn a_missing_function_is_a_failed_execution(bench: &Bench) -> Result<()> {
    let (_, ended) = bench.execute(&json!({"lambdaARN": "no-such-function", "num": 5}))?;
    let (error, cause) = failed(ended)?;
    ensure!(error == "FunctionNotFound", "{error}: {cause}");
    ensure!(
        cause
            == "function `no-such-function` was not found; check its name or ARN, and that its region and account are the tuner's",
        "{cause}"
    );
    Ok(())
}

fn every_fault_of_an_input_is_reported_before_anything_is_touched(bench: &Bench) -> Result<()> {
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

fn an_input_that_is_no_object_is_a_failed_execution_too(bench: &Bench) -> Result<()> {
    let (_, ended) = bench.execute(&json!(["my-function"]))?;
    let (error, cause) = failed(ended)?;
    ensure!(error == "InvalidInput", "{error}: {cause}");
    contains(
        &json!(cause),
        "must be a JSON object with at least `lambdaARN` and `num`",
    )
}

fn an_execution_stopped_while_measuring_leaves_no_trace(bench: &Bench) -> Result<()> {
    // Each call takes two real seconds: it is still being measured when the execution is stopped.
    let slow = json!({"kind": "formula", "baseMs": 100_000});
    let target = bench.function(json!({"timeoutS": 900, "behaviour": {"duration": slow}}))?;
    let execution = target.start(json!({"powerValues": [128, 512, 1024], "num": 50}))?;
    wait_until(|| Ok(target.calls()? >= 3))?;
    ensure!(
        target.now()?["versions"].as_array().map(Vec::len) == Some(3),
        "there is something to clean up"
    );
    bench.local.aws().stop_execution(&execution)?;
    let ended = bench.local.aws().describe_execution(&execution)?;
    ensure!(ended.status == "ABORTED", "{ended:?}");
    target.becomes_as_before()
}

fn a_failure_in_the_middle_of_publishing_leaves_no_trace(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let fault = json!({
        "action": "PublishVersion",
        "function": target.name,
        "nth": 3,
        "fault": {"status": 403, "errorType": "AccessDeniedException"},
    });
    target.own("POST", "/_sim/faults", &fault)?;
    let (error, cause) = target.fail_to_tune(json!({"powerValues": SIZES}))?;
    ensure!(error == "AccessDenied", "{error}: {cause}");
    contains(
        &json!(cause),
        "the tuner may not call `lambda:PublishVersion`",
    )?;
    ensure!(target.calls()? == 0, "nothing was measured");
    target.is_as_before()
}

fn a_clean_up_that_fails_is_said_and_made_up_for_by_the_event(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    // Two versions, and the state machine cleans up twice: after the analysis, and after that failed.
    let fault = json!({
        "action": "DeleteFunction",
        "function": target.name,
        "times": 4,
        "fault": {"status": 403, "errorType": "AccessDeniedException"},
    });
    target.own("POST", "/_sim/faults", &fault)?;
    let (error, cause) = target.fail_to_tune(json!({"powerValues": [256, 1024]}))?;
    ensure!(error == "AccessDenied", "{error}: {cause}");
    contains(
        &json!(cause),
        "the tuner may not call `lambda:DeleteFunction`",
    )?;
    contains(&json!(cause), "; after that, cleaning up failed: ")?;
    target.becomes_as_before()
}

fn a_clean_up_that_was_done_is_not_repeated_by_the_event(bench: &Bench) -> Result<()> {
    let fails_with = json!({"errorType": "KeyError", "errorMessage": "x"});
    let target = bench.function(json!({"behaviour": {"failsWith": fails_with}}))?;
    let execution = target.start(json!({"powerValues": [128, 512]}))?;
    let aws = bench.local.aws();
    wait_until(|| Ok(!aws.describe_execution(&execution)?.is_running()))?;
    // Its owner gives it one of the sizes that were tuned, before the event arrives.
    let path = format!("/2015-03-31/functions/{}/configuration", target.name);
    target.own("PUT", &path, &json!({"MemorySize": 128}))?;
    wait_until(|| {
        Ok(logs(bench)?.iter().any(|line| {
            line["message"] == "it cleaned up itself" && line["span"]["execution"] == execution
        }))
    })?;
    let memory = &target.now()?["latest"]["configuration"]["MemorySize"];
    ensure!(*memory == 128, "{memory}");
    Ok(())
}

fn versions(name: &str) -> String {
    format!("/2015-03-31/functions/{name}/versions")
}

fn a_version_of_the_users_is_measured_and_kept(bench: &Bench) -> Result<()> {
    let mut target = bench.function(known_curve())?;
    target.own(
        "POST",
        &versions(&target.name),
        &json!({"Description": "release 7"}),
    )?;
    wait_until(|| Ok(target.now()?["versions"][0]["state"] == "Active"))?;
    target.remember()?;
    let (_, outcome) = target.tune(json!({"powerValues": [512, 1024]}))?;
    ensure!(outcome["sizes"][0]["status"] == "measured", "{outcome:#}");
    target.is_as_before()
}

fn the_users_next_publish_returns_no_version_of_ours(bench: &Bench) -> Result<()> {
    // The function has 512 MB, so the only version that is wanted is of the original size.
    let slow = json!({"kind": "formula", "baseMs": 20_000});
    let target = bench.function(json!({"timeoutS": 900, "behaviour": {"duration": slow}}))?;
    let execution = target.start(json!({"powerValues": [512]}))?;
    wait_until(|| Ok(target.calls()? > 0))?;
    let published = target.own(
        "POST",
        &versions(&target.name),
        &json!({"Description": "release 8"}),
    )?;
    ensure!(published["Description"] == "release 8", "{published:#}");
    let aws = bench.local.aws();
    wait_until(|| Ok(!aws.describe_execution(&execution)?.is_running()))?;
    let now = target.now()?;
    ensure!(
        now["versions"].as_array().map(Vec::len) == Some(1)
            && now["versions"][0]["description"] == "release 8",
        "theirs and nothing else: {:#}",
        now["versions"]
    );
    Ok(())
}

fn a_version_that_an_alias_points_to_is_left_alone(bench: &Bench) -> Result<()> {
    let slow = json!({"kind": "formula", "baseMs": 20_000});
    let target = bench.function(json!({"timeoutS": 900, "behaviour": {"duration": slow}}))?;
    let execution = target.start(json!({"powerValues": [256, 1024]}))?;
    wait_until(|| Ok(target.calls()? > 0))?;
    let adopted = target.now()?["versions"][0]["version"].clone();
    let aliases = format!("/2015-03-31/functions/{}/aliases", target.name);
    target.own(
        "POST",
        &aliases,
        &json!({"Name": "live", "FunctionVersion": adopted}),
    )?;
    let aws = bench.local.aws();
    wait_until(|| Ok(!aws.describe_execution(&execution)?.is_running()))?;
    let now = target.now()?;
    ensure!(
        now["versions"].as_array().map(Vec::len) == Some(1)
            && now["versions"][0]["version"] == adopted,
        "{:#}",
        now["versions"]
    );
    let ended = aws.describe_execution(&execution)?;
    ensure!(ended.status == "SUCCEEDED", "{ended:?}");
    let kept = &ended.output.context("an output")?["keptVersions"];
    ensure!(
        kept[0]["number"] == adopted && kept[1].is_null(),
        "{kept:#}"
    );
    Ok(())
}

fn the_best_size_is_applied_where_the_input_asks_for_it(bench: &Bench) -> Result<()> {
    let mut target = bench.function(known_curve())?;
    let (_, outcome) = target
        .tune(json!({"powerValues": [512, 3008], "strategy": "speed", "autoOptimize": true}))?;
    ensure!(
        outcome["optimization"] == json!({"from": 512, "to": 3008, "changed": true}),
        "{outcome:#}"
    );
    let memory =
        || Ok::<_, anyhow::Error>(target.now()?["latest"]["configuration"]["MemorySize"].clone());
    ensure!(memory()? == 3008, "{}", memory()?);
    // Besides its memory the function is as it was: give that back and compare.
    let path = format!("/2015-03-31/functions/{}/configuration", target.name);
    target.own("PUT", &path, &json!({"MemorySize": 512}))?;
    target.becomes_as_before()?;
    target.remember()
}

fn json_logs_are_read_as_well_as_text(bench: &Bench) -> Result<()> {
    let target = bench.function(json!({"preset": "json-logs"}))?;
    let (_, outcome) = target.tune(json!({"powerValues": [128, 1024]}))?;
    for size in outcome["sizes"].as_array().context("`sizes`")? {
        ensure!(size["status"] == "measured", "{size:#}");
        ensure!(
            size["unmatched"] == 0 && size["withoutReport"] == 0,
            "{size:#}"
        );
        ensure!(size["coldStarts"] == 1, "{size:#}");
    }
    target.is_as_before()
}

fn a_parallel_tuning_measures_with_the_payload(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let input = json!({"powerValues": [512], "num": 8, "parallelInvocation": true, "payload": {"order": 7}});
    let (_, outcome) = target.tune(input)?;
    ensure!(
        outcome["sizes"][0]["coldStarts"] == 8,
        "all at once means an environment for each: {outcome:#}"
    );
    let now = target.now()?;
    let payloads = now["payloads"].as_array().context("`payloads`")?;
    ensure!(payloads.len() == 8, "{payloads:?}");
    ensure!(
        payloads
            .iter()
            .all(|received| received["payload"] == json!({"order": 7})),
        "{payloads:?}"
    );
    target.is_as_before()
}

fn throttled_calls_are_made_again_and_counted(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let fault = json!({
        "action": "Invoke",
        "function": target.name,
        "times": 3,
        "fault": {"status": 429, "errorType": "TooManyRequestsException"},
    });
    target.own("POST", "/_sim/faults", &fault)?;
    let (_, outcome) = target.tune(json!({"powerValues": [512]}))?;
    ensure!(outcome["sizes"][0]["throttles"] == 3, "{outcome:#}");
    ensure!(outcome["sizes"][0]["calls"] == 5, "{outcome:#}");
    target.is_as_before()
}

fn every_line_of_the_logs_names_the_execution(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let (execution, _) = target.tune(json!({"powerValues": [256, 1024]}))?;
    let lines = logs(bench)?;
    for line in &lines {
        let named = line["span"]["execution"].as_str().unwrap_or_default();
        ensure!(named.starts_with("arn:aws:states:"), "{line:#}");
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

/// Every line that a function of the tuner has logged so far, in any case.
fn logs(bench: &Bench) -> Result<Vec<Value>> {
    let aws = bench.local.aws();
    let groups = aws.call("logs", "Logs_20140328.DescribeLogGroups", &json!({}))?;
    let mut lines = Vec::new();
    for group in groups["logGroups"].as_array().context("`logGroups`")? {
        let query = json!({"logGroupName": group["logGroupName"]});
        let found = aws.call("logs", "Logs_20140328.FilterLogEvents", &query)?;
        for event in found["events"].as_array().into_iter().flatten() {
            let text = event["message"].as_str().unwrap_or_default();
            lines.extend(
                text.lines()
                    .filter_map(|line| serde_json::from_str::<Value>(line).ok()),
            );
        }
    }
    // Lambda's own lines are objects too, but only ours have a level.
    lines.retain(|line| line["level"].is_string());
    Ok(lines)
}

fn close(value: &Value, wanted: f64) -> Result<()> {
    let value = value.as_f64().context("a number")?;
    ensure!(
        (value - wanted).abs() <= wanted.abs() * 1e-9,
        "{value} is not {wanted}"
    );
    Ok(())
}

fn contains(text: &Value, part: &str) -> Result<()> {
    let text = text.as_str().context("a text")?;
    ensure!(text.contains(part), "`{part}` is not in `{text}`");
    Ok(())
}
