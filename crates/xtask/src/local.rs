//! `cargo xtask local`: one tuning on local AWS, from nothing to its result.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use power_tuner_report::About;
use serde_json::{Map, Value, json};

use crate::aws::{Execution, REGION};
use crate::local_aws::{LocalAws, Options};
use crate::ministack::{ACCESS_KEY, SECRET_KEY};
use crate::progress::{print, step};
use crate::report;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The sample function to tune
    #[arg(long, value_enum, default_value = "cpu-bound")]
    function: Sample,
    /// A file with a whole execution input; the options below override its fields
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// What to optimise for
    #[arg(long, value_enum)]
    strategy: Option<Strategy>,
    /// Measure sizes that are named, or let the tuner choose them
    #[arg(long, value_enum)]
    search: Option<Search>,
    /// Memory sizes in MB
    #[arg(long, value_name = "MB,MB,...", value_delimiter = ',')]
    power_values: Option<Vec<u32>>,
    /// Calls for each memory size
    #[arg(long)]
    num: Option<u32>,
    /// The real time that a second of the function takes: 1 is real time, 0.01 a hundred times faster
    #[arg(long, default_value_t = Options::default().time_scale, value_parser = time_scale)]
    time_scale: f64,
    /// Leave everything running until Ctrl-C, and say how to use `power-tuner` and the AWS CLI against it
    #[arg(long)]
    keep: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Sample {
    CpuBound,
    IoBound,
    Mixed,
    ColdHeavy,
    JsonLogs,
    #[value(name = "fails-below-256mb")]
    FailsBelow256Mb,
}

#[derive(Clone, Copy, ValueEnum)]
enum Search {
    Grid,
    Adaptive,
}

#[derive(Clone, Copy, ValueEnum)]
enum Strategy {
    Cost,
    Speed,
    Balanced,
}

fn name(value: &impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

fn time_scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(scale) if (0.0..=1000.0).contains(&scale) => Ok(scale),
        _ => Err("a number from 0 (do not wait at all) on".to_owned()),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    // Faults of the input show before the minutes of building.
    let mut input = input(arguments)?;
    let local = LocalAws::start(&Options {
        time_scale: arguments.time_scale,
        ..Options::default()
    })?;
    let sample = name(&arguments.function);
    let created = local
        .simulator()
        .create_function(&json!({"preset": &sample, "name": &sample}))?;
    if !input.contains_key("lambdaARN") {
        let arn = created["arn"]
            .as_str()
            .context("the simulator gave no ARN")?;
        input.insert("lambdaARN".to_owned(), arn.into());
    }
    let input = Value::Object(input);
    let (arn, execution) = step(
        &format!(
            "tuning {}",
            input["lambdaARN"].as_str().unwrap_or("the function")
        ),
        || {
            let arn = local.start_execution(&input)?;
            let execution = follow(&local, &arn)?;
            Ok((arn, execution))
        },
    )?;

    let succeeded = execution.status == "SUCCEEDED";
    if succeeded {
        let about = About {
            execution: Some(arn),
            input: Some(input.clone()),
            ..About::default()
        };
        let outcome = execution.output.unwrap_or_default();
        print(&report::of(&outcome, about, &Workspace::find()?)?)?;
    } else {
        let error = execution.error.unwrap_or_default();
        eprintln!(
            "the tuning ended {}: {error}\n{}",
            execution.status,
            execution.cause.unwrap_or_default()
        );
    }
    if arguments.keep {
        explain(&local, &input);
        loop {
            thread::park();
        }
    }
    Ok(if succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn input(arguments: &Arguments) -> Result<Map<String, Value>> {
    let mut input = match &arguments.input {
        None => Map::new(),
        Some(path) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("cannot read `{}`", path.display()))?;
            let value: Value = serde_json::from_str(&text)
                .with_context(|| format!("`{}` is not JSON", path.display()))?;
            ensure!(
                value.is_object(),
                "`{}` must hold an object, as an execution input is one",
                path.display()
            );
            value.as_object().cloned().unwrap_or_default()
        }
    };
    let overrides = [
        (
            "strategy",
            arguments.strategy.map(|strategy| name(&strategy).into()),
        ),
        (
            "search",
            arguments.search.map(|search| name(&search).into()),
        ),
        (
            "powerValues",
            arguments.power_values.as_ref().map(|sizes| json!(sizes)),
        ),
        ("num", arguments.num.map(Value::from)),
    ];
    for (field, value) in overrides {
        if let Some(value) = value {
            input.insert(field.to_owned(), value);
        }
    }
    // A search chooses its sizes itself.
    if input.get("search") != Some(&json!("adaptive")) {
        let sizes = json!([128, 256, 512, 1024, 1769, 3008]);
        input.entry("powerValues").or_insert(sizes);
    }
    let defaults = [
        // A tenth of the calls start cold, which is less than what is discarded at the ends.
        ("num", json!(50)),
        ("parallelInvocation", json!(5)),
        ("payload", json!({})),
        ("includeOutputResults", json!(true)),
    ];
    for (field, value) in defaults {
        input.entry(field).or_insert(value);
    }
    Ok(input)
}

/// Says which state an execution enters, and how many sizes are finished, until it ends.
fn follow(local: &LocalAws, arn: &str) -> Result<Execution> {
    let start = Instant::now();
    let mut seen = 0;
    let mut story = Story::default();
    loop {
        // Asked before the history, so that the history of an ended execution is complete.
        let execution = local.aws().describe_execution(arn)?;
        let events = local.aws().history(arn)?;
        for line in events
            .iter()
            .skip(seen)
            .filter_map(|event| story.line(event))
        {
            eprintln!("    {:5.1} s  {line}", start.elapsed().as_secs_f64());
        }
        seen = events.len();
        if !execution.is_running() {
            return Ok(execution);
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// What the events of an execution tell a person.
#[derive(Default)]
struct Story {
    sizes: usize,
    finished: usize,
}

impl Story {
    fn line(&mut self, event: &Value) -> Option<String> {
        let entered = &event["stateEnteredEventDetails"];
        if let Some(state) = entered["name"].as_str() {
            if event["type"] == "MapStateEntered" {
                let versions = &json_in(&entered["input"])["published"]["versions"];
                *self = Self {
                    sizes: versions.as_array().map_or(0, Vec::len),
                    finished: 0,
                };
            }
            return Some(state.to_owned());
        }
        // Only an executor's answer has a tally; it is the last one for its size if it is `done`.
        let answer = json_in(&event["taskSucceededEventDetails"]["output"]);
        if answer["done"] != true || !answer["tally"].is_object() {
            return None;
        }
        self.finished += 1;
        let failure = answer["failure"]["error"].as_str();
        let end = failure.map_or(String::new(), |error| format!(", this one failed: {error}"));
        Some(format!(
            "  {} of {} sizes finished{end}",
            self.finished, self.sizes
        ))
    }
}

fn json_in(text: &Value) -> Value {
    text.as_str()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn explain(local: &LocalAws, input: &Value) {
    let kept = Kept {
        endpoint: local.endpoint(),
        state_machine: local.state_machine_arn(),
        simulator: local.sim_url(),
        function: input["lambdaARN"].as_str().unwrap_or("FUNCTION"),
    };
    eprintln!("{}\n\nLogs: {}", kept.advice(input), local.logs().display());
}

/// What stays up, for another terminal.
struct Kept<'a> {
    endpoint: &'a str,
    state_machine: &'a str,
    simulator: &'a str,
    function: &'a str,
}

impl Kept<'_> {
    fn advice(&self, input: &Value) -> String {
        let Self {
            endpoint,
            state_machine,
            simulator,
            function,
        } = self;
        let input = input.to_string().replace('\'', r"'\''");
        format!(
            "
Everything stays up until Ctrl-C. In another terminal, in this folder:

    export AWS_ENDPOINT_URL={endpoint} AWS_DEFAULT_REGION={REGION} AWS_REGION={REGION}
    export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY}
    export POWER_TUNER_STATE_MACHINE={state_machine}

The tool for the command line:

    cargo run --package power-tuner -- run {function}
    cargo run --package power-tuner -- doctor {function}

Without it:

    .venv/bin/aws stepfunctions start-execution --state-machine-arn {state_machine} \\
        --input '{input}'
    .venv/bin/aws stepfunctions describe-execution --execution-arn ARN

The tuned functions are in a Lambda service of their own:

    .venv/bin/aws lambda list-versions-by-function --endpoint-url {simulator} --function-name {function}
    curl -s {simulator}/_sim/presets"
        )
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(line: &[&str]) -> Result<Arguments, clap::Error> {
        Line::try_parse_from([&["local"], line].concat()).map(|line| line.arguments)
    }

    #[test]
    fn options_override_the_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("input.json");
        fs::write(
            &file,
            r#"{"lambdaARN": "f", "num": 5, "strategy": "speed"}"#,
        )
        .expect("it can be written");
        let file = file.to_str().expect("a plain path");

        let arguments = parse(&["--input", file, "--num", "7", "--power-values", "128,256"])
            .expect("a good line");
        let input = input(&arguments).expect("a good input");
        let fields =
            ["lambdaARN", "num", "strategy", "powerValues"].map(|field| input[field].clone());
        assert_eq!(
            fields,
            [json!("f"), json!(7), json!("speed"), json!([128, 256])]
        );
    }

    #[test]
    fn only_known_samples_are_accepted() {
        assert!(parse(&["--function", "fails-below-256mb"]).is_ok());
        assert!(parse(&["--function", "fast"]).is_err());
        assert!(parse(&["--time-scale", "-1"]).is_err());
    }

    #[test]
    fn what_is_kept_can_be_tried_by_pasting() {
        let kept = Kept {
            endpoint: "http://127.0.0.1:4566",
            state_machine: "arn:m",
            simulator: "http://127.0.0.1:9001",
            function: "arn:f",
        };
        let text = kept.advice(&json!({"note": "it's"}));
        for line in [
            "export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1",
            "export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test",
            "export POWER_TUNER_STATE_MACHINE=arn:m",
            "cargo run --package power-tuner -- run arn:f",
            r#"--input '{"note":"it'\''s"}'"#,
        ] {
            let is_said = text.lines().any(|said| said.trim() == line);
            assert!(is_said, "no `{line}` in {text}");
        }
    }

    #[test]
    fn the_story_counts_the_sizes_that_are_finished() {
        let entered = |state: &str, kind: &str, input: &Value| json!({"type": kind, "stateEnteredEventDetails": {"name": state, "input": input.to_string()}});
        let answer =
            |answer: Value| json!({"taskSucceededEventDetails": {"output": answer.to_string()}});
        let events = [
            entered("Publisher", "TaskStateEntered", &json!({})),
            answer(json!({"done": true, "versions": [1, 2]})),
            entered(
                "Measure",
                "MapStateEntered",
                &json!({"published": {"versions": [1, 2]}}),
            ),
            answer(json!({"done": false, "tally": {}})),
            answer(json!({"done": true, "tally": {}})),
            answer(json!({"done": true, "tally": {}, "failure": {"error": "OutOfMemory"}})),
        ];
        let mut story = Story::default();
        let lines: Vec<String> = events
            .iter()
            .filter_map(|event| story.line(event))
            .collect();
        let wanted = [
            "Publisher",
            "Measure",
            "  1 of 2 sizes finished",
            "  2 of 2 sizes finished, this one failed: OutOfMemory",
        ];
        assert_eq!(lines, wanted);
    }
}
