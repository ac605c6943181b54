//! Lambda's control plane: functions and their versions.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_lambda::config::{ConfigBag, Intercept, Region, RuntimeComponents};
use aws_sdk_lambda::error::{BoxError, ProvideErrorMetadata};
use aws_sdk_lambda::types::FunctionConfiguration;
use power_tuner_core::configuration::Configuration;
use power_tuner_core::function::{FunctionArn, region_in};
use power_tuner_core::measurement::Version;
use power_tuner_core::role::{RoleArn, session_name};
use power_tuner_core::{MemoryMb, TuneError};
use serde_json::Value;

use crate::assumed::Assumed;
use crate::client::{self, Shared};
use crate::failure::{Asked, WriteError};
use crate::paced;
use crate::wire::Wire;

/// Lambda, as the tuner uses it. A function's ARN says in which region it is called; a name alone is one of the
/// tuner's own.
#[derive(Clone, Debug)]
pub struct LambdaApi {
    pub(crate) control: Client,
    pub(crate) shared: Shared,
    /// The role that calls are made under, if not the tuner's own.
    pub(crate) assumed: Option<Arc<Assumed>>,
    /// The role that was asked for last: what is called again may go on with its credentials.
    last: Arc<Mutex<Option<Arc<Assumed>>>>,
}

/// A published version, as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow {
    pub version: Version,
    pub description: String,
}

/// How the deletion of a version ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    Deleted,
    /// It was not there (any more).
    Gone,
    /// An alias points at it: somebody uses it now.
    Adopted,
}

impl LambdaApi {
    #[must_use]
    pub fn from_env() -> Self {
        Self::new(client::from_env(), Some(paced::rate()))
    }

    /// A Lambda service on this machine, such as a simulated one.
    #[must_use]
    pub fn local(endpoint: &str) -> Self {
        Self::new(client::local(endpoint), None)
    }

    /// The same, asked no more often than so many times a second; calls of functions do not count.
    #[must_use]
    pub fn local_at_pace(endpoint: &str, per_s: f64) -> Self {
        Self::new(client::local(endpoint), Some(per_s))
    }

    /// Somebody in this process who plays AWS.
    pub fn through(wire: Arc<dyn Wire>) -> Self {
        Self::through_at_pace(wire, None)
    }

    /// The same, asked no more often than so many times a second.
    pub fn through_at_pace(wire: Arc<dyn Wire>, per_s: Option<f64>) -> Self {
        let api = Self::new(client::through(wire), per_s);
        let config = api.control.config().to_builder();
        Self {
            control: Client::from_conf(config.retry_partition(client::own_retries()).build()),
            ..api
        }
    }

    fn new(shared: Shared, per_s: Option<f64>) -> Self {
        Self {
            control: Client::from_conf(control(&shared, per_s)),
            shared,
            assumed: None,
            last: Arc::default(),
        }
    }

    /// For calls of a target: under this role, assumed on behalf of an execution, or as before where there is none.
    /// Nothing is asked before the first call.
    #[must_use]
    pub fn of_target(&self, role: Option<&RoleArn>, execution: &str) -> Self {
        let Some(role) = role else {
            return self.clone();
        };
        let session = session_name(execution);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let assumed = match &*last {
            Some(assumed) if assumed.is(role, &session) => Arc::clone(assumed),
            _ => Arc::new(Assumed::new(&self.shared.config, role.clone(), session)),
        };
        *last = Some(Arc::clone(&assumed));
        Self {
            control: assumed.sign(&self.control),
            assumed: Some(assumed),
            ..self.clone()
        }
    }

    pub(crate) fn asked<'a>(
        &'a self,
        action: &'static str,
        resource: &'a (dyn Display + Sync),
    ) -> Asked<'a> {
        Asked {
            role: self.assumed.as_deref().map(Assumed::role),
            ..Asked::of(action, resource)
        }
    }

    /// For the control plane of the region that a function is in.
    pub(crate) fn control(&self, function: &FunctionArn) -> Client {
        in_region(&self.control, Some(function.region()))
    }

    /// The configuration of `$LATEST`, or of a version where `function` is qualified.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn configuration(&self, function: &str) -> Result<Configuration, TuneError> {
        let asked = self.asked("lambda:GetFunctionConfiguration", &function);
        let answer = Answer::default();
        in_region(&self.control, region_in(function))
            .get_function_configuration()
            .function_name(function)
            .customize()
            .interceptor(answer.clone())
            .send()
            .await
            .map_err(|error| asked.failed(&error))?;
        answer.read(&function)
    }

    /// Asks for another memory size; it takes effect a moment later.
    ///
    /// # Errors
    ///
    /// `revision` is not the function's any more, or what else AWS says.
    pub async fn update_memory(
        &self,
        function: &FunctionArn,
        memory: MemoryMb,
        revision: &str,
        longest: Duration,
    ) -> Result<(), WriteError> {
        let asked = self.asked("lambda:UpdateFunctionConfiguration", function);
        // Memory and nothing else: a function with a blocked runtime accepts that.
        self.control(function)
            .update_function_configuration()
            .function_name(function.to_string())
            .memory_size(signed(memory))
            .revision_id(revision)
            .customize()
            .config_override(client::within(longest))
            .send()
            .await
            .map(drop)
            .map_err(|error| asked.memory_not_written(&error, memory))
    }

    /// Publishes `$LATEST`, with another description. Where nothing changed since the last version AWS returns that one, with its own description.
    ///
    /// # Errors
    ///
    /// `revision` or `code_sha256` are not the function's any more, or what else AWS says.
    pub async fn publish(
        &self,
        function: &FunctionArn,
        description: &str,
        revision: &str,
        code_sha256: &str,
        longest: Duration,
    ) -> Result<Configuration, WriteError> {
        let asked = self.asked("lambda:PublishVersion", function);
        let answer = Answer::default();
        self.control(function)
            .publish_version()
            .function_name(function.to_string())
            .description(description)
            .revision_id(revision)
            .code_sha256(code_sha256)
            .customize()
            .interceptor(answer.clone())
            .config_override(client::within(longest))
            .send()
            .await
            .map_err(|error| match error.code() {
                // Other code than expected.
                Some("InvalidParameterValueException") => WriteError::Unclear(asked.failed(&error)),
                _ => asked.not_written(&error),
            })?;
        answer.read(function).map_err(WriteError::Unclear)
    }

    /// All published versions.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn versions(&self, function: &FunctionArn) -> Result<Vec<VersionRow>, TuneError> {
        let asked = self.asked("lambda:ListVersionsByFunction", function);
        let control = self.control(function);
        let mut rows = Vec::new();
        let mut marker = None;
        loop {
            let page = control
                .list_versions_by_function()
                .function_name(function.to_string())
                .set_marker(marker)
                .send()
                .await
                .map_err(|error| asked.failed(&error))?;
            rows.extend(
                page.versions
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(row),
            );
            marker = page.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Deletes one version, and never the function: the name that is sent always has a number.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn delete_version(
        &self,
        function: &FunctionArn,
        version: &Version,
        longest: Duration,
    ) -> Result<Deletion, WriteError> {
        let name = format!("{function}:{}", version.number);
        let asked = self.asked("lambda:DeleteFunction", &name);
        let sent = self
            .control(function)
            .delete_function()
            .function_name(&name)
            .customize()
            .config_override(client::within(longest))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Deletion::Deleted),
            Err(error) => match error.code() {
                Some("ResourceNotFoundException") => Ok(Deletion::Gone),
                // Other conflicts pass: a version that is still pending, an update in progress.
                Some("ResourceConflictException") if names_aliases(error.message()) => {
                    Ok(Deletion::Adopted)
                }
                _ => Err(asked.not_written(&error)),
            },
        }
    }

    /// How many calls of the function may run at once, where that is limited for it alone.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn reserved_concurrency(
        &self,
        function: &FunctionArn,
    ) -> Result<Option<u32>, TuneError> {
        let asked = self.asked("lambda:GetFunctionConcurrency", function);
        let output = self
            .control(function)
            .get_function_concurrency()
            .function_name(function.to_string())
            .send()
            .await
            .map_err(|error| asked.failed(&error))?;
        Ok(output
            .reserved_concurrent_executions
            .and_then(|reserved| u32::try_from(reserved).ok()))
    }
}

/// Lambda takes calls for a function only in the function's own region. Connections and credentials are shared.
pub(crate) fn in_region(client: &Client, region: Option<&str>) -> Client {
    match region {
        Some(region)
            if client
                .config()
                .region()
                .is_none_or(|own| own.as_ref() != region) =>
        {
            let region = Region::new(region.to_owned());
            Client::from_conf(client.config().to_builder().region(region).build())
        }
        _ => client.clone(),
    }
}

fn control(shared: &Shared, per_s: Option<f64>) -> aws_sdk_lambda::Config {
    let config = aws_sdk_lambda::config::Builder::from(&shared.config);
    match per_s {
        Some(per_s) => {
            let paced = paced::connector(shared.connector.clone(), per_s);
            config.http_client(power_tuner_https::client(paced)).build()
        }
        None => config.build(),
    }
}

/// "Unable to delete version because the following aliases reference it: [live]"
fn names_aliases(message: Option<&str>) -> bool {
    message.is_some_and(|message| message.contains("aliases"))
}

fn signed(memory: MemoryMb) -> i32 {
    // Sizes end at 10,240.
    i32::try_from(memory.get()).unwrap_or(i32::MAX)
}

fn row(listed: FunctionConfiguration) -> Option<VersionRow> {
    let memory = u32::try_from(listed.memory_size?).ok()?;
    Some(VersionRow {
        version: Version {
            memory: MemoryMb::try_from(memory).ok()?,
            number: listed.version.filter(|version| version != "$LATEST")?,
        },
        description: listed.description.unwrap_or_default(),
    })
}

/// The text of an answer, beside what the SDK makes of it: a setting that the SDK does not know yet must not go
/// unnoticed when two configurations are compared.
#[derive(Clone, Debug, Default)]
struct Answer(Arc<Mutex<Option<Value>>>);

impl Answer {
    fn read(&self, of: &dyn Display) -> Result<Configuration, TuneError> {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Configuration::read(&text.unwrap_or_default()).map_err(|error| TuneError::PublishFailed {
            function: of.to_string(),
            detail: format!("AWS described it in a form that is not known: {error}"),
        })
    }
}

impl Intercept for Answer {
    fn name(&self) -> &'static str {
        "Answer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let bytes = context.response().body().bytes().unwrap_or_default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = serde_json::from_slice(bytes).ok();
        Ok(())
    }
}
