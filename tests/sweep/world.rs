//! An AWS in this process, in which a fault meets one call, and time passes only while everybody waits.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use e2e::{Failure, Machine};
use futures::future::pending;
use power_tuner_aws::{Answered, Wire};
use power_tuner_lambda_sim::{
    ExecutionStatus, Fault as Answer, FaultRule, Options, OtherRequest, Sim,
};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::fault::{self, Call, Fault, Lost, When, Worker};
use crate::mode::{FUNCTION, LIVE, Mode};
use crate::process::{self, Fate, Process};
use crate::watch::{self, UnderLock};

pub const EXECUTION: &str = "arn:aws:states:us-east-1:123456789012:execution:power-tuner-tuner:one";

/// A lost call takes effect after so long: nobody waits for its answer any more, and the lock may be gone.
const LATE: Duration = Duration::from_secs(40);
/// A call on its way for so long is still waited for.
const SLOW: Duration = Duration::from_secs(10);
/// No run takes longer, whatever happens.
const LONGEST_RUN: Duration = Duration::from_hours(3);

pub struct World {
    pub sim: Sim,
    pub mode: Mode,
    /// What the fault meets.
    met: Option<(Call, Fault)>,
    machine: Machine,
    began: Instant,
    began_unix: Duration,
    was_stopped: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Calls are counted while the execution runs.
    counts: Option<BTreeMap<&'static str, u64>>,
    calls: Vec<Call>,
    /// Which function made the call that the fault met.
    met_by: Option<String>,
    planned: Option<Value>,
    started: Vec<String>,
    tasks: Vec<AbortHandle>,
    alive: usize,
    /// As it was after the last write.
    under_lock: Option<UnderLock>,
    /// The process that wrote the lock last.
    holder: Option<usize>,
    broken: Vec<String>,
}

/// How an execution ended.
#[derive(Debug)]
pub enum Ended {
    Stopped,
    Itself(Result<Value, Failure>),
}

/// What a function's process calls AWS through.
struct Line {
    world: Arc<World>,
    function: String,
    number: usize,
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

/// Counts a process as long as it lives.
struct Alive(Arc<World>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.state().alive -= 1;
    }
}

impl World {
    pub async fn new(mode: Mode, met: Option<(Call, Fault)>) -> Arc<Self> {
        let sim = Sim::start(Options::default()).await.expect("a simulator");
        Mode::prepare(&sim);
        let machine = e2e::machine(|name| sim.arn(name), 600).with_second(Duration::from_secs(1));
        let world = Arc::new(Self {
            sim,
            mode,
            met,
            machine,
            began: Instant::now(),
            began_unix: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .expect("after 1970"),
            was_stopped: Notify::new(),
            state: Mutex::default(),
        });
        // With an alias where that is to be moved, else without, so that nothing but the tuner keeps it from being deleted.
        if matches!(mode, Mode::Cold | Mode::Optimize) {
            let release = json!({"Description": "release 7"});
            world.own("POST", "versions", release).await;
            if mode == Mode::Optimize {
                let live = json!({"Name": LIVE, "FunctionVersion": "1", "Description": "mine"});
                world.own("POST", "aliases", live).await;
            }
            // The version is pending for a moment.
            sleep(Duration::from_secs(5)).await;
        }
        world.sim.forget_calls();
        if let Some((call, fault)) = &world.met
            && let Some(rule) = rule(call, *fault)
        {
            world.sim.fault(rule);
        }
        world
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_unix(&self) -> Duration {
        self.began_unix + self.began.elapsed()
    }

    /// What the function's owner does.
    async fn own(&self, method: &str, path: &str, body: Value) {
        let path = format!("/2015-03-31/functions/{FUNCTION}/{path}");
        let request = http::Request::builder().method(method).uri(path);
        let request = request
            .body(body.to_string().into_bytes())
            .expect("a sound request");
        let answer = self.sim.answer(request).await.expect("no fault yet");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// The calls of the execution.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Which function made the call that the fault was to meet, if any did.
    pub fn met_by(&self) -> Option<String> {
        self.state().met_by.clone()
    }

    /// What was seen to be broken in the middle.
    pub fn broken(&self) -> Vec<String> {
        self.state().broken.clone()
    }

    pub fn has_started(&self, function: &str) -> bool {
        self.state().started.iter().any(|name| name == function)
    }

    /// Runs the execution until it ends, and its processes with it unless they live on.
    pub async fn execute(self: &Arc<Self>) -> Ended {
        self.is(ExecutionStatus::Running);
        self.state().counts = Some(BTreeMap::new());
        let run = async |function: &str, input: Value| {
            let output = self.run(function, input).await?;
            if function == "Initializer" {
                self.state().planned = Some(output.clone());
                self.is_if_running(ExecutionStatus::Running);
            }
            Ok(output)
        };
        let input = self.mode.input();
        let execution = self.machine.execute(EXECUTION, input, &run);
        let ended = tokio::select! {
            biased;
            () = self.was_stopped.notified() => Ended::Stopped,
            execution = timeout(LONGEST_RUN, execution) => if let Ok(execution) = execution {
                Ended::Itself(execution.ended)
            } else {
                self.state().broken.push("the execution never ends".to_owned());
                Ended::Stopped
            },
        };
        self.state().counts = None;
        match &ended {
            Ended::Stopped => {}
            Ended::Itself(Ok(_)) => self.is(ExecutionStatus::Succeeded),
            Ended::Itself(Err(_)) => self.is(ExecutionStatus::Failed),
        }
        ended
    }

    /// One function, as Step Functions calls it.
    async fn run(self: &Arc<Self>, function: &str, input: Value) -> Result<Value, Failure> {
        let (fate, is_lost) = Fate::new();
        let line = Arc::new(Line {
            world: Arc::clone(self),
            function: function.to_owned(),
            number: self.state().started.len(),
            fate,
        });
        let alive = Alive(Arc::clone(self));
        let wire = move || Shared(Arc::clone(&line));
        let process = Process::start(function, input, wire, self.now_unix(), alive);
        {
            let mut state = self.state();
            state.alive += 1;
            state.started.push(function.to_owned());
            state.tasks.push(process.abort_handle());
        }
        process.end(is_lost).await
    }

    /// The event about the execution's end, which Lambda repeats twice where the cleaner fails.
    pub async fn event(self: &Arc<Self>) -> Result<Value, Failure> {
        let event = process::event(EXECUTION);
        let mut cleaned = self.run("Cleaner", event.clone()).await;
        for pause_s in [60, 120] {
            if cleaned.is_ok() {
                break;
            }
            sleep(Duration::from_secs(pause_s)).await;
            cleaned = self.run("Cleaner", event.clone()).await;
        }
        cleaned
    }

    /// The clean-up by hand, some time later, when nothing goes wrong any more.
    pub async fn clean_by_hand(self: &Arc<Self>) -> Result<Value, Failure> {
        self.sim.clear_faults();
        sleep(Duration::from_mins(5)).await;
        self.run("Cleaner", json!({"function": FUNCTION})).await
    }

    /// Until no process lives on, and nothing is under way.
    pub async fn is_quiet(&self) {
        while self.state().alive > 0 {
            sleep(Duration::from_secs(1)).await;
        }
        sleep(LATE).await;
    }

    fn is(&self, status: ExecutionStatus) {
        let planned = self.state().planned.clone();
        let execution = process::execution(EXECUTION, status, self.now_unix(), planned);
        self.sim.put_execution(execution).expect("sound");
    }

    fn is_if_running(&self, status: ExecutionStatus) {
        if self.state().counts.is_some() {
            self.is(status);
        }
    }

    /// Whether the fault meets this call.
    fn meets(&self, action: &'static str, by: &str) -> Option<Fault> {
        let mut state = self.state();
        let counts = state.counts.as_mut()?;
        let nth = counts.entry(action).or_default();
        *nth += 1;
        let call = Call {
            action: action.to_owned(),
            nth: *nth,
        };
        let met = self.met.as_ref().filter(|(met, _)| *met == call);
        state.calls.push(call);
        let (_, fault) = met?;
        state.met_by = Some(by.to_owned());
        Some(*fault)
    }

    /// Somebody stops the execution.
    fn stop(&self, worker: Worker) {
        self.state().counts = None;
        self.is(ExecutionStatus::Aborted);
        self.was_stopped.notify_one();
        if worker == Worker::Dies {
            for task in &self.state().tasks {
                task.abort();
            }
        }
    }

    /// Sends a process's request, and looks at what became of the function.
    async fn answer(
        &self,
        process: usize,
        request: http::Request<Vec<u8>>,
    ) -> std::io::Result<http::Response<Vec<u8>>> {
        let action = self.sim.action(&request);
        let answer = self.sim.answer(request).await;
        // Nobody writes with the others.
        if fault::reads(action) || action == "Invoke" {
            return answer;
        }
        let now = self.sim.snapshot(FUNCTION);
        let broken = now
            .as_ref()
            .and_then(|now| watch::what_is_broken(self, now));
        let after = now.as_ref().and_then(watch::under_lock);
        let mut state = self.state();
        state.broken.extend(broken);
        if state.under_lock != after {
            let is_held = state
                .under_lock
                .as_ref()
                .is_some_and(|before| before.is_held_at(self.now_unix()));
            if is_held && state.holder != Some(process) {
                let broken = format!("{action} changed it while another one held the lock");
                state.broken.push(broken);
            }
            state.holder = Some(process);
            state.under_lock = after;
        }
        answer
    }
}

impl Line {
    async fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> std::io::Result<http::Response<Vec<u8>>> {
        let (world, process) = (&self.world, self.number);
        let action = world.sim.action(&request);
        match world.meets(action, &self.function) {
            Some(Fault::Silent) => {
                let _ = world.answer(process, request).await;
                pending().await
            }
            Some(Fault::Late) => {
                let world = Arc::clone(world);
                tokio::spawn(async move {
                    sleep(LATE).await;
                    world.answer(process, request).await
                });
                pending().await
            }
            Some(Fault::Process(When::Before, lost)) => {
                self.fate.is_lost(lost);
                if lost == Lost::Beside {
                    return world.answer(process, request).await;
                }
                pending().await
            }
            Some(Fault::Process(When::After, lost)) => {
                let answer = world.answer(process, request).await;
                self.fate.is_lost(lost);
                if lost == Lost::Beside {
                    return answer;
                }
                pending().await
            }
            Some(Fault::Execution(When::Before, worker)) => {
                world.stop(worker);
                if worker == Worker::LivesOn {
                    // The cleaner is faster than its call.
                    sleep(SLOW).await;
                    return world.answer(process, request).await;
                }
                pending().await
            }
            Some(Fault::Execution(When::After, worker)) => {
                let answer = world.answer(process, request).await;
                world.stop(worker);
                if worker == Worker::LivesOn {
                    return answer;
                }
                pending().await
            }
            _ => world.answer(process, request).await,
        }
    }
}

/// The faults that the service itself makes.
fn rule(call: &Call, fault: Fault) -> Option<FaultRule> {
    let (answer, times) = match fault {
        // S3 says it that way.
        Fault::Once(429) if call.action == "GetObject" => (Answer::status(503), 1),
        Fault::Forever(429) if call.action == "GetObject" => (Answer::status(503), u64::MAX),
        Fault::Once(status) => (Answer::status(status), 1),
        Fault::Forever(status) => (Answer::status(status), u64::MAX),
        Fault::DropBefore => (Answer::DropBefore, 1),
        Fault::DropAfter => (Answer::DropAfter, 1),
        Fault::Deleted if is_lambdas(&call.action) => {
            let gone = OtherRequest {
                method: "DELETE".to_owned(),
                path: format!("/2015-03-31/functions/{FUNCTION}"),
                body: None,
            };
            (Answer::First(vec![gone]), 1)
        }
        Fault::Deleted => (Answer::status(404), u64::MAX),
        _ => return None,
    };
    Some(FaultRule {
        nth: Some(call.nth),
        times: Some(times),
        ..FaultRule::always(&call.action, answer)
    })
}

fn is_lambdas(action: &str) -> bool {
    !matches!(
        action,
        "GetObject" | "DescribeExecution" | "GetExecutionHistory" | "ListExecutions"
    )
}
