//! The boundary itself, over HTTP, against a simulated Lambda service that keeps AWS's rules.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use power_tuner_aws::{Ask, Deletion, InvokeError, LambdaApi, WriteError, latest};
use power_tuner_core::configuration::{Architecture, LastUpdate, State};
use power_tuner_core::function::FunctionArn;
use power_tuner_core::measurement::Version;
use power_tuner_core::{MemoryMb, TuneError};
use power_tuner_lambda_sim::{Fault, FaultRule, FunctionError, FunctionSpec, Options, Sim};

const LONGEST: Duration = Duration::from_secs(10);

struct Bench {
    sim: Sim,
    api: LambdaApi,
    function: FunctionArn,
}

async fn bench(spec: FunctionSpec) -> Bench {
    bench_in("us-east-1", spec).await
}

async fn bench_in(region: &str, spec: FunctionSpec) -> Bench {
    let options = Options {
        time_scale: 0.05,
        region: region.to_owned(),
        ..Options::default()
    };
    let sim = Sim::start(options).await.expect("the simulator starts");
    let function = FunctionArn::try_from(sim.arn(&spec.name)).expect("a function's ARN");
    sim.create(spec).expect("a sound function");
    let api = LambdaApi::local(&sim.url());
    Bench { sim, api, function }
}

fn ask(payload: &[u8], longest: Duration) -> Ask<'_> {
    Ask {
        payload,
        longest,
        keeps_output: false,
    }
}

fn mb(mb: u32) -> MemoryMb {
    MemoryMb::try_from(mb).expect("a valid size")
}

impl Bench {
    async fn set_memory(&self, memory: MemoryMb) {
        let current = latest::settled(&self.api, &self.function)
            .await
            .expect("settled");
        self.api
            .update_memory(&self.function, memory, &current.revision_id, LONGEST)
            .await
            .expect("updated");
    }

    async fn publish(&self, description: &str) -> Version {
        let current = latest::settled(&self.api, &self.function)
            .await
            .expect("settled");
        let published = self
            .api
            .publish(
                &self.function,
                description,
                &current.revision_id,
                &current.code_sha256,
                LONGEST,
            )
            .await
            .expect("published");
        let version = Version {
            memory: published.memory,
            number: published.version,
        };
        let name = format!("{}:{}", self.function, version.number);
        while self
            .api
            .configuration(&name)
            .await
            .expect("a version")
            .state
            == State::Pending
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        version
    }
}

#[tokio::test]
async fn a_configuration_is_read_whole() {
    let bench = bench(FunctionSpec::named("f")).await;
    let read = bench.api.configuration("f").await.expect("a configuration");
    assert_eq!(read.function, bench.function);
    assert_eq!(read.version, "$LATEST");
    assert_eq!(read.memory, mb(512));
    assert_eq!(read.timeout_s, 30);
    assert_eq!(read.architecture, Architecture::Arm64);
    assert_eq!(
        (read.state, read.last_update),
        (State::Active, LastUpdate::Successful)
    );
    assert!(!read.revision_id.is_empty() && !read.code_sha256.is_empty());
}

#[tokio::test]
async fn every_call_goes_to_the_region_of_the_functions_arn() {
    // The tuner is in us-east-1, and the simulator takes no call that is signed for another region than its own.
    let bench = bench_in("eu-west-1", FunctionSpec::named("f")).await;
    let Bench { api, function, .. } = &bench;
    let version = bench.publish("d").await;
    api.invoke(function, &version, ask(b"{}", LONGEST))
        .await
        .expect("called");
    api.reserved_concurrency(function).await.expect("read");
    api.create_alias(function, "live", "$LATEST", None, LONGEST)
        .await
        .expect("made");
    let alias = api.alias(function, "live").await.expect("read");
    let revision = alias.expect("it is there").revision_id;
    api.describe_alias(function, "live", "d", &revision, LONGEST)
        .await
        .expect("described");
    api.delete_alias(function, "live", LONGEST)
        .await
        .expect("deleted");
    bench.set_memory(mb(1024)).await;
    let versions = api.versions(function).await.expect("listed");
    assert_eq!(versions.len(), 1);
    api.delete_version(function, &version, LONGEST)
        .await
        .expect("deleted");

    let near = api.configuration("f").await.expect_err("another region's");
    assert!(near.to_string().contains("valid region"), "{near}");
}

#[tokio::test]
async fn a_function_that_is_not_there_is_named() {
    let bench = bench(FunctionSpec::named("f")).await;
    let error = bench
        .api
        .configuration("other")
        .await
        .expect_err("no such function");
    assert_eq!(
        error.to_string(),
        "function `other` was not found; check its name or ARN; a name alone means one in the tuner's own region and account"
    );
}

#[tokio::test]
async fn what_may_not_be_called_is_named_with_its_action() {
    let bench = bench(FunctionSpec::named("f")).await;
    let fault = FaultRule::always("GetFunctionConfiguration", Fault::status(403));
    bench.sim.fault(fault);
    let error = bench.api.configuration("f").await.expect_err("denied");
    assert_eq!(error.name(), "AccessDenied", "{error}");
    assert!(
        error
            .to_string()
            .contains("`lambda:GetFunctionConfiguration` on `f`"),
        "{error}"
    );
}

#[tokio::test]
async fn an_update_is_waited_for_until_it_is_through() {
    let bench = bench(FunctionSpec::named("f")).await;
    bench.set_memory(mb(1024)).await;
    let after = latest::settled(&bench.api, &bench.function)
        .await
        .expect("settled");
    assert_eq!(
        (after.memory, after.last_update),
        (mb(1024), LastUpdate::Successful)
    );
}

#[tokio::test]
async fn nothing_is_written_to_a_function_that_changed_since_it_was_read() {
    let bench = bench(FunctionSpec::named("f")).await;
    let before = bench.api.configuration("f").await.expect("a configuration");
    bench.set_memory(mb(1024)).await;
    let after = latest::settled(&bench.api, &bench.function)
        .await
        .expect("settled");
    let stale = bench
        .api
        .update_memory(&bench.function, mb(256), &before.revision_id, LONGEST)
        .await;
    assert!(
        matches!(
            stale,
            Err(WriteError::Unclear(TuneError::FunctionChanged { .. }))
        ),
        "{stale:?}"
    );
    assert_eq!(after.memory, mb(1024));
}

#[tokio::test]
async fn what_may_have_happened_is_told_from_what_was_refused() {
    let cases = [
        (Fault::status(409), true),
        (Fault::status(412), true),
        (Fault::status(500), true),
        (Fault::DropAfter, true),
        (Fault::status(400), false),
        (Fault::status(403), false),
        (Fault::status(404), false),
    ];
    for (fault, want) in cases {
        let bench = bench(FunctionSpec::named("f")).await;
        let current = bench.api.configuration("f").await.expect("a configuration");
        let action = "UpdateFunctionConfiguration";
        bench.sim.fault(FaultRule::always(action, fault.clone()));
        let longest = Duration::from_millis(700);
        let written = bench
            .api
            .update_memory(&bench.function, mb(256), &current.revision_id, longest)
            .await;
        let is_unclear = matches!(written, Err(WriteError::Unclear(_)));
        assert_eq!(is_unclear, want, "{fault:?}: {written:?}");
    }
}

#[tokio::test]
async fn an_update_that_fails_later_is_an_error() {
    let bench = bench(FunctionSpec::named("f")).await;
    bench.sim.fault(FaultRule::always(
        "UpdateFunctionConfiguration",
        Fault::FailLater,
    ));
    bench.set_memory(mb(1024)).await;
    let error = latest::settled(&bench.api, &bench.function)
        .await
        .expect_err("failed");
    assert!(
        error.to_string().contains("its last update failed"),
        "{error}"
    );
}

#[tokio::test]
async fn each_setting_that_the_service_shows_is_compared() {
    let mut spec = FunctionSpec::named("f");
    spec.environment
        .insert("STAGE".to_owned(), "live".to_owned());
    let bench = bench(spec).await;
    let before = bench.api.configuration("f").await.expect("a configuration");
    bench.set_memory(mb(1024)).await;
    let after = latest::settled(&bench.api, &bench.function)
        .await
        .expect("settled");
    assert_eq!(before.settings.differences(&after.settings), [""; 0]);
    let version = bench.publish("mine").await;
    let version = bench
        .api
        .configuration(&format!("f:{}", version.number))
        .await
        .expect("a version");
    let differences = before.settings.differences_from_version(&version.settings);
    assert_eq!(differences, [""; 0]);
    assert_eq!(
        before.settings.differences(&version.settings),
        ["Description"]
    );
}

#[tokio::test]
async fn all_pages_of_the_versions_are_read() {
    let bench = bench(FunctionSpec::named("f")).await;
    for size in 200..255 {
        bench.set_memory(mb(size)).await;
        bench.publish("mine").await;
    }
    let rows = bench.api.versions(&bench.function).await.expect("versions");
    assert_eq!(rows.len(), 55, "the service gives 50 a page");
    assert!(
        rows.iter()
            .all(|row| row.description == "mine" && row.version.number != "$LATEST")
    );
}

#[tokio::test]
async fn a_version_is_deleted_once_and_the_function_never() {
    let bench = bench(FunctionSpec::named("f")).await;
    let version = bench.publish("mine").await;
    for want in [Deletion::Deleted, Deletion::Deleted] {
        // AWS answers a second deletion like the first.
        let deletion = bench
            .api
            .delete_version(&bench.function, &version, LONGEST)
            .await;
        assert_eq!(deletion.expect("an answer"), want);
    }
    let snapshot = bench
        .sim
        .snapshot("f")
        .expect("the function is still there");
    assert!(snapshot.versions.is_empty());
}

#[tokio::test]
async fn a_call_has_its_log_and_its_request_id() {
    let bench = bench(FunctionSpec::named("f")).await;
    let version = bench.publish("").await;
    let answer = bench
        .api
        .invoke(&bench.function, &version, ask(b"{}", LONGEST))
        .await
        .expect("an answer");
    assert_eq!(answer.error, None);
    assert!(
        answer
            .log
            .contains(&format!("REPORT RequestId: {}", answer.request_id)),
        "{}",
        answer.log
    );
}

#[tokio::test]
async fn a_function_that_fails_is_an_answer() {
    let mut spec = FunctionSpec::named("f");
    spec.behaviour.fails_with = Some(FunctionError {
        error_type: "KeyError".to_owned(),
        error_message: "'id'".to_owned(),
        every_nth: 1,
    });
    let bench = bench(spec).await;
    let version = bench.publish("").await;
    let answer = bench
        .api
        .invoke(&bench.function, &version, ask(b"", LONGEST))
        .await
        .expect("an answer");
    assert!(answer.error.is_some_and(|error| error.contains("KeyError")));
}

#[tokio::test]
async fn a_measured_call_is_sent_once_whatever_happens() {
    for fault in [Fault::status(429), Fault::status(500), Fault::DropAfter] {
        let bench = bench(FunctionSpec::named("f")).await;
        let version = bench.publish("").await;
        bench.sim.fault(FaultRule::always("Invoke", fault.clone()));
        bench.sim.forget_calls();
        let answer = bench
            .api
            .invoke(&bench.function, &version, ask(b"", LONGEST))
            .await;
        let throttled = matches!(answer, Err(InvokeError::Throttled));
        assert_eq!(throttled, fault == Fault::status(429), "{answer:?}");
        assert_eq!(bench.sim.calls().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_call_that_never_ends_is_given_up() {
    let bench = bench(FunctionSpec::named("f")).await;
    let version = bench.publish("").await;
    bench
        .sim
        .fault(FaultRule::always("Invoke", Fault::DelayMs(1e9)));
    let answer = bench
        .api
        .invoke(
            &bench.function,
            &version,
            ask(b"", Duration::from_millis(200)),
        )
        .await;
    assert!(
        matches!(answer, Err(InvokeError::NoAnswer(_))),
        "{answer:?}"
    );
}

/// Seconds until the kernel sends the next keep-alive probe on each connection to a port.
#[cfg(target_os = "linux")]
fn probes(port: &str) -> Vec<u64> {
    let port: u16 = port.parse().expect("a port");
    let peer = format!(":{port:04X}");
    let sockets = std::fs::read_to_string("/proc/self/net/tcp").expect("Linux shows its sockets");
    let fields = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let to_port = |socket: &Vec<String>| socket[2].ends_with(&peer) && socket[3] == "01";
    // `tr tm->when`: 02 is the keep-alive timer, and the time is in hundredths of a second.
    sockets
        .lines()
        .skip(1)
        .map(fields)
        .filter(to_port)
        .filter_map(|socket| socket[5].strip_prefix("02:").map(str::to_owned))
        .map(|when| u64::from_str_radix(&when, 16).expect("a number") / 100)
        .collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_long_call_is_kept_alive_on_a_path_that_drops_what_is_idle() {
    const GATEWAY_FORGETS_AFTER_S: u64 = 350;
    let mut spec = FunctionSpec::named("f");
    spec.behaviour.init_ms = 40_000.0;
    let bench = bench(spec).await;
    let version = bench.publish("d").await;
    let call = bench
        .api
        .invoke(&bench.function, &version, ask(b"{}", LONGEST));
    let look = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let url = bench.sim.url();
        probes(url.rsplit(':').next().expect("a port"))
    };
    let (answer, probes) = tokio::join!(call, look);
    answer.expect("an answer");
    let soon = probes
        .iter()
        .filter(|left| **left < GATEWAY_FORGETS_AFTER_S / 2);
    assert_eq!(soon.count(), 1, "{probes:?}");
}

#[tokio::test]
async fn the_control_plane_is_asked_no_more_often_than_the_pace_allows() {
    let bench = bench(FunctionSpec::named("f")).await;
    let paced = LambdaApi::local_at_pace(&bench.sim.url(), 20.0);
    let start = std::time::Instant::now();
    let asks = (0..11).map(|_| paced.configuration("f"));
    futures::future::try_join_all(asks).await.expect("answers");
    // The first at once, each of the ten others 50 ms after the one before it.
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(500), "{took:?}");

    let version = bench.publish("d").await;
    let start = std::time::Instant::now();
    let calls = (0..20).map(|_| paced.invoke(&bench.function, &version, ask(b"{}", LONGEST)));
    futures::future::try_join_all(calls).await.expect("answers");
    let took = start.elapsed();
    assert!(
        took < Duration::from_millis(900),
        "measured calls wait for nobody: {took:?}"
    );
}

/// A configuration has the values of the function's environment in it.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_is_an_error_without_the_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let body = r#"{"FunctionName": "f", "Environment": {"Variables": {"TOKEN": "canary"}}, "Memory"#;
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    let api = LambdaApi::local(&url);
    let error = api.configuration("f").await.expect_err("half an answer");
    let shown = error.to_string();
    assert!(shown.contains("got no answer: "), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}

/// Lambda says what it could not read of a payload.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_is_not_json_is_refused_without_a_word_of_it() {
    let bench = bench(FunctionSpec::named("f")).await;
    let version = bench.publish("one").await;
    let sent = bench
        .api
        .invoke(&bench.function, &version, ask(b"canary {", LONGEST));
    match sent.await {
        Err(InvokeError::Failed(error)) => {
            let shown = error.to_string();
            assert!(shown.contains("its payload is not JSON"), "{shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
        other => panic!("{other:?}"),
    }
}
