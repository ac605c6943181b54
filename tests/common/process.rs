//! A function of the tuner as a process, which a fault may take away in the middle.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use e2e::{Clients, Failure, longest};
use power_tuner_aws::{LambdaApi, StepFunctionsApi, StoredPayloads, StoredReports, Wire};
use power_tuner_lambda_sim::{Execution, ExecutionStatus};
use power_tuner_runtime::Deadline;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{error::Elapsed, timeout};

use crate::fault::Lost;

/// How a process is taken away, if it is: told once.
pub struct Fate(Mutex<Option<oneshot::Sender<Lost>>>);

impl Fate {
    pub fn new() -> (Self, oneshot::Receiver<Lost>) {
        let (lost, is_lost) = oneshot::channel();
        (Self(Mutex::new(Some(lost))), is_lost)
    }

    pub fn is_lost(&self, how: Lost) {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lost) = lost.take() {
            // Whoever waited for it may be gone.
            let _ = lost.send(how);
        }
    }
}

/// A function at work.
pub struct Process(JoinHandle<Result<Result<Value, Failure>, Elapsed>>);

impl Process {
    /// Calls a function, as from its cold start on: what it holds ends with it.
    pub fn start<W: Wire + 'static>(
        function: &str,
        input: Value,
        wire: impl Fn() -> W + Send + Sync + 'static,
        now: Duration,
        held: impl Send + 'static,
    ) -> Self {
        let name = function.to_owned();
        Self(tokio::spawn(async move {
            let _held = held;
            let longest = longest(&name);
            let clients = clients(wire);
            let until = Deadline::at(now, longest);
            timeout(longest, e2e::run(&name, input, clients, until)).await
        }))
    }

    pub fn abort_handle(&self) -> AbortHandle {
        self.0.abort_handle()
    }

    /// How it ends, as Step Functions hears of it.
    pub async fn end(mut self, mut is_lost: oneshot::Receiver<Lost>) -> Result<Value, Failure> {
        tokio::select! {
            biased;
            Ok(lost) = &mut is_lost => {
                if lost != Lost::Beside {
                    self.0.abort();
                }
                let error = match lost {
                    Lost::Caught => "Lambda.Unknown",
                    Lost::Retried | Lost::Beside => "Lambda.SdkClientException",
                };
                Err(failure(error, "the function was lost"))
            }
            ended = &mut self.0 => match ended {
                Ok(Ok(ended)) => ended,
                Ok(Err(_)) => Err(failure("Sandbox.Timedout", "the function timed out")),
                Err(_) => Err(failure("Runtime.ExitError", "the function panicked")),
            },
        }
    }
}

/// A function's clients after its cold start.
fn clients<W: Wire + 'static>(wire: impl Fn() -> W) -> Clients {
    let wire = || -> Arc<dyn Wire> { Arc::new(wire()) };
    Clients {
        api: LambdaApi::through(wire()),
        executions: StepFunctionsApi::through(wire()),
        objects: StoredPayloads::through(wire()),
        reports: StoredReports::through(wire()),
    }
}

pub fn failure(error: &str, cause: &str) -> Failure {
    Failure {
        error: error.to_owned(),
        cause: cause.to_owned(),
    }
}

/// What `EventBridge` tells of an execution's end.
pub fn event(execution: &str) -> Value {
    json!({
        "version": "0",
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "detail": {"executionArn": execution, "status": "ABORTED"},
    })
}

/// What Step Functions knows of an execution that is so since `now`, with what its first state gave, if it came that far.
pub fn execution(
    arn: &str,
    status: ExecutionStatus,
    now: Duration,
    planned: Option<Value>,
) -> Execution {
    let now = now.as_secs_f64();
    Execution {
        arn: arn.to_owned(),
        status,
        start_unix_s: now,
        stop_unix_s: (status != ExecutionStatus::Running).then_some(now),
        states: planned
            .map(|output| ("Initializer".to_owned(), output))
            .into_iter()
            .collect(),
        ..Execution::default()
    }
}
