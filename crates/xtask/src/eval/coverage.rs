//! How often an interval holds the mean that it is said to hold, after sampling that may have ended early.

use fastrand::Rng;
use power_tuner_core::statistics::{Estimate, is_precise, trimmed_mean};

/// Over cells, each the durations of one function at one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Coverage {
    /// Of the share of repetitions whose interval held the cell's own trimmed mean.
    pub mean: f64,
    pub worst: f64,
    /// Where it is the worst, by its place.
    pub worst_cell: usize,
    /// Samples that a repetition took, on average.
    pub samples: f64,
}

/// Draws from each cell, independently and with replacement, until the interval is as narrow as `precision` or there are
/// `num` samples.
pub(crate) fn coverage(
    cells: &[Vec<f64>],
    discard: f64,
    precision: f64,
    num: u32,
    seed: u64,
    repetitions: u32,
) -> Coverage {
    let mut random = Rng::with_seed(seed);
    let mut samples = 0;
    let mut held = Vec::with_capacity(cells.len());
    for cell in cells {
        let truth = trimmed_mean(cell, discard);
        let mut holding = 0;
        for _ in 0..repetitions {
            let drawn = draw(cell, discard, precision, num, &mut random);
            samples += drawn.len();
            holding += u32::from(
                Estimate::trimmed(&drawn, discard)
                    .is_some_and(|interval| interval.low <= truth && truth <= interval.high),
            );
        }
        held.push(f64::from(holding) / f64::from(repetitions));
    }
    let worst = held.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
    let (worst_cell, worst) = worst.map_or((0, 0.0), |(cell, share)| (cell, *share));
    let per_cell = |sum: f64| sum / count(cells.len());
    Coverage {
        mean: per_cell(held.iter().sum()),
        worst,
        worst_cell,
        samples: per_cell(count(samples)) / f64::from(repetitions),
    }
}

fn draw(cell: &[f64], discard: f64, precision: f64, num: u32, random: &mut Rng) -> Vec<f64> {
    let mut drawn = Vec::new();
    for _ in 0..num {
        drawn.push(cell[random.usize(..cell.len())]);
        if is_precise(&drawn, discard, precision) {
            break;
        }
    }
    drawn
}

#[expect(
    clippy::cast_precision_loss,
    reason = "samples of one evaluation, far below 2^53"
)]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use power_tuner_core::MemoryMb;
    use power_tuner_core::choice::{Scale, Strategy};
    use power_tuner_core::confidence::{Confidence, Rival};
    use power_tuner_core::measurement::Summary;
    use power_tuner_core::statistics::{drift, heaps};
    use serde::Deserialize;

    use super::*;

    const WARM: &str = include_str!("../../data/noise-warm.json");
    const COLD: &str = include_str!("../../data/noise-cold.json");

    #[derive(Deserialize)]
    struct Cell {
        durations_ms: Vec<f64>,
    }

    fn cells(file: &str) -> Vec<Vec<f64>> {
        let cells: Vec<Cell> = serde_json::from_str(file).expect("the data of the repository");
        cells.into_iter().map(|cell| cell.durations_ms).collect()
    }

    #[test]
    fn intervals_hold_what_they_are_said_to_hold_after_sampling_that_ends_early() {
        for (name, file) in [("warm", WARM), ("cold", COLD)] {
            let cells = cells(file);
            for (precision, num) in [(0.02, 50), (0.05, 50), (0.1, 50), (0.2, 50), (0.05, 200)] {
                let found = coverage(&cells, 0.2, precision, num, 1, 200);
                assert!(
                    found.mean >= 0.93 && found.worst >= 0.85,
                    "{name}, precision {precision}, num {num}: {found:?}"
                );
                assert!(found.samples <= f64::from(num));
            }
        }
    }

    #[test]
    fn early_ends_save_most_calls_where_little_precision_is_asked_for() {
        let cells = cells(WARM);
        let rough = coverage(&cells, 0.2, 0.2, 50, 1, 50).samples;
        let fine = coverage(&cells, 0.2, 0.02, 50, 1, 50).samples;
        assert!(
            rough < 20.0 && fine > 40.0,
            "{rough} and {fine} of 50 calls"
        );
    }

    /// Of 50 values drawn from each cell, so that there is no drift, and heaps are in two cells only.
    #[test]
    fn one_heap_is_rarely_taken_for_two_and_chance_never_for_drift() {
        const REPETITIONS: u32 = 100;
        let mut random = Rng::with_seed(1);
        let (mut heaped, mut drifting) = (Vec::new(), 0);
        let cells = cells(WARM);
        for cell in &cells {
            let mut alarms = 0;
            for _ in 0..REPETITIONS {
                let drawn = draw(cell, 0.2, 0.0, 50, &mut random);
                alarms += u32::from(heaps(&drawn).is_some());
                drifting += u32::from(drift(&drawn).is_some());
            }
            heaped.push(f64::from(alarms) / f64::from(REPETITIONS));
        }
        assert!(drifting <= 5, "{drifting} of {}", 51 * REPETITIONS);
        let (two, one): (Vec<usize>, Vec<usize>) =
            (0..cells.len()).partition(|cell| [0, 7].contains(cell));
        assert!(two.iter().all(|cell| heaped[*cell] > 0.75));
        let false_alarms = one.iter().map(|cell| heaped[*cell]).sum::<f64>() / count(one.len());
        assert!(false_alarms < 0.05, "{false_alarms}");
    }

    /// Six sizes, of which the second is nearly as fast as the first, by the samples of one cell.
    #[test]
    fn the_best_size_is_the_chosen_one_or_as_good_and_no_loss_is_worse_than_stated() {
        const TRUTHS: [(u32, f64); 6] = [
            (128, 1.5),
            (256, 1.2),
            (512, 1.0),
            (1024, 1.01),
            (1536, 1.05),
            (3008, 1.1),
        ];
        const REPETITIONS: u32 = 10;
        let size = |mb: u32| MemoryMb::try_from(mb).expect("a valid size");
        let mut random = Rng::with_seed(1);
        let (mut among, mut bounded, mut right, mut stated, mut all) = (0, 0, 0, 0.0, 0);
        for cell in cells(WARM) {
            for _ in 0..REPETITIONS {
                let rivals: Vec<(Rival, f64, f64)> = TRUTHS
                    .iter()
                    .map(|(mb, truth)| {
                        let drawn = draw(&cell, 0.2, 0.1, 50, &mut random);
                        let times: Vec<f64> = drawn.iter().map(|ms| ms * truth).collect();
                        let summary = Summary {
                            duration: Estimate::trimmed(&times, 0.2),
                            ..Summary::default()
                        };
                        let scale = Scale::of(&[]);
                        let rival = Rival::of(size(*mb), &summary, Strategy::Speed, &scale);
                        (
                            rival.expect("enough samples"),
                            trimmed_mean(&times, 0.2),
                            *truth,
                        )
                    })
                    .collect();
                let chosen = rivals
                    .iter()
                    .min_by(|a, b| a.1.total_cmp(&b.1))
                    .expect("six sizes");
                let sizes: Vec<Rival> = rivals.iter().map(|rival| rival.0).collect();
                let found = Confidence::of(&sizes, chosen.0.memory).expect("enough samples");
                let is_right = chosen.0.memory == size(512);
                all += 1;
                right += u32::from(is_right);
                stated += found.probability;
                among += u32::from(is_right || found.as_good.contains(&size(512)));
                let loss = (chosen.2 - 1.0) / chosen.2 * 100.0;
                bounded += u32::from(loss <= found.worst_loss_percent);
            }
        }
        let share = |held: u32| f64::from(held) / f64::from(all);
        let stated = stated / f64::from(all);
        assert!(share(among) >= 0.95 && share(bounded) >= 0.95);
        // What is chosen for its small number is so in part by luck.
        assert!(
            (share(right) - stated).abs() < 0.1,
            "{} and {stated}",
            share(right)
        );
    }
}
