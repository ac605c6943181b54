//! By how much the best size is better than the current one, and whether that is more than chance.

use serde::{Deserialize, Serialize};

use crate::choice::{Candidate, Scale, Strategy};
use crate::measurement::Summary;
use crate::memory::MemoryMb;

/// By the strategy: of the cost, of the duration, or of their balance.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Improvement {
    /// The current size.
    pub over: MemoryMb,
    /// Of the averages shown; negative where the current size is better.
    pub percent: f64,
    /// What it is above with 95 % confidence. None where there are too few samples to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least_percent: Option<f64>,
}

/// A size that was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    pub candidate: Candidate,
    pub summary: &'a Summary,
}

impl Measured<'_> {
    fn shown(&self, strategy: Strategy, scale: &Scale) -> f64 {
        scale.value(strategy, self.candidate.cost, self.candidate.duration_ms)
    }
}

impl Improvement {
    /// The bound is that of a difference of two means of which each has bounds of its own (Zou & Donner 2008): it need not
    /// assume that these lie alike to both sides. None where the current size costs nothing at all.
    #[must_use]
    pub fn of(
        best: &Measured,
        current: &Measured,
        strategy: Strategy,
        scale: &Scale,
    ) -> Option<Self> {
        let from = current.shown(strategy, scale);
        if from <= 0.0 {
            return None;
        }
        let percent = |difference: f64| difference / from * 100.0;
        let is_same = best.candidate.memory == current.candidate.memory;
        let at_least = || {
            let (now, then) = (
                best.summary.value(strategy, scale)?,
                current.summary.value(strategy, scale)?,
            );
            let (above, below) = (now.at_most() - now.mean, then.mean - then.at_least());
            Some(then.mean - now.mean - above.hypot(below))
        };
        Some(Self {
            over: current.candidate.memory,
            percent: percent(from - best.shown(strategy, scale)),
            at_least_percent: if is_same {
                Some(0.0)
            } else {
                at_least().map(percent)
            },
        })
    }

    /// It is at least that, and more than chance.
    #[must_use]
    pub fn is_worth(&self, least_percent: f64) -> bool {
        self.percent >= least_percent && self.at_least_percent.is_some_and(|least| least > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Estimate;

    fn summary(ms: f64, cost: f64, share: f64) -> Summary {
        let estimate = |mean: f64| Estimate {
            mean,
            low: mean * (1.0 - share),
            high: mean * (1.0 + share),
            standard_error: mean * share / 2.0,
            freedom: 30.0,
        };
        Summary {
            average_duration_ms: ms,
            average_cost: cost,
            duration: Some(estimate(ms)),
            cost: Some(estimate(cost)),
            ..Summary::default()
        }
    }

    fn measured(mb: u32, summary: &Summary) -> Measured<'_> {
        Measured {
            candidate: Candidate {
                memory: MemoryMb::try_from(mb).expect("a valid size"),
                cost: summary.average_cost,
                duration_ms: summary.average_duration_ms,
            },
            summary,
        }
    }

    fn improvement(best: &Summary, current: &Summary, strategy: Strategy) -> Improvement {
        let (best, current) = (measured(1024, best), measured(512, current));
        let scale = Scale::of(&[best.candidate, current.candidate]);
        Improvement::of(&best, &current, strategy, &scale).expect("an improvement")
    }

    #[test]
    fn an_improvement_is_bounded_by_what_both_sizes_are_known_to() {
        let (best, current) = (summary(80.0, 1.8, 0.1), summary(100.0, 2.0, 0.1));
        // One side needs 1.69726 of 2.04227 of the half: 8.31 of 100, and 6.65 of 80.
        let faster = improvement(&best, &current, Strategy::Speed);
        assert!((faster.percent - 20.0).abs() < 1e-9);
        let one_side: f64 = 1.697_261 / 2.042_272;
        let wanted = 20.0 - (8.0 * one_side).hypot(10.0 * one_side);
        assert!(
            faster
                .at_least_percent
                .is_some_and(|least| (least - wanted).abs() < 1e-3),
            "{faster:?}"
        );
        assert!(faster.is_worth(20.0) && !faster.is_worth(20.1));
        // 10 % cheaper, but known to 10 % each.
        let cheaper = improvement(&best, &current, Strategy::Cost);
        assert!((cheaper.percent - 10.0).abs() < 1e-9);
        assert!(!cheaper.is_worth(0.0), "{cheaper:?}");
        // Half of each.
        let balanced = improvement(&best, &current, Strategy::Balanced { weight: 0.5 });
        assert!((balanced.percent - 15.0).abs() < 1e-9);
        assert!(balanced.is_worth(15.0 - 1e-9), "{balanced:?}");
    }

    #[test]
    fn nothing_is_worth_it_that_is_worse_the_same_or_not_known() {
        let (slow, fast) = (summary(100.0, 1.0, 0.01), summary(50.0, 1.0, 0.01));
        let worse = improvement(&slow, &fast, Strategy::Speed);
        assert!(worse.percent < 0.0 && !worse.is_worth(0.0));
        let unknown = Summary {
            duration: None,
            ..fast
        };
        let unsure = improvement(&unknown, &slow, Strategy::Speed);
        assert_eq!(unsure.at_least_percent, None);
        assert!(!unsure.is_worth(0.0));
        let here = measured(512, &slow);
        let scale = Scale::of(&[here.candidate]);
        let same = Improvement::of(&here, &here, Strategy::Cost, &scale).expect("of itself");
        assert!(same.percent.abs() < 1e-9 && !same.is_worth(0.0));
        let nothing = summary(0.0, 0.0, 0.0);
        let free = measured(512, &nothing);
        assert_eq!(Improvement::of(&here, &free, Strategy::Cost, &scale), None);
    }
}
