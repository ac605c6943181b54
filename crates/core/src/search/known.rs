//! What is known in the middle of a search, and what more calls would be worth.

use super::belief::{Belief, Observation};
use super::scale::Scale;
use super::typical::{Typical, variance_of_a_call};
use super::{
    CALLS_OF_A_SIZE, MOST_SIZES_OF_A_SEARCH, Next, Question, Seen, UNIT_MB, USUAL,
    WORTH_OF_KEEPING_TO_LIMITS,
};
use crate::distributions::{count, normal, normal_quantile};
use crate::limits::Meets;
use crate::measurement::Samples;
use crate::memory::MemoryMb;
use crate::statistics::{CONFIDENCE, Estimate, trimmed_mean};

/// What is known after some rounds. Sizes are named by their place among the candidates.
pub(super) struct Known<'a> {
    question: &'a Question,
    pub sizes: Vec<MemoryMb>,
    /// That each has, or is to have.
    pub calls: Vec<u32>,
    /// Of those that were measured.
    pub meets: Vec<Option<Meets>>,
    has_enough: Vec<bool>,
    pub belief: Belief,
    pub scale: Scale,
    /// Added to the logarithm of a duration, it gives that of what the strategy wants to be small.
    pub offsets: Vec<f64>,
    /// Of one call, in units.
    prices: Vec<f64>,
    /// Logarithm of the typical duration up to which each size keeps to the limits.
    ceilings: Option<Vec<f64>>,
    variance_of_a_call: f64,
}

impl<'a> Known<'a> {
    /// None where nothing could be measured.
    pub fn new(question: &'a Question, seen: &[Seen]) -> Option<Self> {
        let sizes = question.candidates(seen);
        let mb: Vec<f64> = sizes.iter().map(|size| f64::from(size.get())).collect();
        let mut calls = vec![0; sizes.len()];
        let mut meets = vec![None; sizes.len()];
        let mut has_enough = vec![false; sizes.len()];
        let mut measured: Vec<(usize, Typical, &Samples)> = Vec::new();
        for size in seen {
            let at = sizes.binary_search(&size.memory);
            if let (Ok(at), Some(samples)) = (at, size.samples)
                && let Some(typical) = Typical::of(samples)
            {
                calls[at] = u32::try_from(samples.len()).unwrap_or(u32::MAX);
                meets[at] = Some(size.meets);
                has_enough[at] = question.has_enough(samples);
                measured.push((at, typical, samples));
            }
        }
        if measured.is_empty() {
            return None;
        }
        // Sums of the same numbers in another order differ in their last digits, which decides between equal sizes.
        measured.sort_by_key(|(at, _, _)| *at);
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
            has_enough,
            belief,
            scale,
            offsets,
            ceilings,
            variance_of_a_call,
        })
    }

    pub fn measured(&self) -> impl Iterator<Item = usize> {
        (0..self.sizes.len()).filter(|at| self.meets[*at].is_some())
    }

    pub fn value(&self, at: usize) -> f64 {
        self.belief.mean[at] + self.offsets[at]
    }

    /// Counts calls as made. What they will say is unknown, but not how much less will be unknown after them.
    pub fn expect(&mut self, at: usize, more: u32) {
        self.belief
            .expect(at, self.variance_of_a_call / f64::from(more));
        self.calls[at] += more;
    }

    /// The calls that are most worth their price, if any are.
    pub fn most_worth(&self) -> Option<(usize, u32)> {
        let incumbent = self.incumbent();
        let sizes = self.calls.iter().filter(|calls| **calls > 0).count();
        let mut best: Option<(f64, usize, u32)> = None;
        for at in 0..self.sizes.len() {
            let is_one_too_many = self.calls[at] == 0 && sizes >= MOST_SIZES_OF_A_SEARCH;
            // Where nothing keeps to the limits, what does may be far away.
            let is_too_far = incumbent.is_some() && self.is_far_from_measured(at);
            if is_one_too_many || is_too_far || self.has_enough[at] {
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

    /// Shapes that agree on what was measured part beyond it: a dear look at what is far away can nearly always be had
    /// cheaper, nearer by.
    fn is_far_from_measured(&self, at: usize) -> bool {
        let mb = |at: usize| self.sizes[at].get();
        let is_near = |other: usize| mb(at) <= mb(other) * 2 && mb(other) <= mb(at) * 2;
        let (smallest, largest) = (self.measured().next(), self.measured().last());
        let is_between = smallest.is_some_and(|smallest| smallest < at)
            && largest.is_some_and(|largest| at < largest);
        !is_between && !smallest.is_some_and(is_near) && !largest.is_some_and(is_near)
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
    pub fn a_closer_look(&self, seen: &[Seen]) -> Next {
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
            let may_get_more = self.calls[at] < most && !self.has_enough[at];
            may_get_more && (is_vague || self.meets[at] == Some(Meets::Unsure))
        };
        let chosen = self.question.best(seen);
        let chosen = self.measured().find(|at| Some(self.sizes[*at]) == chosen);
        // One that may keep to the limits, and would be chosen then. Where all its calls do not show it, the next one may.
        let better = self.measured().filter(|at| {
            let is_better = chosen.is_none_or(|chosen| self.value(*at) < self.value(chosen));
            is_better && self.meets[*at] == Some(Meets::Unsure) && self.may_keep(*at)
        });
        let better = better.filter(|at| is_open(*at));
        let better = better.min_by(|a, b| self.value(*a).total_cmp(&self.value(*b)));
        match better.or(chosen.filter(|at| is_open(*at))) {
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
                let weight = count(samples.len());
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
    let rank = (count(below) * share).ceil() as usize;
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
