//! The executor's handler against a simulated Lambda service: batches, deadlines, throttles.

use std::time::{Duration, Instant};

use power_tuner_aws::{LambdaApi, StoredPayloads};
use power_tuner_core::measurement::Progress;
use power_tuner_core::plan::{Found, Plan, Stack};
use power_tuner_core::request::Request;
use power_tuner_executor::handle;
use power_tuner_lambda_sim::{Curve, Fault, FaultRule, FunctionSpec, Options, Sim};
use power_tuner_runtime::Deadline;
use serde_json::{Value, json};

struct Bench {
    sim: Sim,
    api: LambdaApi,
}

/// A function that really takes `call_ms`, published as version 1.
async fn bench(call_ms: f64) -> Bench {
    bench_with(call_ms, Options::default()).await
}

async fn bench_with(call_ms: f64, options: Options) -> Bench {
    let sim = Sim::start(Options {
        publish_ms: 0.0,
        ..options
    })
    .await
    .expect("the simulator starts");
    let mut spec = FunctionSpec::named("f");
    spec.timeout_s = 900;
    spec.behaviour.init_ms = 1.0;
    spec.behaviour.duration = Curve::Formula {
        base_ms: call_ms,
        ms_times_mb: 0.0,
        flat_above_mb: 1769.0,
    };
    sim.create(spec).expect("a sound function");
    let api = LambdaApi::local(&sim.url());
    let current = api.configuration("f").await.expect("a configuration");
    api.publish(
        &current.function,
        "",
        &current.revision_id,
        &current.code_sha256,
        Duration::from_secs(10),
    )
    .await
    .expect("published");
    Bench { sim, api }
}

impl Bench {
    async fn batch(&self, num: u32, parallel: Value, progress: Value, left: Duration) -> Progress {
        let written = json!({
            "lambdaARN": "f",
            "powerValues": [512],
            "num": num,
            "parallelInvocation": parallel,
            "payload": {"n": 1},
        });
        let request = Request::parse(&written).expect("a good input");
        let current = self.api.configuration("f").await.expect("a configuration");
        let input = json!({
            "execution": "arn:aws:states:us-east-1:123456789012:execution:m:e",
            "input": written,
            "plan": Plan::new(request, Found::at_rest(current), &Stack::default()).expect("a plan"),
            "memory": 512,
            "wanted": num,
            "published": {"done": true, "batches": 1, "versions": [{"memory": 512, "number": "1"}]},
            "progress": progress,
        });
        let input = serde_json::from_value(input).expect("an input of the executor");
        let objects = StoredPayloads::local(&self.sim.url());
        handle(&self.api, &objects, input, Deadline::after(left))
            .await
            .expect("progress")
    }
}

fn nothing_yet() -> Value {
    json!({"done": false, "batches": 0, "tally": {}})
}

#[tokio::test]
async fn a_batch_ends_before_its_deadline_and_the_next_goes_on() {
    let bench = bench(300.0).await;
    let mut progress = nothing_yet();
    let mut batches = 0;
    loop {
        let left = Duration::from_millis(6_700);
        let start = Instant::now();
        let after = bench.batch(8, json!(false), progress, left).await;
        assert!(start.elapsed() < left, "{:?}", start.elapsed());
        assert_eq!(after.tally.cut_off, 0, "no call is begun that cannot end");
        batches += 1;
        assert_eq!(after.batches, batches);
        if after.done {
            assert_eq!(after.failure, None);
            assert!(after.summary.is_some());
            assert_eq!(after.tally.calls, 8, "not one call too many");
            break;
        }
        assert!(!after.samples.is_empty(), "each batch comes further");
        progress = serde_json::to_value(after).expect("JSON");
    }
    assert!(batches > 1, "1.7 s hold no eight calls of 300 ms");
}

#[tokio::test]
async fn a_call_that_no_batch_can_hold_ends_the_size_instead_of_looping() {
    let bench = bench(60_000.0).await;
    let left = Duration::from_millis(5_300);
    let progress = bench.batch(5, json!(false), nothing_yet(), left).await;
    let failure = progress.failure.expect("a failure");
    assert!(
        failure.cause.contains("not one call ended within the time"),
        "{failure}"
    );
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_the_input_allows() {
    let cases = [(json!(false), 1), (json!(3), 3), (json!(true), 12)];
    for (parallel, at_once) in cases {
        let bench = bench(50.0).await;
        let left = Duration::from_mins(1);
        let progress = bench.batch(12, parallel, nothing_yet(), left).await;
        assert_eq!(progress.tally.calls, 12);
        assert_eq!(
            progress.tally.cold_starts, at_once,
            "one environment for each call that was under way at the same time"
        );
    }
}

#[tokio::test]
async fn calls_that_lambda_refuses_are_made_again_with_fewer_at_once() {
    let small_account = Options {
        account_concurrency: 3,
        ..Options::default()
    };
    let bench = bench_with(100.0, small_account).await;
    let left = Duration::from_mins(1);
    let progress = bench.batch(30, json!(true), nothing_yet(), left).await;
    assert_eq!(progress.failure, None);
    assert_eq!(progress.tally.calls, 30);
    assert!(
        progress.tally.throttles >= 27,
        "all but three of the first wave"
    );
    // Now and then it tries for more again; without going down first, most of 27, 24, 21 … would be refused.
    assert!(
        progress.tally.throttles < 60,
        "{}",
        progress.tally.throttles
    );
}

#[tokio::test]
async fn waiting_for_concurrency_ends_before_the_deadline_too() {
    let bench = bench(10.0).await;
    bench
        .sim
        .fault(FaultRule::always("Invoke", Fault::status(429)));
    // 5 s are kept back. The pauses before the deadline end after 0.1, 0.3, 0.7, 1.5 and 3.1 s.
    let left = Duration::from_millis(7_500);
    let start = Instant::now();
    let progress = bench.batch(5, json!(false), nothing_yet(), left).await;
    assert!(
        !progress.done,
        "the next batch tries on: {:?}",
        progress.failure
    );
    assert!(
        start.elapsed() < Duration::from_millis(2_900),
        "{:?}",
        start.elapsed()
    );
}

/// Refused calls excuse a batch without an answer, but not for ever: what was cut off keeps its environments for a while.
#[tokio::test]
async fn calls_that_hang_beside_refused_ones_end_the_size_after_two_batches() {
    let small_account = Options {
        account_concurrency: 3,
        ..Options::default()
    };
    let bench = bench_with(1_300.0, small_account).await;
    let left = Duration::from_secs(6);
    let mut progress = bench.batch(5, json!(true), nothing_yet(), left).await;
    assert!(!progress.done && progress.tally.cut_off > 0, "{progress:?}");
    while !progress.done && progress.batches < 8 {
        let so_far = serde_json::to_value(progress).expect("JSON");
        progress = bench.batch(5, json!(true), so_far, left).await;
    }
    let failure = progress.failure.expect("a failure");
    assert!(
        failure
            .cause
            .contains("not one call ended within the time of 2 batches"),
        "{failure}"
    );
}

#[tokio::test]
async fn calls_without_an_answer_are_replaced_within_bounds() {
    let bench = bench(5.0).await;
    let left = Duration::from_mins(1);
    bench.sim.fault(FaultRule {
        times: Some(2),
        ..FaultRule::always("Invoke", Fault::DropAfter)
    });
    let progress = bench.batch(5, json!(false), nothing_yet(), left).await;
    assert_eq!(progress.failure, None);
    assert_eq!(
        (progress.tally.calls, progress.tally.without_answer),
        (5, 2)
    );

    bench
        .sim
        .fault(FaultRule::always("Invoke", Fault::status(500)));
    let progress = bench.batch(5, json!(false), nothing_yet(), left).await;
    let failure = progress.failure.expect("a failure");
    assert_eq!(failure.error, "InvocationFailed");
    assert!(
        failure.cause.contains("too many calls got no answer"),
        "{failure}"
    );
}

#[tokio::test]
async fn calls_without_a_report_are_replaced_within_bounds() {
    let bench = bench(5.0).await;
    let some = FaultRule {
        times: Some(2),
        ..FaultRule::always("Invoke", Fault::NoReport)
    };
    bench.sim.fault(some);
    let left = Duration::from_mins(1);
    let progress = bench.batch(5, json!(false), nothing_yet(), left).await;
    assert_eq!(progress.failure, None);
    assert_eq!(
        (progress.tally.calls, progress.tally.without_report),
        (7, 2)
    );

    bench
        .sim
        .fault(FaultRule::always("Invoke", Fault::NoReport));
    let progress = bench.batch(5, json!(false), nothing_yet(), left).await;
    let failure = progress.failure.expect("a failure");
    assert_eq!(failure.error, "NoMeasurements");
    assert!(failure.cause.contains("without a REPORT line"), "{failure}");
}
