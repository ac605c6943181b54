//! How calls of one size differ, as others measured it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use serde::Deserialize;

/// The calls of one function at one size, each as a ratio to their mean.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub ratios: Vec<f64>,
}

#[derive(Deserialize)]
struct Series {
    durations_ms: Vec<f64>,
}

/// A cell whose slowest tenth takes at least so many times its median has two heaps.
const APART: f64 = 10.0;

pub(super) fn read(path: &Path) -> Result<Vec<Cell>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let all: Vec<Series> = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a list of series", path.display()))?;
    ensure!(!all.is_empty(), "{} has no series", path.display());
    let cells = all.into_iter().map(|series| {
        let durations = series.durations_ms;
        let mean = durations.iter().sum::<f64>() / super::count(durations.len());
        ensure!(mean > 0.0, "a series in {} is empty", path.display());
        Ok(Cell {
            ratios: durations.iter().map(|ms| ms / mean).collect(),
        })
    });
    cells.collect()
}

impl Cell {
    pub fn is_bimodal(&self) -> bool {
        let mut sorted = self.ratios.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |tenths: usize| sorted[(sorted.len() - 1) * tenths / 10];
        at(9) >= APART * at(5)
    }
}

/// The calls of one repetition. A call at a size is the same one for every policy: the differences between policies are
/// not those of their luck.
pub(super) struct Draws<'a> {
    cell: &'a Cell,
    seed: u64,
    sizes: BTreeMap<u32, Rng>,
}

impl<'a> Draws<'a> {
    pub fn new(cell: &'a Cell, seed: u64) -> Self {
        Self {
            cell,
            seed,
            sizes: BTreeMap::new(),
        }
    }

    pub fn next(&mut self, mb: u32) -> f64 {
        let seed = self.seed ^ u64::from(mb).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let size = self.sizes.entry(mb).or_insert_with(|| Rng::with_seed(seed));
        self.cell.ratios[size.usize(..self.cell.ratios.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_policies_get_the_same_calls() {
        let cell = Cell {
            ratios: (1..100).map(f64::from).collect(),
        };
        let mut one = Draws::new(&cell, 7);
        let mut other = Draws::new(&cell, 7);
        let first: Vec<f64> = (0..5).map(|_| one.next(512)).collect();
        assert_ne!(first[0].to_bits(), other.next(1024).to_bits());
        assert_eq!(first, (0..5).map(|_| other.next(512)).collect::<Vec<_>>());
    }
}
