//! The whole stack on local AWS: `template.yaml` built and deployed by `sam`, release binaries, executions through the
//! Step Functions API, and a function to tune that follows a known curve.
//!
//! `cargo test -p e2e -- NAME` runs the cases whose names contain NAME.

mod cases;
mod differences;
mod given;
mod harness;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use libtest_mimic::{Arguments, Trial};
use serde_json::json;
use xtask::{LocalAws, Options};

use harness::Bench;

/// Fast enough that a call of a second takes 20 ms, slow enough that waiting is seen to happen.
const TIME_SCALE: f64 = 0.02;

/// What the tuner itself waits for takes real time: here so little that a case can see the end of it.
const LONGEST_PUBLISHING_S: u32 = 40;
const LONGEST_MEASURING_S: u32 = 30;

/// Most of a case is waiting.
const CASES_AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(CASES_AT_ONCE);
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.list {
        let names = cases::ALL
            .iter()
            .map(|(name, _)| Trial::test(*name, || Ok(())));
        return Ok(libtest_mimic::run(arguments, names.collect()).exit_code());
    }
    let options = Options {
        time_scale: TIME_SCALE,
        parameters: given::parameters(),
        ..Options::default()
    };
    let local = LocalAws::start(&options).context("local AWS did not start")?;
    // A lock lasts as long as the publisher that holds it may run, and a batch as long as the executor.
    shorten(&local, "Publisher", LONGEST_PUBLISHING_S)?;
    shorten(&local, "Executor", LONGEST_MEASURING_S)?;
    let local = Arc::new(local);
    let trials = cases::ALL.iter().map(|(name, case)| {
        let local = Arc::clone(&local);
        Trial::test(*name, move || {
            case(&Bench::new(&local, name)).map_err(|error| format!("{error:?}").into())
        })
    });
    let conclusion = libtest_mimic::run(arguments, trials.collect());
    if conclusion.has_failed() {
        eprintln!("the end of local AWS's log:\n{}", local.logs_tail());
    }
    Ok(conclusion.exit_code())
}

/// Gives a function of the tuner's a timeout that a case can wait for.
fn shorten(local: &LocalAws, function: &str, timeout_s: u32) -> Result<()> {
    let aws = local.aws();
    let listed = aws.rest("lambda", "GET", "/2015-03-31/functions/", None)?;
    let mut names = listed["Functions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|function| function["FunctionName"].as_str());
    let name = names
        .find(|name| name.contains(function))
        .with_context(|| format!("no function is called `{function}`"))?;
    let path = format!("/2015-03-31/functions/{name}/configuration");
    let timeout = json!({"Timeout": timeout_s});
    aws.rest("lambda", "PUT", &path, Some(&timeout)).map(drop)
}
