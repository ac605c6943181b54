//! Executions that are asked for something else than a tuning.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use ureq::Agent;

use super::{contains, known_curve};
use crate::given;
use crate::harness::{Bench, failed};

fn output_of(bench: &Bench, input: &Value) -> Result<Value> {
    let (_, ended) = bench.execute(input)?;
    ensure!(ended.status == "SUCCEEDED", "{ended:?}");
    ended.output.context("an output")
}

pub fn an_execution_puts_a_function_right(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let gone = bench.gone_execution();
    target.configure(&json!({"MemorySize": 1024}))?;
    let number = target.publish(&format!("power-tuner {gone}"))?;
    target.lock("512>1024", 1, &gone)?;
    let output = output_of(bench, &json!({"clean": target.name}))?;
    let arn = format!(
        "arn:aws:lambda:us-east-1:123456789012:function:{}",
        target.name
    );
    let cleaned = json!({
        "function": arn,
        "restored": 512,
        "deleted": [{"memory": 1024, "number": number}],
        "adopted": [],
    });
    ensure!(output == json!({"clean": cleaned}), "{output:#}");
    target.is_as_before()?;

    let (_, ended) = bench.execute(&json!({"clean": target.name, "num": 5}))?;
    let (error, cause) = failed(ended)?;
    ensure!(error == "InvalidInput", "{error}: {cause}");
    contains(
        &cause,
        "the input has 1 fault: `num`: has no meaning beside `clean`",
    )
}

pub fn the_doctor_says_what_is_wrong_and_changes_nothing(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let stack = output_of(bench, &json!({"doctor": {}}))?;
    ensure!(stack["doctor"]["healthy"] == true, "{stack:#}");
    let well = output_of(bench, &json!({"doctor": target.name}))?;
    ensure!(well["doctor"]["healthy"] == true, "{well:#}");
    let findings = well["doctor"]["findings"].as_array().context("findings")?;
    let answers = findings.iter().filter(|found| found["check"] == "answers");
    ensure!(answers.count() == 7, "{well:#}");
    let reports: Vec<&Value> = findings
        .iter()
        .filter(|found| found["step"] == "reporter")
        .map(|found| &found["check"])
        .collect();
    let bucket = bench.local.stack_output("ReportBucketName");
    let key = format!("{}{}/doctor", given::REPORT_PREFIX, target.name);
    let stored = Agent::new_with_defaults()
        .get(format!("{}/{bucket}/{key}", bench.local.endpoint()))
        .call();
    ensure!(
        matches!(stored, Err(ureq::Error::StatusCode(404))),
        "it left {stored:?}"
    );
    ensure!(
        reports == ["answers", "putObject", "getObject"],
        "{reports:?}"
    );

    let denied = json!({"status": 403, "errorType": "AccessDeniedException"});
    target.fault(json!({"action": "PublishVersion", "fault": denied}))?;
    let ill = output_of(bench, &json!({"doctor": target.name}))?;
    ensure!(ill["doctor"]["healthy"] == false, "{ill:#}");
    let worst = &ill["doctor"]["findings"][0];
    ensure!(
        worst["check"] == "publishVersion" && worst["step"] == "publisher",
        "{worst:#}"
    );
    contains(
        worst["message"].as_str().context("a message")?,
        "the publisher's role may not call `lambda:PublishVersion`",
    )?;
    ensure!(target.changes()? == 0, "it was changed");
    target.is_untouched()
}
