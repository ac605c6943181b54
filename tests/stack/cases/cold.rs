//! Tunings that count only cold starts.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::harness::Bench;

fn sum(outcome: &Value, field: &str) -> Result<u64> {
    let sizes = outcome["sizes"].as_array().context("`sizes`")?;
    Ok(sizes.iter().filter_map(|size| size[field].as_u64()).sum())
}

pub fn cold_starts_come_in_bursts_on_fresh_versions(bench: &Bench) -> Result<()> {
    let duration = json!({"kind": "formula", "baseMs": 500});
    let target = bench.function(json!({"behaviour": {"duration": duration, "initMs": 1500}}))?;
    let input = json!({"powerValues": [256, 512, 1024], "num": 10, "onlyColdStarts": true});
    let (_, outcome) = target.tune(input)?;
    ensure!(sum(&outcome, "coldStarts")? == 30, "{outcome:#}");
    let published = target.count("PublishVersion")?;
    ensure!(published <= 8, "{published} versions for 30 cold starts");
    let took = outcome["duration"].as_f64().context("a number")?;
    ensure!(took >= 2000.0, "{took} ms: the start is not in it");
    target.is_as_before()
}

pub fn cold_starts_that_lambda_refused_come_in_another_round(bench: &Bench) -> Result<()> {
    let duration = json!({"kind": "formula", "baseMs": 5000});
    let mut target =
        bench.function(json!({"behaviour": {"duration": duration, "initMs": 5000}}))?;
    target.reserve(6)?;
    target.remember()?;
    let input = json!({"powerValues": [256, 512], "num": 8, "onlyColdStarts": true});
    let (_, outcome) = target.tune(input)?;
    ensure!(outcome["rounds"].as_u64() > Some(1), "{outcome:#}");
    ensure!(sum(&outcome, "throttles")? > 0, "{outcome:#}");
    ensure!(sum(&outcome, "coldStarts")? == 16, "{outcome:#}");
    target.is_as_before()
}
