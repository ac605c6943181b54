//! What the stack stores of its outcomes.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use ureq::Agent;

use super::known_curve;
use crate::given;
use crate::harness::{Bench, wait_until};

/// Reads what an `s3://` location names, which must lie where the stack stores.
fn read(bench: &Bench, location: &Value) -> Result<(String, String)> {
    let location = location.as_str().context("a location")?;
    let bucket = bench.local.stack_output("ReportBucketName");
    let key = location.strip_prefix(&format!("s3://{bucket}/"));
    let key = key.with_context(|| format!("`{location}` is in another bucket"))?;
    ensure!(key.starts_with(given::REPORT_PREFIX), "{key}");
    let agent = Agent::new_with_defaults();
    let mut answer = agent
        .get(format!("{}/{bucket}/{key}", bench.local.endpoint()))
        .call()?;
    let kind = answer.headers()["content-type"].to_str()?.to_owned();
    Ok((kind, answer.body_mut().read_to_string()?))
}

pub fn an_outcome_is_stored_in_the_bucket_of_the_stack(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let input = json!({"powerValues": [512, 1024], "strategy": "speed", "reportLink": true});
    let (execution, outcome) = target.tune(input)?;
    let report = &outcome["report"];
    ensure!(report["error"].is_null(), "{report:#}");
    let (kind, page) = read(bench, &report["html"])?;
    ensure!(kind.starts_with("text/html"), "{kind}");
    ensure!(page.contains(&execution), "it names the execution");
    let (kind, stored) = read(bench, &report["json"])?;
    ensure!(kind == "application/json", "{kind}");
    let mut without = outcome.clone();
    without
        .as_object_mut()
        .context("an object")?
        .remove("report");
    ensure!(
        serde_json::from_str::<Value>(&stored)? == without,
        "{stored}"
    );
    let link = report["link"].as_str().context("a link")?;
    let through = Agent::new_with_defaults()
        .get(link)
        .call()?
        .body_mut()
        .read_to_string()?;
    ensure!(through == page, "another page is behind the link");

    // The next one is compared with it.
    let input = json!({"powerValues": [1024, 3008], "strategy": "speed"});
    let (_, outcome) = target.tune(input)?;
    let moved = &outcome["report"]["moved"];
    ensure!(moved["from"] == 1024 && moved["to"] == 3008, "{outcome:#}");
    target.is_as_before()
}

pub fn an_outcome_is_a_line_of_metrics_and_a_dry_run_is_none(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let (_, outcome) = target.tune(json!({"powerValues": [512, 1024]}))?;
    let tried = bench.another_function("tried", known_curve())?;
    tried.tune(json!({"powerValues": [512], "dryRun": true}))?;
    // Logs come a moment later.
    wait_until(|| Ok(!bench.metrics_of(&target.name)?.is_empty()))?;
    let lines = bench.metrics_of(&target.name)?;
    let [line] = lines.as_slice() else {
        bail!("not one line: {lines:#?}");
    };
    ensure!(
        line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "PowerTuner",
        "{line:#}"
    );
    ensure!(
        line["group"]
            .as_str()
            .is_some_and(|group| group.contains("Optimizer")),
        "{line:#}"
    );
    ensure!(line["Strategy"] == "cost", "{line:#}");
    for (metric, key) in [
        ("BestMemory", "power"),
        ("BestCost", "cost"),
        ("BestDuration", "duration"),
    ] {
        let both = (line[metric].as_f64(), outcome[key].as_f64());
        ensure!(both.0.is_some() && both.0 == both.1, "{metric}: {both:?}");
    }
    ensure!(
        bench.metrics_of(&tried.name)?.is_empty(),
        "a dry run says nothing of time or cost"
    );
    Ok(())
}

/// A queue that gets what is published to the stack's topic from now on.
fn told(bench: &Bench) -> Result<impl Fn() -> Result<Vec<String>>> {
    let aws = bench.local.aws();
    let made = json!({"QueueName": "told"});
    let made = aws.call("sqs", "AmazonSQS.CreateQueue", &made)?;
    let url = made["QueueUrl"].as_str().context("a queue")?.to_owned();
    let subscription = [
        ("TopicArn", bench.local.stack_output("NotificationTopicArn")),
        ("Protocol", "sqs"),
        ("Endpoint", "arn:aws:sqs:us-east-1:123456789012:told"),
        ("Attributes.entry.1.key", "RawMessageDelivery"),
        ("Attributes.entry.1.value", "true"),
    ];
    aws.query("sns", "Subscribe", "2010-03-31", &subscription)?;
    let messages = Mutex::new(Vec::new());
    Ok(move || {
        let request = json!({"QueueUrl": url, "MaxNumberOfMessages": 10});
        let received = aws.call("sqs", "AmazonSQS.ReceiveMessage", &request)?;
        let mut messages = messages.lock().unwrap_or_else(PoisonError::into_inner);
        for message in received["Messages"].as_array().into_iter().flatten() {
            messages.push(message["Body"].as_str().context("a body")?.to_owned());
        }
        Ok(messages.clone())
    })
}

pub fn people_are_told_of_an_execution_that_fails_and_of_a_recommendation_that_moved(
    bench: &Bench,
) -> Result<()> {
    let told = told(bench)?;
    let about = |execution: &str| {
        let all = told()?.into_iter();
        let about: Vec<String> = all.filter(|text| text.contains(execution)).collect();
        Ok::<_, anyhow::Error>(about)
    };
    let target = bench.function_named("whose-recommendation-moves", known_curve())?;
    let sizes = |sizes: [u32; 2]| json!({"powerValues": sizes, "strategy": "speed"});
    let (first, _) = target.tune(sizes([512, 1024]))?;
    let (same, _) = target.tune(sizes([512, 1024]))?;
    let (moved, outcome) = target.tune(sizes([1024, 3008]))?;
    wait_until(|| Ok(!about(&moved)?.is_empty()))?;
    let news = &outcome["report"]["moved"]["news"];
    ensure!(about(&moved)?.iter().all(|text| text == news), "{news}");
    for execution in [first, same] {
        ensure!(about(&execution)?.is_empty(), "{:?}", about(&execution)?);
    }
    let input = json!({"lambdaARN": target.name, "num": 1});
    let (failed, _) = bench.execute(&input)?;
    wait_until(|| Ok(!about(&failed)?.is_empty()))?;
    for part in ["ended as FAILED", "Error: InvalidInput", "`num`"] {
        ensure!(about(&failed)?[0].contains(part), "{:?}", about(&failed)?);
    }
    target.is_as_before()
}

pub fn a_dry_run_is_stored_nowhere(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let (_, outcome) = target.tune(json!({"powerValues": [512], "dryRun": true}))?;
    ensure!(outcome["dryRun"] == true, "{outcome:#}");
    ensure!(outcome["report"].is_null(), "{outcome:#}");
    Ok(())
}

/// What else the bucket is, the step `parameters` sees in the template: local AWS makes it without that.
pub fn the_bucket_of_the_stack_refuses_calls_without_tls(bench: &Bench) -> Result<()> {
    let bucket = bench.local.stack_output("ReportBucketName");
    let url = format!("{}/{bucket}?policy", bench.local.endpoint());
    let policy = ureq::get(url).call()?.body_mut().read_to_string()?;
    let policy: Value = serde_json::from_str(&policy)?;
    let denied = &policy["Statement"][0];
    ensure!(
        denied["Effect"] == "Deny" && denied["Condition"]["Bool"]["aws:SecureTransport"] == "false",
        "{policy:#}"
    );
    Ok(())
}
