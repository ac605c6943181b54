//! Where the cases take place: a simulated AWS, and the tuner's real handlers in the order of the real state machine.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use e2e::{Clients, Failure, Given, Machine, longest};
use power_tuner_aws::{Answered, LambdaApi, StepFunctionsApi, StoredPayloads, StoredReports, Wire};
use power_tuner_lambda_sim::{
    CallRecord, Execution, ExecutionStatus, Fault, FaultRule, FunctionSpec, Options, Sim, Snapshot,
};
use power_tuner_runtime::Deadline;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

pub const FUNCTION: &str = "f";
pub const LOCK: &str = "power-tuner-lock";
/// As in the template.
const LONGEST_WAIT_S: u64 = 600;
const PREFIX: &str = "arn:aws:states:us-east-1:123456789012:execution:power-tuner-tuner";

pub struct World {
    /// The function's account.
    pub sim: Arc<Sim>,
    /// The tuner's, which is the same one most often.
    pub home: Arc<Sim>,
    /// What lies between the tuner and the two, where they are not the same.
    between: Option<Arc<dyn Wire>>,
    api: LambdaApi,
    executions: StepFunctionsApi,
    machine: Machine,
    own_lines: Option<OwnLines>,
    before: Mutex<Value>,
    /// What the first step of each execution gave out.
    planned: Mutex<BTreeMap<String, Value>>,
    /// The functions that were started, in their order.
    started: Mutex<Vec<String>>,
    /// The states that each execution entered.
    transitions: Mutex<BTreeMap<String, u32>>,
    /// A function of the tuner's that cannot be called.
    broken: Mutex<Option<String>>,
    /// What was published to topics.
    told: Mutex<Vec<Value>>,
}

/// What becomes of the function that works for an execution when that is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    Dies,
    LivesOn,
}

/// Each process has clients of its own, as after a cold start.
struct OwnLines {
    per_s: Option<f64>,
    lines: Mutex<Vec<Arc<Line>>>,
}

/// What a process calls the simulator through, without a network.
struct Line {
    sim: Arc<Sim>,
    /// When the control plane was asked.
    asked: Mutex<Vec<Instant>>,
}

#[derive(Clone)]
struct Shared(Arc<Line>);

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl Wire for Shared {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answered {
        let line = Arc::clone(&self.0);
        Box::pin(async move {
            let action = line.sim.action(&request);
            if !matches!(action, "Invoke" | "DescribeExecution") {
                let mut asked = line.asked.lock().expect("nobody panics with it");
                asked.push(Instant::now());
            }
            line.sim.answer(request).await
        })
    }
}

impl Line {
    fn to(sim: &Arc<Sim>) -> Self {
        Self {
            sim: Arc::clone(sim),
            asked: Mutex::default(),
        }
    }

    fn wire(self: &Arc<Self>) -> Arc<dyn Wire> {
        Arc::new(Shared(Arc::clone(self)))
    }

    fn peak(&self) -> usize {
        let asked = self.asked.lock().expect("nobody panics with it");
        let within_a_second = |from: usize| {
            let later = asked[from..].iter();
            later
                .take_while(|at| at.duration_since(asked[from]) < Duration::from_secs(1))
                .count()
        };
        (0..asked.len())
            .map(within_a_second)
            .max()
            .unwrap_or_default()
    }
}

/// A task's process.
struct Process {
    task: Option<JoinHandle<Result<Value, Failure>>>,
    worker: Worker,
}

impl Drop for Process {
    fn drop(&mut self) {
        if let (Some(task), Worker::Dies) = (&self.task, self.worker) {
            task.abort();
        }
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(FunctionSpec::named(FUNCTION)).await
    }

    /// Tunings that wait for each other for two seconds at the most.
    pub async fn with(spec: FunctionSpec) -> Self {
        Box::pin(Self::that_waits(spec, 2)).await
    }

    pub async fn that_waits(spec: FunctionSpec, longest_wait_s: u64) -> Self {
        let options = Options {
            time_scale: 0.02,
            ..Options::default()
        };
        let sim = Sim::start(options).await.expect("the simulator starts");
        let api = LambdaApi::local(&sim.url());
        Self::on(sim, api, spec, longest_wait_s)
    }

    /// Where time is the test's own, and as long as on AWS: nothing waits for a socket.
    pub async fn on_own_time(spec: FunctionSpec, options: Options) -> Self {
        Self::at_pace(spec, options, None).await
    }

    /// The same, where each function asks the control plane no more often than so many times a second.
    pub async fn at_pace(spec: FunctionSpec, options: Options, per_s: Option<f64>) -> Self {
        let sim = Arc::new(Sim::start(options).await.expect("the simulator starts"));
        let line = Arc::new(Line::to(&sim));
        let api = LambdaApi::through(line.wire());
        let executions = StepFunctionsApi::through(line.wire());
        let mut world = Self::of(Arc::clone(&sim), api, executions, spec, LONGEST_WAIT_S);
        world.machine = world.machine.with_second(Duration::from_secs(1));
        world.own_lines = Some(OwnLines {
            per_s,
            lines: Mutex::default(),
        });
        world
    }

    /// The most control plane requests of one function's process within a second.
    pub fn peak_of_a_process(&self) -> usize {
        let own = self
            .own_lines
            .as_ref()
            .expect("processes with lines of their own");
        let lines = own.lines.lock().expect("nobody panics with it");
        lines
            .iter()
            .map(|line| line.peak())
            .max()
            .unwrap_or_default()
    }

    fn on(sim: Sim, api: LambdaApi, spec: FunctionSpec, longest_wait_s: u64) -> Self {
        let executions = StepFunctionsApi::local(&sim.url());
        Self::of(Arc::new(sim), api, executions, spec, longest_wait_s)
    }

    fn of(
        sim: Arc<Sim>,
        api: LambdaApi,
        executions: StepFunctionsApi,
        spec: FunctionSpec,
        longest_wait_s: u64,
    ) -> Self {
        sim.create(spec).expect("a sound function");
        let machine = e2e::machine(|name| sim.arn(name), longest_wait_s);
        let world = Self {
            home: Arc::clone(&sim),
            sim,
            between: None,
            api,
            executions,
            machine,
            own_lines: None,
            before: Mutex::default(),
            planned: Mutex::default(),
            started: Mutex::default(),
            transitions: Mutex::default(),
            broken: Mutex::default(),
            told: Mutex::default(),
        };
        world.remember();
        world
    }

    /// The function is of another account than the tuner, with this between the two.
    pub fn apart(home: Arc<Sim>, away: Arc<Sim>, between: Arc<dyn Wire>) -> Self {
        let world = Self {
            api: LambdaApi::through(Arc::clone(&between)),
            executions: StepFunctionsApi::through(Arc::clone(&between)),
            machine: e2e::machine(|name| home.arn(name), 2),
            sim: away,
            home,
            between: Some(between),
            own_lines: None,
            before: Mutex::default(),
            planned: Mutex::default(),
            started: Mutex::default(),
            transitions: Mutex::default(),
            broken: Mutex::default(),
            told: Mutex::default(),
        };
        world.remember();
        world
    }

    /// In a stack with these parameters.
    pub fn given(mut self, given: Given) -> Self {
        let machine = e2e::machine_with(|name| self.home.arn(name), 2, given);
        self.machine = match self.own_lines {
            Some(_) => machine.with_second(Duration::from_secs(1)),
            None => machine,
        };
        self
    }

    /// Takes the function as it is now for how it was before.
    pub fn remember(&self) {
        *self.before.lock().expect("nobody panics with it") = self.lasting();
    }

    pub fn now(&self) -> Snapshot {
        self.sim.snapshot(FUNCTION).expect("the function")
    }

    pub fn memory(&self) -> Value {
        self.now().latest.configuration["MemorySize"].clone()
    }

    /// Everything of the function but what AWS changes by itself, and the record of calls.
    fn lasting(&self) -> Value {
        let now = self.now();
        json!({
            "configuration": now.latest.configuration,
            "versions": now.versions,
            "aliases": now.aliases,
            "reservedConcurrency": now.reserved_concurrency,
        })
    }

    #[track_caller]
    pub fn is_as_before(&self) {
        let before = self.before.lock().expect("nobody panics with it");
        assert_eq!(self.lasting(), *before, "the function was left changed");
    }

    /// Besides these settings, which somebody deployed in between, it is as before.
    #[track_caller]
    pub fn is_as_before_but(&self, settings: &Value) {
        let mut wanted = self.before.lock().expect("nobody panics with it").clone();
        for (field, value) in settings.as_object().expect("settings") {
            wanted["configuration"][field] = value.clone();
        }
        assert_eq!(self.lasting(), wanted, "the function was left changed");
    }

    pub fn fault(&self, action: &str, nth: u64, fault: Fault) {
        self.sim.fault(FaultRule {
            nth: Some(nth),
            ..FaultRule::always(action, fault)
        });
    }

    /// From the `nth` call on.
    pub fn faults(&self, action: &str, nth: u64, fault: Fault) {
        self.sim.fault(FaultRule {
            nth: Some(nth),
            times: Some(u64::MAX),
            ..FaultRule::always(action, fault)
        });
    }

    pub fn calls(&self, action: &str) -> Vec<CallRecord> {
        let mut calls = self.sim.calls();
        calls.retain(|call| call.action == action);
        calls
    }

    /// Tunes the function in an execution of that name, and cleans up after it as the event about its end does.
    pub async fn tune(&self, name: &str, input: Value) -> Result<Value, Failure> {
        self.ask(name, tuning(input)).await
    }

    /// Error name and cause of a tuning that must fail.
    pub async fn fail_to_tune(&self, name: &str, input: Value) -> Failure {
        self.tune(name, input).await.expect_err("a failure")
    }

    /// Starts tuning, and stops the execution once that holds. Nothing is cleaned up.
    pub async fn stop_when(
        &self,
        name: &str,
        input: Value,
        worker: Worker,
        holds: impl Fn(&Self) -> bool,
    ) {
        let stopped = async {
            while !holds(self) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            biased;
            () = stopped => self.is(name, ExecutionStatus::Aborted),
            ended = self.execute(name, input, worker) => panic!("it ended before it was stopped: {ended:?}"),
        }
    }

    async fn execute(&self, name: &str, input: Value, worker: Worker) -> Result<Value, Failure> {
        self.execute_as_written(name, tuning(input), worker).await
    }

    /// An execution with this very input, and what the event about its end does.
    pub async fn ask(&self, name: &str, input: Value) -> Result<Value, Failure> {
        let ended = self.execute_as_written(name, input, Worker::Dies).await;
        let status = match &ended {
            Ok(_) => ExecutionStatus::Succeeded,
            Err(_) => ExecutionStatus::Failed,
        };
        self.is(name, status);
        if ended.is_err() {
            // It may fail where the fault goes on.
            let _ = self.event(name).await;
        }
        ended
    }

    async fn execute_as_written(
        &self,
        name: &str,
        request: Value,
        worker: Worker,
    ) -> Result<Value, Failure> {
        self.is(name, ExecutionStatus::Running);
        let run = async |resource: &str, input: Value| {
            if resource == "Notify" {
                self.told.lock().expect("nobody panics with it").push(input);
                return Ok(json!({"MessageId": "one"}));
            }
            let mut process = Process {
                task: Some(self.start(resource, input)),
                worker,
            };
            let output = process.task.as_mut().expect("it was just started").await;
            process.task = None;
            let output = output.expect("the handler does not panic")?;
            if resource == "Initializer" {
                let mut planned = self.planned.lock().expect("nobody panics with it");
                planned.insert(name.to_owned(), output.clone());
                drop(planned);
                self.is(name, ExecutionStatus::Running);
            }
            Ok(output)
        };
        let execution = self.machine.execute(&arn(name), request, &run).await;
        let mut transitions = self.transitions.lock().expect("nobody panics with it");
        transitions.insert(name.to_owned(), execution.transitions);
        execution.ended
    }

    /// What was published to topics so far.
    pub fn told(&self) -> Vec<Value> {
        self.told.lock().expect("nobody panics with it").clone()
    }

    /// How many states an execution that ended had entered.
    pub fn transitions(&self, name: &str) -> u32 {
        self.transitions.lock().expect("nobody panics with it")[name]
    }

    /// The functions that were started so far, one letter each: `IPEEA` is a round of two sizes.
    pub fn story(&self) -> String {
        let started = self.started.lock().expect("nobody panics with it");
        started
            .iter()
            .filter_map(|name| name.chars().next())
            .collect()
    }

    /// One of the tuner's functions is not there any more.
    pub fn breaks(&self, function: &str) {
        *self.broken.lock().expect("nobody panics with it") = Some(function.to_owned());
    }

    fn start(&self, resource: &str, input: Value) -> JoinHandle<Result<Value, Failure>> {
        let mut started = self.started.lock().expect("nobody panics with it");
        started.push(resource.to_owned());
        drop(started);
        let clients = self.clients();
        let function = resource.to_owned();
        let broken = self.broken.lock().expect("nobody panics with it");
        let is_broken = broken.as_deref() == Some(resource);
        drop(broken);
        let in_use = self.home.take_concurrency();
        tokio::spawn(async move {
            let Some(_in_use) = in_use else {
                return Err(Failure {
                    error: "Lambda.TooManyRequestsException".to_owned(),
                    cause: "Rate Exceeded.".to_owned(),
                });
            };
            if is_broken {
                return Err(Failure {
                    error: "Lambda.ResourceNotFoundException".to_owned(),
                    cause: format!("Function not found: {function}"),
                });
            }
            let until = Deadline::after(longest(&function));
            e2e::run(&function, input, clients.await, until).await
        })
    }

    /// What a process is given at its start.
    fn clients(&self) -> impl Future<Output = Clients> + Send + 'static {
        let (api, executions) = (self.api.clone(), self.executions.clone());
        let objects = match &self.between {
            Some(between) => StoredPayloads::through(Arc::clone(between)),
            None => StoredPayloads::local(&self.home.url()),
        };
        let own = self.own_lines.as_ref().map(|own| {
            let line = Arc::new(Line::to(&self.sim));
            let mut lines = own.lines.lock().expect("nobody panics with it");
            lines.push(Arc::clone(&line));
            (line, own.per_s)
        });
        let reports = match (&self.between, &own) {
            (Some(between), _) => StoredReports::through(Arc::clone(between)),
            (None, Some((line, _))) => StoredReports::through(line.wire()),
            (None, None) => StoredReports::local(&self.home.url()),
        };
        async move {
            let api = match own {
                Some((line, per_s)) => LambdaApi::through_at_pace(line.wire(), per_s),
                None => api,
            };
            Clients {
                api,
                executions,
                objects,
                reports,
            }
        }
    }

    /// One function alone.
    pub async fn run(&self, resource: &str, input: Value) -> Result<Value, Failure> {
        let output = self.start(resource, input).await;
        output.expect("the handler does not panic")
    }

    /// The cleaner with any input.
    pub async fn clean(&self, input: Value) -> Result<Value, Failure> {
        self.run("Cleaner", input).await
    }

    /// What an execution planned.
    pub fn plan(&self, name: &str) -> Value {
        self.planned.lock().expect("nobody panics with it")[name]["plan"].clone()
    }

    /// The clean-up by hand.
    pub async fn clean_by_hand(&self) -> Value {
        self.clean(json!({"function": FUNCTION}))
            .await
            .expect("cleaned up")
    }

    /// What the rule on an execution's end does.
    pub async fn event(&self, name: &str) -> Result<Value, Failure> {
        let event = json!({
            "version": "0",
            "detail-type": "Step Functions Execution Status Change",
            "source": "aws.states",
            "detail": {"executionArn": arn(name), "status": "TIMED_OUT"},
        });
        self.clean(event).await
    }

    /// Says in Step Functions how an execution is.
    pub fn is(&self, name: &str, status: ExecutionStatus) {
        self.home
            .put_execution(self.execution(name, status))
            .expect("a sound execution");
    }

    /// Says in Step Functions that an execution was redriven, and runs.
    pub fn is_redriven(&self, name: &str) {
        let execution = Execution {
            redrive_count: 1,
            ..self.execution(name, ExecutionStatus::Running)
        };
        self.home
            .put_execution(execution)
            .expect("a sound execution");
    }

    /// An execution as Step Functions knows it: with the output of its first step, once there is one.
    pub fn execution(&self, name: &str, status: ExecutionStatus) -> Execution {
        let planned = self.planned.lock().expect("nobody panics with it");
        let output = planned.get(name).cloned();
        let now = now_s();
        Execution {
            arn: arn(name),
            status,
            start_unix_s: now,
            stop_unix_s: (status != ExecutionStatus::Running).then_some(now),
            states: output
                .map(|output| ("Initializer".to_owned(), output))
                .into_iter()
                .collect(),
            ..Execution::default()
        }
    }

    /// What the function's owner does: an API call on it.
    pub async fn own(&self, method: &'static str, path: &str, body: Value) -> Value {
        self.own_since(method, "2015-03-31", path, body).await
    }

    /// The same for calls of a later version of the API.
    pub async fn own_since(
        &self,
        method: &'static str,
        since: &str,
        path: &str,
        body: Value,
    ) -> Value {
        let url = format!("{}/{since}/functions/{FUNCTION}/{path}", self.sim.url());
        let sent = tokio::task::spawn_blocking(move || request(method, &url, &body));
        sent.await.expect("the request does not panic")
    }

    /// Reserves concurrency for it, without a network.
    pub async fn reserve(&self, concurrency: u32) {
        let body = json!({"ReservedConcurrentExecutions": concurrency}).to_string();
        let path = format!("/2017-10-31/functions/{FUNCTION}/concurrency");
        let request = http::Request::put(path).body(body.into_bytes());
        let answer = self.sim.answer(request.expect("a sound request")).await;
        assert!(answer.is_ok_and(|answer| answer.status().is_success()));
    }

    /// Nothing about the function is on its way any more.
    pub async fn is_settled(&self) {
        let settled = |now: &Snapshot| {
            now.latest.volatile["LastUpdateStatus"] == "Successful"
                && now.versions.iter().all(|version| version.state == "Active")
        };
        while !settled(&self.now()) {
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Puts a lock there: the sizes are those that it says, such as `512>128`.
    pub async fn lock(&self, sizes: &str, until_s: u64, execution: &str) {
        let description = format!("{sizes} until {until_s}, {}", arn(execution));
        let alias = json!({"Name": LOCK, "FunctionVersion": "$LATEST", "Description": description});
        self.own("POST", "aliases", alias).await;
    }

    /// As if so much time had passed that the holder of the lock is gone for good.
    pub async fn let_the_lock_expire(&self) {
        let now = self.now();
        let lock = now
            .aliases
            .iter()
            .find(|alias| alias.name == LOCK)
            .expect("a lock");
        let (sizes, rest) = lock.description.split_once(" until ").expect("a note");
        let (_, execution) = rest.split_once(", ").expect("a note");
        let expired = json!({"Description": format!("{sizes} until 1, {execution}")});
        self.own("PUT", &format!("aliases/{LOCK}"), expired).await;
    }
}

/// The input of a tuning: the usual fields, and these.
fn tuning(more: Value) -> Value {
    let mut input = json!({"lambdaARN": FUNCTION, "num": 5, "powerValues": [128, 512, 1024]});
    if let (Some(input), Value::Object(more)) = (input.as_object_mut(), more) {
        input.extend(more);
    }
    input
}

pub fn arn(execution: &str) -> String {
    format!("{PREFIX}:{execution}")
}

pub fn now_s() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs_f64()
}

fn request(method: &str, url: &str, body: &Value) -> Value {
    let sent = match method {
        "POST" => ureq::post(url).send_json(body),
        "PUT" => ureq::put(url).send_json(body),
        "DELETE" => ureq::delete(url).call(),
        other => panic!("no method `{other}`"),
    };
    let mut answer = sent.expect("the owner may do that");
    answer.body_mut().read_json().unwrap_or(Value::Null)
}
