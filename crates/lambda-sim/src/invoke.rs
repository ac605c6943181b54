//! The data plane: admitting a call, waiting for it, and answering.

use std::sync::Arc;

use rand::RngExt;
use serde_json::Value;

use crate::error::ApiError;
use crate::function::{Function, World};
use crate::model::Configuration;
use crate::names::Target;
use crate::operation::{Invocation, Reply};
use crate::report::{LogDamage, LogEntry, log_result};
use crate::run::{Ending, Run, Setting};
use crate::service::{Account, Service};
use crate::spec::FunctionSpec;

/// Lambda's limit for the event of a synchronous call.
const LARGEST_EVENT_BYTES: usize = 6_291_456;

/// A call that has been let in. Dropping it ends the call.
struct Admission {
    service: Arc<Service>,
    spec: FunctionSpec,
    configuration: Configuration,
    version: String,
    timestamp: String,
    pool: String,
    run: Run,
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some(function) = self.service.lock().functions.get_mut(&self.spec.name) {
            function
                .traffic
                .end(&self.pool, self.run.keeps_environment());
        }
    }
}

impl Service {
    pub(crate) async fn invoke(
        self: &Arc<Self>,
        target: &Target,
        invocation: &Invocation,
        request_id: &str,
        damage: LogDamage,
    ) -> Result<Reply, ApiError> {
        check_event(&invocation.payload)?;
        if invocation.dry_run {
            self.lock().callable(target, &self.world)?;
            return Ok(Reply::empty(204));
        }
        let admission = self.admit(target, &invocation.payload, request_id)?;
        self.world.clock.sleep(admission.run.total_ms()).await;
        Ok(admission.reply(invocation.tail, request_id, damage))
    }

    fn admit(
        self: &Arc<Self>,
        target: &Target,
        event: &[u8],
        request_id: &str,
    ) -> Result<Admission, ApiError> {
        let world = &self.world;
        let mut account = self.lock();
        let version = account.callable(target, world)?;
        account.check_concurrency(&target.function, world)?;
        let function = account.function(&target.function, world)?;
        let configuration = function.effective(&version, world)?;
        let (memory_mb, timeout_s) = (configuration.memory_size, configuration.timeout);
        let share_in_advance = function.spec.behaviour.initialised_in_advance;
        let (pool, start) = function.traffic.begin(&version, share_in_advance);
        let index = function.traffic.count(&version, memory_mb, event);
        let restores = configuration.has_a_snapshot();
        let timestamp = world.clock.timestamp();
        let setting = Setting {
            request_id,
            timestamp: &timestamp,
            memory_mb,
            timeout_s,
            start,
            restore_ms: function
                .spec
                .snap_start
                .as_ref()
                .filter(|_| restores)
                .map(|snap_start| snap_start.restore_ms),
            index,
        };
        // Memory and index, and not the order of arrival, decide: sizes that are measured side by side do not disturb
        // each other's durations.
        let mut random = world.ids.generator(&[
            "run",
            &target.function,
            &memory_mb.to_string(),
            &index.to_string(),
        ]);
        let run = Run::new(&function.spec.behaviour, &setting, event, &mut random);
        let spec = function.spec.clone();
        Ok(Admission {
            service: Arc::clone(self),
            spec,
            configuration,
            version,
            timestamp,
            pool,
            run,
        })
    }
}

impl Account {
    /// The version that a call would run, if it may.
    fn callable(&mut self, target: &Target, world: &World) -> Result<String, ApiError> {
        let function = self.function(&target.function, world)?;
        function.settle(world);
        let version = function.routed_version(target.qualifier.as_deref(), world)?;
        function.check_active(&version, world)?;
        Ok(version)
    }

    /// A function with reserved concurrency has that and no more; the others share what is left.
    fn check_concurrency(&mut self, name: &str, world: &World) -> Result<(), ApiError> {
        let function = self.function(name, world)?;
        if let Some(reserved) = function.reserved {
            if function.traffic.active >= reserved {
                return Err(ApiError::throttled(
                    "ReservedFunctionConcurrentInvocationLimitExceeded",
                ));
            }
            return Ok(());
        }
        if self.shared_in_use(world) >= world.options.account_concurrency {
            return Err(ApiError::throttled("ConcurrentInvocationLimitExceeded"));
        }
        Ok(())
    }

    /// So much of the account's concurrency is reserved or in use.
    pub fn shared_in_use(&self, world: &World) -> u32 {
        let sharing = self
            .functions
            .values()
            .filter(|function| function.reserved.is_none());
        let used: u32 = sharing.map(|function| function.traffic.active).sum();
        self.reserved_total()
            .saturating_add(world.options.concurrency_used_elsewhere)
            .saturating_add(self.elsewhere)
            .saturating_add(used)
    }
}

impl Function {
    /// Like the version of a qualifier, with an alias's weights drawn.
    fn routed_version(&self, qualifier: Option<&str>, world: &World) -> Result<String, ApiError> {
        let main = self.version_label(qualifier, world)?;
        let Some(alias) = qualifier.and_then(|qualifier| self.aliases.get(qualifier)) else {
            return Ok(main);
        };
        let Some((other, weight)) = alias.weights.first_key_value() else {
            return Ok(main);
        };
        let calls: u64 = self.traffic.counts.values().sum();
        let drawn: f64 = world
            .ids
            .generator(&["route", self.name(), &alias.name, &calls.to_string()])
            .random();
        Ok(if drawn < *weight { other.clone() } else { main })
    }

    fn effective(&self, version: &str, world: &World) -> Result<Configuration, ApiError> {
        let revision = self
            .revision(version)
            .ok_or_else(|| ApiError::function_not_found(&self.arn(world)))?;
        Ok(revision.effective().clone())
    }
}

impl Admission {
    fn reply(&self, tail: bool, request_id: &str, damage: LogDamage) -> Reply {
        let mut headers = vec![("X-Amz-Executed-Version", self.version.clone())];
        // AWS says `Unhandled` for what a managed runtime's handler raises, too.
        if self.run.ending != Ending::Success {
            headers.push(("X-Amz-Function-Error", "Unhandled".to_owned()));
        }
        if tail {
            headers.push(("X-Amz-Log-Result", self.log(request_id, damage)));
        }
        Reply {
            status: 200,
            headers,
            body: self.run.payload.clone(),
        }
    }

    fn log(&self, request_id: &str, damage: LogDamage) -> String {
        let entry = LogEntry {
            request_id,
            timestamp: &self.timestamp,
            version: &self.version,
            timeout_s: self.configuration.timeout,
            format: self.configuration.log_format(),
            run: &self.run,
        };
        log_result(&self.spec, &entry, damage)
    }
}

fn check_event(event: &[u8]) -> Result<(), ApiError> {
    if event.len() > LARGEST_EVENT_BYTES {
        let message = format!(
            "Request must be smaller than {LARGEST_EVENT_BYTES} bytes for the InvokeFunction operation"
        );
        return Err(ApiError::new(413, "RequestTooLargeException", message));
    }
    if event.is_empty() {
        return Ok(());
    }
    serde_json::from_slice::<Value>(event)
        .map(drop)
        .map_err(|error| {
            let token = String::from_utf8_lossy(event);
            let token = token.split_whitespace().next().unwrap_or_default();
            let message = format!(
                "Could not parse request body into json: Unrecognized token '{token}': {error}"
            );
            ApiError::new(400, "InvalidRequestContentException", message)
        })
}
