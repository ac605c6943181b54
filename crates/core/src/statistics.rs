//! Means, and how sure they are.

use serde::{Deserialize, Serialize};

use crate::distributions::{binomial, count, student_t_quantile};

/// How sure an interval or a bound is of holding what it is said to hold.
pub const CONFIDENCE: f64 = 0.95;

/// A mean, and between what the true one lies with 95 % confidence.
/// In the state it is a list, because there are several of each size.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(from = "[f64; 5]", into = "[f64; 5]")]
pub struct Estimate {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
    pub standard_error: f64,
    /// Degrees of freedom of the standard error.
    pub freedom: f64,
}

impl From<[f64; 5]> for Estimate {
    fn from([mean, low, high, standard_error, freedom]: [f64; 5]) -> Self {
        Self {
            mean,
            low,
            high,
            standard_error,
            freedom,
        }
    }
}

impl From<Estimate> for [f64; 5] {
    fn from(estimate: Estimate) -> Self {
        let Estimate {
            mean,
            low,
            high,
            standard_error,
            freedom,
        } = estimate;
        [mean, low, high, standard_error, freedom]
    }
}

/// Sample counts at which it is asked whether a mean is known well enough. Few and far apart, so that chance does not
/// get many tries; none below twelve, where the spread itself is hardly known.
const LOOKS: [usize; 18] = [
    12, 16, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480, 640, 960, 1280, 1920, 2560, 3840,
];
/// Of the standard normal distribution, for 95 % on two sides.
const Z: f64 = 1.96;

impl Estimate {
    /// The trimmed mean of what the values were drawn from. None for so few values that they say nothing of their spread.
    ///
    /// The interval is the wider one, at each end, of two. Tukey and `McLaughlin` (1963), with the winsorised variance,
    /// is right for values from one heap. Where a slow heap holds about as many calls as are left out, a sample may hold
    /// too few of them, and its winsorised variance then knows nothing of them. So the interval reaches at least to the
    /// means of the window of kept values shifted up and down by as many ranks as the number of values beyond a quantile
    /// varies by.
    #[must_use]
    pub fn trimmed(values: &[f64], discard: f64) -> Option<Self> {
        let sorted = sorted(values);
        let dropped = dropped(sorted.len(), discard);
        let kept = sorted.len() - 2 * dropped;
        if kept < 2 {
            return None;
        }
        let (first, last) = (sorted[dropped], sorted[sorted.len() - 1 - dropped]);
        let mean = mean(&sorted[dropped..sorted.len() - dropped]);
        let winsorised = || sorted.iter().map(|value| value.clamp(first, last));
        let middle = winsorised().sum::<f64>() / count(sorted.len());
        let squares: f64 = winsorised().map(|value| (value - middle).powi(2)).sum();
        let freedom = count(kept - 1);
        let standard_error = (squares / (count(kept) * freedom)).sqrt();
        let half = student_t_quantile(f64::midpoint(1.0, CONFIDENCE), freedom) * standard_error;
        let (lowest, highest) = shifted_windows(&sorted, dropped, discard);
        Some(Self {
            mean,
            low: (mean - half).min(lowest).max(0.0),
            high: (mean + half).max(highest),
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

    /// How far the interval reaches from the mean, as a share of it.
    #[must_use]
    pub fn relative_half_width(&self) -> f64 {
        let half = (self.high - self.mean).max(self.mean - self.low);
        if half == 0.0 { 0.0 } else { half / self.mean }
    }

    /// Written with six digits, but for the mean: samples know no more, and many sizes have to fit into the state.
    #[must_use]
    pub fn short(self) -> Self {
        Self {
            low: six_digits(self.low).min(self.mean),
            high: six_digits(self.high).max(self.mean),
            standard_error: six_digits(self.standard_error),
            ..self
        }
    }

    /// The same of a quantity that is so many times this one.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            mean: self.mean * factor,
            low: self.low * factor,
            high: self.high * factor,
            standard_error: self.standard_error * factor,
            freedom: self.freedom,
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

/// The nearest number that is written with six digits.
#[must_use]
pub fn six_digits(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}

/// The means of the kept values if the trimming were some ranks further down, and further up.
fn shifted_windows(sorted: &[f64], dropped: usize, discard: f64) -> (f64, f64) {
    let spread = Z * (count(sorted.len()) * discard * (1.0 - discard)).sqrt();
    let shift = spread.min(count(dropped));
    let from = |first: f64| {
        let until = first + count(sorted.len() - 2 * dropped);
        // A value at the edge of the window counts with the part that lies in it.
        let inside = |rank: usize| (until.min(count(rank + 1)) - first.max(count(rank))).max(0.0);
        let sum: f64 = sorted
            .iter()
            .enumerate()
            .map(|(rank, value)| value * inside(rank))
            .sum();
        sum / (until - first)
    };
    (from(count(dropped) - shift), from(count(dropped) + shift))
}

/// Whether the sampling may end: the interval of the trimmed mean reaches no further than the share `precision` of it.
/// False at all but a few sample counts.
#[must_use]
pub fn is_precise(values: &[f64], discard: f64, precision: f64) -> bool {
    LOOKS.contains(&values.len())
        && Estimate::trimmed(values, discard)
            .is_some_and(|estimate| estimate.relative_half_width() <= precision)
}

/// How many samples are to follow these until it is asked again whether they are precise.
#[must_use]
pub fn until_next_look(samples: usize) -> usize {
    let next = LOOKS.into_iter().find(|look| *look > samples);
    next.map_or(usize::MAX, |look| look - samples)
}

/// What a share of the calls keeps to. In the state it is a list, too.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
pub struct Percentile {
    /// In the sample.
    pub value: f64,
    /// With 95 % confidence, of all calls.
    pub bound: f64,
}

impl From<[f64; 2]> for Percentile {
    fn from([value, bound]: [f64; 2]) -> Self {
        Self { value, bound }
    }
}

impl From<Percentile> for [f64; 2] {
    fn from(Percentile { value, bound }: Percentile) -> Self {
        [value, bound]
    }
}

/// A percentile, where the sample can carry it: where it bounds it as well.
#[must_use]
pub fn percentile(values: &[f64], share: f64) -> Option<Percentile> {
    let bound = percentile_bound(values, share)?;
    let sorted = sorted(values);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a few thousand"
    )]
    let rank = (count(sorted.len()) * share).ceil() as usize;
    let value = *sorted.get(rank.max(1) - 1)?;
    Some(Percentile { value, bound })
}

/// The value that the share `percentile` of all calls keeps to with 95 % confidence, whatever their distribution: the
/// smallest order statistic that is above that percentile so surely (Wilks 1941; Hahn and Meeker 1991, 5.2). None where
/// not even the largest value is: for 0.9 that takes 29 values, for 0.95 it takes 59, for 0.99 it takes 299.
#[must_use]
pub fn percentile_bound(values: &[f64], percentile: f64) -> Option<f64> {
    // The k-th smallest is above the percentile if fewer than k values are below it.
    let is_above = |rank: usize| binomial(rank - 1, values.len(), percentile) >= CONFIDENCE;
    if values.is_empty() || !is_above(values.len()) {
        return None;
    }
    let (mut below, mut above) = (0, values.len());
    while above - below > 1 {
        let middle = usize::midpoint(below, above);
        if is_above(middle) {
            above = middle;
        } else {
            below = middle;
        }
    }
    sorted(values).get(above - 1).copied()
}

/// Two heaps of values.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Heaps {
    /// Of all values, in the slow heap.
    pub slow_share: f64,
    pub fast_mean: f64,
    pub slow_mean: f64,
}

/// Fewer values than this show no heaps and no drift.
const FEWEST_TO_JUDGE: usize = 10;

/// Whether the values fall into two heaps, and into which. The split is that of two means (Otsu 1979) of the logarithms;
/// the heaps are two if their distance is that many times their spread (D of Ashman, Bird and Zepf 1994: 2.6 for a normal
/// distribution cut in halves, 3.5 for an even one), if one is twice as slow as the other, and if neither is a
/// handful of outliers.
#[must_use]
pub fn heaps(values: &[f64]) -> Option<Heaps> {
    const SEPARATION: f64 = 4.5;
    const RATIO: f64 = 2.0;
    const SMALLEST_SHARE: f64 = 0.08;
    const SMALLEST: usize = 3;
    let sorted = sorted(values);
    if sorted.len() < FEWEST_TO_JUDGE || sorted[0] <= 0.0 {
        return None;
    }
    let logarithms: Vec<f64> = sorted.iter().map(|value| value.ln()).collect();
    let all: f64 = logarithms.iter().sum();
    let mut fast = 0.0;
    let mut split = (0.0, 0);
    for at in 1..logarithms.len() {
        fast += logarithms[at - 1];
        let (left, right) = (count(at), count(logarithms.len() - at));
        let between = left * right * (fast / left - (all - fast) / right).powi(2);
        if between > split.0 {
            split = (between, at);
        }
    }
    let (fast, slow) = logarithms.split_at(split.1);
    let smaller = fast.len().min(slow.len());
    if smaller < SMALLEST || count(smaller) < SMALLEST_SHARE * count(sorted.len()) {
        return None;
    }
    let distance = mean(slow) - mean(fast);
    let spread = f64::midpoint(variance(fast), variance(slow)).sqrt();
    let are_two = distance >= RATIO.ln() && distance >= SEPARATION * spread;
    are_two.then(|| Heaps {
        slow_share: count(slow.len()) / count(sorted.len()),
        fast_mean: mean(&sorted[..split.1]),
        slow_mean: mean(&sorted[split.1..]),
    })
}

/// By which share the last third of the values lies above (or below, then negative) the first third, where that is no
/// chance and matters: the test of Mann (1945) and Kendall (1975) for a trend, in the order in which the values were
/// taken, and a difference of the thirds' medians.
#[must_use]
pub fn drift(in_order: &[f64]) -> Option<f64> {
    /// For one in a thousand series without a trend.
    const CHANCE: f64 = 3.29;
    const MATTERS: f64 = 0.1;
    let len = in_order.len();
    if len < FEWEST_TO_JUDGE {
        return None;
    }
    let mut trend: i64 = 0;
    for (place, early) in in_order.iter().enumerate() {
        for late in &in_order[place + 1..] {
            trend += i64::from(late > early) - i64::from(late < early);
        }
    }
    let pieces = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let sorted = sorted(in_order);
    let equals = sorted.chunk_by(|one, other| one.total_cmp(other).is_eq());
    let tied: f64 = equals.map(|equal| pieces(count(equal.len()))).sum();
    let deviation = ((pieces(count(len)) - tied) / 18.0).sqrt();
    #[expect(
        clippy::cast_precision_loss,
        reason = "pairs of a few thousand samples"
    )]
    let size = (trend.abs() - 1).max(0) as f64;
    if deviation == 0.0 || size / deviation < CHANCE {
        return None;
    }
    let third = len / 3;
    let (first, last) = (median(&in_order[..third]), median(&in_order[len - third..]));
    let change = last / first - 1.0;
    (change.is_finite() && change.abs() >= MATTERS).then_some(change)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len())
}

fn variance(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    squares / count(values.len())
}

fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
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
    let sorted = sorted(values);
    let dropped = dropped(sorted.len(), discard);
    let kept = &sorted[dropped..sorted.len() - dropped];
    if kept.is_empty() { 0.0 } else { mean(kept) }
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

    #[test]
    fn the_interval_is_that_of_the_textbook_where_there_is_one_heap() {
        // By hand for 1 to 10 with a fifth left out: kept 3 to 8, winsorised 3,3,3,4,…,8,8,8.
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        let Estimate {
            mean,
            low,
            high,
            standard_error,
            freedom,
        } = Estimate::trimmed(&values, 0.2).expect("enough values");
        assert!((mean - 5.5).abs() < 1e-12);
        // Squares: 2 * (3 * 2.5^2 + 1.5^2 + 0.5^2) = 42.5; divided by 6 * 5.
        assert!((standard_error - (42.5f64 / 30.0).sqrt()).abs() < 1e-12);
        assert!((freedom - 5.0).abs() < 1e-12);
        let half = 2.570_582 * standard_error;
        assert!((low - (mean - half)).abs() < 1e-5 && (high - (mean + half)).abs() < 1e-5);
        let plain = Estimate::plain(&values).expect("enough values");
        // Of 1 to 10: s = 3.02765, t = 2.262157.
        assert!((plain.high - (5.5 + 2.262_157 * 3.027_65 / 10f64.sqrt())).abs() < 1e-4);
        assert_eq!(Estimate::trimmed(&[7.0], 0.2), None);
        assert_eq!(Estimate::trimmed(&[], 0.2), None);
    }

    #[test]
    fn a_slow_heap_next_to_the_trimming_is_in_the_interval() {
        // Four of twenty are left out at the top. The fifth may as well have been slow.
        let mut values = vec![100.0; 16];
        values.extend([2000.0; 4]);
        let estimate = Estimate::trimmed(&values, 0.2).expect("enough values");
        assert!((estimate.mean - 100.0).abs() < 1e-9);
        assert!(estimate.high > 300.0, "{estimate:?}");
        assert!(!is_precise(&values, 0.2, 0.2));
        assert!(is_precise(&[100.0; 20], 0.2, 0.001));
        assert_eq!(
            [0, 12, 21, 5000].map(until_next_look),
            [12, 4, 9, usize::MAX]
        );
        assert!(
            !is_precise(&[100.0; 21], 0.2, 0.001),
            "no look at this count"
        );
    }

    #[test]
    fn a_percentile_has_a_value_only_where_it_has_a_bound() {
        let upto = |n: u32| (1..=n).map(f64::from).collect::<Vec<_>>();
        assert_eq!(percentile(&upto(28), 0.9), None);
        let wanted = Percentile {
            value: 90.0,
            bound: 96.0,
        };
        assert_eq!(percentile(&upto(100), 0.9), Some(wanted));
    }

    #[test]
    fn two_heaps_are_told_from_one_with_outliers() {
        let around =
            |middle: f64, n: u32| (0..n).map(move |i| middle * (1.0 + f64::from(i % 10) / 50.0));
        let one: Vec<f64> = around(100.0, 50).collect();
        assert_eq!(heaps(&one), None);
        let outliers: Vec<f64> = around(100.0, 48).chain([900.0, 950.0]).collect();
        assert_eq!(heaps(&outliers), None);
        let even: Vec<f64> = (0..100).map(|i| 100.0 + 5.0 * f64::from(i)).collect();
        assert_eq!(heaps(&even), None, "spread evenly from 100 to 600");
        let two: Vec<f64> = around(100.0, 40).chain(around(300.0, 10)).collect();
        let found = heaps(&two).expect("two heaps");
        assert!((found.slow_share - 0.2).abs() < 1e-9);
        assert!((found.fast_mean - 109.0).abs() < 1e-9 && (found.slow_mean - 327.0).abs() < 1e-9);
        assert_eq!(heaps(&[0.0; 20]), None);
        assert_eq!(heaps(&[5.0; 20]), None);
    }

    #[test]
    fn drift_is_a_trend_that_matters() {
        let warming: Vec<f64> = (0..30).map(|i| 100.0 - 2.0 * f64::from(i)).collect();
        let change = drift(&warming).expect("a trend");
        assert!((change + 40.0 / 91.0).abs() < 1e-9, "{change}");
        let hardly: Vec<f64> = (0..30).map(|i| 100.0 + 0.1 * f64::from(i)).collect();
        assert_eq!(drift(&hardly), None, "3 % in all");
        let alternating: Vec<f64> = (0..30).map(|i| f64::from(100 + 100 * (i % 2))).collect();
        assert_eq!(drift(&alternating), None);
        assert_eq!(drift(&[5.0; 30]), None);
        assert_eq!(drift(&warming[..9]), None, "too few to judge");
    }

    fn some_values() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(0.1..1e5f64, 2..80)
    }

    proptest! {
        #[test]
        fn what_is_said_of_samples_does_not_depend_on_their_order(values in some_values(), seed in any::<u64>(), discard in 0.0..0.4f64) {
            let mut other = values.clone();
            let len = other.len();
            for place in (1..len).rev() {
                let draw = seed.wrapping_mul(place as u64 ^ 0x9E37_79B9_7F4A_7C15) >> 7;
                other.swap(place, usize::try_from(draw % (place as u64 + 1)).expect("small"));
            }
            prop_assert_eq!(Estimate::trimmed(&values, discard), Estimate::trimmed(&other, discard));
            prop_assert_eq!(is_precise(&values, discard, 0.1), is_precise(&other, discard, 0.1));
            prop_assert_eq!(percentile(&values, 0.9), percentile(&other, 0.9));
            prop_assert_eq!(heaps(&values), heaps(&other));
        }

        #[test]
        fn more_samples_of_the_same_kind_never_widen_an_interval(values in some_values(), discard in 0.0..0.4f64, times in 2..6usize) {
            // Whole blocks, so that the same share is left out.
            let block: Vec<f64> = values.repeat(10);
            let few = Estimate::trimmed(&block, discard).expect("enough");
            let many = Estimate::trimmed(&block.repeat(times), discard).expect("enough");
            prop_assert!(many.relative_half_width() <= few.relative_half_width() + 1e-9, "{few:?} {many:?}");
        }

        #[test]
        fn sampling_ends_only_where_the_interval_shown_keeps_the_promise(values in some_values(), discard in 0.0..0.4f64, precision in 0.001..0.5f64) {
            for samples in 2..=values.len() {
                let seen = &values[..samples];
                if is_precise(seen, discard, precision) {
                    let shown = Estimate::trimmed(seen, discard).expect("an interval");
                    prop_assert!(shown.high <= shown.mean * (1.0 + precision) * (1.0 + 1e-12));
                    prop_assert!(shown.low >= shown.mean * (1.0 - precision) * (1.0 - 1e-12));
                    prop_assert!(is_precise(seen, discard, (precision * 1.5).min(0.9)), "less is asked for");
                }
            }
        }

        #[test]
        fn an_interval_holds_its_mean_and_grows_with_its_values(values in some_values(), discard in 0.0..0.4f64) {
            if let Some(of) = Estimate::trimmed(&values, discard) {
                prop_assert!(of.low <= of.mean && of.mean <= of.high);
                prop_assert_eq!(of.mean.to_bits(), trimmed_mean(&values, discard).to_bits());
                let double: Vec<f64> = values.iter().map(|value| value * 2.0).collect();
                let doubled = Estimate::trimmed(&double, discard).expect("as many values");
                prop_assert!((doubled.high - of.times(2.0).high).abs() <= 1e-9 * doubled.high);
            }
        }

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
