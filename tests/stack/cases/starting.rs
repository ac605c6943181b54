//! The ways to start a tuning.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{contains, known_curve};
use crate::harness::{Bench, Target};

/// Runs `examples/tune.sh` as a pipeline does, with the AWS CLI.
fn tune_from_a_pipeline(bench: &Bench, target: &Target, more: &Value) -> Result<Output> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("input.json");
    let mut written = json!({"lambdaARN": target.name, "num": 5});
    let fields = more.as_object().context("fields")?;
    for (field, value) in fields {
        written[field] = value.clone();
    }
    fs::write(&input, written.to_string())?;
    let path = env::join_paths(
        [root.join(".venv/bin")]
            .into_iter()
            .chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    )?;
    Command::new(root.join("examples/tune.sh"))
        .arg(bench.local.state_machine_arn())
        .arg(&input)
        .env("PATH", path)
        .env("AWS_ENDPOINT_URL", bench.local.endpoint())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("SECONDS_BETWEEN_LOOKS", "0.5")
        .output()
        .context("examples/tune.sh did not start")
}

pub fn a_pipeline_gets_the_outcome_from_the_example_script(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let ended = tune_from_a_pipeline(bench, &target, &json!({"powerValues": [512, 1024]}))?;
    let words = String::from_utf8_lossy(&ended.stderr);
    ensure!(ended.status.success(), "{words}");
    contains(&words, "started arn:aws:states:")?;
    let outcome: Value = serde_json::from_slice(&ended.stdout).context("the outcome as JSON")?;
    ensure!(outcome["power"] == 512, "{outcome:#}");
    target.is_as_before()
}

pub fn a_pipeline_fails_with_the_cause_of_a_tuning_that_fails(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let ended = tune_from_a_pipeline(bench, &target, &json!({"num": 2}))?;
    ensure!(!ended.status.success(), "{ended:?}");
    ensure!(ended.stdout.is_empty(), "{ended:?}");
    let words = String::from_utf8_lossy(&ended.stderr);
    contains(
        &words,
        "FAILED: InvalidInput: the input has 1 fault: `num`: 2 is not",
    )?;
    target.is_as_before()
}

/// Each example, as somebody pastes it into the console, with the functions and the object that it names. Only the region
/// of one of them has to be this one's.
/// Tunings of one function.
const AT_ONCE: usize = 5;

pub fn every_example_input_works_as_pasted(bench: &Bench) -> Result<()> {
    let function =
        json!({"behaviour": {"duration": {"kind": "formula", "baseMs": 10, "msTimesMb": 5000}}});
    let target = bench.function_named("my-function", function.clone())?;
    let version = target.publish("what `live` is")?;
    target.point("live", &version)?;
    for processor in ["prepare-order", "delete-order"] {
        bench.function_named(processor, function.clone())?;
    }
    let aws = bench.local.aws();
    aws.create_bucket("my-bucket")?;
    aws.put_object("my-bucket", "payloads/large.json", "{}".to_owned())?;
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../statemachine/examples");
    let mut inputs = Vec::new();
    for example in fs::read_dir(examples)? {
        let path = example?.path();
        let input = fs::read_to_string(&path)?.replace(":eu-central-1:", ":us-east-1:");
        let input: Value = serde_json::from_str(&input)?;
        // There is one account here; `tests/enforced` has two.
        if input["roleARN"].is_null() {
            inputs.push((path, input));
        }
    }
    // What changes the function would end the others, so that it comes last.
    let (last, first): (Vec<_>, Vec<_>) = inputs
        .into_iter()
        .partition(|(_, input)| input["autoOptimize"] == true);
    for inputs in [first, last] {
        let start =
            |(path, input): (PathBuf, Value)| Ok((path, bench.local.start_execution(&input)?));
        // They wait for each other where they publish, and not for ever.
        for inputs in inputs.chunks(AT_ONCE) {
            let executions = inputs.iter().cloned().map(start);
            for (path, execution) in executions.collect::<Result<Vec<_>>>()? {
                let outcome = bench.outcome_of(&execution);
                let outcome = outcome.with_context(|| format!("`{}`", path.display()))?;
                ensure!(outcome["sizes"][0]["status"] == "measured", "{outcome:#}");
            }
        }
    }
    Ok(())
}
