//! What a tuning asks of AWS, counted: it does not depend on how fast a machine is, and may only become less.

use std::collections::BTreeMap;

use power_tuner_lambda_sim::{FunctionSpec, Options};
use serde_json::{Value, json};

use crate::world::{FUNCTION, World};

/// A function of which a new version is ready at once, as AWS has it for most, and an update over at the first look.
async fn tuned(input: Value) -> (BTreeMap<String, usize>, u32) {
    let options = Options {
        publish_ms: 0.0,
        update_ms: 0.0,
        ..Options::default()
    };
    let world = World::on_own_time(FunctionSpec::named(FUNCTION), options).await;
    world.tune("one", input).await.expect("an outcome");
    let mut counts = BTreeMap::new();
    for call in world.sim.calls() {
        *counts.entry(call.action).or_default() += 1;
    }
    counts.remove("Invoke");
    (counts, world.transitions("one"))
}

fn counts<const N: usize>(wanted: [(&str, usize); N]) -> BTreeMap<String, usize> {
    wanted
        .map(|(action, count)| (action.to_owned(), count))
        .into()
}

#[tokio::test(start_paused = true)]
async fn six_sizes_take_so_many_requests_and_transitions() {
    let sizes = json!([128, 256, 512, 1024, 1536, 3008]);
    for other in [json!({}), json!({"onlyColdStarts": true})] {
        let mut input = json!({"powerValues": sizes, "num": 10});
        for (field, value) in other.as_object().expect("an object") {
            input[field] = value.clone();
        }
        let want = counts([
            ("CreateAlias", 1),
            ("DeleteAlias", 1),
            ("DeleteFunction", 6),
            // Of the execution, once there is a lock.
            ("DescribeExecution", 1),
            // The lock, before a plan and in the clean-up.
            ("GetAlias", 2),
            ("GetFunctionConcurrency", 1),
            // To plan, before and after the look at the lock; to begin; after each update and each version.
            ("GetFunctionConfiguration", 15),
            ("ListVersionsByFunction", 2),
            ("PublishVersion", 6),
            // The size that the function has is published first.
            ("UpdateAlias", 5),
            ("UpdateFunctionConfiguration", 6),
        ]);
        assert_eq!(tuned(input).await, (want, 29), "{other}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_grow_with_sizes_and_not_with_calls() {
    let of = async |sizes: usize, num: u32| {
        let sizes: Vec<usize> = (1..=sizes).map(|size| size * 512).collect();
        let (counts, transitions) = tuned(json!({"powerValues": sizes, "num": num})).await;
        (counts.values().sum::<usize>(), transitions)
    };
    let (four, more_calls, eight) = (of(4, 5).await, of(4, 50).await, of(8, 5).await);
    assert_eq!(four, more_calls);
    // Of one more size: an update announced, asked for and seen, a version published, looked after and deleted.
    assert_eq!(eight.0 - four.0, 4 * 6);
    assert_eq!(eight.1 - four.1, 4 * 3);
}

/// An update takes as long as the one before it, so that it is asked about once.
#[tokio::test(start_paused = true)]
async fn who_has_seen_an_update_knows_how_long_to_wait_for_the_next() {
    let options = Options {
        update_ms: 300.0,
        time_scale: 1.0,
        ..Options::default()
    };
    let world = World::on_own_time(FunctionSpec::named(FUNCTION), options).await;
    let sizes = json!([256, 512, 768, 1024, 1280, 1536, 1792, 2048]);
    let input = json!({"powerValues": sizes, "num": 5});
    world.tune("one", input).await.expect("an outcome");
    let asked = world.calls("GetFunctionConfiguration");
    let of_latest = asked.iter().filter(|call| call.qualifier.is_none()).count();
    // To plan and to begin, as above, and after each version; the first update at 0, 50, 150 and 350 ms, the second one at four fifths
    // of the time that was enough, and once more, and the others once.
    let want = 3 + 8 + 4 + 2 + 6;
    assert_eq!(of_latest, want);
}
