//! The limits that an input sets: which of the measured sizes keep to them, and how surely.

use serde::{Deserialize, Serialize};

use crate::choice::{Candidate, Scale, Strategy};
use crate::measurement::Summary;
use crate::memory::MemoryMb;
use crate::request::{DurationLimit, Limits};
use crate::statistics::{CONFIDENCE, Estimate};
use crate::tuning::SizeResult;

/// Whether a size keeps to the limits with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Meets {
    Yes,
    No,
    /// More calls could show it, or that it does not.
    Unsure,
}

/// What the limits say about one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    pub meets: Meets,
    /// What the mean, or the percentile that the limit asks for, is below with 95 % confidence. None where no duration is
    /// limited, or where there are too few samples for a bound.
    pub duration_bound_ms: Option<f64>,
    /// The same for the mean cost of a call.
    pub cost_bound: Option<f64>,
    /// By which share of its limit a bound is above it: the largest, where there are several.
    excess: f64,
}

/// What the outcome says about the limits.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Constraint {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<f64>,
    pub confidence: f64,
    /// Whether the chosen size keeps to them.
    pub met: bool,
}

/// A measured size with what the limits say about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    pub candidate: Candidate,
    pub verdict: Verdict,
}

/// What is known of a quantity that has a limit.
#[derive(Clone, Copy)]
struct Known {
    at_least: Option<f64>,
    at_most: Option<f64>,
}

impl Known {
    fn mean(shown: f64, estimate: Option<Estimate>) -> Self {
        Self {
            at_least: estimate.map(|estimate| estimate.at_least()),
            // What is shown may be rounded up, and keeps to the limit as well.
            at_most: estimate.map(|estimate| estimate.at_most().max(shown)),
        }
    }

    fn against(self, limit: f64) -> (Meets, f64) {
        let excess = |bound: f64| (bound / limit - 1.0).max(0.0);
        let meets = if self.at_most.is_some_and(|bound| bound <= limit) {
            Meets::Yes
        } else if self.at_least.is_some_and(|bound| bound > limit) {
            Meets::No
        } else {
            Meets::Unsure
        };
        (meets, self.at_most.map_or(f64::INFINITY, excess))
    }
}

impl Limits {
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.duration.is_some() || self.cost.is_some()
    }

    #[must_use]
    pub fn verdict(&self, summary: &Summary) -> Verdict {
        let duration = self.duration.map(|limit| {
            let known = match (limit.percentile, summary.percentile) {
                (None, _) => Known::mean(summary.average_duration_ms, summary.duration),
                (Some(_), between) => Known {
                    at_least: between.and_then(|between| between.low),
                    at_most: between.and_then(|between| between.high),
                },
            };
            (known, limit.most_ms)
        });
        let cost = self
            .cost
            .map(|limit| (Known::mean(summary.average_cost, summary.cost), limit));
        let mut meets = Meets::Yes;
        let mut excess: f64 = 0.0;
        for (known, limit) in [duration, cost].into_iter().flatten() {
            let (this, by) = known.against(limit);
            meets = match (meets, this) {
                (Meets::No, _) | (_, Meets::No) => Meets::No,
                (Meets::Unsure, _) | (_, Meets::Unsure) => Meets::Unsure,
                (Meets::Yes, Meets::Yes) => Meets::Yes,
            };
            excess = excess.max(by);
        }
        Verdict {
            meets,
            duration_bound_ms: duration.and_then(|(known, _)| known.at_most),
            cost_bound: cost.and_then(|(known, _)| known.at_most),
            excess,
        }
    }

    /// What the outcome says about them; nothing where there are none.
    #[must_use]
    pub fn constraint(&self, chosen: &Verdict) -> Option<Constraint> {
        self.is_any().then(|| Constraint {
            max_duration_ms: self.duration.map(|limit| limit.most_ms),
            percentile: self.duration.and_then(|limit| limit.percentile),
            max_cost: self.cost,
            confidence: CONFIDENCE,
            met: chosen.meets == Meets::Yes,
        })
    }

    /// `a mean duration of at most 300 ms and a cost of at most 0.000002 USD a call`.
    #[must_use]
    pub fn in_words(&self, currency: &str) -> String {
        let duration = self.duration.map(|limit| {
            let DurationLimit {
                most_ms,
                percentile,
            } = limit;
            match percentile {
                Some(percentile) => format!("{percentile} % of the calls within {most_ms} ms"),
                None => format!("a mean duration of at most {most_ms} ms"),
            }
        });
        let cost = self
            .cost
            .map(|most| format!("a mean cost of at most {most} {currency} a call"));
        let both: Vec<String> = [duration, cost].into_iter().flatten().collect();
        both.join(" and ")
    }
}

/// Those of the sizes that were measured.
#[must_use]
pub fn judged(limits: &Limits, sizes: &[SizeResult]) -> Vec<Judged> {
    let judged = sizes.iter().filter_map(|size| {
        Some(Judged {
            candidate: size.candidate()?,
            verdict: limits.verdict(size.result.as_ref().ok()?),
        })
    });
    judged.collect()
}

/// The best by the strategy among those that keep to the limits. Where none does, the closest one: that of which the
/// bound is above its limit by the smallest share, and the best by the strategy where that is the same.
#[must_use]
pub fn choose(sizes: &[Judged], strategy: Strategy) -> Option<Judged> {
    let all: Vec<Candidate> = sizes.iter().map(|size| size.candidate).collect();
    let keeps = |size: &&Judged| size.verdict.meets == Meets::Yes;
    let smallest = sizes
        .iter()
        .map(|size| size.verdict.excess)
        .fold(f64::INFINITY, f64::min);
    let is_closest = |size: &&Judged| size.verdict.excess <= smallest;
    let may_be_chosen: Vec<&Judged> = if sizes.iter().any(|size| keeps(&size)) {
        sizes.iter().filter(keeps).collect()
    } else {
        sizes.iter().filter(is_closest).collect()
    };
    let candidates: Vec<Candidate> = may_be_chosen.iter().map(|size| size.candidate).collect();
    let best = Scale::of(&all).best(&candidates, strategy)?;
    may_be_chosen
        .into_iter()
        .find(|size| size.candidate == best)
        .copied()
}

/// The sizes that would have been chosen instead, had it been shown that they keep to the limits: more calls may do that.
#[must_use]
pub fn left_out_unsure(
    sizes: &[Judged],
    chosen: &Judged,
    strategy: Strategy,
    scale: &Scale,
) -> Vec<MemoryMb> {
    let is_better = |size: &Judged| {
        let two = [size.candidate, chosen.candidate];
        chosen.verdict.meets != Meets::Yes || scale.best(&two, strategy) == Some(size.candidate)
    };
    let unsure = sizes
        .iter()
        .filter(|size| size.verdict.meets == Meets::Unsure && is_better(size));
    unsure.map(|size| size.candidate.memory).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy as _, prop, prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::choice::best;
    use crate::measurement::{Between, Tally};

    fn estimate(mean: f64, half: f64) -> Estimate {
        Estimate {
            mean,
            low: mean - half,
            high: mean + half,
            standard_error: half / 2.0,
            freedom: 30.0,
        }
    }

    /// Averages known to a share, and a percentile between two values.
    fn summary(ms: f64, cost: f64, share: f64) -> Summary {
        Summary {
            average_duration_ms: ms,
            average_cost: cost,
            duration: Some(estimate(ms, ms * share)),
            cost: Some(estimate(cost, cost * share)),
            percentile: Some(Between {
                low: Some(ms * 1.4),
                high: Some(ms * 1.6),
            }),
            ..Summary::default()
        }
    }

    fn limits(most_ms: Option<f64>, percentile: Option<f64>, cost: Option<f64>) -> Limits {
        Limits {
            duration: most_ms.map(|most_ms| DurationLimit {
                most_ms,
                percentile,
            }),
            cost,
        }
    }

    fn judged(limits: &Limits, sizes: &[(u32, Summary)]) -> Vec<Judged> {
        let sizes = sizes.iter().map(|(mb, summary)| SizeResult {
            memory: MemoryMb::try_from(*mb).expect("a valid size"),
            tally: Tally::default(),
            result: Ok(*summary),
        });
        super::judged(limits, &sizes.collect::<Vec<_>>())
    }

    fn chosen(limits: &Limits, sizes: &[(u32, Summary)], strategy: Strategy) -> (u32, Meets) {
        let chosen = choose(&judged(limits, sizes), strategy).expect("a size");
        (chosen.candidate.memory.get(), chosen.verdict.meets)
    }

    #[test]
    fn a_limit_is_kept_broken_or_not_known_to_be_either() {
        // With 30 degrees of freedom one side needs 1.697 of 2.042 of the half: 100 ± 10 is below 108.31 and above 91.69.
        let known = summary(100.0, 2.0, 0.1);
        let cases = [
            (limits(Some(108.4), None, None), Meets::Yes),
            (limits(Some(108.2), None, None), Meets::Unsure),
            (limits(Some(91.8), None, None), Meets::Unsure),
            (limits(Some(91.6), None, None), Meets::No),
            (limits(None, None, Some(2.17)), Meets::Yes),
            (limits(None, None, Some(2.16)), Meets::Unsure),
            (limits(None, None, Some(1.83)), Meets::No),
            (limits(Some(160.0), Some(95.0), None), Meets::Yes),
            (limits(Some(159.9), Some(95.0), None), Meets::Unsure),
            (limits(Some(140.0), Some(95.0), None), Meets::Unsure),
            (limits(Some(139.9), Some(95.0), None), Meets::No),
            (limits(Some(200.0), None, Some(2.1)), Meets::Unsure),
            (limits(Some(100.0), None, Some(1.0)), Meets::No),
            (Limits::default(), Meets::Yes),
        ];
        for (limits, want) in cases {
            assert_eq!(limits.verdict(&known).meets, want, "{limits:?}");
        }
    }

    #[test]
    fn what_too_few_samples_cannot_show_is_not_taken_for_shown() {
        let few = Summary {
            average_duration_ms: 10.0,
            average_cost: 1.0,
            percentile: Some(Between {
                low: Some(2.0),
                high: None,
            }),
            ..Summary::default()
        };
        for limits in [
            limits(Some(1e6), None, None),
            limits(Some(1e6), Some(99.0), None),
            limits(None, None, Some(1e6)),
        ] {
            let verdict = limits.verdict(&few);
            assert_eq!(verdict.meets, Meets::Unsure, "{limits:?}");
            assert_eq!(
                (verdict.duration_bound_ms, verdict.cost_bound),
                (None, None)
            );
        }
        let rounded_up = Summary {
            average_cost: 2.0,
            ..summary(100.0, 1.0, 0.1)
        };
        let limit = limits(None, None, Some(1.5));
        assert_eq!(limit.verdict(&rounded_up).meets, Meets::Unsure);
    }

    #[test]
    fn the_best_of_those_that_keep_to_the_limits_is_chosen() {
        let sizes = [
            (128, summary(1000.0, 1.0, 0.02)),
            (512, summary(300.0, 1.2, 0.02)),
            (1024, summary(200.0, 1.6, 0.02)),
            (3008, summary(190.0, 4.0, 0.02)),
        ];
        let within = limits(Some(310.0), None, None);
        assert_eq!(chosen(&within, &sizes, Strategy::Cost), (512, Meets::Yes));
        assert_eq!(chosen(&within, &sizes, Strategy::Speed), (3008, Meets::Yes));
        let cheap = limits(None, None, Some(1.7));
        assert_eq!(chosen(&cheap, &sizes, Strategy::Speed), (1024, Meets::Yes));
        let p95 = limits(Some(330.0), Some(95.0), None);
        assert_eq!(chosen(&p95, &sizes, Strategy::Cost), (1024, Meets::Yes));
        assert_eq!(
            chosen(&Limits::default(), &sizes, Strategy::Cost),
            (128, Meets::Yes)
        );
        assert_eq!(choose(&[], Strategy::Cost), None);
    }

    #[test]
    fn where_none_keeps_to_them_the_closest_one_is_chosen() {
        let sizes = [
            (128, summary(1000.0, 1.0, 0.02)),
            (512, summary(300.0, 2.0, 0.02)),
            (1024, summary(200.0, 4.0, 0.02)),
        ];
        let fast = limits(Some(100.0), None, None);
        assert_eq!(chosen(&fast, &sizes, Strategy::Cost), (1024, Meets::No));
        // 900 % and 0 %, 200 % and 33 %, 100 % and 167 %: the larger ones count.
        let both = limits(Some(100.0), None, Some(1.5));
        assert_eq!(chosen(&both, &sizes, Strategy::Cost), (1024, Meets::No));
        let alike = [
            (512, summary(300.0, 2.0, 0.02)),
            (1024, summary(300.0, 1.0, 0.02)),
        ];
        assert_eq!(chosen(&fast, &alike, Strategy::Cost), (1024, Meets::No));
    }

    #[test]
    fn sizes_that_more_calls_might_bring_in_are_named() {
        let sizes = [
            (128, summary(1000.0, 1.0, 0.1)),
            (256, summary(310.0, 1.1, 0.1)),
            (512, summary(200.0, 1.2, 0.1)),
            (1024, summary(310.0, 1.6, 0.1)),
        ];
        let limits = limits(Some(320.0), None, None);
        let judged = judged(&limits, &sizes);
        let chosen = choose(&judged, Strategy::Cost).expect("a size");
        assert_eq!(chosen.candidate.memory.get(), 512);
        let left_out = |strategy| -> Vec<u32> {
            let all: Vec<Candidate> = judged.iter().map(|size| size.candidate).collect();
            let sizes = left_out_unsure(&judged, &chosen, strategy, &Scale::of(&all));
            sizes.iter().map(|size| size.get()).collect()
        };
        assert_eq!(left_out(Strategy::Cost), [256], "1024 MB is dearer anyway");
        assert_eq!(left_out(Strategy::Speed), [0; 0]);
    }

    proptest! {
        #[test]
        fn without_limits_the_choice_is_what_it_was(
            sizes in prop::collection::btree_map(128u32..=10_240, (0.1..1e3f64, 0.1..1e6f64), 1..12)
                .prop_map(|sizes| sizes.into_iter().map(|(mb, (cost, ms))| (mb, summary(ms, cost, 0.1))).collect::<Vec<_>>()),
            weight in 0.0..=1.0f64,
        ) {
            let judged = judged(&Limits::default(), &sizes);
            let all: Vec<Candidate> = judged.iter().map(|size| size.candidate).collect();
            for strategy in [Strategy::Cost, Strategy::Speed, Strategy::Balanced { weight }] {
                let chosen = choose(&judged, strategy).map(|size| size.candidate);
                prop_assert_eq!(chosen, best(&all, strategy));
            }
        }

        #[test]
        fn no_size_that_keeps_to_the_limits_beats_the_chosen_one(
            sizes in prop::collection::btree_map(128u32..=10_240, (0.1..1e3f64, 0.1..1e3f64, 0.0..0.3f64), 1..12)
                .prop_map(|sizes| sizes.into_iter().map(|(mb, (cost, ms, share))| (mb, summary(ms, cost, share))).collect::<Vec<_>>()),
            most_ms in 1.0..1e3f64,
            most_cost in 1.0..1e3f64,
            percentile in prop::option::of(1.0..99.0f64),
            weight in 0.0..=1.0f64,
        ) {
            let limits = limits(Some(most_ms), percentile, Some(most_cost));
            let judged = judged(&limits, &sizes);
            let all: Vec<Candidate> = judged.iter().map(|size| size.candidate).collect();
            let scale = Scale::of(&all);
            for strategy in [Strategy::Cost, Strategy::Speed, Strategy::Balanced { weight }] {
                let chosen = choose(&judged, strategy).expect("not empty");
                let value = |size: &Judged| scale.value(strategy, size.candidate.cost, size.candidate.duration_ms);
                for size in &judged {
                    match (chosen.verdict.meets, size.verdict.meets) {
                        (Meets::Yes, Meets::Yes) => prop_assert!(value(size) >= value(&chosen)),
                        (Meets::Yes, _) => {}
                        (_, met) => {
                            prop_assert!(met != Meets::Yes, "{:?} keeps to them", size);
                            prop_assert!(size.verdict.excess >= chosen.verdict.excess);
                        }
                    }
                }
                if chosen.verdict.meets == Meets::Yes {
                    prop_assert!(chosen.verdict.duration_bound_ms.is_some_and(|bound| bound <= most_ms));
                    prop_assert!(chosen.verdict.cost_bound.is_some_and(|bound| bound <= most_cost));
                }
            }
        }
    }
}
