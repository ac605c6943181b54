//! What a function of the tuner may be called for: its work, or what it would meet if it did that.

use power_tuner_core::doctor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::InLogs;

#[derive(Debug)]
pub enum Asked<W, D> {
    Work(W),
    Doctor(D),
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answered<W, D> {
    Work(W),
    Doctor(D),
}

/// Only what is asked for the doctor has this field.
const DOCTOR: &str = "doctor";

impl<'de, W: DeserializeOwned, D: DeserializeOwned> Deserialize<'de> for Asked<W, D> {
    fn deserialize<T: Deserializer<'de>>(deserializer: T) -> Result<Self, T::Error> {
        let input = Value::deserialize(deserializer)?;
        let read = if input.get(DOCTOR).is_some() {
            serde_json::from_value(input).map(Self::Doctor)
        } else {
            serde_json::from_value(input).map(Self::Work)
        };
        read.map_err(serde::de::Error::custom)
    }
}

impl<W: InLogs, D: InLogs> InLogs for Asked<W, D> {
    fn execution(&self) -> &str {
        match self {
            Self::Work(work) => work.execution(),
            Self::Doctor(doctor) => doctor.execution(),
        }
    }

    fn memory(&self) -> Option<power_tuner_core::MemoryMb> {
        match self {
            Self::Work(work) => work.memory(),
            Self::Doctor(_) => None,
        }
    }
}

impl<S> InLogs for doctor::Call<S> {
    fn execution(&self) -> &str {
        &self.execution
    }
}

impl InLogs for doctor::Conclusion {
    fn execution(&self) -> &str {
        &self.execution
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_is_asked_for_the_doctor_is_told_from_who_is_to_work() {
        let call = json!({"execution": "e", "doctor": null});
        let read = |input: &Value| Asked::<Value, doctor::Call>::deserialize(input);
        assert!(matches!(read(&call), Ok(Asked::Doctor(call)) if call.execution == "e"));
        for work in [
            json!({"execution": "e", "input": {"doctor": "f"}}),
            json!("doctor"),
        ] {
            assert!(matches!(read(&work), Ok(Asked::Work(given)) if given == work));
        }
        let without = json!({"doctor": {}});
        assert!(read(&without).is_err(), "it names no execution");
    }
}
