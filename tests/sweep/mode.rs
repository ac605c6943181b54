//! What is tuned, and how.

use power_tuner_lambda_sim::{Curve, FunctionSpec, Sim};
use serde_json::{Value, json};

pub const FUNCTION: &str = "f";
/// Its size before.
pub const ORIGINAL: u64 = 512;
/// The size that the optimizer chooses.
pub const BEST: u64 = 1024;
/// The user's alias.
pub const LIVE: &str = "live";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Normal,
    Parallel,
    Cold,
    Optimize,
    Stored,
    Search,
}

impl Mode {
    pub const ALL: [Self; 6] = [
        Self::Normal,
        Self::Parallel,
        Self::Cold,
        Self::Optimize,
        Self::Stored,
        Self::Search,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Parallel => "parallel",
            Self::Cold => "cold",
            Self::Optimize => "optimize",
            Self::Stored => "stored",
            Self::Search => "search",
        }
    }

    /// All that are measured; of a search those between which it chooses.
    pub fn sizes(self) -> &'static [u64] {
        match self {
            Self::Search => &[ORIGINAL, 1769],
            Self::Normal => &[128, ORIGINAL, BEST],
            Self::Parallel | Self::Cold | Self::Optimize => &[ORIGINAL, BEST],
            Self::Stored => &[128, ORIGINAL],
        }
    }

    pub fn input(self) -> Value {
        let mut input = json!({
            "lambdaARN": FUNCTION,
            "num": 5,
            "powerValues": self.sizes(),
            "payload": {"from": "the input"},
        });
        let more = match self {
            Self::Normal => json!({}),
            Self::Parallel => json!({"parallelInvocation": true}),
            Self::Cold => json!({"onlyColdStarts": true}),
            Self::Optimize => {
                json!({"strategy": "speed", "autoOptimize": true, "autoOptimizeAlias": LIVE})
            }
            Self::Stored => json!({"payloadS3": "s3://payloads/a/large.json"}),
            Self::Search => json!({"search": "adaptive"}),
        };
        if let (Value::Object(input), Value::Object(more)) = (&mut input, more) {
            input.extend(more);
        }
        input
    }

    /// Makes what is there before.
    pub fn prepare(sim: &Sim) {
        let mut spec = FunctionSpec {
            description: "somebody's".to_owned(),
            environment: [("STAGE".to_owned(), "test".to_owned())].into(),
            ..FunctionSpec::named(FUNCTION)
        };
        spec.behaviour.duration = Curve::Formula {
            base_ms: 10.0,
            ms_times_mb: 100_000.0,
            flat_above_mb: 1769.0,
        };
        spec.behaviour.init_ms = 400.0;
        sim.create(spec).expect("a sound function");
        sim.put_object("payloads", "a/large.json", r#"{"from": "S3"}"#);
    }
}
