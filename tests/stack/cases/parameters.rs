//! The template's parameters, as the suite's stack was given them. What local AWS does not make of them (a boundary, a VPC,
//! who may do what), and that an empty one leaves nothing behind, is checked on the template itself: `cargo xtask test
//! --only parameters`.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::known_curve;
use crate::given;
use crate::harness::{Bench, wait_until};

pub fn the_schedule_starts_a_tuning_with_its_own_input(bench: &Bench) -> Result<()> {
    let target = bench.function_named(given::SCHEDULED_FUNCTION, known_curve())?;
    let input: Value = serde_json::from_str(given::TUNING_SCHEDULE_INPUT)?;
    let aws = bench.local.aws();
    let describe = |execution: &Value| {
        let request = json!({"executionArn": execution["executionArn"]});
        aws.call("states", "AWSStepFunctions.DescribeExecution", &request)
    };
    // Those before there was the function have failed.
    let succeeded = || {
        let request = json!({
            "stateMachineArn": bench.local.state_machine_arn(),
            "statusFilter": "SUCCEEDED",
        });
        let listed = aws.call("states", "AWSStepFunctions.ListExecutions", &request)?;
        for execution in listed["executions"].as_array().into_iter().flatten() {
            let described = describe(execution)?;
            let started_with = described["input"].as_str().context("an input")?;
            if serde_json::from_str::<Value>(started_with)? == input {
                return Ok(Some(described));
            }
        }
        Ok::<_, anyhow::Error>(None)
    };
    wait_until(|| Ok(succeeded()?.is_some()))?;
    let described = succeeded()?.context("it was there")?;
    let outcome: Value = serde_json::from_str(described["output"].as_str().context("an output")?)?;
    ensure!(outcome["power"] == 512, "{outcome:#}");
    ensure!(
        bench
            .local
            .stack_output("ScheduleName")
            .contains("ScheduledTuning"),
        "{}",
        bench.local.stack_output("ScheduleName")
    );
    target.becomes_as_before()
}

pub fn an_input_without_sizes_gets_those_of_the_stack(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let (_, outcome) = target.tune(json!({}))?;
    let sizes = outcome["sizes"].as_array().context("`sizes`")?;
    let sizes: Vec<String> = sizes
        .iter()
        .map(|size| size["memory"].to_string())
        .collect();
    ensure!(sizes.join(",") == given::POWER_VALUES, "{outcome:#}");
    target.is_as_before()
}

pub fn an_outcome_links_to_the_page_of_the_stack(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let (_, outcome) = target.tune(json!({"powerValues": [512]}))?;
    let link = outcome["stateMachine"]["visualization"].as_str();
    let link = link.context("a link")?;
    ensure!(
        link.starts_with(&format!("{}#", given::VISUALIZATION_URL)),
        "{link}"
    );
    Ok(())
}

pub fn the_state_machine_has_the_name_and_the_timeout_of_the_stack(bench: &Bench) -> Result<()> {
    let arn = bench.local.state_machine_arn();
    ensure!(
        arn.ends_with(&format!(":stateMachine:{}", given::STATE_MACHINE_NAME)),
        "{arn}"
    );
    let console = bench.local.stack_output("StateMachineConsole");
    ensure!(
        console.ends_with(&format!("#/statemachines/view/{arn}")),
        "{console}"
    );
    let request = json!({"stateMachineArn": arn});
    let aws = bench.local.aws();
    let described = aws.call("states", "AWSStepFunctions.DescribeStateMachine", &request)?;
    let definition = described["definition"].as_str().context("a definition")?;
    let definition: Value = serde_json::from_str(definition)?;
    let timeout = &definition["TimeoutSeconds"];
    ensure!(*timeout == given::TOTAL_EXECUTION_TIMEOUT, "{timeout}");
    Ok(())
}

pub fn the_functions_logs_are_kept_as_long_as_the_stack_says(bench: &Bench) -> Result<()> {
    bench
        .function(known_curve())?
        .tune(json!({"powerValues": [512]}))?;
    let output = bench.local.stack_output("LogGroups");
    let groups: Vec<&str> = output.split(',').collect();
    ensure!(groups.len() == 7, "{output}");
    let aws = bench.local.aws();
    for group in groups {
        let request = json!({"logGroupNamePrefix": group});
        let found = aws.call("logs", "Logs_20140328.DescribeLogGroups", &request)?;
        let group = &found["logGroups"][0];
        ensure!(
            group["retentionInDays"] == given::LOG_RETENTION_DAYS,
            "{found:#}"
        );
        ensure!(group["kmsKeyId"] == given::LOG_KEY, "{found:#}");
    }
    // Logs come a moment later.
    wait_until(|| {
        let lines = bench.logs()?;
        let group = |line: &Value| line["group"].as_str().unwrap_or_default().to_owned();
        ensure!(
            lines.iter().all(|line| output.contains(&group(line))),
            "all lines are in these groups: {lines:#?}"
        );
        Ok(lines.iter().any(|line| group(line).contains("Executor")))
    })
}
