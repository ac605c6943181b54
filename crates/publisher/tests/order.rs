//! The publisher's handler against a simulated Lambda service: order, batches, and `$LATEST` put back.

use std::time::Duration;

use power_tuner_aws::{LambdaApi, StepFunctionsApi};
use power_tuner_core::TuneError;
use power_tuner_core::plan::{Found, Plan, Stack};
use power_tuner_core::request::Request;
use power_tuner_core::tuning::{Published, Tuning};
use power_tuner_lambda_sim::{
    Execution, ExecutionStatus, Fault, FaultRule, FunctionSpec, Options, Sim, Snapshot,
};
use power_tuner_publisher::handle;
use power_tuner_runtime::Deadline;
use serde_json::{Value, json};

const EXECUTION: &str = "arn:aws:states:us-east-1:123456789012:execution:tuner:one";
const ENOUGH: Duration = Duration::from_mins(2);

struct Bench {
    sim: Sim,
    api: LambdaApi,
    executions: StepFunctionsApi,
}

async fn bench() -> Bench {
    let sim = Sim::start(Options {
        time_scale: 0.05,
        ..Options::default()
    })
    .await
    .expect("the simulator starts");
    sim.create(FunctionSpec::named("f"))
        .expect("a sound function");
    sim.put_execution(Execution {
        arn: EXECUTION.to_owned(),
        status: ExecutionStatus::Running,
        ..Execution::default()
    })
    .expect("a sound execution");
    let api = LambdaApi::local(&sim.url());
    let executions = StepFunctionsApi::local(&sim.url());
    Bench {
        sim,
        api,
        executions,
    }
}

impl Bench {
    async fn publish(
        &self,
        sizes: &[u32],
        published: Value,
        left: Duration,
    ) -> Result<Published, TuneError> {
        let plan = self.plan(sizes).await;
        self.publish_as_planned(plan, published, left).await
    }

    async fn plan(&self, sizes: &[u32]) -> Plan {
        let current = self.api.configuration("f").await.expect("a configuration");
        let written = json!({"lambdaARN": "f", "num": 5, "powerValues": sizes});
        let request = Request::parse(&written).expect("a good input");
        let stack = Stack {
            longest_wait_s: 2,
            ..Stack::default()
        };
        Plan::new(request, Found::at_rest(current), &stack).expect("a plan")
    }

    async fn publish_as_planned(
        &self,
        plan: Plan,
        published: Value,
        left: Duration,
    ) -> Result<Published, TuneError> {
        let round = Tuning::new(plan.clone()).round;
        let input = json!({
            "execution": EXECUTION,
            "plan": plan,
            "round": round,
            "published": published,
        });
        let input = serde_json::from_value(input).expect("an input of the publisher");
        handle(&self.api, &self.executions, input, Deadline::after(left)).await
    }

    /// What somebody else does to the function in between. It blocks, so the simulator needs another thread.
    fn deploy(&self, path: &str, body: &Value) {
        let url = format!("{}/2015-03-31/functions/f/{path}", self.sim.url());
        ureq::put(url).send_json(body).expect("deployed");
    }

    fn now(&self) -> Snapshot {
        self.sim.snapshot("f").expect("the function")
    }

    /// Memory sizes of all versions, in the order in which they were published.
    fn published(&self) -> Vec<u32> {
        self.now()
            .versions
            .iter()
            .map(|version| version.memory_mb)
            .collect()
    }

    fn memory(&self) -> Value {
        self.now().latest.configuration["MemorySize"].clone()
    }
}

fn nothing_yet() -> Value {
    json!({"done": false, "batches": 0, "versions": []})
}

#[tokio::test]
async fn the_original_size_is_published_first_and_latest_is_put_back() {
    let bench = bench().await;
    let published = bench
        .publish(&[128, 512, 1024], nothing_yet(), ENOUGH)
        .await
        .expect("published");
    assert!(published.done);
    assert_eq!(bench.published(), [512, 128, 1024]);
    assert_eq!(bench.memory(), 512);
    let ours = format!("power-tuner {EXECUTION}");
    assert!(
        bench
            .now()
            .versions
            .iter()
            .all(|version| version.description == ours)
    );
}

#[tokio::test]
async fn a_throwaway_covers_our_version_where_it_would_be_the_last() {
    let bench = bench().await;
    let published = bench
        .publish(&[512], nothing_yet(), ENOUGH)
        .await
        .expect("published");
    assert_eq!(
        published.versions.len(),
        1,
        "the throwaway is nothing to measure"
    );
    assert_eq!(bench.published(), [512, 511]);
    assert_eq!(bench.memory(), 512);
}

#[tokio::test]
async fn each_batch_puts_latest_back_and_the_next_publishes_the_rest() {
    let bench = bench().await;
    let sizes = [128, 256, 512, 1024];
    let mut published = nothing_yet();
    let mut batches = 0;
    loop {
        // 30 s are kept back for putting the function right, so this leaves a moment for a size or two.
        let left = Duration::from_millis(30_100);
        let after = bench
            .publish(&sizes, published, left)
            .await
            .expect("published");
        batches += 1;
        assert_eq!(
            bench.memory(),
            512,
            "between batches nobody sees another size"
        );
        assert_eq!(after.batches, batches);
        if after.done {
            break;
        }
        published = serde_json::to_value(after).expect("JSON");
    }
    assert!(batches > 1, "100 ms hold no four updates of 25 ms");
    // A batch that holds the original size alone covers it with a throwaway.
    let mut published = bench.published();
    published.retain(|size| sizes.contains(size));
    assert_eq!(published, [512, 128, 256, 1024], "each size once");
}

#[tokio::test]
async fn what_a_publisher_that_died_left_is_used_and_not_made_again() {
    let bench = bench().await;
    bench
        .publish(&[128, 512], nothing_yet(), ENOUGH)
        .await
        .expect("published");
    // The state machine never heard of it, and asks again.
    let published = bench
        .publish(&[128, 512, 1024], nothing_yet(), ENOUGH)
        .await
        .expect("published");
    assert_eq!(published.versions.len(), 3);
    assert_eq!(bench.published(), [512, 128, 1024]);
}

#[tokio::test]
async fn latest_is_put_back_after_any_failure() {
    let faults = [
        ("PublishVersion", Fault::status(403), 1, "AccessDenied"),
        // One of these may be about other code than expected, so it is looked into and tried again.
        ("PublishVersion", Fault::status(400), 100, "PublishFailed"),
        (
            "UpdateFunctionConfiguration",
            Fault::status(400),
            1,
            "PublishFailed",
        ),
    ];
    for (action, fault, times, error) in faults {
        let bench = bench().await;
        bench.sim.fault(FaultRule {
            nth: Some(2),
            times: Some(times),
            ..FaultRule::always(action, fault)
        });
        let failed = bench
            .publish(&[128, 256, 1024], nothing_yet(), ENOUGH)
            .await
            .expect_err("a failure");
        assert_eq!(failed.name(), error, "{action}: {failed}");
        assert_eq!(bench.memory(), 512, "{action}");
    }
}

#[tokio::test]
async fn a_function_that_cannot_be_put_back_is_said_so() {
    let bench = bench().await;
    bench.sim.fault(FaultRule {
        nth: Some(2),
        times: Some(u64::MAX),
        ..FaultRule::always("UpdateFunctionConfiguration", Fault::status(403))
    });
    let failed = bench
        .publish(&[128, 256], nothing_yet(), ENOUGH)
        .await
        .expect_err("a failure");
    assert!(
        failed
            .to_string()
            .contains("could not be put back to 512 MB"),
        "{failed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn code_deployed_in_between_is_never_measured() {
    let bench = bench().await;
    let plan = bench.plan(&[128, 256]).await;
    bench.deploy("code", &json!({"ZipFile": "bmV3IGNvZGU="}));
    let failed = bench
        .publish_as_planned(plan, nothing_yet(), ENOUGH)
        .await
        .expect_err("a failure");
    assert_eq!(failed.name(), "FunctionChanged", "{failed}");
    assert_eq!(bench.published(), [0; 0]);
    assert_eq!(bench.memory(), 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_size_that_somebody_set_in_between_is_theirs() {
    let bench = bench().await;
    let plan = bench.plan(&[128, 256]).await;
    bench.deploy("configuration", &json!({"MemorySize": 2048}));
    let failed = bench
        .publish_as_planned(plan, nothing_yet(), ENOUGH)
        .await
        .expect_err("a failure");
    assert_eq!(failed.name(), "FunctionChanged", "{failed}");
    assert_eq!(bench.memory(), 2048);
}

#[tokio::test]
async fn latest_is_put_back_after_an_update_that_failed_later() {
    let bench = bench().await;
    bench.sim.fault(FaultRule {
        nth: Some(2),
        ..FaultRule::always("UpdateFunctionConfiguration", Fault::FailLater)
    });
    let failed = bench
        .publish(&[128, 256], nothing_yet(), ENOUGH)
        .await
        .expect_err("a failure");
    assert!(
        failed.to_string().contains("its last update failed"),
        "{failed}"
    );
    assert_eq!(bench.memory(), 512);
}

#[tokio::test]
async fn a_publisher_that_died_before_the_throwaway_makes_up_for_it() {
    let bench = bench().await;
    // The second publish, the throwaway's, never comes.
    bench.sim.fault(FaultRule {
        nth: Some(2),
        ..FaultRule::always("PublishVersion", Fault::status(403))
    });
    bench
        .publish(&[512], nothing_yet(), ENOUGH)
        .await
        .expect_err("no throwaway");
    assert_eq!(bench.published(), [512]);
    bench
        .publish(&[512], nothing_yet(), ENOUGH)
        .await
        .expect("published");
    assert_eq!(bench.published(), [512, 511]);
}

#[tokio::test]
async fn the_users_own_version_is_measured_and_not_published_again() {
    let bench = bench().await;
    let current = bench.api.configuration("f").await.expect("a configuration");
    bench
        .api
        .publish(
            &current.function,
            "release 7",
            &current.revision_id,
            &current.code_sha256,
            ENOUGH,
        )
        .await
        .expect("published");
    let published = bench
        .publish(&[512], nothing_yet(), ENOUGH)
        .await
        .expect("published");
    assert_eq!(published.versions[0].number, "1");
    assert_eq!(
        bench.published(),
        [512],
        "and no throwaway: their next publish returns their own"
    );
}

#[tokio::test]
async fn a_batch_that_ends_after_the_original_size_covers_it() {
    let bench = bench().await;
    // Less than what is kept back, so that one size is published and no more.
    let left = Duration::from_secs(29);
    let published = bench
        .publish(&[128, 512], nothing_yet(), left)
        .await
        .expect("published");
    assert!(!published.done);
    assert_eq!(bench.published(), [512, 511]);
    assert_eq!(bench.memory(), 512);
}

#[tokio::test]
async fn nothing_is_written_when_the_deadline_is_near() {
    let bench = bench().await;
    let failed = bench
        .publish(&[128, 512], nothing_yet(), Duration::from_secs(15))
        .await
        .expect_err("a failure");
    assert!(
        failed
            .to_string()
            .contains("the time for changing it was over"),
        "{failed}"
    );
    assert!(bench.now().aliases.is_empty() && bench.published().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_waits_for_a_third_of_its_time_and_says_for_how_long() {
    let bench = bench().await;
    let mut plan = bench.plan(&[128, 512]).await;
    plan.longest_wait_s = 600;
    let held = "512 until 9999999999, arn:aws:states:us-east-1:123456789012:execution:m:other";
    let url = format!("{}/2015-03-31/functions/f/aliases", bench.sim.url());
    ureq::post(url)
        .send_json(
            json!({"Name": "power-tuner-lock", "FunctionVersion": "$LATEST", "Description": held}),
        )
        .expect("a lock");
    let published = bench
        .publish_as_planned(plan, nothing_yet(), Duration::from_secs(24))
        .await
        .expect("it waited");
    assert!(!published.done);
    assert!((8..=12).contains(&published.waited_s), "{published:?}");
    assert!(bench.published().is_empty());
}
