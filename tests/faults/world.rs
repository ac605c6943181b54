//! An AWS in this process in which a story takes place, on a clock that goes on only while everybody waits.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use e2e::{Failure, Machine};
use futures::future::{join_all, pending};
use power_tuner_aws::{Answered, Wire};
use power_tuner_lambda_sim::{ExecutionStatus, Fault as Answer, FaultRule, Options, Sim, Snapshot};
use serde_json::{Value, json};
use tokio::sync::{Mutex as Gate, Notify};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::fault::{self, Call, Fault, Lost, When, Worker};
use crate::ledger::{By, Ledger, Process, arn};
use crate::mode::{FUNCTION, LIVE, Mode};
use crate::process::{self, Fate, failure};
use crate::story::{Deed, Stop, Story};

/// A lost call takes effect after so long.
const LATE: Duration = Duration::from_secs(40);
/// A call on its way for so long is still waited for.
const SLOW: Duration = Duration::from_secs(10);
const LONGEST_RUN: Duration = Duration::from_hours(3);
/// When every story begins; its fractions and its distance to deadlines are the same each time.
const BEGAN_UNIX: Duration = Duration::from_secs(2_000_000_000);

pub struct World {
    pub sim: Sim,
    pub story: Story,
    machine: Machine,
    began: Instant,
    /// Writes pass one by one, so that each is seen with what it did.
    gate: Gate<()>,
    stopped: Vec<Notify>,
    shows: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Nothing goes wrong any more.
    is_calm: bool,
    calls: u64,
    counts: BTreeMap<&'static str, u64>,
    tunings: Vec<Running>,
    processes: usize,
    alive: usize,
    /// What goes wrong for a while.
    outages: Vec<(String, u16, Instant)>,
    met: Vec<Met>,
    ledger: Ledger,
    trace: DefaultHasher,
}

#[derive(Default)]
struct Running {
    goes_on: bool,
    planned: Option<Value>,
    tasks: Vec<AbortHandle>,
}

/// A fault that met a call, and whose.
#[derive(Clone, Debug)]
pub struct Met {
    pub fault: Fault,
    pub by: Process,
}

/// How an execution ended.
#[derive(Clone, Debug)]
pub enum Ended {
    Stopped,
    Itself(Result<Value, Failure>),
}

/// What a function's process calls AWS through.
struct Line {
    world: Arc<World>,
    process: Process,
    fate: Fate,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

#[derive(Debug)]
struct Shared(Arc<Line>);

impl Wire for Shared {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answered {
        let line = Arc::clone(&self.0);
        Box::pin(async move { line.send(request).await })
    }
}

/// Counts whoever is at work as long as they are.
struct Alive(Arc<World>);

impl Alive {
    fn new(world: &Arc<World>) -> Self {
        world.state().alive += 1;
        Self(Arc::clone(world))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.state().alive -= 1;
    }
}

type Sent = std::io::Result<http::Response<Vec<u8>>>;

impl World {
    pub async fn new(story: Story, shows: bool) -> Arc<Self> {
        let options = Options {
            seed: story.seed,
            ..Options::default()
        };
        let sim = Sim::start(options).await.expect("a simulator");
        Mode::prepare(&sim);
        let machine = e2e::machine(|name| sim.arn(name), 600).with_second(Duration::from_secs(1));
        let world = Arc::new(Self {
            sim,
            machine,
            began: Instant::now(),
            gate: Gate::default(),
            stopped: story.tunings.iter().map(|_| Notify::new()).collect(),
            shows,
            state: Mutex::default(),
            story,
        });
        world.state().tunings = world
            .story
            .tunings
            .iter()
            .map(|_| Running::default())
            .collect();
        let release = json!({"Description": "release 7"});
        world.own("POST", "versions", release).await;
        let live = json!({"Name": LIVE, "FunctionVersion": "1", "Description": "mine"});
        world.own("POST", "aliases", live).await;
        // The version is pending for a moment.
        sleep(Duration::from_secs(5)).await;
        world.state().ledger = Ledger::begin(&world.now().expect("the function"));
        world
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> Option<Snapshot> {
        self.sim.snapshot(FUNCTION)
    }

    fn now_unix(&self) -> Duration {
        BEGAN_UNIX + self.began.elapsed()
    }

    pub fn ledger<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.state().ledger)
    }

    pub fn met(&self) -> Vec<Met> {
        self.state().met.clone()
    }

    /// The same for the same story, if nothing but the story decides.
    pub fn trace(&self) -> u64 {
        self.state().trace.finish()
    }

    fn say(&self, line: impl FnOnce() -> String) {
        if self.shows {
            println!("{:10.3} {}", self.began.elapsed().as_secs_f64(), line());
        }
    }

    /// Lets all tunings run to their ends.
    pub async fn run(self: &Arc<Self>) -> Vec<Ended> {
        let tunings = self.story.tunings.len();
        join_all((0..tunings).map(|tuning| self.tune(tuning))).await
    }

    async fn tune(self: &Arc<Self>, tuning: usize) -> Ended {
        let kind = &self.story.tunings[tuning];
        sleep(kind.starts).await;
        self.is(tuning, ExecutionStatus::Running);
        let run = async |function: &str, input: Value| {
            let output = self.call(function, input, Some(tuning)).await?;
            if function == "Initializer" {
                self.state().tunings[tuning].planned = Some(output.clone());
                if self.state().tunings[tuning].goes_on {
                    self.is(tuning, ExecutionStatus::Running);
                }
            }
            Ok(output)
        };
        let mut input = kind.mode.input();
        if let (Some(fields), false) = (input.as_object_mut(), kind.with_alias) {
            fields.remove("autoOptimizeAlias");
        }
        let arn = arn(tuning);
        let execution = self.machine.execute(&arn, input, &run);
        let ended = tokio::select! {
            biased;
            () = self.stopped[tuning].notified() => Ended::Stopped,
            execution = timeout(LONGEST_RUN, execution) => {
                let never = || Err(failure("never", "the execution never ends"));
                Ended::Itself(execution.map_or_else(|_| never(), |execution| execution.ended))
            }
        };
        self.say(|| format!("execution {tuning} ended: {ended:?}"));
        match &ended {
            Ended::Stopped => {}
            Ended::Itself(Ok(_)) => self.is(tuning, ExecutionStatus::Succeeded),
            Ended::Itself(Err(_)) => self.is(tuning, ExecutionStatus::Failed),
        }
        if !matches!(ended, Ended::Itself(Ok(_))) && !self.story.events_are_lost {
            self.event(tuning).await;
        }
        ended
    }

    /// The event about the execution's end, which Lambda repeats twice where the cleaner fails.
    async fn event(self: &Arc<Self>, tuning: usize) {
        let event = process::event(&arn(tuning));
        for pause_s in [1, 60, 120] {
            sleep(Duration::from_secs(pause_s)).await;
            if self.call("Cleaner", event.clone(), None).await.is_ok() {
                return;
            }
        }
    }

    /// The clean-up by hand, some time later, when nothing goes wrong any more.
    pub async fn clean_by_hand(self: &Arc<Self>) -> Result<Value, Failure> {
        while self.state().alive > 0 {
            sleep(Duration::from_secs(1)).await;
        }
        sleep(LATE).await;
        self.state().is_calm = true;
        self.sim.clear_faults();
        sleep(Duration::from_mins(5)).await;
        self.call("Cleaner", json!({"function": FUNCTION}), None)
            .await
    }

    /// One function, as Step Functions or somebody else calls it.
    async fn call(
        self: &Arc<Self>,
        function: &str,
        input: Value,
        tuning: Option<usize>,
    ) -> Result<Value, Failure> {
        let (fate, is_lost) = Fate::new();
        let number = {
            let mut state = self.state();
            state.processes += 1;
            state.processes
        };
        let line = Arc::new(Line {
            world: Arc::clone(self),
            process: Process {
                number,
                function: function.to_owned(),
                tuning,
                measures: input["memory"].as_u64(),
            },
            fate,
        });
        self.say(|| format!("process {number} is {function} of {tuning:?}"));
        let alive = Alive::new(self);
        let wire = move || Shared(Arc::clone(&line));
        let process = process::Process::start(function, input, wire, self.now_unix(), alive);
        if let Some(tuning) = tuning {
            let task = process.abort_handle();
            self.state().tunings[tuning].tasks.push(task);
        }
        let ended = process.end(is_lost).await;
        self.say(|| match &ended {
            Ok(_) => format!("process {number} is done"),
            Err(failure) => format!("process {number} failed: {failure:?}"),
        });
        ended
    }

    /// Says in Step Functions how an execution is.
    fn is(&self, tuning: usize, status: ExecutionStatus) {
        let planned = {
            let mut state = self.state();
            let running = &mut state.tunings[tuning];
            running.goes_on = status == ExecutionStatus::Running;
            running.planned.clone()
        };
        let execution = process::execution(&arn(tuning), status, self.now_unix(), planned);
        self.sim.put_execution(execution).expect("sound");
    }

    /// Somebody stops an execution, if it goes on.
    fn stop(&self, tuning: usize, worker: Worker) {
        if !self.state().tunings[tuning].goes_on {
            return;
        }
        self.say(|| format!("execution {tuning} is stopped"));
        self.is(tuning, ExecutionStatus::Aborted);
        self.stopped[tuning].notify_one();
        if worker == Worker::Dies {
            for task in &self.state().tunings[tuning].tasks {
                task.abort();
            }
        }
    }

    /// Counts a call, lets happen what is to happen at this moment, and gives the fault that meets it.
    fn meets(self: &Arc<Self>, action: &'static str, by: &Process) -> Option<Fault> {
        let mut state = self.state();
        if state.is_calm {
            return None;
        }
        state.calls += 1;
        let calls = state.calls;
        let nth = state.counts.entry(action).or_default();
        *nth += 1;
        let call = Call {
            action: action.to_owned(),
            nth: *nth,
        };
        let trouble = self.story.faults.iter().find(|each| each.call == call);
        if let Some(trouble) = trouble {
            let (fault, by) = (trouble.fault, by.clone());
            state.met.push(Met { fault, by });
            if let Fault::Forever(status) = fault {
                let until = Instant::now() + trouble.lasts;
                state.outages.push((action.to_owned(), status, until));
            }
        }
        let now = Instant::now();
        let outage = state.outages.iter().find_map(|(of, status, until)| {
            (of == action && now < *until).then_some(Fault::Once(*status))
        });
        drop(state);
        for Stop { tuning, worker, .. } in self.story.stops.iter().filter(|s| s.after == calls) {
            self.stop(*tuning, *worker);
        }
        for (_, deed) in self.story.deeds.iter().filter(|(at, _)| *at == calls) {
            let (world, deed) = (Arc::clone(self), deed.clone());
            let alive = Alive::new(self);
            tokio::spawn(async move {
                let _alive = alive;
                world.say(|| format!("the owner: {deed:?}"));
                world.own_deed(&deed).await;
            });
        }
        match trouble.map(|trouble| trouble.fault) {
            None | Some(Fault::Forever(_)) => outage,
            fault => fault,
        }
    }

    /// Sends a request, with what it changed in the ledger. Like on AWS, it goes on when its maker hangs up.
    async fn answer(self: &Arc<Self>, by: By, request: http::Request<Vec<u8>>) -> Sent {
        let action = self.sim.action(&request);
        if fault::reads(action) || action == "Invoke" {
            let version = called(&request);
            let answer = self.sim.answer(request).await;
            self.is_read(&by, action, version, &answer);
            return answer;
        }
        let world = Arc::clone(self);
        let sent = tokio::spawn(async move {
            let _one_by_one = world.gate.lock().await;
            let before = world.now();
            let answer = world.sim.answer(request).await;
            world.is_traced(&by, action, &answer);
            if let (Some(before), Some(now)) = (before, world.now()) {
                let now_unix = world.now_unix();
                let ledger = &mut world.state().ledger;
                ledger.is_written(&by, action, &before, &now, now_unix);
            }
            answer
        });
        sent.await.expect("it does not panic")
    }

    fn is_read(&self, by: &By, action: &'static str, version: Option<String>, answer: &Sent) {
        self.is_traced(by, action, answer);
        let By::Process(process) = by else {
            return;
        };
        let mut state = self.state();
        let is_answered = matches!(answer, Ok(answer) if answer.status() == 200);
        match (action, process.tuning) {
            ("GetFunctionConfiguration", Some(tuning)) if process.function == "Initializer" => {
                state.ledger.is_read_by(tuning);
            }
            ("Invoke", Some(tuning)) if is_answered => {
                let is_cold = self.story.tunings[tuning].mode == Mode::Cold;
                let version = version.unwrap_or_default();
                state.ledger.is_called(process, &version, is_cold);
            }
            _ => {}
        }
    }

    fn is_traced(&self, by: &By, action: &'static str, answer: &Sent) {
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        let number = match by {
            By::Owner => 0,
            By::Process(process) => process.number,
        };
        let at = self.began.elapsed();
        (at, action, status, number).hash(&mut self.state().trace);
        self.say(|| match self.now().filter(|_| !fault::reads(action)) {
            Some(now) if action != "Invoke" => format!(
                "{number} {action} {status}: {} {:?}",
                now.latest.configuration["MemorySize"],
                now.aliases
                    .iter()
                    .map(|alias| format!("{}:{} {}", alias.name, alias.version, alias.description))
                    .collect::<Vec<_>>()
            ),
            _ => format!("{number} {action} {status}"),
        });
    }
}

// What the owner does.
impl World {
    /// A request of the owner's, repeated for as long as somebody may be in its way. Gives the answer, if it was granted.
    async fn own(self: &Arc<Self>, method: &str, path: &str, body: Value) -> Option<Value> {
        for _ in 0..300 {
            let request = http::Request::builder()
                .method(method)
                .uri(format!("/2015-03-31/functions/{FUNCTION}/{path}"))
                .body(body.to_string().into_bytes())
                .expect("a sound request");
            match self.answer(By::Owner, request).await {
                Ok(answer) if answer.status().is_success() => {
                    return serde_json::from_slice(answer.body()).ok();
                }
                Ok(answer) if answer.status() == 404 => return None,
                _ => sleep(Duration::from_secs(1)).await,
            }
        }
        None
    }

    async fn own_deed(self: &Arc<Self>, deed: &Deed) {
        self.state().ledger.deeds += 1;
        match deed {
            Deed::Memory(memory) => self.configure(json!({"MemorySize": memory})).await,
            Deed::Timeout(timeout) => self.configure(json!({"Timeout": timeout})).await,
            Deed::Environment(stage) => {
                let environment = json!({"Variables": {"STAGE": stage}});
                self.configure(json!({"Environment": environment})).await;
            }
            Deed::Code(code) => self.upload(*code).await,
            Deed::Publish => _ = self.publish().await,
            Deed::Release => self.release().await,
            Deed::Deploy { code, memory } => {
                self.upload(*code).await;
                let environment = json!({"Variables": {"STAGE": format!("of {code}")}});
                let settings = json!({"MemorySize": memory, "Environment": environment});
                self.configure(settings).await;
                self.release().await;
            }
            Deed::RollBack => self.point("1").await,
        }
    }

    async fn configure(self: &Arc<Self>, settings: Value) {
        self.own("PUT", "configuration", settings).await;
        self.is_updated().await;
    }

    async fn upload(self: &Arc<Self>, code: u8) {
        let zip = base64::engine::general_purpose::STANDARD.encode(format!("code {code}"));
        self.own("PUT", "code", json!({"ZipFile": zip})).await;
        self.is_updated().await;
    }

    async fn is_updated(&self) {
        let is_updated = |now: Snapshot| now.latest.volatile["LastUpdateStatus"] != "InProgress";
        while !self.now().is_none_or(is_updated) {
            sleep(Duration::from_millis(200)).await;
        }
    }

    async fn publish(self: &Arc<Self>) -> Option<String> {
        let description = json!({"Description": "another release"});
        let version = self.own("POST", "versions", description).await?;
        version["Version"].as_str().map(str::to_owned)
    }

    async fn release(self: &Arc<Self>) {
        if let Some(version) = self.publish().await {
            self.point(&version).await;
        }
    }

    async fn point(self: &Arc<Self>, version: &str) {
        let alias = format!("aliases/{LIVE}");
        self.own("PUT", &alias, json!({"FunctionVersion": version}))
            .await;
    }
}

impl Line {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Sent {
        let (world, by) = (&self.world, || By::Process(self.process.clone()));
        let action = world.sim.action(&request);
        let fault = world.meets(action, &self.process);
        if let Some(fault) = fault {
            world.say(|| format!("{fault} meets {action} of {}", self.process.number));
        }
        match fault {
            Some(Fault::Silent) => {
                let _ = world.answer(by(), request).await;
                pending().await
            }
            Some(Fault::Late) => {
                let (world, by, alive) = (Arc::clone(world), by(), Alive::new(world));
                tokio::spawn(async move {
                    let _alive = alive;
                    sleep(LATE).await;
                    world.answer(by, request).await
                });
                pending().await
            }
            Some(Fault::Process(when, lost)) => {
                if when == When::After {
                    let answer = world.answer(by(), request).await;
                    self.fate.is_lost(lost);
                    if lost == Lost::Beside {
                        return answer;
                    }
                } else {
                    self.fate.is_lost(lost);
                    if lost == Lost::Beside {
                        return world.answer(by(), request).await;
                    }
                }
                pending().await
            }
            Some(Fault::Execution(when, worker)) => {
                // Its clean-up by event or by hand belongs to none.
                let Some(tuning) = self.process.tuning else {
                    return world.answer(by(), request).await;
                };
                if when == When::After {
                    let answer = world.answer(by(), request).await;
                    world.stop(tuning, worker);
                    return answer;
                }
                world.stop(tuning, worker);
                // The cleaner is faster than the call of one that lives on.
                sleep(SLOW).await;
                world.answer(by(), request).await
            }
            Some(fault) => {
                if let Some(answer) = answered(action, fault) {
                    world.sim.fault(FaultRule {
                        nth: Some(1),
                        ..FaultRule::always(action, answer)
                    });
                }
                world.answer(by(), request).await
            }
            None => world.answer(by(), request).await,
        }
    }
}

/// What the service answers, where it is the service that has the fault.
fn answered(action: &str, fault: Fault) -> Option<Answer> {
    match fault {
        // S3 says it that way.
        Fault::Once(429) if action == "GetObject" => Some(Answer::status(503)),
        Fault::Once(status) => Some(Answer::status(status)),
        Fault::DropBefore => Some(Answer::DropBefore),
        Fault::DropAfter => Some(Answer::DropAfter),
        _ => None,
    }
}

/// The version that a call names, in the path or beside it.
fn called(request: &http::Request<Vec<u8>>) -> Option<String> {
    let path = request.uri().path().replace("%3A", ":");
    let name = path
        .strip_suffix("/invocations")?
        .rsplit('/')
        .next()?
        .to_owned();
    let last = name.rsplit(':').next()?;
    Some(last.to_owned())
}
