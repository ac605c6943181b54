//! Lambda's control plane.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::StalledStreamProtectionConfig;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::operation::publish_version::PublishVersionOutput;
use aws_sdk_lambda::operation::update_function_configuration::UpdateFunctionConfigurationOutput;
use aws_sdk_lambda::types;
use power_tuner_core::function::FunctionArn;
use power_tuner_core::measurement::Version;
use power_tuner_core::plan::{Architecture, Configuration, LastUpdate, State};
use power_tuner_core::{MemoryMb, TuneError};

use crate::client;
use crate::failure::Asked;

/// Lambda, as the tuner uses it.
#[derive(Clone, Debug)]
pub struct LambdaApi {
    control: Client,
    pub(crate) measured: Client,
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

/// The control plane answers within a second or two; the SDK would wait for ever.
const LONGEST_ANSWER: Duration = Duration::from_secs(15);
const CONTROL_ATTEMPTS: u32 = 6;

impl LambdaApi {
    pub async fn from_env() -> Self {
        Self::new(&client::from_env().await)
    }

    /// A Lambda service on this machine, such as a simulated one.
    pub async fn local(endpoint: &str) -> Self {
        Self::new(&client::local(endpoint).await)
    }

    fn new(shared: &SdkConfig) -> Self {
        let measured = aws_sdk_lambda::config::Builder::from(shared)
            // A retry would run the user's function twice and hide the throttle.
            .retry_config(RetryConfig::disabled())
            // A function may be silent for 15 minutes before its response's first byte.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        let control = aws_sdk_lambda::config::Builder::from(shared)
            // Everybody in the account shares 15 requests a second, so being throttled is nothing unusual.
            .retry_config(RetryConfig::standard().with_max_attempts(CONTROL_ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(LONGEST_ANSWER)
                    .build(),
            )
            .build();
        Self {
            control: Client::from_conf(control),
            measured: Client::from_conf(measured),
        }
    }

    /// The configuration of `$LATEST`, or of a version where `function` is qualified.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn configuration(&self, function: &str) -> Result<Configuration, TuneError> {
        let asked = Asked::of("lambda:GetFunctionConfiguration", &function);
        let output = self
            .control
            .get_function_configuration()
            .function_name(function)
            .send()
            .await
            .map_err(|error| asked.failed(&error))?;
        Parts::from(output).read(function)
    }

    /// Asks for another memory size; it takes effect a moment later.
    ///
    /// # Errors
    ///
    /// [`TuneError::FunctionChanged`] where `revision` is not the function's any more; else what AWS says.
    pub async fn update_memory(
        &self,
        function: &FunctionArn,
        memory: MemoryMb,
        revision: &str,
    ) -> Result<Configuration, TuneError> {
        let asked = Asked::on("lambda:UpdateFunctionConfiguration", function);
        // Memory and nothing else: a function with a blocked runtime accepts that.
        let output = self
            .control
            .update_function_configuration()
            .function_name(function.to_string())
            .memory_size(signed(memory))
            .revision_id(revision)
            .send()
            .await
            .map_err(|error| asked.failed(&error))?;
        Parts::from(output).read(function)
    }

    /// Publishes `$LATEST`. Where nothing changed since the last version AWS returns that one, with its own description.
    ///
    /// # Errors
    ///
    /// [`TuneError::FunctionChanged`] where `revision` or `code_sha256` are not the function's any more; else what AWS
    /// says.
    pub async fn publish(
        &self,
        function: &FunctionArn,
        description: &str,
        revision: &str,
        code_sha256: &str,
    ) -> Result<Configuration, TuneError> {
        let asked = Asked::on("lambda:PublishVersion", function);
        let output = self
            .control
            .publish_version()
            .function_name(function.to_string())
            .description(description)
            .revision_id(revision)
            .code_sha256(code_sha256)
            .send()
            .await
            .map_err(|error| asked.failed(&error))?;
        Parts::from(output).read(function)
    }

    /// All published versions.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn versions(&self, function: &FunctionArn) -> Result<Vec<VersionRow>, TuneError> {
        let asked = Asked::on("lambda:ListVersionsByFunction", function);
        let mut rows = Vec::new();
        let mut marker = None;
        loop {
            let page = self
                .control
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
    ) -> Result<Deletion, TuneError> {
        let name = format!("{function}:{}", version.number);
        let asked = Asked::of("lambda:DeleteFunction", &name);
        let sent = self
            .control
            .delete_function()
            .function_name(&name)
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
                _ => Err(asked.failed(&error)),
            },
        }
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

fn row(listed: types::FunctionConfiguration) -> Option<VersionRow> {
    Some(VersionRow {
        version: Version {
            memory: memory(listed.memory_size)?,
            number: listed.version.filter(|version| version != "$LATEST")?,
        },
        description: listed.description.unwrap_or_default(),
    })
}

fn memory(mb: Option<i32>) -> Option<MemoryMb> {
    MemoryMb::try_from(u32::try_from(mb?).ok()?).ok()
}

/// The fields that the outputs of three operations share without sharing a type.
struct Parts {
    function_arn: Option<String>,
    version: Option<String>,
    description: Option<String>,
    memory_size: Option<i32>,
    timeout: Option<i32>,
    architectures: Option<Vec<types::Architecture>>,
    code_sha256: Option<String>,
    revision_id: Option<String>,
    state: Option<types::State>,
    state_reason: Option<String>,
    last_update: Option<types::LastUpdateStatus>,
    last_update_reason: Option<String>,
}

macro_rules! parts_from {
    ($($output:ty),+) => {$(
        impl From<$output> for Parts {
            fn from(output: $output) -> Self {
                Self {
                    function_arn: output.function_arn,
                    version: output.version,
                    description: output.description,
                    memory_size: output.memory_size,
                    timeout: output.timeout,
                    architectures: output.architectures,
                    code_sha256: output.code_sha256,
                    revision_id: output.revision_id,
                    state: output.state,
                    state_reason: output.state_reason,
                    last_update: output.last_update_status,
                    last_update_reason: output.last_update_status_reason,
                }
            }
        }
    )+};
}

parts_from!(
    GetFunctionConfigurationOutput,
    UpdateFunctionConfigurationOutput,
    PublishVersionOutput
);

impl Parts {
    fn read(self, asked_for: impl std::fmt::Display) -> Result<Configuration, TuneError> {
        let missing = |what: &str| TuneError::PublishFailed {
            function: asked_for.to_string(),
            detail: format!("AWS described it without {what}"),
        };
        let function = FunctionArn::try_from(self.function_arn.unwrap_or_default())
            .map_err(|_| missing("its ARN"))?;
        Ok(Configuration {
            function,
            version: self.version.ok_or_else(|| missing("its version"))?,
            description: self.description.unwrap_or_default(),
            memory: memory(self.memory_size).ok_or_else(|| missing("a memory size"))?,
            timeout_s: self
                .timeout
                .and_then(|timeout| u32::try_from(timeout).ok())
                .ok_or_else(|| missing("a timeout"))?,
            architecture: architecture(self.architectures.as_deref())
                .ok_or_else(|| missing("a known architecture"))?,
            code_sha256: self.code_sha256.ok_or_else(|| missing("its code's hash"))?,
            revision_id: self.revision_id.ok_or_else(|| missing("its revision"))?,
            state: state(self.state.as_ref(), self.state_reason),
            last_update: last_update(self.last_update.as_ref(), self.last_update_reason),
        })
    }
}

fn architecture(all: Option<&[types::Architecture]>) -> Option<Architecture> {
    match all.and_then(|all| all.first()) {
        // What Lambda leaves out is what it was before there was a choice.
        None | Some(types::Architecture::X8664) => Some(Architecture::X86_64),
        Some(types::Architecture::Arm64) => Some(Architecture::Arm64),
        Some(_) => None,
    }
}

fn state(state: Option<&types::State>, reason: Option<String>) -> State {
    match state {
        Some(types::State::Pending) => State::Pending,
        Some(types::State::Inactive) => State::Inactive,
        Some(types::State::Failed) => State::Failed(reason.unwrap_or_default()),
        _ => State::Active,
    }
}

fn last_update(status: Option<&types::LastUpdateStatus>, reason: Option<String>) -> LastUpdate {
    match status {
        Some(types::LastUpdateStatus::InProgress) => LastUpdate::InProgress,
        Some(types::LastUpdateStatus::Failed) => LastUpdate::Failed(reason.unwrap_or_default()),
        _ => LastUpdate::Successful,
    }
}
