//! The ways to start a tuning.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{contains, known_curve, slow};
use crate::harness::{Bench, Target, wait_until};

const SCRIPT: &str = "examples/pipelines/tune.sh";

/// What the script says of an execution that did not succeed.
const NOT_SUCCEEDED: i32 = 3;
/// What a shell says of a program that `TERM` ended.
const TERMINATED: i32 = 128 + 15;

/// The script for pipelines at work, with the AWS CLI.
struct Pipeline {
    script: Child,
    words: BufReader<ChildStderr>,
    execution: String,
    // The script reads its input from there.
    _folder: TempDir,
}

/// Starts the script as a pipeline does, and reads which execution it starts.
fn start_pipeline(bench: &Bench, target: &Target, more: &Value) -> Result<Pipeline> {
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
    let mut script = Command::new(root.join(SCRIPT))
        .arg(bench.local.state_machine_arn())
        .arg(&input)
        .env("PATH", path)
        .env("AWS_ENDPOINT_URL", bench.local.endpoint())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{SCRIPT}` did not start"))?;
    let mut words = BufReader::new(script.stderr.take().context("its words")?);
    let mut first = String::new();
    words.read_line(&mut first)?;
    let execution = first.trim_end().strip_prefix("starting ");
    let execution = execution.with_context(|| first.clone())?.to_owned();
    Ok(Pipeline {
        script,
        words,
        execution,
        _folder: folder,
    })
}

impl Pipeline {
    /// Ends with this exit code, and gives what the script printed and what it said after its first line.
    fn ends_with(mut self, code: i32) -> Result<(String, String)> {
        let mut words = String::new();
        self.words.read_to_string(&mut words)?;
        let ended = self.script.wait_with_output()?;
        ensure!(
            ended.status.code() == Some(code),
            "{}: {words}",
            ended.status
        );
        Ok((String::from_utf8(ended.stdout)?, words))
    }
}

pub fn a_pipeline_gets_the_outcome_from_the_example_script(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let pipeline = start_pipeline(bench, &target, &json!({"powerValues": [512, 1024]}))?;
    let (printed, _) = pipeline.ends_with(0)?;
    let outcome: Value = serde_json::from_str(&printed).context("the outcome as JSON")?;
    ensure!(outcome["power"] == 512, "{outcome:#}");
    target.is_as_before()
}

pub fn a_pipeline_fails_with_the_cause_of_a_tuning_that_fails(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let pipeline = start_pipeline(bench, &target, &json!({"num": 2}))?;
    let (printed, words) = pipeline.ends_with(NOT_SUCCEEDED)?;
    ensure!(printed.is_empty(), "{printed}");
    contains(
        &words,
        "FAILED: InvalidInput: the input has 1 fault: `num`: 2 is not",
    )?;
    target.is_as_before()
}

pub fn a_pipeline_fails_with_a_tuning_that_somebody_stops(bench: &Bench) -> Result<()> {
    let target = bench.function(slow(60_000))?;
    let pipeline = start_pipeline(bench, &target, &json!({"powerValues": [512]}))?;
    wait_until(|| Ok(target.calls()? > 0))?;
    let execution = pipeline.execution.clone();
    bench.stop(&execution)?;
    let (printed, words) = pipeline.ends_with(NOT_SUCCEEDED)?;
    ensure!(printed.is_empty(), "{printed}");
    contains(&words, "ABORTED")?;
    target.is_cleaned_up_after(&execution)
}

pub fn a_pipeline_that_is_cancelled_stops_the_tuning(bench: &Bench) -> Result<()> {
    let target = bench.function(slow(60_000))?;
    let pipeline = start_pipeline(bench, &target, &json!({"powerValues": [512]}))?;
    wait_until(|| Ok(target.calls()? > 0))?;
    let execution = pipeline.execution.clone();
    // Not `INT`, which a shell cannot hear where this test was started without it.
    let script = pipeline.script.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &script]).status()?;
    ensure!(killed.success(), "{script} could not be signalled");
    let (printed, _) = pipeline.ends_with(TERMINATED)?;
    ensure!(printed.is_empty(), "{printed}");
    let ended = bench.local.aws().describe_execution(&execution)?;
    ensure!(ended.status == "ABORTED", "{ended:?}");
    target.is_cleaned_up_after(&execution)
}

/// Tunings of one function.
const AT_ONCE: usize = 5;

/// Each example, as somebody pastes it into the console, with the functions and the object that it names. Only the region
/// of one of them has to be this one's.
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
