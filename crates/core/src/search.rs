//! The search for the best size where nobody says which sizes to measure.
//!
//! Each round it asks of every size, measured or not, what a few more calls there would be worth: how much better the
//! size chosen after them is expected to be (the knowledge gradient of Frazier, Powell and Dayanik, 2009, for pairs of
//! sizes), against what they cost. It ends where nothing is worth its price. `docs/METHOD.md` has the formulas.

mod belief;
mod typical;

use serde::{Deserialize, Serialize};

use crate::choice::Strategy;
use crate::distributions::{normal, normal_quantile};
use crate::limits::Meets;
use crate::measurement::Samples;
use crate::memory::MemoryMb;
use crate::request::Limits;
use crate::statistics::{CONFIDENCE, Estimate, trimmed_mean};
use belief::{Belief, Observation};
use typical::{Typical, variance_of_a_call};

/// More sizes than this are never measured by one search.
pub const MOST_SIZES_OF_A_SEARCH: usize = 24;
/// Nor more samples wanted of them all: they travel together from round to round.
pub const MOST_SAMPLES_OF_A_SEARCH: u32 = 2_000;

/// Between which sizes the search chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Bounds {
    pub lowest: MemoryMb,
    pub highest: MemoryMb,
}

impl Bounds {
    #[must_use]
    pub fn hold(self, memory: MemoryMb) -> bool {
        (self.lowest..=self.highest).contains(&memory)
    }
}

impl Default for Bounds {
    /// All that Lambda has.
    fn default() -> Self {
        Self {
            lowest: MemoryMb::SMALLEST,
            highest: MemoryMb::LARGEST,
        }
    }
}

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    pub bounds: Bounds,
    pub strategy: Strategy,
    pub limits: Limits,
    /// For what limits a cost.
    pub per_gb_second: f64,
    /// The share of samples that is left out at each end of what is shown.
    pub discard: f64,
    /// That the chosen size is to be known by.
    pub precision: Option<f64>,
    /// That one size may get.
    pub most_calls: u32,
    pub settings: Settings,
}

/// What the search weighs against each other. The evaluation varies it; everybody else takes the default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How much better the chosen size must be expected to get (as a share) for the price of one call at 512 MB.
    pub worth_of_a_call: WorthOfACall,
    pub worth_of_a_usual_size: WorthOfAUsualSize,
    /// Calls of each size in the first round.
    pub first_calls: u32,
}

/// By the strategy: a mistake costs more for some than for others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorthOfACall {
    pub cost: f64,
    pub speed: f64,
    pub balanced: f64,
}

/// How much better than the usual ones another size must look (as a share).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorthOfAUsualSize {
    /// To be measured at all.
    pub to_look: f64,
    /// To be chosen, unless it is better beyond chance.
    pub to_choose: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            worth_of_a_call: WorthOfACall {
                cost: 0.000_06,
                speed: 0.001,
                balanced: 0.000_1,
            },
            worth_of_a_usual_size: WorthOfAUsualSize {
                to_look: 0.08,
                to_choose: 0.03,
            },
            first_calls: 4,
        }
    }
}

/// A size that was measured so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen<'a> {
    pub memory: MemoryMb,
    /// None where the size cannot be measured.
    pub samples: Option<&'a Samples>,
    /// Whether it keeps to the limits; `Yes` where there are none.
    pub meets: Meets,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Sizes, each with the calls that it is to have then, those before counted.
    Measure(Vec<(MemoryMb, u32)>),
    /// Another round cannot pay.
    Enough,
}

/// Sizes that people give functions.
const USUAL: [u32; 11] = [
    128, 256, 512, 1024, 1536, 2048, 3008, 4096, 6144, 8192, 10_240,
];
/// Sizes between them that are worth a look.
const BETWEEN: [u32; 18] = [
    160, 192, 320, 384, 448, 640, 768, 896, 1152, 1280, 1408, 1769, 2304, 2560, 3584, 5120, 7168,
    9216,
];
/// Those of a balance's maxima: they do not depend on what was measured.
const OF_THE_SCALE: [u32; 6] = [128, 256, 512, 1024, 1536, 3008];
/// How many sizes get calls in one round, at the most.
const SIZES_OF_A_ROUND: usize = 4;
/// What one size may get in a round. Where calls differ much, a few more say nothing, and many do.
const CALLS_OF_A_SIZE: [u32; 3] = [3, 12, 24];
/// How much better than none a size that keeps to the limits is.
const WORTH_OF_KEEPING_TO_LIMITS: f64 = 0.1;
/// Prices of calls are in units of one with this size.
const UNIT_MB: f64 = 512.0;

impl Question {
    /// What to measure next, where nothing was measured yet as well.
    #[must_use]
    pub fn next(&self, seen: &[Seen]) -> Next {
        if seen.is_empty() {
            return self.first_round();
        }
        let Some(mut known) = Known::new(self, seen) else {
            return self.another_start(seen);
        };
        let mut wanted: Vec<usize> = Vec::new();
        while wanted.len() < SIZES_OF_A_ROUND
            && let Some((at, calls)) = known.most_worth()
        {
            known.expect(at, calls);
            if !wanted.contains(&at) {
                wanted.push(at);
            }
        }
        if wanted.is_empty() {
            return known.a_closer_look(seen);
        }
        let sizes = wanted.into_iter();
        Next::Measure(sizes.map(|at| (known.sizes[at], known.calls[at])).collect())
    }

    /// Which of the measured sizes is the best, of those that keep to the limits; none where there is none.
    #[must_use]
    pub fn best(&self, seen: &[Seen]) -> Option<MemoryMb> {
        let known = Known::new(self, seen)?;
        let eligible = |at: &usize| known.meets[*at] == Some(Meets::Yes);
        let best = known.measured().filter(eligible).min_by(|a, b| {
            let order = known.value(*a).total_cmp(&known.value(*b));
            order.then_with(|| a.cmp(b))
        })?;
        let shown = self.shown(seen, &known.scale);
        let of = |at: usize| shown.iter().find(|(memory, _)| *memory == known.sizes[at]);
        // Where what is shown says beyond chance that another is better, that one it is.
        let better = of(best).and_then(|(_, best)| {
            let others = shown.iter().filter(|(memory, other)| {
                let is_eligible = known.sizes.iter().position(|size| size == memory);
                is_eligible.is_some_and(|at| eligible(&at)) && is_surely_less(other, best)
            });
            others.min_by(|a, b| a.1.mean.total_cmp(&b.1.mean))
        });
        Some(better.map_or(known.sizes[best], |(memory, _)| *memory))
    }

    /// A few usual sizes: small ones where the cheapest is searched, large ones where the fastest is.
    fn first_round(&self) -> Next {
        let usual: &[u32] = match self.strategy {
            Strategy::Cost => &[128, 256, 512, 1024],
            Strategy::Speed => &[512, 1024, 2048, 3008],
            Strategy::Balanced { .. } => &[128, 256, 512, 1024, 2048, 3008],
        };
        let mut sizes = self.within(usual);
        if sizes.len() < 3 {
            sizes.extend(self.within(&USUAL).into_iter().take(SIZES_OF_A_ROUND));
            sizes.extend([self.bounds.lowest, self.bounds.highest]);
            sizes.sort_unstable();
            sizes.dedup();
        }
        self.with_first_calls(sizes.into_iter())
    }

    /// Where all sizes failed so far, those above may work.
    fn another_start(&self, seen: &[Seen]) -> Next {
        let largest = seen.iter().map(|size| size.memory).max();
        let all = self.within(&USUAL).into_iter().chain([self.bounds.highest]);
        let mut above: Vec<MemoryMb> = all.filter(|size| Some(*size) > largest).collect();
        above.dedup();
        if above.is_empty() {
            return Next::Enough;
        }
        self.with_first_calls(above.into_iter().take(SIZES_OF_A_ROUND))
    }

    fn with_first_calls(&self, sizes: impl Iterator<Item = MemoryMb>) -> Next {
        let calls = self.settings.first_calls.min(self.most_calls);
        Next::Measure(sizes.map(|size| (size, calls)).collect())
    }

    fn within(&self, sizes: &[u32]) -> Vec<MemoryMb> {
        let sizes = sizes.iter().filter_map(|mb| MemoryMb::try_from(*mb).ok());
        sizes.filter(|size| self.bounds.hold(*size)).collect()
    }

    /// What is measured or might be. Where a size is too small for the function, smaller ones are.
    fn candidates(&self, seen: &[Seen]) -> Vec<MemoryMb> {
        let works = |size: &&Seen| size.samples.is_some();
        let smallest = seen.iter().filter(works).map(|size| size.memory).min();
        let failed = || {
            seen.iter()
                .filter(|size| !works(size))
                .map(|size| size.memory)
        };
        let too_small = failed().filter(|size| Some(*size) < smallest).max();
        let mut sizes = self.within(&USUAL);
        sizes.extend(self.within(&BETWEEN));
        sizes.extend([self.bounds.lowest, self.bounds.highest]);
        sizes.retain(|size| Some(*size) > too_small && failed().all(|failed| failed != *size));
        sizes.extend(seen.iter().filter(works).map(|size| size.memory));
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// What is shown of each measured size, as what the strategy wants to be small.
    fn shown(&self, seen: &[Seen], scale: &Scale) -> Vec<(MemoryMb, Estimate)> {
        let shown = seen.iter().filter_map(|size| {
            let samples = size.samples?;
            let duration = || Estimate::trimmed(&samples.duration_ms, self.discard);
            let estimate = match self.strategy {
                Strategy::Cost => Estimate::trimmed(&samples.billed_ms, self.discard)?
                    .times(f64::from(size.memory.get())),
                Strategy::Speed => duration()?,
                Strategy::Balanced { .. } => {
                    let duration = duration()?;
                    duration.times(scale.value(size.memory, duration.mean) / duration.mean)
                }
            };
            Some((size.memory, estimate))
        });
        shown.collect()
    }

    fn worth_of_a_call(&self) -> f64 {
        let worth = &self.settings.worth_of_a_call;
        match self.strategy {
            Strategy::Cost => worth.cost,
            Strategy::Speed => worth.speed,
            Strategy::Balanced { .. } => worth.balanced,
        }
    }
}

/// What the strategy wants to be small, of a call that takes so long at a size.
struct Scale {
    strategy: Strategy,
    /// What is billed of a call beyond its duration: part of a millisecond, which is much for short calls.
    beyond_ms: f64,
    /// The largest cost (in MB ms) and the largest duration, for a balance of both.
    most_mb_ms: f64,
    most_ms: f64,
}

impl Scale {
    /// The maxima are those that are believed of a few sizes which do not depend on what was measured.
    fn new(strategy: Strategy, beyond_ms: f64, sizes: &[MemoryMb], belief: &Belief) -> Self {
        let is_of_the_scale = |size: &MemoryMb| OF_THE_SCALE.contains(&size.get());
        let has_some = sizes.iter().any(is_of_the_scale);
        let (mut most_mb_ms, mut most_ms) = (0.0_f64, 0.0_f64);
        for (size, log_ms) in sizes.iter().zip(&belief.mean) {
            if is_of_the_scale(size) || !has_some {
                let ms = log_ms.exp();
                most_ms = most_ms.max(ms);
                most_mb_ms = most_mb_ms.max((ms + beyond_ms) * f64::from(size.get()));
            }
        }
        Self {
            strategy,
            beyond_ms,
            most_mb_ms,
            most_ms,
        }
    }

    fn value(&self, memory: MemoryMb, ms: f64) -> f64 {
        let mb_ms = f64::from(memory.get()) * (ms + self.beyond_ms);
        match self.strategy {
            Strategy::Cost => mb_ms,
            Strategy::Speed => ms,
            Strategy::Balanced { weight } => {
                weight * mb_ms / self.most_mb_ms + (1.0 - weight) * ms / self.most_ms
            }
        }
    }
}

/// What is known after some rounds. Sizes are named by their place among the candidates.
struct Known<'a> {
    question: &'a Question,
    sizes: Vec<MemoryMb>,
    /// That each has, or is to have.
    calls: Vec<u32>,
    /// Of those that were measured.
    meets: Vec<Option<Meets>>,
    belief: Belief,
    scale: Scale,
    /// Added to the logarithm of a duration, it gives that of what the strategy wants to be small.
    offsets: Vec<f64>,
    /// Of one call, in units.
    prices: Vec<f64>,
    /// Logarithm of the typical duration up to which each size keeps to the limits.
    ceilings: Option<Vec<f64>>,
    variance_of_a_call: f64,
}

impl<'a> Known<'a> {
    /// None where nothing could be measured.
    fn new(question: &'a Question, seen: &[Seen]) -> Option<Self> {
        let sizes = question.candidates(seen);
        let mb: Vec<f64> = sizes.iter().map(|size| f64::from(size.get())).collect();
        let mut calls = vec![0; sizes.len()];
        let mut meets = vec![None; sizes.len()];
        let mut measured: Vec<(usize, Typical, &Samples)> = Vec::new();
        for size in seen {
            let at = sizes.binary_search(&size.memory);
            if let (Ok(at), Some(samples)) = (at, size.samples)
                && let Some(typical) = Typical::of(samples)
            {
                calls[at] = u32::try_from(samples.len()).unwrap_or(u32::MAX);
                meets[at] = Some(size.meets);
                measured.push((at, typical, samples));
            }
        }
        if measured.is_empty() {
            return None;
        }
        let variance_of_a_call = variance_of_a_call(measured.iter().map(|(_, typical, _)| typical));
        let observations: Vec<Observation> = measured
            .iter()
            .map(|(at, typical, _)| Observation {
                at: *at,
                log_ms: typical.log_ms,
                variance: typical.variance(variance_of_a_call),
            })
            .collect();
        let belief = Belief::new(&mb, &observations);
        let scale = Scale::new(question.strategy, beyond_ms(&measured), &sizes, &belief);
        let is_measured = |size: &MemoryMb| seen.iter().any(|seen| seen.memory == *size);
        let offset = |(size, log_ms): (&MemoryMb, &f64)| {
            let is_usual = USUAL.contains(&size.get());
            let unusual = match is_measured(size) {
                _ if is_usual => 0.0,
                true => question.settings.worth_of_a_usual_size.to_choose,
                false => question.settings.worth_of_a_usual_size.to_look,
            };
            scale.value(*size, log_ms.exp()).ln() - log_ms + unusual
        };
        let offsets = sizes.iter().zip(&belief.mean).map(offset).collect();
        let price = |(mb, log_ms): (&f64, &f64)| mb * log_ms.exp();
        let prices: Vec<f64> = mb.iter().zip(&belief.mean).map(price).collect();
        let distance = |mb: &f64| (mb / UNIT_MB).ln().abs();
        let unit = mb
            .iter()
            .zip(&prices)
            .min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)));
        let unit = *unit?.1;
        let ceilings = question
            .limits
            .is_any()
            .then(|| question.ceilings(&mb, &measured));
        Some(Self {
            question,
            prices: prices.iter().map(|price| price / unit).collect(),
            sizes,
            calls,
            meets,
            belief,
            scale,
            offsets,
            ceilings,
            variance_of_a_call,
        })
    }

    fn measured(&self) -> impl Iterator<Item = usize> {
        (0..self.sizes.len()).filter(|at| self.meets[*at].is_some())
    }

    fn value(&self, at: usize) -> f64 {
        self.belief.mean[at] + self.offsets[at]
    }

    /// Counts calls as made. What they will say is unknown, but not how much less will be unknown after them.
    fn expect(&mut self, at: usize, more: u32) {
        self.belief
            .expect(at, self.variance_of_a_call / f64::from(more));
        self.calls[at] += more;
    }

    /// The calls that are most worth their price, if any are.
    fn most_worth(&self) -> Option<(usize, u32)> {
        let incumbent = self.incumbent();
        let sizes = self.calls.iter().filter(|calls| **calls > 0).count();
        let mut best: Option<(f64, usize, u32)> = None;
        for at in 0..self.sizes.len() {
            if self.calls[at] == 0 && sizes >= MOST_SIZES_OF_A_SEARCH {
                continue;
            }
            for more in CALLS_OF_A_SIZE {
                if self.calls[at] + more > self.question.most_calls {
                    continue;
                }
                let price = self.question.worth_of_a_call() * self.prices[at] * f64::from(more);
                let net = self.gain(at, more, incumbent) - price;
                if net > 0.0 && best.is_none_or(|(most, _, _)| net > most) {
                    best = Some((net, at, more));
                }
            }
        }
        best.map(|(_, at, more)| (at, more))
    }

    /// The best of the measured sizes that seem to keep to the limits.
    fn incumbent(&self) -> Option<usize> {
        let measured = (0..self.sizes.len()).filter(|at| self.calls[*at] > 0);
        let keeps = measured.filter(|at| self.keeps_to_limits(*at));
        keeps.min_by(|a, b| self.value(*a).total_cmp(&self.value(*b)))
    }

    /// By how large a share the chosen size is expected to be better after more calls at one.
    fn gain(&self, at: usize, more: u32, incumbent: Option<usize>) -> f64 {
        let variance = self.belief.variance(at);
        let scale = (variance + self.variance_of_a_call / f64::from(more)).sqrt();
        let Some(incumbent) = incumbent else {
            return self.chance_to_keep(at, variance, scale) * WORTH_OF_KEEPING_TO_LIMITS;
        };
        let gap = |other: usize| self.value(other) - self.value(incumbent);
        if !self.keeps_to_limits(at) {
            return (-gap(at)).max(0.0) * self.chance_to_keep(at, variance, scale);
        }
        let might_be_chosen = |other: &usize| {
            *other != incumbent
                && (self.calls[*other] > 0 || *other == at)
                && self.keeps_to_limits(*other)
        };
        let others = (0..self.sizes.len()).filter(might_be_chosen);
        let gains = others.map(|other| {
            let moves = self.belief.covariance(incumbent, at) - self.belief.covariance(other, at);
            // What is not measured cannot be chosen yet, however good it looks.
            let already = if self.calls[other] == 0 {
                (-gap(other)).max(0.0)
            } else {
                0.0
            };
            already + expected_gain(gap(other), moves.abs() / scale)
        });
        gains.fold(0.0, f64::max)
    }

    /// Whether it is believed with confidence to keep to the limits.
    fn keeps_to_limits(&self, at: usize) -> bool {
        let sure = normal_quantile(CONFIDENCE) * self.belief.variance(at).max(0.0).sqrt();
        let fits = |ceilings: &Vec<f64>| self.belief.mean[at] + sure <= ceilings[at];
        self.meets[at] != Some(Meets::No) && self.ceilings.as_ref().is_none_or(fits)
    }

    /// The chance that after more calls it is believed to keep to the limits.
    fn chance_to_keep(&self, at: usize, variance: f64, scale: f64) -> f64 {
        let Some(ceilings) = &self.ceilings else {
            return 1.0;
        };
        if self.meets[at] == Some(Meets::No) {
            return 0.0;
        }
        let moves = variance / scale;
        let left = (variance - moves * moves).max(0.0).sqrt();
        let reach = ceilings[at] - self.belief.mean[at] - normal_quantile(CONFIDENCE) * left;
        normal(reach / moves.max(f64::EPSILON))
    }

    /// Where nothing else is worth its price: what the chosen size is to be known by, or to keep to, may need more calls.
    fn a_closer_look(&self, seen: &[Seen]) -> Next {
        let most = self.question.most_calls;
        let is_open = |at: usize| {
            let samples = seen.iter().find(|size| size.memory == self.sizes[at]);
            let samples = samples.and_then(|size| size.samples);
            let is_vague = self.question.precision.is_some_and(|precision| {
                let duration = samples.and_then(|samples| {
                    Estimate::trimmed(&samples.duration_ms, self.question.discard)
                });
                duration.is_none_or(|duration| duration.relative_half_width() > precision)
            });
            self.calls[at] < most && (is_vague || self.meets[at] == Some(Meets::Unsure))
        };
        let chosen = self.question.best(seen);
        let chosen = self.measured().find(|at| Some(self.sizes[*at]) == chosen);
        // One that may keep to the limits, and would be chosen then.
        let better = self.measured().filter(|at| {
            let is_better = chosen.is_none_or(|chosen| self.value(*at) < self.value(chosen));
            is_better && self.meets[*at] == Some(Meets::Unsure) && self.may_keep(*at)
        });
        let better = better.min_by(|a, b| self.value(*a).total_cmp(&self.value(*b)));
        match [better, chosen]
            .into_iter()
            .flatten()
            .find(|at| is_open(*at))
        {
            Some(at) => {
                let calls = self.calls[at].saturating_mul(2).min(most);
                Next::Measure(vec![(self.sizes[at], calls)])
            }
            None => Next::Enough,
        }
    }

    /// More calls could show it.
    fn may_keep(&self, at: usize) -> bool {
        self.ceilings
            .as_ref()
            .is_none_or(|ceilings| self.belief.mean[at] < ceilings[at])
    }
}

impl Question {
    /// Limits are on what is shown, the search is on typical calls: the two differ by much the same at every size.
    fn ceilings(&self, mb: &[f64], measured: &[(usize, Typical, &Samples)]) -> Vec<f64> {
        let above_typical = |shown: &dyn Fn(&Samples) -> f64| {
            let all = measured.iter().map(|(_, typical, samples)| {
                let weight = crate::distributions::count(samples.len());
                (weight * (shown(samples).ln() - typical.log_ms), weight)
            });
            let (sum, weight) = all.fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
            sum / weight
        };
        let duration = self.limits.duration.map(|limit| {
            let shown = |samples: &Samples| match limit.percentile {
                Some(percent) => quantile(&samples.duration_ms, percent / 100.0),
                None => trimmed_mean(&samples.duration_ms, self.discard),
            };
            limit.most_ms.ln() - above_typical(&shown)
        });
        let mb_ms = self.limits.cost.map(|most| {
            let shown = |samples: &Samples| trimmed_mean(&samples.billed_ms, self.discard);
            (most / self.per_gb_second * 1024.0 * 1000.0).ln() - above_typical(&shown)
        });
        let ceilings = mb.iter().map(|mb| {
            let of_cost = mb_ms.map(|mb_ms| mb_ms - mb.ln());
            let both = [duration, of_cost].into_iter().flatten();
            both.fold(f64::INFINITY, f64::min)
        });
        ceilings.collect()
    }
}

/// What is billed of a call beyond its duration, over all samples.
fn beyond_ms(measured: &[(usize, Typical, &Samples)]) -> f64 {
    let samples = measured.iter().map(|(_, _, samples)| samples);
    let beyond: Vec<f64> = samples
        .flat_map(|samples| samples.billed_ms.iter().zip(&samples.duration_ms))
        .map(|(billed, duration)| billed - duration)
        .collect();
    trimmed_mean(&beyond, 0.2).max(0.0)
}

/// Of a few samples, and no more than indicative.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let below = sorted.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a few thousand samples"
    )]
    let rank = (crate::distributions::count(below) * share).ceil() as usize;
    sorted.get(rank.min(below)).copied().unwrap_or(f64::NAN)
}

/// What it is worth to choose again between two after a look at their difference, which is believed to be `gap` and
/// expected to move by `spread`: a normal distribution's part below 0, beyond what is there without the look.
fn expected_gain(gap: f64, spread: f64) -> f64 {
    /// Beyond so many standard deviations nothing is to be expected.
    const FAR: f64 = 5.0;
    if gap.abs() >= spread * FAR {
        return 0.0;
    }
    let z = gap.abs() / spread;
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    spread * (density - z * normal(-z))
}

/// Welch's test, one-sided, on what is shown.
fn is_surely_less(a: &Estimate, b: &Estimate) -> bool {
    let variance = a.standard_error.powi(2) + b.standard_error.powi(2);
    let freedom = a.freedom.min(b.freedom).max(1.0);
    let needed = crate::distributions::student_t_quantile(CONFIDENCE, freedom) * variance.sqrt();
    b.mean - a.mean > needed
}
