//! The same calls to the simulated Lambda service and to `MiniStack`'s, and where their answers differ.
//!
//! The table below is what `crates/lambda-sim/README.md` says in words. A row whose columns differ says why the
//! simulator's answer is AWS's: a page of AWS's documentation, or "recorded", which is the recordings of AWS's answers
//! beside `LocalStack`'s tests, `tests/aws/services/lambda_/test_lambda_api.snapshot.json`, under the test's name.

use std::borrow::Borrow;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

use crate::TIME_SCALE;
use crate::harness::{Bench, wait_until};

/// One observation, and what each service answers to it.
struct Row {
    what: &'static str,
    observe: fn(&Function) -> Result<String>,
    simulator: &'static str,
    ministack: &'static str,
    /// Empty where they agree.
    why: &'static str,
}

const fn same(
    what: &'static str,
    observe: fn(&Function) -> Result<String>,
    answer: &'static str,
) -> Row {
    Row {
        what,
        observe,
        simulator: answer,
        ministack: answer,
        why: "",
    }
}

const fn differs(
    what: &'static str,
    observe: fn(&Function) -> Result<String>,
    (simulator, ministack): (&'static str, &'static str),
    why: &'static str,
) -> Row {
    Row {
        what,
        observe,
        simulator,
        ministack,
        why,
    }
}

const NOT_FOUND: &str = "404 ResourceNotFoundException";
const CONFLICT: &str = "409 ResourceConflictException";
const STALE: &str = "412 PreconditionFailedException";
const INVALID: &str = "400 InvalidParameterValueException";
const VALIDATION: &str = "400 ValidationException";
const THROTTLED: &str = "429 TooManyRequestsException";

const TABLE: &[Row] = &[
    same(
        "read a function that is not there",
        |function| function.at("no-such-function").read().map(short),
        NOT_FOUND,
    ),
    same(
        "read a version that is not there",
        |function| function.version("7").read().map(short),
        NOT_FOUND,
    ),
    same(
        "update with the current revision",
        |function| {
            let revision = function.settled()?.text("RevisionId");
            function
                .update(&json!({"MemorySize": 1024, "RevisionId": revision}))
                .map(short)
        },
        "200",
    ),
    same(
        "update with an old revision",
        |function| {
            let old = function.settled()?.text("RevisionId");
            function.change_memory(1024)?;
            function
                .update(&json!({"MemorySize": 512, "RevisionId": old}))
                .map(short)
        },
        STALE,
    ),
    differs(
        "states in an update's answer",
        |function| {
            function.settled()?;
            let answer = function.update(&json!({"MemorySize": 1024}))?;
            Ok(format!(
                "{} {}",
                answer.text("State"),
                answer.text("LastUpdateStatus")
            ))
        },
        ("Active InProgress", "Pending InProgress"),
        "an update leaves the state as it is (Lambda function states; recorded: test_function_lifecycle)",
    ),
    differs(
        "update while an update is in progress",
        |function| {
            function.meanwhile(
                |attempt| function.update(&json!({"MemorySize": 1024 + attempt})),
                |_| function.update(&json!({"Timeout": 20})),
            )
        },
        (CONFLICT, "200"),
        "one change at a time (Lambda function states; recorded: test_lambda_concurrent_config_updates)",
    ),
    differs(
        "publish while an update is in progress",
        |function| {
            function.meanwhile(
                |attempt| function.update(&json!({"MemorySize": 1024 + attempt})),
                |_| function.publish(&json!({})),
            )
        },
        (CONFLICT, "201"),
        "publishing fails until the update is through (Lambda function states)",
    ),
    differs(
        "the end of an update gives another revision",
        |function| {
            let started = function.update(&json!({"MemorySize": 1024}))?;
            changed(&started, &function.settled()?)
        },
        ("yes", "no"),
        "recorded: test_function_revisions_basic",
    ),
    differs(
        "publish with an old revision",
        |function| {
            let old = function.settled()?.text("RevisionId");
            function.change_memory(1024)?;
            function.publish(&json!({"RevisionId": old})).map(short)
        },
        (STALE, "201"),
        "RevisionId guards publishing (PublishVersion; recorded: test_publish_with_wrong_revisionid)",
    ),
    differs(
        "publish with another CodeSha256",
        |function| function.publish(&json!({"CodeSha256": "other"})).map(short),
        (INVALID, "201"),
        "CodeSha256 guards publishing (PublishVersion; recorded: test_publish_with_wrong_sha256)",
    ),
    differs(
        "state of a version just published",
        |function| {
            function.settled()?;
            Ok(function.publish(&json!({}))?.text("State"))
        },
        ("Pending", "Active"),
        "a version may be pending first, which is what the waiter PublishedVersionActive is for (Lambda API); a plain \
         function's was recorded as active at once, so this is the slower of two right answers",
    ),
    differs(
        "call a version just published",
        |function| {
            function.meanwhile(
                |attempt| {
                    function.change_memory(1024 + attempt)?;
                    function.publish(&json!({}))
                },
                |published| {
                    function
                        .version(&published.text("Version"))
                        .call(&json!({}))
                },
            )
        },
        (CONFLICT, "200"),
        "calls fail while the state is pending (Lambda function states)",
    ),
    same(
        "a version that is active has another revision than when it was published",
        |function| {
            function.settled()?;
            let published = function.publish(&json!({}))?;
            changed(&published, &function.version("1").settled()?)
        },
        "no",
    ),
    differs(
        "publishing gives $LATEST another revision",
        |function| {
            let before = function.settled()?;
            function.publish(&json!({}))?;
            changed(&before, &function.settled()?)
        },
        ("yes", "no"),
        "recorded: test_function_revisions_version_and_alias",
    ),
    same(
        "an alias gives $LATEST another revision",
        |function| {
            let before = function.settled()?;
            function.alias("live", "$LATEST")?;
            changed(&before, &function.settled()?)
        },
        "no",
    ),
    same(
        "publish again, unchanged, with another description",
        |function| {
            function.settled()?;
            function.publish(&json!({"Description": "first"}))?;
            let again = function.publish(&json!({"Description": "second"}))?;
            Ok(format!(
                "{} version {}, {}",
                short(&again),
                again.text("Version"),
                again.text("Description")
            ))
        },
        "201 version 1, first",
    ),
    differs(
        "publish after a change and its undoing",
        |function| {
            function.change_memory(1024)?;
            function.publish(&json!({}))?;
            function.change_memory(512)?;
            function.change_memory(1024)?;
            Ok(format!(
                "version {}",
                function.publish(&json!({}))?.text("Version")
            ))
        },
        ("version 1", "version 2"),
        "no version without a difference in code or configuration since the last one (PublishVersion, by its words; \
         unverified)",
    ),
    same(
        "publish after the last version was deleted",
        |function| {
            function.settled()?;
            function.publish(&json!({}))?;
            function.version("1").delete()?;
            Ok(format!(
                "version {}",
                function.publish(&json!({}))?.text("Version")
            ))
        },
        "version 2",
    ),
    differs(
        "rows of ListVersionsByFunction have a state",
        |function| {
            function.settled()?;
            function.publish(&json!({}))?;
            let listed = function.send("GET", "/versions", None)?;
            Ok(yes_or_no(!listed.body["Versions"][1]["State"].is_null()))
        },
        ("no", "yes"),
        "recorded: test_version_lifecycle",
    ),
    same(
        "delete a version that an alias points to",
        |function| {
            function.settled()?;
            function.publish(&json!({}))?;
            function.alias("live", "1")?;
            function.version("1").delete().map(short)
        },
        CONFLICT,
    ),
    differs(
        "delete a version that is not there",
        |function| function.version("7").delete().map(short),
        ("204", NOT_FOUND),
        "deleting is idempotent (LocalStack's test_delete_on_nonexisting_version, validated against AWS)",
    ),
    same(
        "make an alias of $LATEST",
        |function| function.alias("live", "$LATEST").map(short),
        "201",
    ),
    same(
        "make an alias twice",
        |function| {
            function.alias("live", "$LATEST")?;
            function.alias("live", "$LATEST").map(short)
        },
        CONFLICT,
    ),
    differs(
        "make an alias of a version that is not there",
        |function| function.alias("live", "7").map(short),
        (NOT_FOUND, "201"),
        "recorded: test_notfound_and_invalid_routingconfigs",
    ),
    differs(
        "make an alias whose name is a number",
        |function| function.alias("7", "$LATEST").map(short),
        (VALIDATION, "201"),
        "its qualifier would be a version's (CreateAlias; recorded: test_alias_naming)",
    ),
    same(
        "update an alias with an old revision",
        |function| {
            let made = function.alias("live", "$LATEST")?;
            let change = json!({"Description": "d", "RevisionId": made.text("RevisionId")});
            function.send("PUT", "/aliases/live", Some(&change))?;
            function
                .send("PUT", "/aliases/live", Some(&change))
                .map(short)
        },
        STALE,
    ),
    same(
        "read an alias that is not there",
        |function| function.send("GET", "/aliases/live", None).map(short),
        NOT_FOUND,
    ),
    differs(
        "delete an alias that is not there",
        |function| function.send("DELETE", "/aliases/live", None).map(short),
        ("204", NOT_FOUND),
        "unverified: as with versions, but no recording shows it, so a caller must take both",
    ),
    differs(
        "set 64 MB",
        |function| {
            function.settled()?;
            function.update(&json!({"MemorySize": 64})).map(short)
        },
        (VALIDATION, "200"),
        "MemorySize is at least 128 (UpdateFunctionConfiguration)",
    ),
    differs(
        "set 10,241 MB",
        |function| {
            function.settled()?;
            function.update(&json!({"MemorySize": 10_241})).map(short)
        },
        (INVALID, "200"),
        "a function has at most 10,240 MB (Lambda quotas)",
    ),
    same(
        "a call's answer",
        |function| Ok(function.call(&json!({"n": 1}))?.body.to_string()),
        r#"{"n":1}"#,
    ),
    same(
        "the version that a call names as the one that ran",
        |function| {
            function.settled()?;
            function.publish(&json!({}))?;
            let version = function.version("1");
            version.settled()?;
            Ok(version.call(&json!({}))?.header("x-amz-executed-version"))
        },
        "1",
    ),
    same(
        "a call and a refusal have a request id",
        |function| {
            let answers = [function.call(&json!({}))?, function.version("7").read()?];
            Ok(yes_or_no(answers.iter().all(|answer| {
                !answer.header("x-amzn-requestid").is_empty()
            })))
        },
        "yes",
    ),
    differs(
        "a call's request id is the one in its log",
        |function| {
            let answer = function.call(&json!({}))?;
            Ok(yes_or_no(
                answer.log()?.contains(&answer.header("x-amzn-requestid")),
            ))
        },
        ("yes", "no"),
        "reports are found by it: it is the invocation's identifier, as the handler's context has it (Using the Lambda \
         context object to retrieve Python function information)",
    ),
    differs(
        "a call's log has a REPORT line",
        |function| {
            Ok(yes_or_no(
                function
                    .call(&json!({}))?
                    .log()?
                    .contains("REPORT RequestId:"),
            ))
        },
        ("yes", "no"),
        "the report is part of the log that LogType Tail returns (Log and monitor Python Lambda functions)",
    ),
    differs(
        "a handler that raises a KeyError",
        |function| {
            let answer = function.made_failing()?.call(&json!({}))?;
            Ok(format!(
                "{} {} {}",
                answer.status,
                answer.header("x-amz-function-error"),
                answer.text("errorType")
            ))
        },
        (
            "200 Unhandled KeyError",
            "200 Unhandled Runtime.HandlerError",
        ),
        "errorType is the exception's class (Lambda function errors in Python)",
    ),
    same(
        "call with reserved concurrency 0",
        |function| {
            function.reserve(0)?;
            let answer = function.call(&json!({}))?;
            Ok(format!("{}, {}", short(&answer), answer.text("Reason")))
        },
        "429 TooManyRequestsException, ReservedFunctionConcurrentInvocationLimitExceeded",
    ),
    differs(
        "call a version with reserved concurrency 0",
        |function| {
            function.settled()?;
            function.publish(&json!({}))?;
            function.version("1").settled()?;
            function.reserve(0)?;
            function.version("1").call(&json!({})).map(short)
        },
        (THROTTLED, "200"),
        "it applies to the function as a whole, all its versions included (PutFunctionConcurrency)",
    ),
    differs(
        "reserve all of the account's concurrency",
        |function| function.reserve(1000).map(short),
        (INVALID, "200"),
        "100 stay for the functions without a reservation (PutFunctionConcurrency; recorded: \
         test_function_concurrency_limits)",
    ),
];

pub fn the_simulator_differs_from_local_aws_only_where_it_is_documented(
    bench: &Bench,
) -> Result<()> {
    explained()?;
    let mut deviations = Vec::new();
    for service in [Service::simulator(bench), Service::ministack(bench)] {
        for (number, row) in TABLE.iter().enumerate() {
            let expected = (service.column)(row);
            let answer = service
                .observe(number, row)
                .with_context(|| format!("{}, on {}", row.what, service.name))?;
            if answer != expected {
                deviations.push(format!(
                    "{:<10} | {} | {expected} | {answer}",
                    service.name, row.what
                ));
            }
        }
    }
    ensure!(
        deviations.is_empty(),
        "service    | what | in the table | answered\n{}",
        deviations.join("\n")
    );
    Ok(())
}

fn explained() -> Result<()> {
    for row in TABLE {
        ensure!(
            (row.simulator == row.ministack) == row.why.is_empty(),
            "a difference has a reason, and nothing else has: {}",
            row.what
        );
    }
    Ok(())
}

/// `index.py` in a zip file, as base64:
/// ```python
/// def handler(event, context):
///     print(context.aws_request_id)
///     return event
///
///
/// def fail(event, context):
///     raise KeyError("orderId")
/// ```
const CODE: &str = "UEsDBBQAAAAIAAAAIQCnGbpnZwAAAIoAAAAIAAAAaW5kZXgucHltjEsKwkAQRPd9iiarGRAP4N6FeIgw2BUcCD1a0/Fz+4Tg0rcs\
                    Xj3DpPfiNoMJL3gc9NY88Il8Et14sHqk33Ys7z4SzwU9xmp5N4hY6Lq/RcS24lTq/D/HUjv0iu+ZbExDo4EXG7KsUEsBAhQDFAAA\
                    AAgAAAAhAKcZumdnAAAAigAAAAgAAAAAAAAAAAAAAKSBAAAAAGluZGV4LnB5UEsFBgAAAAABAAEANgAAAI0AAAAAAA==";

const FUNCTIONS: &str = "/2015-03-31/functions";

/// One of the two Lambda services.
struct Service {
    name: &'static str,
    column: fn(&Row) -> &'static str,
    create: fn(&Self, &str, Handler) -> Result<()>,
    agent: Agent,
    url: String,
    /// How long a change of a function is under way at least, in real time.
    change_lasts: Duration,
}

#[derive(Clone, Copy)]
enum Handler {
    Echoes,
    RaisesKeyError,
}

/// A function, or a version of it, by the name that calls give it.
struct Function<'a> {
    service: &'a Service,
    name: String,
}

struct Answer {
    /// When its request was.
    sent: Instant,
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Service {
    fn simulator(bench: &Bench) -> Self {
        // Its updates and publications take 500 ms of its own time.
        let change_lasts = Duration::from_millis(500).mul_f64(TIME_SCALE);
        let url = bench.local.sim_url().to_owned();
        Self {
            name: "simulator",
            column: |row| row.simulator,
            create: Self::create_simulated,
            agent: agent(),
            url,
            change_lasts,
        }
    }

    fn ministack(bench: &Bench) -> Self {
        let url = bench.local.endpoint().to_owned();
        Self {
            name: "MiniStack",
            column: |row| row.ministack,
            create: Self::create_real,
            agent: agent(),
            url,
            change_lasts: Duration::from_millis(500),
        }
    }

    /// Every observation has a function of its own, because `MiniStack` may end a change of one that was deleted in
    /// the next of that name.
    fn observe(&self, number: usize, row: &Row) -> Result<String> {
        let function = Function {
            service: self,
            name: format!("compared-{number}"),
        };
        (self.create)(self, &function.name, Handler::Echoes)?;
        let answer = (row.observe)(&function)?;
        function.delete()?.accepted()?;
        Ok(answer)
    }

    fn create_simulated(&self, name: &str, handler: Handler) -> Result<()> {
        let mut spec = json!({"name": name, "memoryMb": 512});
        if let Handler::RaisesKeyError = handler {
            spec["behaviour"] =
                json!({"failsWith": {"errorType": "KeyError", "errorMessage": "'orderId'"}});
        }
        self.send("POST", "/_sim/functions", Some(&spec))?
            .accepted()
    }

    fn create_real(&self, name: &str, handler: Handler) -> Result<()> {
        let handler = match handler {
            Handler::Echoes => "index.handler",
            Handler::RaisesKeyError => "index.fail",
        };
        let request = json!({
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": handler,
            "Role": "arn:aws:iam::123456789012:role/compared",
            "MemorySize": 512,
            "Timeout": 30,
            "Code": {"ZipFile": CODE},
        });
        self.send("POST", FUNCTIONS, Some(&request))?.accepted()
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            // MiniStack learns region and service from it. Nobody checks the signature.
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=none",
            )
            .header("content-type", "application/json")
            .header("x-amz-log-type", "Tail");
        let body = body.map(Value::to_string).unwrap_or_default();
        let sent = Instant::now();
        let mut response = self.agent.run(request.body(body)?)?;
        let text = response.body_mut().read_to_string()?;
        Ok(Answer {
            sent,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
        })
    }
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_mins(1)))
        .proxy(None)
        .build()
        .into()
}

impl Function<'_> {
    fn at(&self, name: &str) -> Self {
        Self {
            service: self.service,
            name: name.to_owned(),
        }
    }

    /// Puts a function that fails in its place.
    fn made_failing(&self) -> Result<&Self> {
        self.delete()?.accepted()?;
        (self.service.create)(self.service, &self.name, Handler::RaisesKeyError)?;
        Ok(self)
    }

    fn version(&self, number: &str) -> Self {
        self.at(&format!("{}:{number}", self.name))
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let path = format!("{FUNCTIONS}/{}{path}", self.name);
        self.service.send(method, &path, body)
    }

    fn read(&self) -> Result<Answer> {
        self.send("GET", "/configuration", None)
    }

    fn update(&self, change: &Value) -> Result<Answer> {
        self.send("PUT", "/configuration", Some(change))
    }

    fn publish(&self, request: &Value) -> Result<Answer> {
        self.send("POST", "/versions", Some(request))
    }

    fn call(&self, event: &Value) -> Result<Answer> {
        self.send("POST", "/invocations", Some(event))
    }

    fn delete(&self) -> Result<Answer> {
        self.send("DELETE", "", None)
    }

    fn alias(&self, name: &str, version: &str) -> Result<Answer> {
        let request = json!({"Name": name, "FunctionVersion": version});
        self.send("POST", "/aliases", Some(&request))
    }

    fn reserve(&self, concurrency: u32) -> Result<Answer> {
        let path = format!("/2017-10-31/functions/{}/concurrency", self.name);
        let request = json!({"ReservedConcurrentExecutions": concurrency});
        self.service.send("PUT", &path, Some(&request))
    }

    /// Its configuration once no change is under way.
    fn settled(&self) -> Result<Answer> {
        wait_until(|| Ok(!self.read()?.is_under_way()))?;
        self.read()
    }

    fn change_memory(&self, mb: u32) -> Result<()> {
        self.settled()?;
        self.update(&json!({"MemorySize": mb}))?.accepted()?;
        self.settled()?.accepted()
    }

    /// What `call` is answered while the change that `start` makes is under way. An acceptance counts only if it came
    /// before the change can have ended: on a busy machine that may take some attempts.
    fn meanwhile(
        &self,
        start: impl Fn(u32) -> Result<Answer>,
        call: impl Fn(&Answer) -> Result<Answer>,
    ) -> Result<String> {
        const ATTEMPTS: u32 = 100;
        for attempt in 0..ATTEMPTS {
            self.settled()?;
            let started = start(attempt)?;
            let answer = call(&started)?;
            let in_time = started.sent.elapsed() < self.service.change_lasts;
            if !answer.is_success() || !started.is_under_way() || in_time {
                return Ok(short(answer));
            }
        }
        bail!("no call was in time in {ATTEMPTS} attempts")
    }
}

impl Answer {
    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn accepted(&self) -> Result<()> {
        ensure!(self.is_success(), "{}: {}", short(self), self.body);
        Ok(())
    }

    /// Where a configuration says that a change is not finished.
    fn is_under_way(&self) -> bool {
        self.text("State") == "Pending" || self.text("LastUpdateStatus") == "InProgress"
    }

    /// A text of the body; empty if it is not there.
    fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    }

    /// The end of the call's log.
    fn log(&self) -> Result<String> {
        let log = STANDARD.decode(self.header("x-amz-log-result"))?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }
}

/// `200`, `404 ResourceNotFoundException`.
fn short(answer: impl Borrow<Answer>) -> String {
    let answer = answer.borrow();
    if answer.is_success() {
        return answer.status.to_string();
    }
    // The protocol has two places for the error's name.
    let kind = match answer.header("x-amzn-errortype") {
        none if none.is_empty() => answer.text("__type"),
        kind => kind,
    };
    format!("{} {kind}", answer.status)
}

fn yes_or_no(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

/// Whether the later of two configurations has another revision.
fn changed(before: &Answer, after: &Answer) -> Result<String> {
    before.accepted()?;
    after.accepted()?;
    Ok(yes_or_no(
        before.text("RevisionId") != after.text("RevisionId"),
    ))
}
