//! `input.schema.json` says the same as the parser: editors and the console must not lead anybody astray.

use std::fs;
use std::path::Path;

use jsonschema::Validator;
use power_tuner_core::command::{Clean, Doctor};
use power_tuner_core::error::Fault;
use power_tuner_core::request::Request;
use proptest::prelude::{Just, Strategy, any, prop, proptest};
use proptest::sample::select;
use serde_json::{Map, Value, json};

const SCHEMA: &str = include_str!("../../../statemachine/input.schema.json");

fn validator() -> Validator {
    let schema = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is a schema")
}

/// Values at the edges of each field's rule, on both sides.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn values_of(field: &str) -> Vec<Value> {
    let switch = vec![json!(true), json!(false), json!("true"), json!(1)];
    let number = vec![
        json!(0.5),
        json!(-3),
        json!("0.25"),
        json!(" 1e-2 "),
        json!("half"),
        json!(""),
        json!([0.5]),
    ];
    let function = vec![
        json!("f"),
        json!("f:3"),
        json!("f:live"),
        json!("f:$LATEST"),
        json!("f:$OLDEST"),
        json!("f:"),
        json!(""),
        json!("my function"),
        json!("x".repeat(65)),
        json!("123456789012:function:f"),
        json!("arn:aws:lambda:eu-west-1:123456789012:function:f:live"),
        json!("arn:aws:s3:::bucket"),
        json!("arn:aws:lambda:eu-west-1:12345678901:function:f"),
        json!("arn:aws:lambda:evil.example/:123456789012:function:f"),
        json!("arn:aws:lambda::123456789012:function:f"),
        json!(7),
    ];
    let mut values = match field {
        "lambdaARN" | "preProcessorARN" | "postProcessorARN" | "clean" => function,
        "doctor" => function
            .into_iter()
            .chain([json!({}), json!({"f": 1}), json!([])])
            .collect(),
        // Of the account of the functions above: that the two fit no schema can say.
        "roleARN" => vec![
            json!("arn:aws:iam::123456789012:role/tuned"),
            json!("arn:aws-us-gov:iam::123456789012:role/a/p:ath/tuned+=,.@_-1"),
            json!("arn:aws:iam::123456789012:role//tuned"),
            json!(format!(
                "arn:aws:iam::123456789012:role/{}/f",
                "p".repeat(510)
            )),
            json!(format!(
                "arn:aws:iam::123456789012:role/{}/f",
                "p".repeat(511)
            )),
            json!(format!("arn:aws:iam::123456789012:role/{}", "n".repeat(64))),
            json!(format!("arn:aws:iam::123456789012:role/{}", "n".repeat(65))),
            json!("arn:aws:iam::12345678901:role/tuned"),
            json!("arn:aws:iam::123456789012:user/tuned"),
            json!("arn:aws:iam::123456789012:role/of mine"),
            json!("arn:aws:iam::123456789012:role/"),
            json!("tuned"),
            json!(""),
            json!(7),
        ],
        "num" => vec![
            json!(5),
            json!(4),
            json!(5000),
            json!(5001),
            json!("50"),
            json!("+7"),
            json!("007"),
            json!(" 9 "),
            json!("4"),
            json!("5001"),
            json!(5.0),
            json!(5.5),
            json!(-5),
        ],
        "powerValues" => vec![
            json!("ALL"),
            json!("all"),
            json!([]),
            json!([128]),
            json!([127]),
            json!([10_240, 512]),
            json!([10_241]),
            json!(["128", "10240"]),
            json!(["127"]),
            json!(["10241"]),
            json!([512.0]),
            json!([512.5]),
            json!([null]),
            json!(512),
            json!([128, 512]),
            json!([512, 512]),
            json!([512, "512"]),
            json!([128, 512, 1024]),
            Value::from(vec![512; 200]),
            Value::from(vec![512; 201]),
        ],
        "search" => vec![
            json!("grid"),
            json!("adaptive"),
            json!("Adaptive"),
            json!(""),
            json!(true),
        ],
        "precision" => vec![
            json!(0.05),
            json!(0.001),
            json!(0.000_999),
            json!(0.5),
            json!(0.501),
            json!(0),
            json!("0.05"),
            json!(" .0010 "),
            json!("0.0009"),
            json!("0.500"),
            json!("0.501"),
            json!("+00.49999"),
            json!("0"),
            json!("0."),
            json!("-0.05"),
            json!("5e-2"),
            json!("half"),
        ],
        "maxDurationMs" | "maxCost" => vec![
            json!(300),
            json!(1e-7),
            json!(0),
            json!(-1),
            json!("250.5"),
            json!("2.1e-6"),
            json!("0.0"),
            json!("-1"),
            json!("fast"),
            json!([300]),
        ],
        // Each with which five calls show it, or none: how many are needed no schema can say.
        "percentile" => vec![
            json!(50),
            json!(0.1),
            json!(99.9),
            json!(0),
            json!(100),
            json!(-1),
            json!("50"),
            json!(" +050.5 "),
            json!(".5"),
            json!("95"),
            json!("0"),
            json!("0.0"),
            json!("100"),
            json!("99.9999"),
            json!("5e1"),
            json!("p95"),
        ],
        "monthlyInvocations" => vec![
            json!(1),
            json!(0),
            json!(1_000_000_000_000_000_u64),
            json!(1_000_000_000_000_001_u64),
            json!(1e6),
            json!(1.5),
            json!("1000000"),
            json!(" +01 "),
            json!("0"),
            json!("1000000000000000"),
            json!("1000000000000001"),
            json!("1e6"),
            json!("many"),
        ],
        "provisionedConcurrency" => vec![
            json!(1),
            json!(0),
            json!(1_000_000),
            json!(1_000_001),
            json!(2.5),
            json!("10"),
            json!("1000000"),
            json!("1000001"),
            json!("0"),
            json!("-1"),
        ],
        "minImprovementPercent" => vec![
            json!(0),
            json!(5.5),
            json!(99.99),
            json!(100),
            json!(-0.1),
            json!("0"),
            json!("5"),
            json!(" 05.25 "),
            json!("99.99"),
            json!("100"),
            json!("-1"),
            json!("1e1"),
            json!("5 %"),
        ],
        "strategy" => vec![
            json!("cost"),
            json!("speed"),
            json!("balanced"),
            json!("Cost"),
        ],
        "onFailure" => vec![json!("continue"), json!("fail"), json!("stop")],
        "balancedWeight" | "discardTopBottom" => number,
        "parallelInvocation" => vec![
            json!(true),
            json!(false),
            json!(1),
            json!(0),
            json!("8"),
            json!("0"),
            json!(4_294_967_295_u64),
            json!(4_294_967_296_u64),
        ],
        "autoOptimizeAlias" => vec![
            json!("live"),
            json!("7"),
            json!("7a"),
            json!(""),
            json!("power-tuner-lock"),
            json!("a b"),
            json!("a".repeat(129)),
        ],
        "sleepBetweenRunsMs" => vec![
            json!(0),
            json!(600_000),
            json!(600_001),
            json!("600000"),
            json!("600001"),
            json!("99"),
            json!(-1),
        ],
        "allowedExceptions" => vec![
            json!([]),
            json!(["KeyError"]),
            json!([7]),
            json!("KeyError"),
        ],
        "price" => vec![
            json!({}),
            json!({"perGbSecond": 1e-5}),
            json!({"perGbSecond": 0}),
            json!({"perGbSecond": null}),
            json!({"perGbSecond": "0.0000166667"}),
            json!({"perGbSecond": " 1.5e-5"}),
            json!({"perGbSecond": "0.0"}),
            json!({"perGbSecond": "-1"}),
            json!({"perGbSecond": 1, "perTransition": "0.1"}),
            json!({"perGbSecond": 1, "perRequest": "2e-7"}),
            json!({"perGbSecond": 1, "perRequest": null}),
            json!({"perGbSecond": 1, "perRequest": 0}),
            json!({"perGbSecond": 1, "perTransition": 0.1, "currency": "EUR"}),
            json!({"perGbSecond": 1, "perTransition": -1}),
            json!({"perGbSecond": 1, "currency": "euro"}),
            json!({"perGbSecond": 1, "perGB": 1}),
            json!(7),
        ],
        "note" => vec![
            json!("why"),
            json!("two\nlines"),
            json!("a\ttab"),
            json!("\u{7f}"),
            json!("\u{85}"),
            json!("\u{10348}".repeat(500)),
            json!("x".repeat(501)),
            json!(""),
            json!(7),
        ],
        "payload" => vec![json!({}), json!([1]), json!("text")],
        "payloadS3" => vec![
            json!("s3://bucket/key"),
            json!("s3://my.bucket-1/a/b c.json"),
            json!("s3://bucket/"),
            json!("s3://Bucket/key"),
            json!("s3://ab/key"),
            json!("bucket/key"),
            json!(""),
            json!(7),
        ],
        "lambdaArn" => vec![json!("f"), json!(true)],
        _ => switch,
    };
    values.push(Value::Null);
    values
}

const FIELDS: [&str; 36] = [
    "lambdaARN",
    "roleARN",
    "num",
    "powerValues",
    "payload",
    "strategy",
    "balancedWeight",
    "parallelInvocation",
    "discardTopBottom",
    "includeOutputResults",
    "autoOptimize",
    "autoOptimizeAlias",
    "onFailure",
    "dryRun",
    "preProcessorARN",
    "postProcessorARN",
    "sleepBetweenRunsMs",
    "disablePayloadLogs",
    "allowedExceptions",
    "price",
    "lambdaArn",
    "payloadS3",
    "onlyColdStarts",
    "search",
    "precision",
    "maxDurationMs",
    "percentile",
    "maxCost",
    "monthlyInvocations",
    "provisionedConcurrency",
    "baseline",
    "minImprovementPercent",
    "note",
    "clean",
    "doctor",
    "reportLink",
];

/// What a field needs of others, so that its own rule is what decides.
fn needed_for(field: &str) -> Value {
    match field {
        "percentile" => json!({"maxDurationMs": 300}),
        "provisionedConcurrency" => json!({"monthlyInvocations": 1000}),
        "minImprovementPercent" => json!({"autoOptimize": true}),
        _ => json!({}),
    }
}

/// How many cold starts there may be depends on how many sizes there are, which no schema can say.
fn asks_for_too_many_cold_starts(fault: &Fault) -> bool {
    fault
        .rule
        .contains("more than Step Functions carries from round")
}

/// How many calls show a percentile is a logarithm, which no schema can say.
fn asks_for_a_percentile_of_too_few_calls(fault: &Fault) -> bool {
    fault.field == "percentile" && fault.rule.contains("95 % confidence")
}

/// That a number and a text are the same size no schema can say.
fn names_one_size_in_two_ways(input: &Value, fault: &Fault) -> bool {
    let sizes = input["powerValues"].as_array();
    sizes.is_some_and(|sizes| matches!(sizes.as_slice(), [a, b] if a != b))
        && fault.rule.contains("two different sizes")
}

fn is_beyond_a_schema(input: &Value, fault: &Fault) -> bool {
    asks_for_too_many_cold_starts(fault)
        || asks_for_a_percentile_of_too_few_calls(fault)
        || names_one_size_in_two_ways(input, fault)
}

/// As the state machine's first choice does, and the function that comes then.
fn parse(input: &Value) -> Result<(), Vec<Fault>> {
    if input.get("clean").is_some() {
        Clean::parse(input).map(drop)
    } else if input.get("doctor").is_some() {
        Doctor::parse(input).map(drop)
    } else {
        Request::parse(input).map(drop)
    }
}

fn agree(validator: &Validator, input: &Value) {
    let parsed = parse(input);
    if let Err(faults) = &parsed
        && faults.iter().all(|fault| is_beyond_a_schema(input, fault))
    {
        return;
    }
    assert_eq!(
        parsed.is_ok(),
        validator.is_valid(input),
        "{input}\nthe parser: {parsed:?}\nthe schema: {:?}",
        validator
            .iter_errors(input)
            .map(|error| error.to_string())
            .collect::<Vec<_>>()
    );
}

#[test]
fn schema_and_parser_agree_about_each_value_of_each_field() {
    let validator = validator();
    let bare = || json!({"lambdaARN": "f", "num": 5});
    for field in FIELDS {
        for value in values_of(field) {
            for with in [json!({}), needed_for(field), json!({"search": "adaptive"})] {
                let mut input = bare();
                let (Value::Object(fields), Value::Object(with)) = (&mut input, with) else {
                    unreachable!("both are objects");
                };
                fields.extend(with);
                input[field] = value.clone();
                agree(&validator, &input);
            }
        }
    }
    for input in [
        json!({}),
        json!({"num": 5}),
        json!({"lambdaARN": "f"}),
        json!([]),
        json!("f"),
    ] {
        agree(&validator, &input);
    }
}

#[test]
fn schema_and_parser_agree_about_what_is_no_tuning() {
    let validator = validator();
    for command in ["clean", "doctor"] {
        let mut good = 0;
        for value in values_of(command) {
            let alone = json!({command: value});
            good += usize::from(validator.is_valid(&alone));
            agree(&validator, &alone);
            for role in values_of("roleARN") {
                agree(&validator, &json!({command: value, "roleARN": role}));
            }
            for other in FIELDS.into_iter().filter(|field| *field != command) {
                for beside in values_of(other) {
                    let mut input = alone.clone();
                    input[other] = beside;
                    agree(&validator, &input);
                }
            }
        }
        assert!(good > 3, "{command}");
    }
}

#[test]
fn what_a_field_needs_of_others_is_in_the_schema() {
    let validator = validator();
    for (field, value, needed) in [
        ("percentile", json!(50), json!({"maxDurationMs": null})),
        (
            "provisionedConcurrency",
            json!(5),
            json!({"monthlyInvocations": null}),
        ),
        (
            "minImprovementPercent",
            json!(5),
            json!({"autoOptimize": false}),
        ),
        ("search", json!("adaptive"), json!({"powerValues": [512]})),
    ] {
        let mut input = json!({"lambdaARN": "f", "num": 5});
        let (Value::Object(fields), Value::Object(needed)) = (&mut input, needed) else {
            unreachable!("both are objects");
        };
        fields.extend(needed);
        input[field] = value;
        assert!(!validator.is_valid(&input), "{input}");
        agree(&validator, &input);
        input[field] = Value::Null;
        assert!(validator.is_valid(&input), "{input}");
        agree(&validator, &input);
    }
}

fn inputs() -> impl Strategy<Value = Value> {
    let field = select(FIELDS.to_vec()).prop_flat_map(|field| {
        let value = select(values_of(field));
        (Just(field.to_owned()), value)
    });
    (prop::collection::vec(field, 0..6), any::<bool>()).prop_map(|(fields, complete)| {
        let mut input = Map::new();
        if complete {
            input.insert("lambdaARN".to_owned(), json!("f"));
            input.insert("num".to_owned(), json!(10));
        }
        input.extend(fields);
        Value::Object(input)
    })
}

proptest! {
    #[test]
    fn schema_and_parser_agree_about_any_input(input in inputs()) {
        agree(&validator(), &input);
    }
}

#[test]
fn every_field_of_the_schema_is_tried_here() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let fields = schema["properties"].as_object().expect("properties");
    for field in fields.keys() {
        assert!(FIELDS.contains(&field.as_str()), "{field}");
    }
}

#[test]
fn every_example_is_a_good_input() {
    let validator = validator();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../statemachine/examples");
    let mut examples = 0;
    for entry in fs::read_dir(folder).expect("examples") {
        let path = entry.expect("an example").path();
        let text = fs::read_to_string(&path).expect("an example");
        let input: Value = serde_json::from_str(&text).expect("JSON");
        parse(&input).unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display()));
        assert!(validator.is_valid(&input), "{}", path.display());
        examples += 1;
    }
    assert!(examples >= 13);
}
