//! How sure it is that the chosen size is the best by the strategy, and what it costs if it is not.

use serde::{Deserialize, Serialize};

use crate::choice::{Scale, Strategy};
use crate::distributions::{count, student_t, student_t_quantile};
use crate::measurement::Summary;
use crate::memory::MemoryMb;
use crate::statistics::{CONFIDENCE, Estimate};

/// What the outcome says of the choice.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Confidence {
    /// Of all intervals and bounds of the outcome, and of `as_good`.
    pub level: f64,
    /// That no other measured size is better.
    pub probability: f64,
    /// Sizes that the samples do not show to be worse: by Hsu's comparisons with the best, the best is one of these or the
    /// chosen one, with that level.
    pub as_good: Vec<MemoryMb>,
    /// How much the chosen size is expected to lose against the one that is really the best, in percent of its own value.
    pub expected_loss_percent: f64,
    /// What it loses at the most, with that level.
    pub worst_loss_percent: f64,
}

/// A size with what the strategy wants to be small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rival {
    pub memory: MemoryMb,
    value: Estimate,
}

impl Rival {
    /// None where there are too few samples to say how sure its averages are.
    #[must_use]
    pub fn of(
        memory: MemoryMb,
        summary: &Summary,
        strategy: Strategy,
        scale: &Scale,
    ) -> Option<Self> {
        Self::with(memory, summary.value(strategy, scale)?)
    }

    fn with(memory: MemoryMb, value: Estimate) -> Option<Self> {
        let Estimate {
            mean,
            low,
            high,
            freedom,
            ..
        } = value;
        // A state may come from anywhere.
        let is_sound = (0.0..=mean).contains(&low)
            && (mean..f64::MAX.sqrt()).contains(&high)
            && mean > f64::MIN_POSITIVE.sqrt()
            && (1.0..1e6).contains(&freedom);
        is_sound.then_some(Self { memory, value })
    }

    /// How far the truth may lie below the mean, or above it, with such a chance on that side.
    fn reach(&self, side: Side, chance: f64) -> f64 {
        self.spread(side) * student_t_quantile(1.0 - chance, self.value.freedom)
    }

    /// What Student's t is multiplied by to that side, so that the end of the interval is where it is.
    fn spread(&self, side: Side) -> f64 {
        let Estimate {
            mean,
            low,
            high,
            freedom,
            ..
        } = self.value;
        let distance = match side {
            Side::Below => mean - low,
            Side::Above => high - mean,
        };
        distance / student_t_quantile(f64::midpoint(1.0, CONFIDENCE), freedom)
    }
}

#[derive(Clone, Copy)]
enum Side {
    Below,
    Above,
}

/// What is believed of a size's value: Student's t to both sides of its mean, each with the spread that its interval has
/// there (a confidence distribution: Xie and Singh 2013).
struct Belief {
    mean: f64,
    below: f64,
    above: f64,
    freedom: f64,
}

impl Belief {
    fn of(rival: &Rival) -> Self {
        /// Of the mean: what does not differ at all is believed nearly without a spread.
        const LEAST: f64 = 1e-9;
        let Estimate { mean, freedom, .. } = rival.value;
        let spread = |side| rival.spread(side).max(mean * LEAST);
        Self {
            mean,
            below: spread(Side::Below),
            above: spread(Side::Above),
            freedom,
        }
    }

    fn spread(&self, is_above: bool) -> f64 {
        if is_above { self.above } else { self.below }
    }

    /// The chance that the truth lies above.
    fn is_above(&self, value: f64) -> f64 {
        let distance = value - self.mean;
        1.0 - student_t(distance / self.spread(distance > 0.0), self.freedom)
    }

    fn quantile(&self, share: f64) -> f64 {
        let t = student_t_quantile(share, self.freedom);
        self.mean + t * self.spread(t > 0.0)
    }
}

impl Confidence {
    /// Of the choice among these sizes. None where too little is known of the chosen one.
    #[must_use]
    pub fn of(rivals: &[Rival], chosen: MemoryMb) -> Option<Self> {
        let mut rivals = rivals.to_vec();
        rivals.sort_by_key(|rival| rival.memory);
        let chosen = *rivals.iter().find(|rival| rival.memory == chosen)?;
        rivals.retain(|rival| rival.memory != chosen.memory);
        // Bonferroni's share of what may go wrong, for each comparison.
        let chance = (1.0 - CONFIDENCE) / count(rivals.len().max(1));
        let is_as_good = |rival: &&Rival| {
            let worse_by = rival.value.mean - chosen.value.mean;
            let uncertainty = difference(
                rival.reach(Side::Below, chance),
                chosen.reach(Side::Above, chance),
            );
            worse_by <= uncertainty
        };
        let loss = |rival: &Rival| {
            let uncertainty = difference(
                chosen.reach(Side::Above, chance),
                rival.reach(Side::Below, chance),
            );
            chosen.value.mean - rival.value.mean + uncertainty
        };
        let (probability, expected_loss) = integrate(&chosen, &rivals);
        let percent = |loss: f64| loss / chosen.value.mean * 100.0;
        Some(Self {
            level: CONFIDENCE,
            probability,
            as_good: rivals
                .iter()
                .filter(is_as_good)
                .map(|rival| rival.memory)
                .collect(),
            expected_loss_percent: percent(expected_loss),
            worst_loss_percent: percent(rivals.iter().map(loss).fold(0.0, f64::max)),
        })
    }
}

/// How far a difference of two means may be off, of which each may be off by so much towards the other (Zou and Donner
/// 2008): it need not be the same to both sides.
fn difference(one: f64, other: f64) -> f64 {
    one.hypot(other)
}

/// The chance that the chosen size is the best, and what it is expected to lose: integrals over what is believed of all
/// values, by the trapezoidal rule between their quantiles.
fn integrate(chosen: &Rival, rivals: &[Rival]) -> (f64, f64) {
    const POINTS: usize = 1200;
    if rivals.is_empty() {
        return (1.0, 0.0);
    }
    let chosen = Belief::of(chosen);
    let rivals: Vec<Belief> = rivals.iter().map(Belief::of).collect();
    let each = (POINTS / (rivals.len() + 1)).max(20);
    let believed = rivals.iter().chain([&chosen]);
    let mut points: Vec<f64> = believed
        .flat_map(|belief| {
            let share = |point: usize| count(2 * point + 1) / count(2 * each);
            (0..each).map(move |point| belief.quantile(share(point)))
        })
        .collect();
    points.sort_by(f64::total_cmp);
    let at = |value: f64| {
        let all: f64 = rivals.iter().map(|rival| rival.is_above(value)).product();
        (value, chosen.is_above(value), all)
    };
    let mut probability = 0.0;
    let mut loss = 0.0;
    let mut before = (points[0], 1.0, 1.0);
    for point in points {
        let now = at(point);
        let (width, left) = (now.0 - before.0, before.1 - now.1);
        probability += left * f64::midpoint(before.2, now.2);
        let one_is_below = |(_, chosen, all): (f64, f64, f64)| chosen * (1.0 - all);
        loss += width * f64::midpoint(one_is_below(before), one_is_below(now));
        before = now;
    }
    (probability.clamp(0.0, 1.0), loss.max(0.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{
        ProptestConfig, Strategy as _, any, prop, prop_assert, prop_assert_eq, proptest,
    };

    use super::*;

    fn size(mb: u32) -> MemoryMb {
        MemoryMb::try_from(mb).expect("a valid size")
    }

    fn rival(mb: u32, mean: f64, half: f64, freedom: f64) -> Rival {
        let value = Estimate {
            mean,
            low: (mean - half).max(0.0),
            high: mean + half,
            standard_error: 1.0,
            freedom,
        };
        Rival::with(size(mb), value).expect("a sound estimate")
    }

    fn of(rivals: &[Rival], chosen: u32) -> Confidence {
        Confidence::of(rivals, size(chosen)).expect("enough is known")
    }

    #[test]
    fn what_is_far_apart_is_sure() {
        let rivals = [rival(128, 200.0, 5.0, 30.0), rival(512, 100.0, 3.0, 30.0)];
        let Confidence {
            probability,
            as_good,
            expected_loss_percent,
            worst_loss_percent,
            level,
        } = of(&rivals, 512);
        assert!(probability > 0.999_999, "{probability}");
        assert_eq!((as_good.len(), level), (0, 0.95));
        assert!(expected_loss_percent < 1e-6 && worst_loss_percent < 1e-9);
        let wrong = of(&rivals, 128);
        assert!(wrong.probability < 1e-6);
        assert_eq!(wrong.as_good, [size(512)]);
        assert!(
            (wrong.expected_loss_percent - 50.0).abs() < 0.2,
            "{wrong:?}"
        );
        // 100 of 200, and as far again as one difference of two means at one side's 95 %.
        let t = student_t_quantile(0.95, 30.0) / student_t_quantile(0.975, 30.0);
        let worst = 50.0 + 5f64.hypot(3.0) * t / 2.0;
        assert!((wrong.worst_loss_percent - worst).abs() < 1e-6, "{wrong:?}");
    }

    #[test]
    fn two_that_are_alike_are_even() {
        let rivals = [rival(128, 100.0, 10.0, 9.0), rival(512, 100.0, 10.0, 9.0)];
        let found = of(&rivals, 128);
        assert!((found.probability - 0.5).abs() < 0.01, "{found:?}");
        assert_eq!(found.as_good, [size(512)]);
        // E max(D, 0) of a difference of two normal ones with s = 10 / 2.26 is sqrt(2) s / sqrt(2 pi) = 2.5; t has a bit more.
        assert!(
            (2.4..3.4).contains(&found.expected_loss_percent),
            "{found:?}"
        );
        let exact = [rival(128, 100.0, 0.0, 9.0), rival(512, 100.0, 0.0, 9.0)];
        let found = of(&exact, 128);
        assert!((found.probability - 0.5).abs() < 0.01 && found.worst_loss_percent < 1e-6);
    }

    #[test]
    fn a_size_is_as_good_until_the_samples_show_that_it_is_worse() {
        // 14.1 lie between the ends of two halves of 10; one side at 5 % takes 0.81 of that.
        for (mean, is_as_good) in [(105.0, true), (111.0, true), (112.0, false)] {
            let rivals = [rival(128, 100.0, 10.0, 9.0), rival(512, mean, 10.0, 9.0)];
            let found = of(&rivals, 128);
            assert_eq!(!found.as_good.is_empty(), is_as_good, "{mean}: {found:?}");
        }
    }

    #[test]
    fn one_size_alone_is_the_best() {
        let found = of(&[rival(128, 100.0, 10.0, 9.0)], 128);
        assert!((found.probability - 1.0).abs() < f64::EPSILON);
        assert!(found.as_good.is_empty() && found.worst_loss_percent.abs() < f64::EPSILON);
        assert_eq!(Confidence::of(&[], size(128)), None);
    }

    #[test]
    fn what_no_samples_can_have_is_not_believed() {
        let sound = rival(128, 100.0, 10.0, 9.0).value;
        let cases = [
            Estimate {
                low: 101.0,
                ..sound
            },
            Estimate {
                high: f64::INFINITY,
                ..sound
            },
            Estimate {
                freedom: 0.0,
                ..sound
            },
            Estimate {
                mean: f64::NAN,
                ..sound
            },
        ];
        for case in cases {
            assert_eq!(Rival::with(size(128), case), None, "{case:?}");
        }
    }

    fn some_rivals() -> impl proptest::strategy::Strategy<Value = Vec<Rival>> {
        let one = (1.0..1000.0f64, 0.0..0.5f64, 1..60u32);
        prop::collection::vec(one, 1..8).prop_map(|sizes| {
            let with_memory = sizes.into_iter().zip((128..).step_by(64));
            with_memory
                .map(|((mean, share, freedom), mb)| {
                    rival(mb, mean, mean * share, f64::from(freedom))
                })
                .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn one_of_the_sizes_is_the_best(rivals in some_rivals()) {
            let each = rivals.iter().map(|chosen| of(&rivals, chosen.memory.get()).probability);
            let sum: f64 = each.sum();
            prop_assert!((sum - 1.0).abs() < 0.02, "{sum}");
        }

        #[test]
        fn no_size_beats_the_chosen_one_by_more_than_is_stated(rivals in some_rivals(), place in any::<prop::sample::Index>()) {
            let chosen = rivals[place.index(rivals.len())];
            let found = of(&rivals, chosen.memory.get());
            for rival in &rivals {
                let loss = (chosen.value.mean - rival.value.mean) / chosen.value.mean * 100.0;
                prop_assert!(loss <= found.worst_loss_percent + 1e-9, "{rival:?} {found:?}");
                let is_better = rival.value.mean < chosen.value.mean;
                prop_assert!(!is_better || found.as_good.contains(&rival.memory));
            }
            prop_assert!(!found.as_good.contains(&chosen.memory));
            prop_assert!((0.0..=1.0).contains(&found.probability) && found.expected_loss_percent >= 0.0);
        }

        #[test]
        fn the_order_of_sizes_never_matters(mut rivals in some_rivals()) {
            let chosen = rivals[0].memory.get();
            let found = of(&rivals, chosen);
            rivals.reverse();
            prop_assert_eq!(found, of(&rivals, chosen));
        }
    }
}
