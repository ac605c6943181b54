//! What the service keeps of a function: configurations, versions, aliases, and the changes under way.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::clock::{Clock, Millis};
use crate::ids::Ids;
use crate::names::{LATEST, Place};
use crate::spec::{FunctionSpec, LogFormat};

/// Everything that a user sets, which is what a version freezes. States and ids are not part of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Configuration {
    pub function_name: String,
    pub runtime: String,
    pub role: String,
    pub handler: String,
    pub code_size: u64,
    pub code_sha256: String,
    pub description: String,
    pub timeout: u32,
    pub memory_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    pub tracing_config: TracingConfig,
    pub package_type: String,
    pub architectures: Vec<String>,
    pub ephemeral_storage: EphemeralStorage,
    pub logging_config: LoggingConfig,
    pub snap_start: SnapStart,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_provider_config: Option<CapacityProviderConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub durable_config: Option<DurableConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenancy_config: Option<TenancyConfig>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Environment {
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct TracingConfig {
    pub mode: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct EphemeralStorage {
    pub size: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LoggingConfig {
    pub log_format: String,
    pub log_group: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SnapStart {
    pub apply_on: String,
    pub optimization_status: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CapacityProviderConfig {
    pub lambda_managed_instances_capacity_provider_config: ManagedInstances,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ManagedInstances {
    pub capacity_provider_arn: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DurableConfig {
    pub execution_timeout: u32,
    pub retention_period_in_days: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TenancyConfig {
    pub tenant_isolation_mode: String,
}

/// `$LATEST` or a published version.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    /// `RevisionId`.
    pub id: String,
    pub configuration: Configuration,
    /// What calls still run with until an update of `$LATEST` is through.
    pub serving: Option<Configuration>,
    pub last_modified: String,
    pub state: State,
    /// What is said about a state that came later than the beginning.
    pub state_reason: Option<StateReason>,
    pub last_update: UpdateStatus,
    pub change: Option<Change>,
    /// What `$LATEST` was when this version was published; its description may differ from the version's.
    pub published_from: Option<Configuration>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum State {
    Pending,
    Active,
    Inactive,
    Failed,
}

/// `StateReason` and `StateReasonCode`.
#[derive(Clone, Debug)]
pub(crate) struct StateReason {
    pub text: String,
    pub code: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum UpdateStatus {
    InProgress,
    Successful,
    Failed,
}

/// A change that the service has accepted and not finished.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub due: Millis,
    /// Where time never waits, a change is over once it has been seen this often.
    pub looks_left: u32,
    pub fails: bool,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Failed => "Failed",
        }
    }
}

impl UpdateStatus {
    fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
        }
    }
}

impl Configuration {
    pub fn of(spec: &FunctionSpec, place: &Place) -> Self {
        let environment = Environment {
            variables: spec.environment.clone(),
        };
        Self {
            function_name: spec.name.clone(),
            runtime: spec.runtime.clone(),
            role: format!("arn:aws:iam::{}:role/{}", place.account, spec.name),
            handler: spec.handler.clone(),
            code_size: 1024,
            code_sha256: code_sha256(spec.name.as_bytes()),
            description: spec.description.clone(),
            timeout: spec.timeout_s,
            memory_size: spec.memory_mb,
            // AWS leaves the field out until variables have been set once.
            environment: (!spec.environment.is_empty()).then_some(environment),
            tracing_config: TracingConfig {
                mode: "PassThrough".to_owned(),
            },
            package_type: "Zip".to_owned(),
            architectures: vec![spec.architecture.clone()],
            ephemeral_storage: EphemeralStorage { size: 512 },
            logging_config: LoggingConfig {
                log_format: if spec.log_format == LogFormat::Json {
                    "JSON"
                } else {
                    "Text"
                }
                .to_owned(),
                log_group: format!("/aws/lambda/{}", spec.name),
            },
            snap_start: SnapStart {
                apply_on: if spec.snap_start.is_some() {
                    "PublishedVersions"
                } else {
                    "None"
                }
                .to_owned(),
                optimization_status: "Off".to_owned(),
            },
            capacity_provider_config: spec.capacity_provider.clone().map(|arn| {
                CapacityProviderConfig {
                    lambda_managed_instances_capacity_provider_config: ManagedInstances {
                        capacity_provider_arn: arn,
                    },
                }
            }),
            durable_config: spec.durable.as_ref().map(|durable| DurableConfig {
                execution_timeout: durable.execution_timeout,
                retention_period_in_days: durable.retention_period_in_days,
            }),
            tenancy_config: spec.tenant_isolation.then(|| TenancyConfig {
                tenant_isolation_mode: "PER_TENANT".to_owned(),
            }),
        }
    }

    pub fn log_format(&self) -> LogFormat {
        if self.logging_config.log_format == "JSON" {
            LogFormat::Json
        } else {
            LogFormat::Text
        }
    }

    pub fn snap_start_is_on(&self) -> bool {
        self.snap_start.apply_on == "PublishedVersions"
    }

    pub fn has_a_snapshot(&self) -> bool {
        self.snap_start.optimization_status == "On"
    }
}

pub(crate) fn code_sha256(code: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(code))
}

impl Revision {
    pub fn new(configuration: Configuration, clock: &Clock, ids: &Ids) -> Self {
        Self {
            configuration,
            serving: None,
            id: ids.next(),
            last_modified: clock.last_modified(),
            state: State::Active,
            state_reason: None,
            last_update: UpdateStatus::Successful,
            change: None,
            published_from: None,
        }
    }

    /// The configuration that a call runs with now.
    pub fn effective(&self) -> &Configuration {
        self.serving.as_ref().unwrap_or(&self.configuration)
    }

    pub fn update_is_in_progress(&self) -> bool {
        self.last_update == UpdateStatus::InProgress
    }

    /// Somebody has seen that a change is not finished.
    pub fn look(&mut self) {
        if let Some(change) = &mut self.change {
            change.looks_left = change.looks_left.saturating_sub(1);
        }
    }

    /// Finishes a change that is due. AWS gives `$LATEST` a new `RevisionId` then, so one from before is stale; a
    /// version keeps its own.
    pub fn settle(&mut self, clock: &Clock, ids: &Ids) {
        let Some(change) = self.change.take_if(|change| {
            if clock.never_waits() {
                change.looks_left == 0
            } else {
                clock.now() >= change.due
            }
        }) else {
            return;
        };
        if self.published_from.is_none() {
            self.id = ids.next();
        }
        if self.state == State::Pending {
            self.state = if change.fails {
                State::Failed
            } else {
                State::Active
            };
        }
        if self.update_is_in_progress() {
            self.last_update = if change.fails {
                UpdateStatus::Failed
            } else {
                UpdateStatus::Successful
            };
        }
        if !change.fails {
            self.serving = None;
        }
    }

    /// As a row of `ListVersionsByFunction`, which has no states.
    pub fn row(&self, place: &Place, version: &str, arn_qualifier: Option<&str>) -> Value {
        let name = &self.configuration.function_name;
        let mut row = json!(self.configuration);
        row["FunctionArn"] = match arn_qualifier {
            Some(qualifier) => json!(place.qualified_arn(name, qualifier)),
            None => json!(place.arn(name)),
        };
        row["Version"] = json!(version);
        row["RevisionId"] = json!(self.id);
        row["LastModified"] = json!(self.last_modified);
        row
    }

    /// As `GetFunctionConfiguration` and its like show it.
    pub fn full(&self, place: &Place, version: &str, arn_qualifier: Option<&str>) -> Value {
        let mut full = self.row(place, version, arn_qualifier);
        full["State"] = json!(self.state.name());
        if self.state != State::Active {
            let (reason, code) = match (&self.state_reason, self.state) {
                (Some(reason), _) => (reason.text.as_str(), reason.code),
                (None, State::Failed) => ("The function could not be created.", "InternalError"),
                (None, _) => ("The function is being created.", "Creating"),
            };
            full["StateReason"] = json!(reason);
            full["StateReasonCode"] = json!(code);
        }
        // A version that is being created has had no update yet.
        if version == LATEST || matches!(self.state, State::Active | State::Inactive) {
            full["LastUpdateStatus"] = json!(self.last_update.name());
        }
        if self.last_update != UpdateStatus::Successful {
            let (reason, code) = match self.last_update {
                UpdateStatus::Failed => ("The update failed.", "InternalError"),
                _ => ("The function is being created.", "Creating"),
            };
            full["LastUpdateStatusReason"] = json!(reason);
            full["LastUpdateStatusReasonCode"] = json!(code);
        }
        full
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Alias {
    pub name: String,
    pub version: String,
    pub description: String,
    pub weights: BTreeMap<String, f64>,
    pub revision_id: String,
}

impl Alias {
    pub fn points_at(&self, version: &str) -> bool {
        self.version == version || self.weights.contains_key(version)
    }

    pub fn view(&self, place: &Place, function: &str) -> Value {
        let mut view = json!({
            "AliasArn": place.qualified_arn(function, &self.name),
            "Name": self.name,
            "FunctionVersion": self.version,
            "Description": self.description,
            "RevisionId": self.revision_id,
        });
        if !self.weights.is_empty() {
            view["RoutingConfig"] = json!({ "AdditionalVersionWeights": self.weights });
        }
        view
    }
}
