//! What a simulated function is, as a test or a person describes it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::names::is_name;

/// A simulated function. Every field but `name` has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FunctionSpec {
    /// The function's name; its ARN follows from it.
    pub name: String,
    /// `MemorySize` of `$LATEST`.
    pub memory_mb: u32,
    /// `Timeout`: a call whose duration exceeds it fails.
    pub timeout_s: u32,
    /// `Runtime`.
    pub runtime: String,
    /// `Handler`.
    pub handler: String,
    /// The only entry of `Architectures`.
    pub architecture: String,
    /// `Description` of `$LATEST`.
    pub description: String,
    /// `Environment`.
    pub environment: BTreeMap<String, String>,
    /// The format of the log.
    pub log_format: LogFormat,
    /// Lines that the function itself writes during each call, as they are, but for `{requestId}`, which is the call's.
    pub log_lines: Vec<String>,
    /// Bytes that it writes behind those lines, in base64: what is no text.
    pub log_base64: String,
    /// Bytes of further log output in each call: more than 4,096 push the head out of the returned tail.
    pub log_bytes: usize,
    /// `SnapStart`, if it is on: published versions restore instead of initialising.
    pub snap_start: Option<SnapStartSpec>,
    /// The ARN of a capacity provider: the function runs on managed instances.
    pub capacity_provider: Option<String>,
    /// `DurableConfig`: the function's executions are durable.
    pub durable: Option<DurableSpec>,
    /// Each tenant has environments of its own.
    pub tenant_isolation: bool,
    /// How long an update of `$LATEST` is in progress, if not as long as the service's options say.
    pub update_ms: Option<f64>,
    /// How long a new version is pending, if not as long as the service's options say; `SnapStart` has its own time. With
    /// 0 it is active at once.
    pub publish_ms: Option<f64>,
    /// Deleting a version that is still pending is a conflict.
    pub pending_versions_cannot_be_deleted: bool,
    /// How the function behaves when it is called.
    pub behaviour: Behaviour,
}

/// The log's format, as `LoggingConfig.LogFormat` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Tab-separated `REPORT` lines.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What `SnapStart` does to a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapStartSpec {
    /// How long restoring a snapshot takes.
    pub restore_ms: f64,
    /// How long publishing a version takes: minutes, on AWS.
    #[serde(default = "two_minutes")]
    pub publish_ms: f64,
}

/// What makes a function durable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DurableSpec {
    /// How long a durable execution may take, in seconds.
    pub execution_timeout: u32,
    /// How long its history is kept.
    pub retention_period_in_days: u32,
}

/// How a function behaves when it is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Behaviour {
    /// The duration at each memory size.
    pub duration: Curve,
    /// How much single calls differ from that.
    pub noise: Noise,
    /// The part of the init time that no memory makes faster.
    pub init_ms: f64,
    /// The part of it that does get faster: milliseconds times megabytes.
    pub init_ms_times_mb: f64,
    /// The share of new environments that are ready before their first call, spread evenly: their first call shows no
    /// init.
    pub initialised_in_advance: f64,
    /// `Max Memory Used`, bounded by the memory size.
    pub max_memory_used_mb: u32,
    /// Below this memory size every call runs out of memory.
    pub fails_below_mb: Option<u32>,
    /// An error that the function itself raises.
    pub fails_with: Option<FunctionError>,
    /// What a call that succeeds returns.
    pub response: Response,
}

/// Duration over memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Curve {
    /// `baseMs + msTimesMb / memory`, where memory above `flatAboveMb` counts as that.
    Formula {
        /// What no memory makes faster: waiting for others.
        base_ms: f64,
        /// The work: milliseconds at one megabyte.
        #[serde(default)]
        ms_times_mb: f64,
        /// Where more memory stops helping one thread: AWS gives one whole vCPU at 1,769 MB.
        #[serde(default = "one_vcpu_mb")]
        flat_above_mb: f64,
    },
    /// Measured points: straight lines between them on logarithmic axes, level outside them.
    Points {
        /// Memory in MB and duration in ms, memory ascending.
        points: Vec<(f64, f64)>,
    },
}

/// How single calls differ from the curve, which is their median.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Noise {
    /// The spread of the narrow lognormal core; 0 is exact.
    pub coefficient: f64,
    /// The share of calls that are slowed down by something else.
    pub tail_probability: f64,
    /// How many times longer those take on average.
    pub tail_factor: f64,
}

/// An error that the function raises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FunctionError {
    /// `errorType` of the answer.
    pub error_type: String,
    /// `errorMessage` of the answer.
    pub error_message: String,
    /// Only every n-th call of a memory size fails; all of them by default.
    #[serde(default = "every_call")]
    pub every_nth: u64,
}

/// What a call that succeeds returns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Response {
    /// The event it was called with.
    #[default]
    Echo,
    /// Always this.
    Json {
        /// The answer.
        value: Value,
    },
    /// This text, JSON or not: what only a custom runtime returns.
    Text {
        /// The answer.
        text: String,
    },
    /// A JSON string whose text is this long.
    Bytes {
        /// Its length.
        bytes: usize,
    },
}

impl Default for FunctionSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            memory_mb: 512,
            timeout_s: 30,
            runtime: "python3.13".to_owned(),
            handler: "app.handler".to_owned(),
            architecture: "arm64".to_owned(),
            description: String::new(),
            environment: BTreeMap::new(),
            log_format: LogFormat::Text,
            log_lines: Vec::new(),
            log_base64: String::new(),
            log_bytes: 0,
            snap_start: None,
            capacity_provider: None,
            durable: None,
            tenant_isolation: false,
            update_ms: None,
            publish_ms: None,
            pending_versions_cannot_be_deleted: false,
            behaviour: Behaviour::default(),
        }
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            duration: Curve::Formula {
                base_ms: 100.0,
                ms_times_mb: 0.0,
                flat_above_mb: one_vcpu_mb(),
            },
            noise: Noise::default(),
            init_ms: 150.0,
            init_ms_times_mb: 0.0,
            initialised_in_advance: 0.0,
            max_memory_used_mb: 64,
            fails_below_mb: None,
            fails_with: None,
            response: Response::Echo,
        }
    }
}

impl FunctionSpec {
    /// A function that takes 100 ms at any memory size.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Says what makes this no function, if anything.
    ///
    /// # Errors
    /// One sentence that names the field and its rule.
    pub fn check(&self) -> Result<(), String> {
        let behaviour = &self.behaviour;
        let rules = [
            (
                is_name(&self.name),
                "`name` must be 1 to 128 letters, digits, `-` or `_`",
            ),
            (
                (128..=10_240).contains(&self.memory_mb),
                "`memoryMb` must be 128 to 10240",
            ),
            (
                (1..=900).contains(&self.timeout_s),
                "`timeoutS` must be 1 to 900",
            ),
            (
                [self.update_ms, self.publish_ms]
                    .iter()
                    .flatten()
                    .all(|ms| *ms >= 0.0),
                "`updateMs` and `publishMs` must not be negative",
            ),
            (
                STANDARD.decode(&self.log_base64).is_ok(),
                "`logBase64` must be base64",
            ),
            (
                behaviour.duration.is_sound(),
                "`behaviour.duration` must be positive, with ascending memory",
            ),
            (
                behaviour.init_ms >= 0.0 && behaviour.init_ms_times_mb >= 0.0,
                "an init time must not be negative",
            ),
            (
                (0.0..=1.0).contains(&behaviour.initialised_in_advance),
                "`behaviour.initialisedInAdvance` must be 0 to 1",
            ),
            (
                behaviour.noise.is_sound(),
                "`behaviour.noise` must not be negative, its probability not above 1",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err((*rule).to_owned()),
            None => Ok(()),
        }
    }
}

impl Curve {
    fn is_sound(&self) -> bool {
        match self {
            Self::Formula {
                base_ms,
                ms_times_mb,
                flat_above_mb,
            } => {
                *base_ms >= 0.0
                    && *ms_times_mb >= 0.0
                    && *flat_above_mb > 0.0
                    && base_ms + ms_times_mb > 0.0
            }
            Self::Points { points } => {
                !points.is_empty()
                    && points.iter().all(|(mb, ms)| *mb > 0.0 && *ms > 0.0)
                    && points.windows(2).all(|pair| pair[0].0 < pair[1].0)
            }
        }
    }
}

impl Noise {
    fn is_sound(self) -> bool {
        self.coefficient >= 0.0
            && (0.0..=1.0).contains(&self.tail_probability)
            && self.tail_factor >= 0.0
    }
}

fn one_vcpu_mb() -> f64 {
    1769.0
}

fn two_minutes() -> f64 {
    120_000.0
}

fn every_call() -> u64 {
    1
}
