//! What a simulated service is started with.

use std::collections::BTreeMap;

/// What a simulated service is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on loopback; 0 takes a free one.
    pub port: u16,
    /// Real time for each unit of virtual time: 1 is real time, 0.01 a hundred times faster, and 0 never waits: then a
    /// change under way ends when it has been seen once, and calls do not overlap.
    pub time_scale: f64,
    /// All ids and durations follow from it.
    pub seed: u64,
    /// The region in the ARNs.
    pub region: String,
    /// The account in the ARNs.
    pub account: String,
    /// How long an update of `$LATEST` is in progress, in virtual milliseconds.
    pub update_ms: f64,
    /// How long a new version is pending, in virtual milliseconds; with 0 it is active at once.
    pub publish_ms: f64,
    /// Calls that the account may have under way at once.
    pub account_concurrency: u32,
    /// How many of those others use up: the callers themselves may be functions of this account.
    pub concurrency_used_elsewhere: u32,
    /// The largest memory size: 10,240 MB, or 3,008 in a new account.
    pub largest_memory_mb: u32,
    /// Control plane requests that the account may make in a second of real time, and in a burst; on AWS 15. Without it
    /// there is no limit.
    pub control_plane_per_s: Option<u32>,
    /// How long a request of an action is on its way before it takes effect, in virtual milliseconds; not at all where
    /// nothing is said.
    pub latencies: BTreeMap<String, f64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            time_scale: 1.0,
            seed: 1,
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            update_ms: 500.0,
            publish_ms: 500.0,
            account_concurrency: 1000,
            concurrency_used_elsewhere: 0,
            largest_memory_mb: 10_240,
            control_plane_per_s: None,
            latencies: BTreeMap::new(),
        }
    }
}
