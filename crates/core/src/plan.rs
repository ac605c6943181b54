//! What a tuning will do, decided before anything is touched.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::TuneError;
use crate::function::FunctionArn;
use crate::memory::MemoryMb;
use crate::prices::Price;
use crate::request::Request;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    Arm64,
    #[serde(rename = "x86_64")]
    X86_64,
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        })
    }
}

/// A function's configuration, as far as the tuner reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    pub function: FunctionArn,
    /// `$LATEST` or a number.
    pub version: String,
    pub description: String,
    pub memory: MemoryMb,
    pub timeout_s: u32,
    pub architecture: Architecture,
    pub code_sha256: String,
    pub revision_id: String,
    pub state: State,
    pub last_update: LastUpdate,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Active,
    /// Idle for long; comes back on its next call.
    Inactive,
    Failed(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastUpdate {
    InProgress,
    Successful,
    Failed(String),
}

/// The function that is tuned, as it was before.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub function: FunctionArn,
    pub memory: MemoryMb,
    pub timeout_s: u32,
    pub architecture: Architecture,
    pub code_sha256: String,
}

/// Everything that the steps after the first need to know, without the payload: what travels through the state machine
/// is bounded.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub target: Target,
    pub request: Request,
    pub price: Price,
    /// How many sizes are measured at the same time.
    pub sizes_at_once: u32,
}

/// Each branch takes an executor's concurrency besides its calls', and a new account has 10 in all.
const SIZES_AT_ONCE: u32 = 4;

impl Plan {
    /// # Errors
    ///
    /// The function cannot be tuned as it is, or its price is not known.
    pub fn new(request: Request, current: Configuration) -> Result<Self, TuneError> {
        refuse_what_cannot_be_tuned(&current)?;
        let price = Price::of(current.function.region(), current.architecture)?;
        Ok(Self {
            target: Target {
                function: current.function,
                memory: current.memory,
                timeout_s: current.timeout_s,
                architecture: current.architecture,
                code_sha256: current.code_sha256,
            },
            request,
            price,
            sizes_at_once: SIZES_AT_ONCE,
        })
    }

    /// The size of a throwaway version, where one is needed: not the one that the function has.
    #[must_use]
    pub fn throwaway_size(&self) -> MemoryMb {
        self.target.memory.neighbour()
    }

    /// Whether `$LATEST` may have this size because of us. Any other is somebody else's change.
    #[must_use]
    pub fn may_set(&self, memory: MemoryMb) -> bool {
        memory == self.throwaway_size() || self.request.sizes.contains(&memory)
    }
}

fn refuse_what_cannot_be_tuned(current: &Configuration) -> Result<(), TuneError> {
    let reason = match (&current.state, &current.last_update) {
        (State::Failed(reason), _) => {
            format!("its state is Failed ({reason}); make it work first")
        }
        (_, LastUpdate::Failed(reason)) => {
            format!("its last update failed ({reason}); update it successfully first")
        }
        _ => return Ok(()),
    };
    Err(TuneError::UnsupportedFunction {
        function: current.function.to_string(),
        reason,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn configuration() -> Configuration {
        Configuration {
            function: "arn:aws:lambda:us-east-1:123456789012:function:f"
                .to_owned()
                .try_into()
                .expect("a function's ARN"),
            version: "$LATEST".to_owned(),
            description: String::new(),
            memory: MemoryMb::try_from(512).expect("a valid size"),
            timeout_s: 3,
            architecture: Architecture::X86_64,
            code_sha256: "sha".to_owned(),
            revision_id: "revision".to_owned(),
            state: State::Active,
            last_update: LastUpdate::Successful,
        }
    }

    pub(crate) fn plan(input: serde_json::Value) -> Plan {
        let mut fields = json!({"lambdaARN": "f", "num": 10, "powerValues": [128, 512, 1024]});
        if let (Some(fields), serde_json::Value::Object(more)) = (fields.as_object_mut(), input) {
            fields.extend(more);
        }
        let request = Request::parse(&fields).expect("a good input");
        Plan::new(request, configuration()).expect("a plan")
    }

    #[test]
    fn a_broken_function_is_refused_with_its_reason() {
        let request =
            || Request::parse(&json!({"lambdaARN": "f", "num": 5})).expect("a good input");
        let mut broken = configuration();
        broken.last_update = LastUpdate::Failed("no such role".to_owned());
        let error = Plan::new(request(), broken).expect_err("a failed update");
        assert_eq!(error.name(), "UnsupportedFunction");
        assert!(error.to_string().contains("no such role"), "{error}");
    }

    #[test]
    fn a_plan_survives_the_way_through_the_state_machine() {
        let plan = plan(json!({"strategy": "balanced", "parallelInvocation": 7}));
        let text = serde_json::to_string(&plan).expect("JSON");
        assert_eq!(serde_json::from_str::<Plan>(&text).expect("the same"), plan);
    }
}
