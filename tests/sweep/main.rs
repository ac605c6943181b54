//! The fault sweep: the calls of a run are counted, and the run is repeated once for each of them and each fault that may
//! meet it. After each the function is as it was, and the execution says what happened.
//!
//! The real handlers run in the order of the real definition against the simulator, all in this process, on a clock that
//! goes on only while everybody waits: minutes of back-off and deadlines pass at once, and are as long as on AWS.
//!
//! `cargo test -p e2e --test sweep -- --exact MODE/CALL/FAULT` repeats one pair.

mod fault;
mod judge;
mod mode;
#[path = "../common/process.rs"]
mod process;
mod watch;
mod world;

use std::process::ExitCode;

use fault::{Call, Fault};
use judge::Run;
use libtest_mimic::{Arguments, Failed, Trial};
use mode::Mode;
use world::{Ended, World};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Thousands of names say nothing; those that fail are listed.
    arguments.quiet |= arguments.format.is_none() && arguments.filter.is_none();
    let mut trials = Vec::new();
    for mode in Mode::ALL {
        let calls = in_own_time(count(mode));
        let before = trials.len();
        for call in &calls {
            for fault in Fault::ALL {
                if fault.may_meet(call) {
                    let name = format!("{}/{call}/{fault}", mode.name());
                    let call = call.clone();
                    trials.push(Trial::test(name.clone(), move || {
                        in_own_time(sweep(mode, &call, fault)).map_err(|why| {
                            Failed::from(format!(
                                "{why}\nrepeat it: cargo test -p e2e --test sweep -- --exact {name}"
                            ))
                        })
                    }));
                }
            }
        }
        println!(
            "{}: {} calls, {} pairs of a call and a fault",
            mode.name(),
            calls.len(),
            trials.len() - before
        );
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// On a clock that goes on only while everybody waits.
fn in_own_time<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(run)
}

async fn count(mode: Mode) -> Vec<Call> {
    let world = World::new(mode, None).await;
    let ended = world.execute().await;
    assert!(matches!(ended, Ended::Itself(Ok(_))), "{ended:?}");
    world.calls()
}

async fn sweep(mode: Mode, call: &Call, fault: Fault) -> Result<(), String> {
    let world = World::new(mode, Some((call.clone(), fault))).await;
    let before = watch::lasting(&world);
    let ended = world.execute().await;
    let at_end = watch::lasting(&world);
    let event = match ended {
        Ended::Itself(Ok(_)) => None,
        _ => Some(world.event().await),
    };
    world.is_quiet().await;
    let run = Run {
        world: &world,
        call,
        fault,
        before,
        ended,
        at_end,
        event,
    };
    run.judge()?;
    if run.is_well(&watch::lasting(&world)) {
        return Ok(());
    }
    let cleaned = world.clean_by_hand().await;
    let now = watch::lasting(&world);
    if cleaned.is_ok() && run.is_well(&now) && world.broken().is_empty() {
        return Ok(());
    }
    Err(format!(
        "the clean-up by hand left it changed: {}; {cleaned:?}; {:?}",
        watch::differences(&run.before, &now),
        world.broken()
    ))
}
