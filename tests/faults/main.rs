//! Faults at random: several tunings of one function at once, several faults in one run, deployments, stops and lost
//! processes at any moment, all drawn from a seed. `tests/sweep` tries each fault alone at each call; here they meet.
//!
//! `cargo xtask faults --seconds N --seed S` tries stories for so long, and `--run K` repeats one of them alone. Without
//! a seed the first stories of a fixed one are told, and those of `cases`.

mod cases;
#[path = "../sweep/fault.rs"]
mod fault;
mod judge;
mod ledger;
#[path = "../sweep/mode.rs"]
mod mode;
#[path = "../common/process.rs"]
mod process;
mod story;
mod world;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use libtest_mimic::{Failed, Trial};
use story::Story;
use world::{Ended, World};

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    seed: u64,
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    #[arg(long)]
    run: Option<u64>,
}

/// The stories that belong to every test.
const FIXED_SEED: u64 = 1;
const FIXED_RUNS: u64 = 20;

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--seed") {
        return test();
    }
    let Arguments { seed, seconds, run } = Arguments::parse();
    let told = match run {
        Some(run) => tell_one(seed, run),
        None => tell_many(seed, u64::MAX, Duration::from_secs(seconds)),
    };
    print!("{told}");
    if told.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn test() -> ExitCode {
    let mut arguments = libtest_mimic::Arguments::from_args();
    arguments.quiet |= arguments.format.is_none() && arguments.filter.is_none();
    let mut trials = vec![
        Trial::test("the_first_stories_of_a_seed_end_well", || {
            let told = tell_many(FIXED_SEED, FIXED_RUNS, Duration::MAX);
            print!("{told}");
            all_well(&told.failures)
        }),
        Trial::test("a_story_repeats_exactly", || {
            for run in 0..3 {
                let traces = [(); 2].map(|()| play(Story::draw(FIXED_SEED, run), false).trace);
                if traces[0] != traces[1] {
                    return Err(Failed::from(format!("run {run} took another way")));
                }
            }
            Ok(())
        }),
        Trial::test("an_owner_may_deploy_at_any_moment", || {
            let failures = cases::deployments().into_iter().flat_map(|story| {
                let what = format!("{:?}", story.deeds);
                let wrong = play(story, false).wrong;
                wrong.into_iter().map(move |why| format!("{what}: {why}"))
            });
            all_well(&failures.collect::<Vec<String>>())
        }),
    ];
    trials.extend(cases::cases().into_iter().map(|case| {
        Trial::test(case.name, move || {
            let played = play(case.story, arguments_say_exact());
            all_well(&played.wrong)?;
            (case.check)(&played.ends).map_err(Failed::from)
        })
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Whoever asks for one case wants to see it.
fn arguments_say_exact() -> bool {
    std::env::args().any(|argument| argument == "--exact")
}

fn all_well(failures: &[String]) -> Result<(), Failed> {
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Failed::from(failures.join("\n")))
    }
}

struct Played {
    ends: Vec<Ended>,
    wrong: Vec<String>,
    met: Vec<world::Met>,
    trace: u64,
}

/// Plays a story, on a clock that goes on only while everybody waits.
fn play(story: Story, shows: bool) -> Played {
    // The SDK draws its pauses from this generator, of which each thread has one.
    fastrand::seed(story.seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let world = World::new(story, shows).await;
        let ends = world.run().await;
        let cleaned = world.clean_by_hand().await;
        Played {
            wrong: judge::judge(&world, &ends, &cleaned),
            met: world.met(),
            trace: world.trace(),
            ends,
        }
    })
}

/// What became of many stories.
#[derive(Default)]
struct Told {
    stories: u64,
    /// What happened how often, by its name.
    counts: BTreeMap<String, u64>,
    failures: Vec<String>,
}

impl Told {
    fn count(&mut self, what: String) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn add(&mut self, seed: u64, run: u64, story: &Story, played: &Played) {
        self.stories += 1;
        self.count(format!("tunings at once: {}", story.tunings.len()));
        for (tuning, ended) in story.tunings.iter().zip(&played.ends) {
            let end = match ended {
                Ended::Stopped => "stopped",
                Ended::Itself(Ok(_)) => "succeeded",
                Ended::Itself(Err(failure)) => &failure.error,
            };
            self.count(format!("{}: {end}", tuning.mode.name()));
        }
        for met in &played.met {
            self.count(format!("fault: {}", met.fault));
        }
        for (_, deed) in &story.deeds {
            let deed = format!("{deed:?}");
            let kind = deed.split(['(', ' ']).next().unwrap_or_default();
            self.count(format!("deployment: {kind}"));
        }
        if !played.wrong.is_empty() {
            let failure = format!(
                "run {run}: {}\nrepeat it: cargo xtask faults --seed {seed} --run {run}",
                played.wrong.join("\n")
            );
            println!("{failure}");
            self.failures.push(failure);
        }
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (what, count) in &self.counts {
            writeln!(f, "{count:>7} {what}")?;
        }
        let failed = self.failures.len();
        writeln!(f, "{} stories, {failed} failed", self.stories)
    }
}

fn tell_one(seed: u64, run: u64) -> Told {
    let story = Story::draw(seed, run);
    println!("{story:#?}");
    let played = play(story.clone(), true);
    let mut told = Told::default();
    told.add(seed, run, &story, &played);
    told
}

/// On all cores, for so long, or so many.
fn tell_many(seed: u64, most: u64, longest: Duration) -> Told {
    let begin = Instant::now();
    let next = AtomicU64::new(0);
    let told = Mutex::new(Told::default());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|threads| {
        for _ in 0..cores {
            threads.spawn(|| {
                while begin.elapsed() < longest {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= most {
                        break;
                    }
                    let story = Story::draw(seed, run);
                    let played = play(story.clone(), false);
                    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                    told.add(seed, run, &story, &played);
                }
            });
        }
    });
    told.into_inner().unwrap_or_else(PoisonError::into_inner)
}
