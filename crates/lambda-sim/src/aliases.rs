//! The rules for aliases.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::ApiError;
use crate::function::{Function, World, check_description, paged};
use crate::model::Alias;
use crate::names::{LATEST, is_name, is_version_number};
use crate::operation::{AliasChange, NewAlias, Page};

impl Function {
    /// Makes an alias. An existing one of that name is a conflict, which makes this a lock for whoever wants one.
    pub fn create_alias(&mut self, wanted: &NewAlias, world: &World) -> Result<Value, ApiError> {
        if !is_name(&wanted.name) || is_version_number(&wanted.name) {
            let rule =
                "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)";
            return Err(ApiError::validation(&wanted.name, "name", rule));
        }
        check_description(Some(&wanted.description))?;
        self.check_alias_version(&wanted.function_version, world)?;
        if self.aliases.contains_key(&wanted.name) {
            let arn = world.place.qualified_arn(self.name(), &wanted.name);
            return Err(ApiError::conflict(format!("Alias already exists: {arn}")));
        }
        let weights = wanted.routing_config.additional_version_weights.clone();
        self.check_routing(&wanted.function_version, &weights, world)?;
        let alias = Alias {
            name: wanted.name.clone(),
            version: wanted.function_version.clone(),
            description: wanted.description.clone(),
            weights,
            revision_id: world.ids.next(),
        };
        let view = alias.view(&world.place, self.name());
        self.aliases.insert(alias.name.clone(), alias);
        Ok(view)
    }

    pub fn get_alias(&self, name: &str, world: &World) -> Result<Value, ApiError> {
        let alias = self
            .aliases
            .get(name)
            .ok_or_else(|| self.no_alias(name, world))?;
        Ok(alias.view(&world.place, self.name()))
    }

    /// Changes an alias. Its `RevisionId` changes even if nothing else does.
    pub fn update_alias(
        &mut self,
        name: &str,
        change: &AliasChange,
        world: &World,
    ) -> Result<Value, ApiError> {
        check_description(change.description.as_deref())?;
        let mut alias = self
            .aliases
            .get(name)
            .cloned()
            .ok_or_else(|| self.no_alias(name, world))?;
        if change
            .revision_id
            .as_ref()
            .is_some_and(|id| *id != alias.revision_id)
        {
            return Err(ApiError::stale_revision());
        }
        if let Some(version) = &change.function_version {
            self.check_alias_version(version, world)?;
            alias.version.clone_from(version);
        }
        if let Some(description) = &change.description {
            alias.description.clone_from(description);
        }
        if let Some(routing) = &change.routing_config {
            alias
                .weights
                .clone_from(&routing.additional_version_weights);
        }
        self.check_routing(&alias.version, &alias.weights, world)?;
        alias.revision_id = world.ids.next();
        let view = alias.view(&world.place, self.name());
        self.aliases.insert(name.to_owned(), alias);
        Ok(view)
    }

    pub fn list_aliases(&self, version: Option<&str>, page: &Page, world: &World) -> Value {
        let rows = self
            .aliases
            .values()
            .filter(|alias| version.is_none_or(|version| alias.version == version))
            .map(|alias| (alias.name.clone(), alias.view(&world.place, self.name())))
            .collect();
        paged("Aliases", rows, page)
    }

    fn no_alias(&self, name: &str, world: &World) -> ApiError {
        ApiError::not_found(format!(
            "Cannot find alias arn: {}",
            world.place.qualified_arn(self.name(), name)
        ))
    }

    fn check_alias_version(&self, version: &str, world: &World) -> Result<(), ApiError> {
        match self.revision(version) {
            Some(_) => Ok(()),
            None => Err(ApiError::function_not_found(
                &world.place.qualified_arn(self.name(), version),
            )),
        }
    }

    fn check_routing(
        &self,
        version: &str,
        weights: &BTreeMap<String, f64>,
        world: &World,
    ) -> Result<(), ApiError> {
        if weights.len() > 1 {
            return Err(ApiError::invalid(
                "Number of items in AdditionalVersionWeights cannot be greater than 1",
            ));
        }
        let Some((other, weight)) = weights.first_key_value() else {
            return Ok(());
        };
        if version == LATEST {
            return Err(ApiError::invalid(
                "$LATEST is not supported for an alias pointing to more than 1 version",
            ));
        }
        if other == version {
            return Err(ApiError::invalid(format!(
                "Invalid function version {version}. \
                 Function version {version} is already included in routing configuration."
            )));
        }
        if !is_version_number(other) || !(0.0..=1.0).contains(weight) {
            let rule = "Map keys must be version numbers, and values between 0.0 and 1.0";
            return Err(ApiError::validation(
                &format!("{{{other}={weight}}}"),
                "routingConfig.additionalVersionWeights",
                rule,
            ));
        }
        self.check_alias_version(other, world)
    }
}
