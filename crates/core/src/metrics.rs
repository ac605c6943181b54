//! An outcome as `CloudWatch` metrics: one object that a function logs, in `CloudWatch`'s embedded metric format.

use serde_json::{Map, Value, json};

use crate::filed;
use crate::outcome::{Outcome, Size};

pub const NAMESPACE: &str = "PowerTuner";
pub const DIMENSIONS: [&str; 2] = ["Function", "Strategy"];

pub const NAMES: [&str; 7] = [
    "BestMemory",
    "BestCost",
    "BestDuration",
    "CurrentMemory",
    "CurrentCost",
    "CurrentDuration",
    "MonthlySaving",
];

/// A metric's name, its unit (one of `CloudWatch`'s), and its value where that is known.
type Metric = (&'static str, &'static str, Option<f64>);

/// The line to be logged of an execution, at that time.
#[must_use]
pub fn of(outcome: &Outcome, execution: &str, unix_s: u64) -> Value {
    let mut known = metrics(outcome).to_vec();
    known.retain(|(.., value)| value.is_some_and(f64::is_finite));
    let named: Vec<Value> = known
        .iter()
        .map(|(name, unit, _)| json!({"Name": name, "Unit": unit}))
        .collect();
    // Functions of one name in two accounts have metrics of their own.
    let function =
        filed::folder(&outcome.function, execution).unwrap_or_else(|_| outcome.function.clone());
    let line = json!({
        "_aws": {
            "Timestamp": unix_s.saturating_mul(1_000),
            "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": [DIMENSIONS], "Metrics": named},
            ],
        },
        // As Lambda reads it; without one it assumes the same.
        "level": "INFO",
        "message": "what this tuning found, as metrics",
        "Function": function,
        "Strategy": outcome.strategy,
        "Currency": outcome.currency,
    });
    let values = known
        .into_iter()
        .map(|(name, _, value)| (name.to_owned(), json!(value)));
    let mut fields = Map::new();
    if let Value::Object(line) = line {
        fields.extend(line);
    }
    fields.extend(values);
    Value::Object(fields)
}

fn metrics(outcome: &Outcome) -> [Metric; 7] {
    let current = outcome.current_memory.and_then(|current| {
        let mut sizes = outcome.sizes.iter().chain(&outcome.baseline);
        sizes.find(|size| size.memory == current)
    });
    let of_current = |value: fn(&Size) -> Option<f64>| current.and_then(value);
    let saving = outcome.monthly.as_ref().and_then(|month| month.saving);
    [
        (
            "BestMemory",
            "Megabytes",
            Some(f64::from(outcome.power.get())),
        ),
        ("BestCost", "None", Some(outcome.cost)),
        ("BestDuration", "Milliseconds", Some(outcome.duration)),
        (
            "CurrentMemory",
            "Megabytes",
            outcome.current_memory.map(|memory| f64::from(memory.get())),
        ),
        ("CurrentCost", "None", of_current(|size| size.average_cost)),
        (
            "CurrentDuration",
            "Milliseconds",
            of_current(|size| size.average_duration_ms),
        ),
        ("MonthlySaving", "None", saving),
    ]
}

#[cfg(test)]
mod tests {
    const EXECUTION: &str = "arn:aws:states:us-east-1:123456789012:execution:tuner:one";

    use super::*;
    use crate::MemoryMb;
    use crate::outcome::tests::outcome_of;

    /// Of the embedded metric format's specification: "`CloudWatch` embedded metric format specification" in the user guide,
    /// with what its text says beside the schema.
    fn schema() -> jsonschema::Validator {
        let name =
            json!({"type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^[ -~]+$"});
        let schema = json!({
            "type": "object",
            "required": ["_aws"],
            "properties": {"_aws": {
                "type": "object",
                "required": ["Timestamp", "CloudWatchMetrics"],
                "properties": {
                    "Timestamp": {"type": "integer", "minimum": 1_000_000_000_000u64},
                    "CloudWatchMetrics": {"type": "array", "minItems": 1, "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "additionalProperties": false,
                        "properties": {
                            "Namespace": name,
                            "Dimensions": {"type": "array", "minItems": 1, "items": {
                                "type": "array", "items": name, "minItems": 1, "maxItems": 30, "uniqueItems": true,
                            }},
                            "Metrics": {"type": "array", "minItems": 1, "maxItems": 100, "uniqueItems": true, "items": {
                                "type": "object",
                                "required": ["Name", "Unit"],
                                "additionalProperties": false,
                                "properties": {"Name": name, "Unit": {"enum": ["Megabytes", "Milliseconds", "None"]}},
                            }},
                        },
                    }},
                },
            }},
        });
        jsonschema::validator_for(&schema).expect("a schema")
    }

    /// Everything that is named is there: dimensions as texts, metrics as numbers.
    #[track_caller]
    fn holds_the_rules(line: &Value) {
        let faults: Vec<String> = schema()
            .iter_errors(line)
            .map(|fault| fault.to_string())
            .collect();
        assert!(faults.is_empty(), "{faults:?} in {line:#}");
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        for name in directive["Dimensions"][0].as_array().expect("names") {
            let value = line[name.as_str().expect("a name")].as_str();
            let value = value.expect("a text");
            assert!((1..=1024).contains(&value.len()), "{name}: {value}");
        }
        for metric in directive["Metrics"].as_array().expect("metrics") {
            let value = &line[metric["Name"].as_str().expect("a name")];
            // CloudWatch refuses what is nearer to 0, or farther from it.
            let size = value.as_f64().expect("a number").abs();
            assert!(
                size <= 0.0 || (8.515_920e-109..=1.174_271e108).contains(&size),
                "{metric}: {value}"
            );
        }
        assert!(line.to_string().len() < 256 * 1024 && !line.to_string().contains('\n'));
    }

    fn values(line: &Value) -> Vec<(String, f64)> {
        let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array();
        let names = metrics
            .expect("metrics")
            .iter()
            .map(|metric| metric["Name"].as_str());
        let names = names.map(|name| name.expect("a name").to_owned());
        names
            .map(|name| (name.clone(), line[&name].as_f64().expect("a number")))
            .collect()
    }

    fn mb(mb: u32) -> MemoryMb {
        MemoryMb::try_from(mb).expect("a valid size")
    }

    #[test]
    fn the_best_size_and_the_current_one_are_metrics() {
        let sizes = &[(128, 4e-7, 400.0), (512, 2e-7, 150.0)];
        let outcome = Outcome {
            current_memory: Some(mb(128)),
            ..outcome_of("cost", sizes, 512)
        };
        let line = of(&outcome, EXECUTION, 1_795_304_000);
        holds_the_rules(&line);
        assert_eq!(line["_aws"]["Timestamp"], 1_795_304_000_000_u64);
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"][0]["Namespace"],
            "PowerTuner"
        );
        assert_eq!(
            (&line["Function"], &line["Strategy"]),
            (&json!("f"), &json!("cost"))
        );
        let want = [
            ("BestMemory", 512.0),
            ("BestCost", 2e-7),
            ("BestDuration", 150.0),
            ("CurrentMemory", 128.0),
            ("CurrentCost", 4e-7),
            ("CurrentDuration", 400.0),
        ];
        assert_eq!(
            values(&line),
            want.map(|(name, value)| (name.to_owned(), value))
        );
    }

    #[test]
    fn every_metric_is_named() {
        let outcome = outcome_of("cost", &[(512, 2e-7, 150.0)], 512);
        assert_eq!(metrics(&outcome).map(|(name, ..)| name), NAMES);
    }

    #[test]
    fn what_is_not_known_is_no_metric() {
        let sizes = &[(512, 2e-7, 150.0)];
        for (current, many) in [(None, 3), (Some(mb(128)), 4)] {
            let outcome = Outcome {
                current_memory: current,
                ..outcome_of("speed", sizes, 512)
            };
            let line = of(&outcome, EXECUTION, 1_795_304_000);
            holds_the_rules(&line);
            assert_eq!(values(&line).len(), many);
        }
    }

    #[test]
    fn the_saving_of_a_month_is_a_metric_where_it_is_known() {
        let month = |saving: Value| {
            let at = json!({"memory": 512, "cost": {"duration": 1.0}});
            let month = json!({
                "invocations": 1000, "currency": "USD", "best": at, "saving": saving, "notes": [],
            });
            serde_json::from_value(month).expect("a month")
        };
        for (saving, is_there) in [
            (json!(12.5), true),
            (json!(-3.0), true),
            (Value::Null, false),
        ] {
            let outcome = Outcome {
                monthly: Some(month(saving.clone())),
                ..outcome_of("cost", &[(512, 2e-7, 150.0)], 512)
            };
            let line = of(&outcome, EXECUTION, 1_795_304_000);
            holds_the_rules(&line);
            assert_eq!(line["MonthlySaving"], saving);
            assert_eq!(line.get("MonthlySaving").is_some(), is_there);
        }
    }

    #[test]
    fn what_is_no_number_is_no_metric() {
        let outcome = Outcome {
            cost: f64::NAN,
            ..outcome_of("cost", &[(512, 2e-7, 150.0)], 512)
        };
        let line = of(&outcome, EXECUTION, 1_795_304_000);
        holds_the_rules(&line);
        assert_eq!(line.get("BestCost"), None);
    }
}
