//! The simulated service without HTTP: calls in, answers out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::error::ApiError;
use crate::executions::{Execution, Executions};
use crate::faults::{Effects, FaultRule, Faults};
use crate::function::{Function, World};
use crate::ids::Ids;
use crate::names::{Place, Target};
use crate::objects::{Object, Objects, StoredObject};
use crate::operation::{Operation, Reply};
use crate::options::Options;
use crate::rate::Rate;
use crate::s3::{self, PutObject};
use crate::spec::FunctionSpec;

const CALLS_KEPT: usize = 10_000;
/// AWS keeps so much concurrency free of reservations.
const LEAST_UNRESERVED: u32 = 100;

pub(crate) struct Service {
    pub world: World,
    state: Mutex<Account>,
}

/// Everything that calls change.
#[derive(Default)]
pub(crate) struct Account {
    pub functions: BTreeMap<String, Function>,
    pub faults: Faults,
    pub executions: Executions,
    pub objects: Objects,
    rate: Rate,
    calls: VecDeque<CallRecord>,
    calls_seen: u64,
    held: Vec<HeldCall>,
    /// Calls under way of functions that are not simulated.
    pub elsewhere: u32,
}

/// A call that a fault keeps without an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeldCall {
    pub action: &'static str,
    pub function: Option<String>,
    /// The port of the process that waits for the answer.
    pub caller: Option<u16>,
}

/// A call that the service received.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRecord {
    /// Its number, from 1; calls are listed in the order in which they ended.
    pub number: u64,
    /// The API action.
    pub action: String,
    /// The function it named; of an object's the bucket and the key, as `bucket/key`.
    pub function: Option<String>,
    /// The version or alias it named.
    pub qualifier: Option<String>,
    /// What its body had, by name.
    pub members: Vec<String>,
    /// The HTTP status of the answer, if one was made.
    pub status: Option<u16>,
    /// Whether a fault broke the connection.
    pub dropped: bool,
    /// When it came, in virtual milliseconds since the service started.
    pub started_ms: f64,
    /// When it ended.
    pub ended_ms: f64,
}

/// What the caller gets.
pub(crate) enum Answer {
    Reply(Reply),
    /// Nothing: the connection breaks.
    Dropped,
}

impl Service {
    pub fn new(options: Options) -> Self {
        let place = Place {
            region: options.region.clone(),
            account: options.account.clone(),
        };
        let rate = Rate::limited_to(options.control_plane_per_s);
        let (clock, ids) = (Clock::new(options.time_scale), Ids::new(options.seed));
        Self {
            world: World {
                options,
                place,
                clock,
                ids,
            },
            state: Mutex::new(Account {
                rate,
                ..Account::default()
            }),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Account> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn control(
        &self,
        target: &Target,
        operation: &Operation,
        effects: Effects,
    ) -> Result<Reply, ApiError> {
        let world = &self.world;
        // The model's constraints come first, even for a function that is not there.
        if let Operation::UpdateFunctionConfiguration(change) = operation {
            change.check(world.options.largest_memory_mb)?;
        }
        let mut account = self.lock();
        account.function(&target.function, world)?.settle(world);
        match operation {
            Operation::DeleteFunction if target.qualifier.is_none() => {
                account.functions.remove(&target.function);
                Ok(Reply::empty(204))
            }
            Operation::PutFunctionConcurrency(wanted) => {
                account.reserve(target, wanted.reserved_concurrent_executions, world)
            }
            _ => on_function(
                account.function(&target.function, world)?,
                target,
                operation,
                effects,
                world,
            ),
        }
    }

    pub fn account_settings(&self) -> Value {
        let account = self.lock();
        let limit = self.world.options.account_concurrency;
        json!({
            "AccountLimit": {
                "TotalCodeSize": 80_530_636_800_u64,
                "CodeSizeUnzipped": 262_144_000,
                "CodeSizeZipped": 52_428_800,
                "ConcurrentExecutions": limit,
                "UnreservedConcurrentExecutions": limit.saturating_sub(account.reserved_total()),
            },
            "AccountUsage": { "TotalCodeSize": 1024, "FunctionCount": account.functions.len() },
        })
    }

    /// Makes a function that is ready for use at once.
    pub fn create(&self, spec: FunctionSpec) -> Result<(), ApiError> {
        spec.check().map_err(ApiError::invalid)?;
        let mut account = self.lock();
        if account.functions.contains_key(&spec.name) {
            return Err(ApiError::conflict(format!(
                "Function already exist: {}",
                spec.name
            )));
        }
        let function = Function::new(spec, &self.world);
        account
            .functions
            .insert(function.name().to_owned(), function);
        Ok(())
    }

    pub fn delete(&self, name: &str) -> bool {
        self.lock().functions.remove(name).is_some()
    }

    pub fn put_execution(&self, execution: Execution) -> Result<(), ApiError> {
        execution.check().map_err(ApiError::invalid)?;
        self.lock().executions.put(execution);
        Ok(())
    }

    /// What a caller stores.
    pub fn store(&self, given: &PutObject) -> Result<Reply, ApiError> {
        let object = Object {
            content_type: given.content_type.clone(),
            ..Object::new(given.bytes.clone(), self.world.clock.http_date())
        };
        s3::store(given, object, &mut self.lock().objects)
    }

    pub fn object(&self, bucket: &str, key: &str) -> Option<StoredObject> {
        let account = self.lock();
        let object = account.objects.find(bucket, key).ok()?;
        Some(StoredObject {
            content_type: object.content_type.clone(),
            bytes: object.bytes.clone(),
        })
    }

    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.lock().objects.keys(bucket)
    }

    pub fn put_object(&self, bucket: &str, key: &str, bytes: Vec<u8>) {
        let object = Object::new(bytes, self.world.clock.http_date());
        self.lock().objects.put(bucket, key, object);
    }

    pub fn delete_object(&self, bucket: &str, key: &str) {
        self.lock().objects.delete(bucket, key);
    }

    pub fn calls(&self) -> Vec<CallRecord> {
        self.lock().calls.iter().cloned().collect()
    }

    pub fn forget_calls(&self) {
        let mut account = self.lock();
        account.calls.clear();
        account.rate.forget_peak();
    }

    pub fn hold(&self, call: HeldCall) {
        self.lock().held.push(call);
    }

    pub fn held(&self) -> Vec<HeldCall> {
        self.lock().held.clone()
    }

    /// Takes one of the account's concurrency for a function that is not simulated, if there is one.
    pub fn take_concurrency(&self) -> bool {
        let mut account = self.lock();
        let is_free = account.shared_in_use(&self.world) < self.world.options.account_concurrency;
        account.elsewhere += u32::from(is_free);
        is_free
    }

    pub fn give_concurrency_back(&self) {
        let mut account = self.lock();
        account.elsewhere = account.elsewhere.saturating_sub(1);
    }

    pub fn peak_control_plane_rate(&self) -> usize {
        self.lock().rate.peak()
    }

    pub fn fault(&self, rule: FaultRule) {
        self.lock().faults.add(rule);
    }

    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }
}

fn on_function(
    function: &mut Function,
    target: &Target,
    operation: &Operation,
    effects: Effects,
    world: &World,
) -> Result<Reply, ApiError> {
    let qualifier = target.qualifier.as_deref();
    let ok = |view: Value| Reply::json(200, &view);
    match operation {
        Operation::GetFunctionConfiguration => function.get_configuration(qualifier, world).map(ok),
        Operation::UpdateFunctionConfiguration(change) => {
            only_latest(qualifier)?;
            function
                .update_configuration(change, effects.fails_later, world)
                .map(ok)
        }
        Operation::UpdateFunctionCode(change) => {
            only_latest(qualifier)?;
            function
                .update_code(change, effects.fails_later, world)
                .map(ok)
        }
        Operation::PublishVersion(publication) => {
            only_latest(qualifier)?;
            let view = function.publish(publication, effects.fails_later, world)?;
            Ok(Reply::json(201, &view))
        }
        Operation::ListVersionsByFunction(page) => Ok(ok(function.list_versions(page, world))),
        Operation::CreateAlias(wanted) => {
            Ok(Reply::json(201, &function.create_alias(wanted, world)?))
        }
        Operation::GetAlias(name) => function.get_alias(name, world).map(ok),
        Operation::UpdateAlias(name, change) => function.update_alias(name, change, world).map(ok),
        Operation::ListAliases { version, page } => {
            Ok(ok(function.list_aliases(version.as_deref(), page, world)))
        }
        Operation::DeleteAlias(name) => {
            function.aliases.remove(name);
            Ok(Reply::empty(204))
        }
        Operation::DeleteFunctionConcurrency => {
            function.reserved = None;
            Ok(Reply::empty(204))
        }
        Operation::GetFunctionConcurrency => Ok(ok(match function.reserved {
            Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
            None => json!({}),
        })),
        Operation::DeleteFunction => {
            function.delete_version(qualifier.unwrap_or_default())?;
            Ok(Reply::empty(204))
        }
        // These are answered before a single function is asked.
        Operation::PutFunctionConcurrency(_)
        | Operation::GetAccountSettings
        | Operation::StepFunctions(_)
        | Operation::GetObject(_)
        | Operation::PutObject(_)
        | Operation::Invoke(_) => Err(ApiError::not_simulated("this call")),
    }
}

fn only_latest(qualifier: Option<&str>) -> Result<(), ApiError> {
    match qualifier {
        None | Some(crate::names::LATEST) => Ok(()),
        Some(other) => Err(ApiError::invalid(format!(
            "This operation is permitted on $LATEST only, not on `{other}`"
        ))),
    }
}

impl Account {
    /// Refuses a request of the control plane that comes too soon.
    pub fn check_rate(&mut self, operation: &Operation) -> Result<(), ApiError> {
        if operation.is_control_plane() && !self.rate.admit(Instant::now()) {
            return Err(ApiError::rate_exceeded());
        }
        Ok(())
    }

    pub fn function(&mut self, name: &str, world: &World) -> Result<&mut Function, ApiError> {
        self.functions
            .get_mut(name)
            .ok_or_else(|| ApiError::function_not_found(&world.place.arn(name)))
    }

    pub fn reserved_total(&self) -> u32 {
        self.functions
            .values()
            .filter_map(|function| function.reserved)
            .sum()
    }

    fn reserve(&mut self, target: &Target, wanted: u32, world: &World) -> Result<Reply, ApiError> {
        let current = self
            .function(&target.function, world)?
            .reserved
            .unwrap_or(0);
        let total = self.reserved_total() - current + wanted;
        let limit = world.options.account_concurrency;
        if wanted > 0 && limit.saturating_sub(total) < LEAST_UNRESERVED {
            return Err(ApiError::invalid(format!(
                "Specified ReservedConcurrentExecutions for function decreases account's \
                 UnreservedConcurrentExecution below its minimum value of [{LEAST_UNRESERVED}]."
            )));
        }
        self.function(&target.function, world)?.reserved = Some(wanted);
        Ok(Reply::json(
            200,
            &json!({ "ReservedConcurrentExecutions": wanted }),
        ))
    }

    /// Keeps a call, under the next number.
    pub fn record(&mut self, call: CallRecord) {
        if self.calls.len() == CALLS_KEPT {
            self.calls.pop_front();
        }
        self.calls_seen += 1;
        self.calls.push_back(CallRecord {
            number: self.calls_seen,
            ..call
        });
    }
}
