//! What is believed of the durations at all sizes, after some were measured.
//!
//! A Gaussian process over the logarithm of the duration, along the logarithm of memory (Rasmussen and Williams, 2006,
//! chapter 2). Its mean is one of the shapes that functions usually have, `a + b / memory` with different shares of `b`,
//! and its deviations from that are smooth or rough. Which of them it is, the measurements say: each gets the weight of
//! its likelihood, so that a function like no other is explored as such. The mixture is summed up by its mean and its
//! covariance.

/// What was measured at one size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation {
    /// Which of the sizes.
    pub at: usize,
    /// Logarithm of the typical duration.
    pub log_ms: f64,
    pub variance: f64,
}

#[derive(Debug)]
pub(super) struct Belief {
    /// Logarithm of the duration at each size.
    pub mean: Vec<f64>,
    covariance: Matrix,
}

/// How far durations may be from their shape.
struct Roughness {
    /// Over some octaves of memory, and within one: standard deviations of the logarithm.
    wide: f64,
    narrow: f64,
    /// How usual it is.
    weight: f64,
}

const ROUGHNESSES: [Roughness; 3] = [
    Roughness {
        wide: 0.15,
        narrow: 0.03,
        weight: 0.6,
    },
    Roughness {
        wide: 0.3,
        narrow: 0.1,
        weight: 0.3,
    },
    Roughness {
        wide: 0.6,
        narrow: 0.4,
        weight: 0.1,
    },
];
/// In octaves of memory.
const WIDE: f64 = 2.0;
const NARROW: f64 = 0.5;
/// Of the level of all durations, of which nothing is known before: far more than what sizes differ by.
const VARIANCE_OF_THE_LEVEL: f64 = 9.0;

/// With more memory than this, only what uses several threads gets faster.
const FULL_VCPU_MB: f64 = 1769.0;
/// How many functions do not.
const SINGLE_THREADED: f64 = 0.7;
/// Steps of the share of the duration at 512 MB that is work for the processor.
const SHARES: u32 = 10;

/// What functions usually look like.
struct Shape {
    /// Logarithm of the duration at each size, up to a constant.
    log_ms: Vec<f64>,
    weight: f64,
}

/// One shape with one roughness, after the measurements.
struct Part {
    mean: Vec<f64>,
    log_weight: f64,
}

impl Belief {
    /// From at least one observation.
    pub fn new(sizes: &[f64], observations: &[Observation]) -> Self {
        let octaves: Vec<f64> = sizes.iter().map(|mb| mb.log2()).collect();
        let shapes = shapes(sizes);
        let mut parts = Vec::new();
        let mut covariances = Vec::new();
        for roughness in &ROUGHNESSES {
            let prior = Matrix::filled(octaves.len(), |a, b| {
                roughness.covariance(octaves[a] - octaves[b])
            });
            let process = Process::new(prior, observations);
            let of_this = shapes.iter().map(|shape| {
                let weight = roughness.weight * shape.weight;
                process.part(&shape.log_ms, weight, observations)
            });
            parts.extend(of_this);
            covariances.push(process.covariance());
        }
        let weights = weights(&parts);
        let mut mean = vec![0.0; sizes.len()];
        for (part, weight) in parts.iter().zip(&weights) {
            for (all, one) in mean.iter_mut().zip(&part.mean) {
                *all += weight * one;
            }
        }
        let mut covariance = Matrix::filled(sizes.len(), |_, _| 0.0);
        for (within, weights) in covariances.iter().zip(weights.chunks(shapes.len())) {
            covariance.add(weights.iter().sum(), within);
        }
        for (part, weight) in parts.iter().zip(&weights) {
            let apart: Vec<f64> = part.mean.iter().zip(&mean).map(|(a, b)| a - b).collect();
            covariance.add_product(*weight, &apart);
        }
        Self { mean, covariance }
    }

    pub fn covariance(&self, a: usize, b: usize) -> f64 {
        self.covariance.at(a, b)
    }

    pub fn variance(&self, at: usize) -> f64 {
        self.covariance.at(at, at)
    }

    /// How much less is unknown after another measurement, whatever it says.
    pub fn expect(&mut self, at: usize, variance: f64) {
        let scale = self.variance(at) + variance;
        let row: Vec<f64> = self.covariance.row(at).to_vec();
        self.covariance.add_product(-1.0 / scale, &row);
    }
}

impl Roughness {
    /// Of the durations at two sizes that are so many octaves apart.
    fn covariance(&self, octaves: f64) -> f64 {
        let distance = octaves.abs();
        let smooth = 3.0_f64.sqrt() * distance / WIDE;
        VARIANCE_OF_THE_LEVEL
            + self.wide.powi(2) * (1.0 + smooth) * (-smooth).exp()
            + self.narrow.powi(2) * (-distance / NARROW).exp()
    }
}

/// A Gaussian process with what was observed of it.
struct Process {
    prior: Matrix,
    /// Lower triangle of Cholesky's decomposition of the observations' covariance.
    factor: Matrix,
    /// For each size, its prior covariance with the observations, solved by the factor.
    solved: Vec<Vec<f64>>,
}

impl Process {
    fn new(prior: Matrix, observations: &[Observation]) -> Self {
        let factor = Matrix::filled(observations.len(), |a, b| {
            let own = if a == b {
                observations[a].variance
            } else {
                0.0
            };
            prior.at(observations[a].at, observations[b].at) + own
        })
        .decomposed();
        let solved = (0..prior.size).map(|size| {
            let with_observed = observations.iter().map(|seen| prior.at(seen.at, size));
            factor.solve(with_observed.collect())
        });
        let solved = solved.collect();
        Self {
            prior,
            factor,
            solved,
        }
    }

    fn part(&self, shape: &[f64], weight: f64, observations: &[Observation]) -> Part {
        let apart: Vec<f64> = observations
            .iter()
            .map(|seen| seen.log_ms - shape[seen.at])
            .collect();
        // The level is all but unknown: what is solved must be near 0, or rounding would show.
        let level = apart.iter().sum::<f64>() / crate::distributions::count(apart.len());
        let rest = self
            .factor
            .solve(apart.iter().map(|apart| apart - level).collect());
        let log_determinant: f64 = (0..self.factor.size)
            .map(|at| self.factor.at(at, at).ln())
            .sum();
        let mean = self
            .solved
            .iter()
            .zip(shape)
            .map(|(solved, log_ms)| level + log_ms + product(solved, &rest));
        Part {
            mean: mean.collect(),
            log_weight: weight.ln() - 0.5 * product(&rest, &rest) - log_determinant,
        }
    }

    fn covariance(&self) -> Matrix {
        Matrix::filled(self.prior.size, |a, b| {
            self.prior.at(a, b) - product(&self.solved[a], &self.solved[b])
        })
    }
}

fn weights(parts: &[Part]) -> Vec<f64> {
    let log_weights = parts.iter().map(|part| part.log_weight);
    let most = log_weights.clone().fold(f64::MIN, f64::max);
    let weights: Vec<f64> = log_weights.map(|weight| (weight - most).exp()).collect();
    let all: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / all).collect()
}

/// `a + b / memory`, flat or falling on beyond one full vCPU.
fn shapes(sizes: &[f64]) -> Vec<Shape> {
    let kinds = [
        (FULL_VCPU_MB, SINGLE_THREADED),
        (f64::INFINITY, 1.0 - SINGLE_THREADED),
    ];
    let shapes = kinds.iter().flat_map(|(most, weight)| {
        (0..=SHARES).map(move |step| {
            let share = f64::from(step) / f64::from(SHARES);
            let log_ms = |mb: &f64| (share * 512.0 / mb.min(*most) + 1.0 - share).ln();
            Shape {
                log_ms: sizes.iter().map(log_ms).collect(),
                weight: *weight,
            }
        })
    });
    shapes.collect()
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A square one, row by row.
#[derive(Clone, Debug)]
struct Matrix {
    size: usize,
    values: Vec<f64>,
}

impl Matrix {
    fn filled(size: usize, value: impl Fn(usize, usize) -> f64) -> Self {
        let values = (0..size * size).map(|at| value(at / size, at % size));
        Self {
            size,
            values: values.collect(),
        }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.size + column]
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.size..(row + 1) * self.size]
    }

    fn add(&mut self, weight: f64, other: &Self) {
        for (value, other) in self.values.iter_mut().zip(&other.values) {
            *value += weight * other;
        }
    }

    /// Of the vector with itself.
    fn add_product(&mut self, weight: f64, vector: &[f64]) {
        for (row, value) in self.values.chunks_mut(self.size.max(1)).zip(vector) {
            for (entry, other) in row.iter_mut().zip(vector) {
                *entry += weight * value * other;
            }
        }
    }

    /// Cholesky's decomposition of a positive definite one.
    fn decomposed(mut self) -> Self {
        let size = self.size;
        for row in 0..size {
            for column in 0..=row {
                let known = product(&self.row(row)[..column], &self.row(column)[..column]);
                let rest = self.at(row, column) - known;
                self.values[row * size + column] = if row == column {
                    rest.max(f64::EPSILON).sqrt()
                } else {
                    rest / self.at(column, column)
                };
            }
        }
        self
    }

    /// The vector that the lower triangle makes this one of.
    fn solve(&self, mut vector: Vec<f64>) -> Vec<f64> {
        for row in 0..self.size {
            let known = product(&self.row(row)[..row], &vector[..row]);
            vector[row] = (vector[row] - known) / self.at(row, row);
        }
        vector
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [f64; 5] = [128.0, 512.0, 1024.0, 2048.0, 4096.0];

    fn seen(at: usize, ms: f64) -> Observation {
        Observation {
            at,
            log_ms: ms.ln(),
            variance: 1e-6,
        }
    }

    #[test]
    fn work_for_the_processor_goes_on_as_it_began_until_a_full_vcpu() {
        let belief = Belief::new(&SIZES, &[seen(0, 4000.0), seen(1, 1000.0)]);
        let at = |size: usize| belief.mean[size].exp();
        assert!((400.0..650.0).contains(&at(2)), "{}", at(2));
        assert!(
            (at(0) - 4000.0).abs() < 10.0,
            "what was measured: {}",
            at(0)
        );
        assert!(at(4) > at(3) * 0.7, "flat beyond: {} {}", at(3), at(4));
    }

    #[test]
    fn waiting_stays_about_as_long_as_it_is() {
        let believed = |seen: &[Observation]| {
            let belief = Belief::new(&SIZES, seen);
            belief.mean.iter().map(|ms| ms.exp()).collect::<Vec<f64>>()
        };
        // Far from what is measured, some of it may still be work for the processor.
        let far = believed(&[seen(0, 100.0), seen(1, 100.0)]);
        assert!(far.iter().all(|ms| (85.0..101.0).contains(ms)), "{far:?}");
        let near = believed(&[seen(0, 100.0), seen(2, 100.0), seen(4, 100.0)]);
        assert!(near.iter().all(|ms| (97.0..103.0).contains(ms)), "{near:?}");
    }

    #[test]
    fn a_cliff_makes_the_sizes_around_it_uncertain() {
        let sure = Belief::new(&SIZES, &[seen(0, 100.0), seen(1, 99.0), seen(3, 101.0)]);
        let cliff = Belief::new(&SIZES, &[seen(0, 100.0), seen(1, 5.0), seen(3, 90.0)]);
        assert!(cliff.variance(2) > 10.0 * sure.variance(2));
        assert!(
            cliff.variance(2).sqrt() > 0.25,
            "more than any smooth function would leave unknown"
        );
    }

    #[test]
    fn a_measurement_leaves_less_unknown_there_and_near_it() {
        let mut belief = Belief::new(&SIZES, &[seen(0, 100.0)]);
        let before = [belief.variance(2), belief.variance(3)];
        belief.expect(2, 0.001);
        assert!(belief.variance(2) < 0.001 && belief.variance(2) < before[0]);
        assert!(belief.variance(3) < before[1]);
        assert!((belief.covariance(2, 3) - belief.covariance(3, 2)).abs() < 1e-12);
    }

    #[test]
    fn the_order_of_observations_does_not_matter() {
        let forwards = [seen(0, 400.0), seen(1, 100.0), seen(3, 90.0)];
        let mut backwards = forwards;
        backwards.reverse();
        let (a, b) = (
            Belief::new(&SIZES, &forwards),
            Belief::new(&SIZES, &backwards),
        );
        for (a, b) in a.mean.iter().zip(&b.mean) {
            assert!((a - b).abs() < 1e-9);
        }
    }
}
