//! The calls that the service knows, as values.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{Environment, EphemeralStorage, TracingConfig};
use crate::names::Target;
use crate::s3::{GetObject, PutObject};
use crate::step_functions::Question;

/// One request, read and understood.
#[derive(Debug)]
pub(crate) struct Call {
    pub request_id: String,
    pub action: &'static str,
    pub target: Option<Target>,
    pub operation: Operation,
    /// What its body has, by name; an event to call a function with has none.
    pub members: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Operation {
    GetFunctionConfiguration,
    UpdateFunctionConfiguration(Box<ConfigurationChange>),
    UpdateFunctionCode(CodeChange),
    PublishVersion(Publication),
    ListVersionsByFunction(Page),
    DeleteFunction,
    CreateAlias(NewAlias),
    GetAlias(String),
    UpdateAlias(String, AliasChange),
    DeleteAlias(String),
    ListAliases { version: Option<String>, page: Page },
    PutFunctionConcurrency(Concurrency),
    GetFunctionConcurrency,
    DeleteFunctionConcurrency,
    GetAccountSettings,
    Invoke(Invocation),
    StepFunctions(Question),
    GetObject(GetObject),
    PutObject(PutObject),
}

impl Operation {
    /// Whether it counts for the rate that Lambda's APIs have together.
    pub fn is_control_plane(&self) -> bool {
        !matches!(
            self,
            Self::Invoke(_) | Self::StepFunctions(_) | Self::GetObject(_) | Self::PutObject(_)
        )
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(crate) struct ConfigurationChange {
    pub revision_id: Option<String>,
    pub memory_size: Option<u32>,
    pub timeout: Option<u32>,
    pub description: Option<String>,
    pub handler: Option<String>,
    pub runtime: Option<String>,
    pub role: Option<String>,
    pub environment: Option<Environment>,
    pub ephemeral_storage: Option<EphemeralStorage>,
    pub tracing_config: Option<TracingConfig>,
    pub logging_config: Option<LoggingChange>,
    pub snap_start: Option<SnapStartChange>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(crate) struct LoggingChange {
    pub log_format: Option<String>,
    pub log_group: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct SnapStartChange {
    pub apply_on: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(crate) struct CodeChange {
    pub revision_id: Option<String>,
    pub zip_file: Option<String>,
    pub s3_bucket: Option<String>,
    pub s3_key: Option<String>,
    pub architectures: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(crate) struct Publication {
    pub revision_id: Option<String>,
    pub code_sha256: Option<String>,
    pub description: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct NewAlias {
    pub name: String,
    pub function_version: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub routing_config: Routing,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(crate) struct AliasChange {
    pub revision_id: Option<String>,
    pub function_version: Option<String>,
    pub description: Option<String>,
    pub routing_config: Option<Routing>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(crate) struct Routing {
    pub additional_version_weights: BTreeMap<String, f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Concurrency {
    pub reserved_concurrent_executions: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Page {
    pub marker: Option<String>,
    pub max_items: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Invocation {
    pub dry_run: bool,
    pub tail: bool,
    pub payload: Vec<u8>,
}

/// What is sent back: a status, headers and a body.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
        }
    }

    pub fn empty(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}
