//! The search for the best size where nobody says which sizes to measure.

use serde::{Deserialize, Serialize};

use crate::choice::{Candidate, Strategy, best};
use crate::measurement::Samples;
use crate::memory::MemoryMb;
use crate::request::Limits;
use crate::statistics::trimmed_mean;

/// More sizes than this are never measured by one search.
pub const MOST_SIZES_OF_A_SEARCH: usize = 24;
/// Nor more samples wanted of them all: they travel together from round to round.
pub const MOST_SAMPLES_OF_A_SEARCH: u32 = 2_000;

/// Between which sizes the search chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Bounds {
    pub lowest: MemoryMb,
    pub highest: MemoryMb,
}

impl Bounds {
    #[must_use]
    pub fn hold(self, memory: MemoryMb) -> bool {
        (self.lowest..=self.highest).contains(&memory)
    }
}

impl Default for Bounds {
    /// All that Lambda has.
    fn default() -> Self {
        Self {
            lowest: MemoryMb::SMALLEST,
            highest: MemoryMb::LARGEST,
        }
    }
}

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    pub bounds: Bounds,
    pub strategy: Strategy,
    pub limits: Limits,
    /// The share of samples that is left out at each end.
    pub discard: f64,
    /// That one size may get.
    pub most_calls: u32,
}

/// A size that was measured so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen<'a> {
    pub memory: MemoryMb,
    /// None where the size cannot be measured.
    pub samples: Option<&'a Samples>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Sizes, each with the calls that it is to have then, those before counted.
    Measure(Vec<(MemoryMb, u32)>),
    /// Another round cannot pay.
    Enough,
}

impl Question {
    #[must_use]
    pub fn next(&self, seen: &[Seen]) -> Next {
        if seen.len() >= 5 {
            return Next::Enough;
        }
        let sizes = if seen.is_empty() {
            vec![128, 512, 1769]
        } else {
            vec![1024, 3008]
        };
        let within = |mb: u32| {
            MemoryMb::try_from(mb)
                .unwrap_or(self.bounds.lowest)
                .clamp(self.bounds.lowest, self.bounds.highest)
        };
        let mut sizes: Vec<MemoryMb> = sizes.into_iter().map(within).collect();
        sizes.dedup();
        sizes.retain(|size| seen.iter().all(|seen| seen.memory != *size));
        if sizes.is_empty() {
            return Next::Enough;
        }
        let calls = self.most_calls.min(5);
        Next::Measure(sizes.into_iter().map(|size| (size, calls)).collect())
    }

    /// Which of the measured sizes is the best; none where all failed.
    #[must_use]
    pub fn best(&self, seen: &[Seen]) -> Option<MemoryMb> {
        let measured = seen.iter().filter_map(|seen| {
            let samples = seen.samples?;
            let billed_ms = trimmed_mean(&samples.billed_ms, self.discard);
            Some(Candidate {
                memory: seen.memory,
                cost: billed_ms * f64::from(seen.memory.get()),
                duration_ms: trimmed_mean(&samples.duration_ms, self.discard),
            })
        });
        let measured: Vec<Candidate> = measured.collect();
        best(&measured, self.strategy).map(|best| best.memory)
    }
}
