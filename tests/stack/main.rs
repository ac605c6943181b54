//! The whole stack on local AWS: `template.yaml` built and deployed by `sam`, release binaries, executions through the
//! Step Functions API, and a function to tune that follows a known curve.
//!
//! `cargo test -p e2e -- NAME` runs the cases whose names contain NAME.

mod cases;
mod differences;
#[path = "../common/function.rs"]
mod function;
mod given;
mod harness;
#[path = "../common/suite.rs"]
mod suite;

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

const CASES_AT_ONCE: usize = 4;

fn main() -> ExitCode {
    suite::main(CASES_AT_ONCE, run)
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.list {
        let names = cases::ALL.iter().map(|(name, _)| (*name).to_owned());
        return Ok(suite::list(arguments, names));
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
    Ok(suite::conclude(arguments, local, |local| {
        let trials = cases::ALL.iter().map(|(name, case)| {
            let local = Arc::clone(local);
            let run = move || suite::ended(case(&Bench::new(&local, name)));
            Trial::test(*name, run)
        });
        trials.collect()
    }))
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
