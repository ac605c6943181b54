//! Functions of another account than the tuner's, under a role of that account.

use std::future::ready;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use power_tuner_aws::{Answered, Wire};
use power_tuner_lambda_sim::{Curve, Fault, FunctionSpec, Options, Response, Sim};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::world::{FUNCTION, LOCK, Worker, World, arn};

const AWAY: &str = "222222222222";
const ROLE: &str = "arn:aws:iam::222222222222:role/tuned";
const TARGET: &str = "arn:aws:lambda:eu-west-1:222222222222:function:f";
const HOUR: Duration = Duration::from_hours(1);

/// The tuner's account and the function's, and STS between them: who signs with credentials of the role is in the
/// function's account, and everybody else in the tuner's.
#[derive(Clone)]
struct Accounts {
    home: Arc<Sim>,
    away: Arc<Sim>,
    sts: Arc<Mutex<Sts>>,
}

struct Sts {
    /// Whether the role is there, and lets the tuner assume it.
    has_the_role: bool,
    sessions_last: Duration,
    /// So many times more it fails for a moment.
    failures: u32,
    sessions: Vec<Session>,
}

#[derive(Clone, Debug)]
struct Session {
    name: String,
    /// The region that STS was asked in.
    region: String,
    ends: SystemTime,
    /// The role was deleted since; another one of that name does not bring it back.
    is_over: bool,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}

impl Accounts {
    /// The function is in another region, too.
    async fn new() -> Self {
        Self::with(FunctionSpec::named(FUNCTION)).await
    }

    async fn with(spec: FunctionSpec) -> Self {
        Self::in_region("eu-west-1", spec).await
    }

    async fn in_region(region: &str, spec: FunctionSpec) -> Self {
        let options = || Options {
            time_scale: 0.02,
            ..Options::default()
        };
        let home = Sim::start(options()).await.expect("the simulator starts");
        let away = Sim::start(Options {
            account: AWAY.to_owned(),
            region: region.to_owned(),
            ..options()
        });
        let away = away.await.expect("the simulator starts");
        away.create(spec).expect("a sound function");
        Self {
            home: Arc::new(home),
            away: Arc::new(away),
            sts: Arc::new(Mutex::new(Sts {
                has_the_role: true,
                sessions_last: HOUR,
                failures: 0,
                sessions: Vec::new(),
            })),
        }
    }

    fn world(&self) -> World {
        let between = Arc::new(self.clone());
        World::apart(Arc::clone(&self.home), Arc::clone(&self.away), between)
    }

    fn sts(&self) -> MutexGuard<'_, Sts> {
        self.sts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The role goes, and all that was signed with it.
    fn delete_the_role(&self) {
        let mut sts = self.sts();
        sts.has_the_role = false;
        for session in &mut sts.sessions {
            session.is_over = true;
        }
    }

    fn make_the_role_again(&self) {
        self.sts().has_the_role = true;
    }

    /// What the tuner's own account was asked, by action and what it was asked about.
    fn at_home(&self) -> Vec<(String, String)> {
        let calls = self.home.calls().into_iter();
        calls
            .map(|call| (call.action, call.function.unwrap_or_default()))
            .collect()
    }
}

impl Wire for Accounts {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answered {
        let signature = Signature::of(&request);
        if signature.service == "sts" {
            let answer = self.sts().answer(request.body(), signature.region);
            return Box::pin(ready(Ok(answer)));
        }
        let Some(number) = signature.key.strip_prefix("ASIA") else {
            let home = Arc::clone(&self.home);
            return Box::pin(async move { home.answer(request).await });
        };
        let token = request.headers().get("x-amz-security-token");
        assert_eq!(token.expect("a token"), &format!("token-{number}"));
        let number: usize = number.parse().expect("a session's number");
        let session = self.sts().sessions[number].clone();
        let refusal = if session.is_over {
            Some("UnrecognizedClientException")
        } else if session.ends < SystemTime::now() {
            Some("ExpiredTokenException")
        } else {
            None
        };
        if let Some(error) = refusal {
            let message =
                json!({"message": "The security token included in the request is invalid."});
            let answer = http::Response::builder()
                .status(403)
                .header("x-amzn-ErrorType", error)
                .body(message.to_string().into_bytes());
            return Box::pin(ready(answer.map_err(io::Error::other)));
        }
        let away = Arc::clone(&self.away);
        Box::pin(async move { away.answer(request).await })
    }
}

impl Sts {
    fn answer(&mut self, asked: &[u8], region: String) -> http::Response<Vec<u8>> {
        let asked = String::from_utf8_lossy(asked).into_owned();
        let field = |name: &str| {
            let mut fields = asked.split('&').filter_map(|field| field.split_once('='));
            fields
                .find(|(field, _)| *field == name)
                .map(|(_, value)| value.replace("%3A", ":").replace("%2F", "/"))
        };
        assert_eq!(field("Action").as_deref(), Some("AssumeRole"));
        assert_eq!(field("RoleArn").as_deref(), Some(ROLE));
        let (status, body) = if self.failures > 0 {
            self.failures -= 1;
            (500, error("InternalFailure"))
        } else if self.has_the_role {
            let number = self.sessions.len();
            let ends = SystemTime::now() + self.sessions_last;
            self.sessions.push(Session {
                name: field("RoleSessionName").expect("a name"),
                region,
                ends,
                is_over: false,
            });
            let ends = DateTime::from(ends).fmt(Format::DateTime).expect("a time");
            let credentials = format!(
                "<AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>secret-{number}</SecretAccessKey>\
                 <SessionToken>token-{number}</SessionToken><Expiration>{ends}</Expiration>"
            );
            let body = format!(
                "<AssumeRoleResponse><AssumeRoleResult><Credentials>{credentials}</Credentials></AssumeRoleResult>\
                 </AssumeRoleResponse>"
            );
            (200, body)
        } else {
            (403, error("AccessDenied"))
        };
        let answer = http::Response::builder().status(status);
        answer.body(body.into_bytes()).expect("an answer")
    }
}

fn error(code: &str) -> String {
    format!(
        "<ErrorResponse><Error><Code>{code}</Code><Message>STS said no</Message></Error></ErrorResponse>"
    )
}

/// Who signed a request, and for what.
struct Signature {
    key: String,
    region: String,
    service: String,
}

impl Signature {
    fn of(request: &http::Request<Vec<u8>>) -> Self {
        let header = request.headers()["authorization"].to_str().expect("text");
        let (_, scope) = header.split_once("Credential=").expect("a signature");
        let mut parts = scope.split('/').map(str::to_owned);
        let mut next = || parts.next().expect("a part");
        let (key, _, region, service) = (next(), next(), next(), next());
        Self {
            key,
            region,
            service,
        }
    }
}

fn input() -> Value {
    json!({"lambdaARN": TARGET, "roleARN": ROLE})
}

fn with(more: Value) -> Value {
    let mut input = input();
    if let (Some(input), Value::Object(more)) = (input.as_object_mut(), more) {
        input.extend(more);
    }
    input
}

/// Updates that take long enough to be caught in the middle.
fn slow() -> FunctionSpec {
    FunctionSpec {
        update_ms: Some(5_000.0),
        ..FunctionSpec::named(FUNCTION)
    }
}

fn denies_the_role(cause: &str) {
    for part in [
        "the tuner may not call `sts:AssumeRole` on `arn:aws:iam::222222222222:role/tuned`",
        "TargetRoles",
        "trust policy",
    ] {
        assert!(cause.contains(part), "`{part}` is not in `{cause}`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_of_another_account_is_tuned_under_its_role_and_all_else_under_our_own() {
    let accounts = Accounts::new().await;
    for name in ["before", "after"] {
        let mut processor = FunctionSpec::named(name);
        processor.behaviour.response = Response::Json { value: Value::Null };
        accounts.home.create(processor).expect("a sound function");
    }
    accounts.home.put_object("payloads", "key", "1");
    let world = accounts.world();
    let input = with(json!({
        "payloadS3": "s3://payloads/key", "preProcessorARN": "before", "postProcessorARN": "after",
    }));
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(outcome["function"], json!(TARGET));
    assert_eq!(outcome["region"], json!("eu-west-1"));
    world.is_as_before();
    assert_eq!(world.calls("Invoke").len(), 15);
    // Only what has the role's credentials is in the other account; the rest is here.
    for (action, about) in accounts.at_home() {
        let is_ours = match action.as_str() {
            "Invoke" => about == "before" || about == "after",
            "GetObject" => about == "payloads/key",
            "DescribeExecution" | "GetExecutionHistory" => true,
            _ => false,
        };
        assert!(
            is_ours,
            "{action} of {about} under the tuner's own credentials"
        );
    }
    let processed = |name: &str| {
        let calls = accounts.at_home();
        let is_one = |(action, about): &&(String, String)| action == "Invoke" && about == name;
        calls.iter().filter(is_one).count()
    };
    assert_eq!((processed("before"), processed("after")), (15, 15));
    // Once for the process, where the tuner runs, in the execution's name.
    let sts = accounts.sts();
    let sessions: Vec<(&str, &str)> = sts
        .sessions
        .iter()
        .map(|session| (session.name.as_str(), session.region.as_str()))
        .collect();
    assert_eq!(sessions, [("power-tuner-one", "us-east-1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_size_is_applied_under_the_role() {
    let accounts = Accounts::new().await;
    let world = accounts.world();
    let input = with(json!({"autoOptimize": true, "autoOptimizeAlias": "live"}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    assert_eq!(world.memory(), outcome["power"]);
    let aliases = world.now().aliases;
    assert_eq!(aliases.len(), 1);
    assert_eq!(
        json!(aliases[0].version),
        outcome["optimization"]["version"]
    );
}

/// As after an optimizer that applied it and was lost before it could say so.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_applied_under_the_role_is_in_the_cause() {
    let accounts = Accounts::new().await;
    let world = accounts.world();
    let input = with(json!({"autoOptimize": true, "autoOptimizeAlias": "live"}));
    let outcome = world.tune("one", input).await.expect("an outcome");
    let lost = json!({
        "plan": world.plan("one"),
        "caught": {"Error": "Lambda.Unknown", "Cause": "the function was lost"},
    });
    let cleaned = world
        .clean(json!({"execution": arn("one"), "state": lost}))
        .await
        .expect("cleaned up");
    let cause = cleaned["failure"]["cause"].as_str().expect("a cause");
    let version = outcome["optimization"]["version"].as_str();
    let applied = format!("alias `live` points at version {}", version.expect("one"));
    assert!(cause.contains(&applied), "{cause}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_means_a_function_of_the_roles_account() {
    // A name has no region, so that the function has to be in the tuner's.
    for name in ["f", "222222222222:function:f"] {
        let accounts = Accounts::in_region("us-east-1", FunctionSpec::named(FUNCTION)).await;
        let world = accounts.world();
        let input = with(json!({"lambdaARN": name}));
        let outcome = world.tune("one", input).await.expect("an outcome");
        let function = "arn:aws:lambda:us-east-1:222222222222:function:f";
        assert_eq!(outcome["function"], json!(function), "{name}");
        world.is_as_before();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_be_assumed_is_named_before_anything_is_touched() {
    let accounts = Accounts::new().await;
    accounts.delete_the_role();
    let world = accounts.world();
    let failure = world.fail_to_tune("one", input()).await;
    assert_eq!(failure.error, "AccessDenied", "{}", failure.cause);
    denies_the_role(&failure.cause);
    assert!(accounts.away.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_role_lacks_is_named_as_the_roles_own() {
    for (action, named) in [
        (
            "GetFunctionConfiguration",
            "lambda:GetFunctionConfiguration",
        ),
        ("PublishVersion", "lambda:PublishVersion"),
        ("Invoke", "lambda:InvokeFunction"),
    ] {
        let accounts = Accounts::new().await;
        let world = accounts.world();
        world.faults(action, 1, Fault::status(403));
        let failure = world.fail_to_tune("one", input()).await;
        let part = format!("the role `{ROLE}` may not call `{named}` on `{TARGET}");
        assert!(failure.cause.contains(&part), "{}", failure.cause);
        let remedy = "allow it in the policies of that role";
        assert!(failure.cause.contains(remedy), "{}", failure.cause);
        world.is_as_before();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_lost_while_measuring_fails_the_sizes_and_is_named() {
    let mut spec = FunctionSpec::named(FUNCTION);
    spec.timeout_s = 60;
    spec.behaviour.duration = Curve::Formula {
        base_ms: 10_000.0,
        ms_times_mb: 0.0,
        flat_above_mb: 1769.0,
    };
    let accounts = Accounts::with(spec).await;
    let world = accounts.world();
    let lost = async {
        while world.calls("Invoke").is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        accounts.delete_the_role();
    };
    let (failure, ()) = tokio::join!(world.fail_to_tune("one", input()), lost);
    assert!(failure.cause.contains(ROLE), "{}", failure.cause);
    denies_the_role(&failure.cause);
    // It was not taken for a call that may go well the next time.
    assert!(
        !failure.cause.contains("got no answer"),
        "{}",
        failure.cause
    );
    assert_eq!(world.now().versions.len(), 3, "nobody can delete them");
    accounts.make_the_role_again();
    world.event("one").await.expect("cleaned up");
    world.is_as_before();
}

/// The role is deleted while the function has another size than its own.
async fn lost_in_the_middle() -> (Accounts, World) {
    let accounts = Accounts::with(slow()).await;
    let world = accounts.world();
    let lost = async {
        while world.memory() != 128 {
            sleep(Duration::from_millis(1)).await;
        }
        accounts.delete_the_role();
    };
    let (failure, ()) = tokio::join!(world.fail_to_tune("one", input()), lost);
    for part in ["it could not be put back to 512 MB", "The lock stays", ROLE] {
        let cause = &failure.cause;
        assert!(cause.contains(part), "`{part}` is not in `{cause}`");
    }
    assert_eq!(world.memory(), 128);
    assert!(world.now().aliases.iter().any(|alias| alias.name == LOCK));
    world.let_the_lock_expire().await;
    accounts.make_the_role_again();
    (accounts, world)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_was_lost_in_the_middle_restores_everything_once_it_is_back() {
    let state_machine = "arn:aws:states:us-east-1:123456789012:stateMachine:power-tuner-tuner";
    let by_hand = json!({"function": TARGET, "roleARN": ROLE});
    for input in [by_hand, json!({"sweep": state_machine})] {
        let (_, world) = lost_in_the_middle().await;
        world.clean(input).await.expect("cleaned up");
        world.is_as_before();
    }
    let (_, world) = lost_in_the_middle().await;
    world.event("one").await.expect("cleaned up");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_was_stopped_is_cleaned_up_under_its_role() {
    let accounts = Accounts::with(slow()).await;
    let world = accounts.world();
    let changed = |world: &World| world.memory() == 128;
    world.stop_when("one", input(), Worker::Dies, changed).await;
    world.let_the_lock_expire().await;
    world.event("one").await.expect("cleaned up");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_were_refused_are_not_used_again() {
    let accounts = Accounts::with(slow()).await;
    let world = accounts.world();
    let changed = |world: &World| world.memory() == 128;
    world.stop_when("one", input(), Worker::Dies, changed).await;
    accounts.delete_the_role();
    world.event("one").await.expect_err("the role is gone");
    for _ in 0..3 {
        let denied = world.event("one").await.expect_err("the role is gone");
        denies_the_role(&denied.cause);
    }
    accounts.make_the_role_again();
    world.let_the_lock_expire().await;
    world.event("one").await.expect("cleaned up");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_up_by_hand_needs_the_role_too() {
    let accounts = Accounts::in_region("us-east-1", FunctionSpec::named(FUNCTION)).await;
    let world = accounts.world();
    let target = accounts.away.arn(FUNCTION);
    let denied = world.clean(json!({"function": target})).await;
    let denied = denied.expect_err("it is another account's");
    assert_eq!(denied.error, "AccessDenied", "{}", denied.cause);
    let part = "the tuner may not call `lambda:GetFunctionConfiguration`";
    assert!(denied.cause.contains(part), "{}", denied.cause);
    let other = "arn:aws:iam::333333333333:role/tuned";
    let faulty = [
        (json!({"function": target, "roleARN": other}), 1),
        (json!({"function": "a b", "roleARN": "tuned"}), 2),
    ];
    for (input, faults) in faulty {
        let refused = world.clean(input).await.expect_err("a faulty input");
        assert_eq!(refused.error, "InvalidInput");
        let count = format!("the input has {faults} fault");
        assert!(refused.cause.contains(&count), "{}", refused.cause);
    }
    assert!(accounts.sts().sessions.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_another_accounts_tuner_counts_as_held() {
    let accounts = Accounts::new().await;
    let world = accounts.world();
    world.lock("512", 1, "foreign").await;
    world.remember();
    accounts
        .home
        .fault(power_tuner_lambda_sim::FaultRule::always(
            "DescribeExecution",
            Fault::status(403),
        ));
    let failure = world.fail_to_tune("one", input()).await;
    assert_eq!(failure.error, "TuningInProgress", "{}", failure.cause);
    assert!(failure.cause.contains(&arn("foreign")), "{}", failure.cause);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_renewed_before_they_end() {
    let accounts = Accounts::new().await;
    // Less than what is left for a call to begin.
    accounts.sts().sessions_last = Duration::from_mins(4);
    let world = accounts.world();
    world.tune("one", input()).await.expect("an outcome");
    let sessions = accounts.sts().sessions.len();
    assert_eq!(sessions, accounts.away.calls().len(), "one for each call");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_not_in_the_state() {
    let accounts = Accounts::new().await;
    let world = accounts.world();
    let outcome = world.tune("one", input()).await.expect("an outcome");
    let state = format!("{outcome} {}", world.plan("one"));
    assert!(state.contains(ROLE), "it has the plan");
    for part in ["secret-0", "token-0", "ASIA0"] {
        assert!(!state.contains(part), "{part} is in {state}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sts_may_be_busy_for_a_moment() {
    let accounts = Accounts::new().await;
    accounts.sts().failures = 2;
    let world = accounts.world();
    world.tune("one", input()).await.expect("an outcome");
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_at_a_function_of_another_account_under_its_role() {
    let accounts = Accounts::new().await;
    let world = accounts.world();
    let asked = || json!({"doctor": TARGET, "roleARN": ROLE});
    let seen = world.ask("well", asked()).await.expect("an output");
    assert_eq!(seen["doctor"]["healthy"], true, "{seen:#}");
    assert_eq!(seen["doctor"]["function"], TARGET);
    assert!(!accounts.away.calls().is_empty());

    world.faults("PublishVersion", 1, Fault::status(403));
    let seen = world.ask("lacks", asked()).await.expect("an output");
    let worst = seen["doctor"]["findings"][0]["message"]
        .as_str()
        .expect("a message");
    let want = format!(
        "the role `{ROLE}`, which the publisher has assumed, may not call `lambda:PublishVersion` on `{TARGET}`; allow it in \
         the policies of that role, as examples/target-role.yaml does"
    );
    assert!(worst.starts_with(&want), "{worst}");
    world.sim.clear_faults();

    let cleaned = world.ask("cleaned", json!({"clean": TARGET, "roleARN": ROLE}));
    let cleaned = cleaned.await.expect("an output");
    assert_eq!(cleaned["clean"]["function"], TARGET);
    world.is_as_before();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_a_role_that_may_not_be_assumed() {
    let accounts = Accounts::new().await;
    accounts.delete_the_role();
    let world = accounts.world();
    for function in [json!(TARGET), json!({})] {
        let asked = json!({"doctor": function, "roleARN": ROLE});
        let seen = world.ask("asked", asked).await.expect("an output");
        assert_eq!(seen["doctor"]["healthy"], false, "{seen:#}");
        let findings = seen["doctor"]["findings"].as_array().expect("findings");
        let (bad, _): (Vec<_>, Vec<_>) = findings
            .iter()
            .partition(|finding| finding["status"] != "ok");
        for finding in bad {
            assert_eq!(finding["check"], "assumeRole", "{finding:#}");
            let message = finding["message"].as_str().expect("a message");
            assert!(message.contains("TargetRoles"), "{message}");
        }
    }
    assert!(accounts.away.calls().is_empty());
}
