//! What a call of a size typically takes, and how much single calls differ.
//!
//! Durations have a narrow core and a heavy tail of slow calls, which is much the same in relative terms at every size.
//! So sizes are compared by the faster calls of each, which vary half as much as a symmetric mean, and the spread of all
//! sizes together says how sure that is. What is shown of a size, and what it is finally chosen by, is its trimmed mean.

use crate::distributions::count;
use crate::measurement::Samples;

/// What a search makes of the samples of one size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typical {
    pub log_ms: f64,
    /// Sum of the winsorised squares, brought to the scale of single calls, and its degrees of freedom.
    squares: f64,
    freedom: f64,
    calls: f64,
}

/// The shares of the fastest and of the slowest calls that are left out.
const FASTEST: f64 = 0.1;
const SLOWEST: f64 = 0.5;
/// What is known of the spread before anything is measured, and as how many calls that counts.
const USUAL_SPREAD: f64 = 0.15;
const WEIGHT_OF_THE_USUAL: f64 = 3.0;
/// As how many calls the spread of all sizes counts against that of one.
const WEIGHT_OF_ALL: f64 = 20.0;
/// A clock that shows milliseconds says no more than this.
const SMALLEST_VARIANCE: f64 = 1e-6;
/// Reports have hundredths of a millisecond; a logarithm needs more than nothing.
const SHORTEST_MS: f64 = 0.01;

impl Typical {
    /// None without samples.
    pub fn of(samples: &Samples) -> Option<Self> {
        let durations = samples.duration_ms.iter();
        let mut logs: Vec<f64> = durations.map(|ms| ms.max(SHORTEST_MS).ln()).collect();
        logs.sort_by(f64::total_cmp);
        let calls = logs.len();
        let first = share_of(calls, FASTEST);
        let after = calls
            .saturating_sub(share_of(calls, SLOWEST))
            .max(first + 1);
        let kept = logs.get(first..after)?;
        let (low, high) = (kept.first()?, kept.last()?);
        let winsorised = || logs.iter().map(|log| log.clamp(*low, *high));
        let middle = winsorised().sum::<f64>() / count(calls);
        let squares: f64 = winsorised().map(|log| (log - middle).powi(2)).sum();
        Some(Self {
            log_ms: kept.iter().sum::<f64>() / count(kept.len()),
            // Tukey and McLaughlin: the variance of the mean is the squares by kept * (kept - 1).
            squares: squares * count(calls) / count(kept.len()),
            freedom: count(kept.len() - 1),
            calls: count(calls),
        })
    }

    /// Of the typical duration, where single calls of all sizes vary by so much.
    pub fn variance(&self, of_a_call: f64) -> f64 {
        let both = of_a_call * WEIGHT_OF_ALL + self.squares;
        both / (WEIGHT_OF_ALL + self.freedom) / self.calls + SMALLEST_VARIANCE
    }
}

/// How much single calls vary, over all sizes: the variance of the logarithm.
pub(super) fn variance_of_a_call<'a>(sizes: impl Iterator<Item = &'a Typical>) -> f64 {
    let known = (
        USUAL_SPREAD.powi(2) * WEIGHT_OF_THE_USUAL,
        WEIGHT_OF_THE_USUAL,
    );
    let (squares, freedom) = sizes.fold(known, |(squares, freedom), size| {
        (squares + size.squares, freedom + size.freedom)
    });
    squares / freedom
}

fn share_of(calls: usize, share: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a few thousand samples"
    )]
    let part = (count(calls) * share).round() as usize;
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typical(duration_ms: &[f64]) -> Typical {
        let samples = Samples {
            duration_ms: duration_ms.to_vec(),
            ..Samples::default()
        };
        Typical::of(&samples).expect("samples")
    }

    #[test]
    fn slow_calls_do_not_make_a_size_slow() {
        let usual = typical(&[100.0, 101.0, 102.0, 103.0, 104.0, 105.0]);
        let with_slow = typical(&[100.0, 101.0, 102.0, 5000.0, 7000.0, 105.0]);
        assert!((usual.log_ms - with_slow.log_ms).abs() < 0.01);
    }

    #[test]
    fn more_calls_say_more() {
        let few = typical(&[100.0, 110.0, 120.0]);
        let many = typical(&[100.0, 110.0, 120.0].repeat(10));
        assert!(many.variance(0.01) < few.variance(0.01) / 5.0);
    }

    #[test]
    fn the_spread_is_that_of_all_sizes() {
        let quiet = [typical(&[100.0; 8]), typical(&[50.0; 8])];
        let noisy = [typical(&[
            50.0, 60.0, 70.0, 80.0, 90.0, 100.0, 110.0, 120.0,
        ])];
        let [quiet, noisy] = [
            variance_of_a_call(quiet.iter()),
            variance_of_a_call(noisy.iter()),
        ];
        assert!(quiet < USUAL_SPREAD.powi(2) && noisy > USUAL_SPREAD.powi(2));
        assert!(Typical::of(&Samples::default()).is_none());
    }
}
