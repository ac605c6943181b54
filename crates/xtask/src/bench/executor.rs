//! What one executor adds to the calls that it makes.

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::tuner::Tuner;
use crate::progress::step;

const CALLS: u32 = 1000;
const AT_ONCE: u32 = 100;
/// What else the machine does meets some of so many turns; the one in the middle counts.
const TURNS: u32 = 5;
/// Milliseconds of a call, the shortest first: the shorter, the more the executor's own work counts.
const CALL_MS: [f64; 3] = [10.0, 50.0, 200.0];
/// Of the ideal time, for the shortest calls.
const LEAST_OF_IDEAL: f64 = 0.8;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Throughput {
    pub calls: u32,
    pub at_once: u32,
    pub call_ms: f64,
    /// What a call took in the simulator, on average: its timer knows whole milliseconds, and is late rather than early.
    pub simulated_ms: f64,
    pub took_s: f64,
    /// Of a processor's time.
    pub used_s: f64,
}

impl Throughput {
    /// If nothing but the calls took time.
    pub fn ideal_s(&self) -> f64 {
        f64::from(self.calls) / f64::from(self.at_once) * self.simulated_ms / 1000.0
    }
}

pub(super) fn measure(tuner: &Tuner) -> Result<Vec<Throughput>> {
    CALL_MS
        .into_iter()
        .map(|call_ms| {
            step(&format!("calls of {call_ms} ms"), || {
                let turns = (0..TURNS).map(|turn| {
                    let name = format!("calls-of-{call_ms}-ms-{turn}");
                    throughput(tuner, &name, call_ms)
                });
                let mut turns = turns.collect::<Result<Vec<_>>>()?;
                turns.sort_by(|one, other| one.took_s.total_cmp(&other.took_s));
                Ok(turns.swap_remove(turns.len() / 2))
            })
        })
        .collect()
}

fn throughput(tuner: &Tuner, name: &str, call_ms: f64) -> Result<Throughput> {
    let event = tuner.until_measured(
        &json!({
            "name": name,
            "memoryMb": 128,
            "behaviour": {
                "duration": {"kind": "formula", "baseMs": call_ms},
                "initMs": 0.0,
            },
        }),
        json!({
            "powerValues": [128, 256],
            "num": CALLS,
            "parallelInvocation": AT_ONCE,
            "payload": {},
        }),
    )?;
    let mut executor = tuner.start("power-tuner-executor")?;
    let before = executor.processor_s()?;
    let (_, took) = executor.call(event)?;
    Ok(Throughput {
        calls: CALLS,
        at_once: AT_ONCE,
        call_ms,
        simulated_ms: tuner.mean_ms(name)?,
        took_s: took.as_secs_f64(),
        used_s: executor.processor_s()? - before,
    })
}

/// In words, what misses its bar.
pub(super) fn missed(all: &[Throughput]) -> Vec<String> {
    all.iter()
        .take(1)
        .filter(|one| one.ideal_s() / one.took_s < LEAST_OF_IDEAL)
        .map(|one| {
            format!(
                "{} calls of {:.1} ms, {} at once, took {:.3} s, where {:.3} s would be ideal",
                one.calls,
                one.simulated_ms,
                one.at_once,
                one.took_s,
                one.ideal_s()
            )
        })
        .collect()
}
