//! A function's configuration as AWS shows it: what the tuner reads of it, and a fingerprint of everything that its
//! owner sets.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::function::FunctionArn;
use crate::memory::MemoryMb;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    pub function: FunctionArn,
    /// `$LATEST` or a number.
    pub version: String,
    pub description: String,
    pub memory: MemoryMb,
    pub timeout_s: u32,
    /// Of `/tmp`.
    pub ephemeral_mb: u32,
    pub architecture: Architecture,
    pub code_sha256: String,
    pub revision_id: String,
    pub state: State,
    pub last_update: LastUpdate,
    pub kind: Kind,
    pub settings: Settings,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    Arm64,
    #[serde(rename = "x86_64")]
    X86_64,
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Active,
    /// Idle for long; its next call fails, and brings it back.
    Inactive,
    Failed(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastUpdate {
    InProgress,
    Successful,
    Failed(String),
}

/// What is not priced, called or reported like an ordinary function is not tuned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ordinary,
    ManagedInstances,
    Durable,
    TenantIsolated,
}

/// The answer of `GetFunctionConfiguration`, `UpdateFunctionConfiguration` and `PublishVersion`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    function_arn: FunctionArn,
    version: String,
    #[serde(default)]
    description: String,
    memory_size: MemoryMb,
    timeout: u32,
    ephemeral_storage: Option<EphemeralStorage>,
    /// What Lambda leaves out is what it was before there was a choice.
    architectures: Option<Vec<Architecture>>,
    code_sha256: String,
    revision_id: String,
    state: Option<String>,
    #[serde(default)]
    state_reason: String,
    last_update_status: Option<String>,
    #[serde(default)]
    last_update_status_reason: String,
    capacity_provider_config: Option<Value>,
    durable_config: Option<Value>,
    tenancy_config: Option<Value>,
}

/// What each function has in `/tmp`, and nobody pays for.
pub const FREE_EPHEMERAL_MB: u32 = 512;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EphemeralStorage {
    size: u32,
}

impl Configuration {
    /// Reads what AWS shows of a function or of one of its versions.
    ///
    /// # Errors
    ///
    /// What is missing of it, or has a form that is not known.
    pub fn read(shown: &Value) -> Result<Self, String> {
        let settings = Settings::of(shown.as_object().ok_or("it is no JSON object")?);
        let shown = Shown::deserialize(shown).map_err(|error| error.to_string())?;
        let architecture = shown
            .architectures
            .and_then(|all| all.first().copied())
            .unwrap_or(Architecture::X86_64);
        Ok(Self {
            function: shown.function_arn,
            version: shown.version,
            description: shown.description,
            memory: shown.memory_size,
            timeout_s: shown.timeout,
            ephemeral_mb: shown
                .ephemeral_storage
                .map_or(FREE_EPHEMERAL_MB, |storage| storage.size),
            architecture,
            code_sha256: shown.code_sha256,
            revision_id: shown.revision_id,
            state: match shown.state.as_deref() {
                Some("Pending") => State::Pending,
                Some("Inactive") => State::Inactive,
                Some("Failed") => State::Failed(shown.state_reason),
                _ => State::Active,
            },
            last_update: match shown.last_update_status.as_deref() {
                Some("InProgress") => LastUpdate::InProgress,
                Some("Failed") => LastUpdate::Failed(shown.last_update_status_reason),
                _ => LastUpdate::Successful,
            },
            kind: if shown.capacity_provider_config.is_some() {
                Kind::ManagedInstances
            } else if shown.durable_config.is_some() {
                Kind::Durable
            } else if shown.tenancy_config.is_some() {
                Kind::TenantIsolated
            } else {
                Kind::Ordinary
            },
            settings,
        })
    }
}

/// All that a function's owner sets, except the memory size, as a short hash for each field: enough to say later
/// whether somebody changed it, and what. Values may be large, and secret; 32 bits of a hash tell a change, and do not
/// tell a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Settings(BTreeMap<String, String>);

/// Fields that say which version this is, or that AWS changes by itself: after an update, or a new runtime of its own.
const NOT_SET_BY_THE_OWNER: [&str; 12] = [
    "ConfigSha256",
    "FunctionArn",
    "LastModified",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "RevisionId",
    "RuntimeVersionConfig",
    "State",
    "StateReason",
    "StateReasonCode",
    "Version",
];
/// Parts of fields that are not set by the owner either: what the reader's role may not decrypt, how far AWS is with a
/// snapshot, and which network the subnets are in.
const PARTS_NOT_SET_BY_THE_OWNER: [(&str, &str); 4] = [
    ("Environment", "Error"),
    ("ImageConfigResponse", "Error"),
    ("SnapStart", "OptimizationStatus"),
    ("VpcConfig", "VpcId"),
];
/// Is the only setting that the tuner changes.
const MEMORY: &str = "MemorySize";
/// Each version has its own, and names its function.
const OF_A_VERSION: [&str; 2] = ["Description", "MasterArn"];

impl Settings {
    fn of(shown: &Map<String, Value>) -> Self {
        let hashes = shown
            .iter()
            .filter(|(field, _)| {
                field.as_str() != MEMORY && !NOT_SET_BY_THE_OWNER.contains(&field.as_str())
            })
            .filter_map(|(field, value)| Some((field.clone(), hash(&canonical(field, value)?))));
        Self(hashes.collect())
    }

    /// The fields in which two configurations of `$LATEST` differ.
    #[must_use]
    pub fn differences<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let mut fields: Vec<&str> = self
            .0
            .keys()
            .chain(other.0.keys())
            .map(String::as_str)
            .filter(|field| self.0.get(*field) != other.0.get(*field))
            .collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// The fields in which `$LATEST` differs from one of its versions, beyond what is each version's own.
    #[must_use]
    pub fn differences_from_version<'a>(&'a self, version: &'a Self) -> Vec<&'a str> {
        let mut fields = self.differences(version);
        fields.retain(|field| !OF_A_VERSION.contains(field));
        fields
    }
}

/// The same for values that mean the same; `None` where nothing is set.
fn canonical(field: &str, value: &Value) -> Option<Value> {
    let mut value = value.clone();
    if let Value::Object(parts) = &mut value {
        parts.retain(|part, value| {
            !PARTS_NOT_SET_BY_THE_OWNER.contains(&(field, part.as_str())) && !is_empty(value)
        });
        // In which order AWS gives subnets and security groups is nobody's choice.
        let lists = parts.values_mut().filter(|_| field == "VpcConfig");
        for list in lists.filter_map(Value::as_array_mut) {
            list.sort_by_key(Value::to_string);
        }
    }
    (!is_empty(&value)).then_some(value)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn hash(value: &Value) -> String {
    let digest: [u8; 32] = Sha256::digest(value.to_string()).into();
    let [a, b, c, d, ..] = digest;
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// An ordinary function's configuration, with some fields replaced.
    pub(crate) fn shown(fields: Value) -> Value {
        let mut shown = json!({
            "FunctionName": "f",
            "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
            "Version": "$LATEST",
            "Description": "",
            "Runtime": "python3.13",
            "MemorySize": 512,
            "Timeout": 3,
            "Architectures": ["x86_64"],
            "CodeSha256": "sha",
            "RevisionId": "revision",
            "LastModified": "2026-01-01T00:00:00.000+0000",
            "Environment": {"Variables": {"STAGE": "live"}},
            "VpcConfig": {"SubnetIds": ["a", "b"], "SecurityGroupIds": []},
            "State": "Active",
            "LastUpdateStatus": "Successful",
        });
        if let (Some(shown), Value::Object(fields)) = (shown.as_object_mut(), fields) {
            shown.extend(fields);
        }
        shown
    }

    pub(crate) fn configuration(fields: Value) -> Configuration {
        Configuration::read(&shown(fields)).expect("a configuration")
    }

    #[test]
    fn a_configuration_is_read() {
        let read = configuration(
            json!({"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no role"}),
        );
        assert_eq!(read.memory.get(), 512);
        assert_eq!(read.ephemeral_mb, 512, "what is not shown is what each has");
        let large = configuration(json!({"EphemeralStorage": {"Size": 2048}}));
        assert_eq!(large.ephemeral_mb, 2048);
        assert_eq!(read.architecture, Architecture::X86_64);
        assert_eq!(read.last_update, LastUpdate::Failed("no role".to_owned()));
        assert_eq!(read.kind, Kind::Ordinary);
    }

    #[test]
    fn what_is_missing_or_not_known_is_named() {
        let cases = [
            (
                json!({"MemorySize": null}),
                "invalid type: null, expected u32",
            ),
            (
                json!({"Architectures": ["riscv"]}),
                "unknown variant `riscv`",
            ),
        ];
        for (fields, want) in cases {
            let error = Configuration::read(&shown(fields)).expect_err("not a configuration");
            assert!(error.contains(want), "{error}");
        }
    }

    #[test]
    fn each_new_kind_of_function_is_recognised() {
        let cases = [
            (
                json!({"CapacityProviderConfig": {"LambdaManagedInstancesCapacityProviderConfig": {}}}),
                Kind::ManagedInstances,
            ),
            (
                json!({"DurableConfig": {"ExecutionTimeout": 60}}),
                Kind::Durable,
            ),
            (
                json!({"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}),
                Kind::TenantIsolated,
            ),
        ];
        for (fields, kind) in cases {
            assert_eq!(configuration(fields).kind, kind);
        }
    }

    #[test]
    fn what_the_owner_sets_shows_as_a_difference_and_the_rest_does_not() {
        let before = configuration(json!({})).settings;
        let cases = [
            (
                json!({"MemorySize": 1024, "RevisionId": "other", "LastModified": "now"}),
                vec![],
            ),
            (
                json!({"State": "Inactive", "LastUpdateStatus": "InProgress", "ConfigSha256": "x"}),
                vec![],
            ),
            (
                json!({"RuntimeVersionConfig": {"RuntimeVersionArn": "newer"}}),
                vec![],
            ),
            (
                json!({"VpcConfig": {"SubnetIds": ["b", "a"]}, "Layers": []}),
                vec![],
            ),
            (
                json!({"Environment": {"Variables": {"STAGE": "live"}, "Error": {"Message": "role"}}}),
                vec![],
            ),
            (
                json!({"Environment": {"Variables": {"STAGE": "test"}}, "Timeout": 4}),
                vec!["Environment", "Timeout"],
            ),
            (
                json!({"Environment": {"Variables": {"STAGE": "live", "Error": "", "OptimizationStatus": "On"}}}),
                vec!["Environment"],
            ),
            (
                json!({"VpcConfig": {"SubnetIds": ["a", "c"], "SecurityGroupIds": []}}),
                vec!["VpcConfig"],
            ),
            (json!({"CodeSha256": "new"}), vec!["CodeSha256"]),
            (
                json!({"SomethingNew": {"Mode": "On"}}),
                vec!["SomethingNew"],
            ),
            (json!({"Environment": null}), vec!["Environment"]),
        ];
        for (fields, want) in cases {
            let now = configuration(fields.clone()).settings;
            assert_eq!(before.differences(&now), want, "{fields}");
        }
    }

    #[test]
    fn a_version_has_a_description_of_its_own() {
        let latest = configuration(
            json!({"SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}}),
        );
        let version = configuration(json!({
            "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f:3",
            "Version": "3",
            "Description": "release 7",
            "SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"},
        }));
        assert_eq!(
            latest.settings.differences_from_version(&version.settings),
            [""; 0]
        );
        assert_eq!(
            latest.settings.differences(&version.settings),
            ["Description"]
        );
    }

    #[test]
    fn hashes_are_short_and_values_do_not_show() {
        let text = serde_json::to_string(&configuration(json!({})).settings).expect("JSON");
        assert!(!text.contains("live"), "{text}");
        assert!(text.len() < 400, "{text}");
    }
}
