//! Aliases: the lock is one, and the input may name one.

use std::time::Duration;

use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::operation::update_alias::builders::UpdateAliasFluentBuilder;
use power_tuner_core::TuneError;
use power_tuner_core::function::FunctionArn;

use crate::client;
use crate::failure::WriteError;
use crate::lambda::LambdaApi;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    pub description: String,
    /// What it mainly points at.
    pub version: String,
    pub revision_id: String,
    /// A share of its calls goes to another version.
    pub is_weighted: bool,
}

impl LambdaApi {
    /// An alias of the function, if there is one of that name.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn alias(
        &self,
        function: &FunctionArn,
        name: &str,
    ) -> Result<Option<Alias>, TuneError> {
        let asked = self.asked("lambda:GetAlias", function);
        let sent = self
            .control(function)
            .get_alias()
            .function_name(function.to_string())
            .name(name)
            .send()
            .await;
        match sent {
            Ok(alias) => Ok(Some(Alias {
                description: alias.description.unwrap_or_default(),
                version: alias.function_version.unwrap_or_default(),
                revision_id: alias.revision_id.unwrap_or_default(),
                is_weighted: alias
                    .routing_config
                    .and_then(|routing| routing.additional_version_weights)
                    .is_some_and(|weights| !weights.is_empty()),
            })),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(asked.failed(&error)),
        }
    }

    /// Makes an alias of a version and gives its revision.
    ///
    /// # Errors
    ///
    /// There is one of that name, or what else AWS says.
    pub async fn create_alias(
        &self,
        function: &FunctionArn,
        name: &str,
        version: &str,
        description: Option<&str>,
        longest: Duration,
    ) -> Result<String, WriteError> {
        let asked = self.asked("lambda:CreateAlias", function);
        self.control(function)
            .create_alias()
            .function_name(function.to_string())
            .function_version(version)
            .name(name)
            .set_description(description.map(str::to_owned))
            .customize()
            .config_override(client::within(longest))
            .send()
            .await
            .map(|alias| alias.revision_id.unwrap_or_default())
            .map_err(|error| asked.not_written(&error))
    }

    /// Writes another description, and gives the alias's new revision.
    ///
    /// # Errors
    ///
    /// `revision` is not the alias's any more, or what else AWS says.
    pub async fn describe_alias(
        &self,
        function: &FunctionArn,
        name: &str,
        description: &str,
        revision: &str,
        longest: Duration,
    ) -> Result<String, WriteError> {
        let change = self
            .control(function)
            .update_alias()
            .description(description);
        self.change_alias(change.name(name), function, revision, longest)
            .await
    }

    /// Points an alias at another version, and gives its new revision.
    ///
    /// # Errors
    ///
    /// `revision` is not the alias's any more, or what else AWS says.
    pub async fn move_alias(
        &self,
        function: &FunctionArn,
        name: &str,
        version: &str,
        revision: &str,
        longest: Duration,
    ) -> Result<String, WriteError> {
        let change = self
            .control(function)
            .update_alias()
            .function_version(version);
        self.change_alias(change.name(name), function, revision, longest)
            .await
    }

    /// Deletes an alias; one that is not there is no error.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn delete_alias(
        &self,
        function: &FunctionArn,
        name: &str,
        longest: Duration,
    ) -> Result<(), WriteError> {
        let asked = self.asked("lambda:DeleteAlias", function);
        // Once: it takes no revision, so a repetition might delete the alias that somebody else has made since.
        let once = client::within(longest).retry_config(RetryConfig::disabled());
        let sent = self
            .control(function)
            .delete_alias()
            .function_name(function.to_string())
            .name(name)
            .customize()
            .config_override(once)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(()),
            Err(error) => Err(asked.not_written(&error)),
        }
    }

    async fn change_alias(
        &self,
        change: UpdateAliasFluentBuilder,
        function: &FunctionArn,
        revision: &str,
        longest: Duration,
    ) -> Result<String, WriteError> {
        let asked = self.asked("lambda:UpdateAlias", function);
        change
            .function_name(function.to_string())
            .revision_id(revision)
            .customize()
            .config_override(client::within(longest))
            .send()
            .await
            .map(|alias| alias.revision_id.unwrap_or_default())
            .map_err(|error| asked.not_written(&error))
    }
}
