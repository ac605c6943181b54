//! An execution input from a file and flags, checked before anything is started.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use power_tuner_core::request::Request;
use serde_json::{Map, Number, Value};

use crate::end::Error;
use crate::source;

/// One flag for each field of the input; what they hold is checked with the rest of it.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Input (see the README for what each field means)")]
pub struct Flags {
    /// The function: its name or its ARN, perhaps with a version or an alias
    #[arg(value_name = "FUNCTION", help_heading = clap::builder::Resettable::<clap::builder::Str>::Reset)]
    pub function: Option<String>,
    /// A file with a whole execution input, or - for standard input; the options below win over it
    #[arg(long, value_name = "FILE|-")]
    input: Option<PathBuf>,
    /// A role of the function's account, for functions of other accounts
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// Calls for each memory size, 5 to 5000; the most that one gets in an adaptive search [default: 50]
    #[arg(long, value_name = "NUMBER")]
    num: Option<String>,
    /// Memory sizes in MB, or ALL; the lowest and the highest in an adaptive search
    #[arg(long, value_name = "MB,MB,...|ALL", value_delimiter = ',')]
    power_values: Option<Vec<String>>,
    /// Measure sizes that are named, or let the tuner choose them: grid, adaptive
    #[arg(long, value_name = "HOW")]
    search: Option<String>,
    /// A size gets no more calls once its average is known to within this share, such as 0.05
    #[arg(long, value_name = "SHARE")]
    precision: Option<String>,
    /// What each call receives: JSON, or @FILE with JSON in it
    #[arg(long, value_name = "JSON|@FILE")]
    payload: Option<String>,
    /// Where the payload lies in S3
    #[arg(long, value_name = "s3://BUCKET/KEY")]
    payload_s3: Option<String>,
    /// What is best: cost, speed, balanced
    #[arg(long, value_name = "WHAT")]
    strategy: Option<String>,
    /// For the strategy balanced: from 0 (fastest) to 1 (cheapest)
    #[arg(long, value_name = "WEIGHT")]
    balanced_weight: Option<String>,
    /// The best size must keep to this mean duration
    #[arg(long, value_name = "MS")]
    max_duration_ms: Option<String>,
    /// With --max-duration-ms: so many of a hundred calls must keep to it, instead of the mean
    #[arg(long, value_name = "PERCENT")]
    percentile: Option<String>,
    /// The best size must keep to this cost of a call
    #[arg(long, value_name = "COST")]
    max_cost: Option<String>,
    /// Calls in a month: what they cost at each size, and what the best one saves
    #[arg(long, value_name = "NUMBER")]
    monthly_invocations: Option<String>,
    /// With --monthly-invocations: environments that are kept ready
    #[arg(long, value_name = "NUMBER")]
    provisioned_concurrency: Option<String>,
    /// Measure the current size beside the others
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    baseline: Option<bool>,
    /// Calls of one size at the same time: without a value all at once, or at most that many
    #[arg(long, value_name = "BOOL|NUMBER", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    parallel_invocation: Option<String>,
    /// The share of calls left out at each end before averaging
    #[arg(long, value_name = "SHARE")]
    discard_top_bottom: Option<String>,
    /// Add `stats` to the outcome
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    include_output_results: Option<bool>,
    /// Give the best size to the function
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    auto_optimize: Option<bool>,
    /// With --auto-optimize: publish a version of the best size, and move this alias to it
    #[arg(long, value_name = "ALIAS")]
    auto_optimize_alias: Option<String>,
    /// With --auto-optimize: only if it is better by at least so many percent, beyond chance
    #[arg(long, value_name = "PERCENT")]
    min_improvement_percent: Option<String>,
    /// What a size that cannot be measured means: continue, fail
    #[arg(long, value_name = "WHAT")]
    on_failure: Option<String>,
    /// One call for each size, to see whether everything works
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    dry_run: Option<bool>,
    /// Give a link to the report, where the stack stores one
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    report_link: Option<bool>,
    /// Count only calls for which an environment was started
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    only_cold_starts: Option<bool>,
    /// A function that is called before each call, and may replace the payload
    #[arg(long, value_name = "FUNCTION")]
    pre_processor_arn: Option<String>,
    /// A function that is called after each call
    #[arg(long, value_name = "FUNCTION")]
    post_processor_arn: Option<String>,
    /// A pause between two calls, where they are made one at a time
    #[arg(long, value_name = "MS")]
    sleep_between_runs_ms: Option<String>,
    /// Keep payloads, and messages of errors, out of logs and causes
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    disable_payload_logs: Option<bool>,
    /// An error type that counts as an ordinary end of a call; may be given several times
    #[arg(long, value_name = "TYPE", action = ArgAction::Append)]
    allowed_exceptions: Option<Vec<String>>,
    /// Prices that the table does not know, such as {"perGbSecond": 0.0000166667}
    #[arg(long, value_name = "JSON")]
    price: Option<String>,
    /// A text for readers of the outcome
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// So many calls for each size, where nobody says otherwise.
const NUM: u32 = 50;

/// An execution input without a fault.
#[derive(Clone, Debug)]
pub struct Input {
    pub value: Value,
    pub request: Request,
}

impl Flags {
    /// The input that was asked for.
    ///
    /// # Errors
    ///
    /// All its faults, or the file that cannot be read.
    pub fn read(&self) -> Result<Input, Error> {
        self.read_with(&[])
    }

    /// As [`read`](Self::read), with fields for where nothing is said about them.
    pub fn read_with(&self, defaults: &[(&str, Value)]) -> Result<Input, Error> {
        let mut fields = match &self.input {
            None => Map::new(),
            Some(path) => object(&source::text(path)?)
                .map_err(|fault| Error::Usage(format!("`{}` {fault}", path.display())))?,
        };
        for (field, value) in self.stated()? {
            fields.insert(field.to_owned(), value);
        }
        for (field, value) in [("num", NUM.into())].iter().chain(defaults) {
            fields
                .entry(*field)
                .and_modify(|stated| {
                    if stated.is_null() {
                        *stated = value.clone();
                    }
                })
                .or_insert_with(|| value.clone());
        }
        checked(Value::Object(fields))
    }

    /// Whether anything of an input is stated.
    pub fn is_any(&self) -> bool {
        self.input.is_some() || self.stated().map_or(true, |stated| !stated.is_empty())
    }

    /// What the flags say, field by field.
    fn stated(&self) -> Result<Vec<(&'static str, Value)>, Error> {
        let text = |text: &Option<String>| text.clone().map(Value::from);
        let number = |text: &Option<String>| text.as_deref().map(number);
        let switch = |switch: Option<bool>| switch.map(Value::from);
        let list = |list: &Option<Vec<String>>| list.clone().map(Value::from);
        let fields = [
            ("lambdaARN", text(&self.function)),
            ("roleARN", text(&self.role_arn)),
            ("num", number(&self.num)),
            ("powerValues", self.power_values.as_deref().map(sizes)),
            ("search", text(&self.search)),
            ("precision", number(&self.precision)),
            ("payload", self.payload.as_deref().map(payload).transpose()?),
            ("payloadS3", text(&self.payload_s3)),
            ("strategy", text(&self.strategy)),
            ("balancedWeight", number(&self.balanced_weight)),
            ("maxDurationMs", number(&self.max_duration_ms)),
            ("percentile", number(&self.percentile)),
            ("maxCost", number(&self.max_cost)),
            ("monthlyInvocations", number(&self.monthly_invocations)),
            (
                "provisionedConcurrency",
                number(&self.provisioned_concurrency),
            ),
            ("baseline", switch(self.baseline)),
            (
                "parallelInvocation",
                self.parallel_invocation.as_deref().map(parallel),
            ),
            ("discardTopBottom", number(&self.discard_top_bottom)),
            ("includeOutputResults", switch(self.include_output_results)),
            ("autoOptimize", switch(self.auto_optimize)),
            ("autoOptimizeAlias", text(&self.auto_optimize_alias)),
            (
                "minImprovementPercent",
                number(&self.min_improvement_percent),
            ),
            ("onFailure", text(&self.on_failure)),
            ("dryRun", switch(self.dry_run)),
            ("reportLink", switch(self.report_link)),
            ("onlyColdStarts", switch(self.only_cold_starts)),
            ("preProcessorARN", text(&self.pre_processor_arn)),
            ("postProcessorARN", text(&self.post_processor_arn)),
            ("sleepBetweenRunsMs", number(&self.sleep_between_runs_ms)),
            ("disablePayloadLogs", switch(self.disable_payload_logs)),
            ("allowedExceptions", list(&self.allowed_exceptions)),
            (
                "price",
                self.price
                    .as_deref()
                    .map(|text| json("--price", text))
                    .transpose()?,
            ),
            ("note", text(&self.note)),
        ];
        Ok(fields
            .into_iter()
            .filter_map(|(field, value)| Some((field, value?)))
            .collect())
    }
}

/// All faults at once, each with its field and rule, as the state machine would say it some seconds later.
fn checked(value: Value) -> Result<Input, Error> {
    match Request::parse(&value) {
        Ok(request) => Ok(Input { value, request }),
        Err(faults) => {
            let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
            let many = if faults.len() == 1 {
                "a fault"
            } else {
                "faults"
            };
            Err(Error::Usage(format!(
                "the input has {many}:\n{}",
                lines.join("\n")
            )))
        }
    }
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("must hold a JSON object, as an execution input is one".to_owned()),
        Err(error) => Err(format!("is not JSON: {error}")),
    }
}

/// What is no number stays a text, of which the rule of the field says what is wrong with it.
fn number(text: &str) -> Value {
    match serde_json::from_str::<Number>(text.trim()) {
        Ok(number) => number.into(),
        Err(_) => text.into(),
    }
}

fn sizes(sizes: &[String]) -> Value {
    match sizes {
        [all] if all.eq_ignore_ascii_case("all") => "ALL".into(),
        sizes => sizes.iter().map(|size| number(size)).collect(),
    }
}

fn parallel(text: &str) -> Value {
    match text {
        "true" => true.into(),
        "false" => false.into(),
        text => number(text),
    }
}

fn payload(text: &str) -> Result<Value, Error> {
    match text.strip_prefix('@') {
        Some(file) => json(file, &source::text(file.as_ref())?),
        None => json("--payload", text),
    }
}

fn json(place: &str, text: &str) -> Result<Value, Error> {
    serde_json::from_str(text)
        .map_err(|error| Error::Usage(format!("`{place}` is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    fn read(line: &[&str]) -> Result<Input, Error> {
        let line = Line::try_parse_from([&["run"], line].concat());
        line.unwrap_or_else(|error| panic!("{error}")).flags.read()
    }

    fn kebab(field: &str) -> String {
        let mut kebab = String::new();
        let mut before = '-';
        for letter in field.chars() {
            if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
                kebab.push('-');
            }
            kebab.push(letter.to_ascii_lowercase());
            before = letter;
        }
        kebab
    }

    /// A field that has no flag could not be asked for without a file, and a flag that sets no field would do nothing.
    #[test]
    fn each_field_of_the_input_has_a_flag_and_each_flag_a_field() {
        const SCHEMA: &str = include_str!("../../../statemachine/input.schema.json");
        let schema: Value = serde_json::from_str(SCHEMA).expect("a schema");
        let mut fields: Vec<String> = schema["properties"]
            .as_object()
            .expect("properties")
            .keys()
            // The function has no flag, and the other two are commands.
            .filter(|field| !["lambdaARN", "clean", "doctor"].contains(&field.as_str()))
            .map(|field| kebab(field))
            .collect();
        fields.sort_unstable();
        let command = Line::command();
        let mut flags: Vec<String> = command
            .get_arguments()
            .filter_map(clap::Arg::get_long)
            .filter(|flag| *flag != "input" && *flag != "help")
            .map(str::to_owned)
            .collect();
        flags.sort_unstable();
        assert_eq!(flags, fields);
    }

    #[test]
    fn each_flag_sets_the_field_of_its_name() {
        const ROLE: &str = "--role-arn arn:aws:iam::123456789012:role/r";
        let cases = [
            (ROLE, r#""arn:aws:iam::123456789012:role/r""#),
            ("--num 7", "7"),
            ("--power-values 128,256", "[128, 256]"),
            ("--power-values all", r#""ALL""#),
            ("--search adaptive", r#""adaptive""#),
            ("--precision 0.05", "0.05"),
            (r#"--payload {"a":[1]}"#, r#"{"a": [1]}"#),
            ("--payload-s3 s3://bucket/key", r#""s3://bucket/key""#),
            ("--strategy speed", r#""speed""#),
            ("--balanced-weight 0.25", "0.25"),
            ("--max-duration-ms 300", "300"),
            ("--percentile 90 --max-duration-ms 3", "90"),
            ("--max-cost 1e-6", "1e-6"),
            ("--monthly-invocations 1000", "1000"),
            ("--provisioned-concurrency 2 --monthly-invocations 5", "2"),
            ("--baseline=false", "false"),
            ("--parallel-invocation", "true"),
            ("--parallel-invocation=4", "4"),
            ("--discard-top-bottom 0", "0"),
            ("--include-output-results", "true"),
            ("--auto-optimize", "true"),
            ("--auto-optimize-alias live --auto-optimize", r#""live""#),
            ("--min-improvement-percent 5 --auto-optimize", "5"),
            ("--on-failure fail", r#""fail""#),
            ("--dry-run", "true"),
            ("--report-link", "true"),
            ("--only-cold-starts", "true"),
            ("--pre-processor-arn before", r#""before""#),
            ("--post-processor-arn after", r#""after""#),
            ("--sleep-between-runs-ms 10", "10"),
            ("--disable-payload-logs", "true"),
            (
                "--allowed-exceptions A --allowed-exceptions B",
                r#"["A", "B"]"#,
            ),
            (
                r#"--price {"perGbSecond":0.00001}"#,
                r#"{"perGbSecond": 0.00001}"#,
            ),
            ("--note why", r#""why""#),
        ];
        for (line, want) in cases {
            let flags: Vec<&str> = line.split(' ').collect();
            let flag = flags[0].trim_start_matches("--").split('=').next();
            let input = read(&[&["f"], flags.as_slice()].concat());
            let value = input
                .unwrap_or_else(|error| panic!("{line}: {error}"))
                .value;
            let fields = value.as_object().expect("an object");
            let field = fields
                .keys()
                .find(|field| Some(kebab(field).as_str()) == flag);
            let want: Value = serde_json::from_str(want).expect("JSON");
            assert_eq!(field.map(|field| &value[field]), Some(&want), "{line}");
        }
    }

    #[test]
    fn flags_win_over_the_file_and_nothing_else_is_added() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("input.json");
        let written =
            json!({"lambdaARN": "f", "num": 5, "autoOptimize": true, "payload": {"a": 1}});
        std::fs::write(&file, written.to_string()).expect("it can be written");
        let file = file.to_str().expect("a plain path");
        let input = read(&[
            "--input",
            file,
            "--auto-optimize=false",
            "--strategy",
            "speed",
        ]);
        let want = json!({"lambdaARN": "f", "num": 5, "autoOptimize": false, "payload": {"a": 1}, "strategy": "speed"});
        assert_eq!(input.expect("an input").value, want);
        assert_eq!(
            read(&["g"]).expect("an input").value,
            json!({"lambdaARN": "g", "num": 50})
        );
    }

    #[test]
    fn all_faults_show_at_once() {
        let error = read(&[
            "f",
            "--num",
            "three",
            "--strategy",
            "quick",
            "--power-values",
            "64,512",
        ]);
        let error = error.expect_err("faults");
        assert_eq!(error.exit().code(), 2);
        let text = error.to_string();
        for fault in [
            "`num`: \"three\" is not",
            "`strategy`: \"quick\"",
            "`powerValues[0]`: 64 MB is outside",
        ] {
            assert!(text.contains(fault), "{fault} is not in: {text}");
        }
        let missing = read(&[]).expect_err("no function").to_string();
        assert_eq!(missing, "the input has a fault:\n  `lambdaARN`: is missing");
        let broken = read(&["f", "--payload", "{"])
            .expect_err("no JSON")
            .to_string();
        assert!(broken.starts_with("`--payload` is not JSON: "), "{broken}");
    }
}
