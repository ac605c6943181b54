//! The states of versions: what a test may set, and what a call makes of them.

use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::function::{Function, World};
use crate::model::{State, StateReason};
use crate::names::LATEST;
use crate::service::Service;

/// A state that `$LATEST` or a version can be put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FunctionState {
    /// It was not called for long, and Lambda has taken back what it needs to run.
    Inactive,
    /// It cannot be called any more.
    Failed,
}

/// What a test asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StateChange {
    #[serde(default = "latest")]
    pub qualifier: String,
    pub state: FunctionState,
    pub reason: Option<String>,
}

impl Service {
    pub fn set_state(&self, name: &str, change: &StateChange) -> Result<(), ApiError> {
        let mut account = self.lock();
        let function = account.function(name, &self.world)?;
        function.settle(&self.world);
        function.set_state(change, &self.world)
    }
}

impl Function {
    fn set_state(&mut self, wanted: &StateChange, world: &World) -> Result<(), ApiError> {
        let version = self.version_label(Some(&wanted.qualifier), world)?;
        let revision = self
            .revision_mut(&version)
            .ok_or_else(|| ApiError::function_not_found(&version))?;
        let (state, usual, code) = match wanted.state {
            FunctionState::Inactive => (State::Inactive, "The function is idle.", "Idle"),
            FunctionState::Failed => (State::Failed, "The function has failed.", "InternalError"),
        };
        revision.state = state;
        let text = wanted.reason.as_deref().unwrap_or(usual).to_owned();
        revision.state_reason = Some(StateReason { text, code });
        Ok(())
    }

    /// Refuses a call of a version that is not active. For an inactive one that is also what wakes it.
    pub fn check_active(&mut self, version: &str, world: &World) -> Result<(), ApiError> {
        let missing = || ApiError::function_not_found(version);
        let revision = self.revision(version).ok_or_else(missing)?;
        let has_a_snapshot = revision.configuration.has_a_snapshot();
        let takes_ms = self.publish_ms(&revision.configuration, world);
        let revision = self.revision_mut(version).ok_or_else(missing)?;
        match revision.state {
            State::Active => Ok(()),
            State::Inactive => {
                revision.state = State::Pending;
                revision.state_reason = Some(StateReason {
                    text: "The function is being restored.".to_owned(),
                    code: "Restoring",
                });
                revision
                    .change
                    .get_or_insert_with(|| world.change(takes_ms, false));
                Err(ApiError::initializing(has_a_snapshot))
            }
            State::Pending | State::Failed => {
                revision.look();
                Err(ApiError::in_state(revision.state.name()))
            }
        }
    }
}

fn latest() -> String {
    LATEST.to_owned()
}
