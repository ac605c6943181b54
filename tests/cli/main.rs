//! The command line tool as a process, against the deployed stack on local AWS.
//!
//! `cargo test -p e2e --test cli -- NAME` runs the cases whose names contain NAME. What needs no stack is tried in
//! `crates/cli/tests`.

mod cases;
mod harness;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use libtest_mimic::{Arguments, Trial};
use xtask::{LocalAws, Options, command_line_tool};

use harness::Bench;

/// Fast enough that a call of a second takes 20 ms, slow enough that waiting is seen to happen.
const TIME_SCALE: f64 = 0.02;

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
    let tool = command_line_tool()?;
    let options = Options {
        time_scale: TIME_SCALE,
        ..Options::default()
    };
    let local = Arc::new(LocalAws::start(&options).context("local AWS did not start")?);
    let trials = cases::ALL.iter().map(|(name, case)| {
        let (local, tool) = (Arc::clone(&local), tool.clone());
        Trial::test(*name, move || {
            let bench = Bench {
                local: &local,
                tool: &tool,
                case: name,
            };
            case(&bench).map_err(|error| format!("{error:?}").into())
        })
    });
    let conclusion = libtest_mimic::run(arguments, trials.collect());
    if conclusion.has_failed() {
        eprintln!("the end of local AWS's log:\n{}", local.logs_tail());
    }
    Ok(conclusion.exit_code())
}
