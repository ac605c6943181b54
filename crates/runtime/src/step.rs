//! What the state machine hands to a step that works on the tuning as a whole.

use power_tuner_core::tuning::Tuning;
use serde::Deserialize;

use crate::InLogs;

#[derive(Debug, Deserialize)]
pub struct Step {
    pub execution: String,
    pub tuning: Tuning,
}

impl InLogs for Step {
    fn execution(&self) -> &str {
        &self.execution
    }
}
