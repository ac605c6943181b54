//! `input.schema.json` says the same as the parser: editors and the console must not lead anybody astray.

use std::fs;
use std::path::Path;

use jsonschema::Validator;
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
        "lambdaARN" | "preProcessorARN" | "postProcessorARN" => function,
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
            Value::from(vec![512; 200]),
            Value::from(vec![512; 201]),
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
            json!({"perGbSecond": 1, "perTransition": 0.1, "currency": "EUR"}),
            json!({"perGbSecond": 1, "perTransition": -1}),
            json!({"perGbSecond": 1, "currency": "euro"}),
            json!({"perGbSecond": 1, "perGB": 1}),
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

const FIELDS: [&str; 23] = [
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
];

/// How many cold starts there may be depends on how many sizes there are, which no schema can say.
fn asks_for_too_many_cold_starts(faults: &[Fault]) -> bool {
    faults.iter().all(|fault| {
        fault
            .rule
            .contains("more than Step Functions carries from round")
    })
}

fn agree(validator: &Validator, input: &Value) {
    let parsed = Request::parse(input);
    if parsed
        .as_ref()
        .is_err_and(|faults| asks_for_too_many_cold_starts(faults))
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
    for field in FIELDS {
        for value in values_of(field) {
            let mut input = json!({"lambdaARN": "f", "num": 5});
            input[field] = value;
            agree(&validator, &input);
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
        Request::parse(&input).unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display()));
        assert!(validator.is_valid(&input), "{}", path.display());
        examples += 1;
    }
    assert!(examples >= 9);
}
