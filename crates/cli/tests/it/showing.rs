//! Outcomes in files, and where they are shown.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::tool::{Ended, Files, command, named, outcome, run, run_with, size};

#[test]
fn a_file_is_shown_in_each_format() {
    let files = Files::new();
    let file = files.json("outcome.json", &outcome());
    let cases = [
        ("table", "Give my-function 512 MB instead of 1024 MB"),
        ("json", "\"power\": 512"),
        ("markdown", "### Power tuning of my-function"),
        ("csv", "512"),
        ("html", "<!doctype html>"),
        ("svg", "<svg"),
    ];
    for (format, words) in cases {
        let ended = run(&format!("show {file} --format {format}")).with(0);
        assert!(ended.out.contains(words), "{format}: {}", ended.out);
        assert_eq!(ended.err, "", "{format}");
        assert!(!ended.out.contains('\u{1b}'), "{format} is coloured");
    }
    let piped = run_with("show -", &outcome().to_string()).with(0);
    assert_eq!(piped.out, run(&format!("show {file}")).out);
}

#[test]
fn an_output_file_says_its_format() {
    let files = Files::new();
    let file = files.json("outcome.json", &outcome());
    let page = files.path("report.html");
    let ended = run(&format!("show {file} --output {}", named(&page))).with(0);
    assert_eq!(ended.out, "");
    let written = fs::read_to_string(&page).expect("a page");
    assert!(written.starts_with("<!doctype html>"), "{written}");
    let stdout = run(&format!("show {file} --format html -o -")).with(0);
    assert_eq!(stdout.out.trim_end(), written.trim_end());
    let table = run(&format!("show {file} --output -")).with(0);
    assert_eq!(table.out, run(&format!("show {file}")).out);
    let nowhere = run(&format!("show {file} --output /nonexistent/report.html")).with(2);
    assert!(
        nowhere
            .err
            .contains("cannot write into `/nonexistent`: there is no such folder"),
        "{}",
        nowhere.err
    );
}

#[test]
fn outputs_of_the_reference_are_shown() {
    let files = Files::new();
    let reference = json!({
        "power": 512, "cost": 1e-6, "duration": 100.0,
        "stateMachine": {"executionCost": 0.001, "lambdaCost": 0.002, "visualization": "https://lambda-power-tuning.show/#x"},
        "stats": [{"value": 128, "averagePrice": 1.9e-6, "averageDuration": 900.0}, {"value": 512, "averagePrice": 1e-6, "averageDuration": 100.0}],
    });
    let file = files.json("reference.json", &reference);
    let shown = run(&format!("show {file}")).with(0).out;
    assert!(shown.contains("512 MB"), "{shown}");
}

#[test]
fn what_is_no_outcome_is_said() {
    let mut newer = outcome();
    newer["schemaVersion"] = json!(99);
    let failed = json!({"executionArn": "arn:e", "status": "FAILED"});
    let cases = [
        (
            json!({"a": 1}).to_string(),
            "it is not the output of a tuning",
        ),
        ("{".to_owned(), "it is not JSON"),
        (newer.to_string(), "update the tool"),
        (failed.to_string(), "the execution has not succeeded"),
    ];
    for (text, words) in cases {
        let ended = run_with("show -", &text).with(2);
        assert!(ended.err.contains(words), "{}", ended.err);
        assert_eq!(ended.out, "");
    }
}

#[test]
fn two_outcomes_stand_side_by_side() {
    let files = Files::new();
    let mut faster = outcome();
    faster["sizes"][1] = size(512, 50.0, 0.5e-6);
    let before = files.json("before.json", &outcome());
    let after = files.json("after.json", &faster);
    let shown = run(&format!("compare {before} {after}")).with(0).out;
    assert!(
        shown.contains("before") && shown.contains("after") && shown.contains("50 %"),
        "{shown}"
    );
    let refused = run(&format!("compare {before} {after} --format svg")).with(2);
    assert!(
        refused.err.contains("table, json, markdown"),
        "{}",
        refused.err
    );
    let help = run("compare --help").with(0).out;
    assert!(
        !help.contains("svg"),
        "what is refused is not offered: {help}"
    );
    let as_file = run(&format!("compare {before} {after} --output chart.svg")).with(2);
    assert!(
        as_file.err.contains("`table`, `markdown` or `json`"),
        "{}",
        as_file.err
    );
}

#[test]
fn a_narrow_terminal_is_kept_to() {
    let files = Files::new();
    let file = files.json("outcome.json", &outcome());
    for columns in [40, 80, 200] {
        let mut command = command(&format!("show {file}"));
        let ended = Ended::from(
            command
                .env("COLUMNS", columns.to_string())
                .output()
                .expect("it starts"),
        );
        let widest = ended.out.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(columns), "{columns}: {}", ended.out);
    }
}

#[test]
fn colours_are_for_who_asks() {
    let files = Files::new();
    let file = files.json("outcome.json", &outcome());
    let colored = run(&format!("show {file} --color always")).with(0);
    assert!(colored.out.contains('\u{1b}'), "{}", colored.out);
    let plain = run(&format!("show {file} --color auto")).with(0);
    assert!(!plain.out.contains('\u{1b}'), "{}", plain.out);
}

/// Starts it with one of its ends closed by whoever listened.
fn deaf(mut command: Command, is_deaf: fn(&mut Command, Stdio) -> &mut Command) -> Option<i32> {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    is_deaf(&mut command, writer.into());
    command.status().expect("it starts").code()
}

#[test]
fn a_broken_pipe_is_quiet_and_keeps_the_exit_code() {
    let files = Files::new();
    let file = files.json("outcome.json", &outcome());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut check = command(&format!("check --outcome {file} --tolerance 5"));
    let check = check.stdout(writer).stderr(Stdio::piped());
    let ended = Ended::from(
        check
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .expect("it ends"),
    );
    assert_eq!((ended.code, ended.err.as_str()), (Some(1), ""));
    let show = command(&format!("show {file}"));
    assert_eq!(deaf(show, |command, end| command.stdout(end)), Some(0));
    for line in ["--help", "completions zsh", "man"] {
        let code = deaf(command(line), |command, end| command.stdout(end));
        assert_eq!(code, Some(0), "{line}");
    }
    let verdict = command(&format!("check --outcome {file} --format csv"));
    assert_eq!(deaf(verdict, |command, end| command.stderr(end)), Some(1));
    let wrong = command("show /nonexistent");
    assert_eq!(deaf(wrong, |command, end| command.stderr(end)), Some(2));
}

#[test]
fn json_is_what_was_read() {
    let files = Files::new();
    let mut odd = outcome();
    odd["something"] = json!({"new": [1, 2]});
    let file = files.json("outcome.json", &odd);
    let shown = run(&format!("show {file} --format json")).with(0).out;
    let read: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(read, odd);
}
