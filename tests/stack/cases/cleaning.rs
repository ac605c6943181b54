//! What is left of a tuning: nothing, however it ends; and nothing that is the user's is gone.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::{contains, known_curve, slow};
use crate::harness::{Bench, Target, failed, wait_until};

pub fn an_execution_stopped_while_measuring_leaves_no_trace(bench: &Bench) -> Result<()> {
    // Each call takes two real seconds: it is still being measured when the execution is stopped.
    let target = bench.function(slow(100_000))?;
    let execution = target.start(json!({"powerValues": [128, 512, 1024], "num": 50}))?;
    wait_until(|| Ok(target.calls()? >= 3))?;
    ensure!(
        target.versions()?.len() == 3,
        "there is something to clean up"
    );
    bench.stop(&execution)?;
    target.is_cleaned_up_after(&execution)
}

pub fn an_execution_stopped_while_publishing_leaves_no_trace(bench: &Bench) -> Result<()> {
    // Each update takes a real second.
    let target = bench.function(json!({"updateMs": 50_000}))?;
    let execution = target.start(json!({"powerValues": [128, 1024, 3008]}))?;
    wait_until(|| Ok(target.memory()? != 512))?;
    bench.stop(&execution)?;
    // Stopping an execution does not stop the function that runs for it.
    let changes = target.changes()?;
    target.is_cleaned_up_after(&execution)?;
    ensure!(target.calls()? == 0, "it was measured");
    ensure!(
        target.changes()? > changes + 1,
        "the publisher went on after that: {} changes, then {}",
        changes,
        target.changes()?
    );
    target.is_as_before()
}

pub fn a_failure_in_the_middle_of_publishing_leaves_no_trace(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    target.fault(json!({"action": "PublishVersion", "nth": 3, "fault": forbidden()}))?;
    let sizes = [128, 256, 512, 1024, 3008];
    let (error, cause) = target.fail_to_tune(json!({"powerValues": sizes}))?;
    ensure!(error == "AccessDenied", "{error}: {cause}");
    contains(&cause, "the tuner may not call `lambda:PublishVersion`")?;
    target.is_untouched()
}

fn forbidden() -> Value {
    json!({"status": 403, "errorType": "AccessDeniedException"})
}

pub fn a_clean_up_that_fails_is_said_and_made_up_for_by_the_event(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    // The state machine cleans up twice: after the analysis, and after that failed.
    target.fault(json!({"action": "DeleteFunction", "times": 2, "fault": forbidden()}))?;
    let execution = target.start(json!({"powerValues": [256]}))?;
    let (error, cause) = failed(bench.end_of(&execution)?)?;
    ensure!(error == "AccessDenied", "{error}: {cause}");
    contains(&cause, "the tuner may not call `lambda:DeleteFunction`")?;
    ensure!(
        !cause.contains("cleaning up failed"),
        "it was the clean-up that failed, and once is enough: {cause}"
    );
    target.is_cleaned_up_after(&execution)
}

pub fn a_clean_up_that_was_done_is_not_repeated_by_the_event(bench: &Bench) -> Result<()> {
    let fails_with = json!({"errorType": "KeyError", "errorMessage": "x"});
    let target = bench.function(json!({"behaviour": {"failsWith": fails_with}}))?;
    // The lock is looked for by the first step, by the clean-up, and then by the event's. Right before that one the
    // owner sets one of the sizes that were tuned.
    let deployment = json!({
        "method": "PUT",
        "path": format!("/2015-03-31/functions/{}/configuration", target.name),
        "body": {"MemorySize": 128},
    });
    target.fault(json!({"action": "GetAlias", "nth": 3, "fault": {"first": [deployment]}}))?;
    let (error, cause) = target.fail_to_tune(json!({"powerValues": [128, 512]}))?;
    ensure!(error == "NoMeasurements", "{error}: {cause}");
    // Versions are listed by the publisher, by the clean-up, and last by the event's.
    wait_until(|| Ok(target.count("ListVersionsByFunction")? >= 3))?;
    ensure!(target.memory()? == 128, "{}", target.memory()?);
    ensure!(target.versions()?.is_empty(), "{:?}", target.versions()?);
    Ok(())
}

/// Leaves a function at a size that is not its own, with its lock: nothing may put it back. Gives the execution that
/// left it.
fn not_put_back<'a>(bench: &'a Bench<'a>) -> Result<(Target<'a>, String)> {
    let target = bench.function(known_curve())?;
    let fault = json!({
        "action": "UpdateFunctionConfiguration",
        "nth": 2,
        "times": 20,
        "fault": forbidden(),
    });
    target.fault(fault)?;
    let execution = target.start(json!({"powerValues": [256, 1024]}))?;
    let (error, cause) = failed(bench.end_of(&execution)?)?;
    ensure!(error == "AccessDenied", "{error}: {cause}");
    contains(
        &cause,
        "the tuner may not call `lambda:UpdateFunctionConfiguration`",
    )?;
    contains(&cause, "it could not be put back to 512 MB")?;
    contains(&cause, "The lock stays until it is")?;
    let arn = format!(
        "arn:aws:lambda:us-east-1:123456789012:function:{}",
        target.name
    );
    let by_hand = format!(
        "By hand: aws lambda update-function-configuration --region us-east-1 --function-name {arn} --memory-size 512 && \
         aws lambda delete-alias --region us-east-1 --function-name {arn} --name power-tuner-lock"
    );
    contains(&cause, &by_hand)?;
    contains(&cause, "; after that, cleaning up failed: ")?;
    // Neither could the event's clean-up, after two attempts of the publisher's and one of the state machine's.
    let given_up = format!(" until 0, {execution}");
    wait_until(|| {
        let refused = target.refused("UpdateFunctionConfiguration")?;
        let lock = target.locked()?.context("the lock stays")?;
        Ok(refused >= 4 && lock.ends_with(&given_up))
    })?;
    ensure!(target.memory()? == 256, "{}", target.memory()?);
    ensure!(target.versions()?.is_empty(), "{:?}", target.versions()?);
    Ok((target, execution))
}

/// Uses up what is left of the fault: there is no other way to end it without those of other cases.
fn permit_updates(target: &Target) -> Result<()> {
    let harmless = json!({"RevisionId": "of-nothing"});
    wait_until(|| match target.own("PUT", "/configuration", &harmless) {
        Err(error) => Ok(error.to_string().contains("(412)")),
        Ok(answer) => bail!("a stale revision was accepted: {answer:#}"),
    })
}

pub fn the_cleaner_by_hand_puts_right_what_no_clean_up_could(bench: &Bench) -> Result<()> {
    let (target, _) = not_put_back(bench)?;
    permit_updates(&target)?;
    let cleaned = bench.clean(&json!({"function": target.name}))?;
    ensure!(cleaned["left"].is_null(), "{cleaned:#}");
    target.is_as_before()
}

pub fn the_sweep_puts_right_what_no_clean_up_could(bench: &Bench) -> Result<()> {
    let (target, execution) = not_put_back(bench)?;
    permit_updates(&target)?;
    target.becomes_as_before()?;
    let sweep = bench.local.state_machine_arn();
    wait_until(|| {
        let logs = bench.logs()?;
        let mut taken_over = logs.iter().filter(|line| line["left_by"] == execution);
        Ok(taken_over.any(|line| line["span"]["execution"] == sweep))
    })
}

pub fn the_cleaner_by_hand_leaves_a_living_execution_alone(bench: &Bench) -> Result<()> {
    let target = bench.function(slow(20_000))?;
    let execution = target.start(json!({"powerValues": [256, 1024], "num": 10}))?;
    wait_until(|| Ok(target.calls()? > 0))?;
    let cleaned = bench.clean(&json!({"function": target.name}))?;
    ensure!(cleaned["deleted"] == json!([]), "{cleaned:#}");
    ensure!(
        cleaned["left"] == json!([format!("the versions of `{execution}`, which still runs")]),
        "{cleaned:#}"
    );
    ensure!(target.versions()?.len() == 2, "{:?}", target.versions()?);
    let outcome = bench.outcome_of(&execution)?;
    for size in outcome["sizes"].as_array().context("`sizes`")? {
        ensure!(
            size["status"] == "measured" && size["calls"] == 10,
            "{size:#}"
        );
    }
    target.is_as_before()
}

pub fn the_cleaner_by_hand_deletes_versions_of_executions_that_are_gone(
    bench: &Bench,
) -> Result<()> {
    let mut target = bench.function(known_curve())?;
    target.publish("release 7")?;
    target.remember()?;
    target.configure(&json!({"MemorySize": 1024}))?;
    let ours = target.publish(&format!("power-tuner {}", bench.gone_execution()))?;
    target.configure(&json!({"MemorySize": 512}))?;
    let cleaned = bench.clean(&json!({"function": target.name}))?;
    ensure!(
        cleaned["deleted"][0]["number"] == ours && cleaned["deleted"][1].is_null(),
        "{cleaned:#}"
    );
    target.is_as_before()
}

pub fn an_event_about_an_unknown_execution_does_no_harm(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let event = json!({
        "version": "0",
        "id": "315c1398-40ff-a850-213b-158f73e60175",
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": "123456789012",
        "time": "2025-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [bench.gone_execution()],
        "detail": {
            "executionArn": bench.gone_execution(),
            "stateMachineArn": bench.local.state_machine_arn(),
            "status": "ABORTED",
            // What an event says about the input is not what is cleaned up after.
            "input": json!({"lambdaARN": target.name, "num": 5}).to_string(),
        },
    });
    let cleaned = bench.clean(&event)?;
    ensure!(cleaned["deleted"] == json!([]), "{cleaned:#}");
    ensure!(target.asked()?.is_empty(), "{:?}", target.asked()?);
    target.is_untouched()
}

pub fn an_event_that_is_lost_and_a_clean_up_that_fails_go_to_the_queue(
    bench: &Bench,
) -> Result<()> {
    let aws = bench.local.aws();
    let cleaner = bench.local.stack_output("CleanerFunctionName");
    let attributes = json!({
        "QueueUrl": bench.local.stack_output("FailedCleanUpsUrl"),
        "AttributeNames": ["All"],
    });
    let queue = aws.call("sqs", "AmazonSQS.GetQueueAttributes", &attributes)?;
    let queue = &queue["Attributes"];
    ensure!(queue["QueueArn"].is_string(), "{queue:#}");
    let policy = queue["Policy"].as_str().context("a policy")?;
    contains(policy, "events.amazonaws.com")?;

    let path = format!("/2015-03-31/functions/{cleaner}/configuration");
    let configuration = aws.rest("lambda", "GET", &path, None)?;
    let by_target = json!({"TargetArn": configuration["FunctionArn"]});
    let names = aws.call("events", "AWSEvents.ListRuleNamesByTarget", &by_target)?;
    let rule = json!({"Rule": names["RuleNames"][0]});
    let targets = aws.call("events", "AWSEvents.ListTargetsByRule", &rule)?;
    let letters = &targets["Targets"][0]["DeadLetterConfig"];
    ensure!(letters["Arn"] == queue["QueueArn"], "{targets:#}");

    // An input that it does not know is something that it fails on.
    let event = json!({"of": "nothing that is known"});
    aws.send_event(cleaner, &event)?;
    wait_until(|| {
        let failed = bench.failed_clean_ups()?;
        Ok(failed
            .iter()
            .any(|failed| failed["requestPayload"] == event))
    })
}

pub fn a_version_of_the_users_is_measured_and_kept(bench: &Bench) -> Result<()> {
    let mut target = bench.function(known_curve())?;
    target.publish("release 7")?;
    target.remember()?;
    let (_, outcome) = target.tune(json!({"powerValues": [512, 1024]}))?;
    ensure!(outcome["sizes"][0]["status"] == "measured", "{outcome:#}");
    target.is_as_before()
}

pub fn the_users_next_publish_returns_no_version_of_ours(bench: &Bench) -> Result<()> {
    // The function has 512 MB, so the only version that is wanted is of the original size.
    let target = bench.function(slow(20_000))?;
    let execution = target.start(json!({"powerValues": [512]}))?;
    wait_until(|| Ok(target.calls()? > 0))?;
    let published = target.own("POST", "/versions", &json!({"Description": "release 8"}))?;
    ensure!(published["Description"] == "release 8", "{published:#}");
    bench.outcome_of(&execution)?;
    let versions = target.versions()?;
    ensure!(
        versions.len() == 1 && versions[0]["description"] == "release 8",
        "theirs and nothing else: {versions:#?}"
    );
    Ok(())
}

pub fn a_version_that_an_alias_points_to_is_left_alone(bench: &Bench) -> Result<()> {
    let target = bench.function(slow(20_000))?;
    let execution = target.start(json!({"powerValues": [256, 1024]}))?;
    wait_until(|| Ok(target.calls()? > 0))?;
    let adopted = target.versions()?[0]["version"].clone();
    target.point("live", adopted.as_str().context("a number")?)?;
    let outcome = bench.outcome_of(&execution)?;
    let versions = target.versions()?;
    ensure!(
        versions.len() == 1 && versions[0]["version"] == adopted,
        "{versions:#?}"
    );
    let kept = &outcome["keptVersions"];
    ensure!(
        kept[0]["number"] == adopted && kept[1].is_null(),
        "{kept:#}"
    );
    Ok(())
}
