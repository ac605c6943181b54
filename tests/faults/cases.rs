//! Stories that are told for what they are about, and how each of their executions must end.

use std::time::Duration;

use crate::fault::{Call, Fault, Lost, When, Worker};
use crate::mode::Mode;
use crate::story::{Deed, Stop, Story, Trouble, Tuning};
use crate::world::Ended;

type Check = fn(&[Ended]) -> Result<(), String>;

pub struct Case {
    pub name: String,
    pub story: Story,
    pub check: Check,
}

fn at_once(modes: &[Mode]) -> Vec<Tuning> {
    let tuning = |mode: &Mode| Tuning {
        mode: *mode,
        with_alias: true,
        starts: Duration::ZERO,
    };
    modes.iter().map(tuning).collect()
}

fn case(name: &str, modes: &[Mode], check: Check) -> Case {
    Case {
        name: name.to_owned(),
        story: Story {
            seed: 1,
            tunings: at_once(modes),
            ..Story::default()
        },
        check,
    }
}

fn error(ended: &Ended) -> &str {
    match ended {
        Ended::Itself(Ok(_)) => "none",
        Ended::Itself(Err(failure)) => &failure.error,
        Ended::Stopped => "stopped",
    }
}

fn need(holds: bool, ends: &[Ended]) -> Result<(), String> {
    let errors: Vec<&str> = ends.iter().map(error).collect();
    if holds {
        Ok(())
    } else {
        Err(format!("they ended so: {errors:?}"))
    }
}

/// All succeed.
fn all(ends: &[Ended]) -> Result<(), String> {
    need(ends.iter().all(|ended| error(ended) == "none"), ends)
}

/// All but the first, which is hit, succeed.
fn all_but_the_first(ends: &[Ended]) -> Result<(), String> {
    all(&ends[1..])
}

/// Who planned before the deployment says so, unless it had published by then.
fn some_say_that_it_was_changed(ends: &[Ended]) -> Result<(), String> {
    let is_true = |ended| matches!(error(ended), "none" | "FunctionChanged");
    let some = |name| ends.iter().any(|ended| error(ended) == name);
    need(
        ends.iter().all(is_true) && some("FunctionChanged") && some("none"),
        ends,
    )
}

const EIGHT: [Mode; 8] = [
    Mode::Normal,
    Mode::Parallel,
    Mode::Cold,
    Mode::Stored,
    Mode::Normal,
    Mode::Parallel,
    Mode::Cold,
    Mode::Stored,
];

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("eight_tunings_at_once_all_succeed", &EIGHT, all),
        case(
            "of_eight_that_apply_the_same_size_each_says_what_it_found",
            &[Mode::Optimize; 8],
            some_say_that_it_was_changed,
        ),
    ];
    for (name, deed) in [
        ("code", Deed::Code(1)),
        ("a_setting", Deed::Timeout(33)),
        ("a_size", Deed::Memory(777)),
    ] {
        let mut case = case(
            &format!("{name}_is_deployed_while_eight_tune"),
            &EIGHT,
            some_say_that_it_was_changed,
        );
        case.story.deeds = vec![(250, deed)];
        cases.push(case);
    }
    for (name, status) in [("throttles", 429), ("fails", 500)] {
        let name = format!("the_control_plane_{name}_for_some_seconds_while_eight_tune");
        let mut case = case(&name, &EIGHT, all);
        for action in ["UpdateFunctionConfiguration", "PublishVersion", "GetAlias"] {
            case.story.faults.push(Trouble {
                call: Call {
                    action: action.to_owned(),
                    nth: 5,
                },
                fault: Fault::Forever(status),
                lasts: Duration::from_secs(4),
            });
        }
        cases.push(case);
    }
    // The first to publish is hit at each of its writes; the other, which waits for it, goes on.
    for (action, calls) in [
        ("CreateAlias", 1),
        ("UpdateAlias", 2),
        ("UpdateFunctionConfiguration", 3),
        ("PublishVersion", 3),
        ("DeleteAlias", 1),
    ] {
        for nth in 1..=calls {
            for fault in [
                Fault::Process(When::After, Lost::Caught),
                Fault::Process(When::After, Lost::Retried),
                Fault::Process(When::After, Lost::Beside),
                Fault::Execution(When::After, Worker::Dies),
                Fault::Execution(When::Before, Worker::LivesOn),
                Fault::Late,
                Fault::Silent,
                Fault::DropAfter,
            ] {
                let call = Call {
                    action: action.to_owned(),
                    nth,
                };
                if !fault.may_meet(&call) {
                    continue;
                }
                let name = format!("{call}_{fault}_while_another_waits");
                let mut case = case(&name, &[Mode::Normal, Mode::Normal], all_but_the_first);
                // It finds the lock held, and leaves the first calls to the first.
                case.story.tunings[1].starts = Duration::from_millis(300);
                let lasts = Duration::ZERO;
                case.story.faults.push(Trouble { call, fault, lasts });
                cases.push(case);
            }
        }
    }
    // One of eight is stopped at some moment after the other; the rest go on.
    for after in (20..=600).step_by(145) {
        for worker in [Worker::Dies, Worker::LivesOn] {
            let name = format!("one_of_eight_is_stopped_after_{after}_calls_{worker:?}");
            let mut case = case(&name, &EIGHT, all_but_the_first);
            let tuning = 0;
            case.story.stops.push(Stop {
                after,
                tuning,
                worker,
            });
            cases.push(case);
        }
    }
    cases
}

/// Everything that an owner does, at many moments of two tunings of which one applies what it finds.
pub fn deployments() -> Vec<Story> {
    let deeds = [
        Deed::Memory(777),
        Deed::Timeout(33),
        Deed::Code(1),
        Deed::Publish,
        Deed::Release,
        Deed::RollBack,
        Deed::Deploy {
            code: 2,
            memory: 640,
        },
    ];
    let story = |at: u64, deed: &Deed| Story {
        seed: 1,
        tunings: at_once(&[Mode::Normal, Mode::Optimize]),
        deeds: vec![(at, deed.clone())],
        ..Story::default()
    };
    // Who takes a release back while it is being tuned.
    let back = |at: u64| {
        let deployment = Deed::Deploy {
            code: 2,
            memory: 640,
        };
        let mut story = story(at, &Deed::RollBack);
        story.deeds.push((1, deployment));
        story.tunings[1].starts = Duration::from_mins(2);
        story
    };
    // The last ones are around the moment at which the size is applied.
    (1..=160)
        .step_by(23)
        .chain(112..=118)
        .flat_map(|at| deeds.each_ref().map(|deed| story(at, deed)))
        .chain((20..=120).step_by(5).map(back))
        .collect()
}
