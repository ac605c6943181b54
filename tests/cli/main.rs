//! The command line tool as a process, against the deployed stack on local AWS.
//!
//! `cargo test -p e2e --test cli -- NAME` runs the cases whose names contain NAME. What needs no stack is tried in
//! `crates/cli/tests`.

mod cases;
#[path = "../common/function.rs"]
mod function;
mod harness;
#[path = "../common/suite.rs"]
mod suite;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use libtest_mimic::{Arguments, Trial};
use xtask::{LocalAws, Options, command_line_tool};

use harness::Bench;

/// Fast enough that a call of a second takes 20 ms, slow enough that waiting is seen to happen.
const TIME_SCALE: f64 = 0.02;

const CASES_AT_ONCE: usize = 4;

fn main() -> ExitCode {
    suite::main(CASES_AT_ONCE, run)
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.list {
        let names = cases::ALL.iter().map(|(name, _)| (*name).to_owned());
        return Ok(suite::list(arguments, names));
    }
    let tool = command_line_tool()?;
    let options = Options {
        time_scale: TIME_SCALE,
        ..Options::default()
    };
    let local = LocalAws::start(&options).context("local AWS did not start")?;
    Ok(suite::conclude(arguments, local, |local| {
        let trials = cases::ALL.iter().map(|(name, case)| {
            let (local, tool) = (Arc::clone(local), tool.clone());
            let run = move || {
                suite::ended(case(&Bench {
                    local: &local,
                    tool: &tool,
                    case: name,
                }))
            };
            Trial::test(*name, run)
        });
        trials.collect()
    }))
}
