//! The stack under enforced permissions, and in more than one region: `MiniStack` with `AUTH=true` asks for each call of the
//! tuner's functions whether their roles in `template.yaml` allow it. The functions to tune live in `MiniStack`'s own Lambda.
//!
//! `cargo test -p e2e --test enforced -- NAME` runs the cases whose names contain NAME.
//!
//! Where `MiniStack` 1.5.33 asks for other permissions than AWS:
//!
//! - For `GetAlias`, `UpdateAlias` and `DeleteAlias` it asks for `lambda:ListAliases`, and for `GetFunctionConcurrency` for
//!   `lambda:PutFunctionConcurrency`. These are granted here, beside the template's. That the template has the right ones
//!   is asked of its policy simulator instead.
//! - Its Step Functions, `EventBridge` and Scheduler call functions as the account's owner, so what their roles allow is
//!   asked of the policy simulator too.
//! - It ignores `Qualifier`; the tuner names versions as `fn:3`, and those names it takes as they are.
//! - It hands the credentials of a role to whoever owns the account, though the role trusts Lambda alone.
//! - The account's owner is whoever signs with the key `test`, so the deployment needs no role.

mod cases;
mod functions;
mod roles;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use libtest_mimic::{Arguments, Trial};
use xtask::{LocalAws, Options, Targets};

use functions::Bench;

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
    let is_wanted = |name: &str| {
        let filter = arguments.filter.as_deref().unwrap_or_default();
        name.contains(filter)
    };
    // For the cases of another suite nothing need be started.
    if arguments.list || !cases::ALL.iter().any(|(name, _)| is_wanted(name)) {
        let names = cases::ALL
            .iter()
            .map(|(name, _)| Trial::test(*name, || Ok(())));
        return Ok(libtest_mimic::run(arguments, names.collect()).exit_code());
    }
    let options = Options {
        targets: Targets::MiniStack,
        ministack: vec![("AUTH".to_owned(), "true".to_owned())],
        parameters: [
            ("PayloadS3Bucket", cases::BUCKET),
            ("PayloadS3Key", "tunings/*"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        ..Options::default()
    };
    let local = LocalAws::start(&options).context("local AWS did not start")?;
    roles::grant_what_only_local_aws_asks_for(&local)?;
    functions::make_role(&local)?;
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
