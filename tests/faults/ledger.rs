//! Who changed what: every write is compared with what its maker may do, and what the owner did is remembered.

use std::collections::BTreeMap;
use std::time::Duration;

use power_tuner_lambda_sim::{AliasSnapshot, Snapshot};
use serde_json::{Map, Value, json};

use crate::mode::LIVE;

pub const LOCK: &str = "power-tuner-lock";
const PREFIX: &str = "arn:aws:states:us-east-1:123456789012:execution:power-tuner-tuner:";

/// Who makes a call.
#[derive(Clone, Debug)]
pub enum By {
    Owner,
    Process(Process),
}

#[derive(Clone, Debug)]
pub struct Process {
    pub number: usize,
    pub function: String,
    /// Whose step it is; none of a clean-up by event or by hand.
    pub tuning: Option<usize>,
    /// The size that it measures.
    pub measures: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub memory: u64,
    pub description: String,
    /// Its code, and settings of it that the owner may change.
    pub what: Value,
    pub is_owners: bool,
}

/// The lock, as its description says.
#[derive(Clone, Debug, PartialEq)]
struct Note {
    before: u64,
    set: Vec<u64>,
    until_s: u64,
    tuning: Option<usize>,
}

#[derive(Default)]
pub struct Ledger {
    /// `$LATEST` but for its size, as its owner left it.
    configuration: Map<String, Value>,
    /// Its size, as its owner or a tuning that applied one left it.
    memory: u64,
    versions: BTreeMap<String, Version>,
    /// Those that were deleted: a call under way goes on.
    gone: BTreeMap<String, Version>,
    /// Without the lock.
    aliases: BTreeMap<String, String>,
    /// The process that wrote the lock last.
    holder: Option<usize>,
    /// What each tuning may have planned for.
    planned: BTreeMap<usize, Vec<Value>>,
    /// The version that a tuning made the alias point at.
    pub pointed: BTreeMap<usize, String>,
    /// Sizes that `$LATEST` and the alias had when a tuning's lock went, or when the owner came just before that.
    pub at_release: Vec<(usize, u64, Option<u64>)>,
    /// How many things the owner did.
    pub deeds: usize,
    pub broken: Vec<String>,
}

pub fn arn(tuning: usize) -> String {
    format!("{PREFIX}{tuning}")
}

/// Whether a tuning applied the best size with a version of this description. That one is to stay, like the owner's.
fn is_applied(description: &str) -> bool {
    description.contains("applied by")
}

/// The tuning whose version has this description; `None` for the owner's.
fn maker(description: &str) -> Option<usize> {
    let (_, execution) = description.split_once(PREFIX)?;
    execution.split(' ').next()?.parse().ok()
}

fn lock(now: &Snapshot) -> Option<&AliasSnapshot> {
    now.aliases.iter().find(|alias| alias.name == LOCK)
}

fn note(now: &Snapshot) -> Option<Note> {
    let (sizes, rest) = lock(now)?.description.split_once(" until ")?;
    let (until, execution) = rest.split_once(", ")?;
    let mut sizes = sizes.split('>').filter_map(|size| size.parse().ok());
    Some(Note {
        before: sizes.next()?,
        set: sizes.collect(),
        until_s: until.parse().ok()?,
        tuning: maker(execution),
    })
}

fn memory(now: &Snapshot) -> u64 {
    let memory = &now.latest.configuration["MemorySize"];
    memory.as_u64().unwrap_or_default()
}

fn without_memory(now: &Snapshot) -> Map<String, Value> {
    let mut configuration = now.latest.configuration.clone();
    configuration.remove("MemorySize");
    configuration
}

fn what(configuration: &Map<String, Value>) -> Value {
    json!(["CodeSha256", "Timeout", "Environment"].map(|field| configuration.get(field)))
}

impl Ledger {
    /// Begins with the function as it is.
    pub fn begin(now: &Snapshot) -> Self {
        let mut ledger = Self {
            configuration: without_memory(now),
            memory: memory(now),
            ..Self::default()
        };
        ledger.add_versions(now, true);
        for alias in &now.aliases {
            ledger
                .aliases
                .insert(alias.name.clone(), alias.version.clone());
        }
        ledger
    }

    fn add_versions(&mut self, now: &Snapshot, is_owners: bool) {
        for version in &now.versions {
            let known = self.versions.contains_key(&version.version);
            if !known {
                let added = Version {
                    memory: version.memory_mb.into(),
                    description: version.description.clone(),
                    what: what(&now.latest.configuration),
                    is_owners,
                };
                self.versions.insert(version.version.clone(), added);
            }
        }
    }

    fn breaks(&mut self, why: String) {
        self.broken.push(why);
    }

    /// The first step reads what it plans for.
    pub fn is_read_by(&mut self, tuning: usize) {
        let what = what(&self.configuration);
        self.planned.entry(tuning).or_default().push(what);
    }

    /// A process called a version, and got an answer.
    pub fn is_called(&mut self, by: &Process, number: &str, is_cold: bool) {
        let version = self.versions.get(number).or(self.gone.get(number));
        let (Some(tuning), Some(version)) = (by.tuning, version.cloned()) else {
            return self.breaks(format!("{by:?} called `{number}`"));
        };
        let planned = self.planned.get(&tuning);
        let maker = maker(&version.description).filter(|_| !is_applied(&version.description));
        let is_its = maker == Some(tuning) || (maker.is_none() && !is_cold);
        let is_planned = planned.is_some_and(|planned| planned.contains(&version.what));
        if !is_its || !is_planned || by.measures != Some(version.memory) {
            self.breaks(format!("{by:?} measured {version:?}, planned {planned:?}"));
        }
    }

    /// A write was made, and this is what changed.
    pub fn is_written(
        &mut self,
        by: &By,
        action: &str,
        before: &Snapshot,
        now: &Snapshot,
        now_unix: Duration,
    ) {
        if matches!(by, By::Owner)
            && let Some(tuning) = note(before).and_then(|held| held.tuning)
        {
            self.leaves(tuning, memory(before));
        }
        self.configuration_changes(by, action, before, now);
        self.versions_change(by, action, now);
        self.aliases_change(by, action, now);
        self.lock_changes(by, action, before, now, now_unix);
        let size = memory(now);
        if size != self.memory {
            let says_so = note(now)
                .is_some_and(|note| note.before == self.memory && note.set.contains(&size));
            if !says_so {
                let lock = lock(now).map(|lock| lock.description.clone());
                self.breaks(format!(
                    "after {action} of {by:?} `$LATEST` has {size} MB instead of {}, and the lock says {lock:?}",
                    self.memory
                ));
            }
        }
    }

    fn configuration_changes(&mut self, by: &By, action: &str, before: &Snapshot, now: &Snapshot) {
        let settings = without_memory(now);
        match by {
            By::Owner => {
                self.configuration = settings;
                if memory(before) != memory(now) {
                    self.memory = memory(now);
                }
            }
            By::Process(process) => {
                if settings != self.configuration {
                    self.configuration = settings;
                    self.breaks(format!("{action} of {process:?} changed settings"));
                }
                let is_holder = lock(now).is_some() && self.holder == Some(process.number);
                if memory(before) != memory(now) && !is_holder {
                    self.breaks(format!("{process:?} changed the size without the lock"));
                }
            }
        }
    }

    fn versions_change(&mut self, by: &By, action: &str, now: &Snapshot) {
        self.add_versions(now, matches!(by, By::Owner));
        let gone: Vec<String> = self
            .versions
            .keys()
            .filter(|number| now.versions.iter().all(|row| row.version != **number))
            .cloned()
            .collect();
        for number in gone {
            if let Some(version) = self.versions.remove(&number) {
                if version.is_owners {
                    self.breaks(format!("{action} of {by:?} deleted the owner's {number}"));
                }
                self.gone.insert(number, version);
            }
        }
    }

    fn aliases_change(&mut self, by: &By, action: &str, now: &Snapshot) {
        let aliases: BTreeMap<String, String> = now
            .aliases
            .iter()
            .filter(|alias| alias.name != LOCK)
            .map(|alias| (alias.name.clone(), alias.version.clone()))
            .collect();
        let before = std::mem::replace(&mut self.aliases, aliases);
        if self.aliases == before {
            return;
        }
        let By::Process(process) = by else {
            return;
        };
        let optimizes = note(now).is_some_and(|note| note.tuning == process.tuning);
        let (Some(tuning), true, "Optimizer") =
            (process.tuning, optimizes, process.function.as_str())
        else {
            return self.breaks(format!("{action} of {process:?} changed an alias"));
        };
        let what = |aliases: &BTreeMap<String, String>| {
            let version = self.versions.get(aliases.get(LIVE)?)?;
            Some(version.what.clone())
        };
        if before.contains_key(LIVE) && what(&before) != what(&self.aliases) {
            self.breaks(format!(
                "{process:?} released other code: {before:?} became {:?}",
                self.aliases
            ));
        }
        if let Some(version) = self.aliases.get(LIVE) {
            self.pointed.insert(tuning, version.clone());
        }
    }

    fn lock_changes(
        &mut self,
        by: &By,
        action: &str,
        before: &Snapshot,
        now: &Snapshot,
        now_unix: Duration,
    ) {
        let number = match by {
            By::Owner => None,
            By::Process(process) => Some(process.number),
        };
        if lock(before) == lock(now) {
            return;
        }
        if let Some(held) = note(before) {
            let is_held = held.until_s > 0 && now_unix.as_secs() <= held.until_s;
            if is_held && self.holder != number {
                self.breaks(format!("{action} of {by:?} while another held the lock"));
            }
            if lock(now).is_none() {
                self.is_released(by, &held, memory(now));
            }
        }
        self.holder = number;
    }

    /// What a tuning left, with `$LATEST` of this size.
    fn leaves(&mut self, tuning: usize, size: u64) {
        let live = self.aliases.get(LIVE);
        let live = live.and_then(|number| self.versions.get(number));
        self.at_release
            .push((tuning, size, live.map(|live| live.memory)));
    }

    /// A lock goes when `$LATEST` is back, or has what was applied.
    fn is_released(&mut self, by: &By, held: &Note, size: u64) {
        let Some(tuning) = held.tuning else {
            return;
        };
        let live = self.aliases.get(LIVE);
        let live = live.and_then(|number| self.versions.get(number));
        let is_pointed = live.is_some_and(|live| {
            live.memory == size
                && maker(&live.description) == Some(tuning)
                && is_applied(&live.description)
        });
        self.leaves(tuning, size);
        let is_optimizer = matches!(by, By::Process(process) if process.function == "Optimizer" && process.tuning == Some(tuning));
        if size != self.memory && held.set.contains(&size) && (is_pointed || is_optimizer) {
            self.memory = size;
        }
    }

    /// Whether the alias points at what a tuning applied.
    pub fn still_points_at_what_was_applied_by(&self, tuning: usize) -> bool {
        let live = self.aliases.get(LIVE);
        live.and_then(|number| self.versions.get(number))
            .is_some_and(|live| {
                maker(&live.description) == Some(tuning) && is_applied(&live.description)
            })
    }

    /// What is wrong after the last clean-up; `applied` are the tunings that said that they succeeded.
    pub fn differences(&self, now: &Snapshot, succeeded: &[usize]) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(lock) = lock(now) {
            found.push(format!("the lock is left: {}", lock.description));
        }
        if memory(now) != self.memory {
            found.push(format!(
                "`$LATEST` has {} MB instead of {}",
                memory(now),
                self.memory
            ));
        }
        if without_memory(now) != self.configuration {
            found.push(format!("settings: {:?}", now.latest.configuration));
        }
        for (number, version) in &self.versions {
            let is_pointed = self.aliases.values().any(|pointed| pointed == number);
            let stays = is_applied(&version.description)
                && maker(&version.description).is_some_and(|by| succeeded.contains(&by));
            if !version.is_owners && !is_pointed && !stays {
                found.push(format!("version {number} is left: {}", version.description));
            }
            let row = now.versions.iter().find(|row| row.version == *number);
            if row.is_none_or(|row| row.description != version.description) {
                found.push(format!("version {number} is not as it was"));
            }
        }
        found
    }
}
