//! Means, and how sure they are.

use serde::{Deserialize, Serialize};

use crate::distributions::{binomial, count, student_t_quantile};

/// How sure an interval or a bound is of holding what it is said to hold.
pub const CONFIDENCE: f64 = 0.95;

/// A mean, and between what the true one lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
    pub standard_error: f64,
    /// Degrees of freedom of the standard error.
    pub freedom: f64,
}

impl Estimate {
    /// The trimmed mean of what the values were drawn from: Tukey and `McLaughlin` (1963), with the winsorised variance.
    /// None for so few values that they say nothing of their spread.
    #[must_use]
    pub fn trimmed(values: &[f64], discard: f64) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let dropped = dropped(sorted.len(), discard);
        let kept = sorted.len() - 2 * dropped;
        if kept < 2 {
            return None;
        }
        let (first, last) = (sorted[dropped], sorted[sorted.len() - 1 - dropped]);
        let mean = trimmed_mean(&sorted, discard);
        let winsorised = || sorted.iter().map(|value| value.clamp(first, last));
        let middle = winsorised().sum::<f64>() / count(sorted.len());
        let squares: f64 = winsorised().map(|value| (value - middle).powi(2)).sum();
        let freedom = count(kept - 1);
        let standard_error = (squares / (count(kept) * freedom)).sqrt();
        let half = student_t_quantile(f64::midpoint(1.0, CONFIDENCE), freedom) * standard_error;
        Some(Self {
            mean,
            low: mean - half,
            high: mean + half,
            standard_error,
            freedom,
        })
    }

    /// The plain mean, with Student's interval. Indicative: a few slow calls among many fast ones, which a sample may
    /// hold or not, are beyond what it can promise.
    #[must_use]
    pub fn plain(values: &[f64]) -> Option<Self> {
        Self::trimmed(values, 0.0)
    }

    /// Of what is proportional to it.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            mean: self.mean * factor,
            low: self.low * factor,
            high: self.high * factor,
            standard_error: self.standard_error * factor,
            ..self
        }
    }

    /// What the true mean is below with 95 % confidence. One end of the interval leaves out half of what may go wrong, so
    /// that it is narrower than the interval.
    #[must_use]
    pub fn at_most(&self) -> f64 {
        self.mean + (self.high - self.mean) * self.one_side()
    }

    /// What the true mean is above with 95 % confidence.
    #[must_use]
    pub fn at_least(&self) -> f64 {
        self.mean - (self.mean - self.low) * self.one_side()
    }

    /// How much of the interval's half one side needs.
    fn one_side(&self) -> f64 {
        student_t_quantile(CONFIDENCE, self.freedom)
            / student_t_quantile(f64::midpoint(1.0, CONFIDENCE), self.freedom)
    }
}

/// The value that the share `percentile` of all calls keeps to with 95 % confidence, whatever their distribution: the
/// smallest order statistic that is above that percentile so surely (Wilks 1941; Hahn & Meeker 1991, 5.2). None where
/// not even the largest value is: for 0.9 that takes 29 values, for 0.95 it takes 59, for 0.99 it takes 299.
#[must_use]
pub fn percentile_bound(values: &[f64], percentile: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // The k-th smallest is above the percentile if fewer than k values are below it.
    let rank = (1..=sorted.len())
        .find(|rank| binomial(rank - 1, sorted.len(), percentile) >= CONFIDENCE)?;
    sorted.get(rank - 1).copied()
}

/// The value that the share `percentile` of all calls does not keep to with 95 % confidence: more of them are slower.
/// None where not even the smallest is.
#[must_use]
pub fn percentile_floor(values: &[f64], percentile: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // The k-th smallest is below the percentile if at least k values are.
    let rank = (1..=sorted.len())
        .rev()
        .find(|rank| 1.0 - binomial(rank - 1, sorted.len(), percentile) >= CONFIDENCE)?;
    sorted.get(rank - 1).copied()
}

/// How many values are left out at each end.
fn dropped(values: usize, discard: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share between 0 and 0.4 of a few thousand"
    )]
    let dropped = (count(values) * discard) as usize;
    dropped
}

/// The mean without the share `discard` of the values at each end. The values are added in ascending order, as the
/// reference does, so that the same samples give the same number to the last bit.
#[must_use]
pub fn trimmed_mean(values: &[f64], discard: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let dropped = dropped(sorted.len(), discard);
    let kept = &sorted[dropped..sorted.len() - dropped];
    if kept.is_empty() {
        return 0.0;
    }
    kept.iter().sum::<f64>() / count(kept.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_percentile_is_bounded_by_the_number_of_samples_alone() {
        let upto = |n: u32| (1..=n).map(f64::from).collect::<Vec<_>>();
        for (percentile, fewest) in [(0.5, 5), (0.9, 29), (0.95, 59), (0.99, 299)] {
            assert_eq!(percentile_bound(&upto(fewest - 1), percentile), None);
            assert_eq!(
                percentile_bound(&upto(fewest), percentile),
                Some(f64::from(fewest))
            );
        }
        // Of 100 values the 59th is above the median with 95 %.
        assert_eq!(percentile_bound(&upto(100), 0.5), Some(59.0));
        assert_eq!(percentile_bound(&[], 0.5), None);
    }

    #[test]
    fn a_percentile_is_bounded_from_below_as_from_above() {
        let upto = |n: u32| (1..=n).map(f64::from).collect::<Vec<_>>();
        // The mirror image of the bound from above: of 100 values the 42nd is below the median with 95 %.
        assert_eq!(percentile_floor(&upto(100), 0.5), Some(42.0));
        assert_eq!(percentile_floor(&upto(59), 0.05), Some(1.0));
        assert_eq!(percentile_floor(&upto(58), 0.05), None);
        assert_eq!(percentile_floor(&[], 0.5), None);
    }

    #[test]
    fn one_side_of_an_interval_is_nearer_than_the_interval() {
        // Mean 3, standard error 1 / sqrt(2) with 4 degrees of freedom, for which t is 2.132 and 2.776.
        let estimate = Estimate::plain(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("a spread");
        let half = 2.131_847 / 2.0_f64.sqrt();
        assert!((estimate.at_most() - (3.0 + half)).abs() < 1e-4);
        assert!((estimate.at_least() - (3.0 - half)).abs() < 1e-4);
        assert!(estimate.high > estimate.at_most());
    }

    #[test]
    fn the_trimmed_mean_is_the_references() {
        // Wanted values made with `computeAverageDuration` of the reference.
        let durations = [1.0, 2.0, 3.0, 4.0, 2000.0];
        assert!((trimmed_mean(&durations, 0.2) - 3.0).abs() < f64::EPSILON);
        assert!((trimmed_mean(&durations, 0.0) - 402.0).abs() < f64::EPSILON);
        assert!(
            (trimmed_mean(&durations, 0.1) - 402.0).abs() < f64::EPSILON,
            "a tenth of five values is none"
        );
        assert!((trimmed_mean(&durations, 0.4) - 3.0).abs() < f64::EPSILON);
    }

    proptest! {
        #[test]
        fn the_order_of_samples_never_matters(mut values in prop::collection::vec(0.0..1e6f64, 1..60), discard in 0.0..0.4f64) {
            let mean = trimmed_mean(&values, discard);
            values.reverse();
            prop_assert_eq!(mean.to_bits(), trimmed_mean(&values, discard).to_bits());
            let (low, high) = values.iter().fold((f64::MAX, 0.0f64), |(l, h), v| (l.min(*v), h.max(*v)));
            prop_assert!(mean >= low - 1e-6 && mean <= high + 1e-6);
        }
    }
}
