//! What becomes of a request: it is read, may meet a fault, is carried out, and goes into the list of calls.

use std::future::pending;
use std::sync::Arc;

use crate::admin;
use crate::api::{self, Misread, Request};
use crate::clock::Millis;
use crate::error::ApiError;
use crate::faults::{Effects, Fault, FaultError, OtherRequest};
use crate::names::Place;
use crate::operation::{Call, Operation, Reply};
use crate::report::LogDamage;
use crate::s3;
use crate::service::{Answer, CallRecord, HeldCall, Service};
use crate::step_functions;

/// The APIs on the one port, each with its own way to write things down.
#[derive(Clone, Copy)]
enum Api {
    Lambda,
    StepFunctions,
    S3,
}

impl Api {
    fn of(request: &Request) -> Self {
        if step_functions::is_asked(request) {
            Self::StepFunctions
        } else if s3::is_asked(request) {
            Self::S3
        } else {
            Self::Lambda
        }
    }

    fn read(self, place: &Place, request: &Request, request_id: String) -> Result<Call, Misread> {
        match self {
            Self::Lambda => api::read(place, request, request_id),
            Self::StepFunctions => step_functions::read(request, request_id),
            Self::S3 => s3::read(request, request_id),
        }
    }

    fn refusal(self, error: &ApiError) -> Reply {
        match self {
            Self::Lambda => api::refusal(error),
            Self::StepFunctions => step_functions::refusal(error),
            Self::S3 => s3::refusal(error),
        }
    }

    fn usual_error(self, status: u16) -> &'static str {
        match self {
            Self::Lambda => api::usual_error(status),
            Self::StepFunctions => step_functions::usual_error(status),
            Self::S3 => s3::usual_error(status),
        }
    }

    fn request_id_header(self) -> &'static str {
        match self {
            Self::Lambda | Self::StepFunctions => "x-amzn-RequestId",
            Self::S3 => "x-amz-request-id",
        }
    }

    fn fault(self, error: &FaultError) -> Reply {
        self.refusal(&error.answer(self.usual_error(error.status)))
    }
}

impl Service {
    /// The action that a request is for.
    pub fn action(&self, request: &Request) -> &'static str {
        match Api::of(request).read(&self.world.place, request, String::new()) {
            Ok(call) => call.action,
            Err(misread) => misread.action,
        }
    }

    /// Answers an HTTP request of one of the APIs.
    pub async fn answer(self: &Arc<Self>, request: &Request) -> Answer {
        let request_id = self.world.ids.next();
        let api = Api::of(request);
        let answer = match api.read(&self.world.place, request, request_id.clone()) {
            Ok(call) => self.perform(&call, request.caller, api).await,
            Err(misread) => Answer::Reply(self.misread(&misread, api)),
        };
        match answer {
            Answer::Reply(mut reply) => {
                reply.headers.push((api.request_id_header(), request_id));
                Answer::Reply(reply)
            }
            Answer::Dropped => Answer::Dropped,
        }
    }

    async fn perform(self: &Arc<Self>, call: &Call, caller: Option<u16>, api: Api) -> Answer {
        let came = self.world.clock.now();
        if let Some(ms) = self.world.options.latencies.get(call.action) {
            self.world.clock.sleep(*ms).await;
        }
        let admitted = self.lock().check_rate(&call.operation);
        if let Err(error) = admitted {
            let reply = api.refusal(&error);
            self.record(call, came, Some(&reply), false);
            return Answer::Reply(reply);
        }
        let fault = self.lock().faults.meet(call);
        let mut effects = Effects::default();
        let mut drops = false;
        let mut holds = false;
        let mut afterwards = Vec::new();
        match fault {
            Some(Fault::DropBefore) => {
                self.record(call, came, None, true);
                return Answer::Dropped;
            }
            Some(Fault::Error(error)) => {
                let reply = api.fault(&error);
                self.record(call, came, Some(&reply), false);
                return Answer::Reply(reply);
            }
            Some(Fault::HeldBefore) => {
                self.record(call, came, None, false);
                return self.hold_for_ever(call, caller).await;
            }
            Some(Fault::HeldAfter) => holds = true,
            Some(Fault::DelayMs(ms)) => self.world.clock.sleep(ms).await,
            Some(Fault::DropAfter) => drops = true,
            Some(Fault::NoReport) => effects.log = LogDamage::NoReport,
            Some(Fault::TruncateLog) => effects.log = LogDamage::Truncated,
            Some(Fault::FailLater) => effects.fails_later = true,
            Some(Fault::First(requests)) => self.carry_out(&requests).await,
            Some(Fault::Then(requests)) => afterwards = requests,
            None => {}
        }
        let reply = self.execute(call, effects, api).await;
        self.record(call, came, Some(&reply), drops);
        self.carry_out(&afterwards).await;
        if holds {
            return self.hold_for_ever(call, caller).await;
        }
        if drops {
            Answer::Dropped
        } else {
            Answer::Reply(reply)
        }
    }

    async fn hold_for_ever(&self, call: &Call, caller: Option<u16>) -> Answer {
        self.hold(HeldCall {
            action: call.action,
            function: call.target.as_ref().map(|target| target.function.clone()),
            caller,
        });
        pending().await
    }

    /// Carries out what others ask for meanwhile. No fault meets them, and nobody waits for their answers.
    async fn carry_out(self: &Arc<Self>, requests: &[OtherRequest]) {
        for request in requests {
            let request = request.read();
            if let Some(done) = admin::carry_out(self, &request) {
                if let Err(error) = done {
                    self.record_unread("Unknown", Some(error.status));
                }
                continue;
            }
            let (api, request_id) = (Api::of(&request), self.world.ids.next());
            match api.read(&self.world.place, &request, request_id) {
                Ok(call) => {
                    let came = self.world.clock.now();
                    let reply = self.execute(&call, Effects::default(), api).await;
                    self.record(&call, came, Some(&reply), false);
                }
                Err(misread) => drop(self.misread(&misread, api)),
            }
        }
    }

    async fn execute(self: &Arc<Self>, call: &Call, effects: Effects, api: Api) -> Reply {
        let done = match (&call.operation, &call.target) {
            (Operation::StepFunctions(question), _) => {
                step_functions::answer(question, &self.lock().executions)
            }
            (Operation::GetObject(wanted), _) => s3::answer(wanted, &self.lock().objects),
            (Operation::PutObject(given), _) => self.store(given),
            (Operation::Invoke(invocation), Some(target)) => {
                self.invoke(target, invocation, &call.request_id, effects.log)
                    .await
            }
            (operation, Some(target)) => self.control(target, operation, effects),
            (_, None) => Ok(Reply::json(200, &self.account_settings())),
        };
        done.unwrap_or_else(|error| api.refusal(&error))
    }

    fn misread(&self, misread: &Misread, api: Api) -> Reply {
        let reply = api.refusal(&misread.error);
        self.record_unread(misread.action, Some(reply.status));
        reply
    }

    /// A request that did not become a call.
    fn record_unread(&self, action: &str, status: Option<u16>) {
        let now = self.world.clock.now();
        self.lock().record(CallRecord {
            number: 0,
            action: action.to_owned(),
            function: None,
            qualifier: None,
            members: Vec::new(),
            status,
            dropped: false,
            started_ms: now,
            ended_ms: now,
        });
    }

    fn record(&self, call: &Call, came: Millis, reply: Option<&Reply>, dropped: bool) {
        let target = call.target.as_ref();
        let ended_ms = self.world.clock.now();
        self.lock().record(CallRecord {
            number: 0,
            action: call.action.to_owned(),
            function: target.map(|target| target.function.clone()),
            qualifier: target.and_then(|target| target.qualifier.clone()),
            members: call.members.clone(),
            status: reply.map(|reply| reply.status),
            dropped,
            started_ms: came,
            ended_ms,
        });
    }
}
