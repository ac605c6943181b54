//! Means, and how sure they are.

use serde::{Deserialize, Serialize};

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

/// The mean without the share `discard` of the values at each end. The values are added in ascending order, as the
/// reference does, so that the same samples give the same number to the last bit.
#[must_use]
pub fn trimmed_mean(values: &[f64], discard: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousand samples at most, and a share between 0 and 0.4"
    )]
    let dropped = (values.len() as f64 * discard) as usize;
    let kept = &sorted[dropped..sorted.len() - dropped];
    #[expect(clippy::cast_precision_loss, reason = "a few thousand samples at most")]
    let count = kept.len() as f64;
    if kept.is_empty() {
        return 0.0;
    }
    kept.iter().sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
