//! A simulated AWS Lambda service for the functions that a memory power tuner measures.
//!
//! It speaks Lambda's REST-JSON API on loopback, so that an AWS SDK reaches it through an endpoint URL, as much of Step
//! Functions' API as tells whether an execution is still running, and S3's `GetObject`. Functions get faster with memory
//! along a curve, with noise, init times, logs and failures; the control plane keeps the rules that a tuner must live
//! with. See the README beside this crate for the rules and the endpoints under `/_sim`.

mod admin;
mod aliases;
mod api;
mod clock;
mod error;
mod executions;
mod faults;
mod function;
mod ids;
mod invoke;
mod model;
mod names;
mod objects;
mod operation;
mod options;
mod perform;
mod presets;
mod rate;
mod report;
mod run;
mod s3;
mod server;
mod service;
mod snapshot;
mod spec;
mod states;
mod step_functions;
mod traffic;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use crate::error::ApiError;
pub use crate::executions::{Execution, ExecutionStatus};
pub use crate::faults::{Fault, FaultError, FaultRule, OtherRequest};
pub use crate::objects::StoredObject;
pub use crate::options::Options;
pub use crate::presets::PRESETS;
pub use crate::service::CallRecord;
pub use crate::snapshot::{AliasSnapshot, Latest, Snapshot, VersionSnapshot};
pub use crate::spec::{
    Behaviour, Curve, DurableSpec, FunctionError, FunctionSpec, LogFormat, Noise, Response,
    SnapStartSpec,
};
pub use crate::states::FunctionState;

use crate::server::Breaker;
use crate::service::{Answer, Service};
use crate::states::StateChange;

/// A part of the account's concurrency, until it is dropped.
pub struct InUse(Arc<Service>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.give_concurrency_back();
    }
}

/// A running simulated service. Dropping it stops it.
pub struct Sim {
    address: SocketAddr,
    service: Arc<Service>,
    stopped: Breaker,
    server: JoinHandle<io::Result<()>>,
}

impl Sim {
    /// Starts a service on loopback, on the current Tokio runtime.
    ///
    /// # Errors
    /// The port cannot be bound, or an option makes no sense.
    pub async fn start(options: Options) -> io::Result<Self> {
        if !(options.time_scale >= 0.0 && options.time_scale.is_finite()) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the time scale must be 0 or more",
            ));
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let service = Arc::new(Service::new(options));
        let stopped = Breaker::default();
        let serving = server::serve(listener, Arc::clone(&service), stopped.clone());
        Ok(Self {
            address,
            service,
            stopped,
            server: tokio::spawn(serving),
        })
    }

    /// Where it is, as in `AWS_ENDPOINT_URL_LAMBDA`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers a request that comes without a network; an error is a connection that broke. Like on AWS, a call goes on
    /// when its caller hangs up.
    ///
    /// # Errors
    /// A fault broke the connection.
    pub async fn answer(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> io::Result<http::Response<Vec<u8>>> {
        let (service, request) = (Arc::clone(&self.service), server::received(request));
        match tokio::spawn(async move { service.answer(&request).await }).await {
            Ok(Answer::Reply(reply)) => Ok(server::answered(reply)),
            Ok(Answer::Dropped) | Err(_) => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }

    /// The API action that a request is for; `Unknown` where there is none.
    #[must_use]
    pub fn action(&self, request: &http::Request<Vec<u8>>) -> &'static str {
        self.service.action(&server::received(request.clone()))
    }

    /// The ARN of a function of that name.
    #[must_use]
    pub fn arn(&self, name: &str) -> String {
        self.service.world.place.arn(name)
    }

    /// Makes a function, ready for use at once.
    ///
    /// # Errors
    /// The specification is not sound, or the name is taken.
    pub fn create(&self, spec: FunctionSpec) -> Result<(), ApiError> {
        self.service.create(spec)
    }

    /// Removes a function with everything of it; tells whether there was one.
    #[must_use = "a name that does not exist is not an error"]
    pub fn delete(&self, name: &str) -> bool {
        self.service.delete(name)
    }

    /// The function as a whole, or `None` if there is none of that name.
    #[must_use]
    pub fn snapshot(&self, name: &str) -> Option<Snapshot> {
        self.service.snapshot(name)
    }

    /// Puts `$LATEST` or a version in a state from now on; without a reason it has the usual one.
    ///
    /// # Errors
    /// There is no function of that name, or no such version of it.
    pub fn set_state(
        &self,
        name: &str,
        qualifier: &str,
        state: FunctionState,
        reason: Option<&str>,
    ) -> Result<(), ApiError> {
        let change = StateChange {
            qualifier: qualifier.to_owned(),
            state,
            reason: reason.map(str::to_owned),
        };
        self.service.set_state(name, &change)
    }

    /// Lets Step Functions know an execution; one with the same ARN is replaced.
    ///
    /// # Errors
    /// The execution is not sound.
    pub fn put_execution(&self, execution: Execution) -> Result<(), ApiError> {
        self.service.put_execution(execution)
    }

    /// Puts an object into S3; one with the same key is replaced, and the bucket is made if there is none.
    pub fn put_object(&self, bucket: &str, key: &str, bytes: impl Into<Vec<u8>>) {
        self.service.put_object(bucket, key, bytes.into());
    }

    /// An object, if there is one.
    #[must_use]
    pub fn object(&self, bucket: &str, key: &str) -> Option<StoredObject> {
        self.service.object(bucket, key)
    }

    /// The keys in a bucket, in their order.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.service.keys(bucket)
    }

    /// Removes an object, if there is one; its bucket stays.
    pub fn delete_object(&self, bucket: &str, key: &str) {
        self.service.delete_object(bucket, key);
    }

    /// The last API calls in the order in which they ended.
    #[must_use]
    pub fn calls(&self) -> Vec<CallRecord> {
        self.service.calls()
    }

    /// Takes one of the account's concurrency for a call of a function that is not simulated, such as the callers
    /// themselves; nothing where all of it is in use.
    #[must_use = "the concurrency is in use for as long as this lives"]
    pub fn take_concurrency(&self) -> Option<InUse> {
        let service = Arc::clone(&self.service);
        service.take_concurrency().then(|| InUse(service))
    }

    /// The most control plane requests that came within any second of real time, refused ones included: all calls of
    /// Lambda's API but `Invoke`.
    #[must_use]
    pub fn peak_control_plane_rate(&self) -> usize {
        self.service.peak_control_plane_rate()
    }

    /// Begins the list of calls anew, and the highest rate of control plane requests with it.
    pub fn forget_calls(&self) {
        self.service.forget_calls();
    }

    /// Lets something go wrong from now on.
    pub fn fault(&self, rule: FaultRule) {
        self.service.fault(rule);
    }

    /// Lets nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.service.clear_faults();
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.stopped.cut();
        self.server.abort();
    }
}
