//! What a function's calls leave behind: environments, counts and payloads.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::names::LATEST;
use crate::run::Start;

const PAYLOADS_KEPT: usize = 1000;
const PAYLOAD_BYTES_KEPT: usize = 16 << 20;

#[derive(Default)]
pub(crate) struct Traffic {
    /// Calls under way.
    pub active: u32,
    /// Calls by memory size.
    pub counts: BTreeMap<u32, u64>,
    idle: BTreeMap<String, u32>,
    made: BTreeMap<String, u32>,
    latest_generation: u64,
    payloads: VecDeque<Payload>,
    payload_bytes: usize,
}

struct Payload {
    version: String,
    memory_mb: u32,
    bytes: Vec<u8>,
}

impl Traffic {
    /// An update of `$LATEST` is through: its environments are of no more use.
    pub fn replace_latest(&mut self) {
        self.latest_generation += 1;
    }

    /// Begins a call: which environment pool it uses, and whether one was free or made in advance.
    pub fn begin(&mut self, version: &str, share_in_advance: f64) -> (String, Start) {
        let pool = match version {
            LATEST => format!("{LATEST}/{}", self.latest_generation),
            number => number.to_owned(),
        };
        self.active += 1;
        let idle = self.idle.entry(pool.clone()).or_default();
        if *idle > 0 {
            *idle -= 1;
            return (pool, Start::Warm);
        }
        let made = self.made.entry(pool.clone()).or_default();
        *made += 1;
        let start = if is_in_share(share_in_advance, *made) {
            Start::Warm
        } else {
            Start::Cold
        };
        (pool, start)
    }

    pub fn end(&mut self, pool: &str, keep_environment: bool) {
        self.active = self.active.saturating_sub(1);
        if keep_environment {
            *self.idle.entry(pool.to_owned()).or_default() += 1;
        }
    }

    /// Counts a call and gives its number among those of its memory size, from 1.
    pub fn count(&mut self, version: &str, memory_mb: u32, payload: &[u8]) -> u64 {
        self.payload_bytes += payload.len();
        self.payloads.push_back(Payload {
            version: version.to_owned(),
            memory_mb,
            bytes: payload.to_vec(),
        });
        while self.payloads.len() > PAYLOADS_KEPT || self.payload_bytes > PAYLOAD_BYTES_KEPT {
            let dropped = self.payloads.pop_front();
            self.payload_bytes -= dropped.map_or(0, |payload| payload.bytes.len());
        }
        let count = self.counts.entry(memory_mb).or_default();
        *count += 1;
        *count
    }

    pub fn payloads(&self) -> Vec<Value> {
        let view = |payload: &Payload| {
            let parsed: Option<Value> = serde_json::from_slice(&payload.bytes).ok();
            json!({ "version": payload.version, "memoryMb": payload.memory_mb, "payload": parsed })
        };
        self.payloads.iter().map(view).collect()
    }
}

/// As many of the first numbers as the share says, spread evenly: with 0.5 the second, the fourth and so on.
fn is_in_share(share: f64, number: u32) -> bool {
    let so_far = |number: u32| (share * f64::from(number)).floor();
    so_far(number) > so_far(number - 1)
}
