//! Sample functions, each with a shape that a tuner should recognise.

use crate::spec::{Behaviour, Curve, FunctionSpec, LogFormat, Noise};

/// The presets' names, each with what it is in one line.
pub const PRESETS: [(&str, &str); 6] = [
    (
        "cpu-bound",
        "computes: duration is inverse to memory up to 1769 MB, so cost is level there and then rises",
    ),
    (
        "io-bound",
        "waits for others: duration is the same at every memory size, so the smallest is the cheapest",
    ),
    (
        "mixed",
        "computes and waits: more memory helps less and less",
    ),
    (
        "cold-heavy",
        "initialises for seconds, which memory shortens, and then computes a little",
    ),
    ("json-logs", "like mixed, with its log in the JSON format"),
    (
        "fails-below-256mb",
        "like mixed, and runs out of memory below 256 MB",
    ),
];

impl FunctionSpec {
    /// The preset of that name as a function of that name, or `None` if there is no such preset.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let (behaviour, log_format) = match name {
            "cpu-bound" => (computing(5.0, 200_000.0), LogFormat::Text),
            "io-bound" => (computing(400.0, 0.0), LogFormat::Text),
            "mixed" => (computing(150.0, 100_000.0), LogFormat::Text),
            "cold-heavy" => (cold_heavy(), LogFormat::Text),
            "json-logs" => (computing(150.0, 100_000.0), LogFormat::Json),
            "fails-below-256mb" => (fails_below_256mb(), LogFormat::Text),
            _ => return None,
        };
        let description = PRESETS.iter().find(|preset| preset.0 == name)?.1.to_owned();
        Some(Self {
            description,
            log_format,
            behaviour,
            ..Self::named(name)
        })
    }
}

fn computing(base_ms: f64, ms_times_mb: f64) -> Behaviour {
    Behaviour {
        duration: Curve::Formula {
            base_ms,
            ms_times_mb,
            flat_above_mb: 1769.0,
        },
        noise: Noise {
            coefficient: 0.02,
            tail_probability: 0.01,
            tail_factor: 3.0,
        },
        init_ms: 180.0,
        max_memory_used_mb: 72,
        ..Behaviour::default()
    }
}

fn cold_heavy() -> Behaviour {
    Behaviour {
        init_ms: 900.0,
        init_ms_times_mb: 600_000.0,
        ..computing(40.0, 20_000.0)
    }
}

fn fails_below_256mb() -> Behaviour {
    Behaviour {
        fails_below_mb: Some(256),
        max_memory_used_mb: 210,
        ..computing(150.0, 100_000.0)
    }
}
