//! An execution input from a file and flags, checked before anything is started.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Args, ValueHint};
use power_tuner_core::choice::Strategy;
use power_tuner_core::error::Fault;
use power_tuner_core::request::{OnFailure, Request, Search};
use serde_json::{Map, Number, Value};

use crate::end::Error;
use crate::source;

/// One flag for each field of the input; what they hold is checked with the rest of it.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Input (see the README for what each field means)")]
pub struct Flags {
    /// The function: its name or its ARN, perhaps with a version or an alias. Not needed where --input names it
    #[arg(value_name = "FUNCTION", help_heading = clap::builder::Resettable::<clap::builder::Str>::Reset)]
    pub function: Option<String>,
    /// A file with a whole execution input, or - for standard input; the options below win over it
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    input: Option<PathBuf>,
    /// A role of the function's account, for functions of other accounts
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// Calls for each memory size, 5 to 5000; the most that one gets in an adaptive search [default: 50]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    num: Option<String>,
    /// Memory sizes in MB, or ALL (128 to 3008 in steps of 64); the lowest and the highest in an adaptive search
    /// [default: those of the stack]
    #[arg(long, value_name = "MB,MB,...|ALL", value_delimiter = ',')]
    power_values: Option<Vec<String>>,
    /// Measure the sizes of --power-values (grid), or let the tuner choose sizes and calls (adaptive)
    /// [default: what the stack says]
    #[arg(long, value_name = "HOW", value_parser = PossibleValuesParser::new(Search::NAMES))]
    search: Option<String>,
    /// A size gets no more calls once its average is known to within this share, such as 0.05
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    precision: Option<String>,
    /// What each call receives: JSON, or @FILE with JSON in it (@- for standard input) [default: nothing]
    #[arg(long, value_name = "JSON|@FILE")]
    payload: Option<String>,
    /// Where the payload lies in S3
    #[arg(long, value_name = "s3://BUCKET/KEY")]
    payload_s3: Option<String>,
    /// What the best size is best at [default: cost]
    #[arg(long, value_name = "WHAT", value_parser = PossibleValuesParser::new(Strategy::NAMES))]
    strategy: Option<String>,
    /// With --strategy balanced: from 0 (fastest) to 1 (cheapest) [default: 0.5]
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true)]
    balanced_weight: Option<String>,
    /// The best size must keep to this mean duration
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    max_duration_ms: Option<String>,
    /// With --max-duration-ms: so many of a hundred calls must keep to it, instead of the mean
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true)]
    percentile: Option<String>,
    /// The best size must keep to this mean cost of a call, such as 0.000002
    #[arg(long, value_name = "COST", allow_negative_numbers = true)]
    max_cost: Option<String>,
    /// Calls in a month: what they cost at each size, and what the best one saves
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    monthly_invocations: Option<String>,
    /// With --monthly-invocations: environments that are kept ready
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    provisioned_concurrency: Option<String>,
    /// Measure the current size beside the others
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    baseline: Option<bool>,
    /// Calls of one size at the same time: without a value all at once, or at most that many [default: one]
    #[arg(long, value_name = "BOOL|NUMBER", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    parallel_invocation: Option<String>,
    /// The share of calls left out at each end before averaging, 0 to 0.4 [default: 0.2]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    discard_top_bottom: Option<String>,
    /// Add `stats` to the outcome, as aws-lambda-power-tuning gives it
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    include_output_results: Option<bool>,
    /// Give the best size to the function
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    auto_optimize: Option<bool>,
    /// With --auto-optimize: publish a version of the best size, and move this alias to it
    #[arg(long, value_name = "ALIAS")]
    auto_optimize_alias: Option<String>,
    /// With --auto-optimize: only if it is better by at least so many percent, beyond chance
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true)]
    min_improvement_percent: Option<String>,
    /// What happens where one size cannot be measured: the others go on, or all of the tuning fails [default: continue]
    #[arg(long, value_name = "WHAT", value_parser = PossibleValuesParser::new(OnFailure::NAMES))]
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
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
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
        if self.reads_standard_input_twice() {
            return Err(Error::Usage(
                "standard input can be read once; name a file for `--input` or for `--payload`"
                    .to_owned(),
            ));
        }
        let mut fields = match &self.input {
            None => Map::new(),
            Some(path) => object(&source::text(path)?)
                .map_err(|fault| Error::Usage(format!("`{}` {fault}", path.display())))?,
        };
        let stated = self.stated()?;
        for (field, value) in &stated {
            fields.insert((*field).to_owned(), value.clone());
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
        let value = Value::Object(fields);
        let faults = match Request::parse(&value) {
            Err(faults) => faults,
            Ok(request) => match without_effect(&stated, &value, &request) {
                faults if faults.is_empty() => return Ok(Input { value, request }),
                faults => faults,
            },
        };
        Err(self.refused(faults, &stated))
    }

    fn reads_standard_input_twice(&self) -> bool {
        let is_input = self.input.as_deref() == Some("-".as_ref());
        is_input && self.payload.as_deref() == Some("@-")
    }

    /// All faults at once, each with its field and rule, as the state machine would say it some seconds later; but by the name
    /// under which it was written.
    fn refused(&self, faults: Vec<Fault>, stated: &[(&str, Value)]) -> Error {
        let is_of_a_flag = |fault: &Fault| {
            let is_stated = stated.iter().any(|(field, _)| *field == root(&fault.field));
            self.input.is_none() || is_stated
        };
        let line = |fault: Fault| {
            let is_of_a_flag = is_of_a_flag(&fault);
            let fault = if is_of_a_flag {
                by_its_flag(fault)
            } else {
                fault
            };
            format!("  {fault}")
        };
        let lines: Vec<String> = faults.into_iter().map(line).collect();
        let many = if lines.len() == 1 {
            "a fault"
        } else {
            "faults"
        };
        Error::Usage(format!("the input has {many}:\n{}", lines.join("\n")))
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

/// What is stated by a flag and changes nothing beside the rest of the input. The fields of a file are the reference's, which
/// takes these; whoever types a flag means something by it.
fn without_effect(stated: &[(&str, Value)], input: &Value, request: &Request) -> Vec<Fault> {
    let rule = |field: &str, value: &Value| {
        match field {
        "balancedWeight" => match request.strategy {
            Strategy::Balanced { weight } => is_taken_as(value, weight),
            Strategy::Cost | Strategy::Speed => Some(format!(
                "is of the strategy `balanced`, and this one is `{}`; say `--strategy balanced`, or leave it out",
                request.strategy.name()
            )),
        },
        "discardTopBottom" => is_taken_as(value, request.discard_top_bottom),
        "autoOptimizeAlias" if !request.auto_optimize => Some(
            "is moved by `autoOptimize`, which is not asked for; say `--auto-optimize`, or leave it out"
                .to_owned(),
        ),
        "sleepBetweenRunsMs" if request.parallel.limit() > 1 => Some(
            "is between calls that are made one at a time, and `parallelInvocation` has several; leave out one of the two"
                .to_owned(),
        ),
        "payload" if request.payload_s3.is_some() => Some(
            "is not sent where `payloadS3` names another; leave out one of the two".to_owned(),
        ),
        _ => None,
    }
    };
    let stated = stated.iter().filter(|(field, _)| !input[*field].is_null());
    let faults = stated.filter_map(|(field, value)| Some(Fault::new(*field, rule(field, value)?)));
    faults.collect()
}

/// The reference takes the nearest that there is for what is out of bounds.
fn is_taken_as(stated: &Value, taken: f64) -> Option<String> {
    let stated = stated.as_f64()?;
    let is_taken = (stated - taken).abs() < f64::EPSILON;
    (!is_taken).then(|| format!("{stated} is out of bounds; the nearest that there is, is {taken}"))
}

/// The field at the beginning of a path such as `payload[0].weight`.
fn root(path: &str) -> &str {
    path.split(['[', '.']).next().unwrap_or(path)
}

/// A fault of what flags say, with their names in place of the fields'.
fn by_its_flag(Fault { field, rule }: Fault) -> Fault {
    let root = root(&field);
    // Which one of a list it is, the rule says by its value.
    let within = field[root.len()..]
        .split(']')
        .next_back()
        .unwrap_or_default();
    let words = rule
        .split('`')
        .map(|word| flag(word).unwrap_or_else(|| word.to_owned()));
    let rule = words.collect::<Vec<_>>().join("`");
    let named = flag(root).unwrap_or_else(|| root.to_owned());
    Fault::new(format!("{named}{within}"), rule)
}

/// What is typed for a field.
fn flag(field: &str) -> Option<String> {
    if field == "lambdaARN" {
        return Some("FUNCTION".to_owned());
    }
    let flags = Flags::augment_args(clap::Command::new("run"));
    let long = kebab(field);
    let is_one = flags
        .get_arguments()
        .any(|flag| flag.get_long() == Some(&long));
    is_one.then(|| format!("--{long}"))
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
        None => serde_json::from_str(text).map_err(|error| {
            Error::Usage(format!(
                "`--payload` is not JSON: {error}; a file with JSON in it is `--payload @FILE`, and a text has quotes: `'\"text\"'`"
            ))
        }),
    }
}

fn json(place: &str, text: &str) -> Result<Value, Error> {
    serde_json::from_str(text)
        .map_err(|error| Error::Usage(format!("`{place}` is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use clap::builder::PossibleValue;
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

    /// What a shell completes is what the state machine takes, whose list that is.
    #[test]
    fn a_flag_offers_what_its_field_may_be() {
        const SCHEMA: &str = include_str!("../../../statemachine/input.schema.json");
        let schema: Value = serde_json::from_str(SCHEMA).expect("a schema");
        let fields = schema["properties"].as_object().expect("properties");
        let command = Line::command();
        let mut seen = 0;
        for (field, rule) in fields {
            let Some(names) = rule["enum"].as_array() else {
                continue;
            };
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            let mut flags = command.get_arguments();
            let flag = flags.find(|flag| flag.get_long() == Some(&kebab(field)));
            let offered = flag.expect("a flag").get_possible_values();
            let offered: Vec<&str> = offered.iter().map(PossibleValue::get_name).collect();
            assert_eq!(offered, names, "{field}");
            seen += 1;
        }
        assert_eq!(seen, 3);
    }

    #[test]
    fn the_help_says_what_an_input_without_the_flag_gets() {
        let request = read(&["f", "--strategy", "balanced"]).expect("an input");
        let request = request.request;
        let Strategy::Balanced { weight } = request.strategy else {
            panic!("another strategy: {:?}", request.strategy);
        };
        let bare = read(&["f"]).expect("an input").request;
        assert_eq!(bare.parallel.limit(), 1);
        let defaults = [
            ("num", bare.num.to_string()),
            ("strategy", bare.strategy.name().to_owned()),
            ("balanced-weight", weight.to_string()),
            ("discard-top-bottom", bare.discard_top_bottom.to_string()),
            ("on-failure", OnFailure::NAMES[0].to_owned()),
            ("parallel-invocation", "one".to_owned()),
        ];
        assert_eq!(bare.on_failure, OnFailure::Continue);
        let command = Line::command();
        for (flag, default) in defaults {
            let mut flags = command.get_arguments();
            let help = flags.find(|known| known.get_long() == Some(flag));
            let help = help.and_then(clap::Arg::get_help).expect("a help");
            let default = format!("[default: {default}]");
            assert!(help.to_string().ends_with(&default), "{flag}: {help}");
        }
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
            ("--balanced-weight 0.25 --strategy balanced", "0.25"),
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
            "--precision",
            "fine",
            "--power-values",
            "64,512",
        ]);
        let error = error.expect_err("faults");
        assert_eq!(error.exit().code(), 2);
        let text = error.to_string();
        for fault in [
            "`--num`: \"three\" is not",
            "`--precision`: \"fine\"",
            "`--power-values`: 64 MB is outside",
        ] {
            assert!(text.contains(fault), "{fault} is not in: {text}");
        }
        let missing = read(&[]).expect_err("no function").to_string();
        assert_eq!(missing, "the input has a fault:\n  `FUNCTION`: is missing");
        let broken = read(&["f", "--payload", "{"])
            .expect_err("no JSON")
            .to_string();
        assert!(broken.starts_with("`--payload` is not JSON: "), "{broken}");
    }

    #[test]
    fn a_fault_has_the_name_under_which_it_was_written() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("input.json");
        let written = json!({"lambdaARN": "f", "num": 2, "percentile": 99, "precision": 7});
        std::fs::write(&file, written.to_string()).expect("it can be written");
        let file = file.to_str().expect("a plain path");
        let cases = [
            (vec!["--input", file], "`num`: 2 is not"),
            (
                vec!["--input", file],
                "`percentile`: is of `maxDurationMs`, which",
            ),
            (vec!["--input", file, "--num", "3"], "`--num`: 3 is not"),
            (vec!["--input", file, "--num", "3"], "`precision`: 7 is not"),
            (
                vec!["f", "--percentile", "99"],
                "`--percentile`: is of `--max-duration-ms`, which",
            ),
            (
                vec!["f", "--price", r#"{"currency": "USD"}"#],
                "`--price.perGbSecond`: is missing",
            ),
            (
                vec!["f", "--payload", r#"[{"payload": 1, "weight": -1}]"#],
                "`--payload.weight`: ",
            ),
        ];
        for (line, want) in cases {
            let said = read(&line).expect_err(want).to_string();
            assert!(said.contains(&format!("\n  {want}")), "{want}: {said}");
        }
    }

    #[test]
    fn a_flag_without_an_effect_is_refused_and_a_field_of_a_file_is_not() {
        let cases = [
            (
                "balancedWeight",
                json!(0.3),
                "--balanced-weight 0.3",
                "is of the strategy `balanced`, and this one is `cost`",
            ),
            (
                "discardTopBottom",
                json!(0.9),
                "--discard-top-bottom 0.9",
                "0.9 is out of bounds; the nearest that there is, is 0.4",
            ),
            (
                "autoOptimizeAlias",
                json!("live"),
                "--auto-optimize-alias live",
                "is moved by `--auto-optimize`, which is not asked for",
            ),
            (
                "sleepBetweenRunsMs",
                json!(9),
                "--sleep-between-runs-ms 9 --parallel-invocation=2",
                "is between calls that are made one at a time, and `--parallel-invocation` has several",
            ),
            (
                "payload",
                json!(1),
                "--payload 1 --payload-s3 s3://bucket/key",
                "is not sent where `--payload-s3` names another",
            ),
        ];
        for (field, value, line, want) in cases {
            let flags: Vec<&str> = line.split(' ').collect();
            let said = read(&[&["f"], flags.as_slice()].concat()).expect_err(line);
            let want = format!("\n  `{}`: {want}", flags[0]);
            assert!(said.to_string().contains(&want), "{line}: {said}");

            let directory = tempfile::tempdir().expect("a directory");
            let file = directory.path().join("input.json");
            let mut written = json!({"lambdaARN": "f", "num": 5});
            written[field] = value;
            std::fs::write(&file, written.to_string()).expect("it can be written");
            let file = file.to_str().expect("a plain path");
            let line = [&["--input", file], &flags[2..]].concat();
            assert!(read(&line).is_ok(), "{field} of a file");
        }
        for weight in ["--balanced-weight 7", "--balanced-weight -1"] {
            let line = format!("f --strategy balanced {weight}");
            let line: Vec<&str> = line.split(' ').collect();
            assert!(read(&line).is_err(), "{weight}");
        }
    }
}
