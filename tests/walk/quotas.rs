//! Little concurrency: of the function, and of the account that the tuner's own functions share with it.

use futures::future::join_all;
use power_tuner_lambda_sim::{Curve, FunctionSpec, Options};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World};

/// What a new account has.
const SMALL_ACCOUNT: u32 = 10;

fn that_takes(ms: f64) -> FunctionSpec {
    let mut spec = FunctionSpec {
        timeout_s: 60,
        ..FunctionSpec::named(FUNCTION)
    };
    spec.behaviour.duration = Curve::Formula {
        base_ms: ms,
        ms_times_mb: 0.0,
        flat_above_mb: 1769.0,
    };
    spec
}

async fn with_reserved(ms: f64, concurrency: u32) -> World {
    let world = World::on_own_time(that_takes(ms), Options::default()).await;
    world.reserve(concurrency).await;
    world.remember();
    world
}

async fn in_small_account(ms: f64) -> World {
    let options = Options {
        account_concurrency: SMALL_ACCOUNT,
        ..Options::default()
    };
    World::on_own_time(that_takes(ms), options).await
}

/// All sizes were measured with all their calls; gives the throttles.
fn all_measured(outcome: &Value, sizes: usize, calls: u64) -> u64 {
    let rows = outcome["sizes"].as_array().expect("sizes");
    assert_eq!(rows.len(), sizes, "{outcome:#}");
    for row in rows {
        assert_eq!(row["status"], "measured", "{outcome:#}");
        assert!(row["calls"].as_u64() >= Some(calls), "{outcome:#}");
    }
    rows.iter()
        .filter_map(|row| row["throttles"].as_u64())
        .sum()
}

/// Tunes it with these calls for each of these sizes, one at a time or all at once: only these get in each other's way.
async fn is_tuned(world: &World, parallel: bool, calls: u64, sizes: &[u64]) {
    let input = json!({"parallelInvocation": parallel, "num": calls, "powerValues": sizes});
    let outcome = world.tune("one", input).await.expect("an outcome");
    let throttles = all_measured(&outcome, sizes.len(), calls);
    assert_eq!(throttles > 0, parallel, "{throttles} throttles");
    world.is_as_before();
}

const CALLS_MS: [f64; 2] = [50.0, 45_000.0];

#[tokio::test(start_paused = true)]
async fn a_function_with_a_reserved_concurrency_of_1_is_tuned_at_its_pace() {
    for ms in CALLS_MS {
        for parallel in [false, true] {
            is_tuned(&with_reserved(ms, 1).await, parallel, 10, &[128, 512, 1024]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_with_a_concurrency_of_10_is_enough_for_the_tuner_and_the_function() {
    let sizes = [128, 256, 512, 1024, 1536, 3008];
    for ms in CALLS_MS {
        for parallel in [false, true] {
            is_tuned(&in_small_account(ms).await, parallel, 20, &sizes).await;
        }
    }
}

/// Forty-six sizes each, published, looked at and deleted, on an AWS that refuses more than 15 requests a second.
#[tokio::test(start_paused = true)]
async fn no_function_asks_the_control_plane_for_more_than_an_account_may_though_eight_tune_at_once()
{
    const OF_THE_ACCOUNT: u32 = 15;
    let options = Options {
        control_plane_per_s: Some(OF_THE_ACCOUNT),
        ..Options::default()
    };
    let mut spec = that_takes(1_000.0);
    spec.behaviour.init_ms = 500.0;
    let world = World::at_pace(spec, options, Some(10.0)).await;
    let input = json!({"powerValues": "ALL", "onlyColdStarts": true});
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let tunings = names.map(|name| world.tune(name, input.clone()));
    for outcome in join_all(tunings).await {
        let outcome = outcome.expect("an outcome");
        all_measured(&outcome, 46, 5);
    }
    let peak = world.peak_of_a_process();
    assert!(peak > 10 && peak <= OF_THE_ACCOUNT as usize, "{peak}");
    let of_all = world.sim.peak_control_plane_rate();
    println!("eight tunings at once: {of_all} requests in the busiest second");
    world.is_as_before();
}
