//! What has to be true at every moment, and at the end.

use std::time::Duration;

use power_tuner_lambda_sim::Snapshot;
use serde_json::{Value, json};

use crate::mode::{BEST, FUNCTION, LIVE, ORIGINAL};
use crate::world::{EXECUTION, World};

const LOCK: &str = "power-tuner-lock";

/// While `$LATEST` is not as it was, the lock says how it was, and what it may be now.
pub fn what_is_broken(world: &World, now: &Snapshot) -> Option<String> {
    let memory = memory(now);
    let may_be_applied = memory == BEST && world.has_started("Optimizer");
    if memory == ORIGINAL || may_be_applied {
        return None;
    }
    match note(now) {
        None => Some(format!("`$LATEST` has {memory} MB, and no lock says so")),
        Some((before, set)) if before != ORIGINAL || !set.contains(&memory) => Some(format!(
            "`$LATEST` has {memory} MB, and the lock says that it had {before} MB and was given {set:?}"
        )),
        Some(_) => None,
    }
}

/// What only the holder of the lock may change.
#[derive(Debug, PartialEq, Eq)]
pub struct UnderLock {
    memory: u64,
    lock: String,
}

impl UnderLock {
    /// Whether the lock's holder may still write.
    pub fn is_held_at(&self, now_unix: Duration) -> bool {
        let (_, rest) = self.lock.split_once(" until ").unwrap_or_default();
        let (until, _) = rest.split_once(',').unwrap_or_default();
        until
            .parse()
            .is_ok_and(|until: u64| until > 0 && now_unix.as_secs() <= until)
    }
}

/// Nothing where there is no lock.
pub fn under_lock(now: &Snapshot) -> Option<UnderLock> {
    let lock = now.aliases.iter().find(|alias| alias.name == LOCK)?;
    Some(UnderLock {
        memory: memory(now),
        lock: lock.description.clone(),
    })
}

/// Which sizes the lock says: the one before, and those that were set.
fn note(now: &Snapshot) -> Option<(u64, Vec<u64>)> {
    let lock = now.aliases.iter().find(|alias| alias.name == LOCK)?;
    let (sizes, _) = lock.description.split_once(" until ")?;
    let mut sizes = sizes.split('>').filter_map(|size| size.parse().ok());
    Some((sizes.next()?, sizes.collect()))
}

fn memory(now: &Snapshot) -> u64 {
    now.latest.configuration["MemorySize"]
        .as_u64()
        .unwrap_or_default()
}

/// Everything of the function but what AWS changes by itself; nothing if it is gone.
pub fn lasting(world: &World) -> Value {
    let Some(now) = world.sim.snapshot(FUNCTION) else {
        return Value::Null;
    };
    let versions = now.versions.iter().map(|version| {
        json!({
            "version": version.version,
            "memoryMb": version.memory_mb,
            "description": version.description,
        })
    });
    json!({
        "configuration": now.latest.configuration,
        "versions": versions.collect::<Value>(),
        "aliases": now.aliases,
        "reservedConcurrency": now.reserved_concurrency,
    })
}

/// The same with this size, applied to `$LATEST` and, through a new version, to the alias.
fn applied(before: &Value, now: &Value, size: u64) -> Value {
    let mut applied = before.clone();
    applied["configuration"]["MemorySize"] = json!(size);
    let versions = now["versions"].as_array();
    let last = versions.and_then(|versions| versions.last());
    let number = last.map_or(Value::Null, |last| last["version"].clone());
    if let Some(versions) = applied["versions"].as_array_mut() {
        versions.push(json!({
            "version": number,
            "memoryMb": size,
            "description": format!("power-tuner applied by {EXECUTION}"),
        }));
    }
    if let Some(aliases) = applied["aliases"].as_array_mut() {
        for alias in aliases.iter_mut().filter(|alias| alias["name"] == LIVE) {
            alias["version"] = number.clone();
        }
    }
    applied
}

/// Whether the function is as it was.
pub fn is_as_before(before: &Value, now: &Value) -> bool {
    now == before
}

/// Whether it was given this size, and nothing else changed.
pub fn is_applied(before: &Value, now: &Value, size: u64) -> bool {
    *now == applied(before, now, size)
}

/// Whether the alias points at another version than before.
pub fn is_pointed(before: &Value, now: &Value) -> bool {
    let live = |of: &Value| {
        let aliases = of["aliases"].as_array().map(Vec::as_slice);
        let mut live = aliases.unwrap_or_default().iter();
        live.find(|alias| alias["name"] == LIVE)
            .map(|alias| alias["version"].clone())
    };
    live(now).is_some() && live(before) != live(now)
}

/// What differs, field by field.
pub fn differences(before: &Value, now: &Value) -> String {
    if now.is_null() {
        return "the function is gone".to_owned();
    }
    let mut found = Vec::new();
    for part in ["versions", "aliases", "reservedConcurrency"] {
        if before[part] != now[part] {
            found.push(format!("{part}: {}", now[part]));
        }
    }
    if let Some(fields) = before["configuration"].as_object() {
        for (field, value) in fields {
            if now["configuration"][field] != *value {
                found.push(format!("{field}: {}", now["configuration"][field]));
            }
        }
    }
    found.join("; ")
}

/// What was sent that must never be sent.
pub fn wrong_calls(world: &World) -> Option<String> {
    let calls = world.sim.calls();
    calls.iter().find_map(|call| match call.action.as_str() {
        "UpdateFunctionConfiguration" if call.members != ["MemorySize", "RevisionId"] => {
            Some(format!("an update had {:?}", call.members))
        }
        "PublishVersion" if !call.members.iter().any(|name| name == "RevisionId") => {
            Some(format!("a publication had {:?}", call.members))
        }
        _ => None,
    })
}
