//! The whole stack on local AWS: `template.yaml` built and deployed by `sam`, release binaries, executions through the
//! Step Functions API, and a function to tune that follows a known curve.
//!
//! `cargo test -p e2e -- NAME` runs the cases whose names contain NAME.

mod cases;
mod differences;
mod harness;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use libtest_mimic::{Arguments, Trial};
use xtask::{LocalAws, Options};

use harness::Bench;

/// Fast enough that a call of a second takes 20 ms, slow enough that waiting is seen to happen.
const TIME_SCALE: f64 = 0.02;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
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
        let names = cases::ALL.map(|(name, _)| Trial::test(name, || Ok(())));
        return Ok(libtest_mimic::run(arguments, names.into()).exit_code());
    }
    let options = Options {
        time_scale: TIME_SCALE,
        ..Options::default()
    };
    let local = Arc::new(LocalAws::start(&options).context("local AWS did not start")?);
    let trials = cases::ALL.map(|(name, case)| {
        let local = Arc::clone(&local);
        Trial::test(name, move || {
            case(&Bench::new(&local, name)).map_err(|error| format!("{error:?}").into())
        })
    });
    let conclusion = libtest_mimic::run(arguments, trials.into());
    if conclusion.has_failed() {
        eprintln!("the end of local AWS's log:\n{}", local.logs_tail());
    }
    Ok(conclusion.exit_code())
}
