//! One function's control plane: what a request may change, and what AWS says otherwise.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::clock::{Clock, Millis};
use crate::error::ApiError;
use crate::ids::Ids;
use crate::model::{Alias, Change, Configuration, Revision, State, UpdateStatus, code_sha256};
use crate::names::{LATEST, Place, is_version_number};
use crate::operation::{CodeChange, ConfigurationChange, Page, Publication};
use crate::options::Options;
use crate::spec::FunctionSpec;
use crate::traffic::Traffic;

/// `ListVersionsByFunction` and `ListAliases` never return more rows at once, whatever `MaxItems` says.
const LARGEST_PAGE: usize = 50;

/// What every rule may need: where, when, and new ids.
pub(crate) struct World {
    pub options: Options,
    pub place: Place,
    pub clock: Clock,
    pub ids: Ids,
}

pub(crate) struct Function {
    pub spec: FunctionSpec,
    pub latest: Revision,
    pub versions: BTreeMap<u64, Revision>,
    /// The highest number ever given: AWS never gives one again.
    pub last_number: u64,
    pub aliases: BTreeMap<String, Alias>,
    pub reserved: Option<u32>,
    pub traffic: Traffic,
}

impl World {
    pub fn change(&self, takes_ms: Millis, fails: bool) -> Change {
        Change {
            due: self.clock.now() + takes_ms,
            looks_left: 1,
            fails,
        }
    }
}

impl Function {
    pub fn new(spec: FunctionSpec, world: &World) -> Self {
        let configuration = Configuration::of(&spec, &world.place);
        Self {
            latest: Revision::new(configuration, &world.clock, &world.ids),
            versions: BTreeMap::new(),
            last_number: 0,
            aliases: BTreeMap::new(),
            reserved: None,
            traffic: Traffic::default(),
            spec,
        }
    }

    pub fn name(&self) -> &str {
        &self.spec.name
    }

    pub fn arn(&self, world: &World) -> String {
        world.place.arn(self.name())
    }

    /// Finishes the changes that are due.
    pub fn settle(&mut self, world: &World) {
        let was_serving_old = self.latest.serving.is_some();
        self.latest.settle(&world.clock, &world.ids);
        if was_serving_old && self.latest.serving.is_none() {
            self.traffic.replace_latest();
        }
        for version in self.versions.values_mut() {
            version.settle(&world.clock, &world.ids);
        }
    }

    /// The version behind a qualifier: a number, `$LATEST`, or what an alias mainly points at.
    pub fn version_label(
        &self,
        qualifier: Option<&str>,
        world: &World,
    ) -> Result<String, ApiError> {
        let Some(qualifier) = qualifier else {
            return Ok(LATEST.to_owned());
        };
        let label = match self.aliases.get(qualifier) {
            Some(alias) => alias.version.clone(),
            None => qualifier.to_owned(),
        };
        if self.revision(&label).is_none() {
            return Err(ApiError::function_not_found(
                &world.place.qualified_arn(self.name(), qualifier),
            ));
        }
        Ok(label)
    }

    pub fn revision(&self, label: &str) -> Option<&Revision> {
        match label {
            LATEST => Some(&self.latest),
            number => self.versions.get(&number.parse().ok()?),
        }
    }

    pub fn revision_mut(&mut self, label: &str) -> Option<&mut Revision> {
        match label {
            LATEST => Some(&mut self.latest),
            number => self.versions.get_mut(&number.parse().ok()?),
        }
    }

    pub fn get_configuration(
        &mut self,
        qualifier: Option<&str>,
        world: &World,
    ) -> Result<Value, ApiError> {
        let label = self.version_label(qualifier, world)?;
        let arn = world
            .place
            .qualified_arn(self.name(), qualifier.unwrap_or(LATEST));
        let revision = self
            .revision_mut(&label)
            .ok_or_else(|| ApiError::function_not_found(&arn))?;
        let view = revision.full(&world.place, &label, qualifier);
        revision.look();
        Ok(view)
    }

    pub fn update_configuration(
        &mut self,
        change: &ConfigurationChange,
        fails: bool,
        world: &World,
    ) -> Result<Value, ApiError> {
        self.check_writable(change.revision_id.as_deref(), world)?;
        let mut wanted = self.latest.configuration.clone();
        change.apply(&mut wanted);
        Ok(self.start_update(wanted, fails, world))
    }

    pub fn update_code(
        &mut self,
        change: &CodeChange,
        fails: bool,
        world: &World,
    ) -> Result<Value, ApiError> {
        self.check_writable(change.revision_id.as_deref(), world)?;
        let mut wanted = self.latest.configuration.clone();
        match &change.zip_file {
            Some(zip) => {
                let code = base64::engine::general_purpose::STANDARD
                    .decode(zip)
                    .map_err(|_| {
                        ApiError::new(400, "SerializationException", "`ZipFile` is not base64")
                    })?;
                wanted.code_size = code.len() as u64;
                wanted.code_sha256 = code_sha256(&code);
            }
            // What lies in a bucket is not known here, so it counts as something new.
            None => wanted.code_sha256 = code_sha256(world.ids.next().as_bytes()),
        }
        if let Some(architectures) = &change.architectures {
            wanted.architectures.clone_from(architectures);
        }
        Ok(self.start_update(wanted, fails, world))
    }

    fn start_update(&mut self, wanted: Configuration, fails: bool, world: &World) -> Value {
        let before = std::mem::replace(&mut self.latest.configuration, wanted);
        // Calls keep running with the old configuration until the update is through.
        self.latest.serving.get_or_insert(before);
        self.latest.last_update = UpdateStatus::InProgress;
        self.latest.id = world.ids.next();
        self.latest.last_modified = world.clock.last_modified();
        let takes_ms = self.spec.update_ms.unwrap_or(world.options.update_ms);
        self.latest.change = Some(world.change(takes_ms, fails));
        self.latest.full(&world.place, LATEST, None)
    }

    fn check_writable(&mut self, revision_id: Option<&str>, world: &World) -> Result<(), ApiError> {
        self.check_idle(world)?;
        if revision_id.is_some_and(|id| id != self.latest.id) {
            return Err(ApiError::stale_revision());
        }
        Ok(())
    }

    fn check_idle(&mut self, world: &World) -> Result<(), ApiError> {
        if self.latest.update_is_in_progress() {
            self.latest.look();
            return Err(ApiError::update_in_progress(&self.arn(world)));
        }
        // An inactive function may be changed: only calls need what it has given back.
        if matches!(self.latest.state, State::Pending | State::Failed) {
            self.latest.look();
            return Err(ApiError::in_state(self.latest.state.name()));
        }
        Ok(())
    }

    /// Publishes `$LATEST`, unless it is what the last version was published from: then that version is the answer,
    /// with the description that it was given then.
    pub fn publish(
        &mut self,
        publication: &Publication,
        fails: bool,
        world: &World,
    ) -> Result<Value, ApiError> {
        self.check_writable(publication.revision_id.as_deref(), world)?;
        let current = &self.latest.configuration;
        if let Some(wanted) = publication
            .code_sha256
            .as_ref()
            .filter(|wanted| **wanted != current.code_sha256)
        {
            return Err(ApiError::invalid(format!(
                "CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({}). \
                 Please try again with the CodeSHA256 in $LATEST.",
                current.code_sha256
            )));
        }
        let number = match self.versions.get(&self.last_number) {
            Some(last) if last.published_from.as_ref() == Some(current) => self.last_number,
            _ => self.add_version(publication.description.as_deref(), fails, world),
        };
        let label = number.to_string();
        let version = self
            .versions
            .get(&number)
            .ok_or_else(|| ApiError::function_not_found(&label))?;
        Ok(version.full(&world.place, &label, Some(&label)))
    }

    fn add_version(&mut self, description: Option<&str>, fails: bool, world: &World) -> u64 {
        let source = self.latest.configuration.clone();
        let mut version = Revision::new(source.clone(), &world.clock, &world.ids);
        if let Some(description) = description {
            description.clone_into(&mut version.configuration.description);
        }
        if source.snap_start_is_on() {
            "On".clone_into(&mut version.configuration.snap_start.optimization_status);
        }
        let takes_ms = self.publish_ms(&version.configuration, world);
        if takes_ms > 0.0 || fails {
            version.state = State::Pending;
            version.change = Some(world.change(takes_ms, fails));
        }
        version.published_from = Some(source);
        self.last_number += 1;
        self.versions.insert(self.last_number, version);
        // Recorded from AWS: publishing makes an earlier RevisionId of $LATEST stale.
        self.latest.id = world.ids.next();
        self.last_number
    }

    /// How long it takes until a version is active.
    pub fn publish_ms(&self, version: &Configuration, world: &World) -> Millis {
        let snap_start = self.spec.snap_start.as_ref();
        match snap_start.filter(|_| version.has_a_snapshot()) {
            Some(snap_start) => snap_start.publish_ms,
            None => self.spec.publish_ms.unwrap_or(world.options.publish_ms),
        }
    }

    pub fn list_versions(&self, page: &Page, world: &World) -> Value {
        let latest = (LATEST.to_owned(), &self.latest);
        let published = self
            .versions
            .iter()
            .map(|(number, version)| (number.to_string(), version));
        let rows = std::iter::once(latest)
            .chain(published)
            .map(|(label, version)| {
                (
                    label.clone(),
                    version.row(&world.place, &label, Some(&label)),
                )
            })
            .collect();
        paged("Versions", rows, page)
    }

    /// AWS answers 204 for a version that is not there, too.
    pub fn delete_version(&mut self, qualifier: &str) -> Result<(), ApiError> {
        if qualifier == LATEST {
            return Err(ApiError::invalid(
                "$LATEST version cannot be deleted without deleting the function.",
            ));
        }
        if !is_version_number(qualifier) {
            return Err(ApiError::invalid(
                "Deletion of aliases is not currently supported.",
            ));
        }
        if self.spec.pending_versions_cannot_be_deleted
            && let Some(version) = self.revision_mut(qualifier)
            && version.state == State::Pending
        {
            version.look();
            return Err(ApiError::in_state(version.state.name()));
        }
        let aliases = self
            .aliases
            .values()
            .filter(|alias| alias.points_at(qualifier));
        let names: Vec<&str> = aliases.map(|alias| alias.name.as_str()).collect();
        if !names.is_empty() {
            return Err(ApiError::conflict(format!(
                "Unable to delete version because the following aliases reference it: [{}]",
                names.join(", ")
            )));
        }
        if let Ok(number) = qualifier.parse() {
            self.versions.remove(&number);
        }
        Ok(())
    }
}

impl ConfigurationChange {
    /// The constraints that AWS checks before it looks at the function.
    pub fn check(&self, largest_memory_mb: u32) -> Result<(), ApiError> {
        if let Some(memory) = self.memory_size.filter(|memory| *memory < 128) {
            let rule = "Member must have value greater than or equal to 128";
            return Err(ApiError::validation(
                &memory.to_string(),
                "memorySize",
                rule,
            ));
        }
        if self
            .memory_size
            .is_some_and(|memory| memory > largest_memory_mb)
        {
            return Err(ApiError::invalid(format!(
                "'MemorySize' value failed to satisfy constraint: \
                 Member must have value less than or equal to {largest_memory_mb}"
            )));
        }
        if let Some(timeout) = self.timeout.filter(|timeout| !(1..=900).contains(timeout)) {
            return Err(ApiError::validation(
                &timeout.to_string(),
                "timeout",
                "Member must be between 1 and 900",
            ));
        }
        check_description(self.description.as_deref())
    }

    fn apply(&self, to: &mut Configuration) {
        set(&mut to.memory_size, self.memory_size.as_ref());
        set(&mut to.timeout, self.timeout.as_ref());
        set(&mut to.description, self.description.as_ref());
        set(&mut to.handler, self.handler.as_ref());
        set(&mut to.runtime, self.runtime.as_ref());
        set(&mut to.role, self.role.as_ref());
        set(&mut to.ephemeral_storage, self.ephemeral_storage.as_ref());
        set(&mut to.tracing_config, self.tracing_config.as_ref());
        if self.environment.is_some() {
            to.environment.clone_from(&self.environment);
        }
        if let Some(logging) = &self.logging_config {
            set(
                &mut to.logging_config.log_format,
                logging.log_format.as_ref(),
            );
            set(&mut to.logging_config.log_group, logging.log_group.as_ref());
        }
        set(
            &mut to.snap_start.apply_on,
            self.snap_start.as_ref().map(|change| &change.apply_on),
        );
    }
}

fn set<T: Clone>(field: &mut T, wanted: Option<&T>) {
    if let Some(wanted) = wanted {
        field.clone_from(wanted);
    }
}

pub(crate) fn check_description(description: Option<&str>) -> Result<(), ApiError> {
    match description {
        Some(text) if text.chars().count() > 256 => {
            let rule = "Member must have length less than or equal to 256";
            Err(ApiError::validation(text, "description", rule))
        }
        _ => Ok(()),
    }
}

/// A page of rows. The marker names the first row of the next page.
pub(crate) fn paged(list: &str, rows: Vec<(String, Value)>, page: &Page) -> Value {
    let start = match &page.marker {
        Some(marker) => rows
            .iter()
            .position(|(key, _)| key == marker)
            .unwrap_or(rows.len()),
        None => 0,
    };
    let end = rows
        .len()
        .min(start + page.max_items.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE));
    let next = rows.get(end).map(|(key, _)| key.clone());
    let shown: Vec<Value> = rows
        .into_iter()
        .take(end)
        .skip(start)
        .map(|(_, row)| row)
        .collect();
    let mut answer = json!({ list: shown });
    if let Some(next) = next {
        answer["NextMarker"] = json!(next);
    }
    answer
}
