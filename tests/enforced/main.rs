//! The stack under enforced permissions, and in more than one region: `MiniStack` with `AUTH=true` asks for each call of the
//! tuner's functions whether their roles in `template.yaml` allow it. The functions to tune live in `MiniStack`'s own Lambda.
//!
//! `cargo test -p e2e --test enforced -- NAME` runs the cases whose names contain NAME.
//!
//! Where `MiniStack` 1.5.33 asks for other permissions than AWS:
//!
//! - For `GetAlias`, `UpdateAlias` and `DeleteAlias` it asks for `lambda:ListAliases`, and for `GetFunctionConcurrency` for
//!   `lambda:PutFunctionConcurrency`. These are granted here, beside the template's, to the roles that have the others, and
//!   taken away where a case goes without those. That the template has the right ones is asked of its policy simulator.
//! - Its Step Functions, `EventBridge` and Scheduler call functions as the account's owner, so what their roles allow is
//!   asked of the policy simulator too.
//! - It ignores `Qualifier`; the tuner names versions as `fn:3`, and those names it takes as they are.
//! - It hands the credentials of a role to whoever owns the account, though the role trusts Lambda alone.
//! - The account's owner is whoever signs with the key `test`, so the deployment needs no role; another account's is whoever
//!   signs with its number.
//! - The key `aws:PrincipalArn` in a policy has a session's ARN where AWS has its role's.

mod accounts;
mod cases;
mod denials;
mod functions;
mod resource;
mod roles;
#[path = "../common/suite.rs"]
mod suite;

use std::process::ExitCode;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context as _, Result};
use libtest_mimic::{Arguments, Trial};
use xtask::{LocalAws, Options, Targets};

use cases::Case;
use denials::Missing;
use functions::Bench;

const CASES_AT_ONCE: usize = 6;
/// What the tuner waits for a lock takes real time: here so little that a case can see the end of it.
const LONGEST_WAIT_S: &str = "5";

/// What a case does.
#[derive(Clone, Copy)]
enum Work {
    Is(Case),
    Without(&'static Missing),
}

/// Every case by its name, and whether it runs alone.
fn all() -> Vec<(String, Work, bool)> {
    let is = |(name, case): &(&str, Case), alone| ((*name).to_owned(), Work::Is(*case), alone);
    let without = |missing: &'static Missing, alone| {
        let work = Work::Without(missing);
        (missing.name(), work, alone)
    };
    let long = denials::ALL.iter().map(|missing| without(missing, false));
    let others = cases::ALL.iter().map(|case| is(case, false));
    let sweeps = cases::ALONE.iter().map(|case| is(case, true));
    let last = denials::ALONE.iter().map(|missing| without(missing, true));
    long.chain(others).chain(sweeps).chain(last).collect()
}

impl Work {
    fn run(self, bench: &Bench) -> Result<()> {
        match self {
            Self::Is(case) => case(bench),
            Self::Without(missing) => missing.show(bench),
        }
    }
}

fn main() -> ExitCode {
    suite::main(CASES_AT_ONCE, run)
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let is_wanted = |name: &str| {
        let filter = arguments.filter.as_deref().unwrap_or_default();
        name.contains(filter)
    };
    let all = all();
    // For the cases of another suite nothing need be started.
    if arguments.list || !all.iter().any(|(name, ..)| is_wanted(name)) {
        let names = all.into_iter().map(|(name, ..)| name);
        return Ok(suite::list(arguments, names));
    }
    let target_roles = accounts::roles();
    let options = Options {
        targets: Targets::MiniStack,
        ministack: vec![("AUTH".to_owned(), "true".to_owned())],
        parameters: [
            ("LongestWait", LONGEST_WAIT_S),
            // Never here: it is there for its role.
            ("TuningSchedule", "at(2099-01-01T00:00:00)"),
            (
                "TuningScheduleInput",
                r#"{"lambdaARN": "nobody", "num": 5}"#,
            ),
            ("PayloadS3Bucket", cases::BUCKET),
            ("PayloadS3Key", "tunings/*"),
            ("ReportBucket", cases::REPORTS),
            ("ReportPrefix", "tunings/"),
            ("NotificationTopic", cases::TOPIC),
            ("TargetRoles", target_roles.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        ..Options::default()
    };
    let local = LocalAws::start(&options).context("local AWS did not start")?;
    roles::grant_what_only_local_aws_asks_for(&local)?;
    functions::make_role(local.aws())?;
    accounts::prepare(&local)?;
    local.aws().create_bucket(cases::BUCKET)?;
    local.aws().create_bucket(cases::REPORTS)?;
    let at_work = Arc::new(RwLock::new(()));
    Ok(suite::conclude(arguments, local, |local| {
        let trials = all.into_iter().map(|(name, work, alone)| {
            let (local, at_work) = (Arc::clone(local), Arc::clone(&at_work));
            let case = name.clone();
            Trial::test(name, move || {
                let _others =
                    (!alone).then(|| at_work.read().unwrap_or_else(PoisonError::into_inner));
                let _alone = alone.then(|| at_work.write().unwrap_or_else(PoisonError::into_inner));
                suite::ended(work.run(&Bench::new(&local, &case)))
            })
        });
        trials.collect()
    }))
}
