//! What a strategy wants to be small, of durations that are believed.

use super::OF_THE_SCALE;
use super::belief::Belief;
use crate::choice::Strategy;
use crate::memory::MemoryMb;

/// What the strategy wants to be small, of a call that takes so long at a size.
pub(super) struct Scale {
    strategy: Strategy,
    /// What is billed of a call beyond its duration: part of a millisecond, which is much for short calls.
    beyond_ms: f64,
    /// The largest cost (in MB ms) and the largest duration, for a balance of both.
    most_mb_ms: f64,
    most_ms: f64,
}

impl Scale {
    /// The maxima are those that are believed of a few sizes which do not depend on what was measured.
    pub fn new(strategy: Strategy, beyond_ms: f64, sizes: &[MemoryMb], belief: &Belief) -> Self {
        let is_of_the_scale = |size: &MemoryMb| OF_THE_SCALE.contains(&size.get());
        let has_some = sizes.iter().any(is_of_the_scale);
        let (mut most_mb_ms, mut most_ms) = (0.0_f64, 0.0_f64);
        for (size, log_ms) in sizes.iter().zip(&belief.mean) {
            if is_of_the_scale(size) || !has_some {
                let ms = log_ms.exp();
                most_ms = most_ms.max(ms);
                most_mb_ms = most_mb_ms.max((ms + beyond_ms) * f64::from(size.get()));
            }
        }
        Self {
            strategy,
            beyond_ms,
            most_mb_ms,
            most_ms,
        }
    }

    pub fn value(&self, memory: MemoryMb, ms: f64) -> f64 {
        let mb_ms = f64::from(memory.get()) * (ms + self.beyond_ms);
        match self.strategy {
            Strategy::Cost => mb_ms,
            Strategy::Speed => ms,
            Strategy::Balanced { weight } => {
                weight * mb_ms / self.most_mb_ms + (1.0 - weight) * ms / self.most_ms
            }
        }
    }
}
