//! What happens in a run, decided before it begins: who tunes, what goes wrong, and what the function's owner does.

use std::ops::RangeInclusive;
use std::time::Duration;

use fastrand::Rng;

use crate::fault::{Call, Fault, Worker};
use crate::mode::Mode;

/// Moments are counted in calls that the tuner makes, because what is dangerous lies between two of them.
#[derive(Clone, Debug, Default)]
pub struct Story {
    pub seed: u64,
    pub tunings: Vec<Tuning>,
    pub faults: Vec<Trouble>,
    pub deeds: Vec<(u64, Deed)>,
    pub stops: Vec<Stop>,
    /// AWS never delivers the events about the ends.
    pub events_are_lost: bool,
}

#[derive(Clone, Debug)]
pub struct Tuning {
    pub mode: Mode,
    /// Where the best size is applied: also to the alias.
    pub with_alias: bool,
    pub starts: Duration,
}

/// A fault that meets a call; what lasts, lasts so long.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub call: Call,
    pub fault: Fault,
    pub lasts: Duration,
}

/// Somebody stops an execution after so many calls.
#[derive(Clone, Debug)]
pub struct Stop {
    pub after: u64,
    pub tuning: usize,
    pub worker: Worker,
}

/// What the function's owner does.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    Memory(u64),
    Timeout(u64),
    Environment(String),
    Code(u8),
    Publish,
    /// Publishes, and moves the alias there.
    Release,
    /// All of it, one after the other, as a deployment does.
    Deploy {
        code: u8,
        memory: u64,
    },
    /// Moves the alias back to the first release.
    RollBack,
}

/// What a tuning calls, and how often at the most, more or less.
const ACTIONS: [(&str, u64); 12] = [
    ("GetFunctionConfiguration", 30),
    ("UpdateFunctionConfiguration", 7),
    ("PublishVersion", 6),
    ("ListVersionsByFunction", 4),
    ("CreateAlias", 2),
    ("GetAlias", 8),
    ("UpdateAlias", 7),
    ("DeleteAlias", 2),
    ("DeleteFunction", 4),
    ("Invoke", 16),
    ("DescribeExecution", 4),
    ("GetExecutionHistory", 1),
];
const CALLS_OF_A_TUNING: u64 = 80;
/// Sizes that no tuning sets: an owner who sets one of the tuner's cannot be told from the tuner.
const OWNERS_SIZES: [u64; 3] = [640, 777, 896];

impl Story {
    /// The same numbers give the same story.
    pub fn draw(seed: u64, run: u64) -> Self {
        let seed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(run);
        let mut rng = Rng::with_seed(seed);
        let tunings = match rng.u8(0..10) {
            0..3 => 1,
            3..6 => 2,
            6..9 => rng.usize(3..=5),
            _ => rng.usize(6..=8),
        };
        let apart = rng.choice([0, 2, 30]).unwrap_or_default();
        let tunings: Vec<Tuning> = (0..tunings)
            .map(|_| Tuning {
                mode: rng.choice(Mode::ALL).expect("some"),
                with_alias: rng.bool(),
                starts: Duration::from_secs(rng.u64(0..=apart)),
            })
            .collect();
        let all = tunings.len() as u64;
        let last_call = all * CALLS_OF_A_TUNING;
        let faults = some(&mut rng, 0..=4, |rng| trouble(rng, all));
        let deeds = some(&mut rng, 0..=2, |rng| (rng.u64(1..=last_call), deed(rng)));
        let stops = some(&mut rng, 0..=2, |rng| Stop {
            after: rng.u64(1..=last_call),
            tuning: rng.usize(..tunings.len()),
            worker: rng.choice([Worker::Dies, Worker::LivesOn]).expect("some"),
        });
        Self {
            seed,
            tunings,
            faults,
            deeds,
            stops,
            events_are_lost: rng.u8(0..10) == 0,
        }
    }

    /// Nothing goes wrong, and nobody does anything.
    pub fn is_quiet(&self) -> bool {
        self.faults.is_empty() && self.deeds.is_empty() && self.stops.is_empty()
    }
}

fn some<T>(rng: &mut Rng, count: RangeInclusive<usize>, each: impl Fn(&mut Rng) -> T) -> Vec<T> {
    let count = rng.usize(count);
    (0..count).map(|_| each(rng)).collect()
}

fn trouble(rng: &mut Rng, tunings: u64) -> Trouble {
    loop {
        let (action, most) = rng.choice(ACTIONS).expect("some");
        let call = Call {
            action: action.to_owned(),
            nth: rng.u64(1..=most * tunings),
        };
        let fault = rng.choice(Fault::ALL).expect("some");
        // A function that is gone has nothing to keep; the sweep deletes it at every call.
        if fault != Fault::Deleted && fault.may_meet(&call) {
            let lasts = Duration::from_secs(rng.u64(1..=400));
            return Trouble { call, fault, lasts };
        }
    }
}

fn deed(rng: &mut Rng) -> Deed {
    let memory = rng.choice(OWNERS_SIZES).expect("some");
    match rng.u8(0..8) {
        0 => Deed::Memory(memory),
        1 => Deed::Timeout(rng.u64(10..=60)),
        2 => Deed::Environment(format!("stage {}", rng.u8(..))),
        3 => Deed::Code(rng.u8(..)),
        4 => Deed::Publish,
        5 => Deed::Release,
        6 => Deed::RollBack,
        _ => Deed::Deploy {
            code: rng.u8(..),
            memory,
        },
    }
}
