//! A service of its own for each test, and just enough of a Lambda client.

use base64::Engine as _;
use power_tuner_lambda_sim::{FunctionSpec, Options, Sim};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use ureq::http;

pub struct Lambda {
    pub sim: Option<Sim>,
    pub url: String,
    agent: ureq::Agent,
    /// Last, because what runs on it goes first.
    _runtime: Option<Runtime>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    /// `null` if it is no JSON.
    pub body: Value,
    pub text: String,
}

/// Nothing waits; a change is over once it has been seen.
pub fn start() -> Lambda {
    start_with(Options {
        time_scale: 0.0,
        ..Options::default()
    })
}

pub fn start_with(options: Options) -> Lambda {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let sim = runtime.block_on(Sim::start(options)).expect("a free port");
    let url = sim.url();
    Lambda {
        sim: Some(sim),
        url,
        agent: agent(),
        _runtime: Some(runtime),
    }
}

/// A client of a service that runs elsewhere.
pub fn connect(url: &str) -> Lambda {
    Lambda {
        sim: None,
        url: url.to_owned(),
        agent: agent(),
        _runtime: None,
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .into()
}

impl Lambda {
    pub fn sim(&self) -> &Sim {
        self.sim.as_ref().expect("a service in this process")
    }

    pub fn with(self, spec: FunctionSpec) -> Self {
        self.sim().create(spec).expect("a sound spec");
        self
    }

    /// With a function `f` of 512 MB that takes 100 ms.
    pub fn with_f(self) -> Self {
        self.with(FunctionSpec::named("f"))
    }

    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<Answer> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = self
            .agent
            .run(request.body(body.to_owned()).expect("a request"))
            .ok()?;
        let text = response.body_mut().read_to_string().ok()?;
        Some(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }

    pub fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.try_send(method, path, &[], &body).expect("an answer")
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &Value::Null)
    }

    /// The list of calls, without what differs from run to run.
    pub fn calls_without_times(&self) -> Value {
        let mut calls = self.get("/_sim/calls").body;
        for call in calls.as_array_mut().into_iter().flatten() {
            for time in ["startedMs", "endedMs"] {
                let time = call.as_object_mut().and_then(|call| call.remove(time));
                assert!(time.is_some_and(|time| time.is_f64()), "{call}");
            }
        }
        calls
    }

    pub fn configuration(&self, name: &str) -> Value {
        self.get(&format!("/2015-03-31/functions/{name}/configuration"))
            .body
    }

    pub fn update(&self, name: &str, change: &Value) -> Answer {
        self.send(
            "PUT",
            &format!("/2015-03-31/functions/{name}/configuration"),
            change,
        )
    }

    pub fn set_memory(&self, name: &str, memory_mb: u32) {
        assert_eq!(
            self.update(name, &json!({ "MemorySize": memory_mb }))
                .status,
            200
        );
        self.settle(name);
    }

    /// Looks until nothing is under way.
    pub fn settle(&self, name: &str) -> Value {
        for _ in 0..1000 {
            let now = self.configuration(name);
            if now["State"] != "Pending" && now["LastUpdateStatus"] != "InProgress" {
                return now;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("{name} never settles");
    }

    pub fn publish(&self, name: &str, body: &Value) -> Answer {
        self.send(
            "POST",
            &format!("/2015-03-31/functions/{name}/versions"),
            body,
        )
    }

    /// Publishes and waits until the version can be called.
    pub fn publish_active(&self, name: &str) -> String {
        let version = self.publish(name, &json!({})).body["Version"]
            .as_str()
            .expect("a version")
            .to_owned();
        self.settle(&format!("{name}:{version}"));
        version
    }

    pub fn create_alias(&self, name: &str, alias: &str, version: &str) -> Answer {
        let body = json!({ "Name": alias, "FunctionVersion": version });
        self.send(
            "POST",
            &format!("/2015-03-31/functions/{name}/aliases"),
            &body,
        )
    }

    pub fn delete(&self, name: &str) -> Answer {
        self.send(
            "DELETE",
            &format!("/2015-03-31/functions/{name}"),
            &Value::Null,
        )
    }

    pub fn invoke(&self, name: &str, event: &Value) -> Answer {
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let tail = [("x-amz-log-type", "Tail")];
        self.try_send("POST", &path, &tail, &event.to_string())
            .expect("an answer")
    }

    /// The durations of so many calls.
    pub fn durations(&self, name: &str, calls: usize) -> Vec<String> {
        (0..calls)
            .map(|_| self.invoke(name, &json!({})).field("Duration"))
            .collect()
    }

    /// Asks Step Functions.
    pub fn ask(&self, action: &str, question: &Value) -> Answer {
        let target = format!("AWSStepFunctions.{action}");
        let headers = [
            ("x-amz-target", target.as_str()),
            ("content-type", "application/x-amz-json-1.0"),
        ];
        self.try_send("POST", "/", &headers, &question.to_string())
            .expect("an answer")
    }

    pub fn is_dropped(&self, method: &str, path: &str) -> bool {
        self.try_send(method, path, &[], "").is_none()
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }

    pub fn log(&self) -> String {
        let encoded = self.header("x-amz-log-result");
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .expect("base64");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn report(&self) -> String {
        let log = self.log();
        log.lines()
            .rfind(|line| line.starts_with("REPORT"))
            .unwrap_or("")
            .to_owned()
    }

    /// A field of the text report, or nothing.
    pub fn field(&self, name: &str) -> String {
        let report = self.report();
        let mut fields = report
            .split('\t')
            .map(|field| field.trim_start_matches("REPORT "));
        let value = fields.find_map(|field| field.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or("").to_owned()
    }

    /// Status, error name and message, as a caller tells refusals apart.
    pub fn refusal(&self) -> (u16, String, String) {
        let message = self.body["Message"]
            .as_str()
            .or(self.body["message"].as_str())
            .unwrap_or("");
        (
            self.status,
            self.header("x-amzn-errortype").to_owned(),
            message.to_owned(),
        )
    }
}

pub fn refusal(status: u16, kind: &str, message: &str) -> (u16, String, String) {
    (status, kind.to_owned(), message.to_owned())
}
