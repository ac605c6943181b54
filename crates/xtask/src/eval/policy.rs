//! Who decides what to measure and what to choose: the reference, and the search of this tuner.

use std::collections::BTreeMap;

use power_tuner_core::MemoryMb;
use power_tuner_core::choice::{Candidate, Strategy, best};
use power_tuner_core::limits::{self, Judged, Meets};
use power_tuner_core::measurement::{Progress, Samples, Wanted};
use power_tuner_core::prices::Price;
use power_tuner_core::request::{Limits, Request};
use power_tuner_core::search::{Bounds, Next, Question, Seen, Settings};
use power_tuner_core::statistics::trimmed_mean;

use super::curves::Truth;
use super::noise::Draws;

/// The sizes of the reference's template.
pub(super) const GRID: [u32; 6] = [128, 256, 512, 1024, 1536, 3008];
const DISCARD: f64 = 0.2;
pub(super) const CALLS_OF_THE_REFERENCE: u32 = 50;
/// A search of the Lambda functions ends after so many rounds at the latest.
const MOST_ROUNDS: u32 = 20;

/// A function to tune.
pub(super) struct Function<'a> {
    pub truth: &'a Truth,
    pub bounds: Bounds,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Run {
    pub chosen_mb: u32,
    /// Billed, in MB ms.
    pub spent: f64,
    pub rounds: u32,
    pub sizes: usize,
    pub calls: u32,
    /// With limits: whether it says that what it chose keeps to them.
    pub says_it_keeps: bool,
}

/// Makes calls and counts what they cost.
struct Measuring<'a, 'b> {
    function: &'a Function<'a>,
    draws: &'a mut Draws<'b>,
    run: Run,
}

impl Measuring<'_, '_> {
    fn call(&mut self, mb: u32) -> f64 {
        let ms = self.function.truth.ms(f64::from(mb)) * self.draws.next(mb);
        self.run.spent += ms.ceil() * f64::from(mb);
        self.run.calls += 1;
        ms
    }
}

/// Six sizes, so many calls each, and the smallest trimmed mean. Costs are unrounded, as the regret is.
pub(super) fn reference(
    function: &Function,
    draws: &mut Draws,
    strategy: Strategy,
    calls: u32,
) -> Run {
    let mut measuring = Measuring {
        function,
        draws,
        run: Run::default(),
    };
    let sizes = GRID.iter().filter_map(|mb| MemoryMb::try_from(*mb).ok());
    let covered: Vec<MemoryMb> = sizes.filter(|size| function.bounds.hold(*size)).collect();
    let candidates: Vec<Candidate> = covered
        .iter()
        .map(|memory| {
            let mb = memory.get();
            let durations: Vec<f64> = (0..calls).map(|_| measuring.call(mb)).collect();
            let duration_ms = trimmed_mean(&durations, DISCARD);
            Candidate {
                memory: *memory,
                cost: duration_ms * f64::from(mb),
                duration_ms,
            }
        })
        .collect();
    Run {
        chosen_mb: best(&candidates, strategy).map_or(0, |best| best.memory.get()),
        rounds: 1,
        sizes: candidates.len(),
        ..measuring.run
    }
}

/// What the search is asked for, as an input would ask.
pub(super) struct Asked {
    pub request: Request,
    pub price: Price,
    pub settings: Settings,
}

/// The search of the analyzer, over the same decisions: what to measure, whether a size keeps to the limits, what to choose.
/// A call is billed by its exact duration, because the regret is unrounded; what is spent is rounded up.
pub(super) fn search(function: &Function, draws: &mut Draws, asked: &Asked) -> Run {
    let question = Question {
        bounds: function.bounds,
        strategy: asked.request.strategy,
        limits: asked.request.limits,
        per_gb_second: asked.price.per_gb_second,
        discard: asked.request.discard_top_bottom,
        precision: asked.request.precision,
        most_calls: asked.request.num,
        settings: asked.settings,
    };
    let mut measuring = Measuring {
        function,
        draws,
        run: Run::default(),
    };
    let mut sizes: BTreeMap<MemoryMb, Progress> = BTreeMap::new();
    while measuring.run.rounds < MOST_ROUNDS
        && let Next::Measure(next) = question.next(&seen(&sizes, &question.limits))
    {
        measuring.run.rounds += 1;
        for (memory, calls) in next {
            let mut progress = sizes.remove(&memory).unwrap_or_default();
            add_calls(&mut progress.samples, calls, memory, &mut measuring);
            if question.limits.is_any() {
                let wanted = Wanted {
                    samples: calls,
                    warm: true,
                };
                progress =
                    progress.finish_for_now(None, wanted, &asked.request, memory, &asked.price);
            }
            sizes.insert(memory, progress);
        }
    }
    let run = Run {
        sizes: sizes.len(),
        ..measuring.run
    };
    let (chosen_mb, says_it_keeps) = choose(&question, &sizes);
    Run {
        chosen_mb,
        says_it_keeps,
        ..run
    }
}

fn add_calls(samples: &mut Samples, calls: u32, memory: MemoryMb, measuring: &mut Measuring) {
    while samples.len() < calls as usize {
        let ms = measuring.call(memory.get());
        samples.push(ms, ms, None);
    }
}

fn seen<'a>(sizes: &'a BTreeMap<MemoryMb, Progress>, limits: &Limits) -> Vec<Seen<'a>> {
    let seen = sizes.iter().map(|(memory, progress)| Seen {
        memory: *memory,
        samples: Some(&progress.samples),
        meets: progress
            .summary
            .as_ref()
            .map_or(Meets::Yes, |summary| limits.verdict(summary).meets),
    });
    seen.collect()
}

/// As at the end of a tuning: the best that keeps to the limits, else the closest.
fn choose(question: &Question, sizes: &BTreeMap<MemoryMb, Progress>) -> (u32, bool) {
    if let Some(best) = question.best(&seen(sizes, &question.limits)) {
        return (best.get(), true);
    }
    let judged: Vec<Judged> = sizes
        .iter()
        .filter_map(|(memory, progress)| {
            let summary = progress.summary.as_ref()?;
            Some(Judged {
                candidate: Candidate {
                    memory: *memory,
                    cost: summary.average_cost,
                    duration_ms: summary.average_duration_ms,
                },
                verdict: question.limits.verdict(summary),
            })
        })
        .collect();
    let closest = limits::choose(&judged, question.strategy);
    (closest.map_or(0, |size| size.candidate.memory.get()), false)
}
