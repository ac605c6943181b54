//! Ids and random numbers that depend on the seed alone.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::SeedableRng;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};

/// Hands out ids in the form of a version 4 UUID.
pub(crate) struct Ids {
    seed: u64,
    next: AtomicU64,
}

impl Ids {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            next: AtomicU64::new(0),
        }
    }

    pub fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        uuid(digest(&["id", &self.seed.to_string(), &number.to_string()]))
    }

    /// A generator for one purpose: the same parts give the same numbers, whatever was drawn elsewhere before.
    pub fn generator(&self, parts: &[&str]) -> StdRng {
        let seed = self.seed.to_string();
        let all: Vec<&str> = std::iter::once(seed.as_str())
            .chain(parts.iter().copied())
            .collect();
        StdRng::from_seed(digest(&all))
    }
}

fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn uuid(bytes: [u8; 32]) -> String {
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex[from..to].concat();
    let time_high = &part(6, 8)[1..];
    let clock = &part(8, 10)[1..];
    format!(
        "{}-{}-4{time_high}-a{clock}-{}",
        part(0, 4),
        part(4, 6),
        part(10, 16)
    )
}
