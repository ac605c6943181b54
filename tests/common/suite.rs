//! How a suite on local AWS runs: all of its cases in one process, on one stack.

use std::process::ExitCode;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use libtest_mimic::{Arguments, Failed, Trial};
use xtask::LocalAws;

/// Runs a suite. Most of a case is waiting, so that some run at once.
pub fn main(cases_at_once: usize, run: impl FnOnce(&Arguments) -> Result<ExitCode>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(cases_at_once);
    run(&arguments).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Says which cases there are.
pub fn list(arguments: &Arguments, names: impl Iterator<Item = String>) -> ExitCode {
    let names = names.map(|name| Trial::test(name, || Ok(())));
    libtest_mimic::run(arguments, names.collect()).exit_code()
}

/// Runs the cases, and shows the end of local AWS's log where one fails.
pub fn conclude(
    arguments: &Arguments,
    local: LocalAws,
    trials: impl FnOnce(&Arc<LocalAws>) -> Vec<Trial>,
) -> ExitCode {
    let local = Arc::new(local);
    let conclusion = libtest_mimic::run(arguments, trials(&local));
    if conclusion.has_failed() {
        eprintln!("the end of local AWS's log:\n{}", local.logs_tail());
    }
    conclusion.exit_code()
}

/// How a case ended, for its list.
pub fn ended(case: Result<()>) -> Result<(), Failed> {
    case.map_err(|error| format!("{error:?}").into())
}

/// Polls until something holds.
pub fn wait_for(patience: Duration, holds: impl Fn() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > patience {
            bail!("it did not happen within {patience:?}");
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}
