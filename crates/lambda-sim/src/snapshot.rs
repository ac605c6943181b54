//! A function as a whole, for comparing before and after.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::function::{Function, World};
use crate::names::LATEST;
use crate::service::Service;

/// What changes on its own, or with each write.
const VOLATILE: [&str; 8] = [
    "RevisionId",
    "LastModified",
    "State",
    "StateReason",
    "StateReasonCode",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
];

/// A function as a whole. Reading one is no call, and ends no change under way.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// `$LATEST`.
    pub latest: Latest,
    /// The published versions, ascending.
    pub versions: Vec<VersionSnapshot>,
    /// The aliases by name.
    pub aliases: Vec<AliasSnapshot>,
    /// Reserved concurrency.
    pub reserved_concurrency: Option<u32>,
    /// Calls that were let in, by memory size.
    pub invocations: BTreeMap<u32, u64>,
    /// The last events that it was called with: `{version, memoryMb, payload}`.
    pub payloads: Vec<Value>,
}

/// `$LATEST` in two parts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latest {
    /// All that a user sets, as `GetFunctionConfiguration` shows it.
    pub configuration: Map<String, Value>,
    /// `RevisionId`, `LastModified`, and the states.
    pub volatile: Map<String, Value>,
}

/// A published version.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionSnapshot {
    /// Its number.
    pub version: String,
    /// Its memory size.
    pub memory_mb: u32,
    /// Its description.
    pub description: String,
    /// `Pending`, `Active`, `Inactive` or `Failed`.
    pub state: String,
}

/// An alias.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AliasSnapshot {
    /// Its name.
    pub name: String,
    /// The version it points at.
    pub version: String,
    /// Its description.
    pub description: String,
    /// Other versions that get a share of the calls.
    pub weights: BTreeMap<String, f64>,
}

impl Service {
    pub(crate) fn snapshot(&self, name: &str) -> Option<Snapshot> {
        let mut account = self.lock();
        let function = account.functions.get_mut(name)?;
        function.settle(&self.world);
        Some(function.snapshot(&self.world))
    }
}

impl Function {
    fn snapshot(&self, world: &World) -> Snapshot {
        Snapshot {
            latest: self.latest_snapshot(world),
            versions: self
                .versions
                .iter()
                .map(|(number, version)| VersionSnapshot {
                    version: number.to_string(),
                    memory_mb: version.configuration.memory_size,
                    description: version.configuration.description.clone(),
                    state: version.state.name().to_owned(),
                })
                .collect(),
            aliases: self
                .aliases
                .values()
                .map(|alias| AliasSnapshot {
                    name: alias.name.clone(),
                    version: alias.version.clone(),
                    description: alias.description.clone(),
                    weights: alias.weights.clone(),
                })
                .collect(),
            reserved_concurrency: self.reserved,
            invocations: self.traffic.counts.clone(),
            payloads: self.traffic.payloads(),
        }
    }

    fn latest_snapshot(&self, world: &World) -> Latest {
        let Value::Object(full) = self.latest.full(&world.place, LATEST, None) else {
            return Latest {
                configuration: Map::new(),
                volatile: Map::new(),
            };
        };
        let (volatile, configuration) = full
            .into_iter()
            .partition(|(field, _)| VOLATILE.contains(&field.as_str()));
        Latest {
            configuration,
            volatile,
        }
    }
}
