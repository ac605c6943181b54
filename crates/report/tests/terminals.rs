//! What a terminal is given.

use std::path::Path;
use std::{env, fs};

use power_tuner_report::{Format, Look, read};
use serde_json::{Value, json};

fn outcomes() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outcomes");
    let files = fs::read_dir(directory).expect("a directory");
    let outcomes = files.map(|file| {
        let path = file.expect("a file").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        (name, fs::read_to_string(path).expect("text"))
    });
    outcomes.collect()
}

/// Without what colours it.
fn seen(line: &str) -> String {
    let mut seen = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        seen.push_str(before);
        rest = after.split_once('m').expect("a colour").1;
    }
    seen + rest
}

/// With reasons, notes and warnings that are one long word.
fn unruly(text: &str) -> String {
    let mut outcome: Value = serde_json::from_str(text).expect("JSON");
    let word = "Ünruly".repeat(60);
    outcome["note"] = json!(word);
    outcome["function"] = json!(word);
    for size in outcome["sizes"].as_array_mut().into_iter().flatten() {
        if size["status"] == "failed" {
            size["reason"] = json!(word);
        }
    }
    outcome.to_string()
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (name, text) in outcomes() {
        for (text, color) in [
            (text.clone(), false),
            (text.clone(), true),
            (unruly(&text), false),
        ] {
            let report = read(&text).expect(&name);
            for width in [40, 60, 80, 120, 200] {
                let look = Look { width, color };
                let shown = report.show(Format::Table, look).expect(&name);
                for line in shown
                    .lines()
                    .map(seen)
                    .filter(|line| !line.starts_with("Chart: "))
                {
                    assert!(
                        line.chars().count() <= width,
                        "{name} at {width}: {line}\n{shown}"
                    );
                }
            }
        }
    }
}

#[test]
fn no_line_of_a_comparison_is_wider_than_the_terminal() {
    let all: Vec<_> = outcomes()
        .into_iter()
        .filter(|(name, _)| name != "dry-run.json")
        .map(|(_, text)| read(&unruly(&text)).expect("an outcome"))
        .collect();
    for (a, b) in all.iter().zip(all.iter().rev()) {
        for width in [40, 60, 80, 120] {
            let look = Look { width, color: true };
            let shown = a
                .compare(b, ["before", "after"], Format::Table, look)
                .expect("two outcomes");
            for line in shown.lines().map(seen) {
                assert!(line.chars().count() <= width, "at {width}: {line}\n{shown}");
            }
        }
    }
}

#[test]
fn there_are_bars_at_eighty_columns_and_colours_only_where_asked_for() {
    for (name, text) in outcomes() {
        let report = read(&text).expect(&name);
        let plain = Look {
            width: 80,
            color: false,
        };
        let shown = report.show(Format::Table, plain).expect(&name);
        assert!(!shown.contains('\u{1b}'), "{name}");
        assert_eq!(
            shown.contains("████████"),
            name != "dry-run.json",
            "{name}\n{shown}"
        );
        let colored = report
            .show(
                Format::Table,
                Look {
                    color: true,
                    ..plain
                },
            )
            .expect(&name);
        // A size that does not keep to the limits is no good news.
        assert_eq!(
            colored.contains("\u{1b}[32m"),
            !["dry-run.json", "too-tight.json"].contains(&name.as_str()),
            "{name}"
        );
        let seen: Vec<String> = colored.lines().map(seen).collect();
        assert_eq!(seen, shown.lines().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_terminal_of_no_width_is_no_reason_to_fail() {
    for (name, text) in outcomes() {
        let report = read(&text).expect(&name);
        for width in [0, 1, 9, usize::MAX] {
            let look = Look {
                width,
                color: false,
            };
            let shown = report.show(Format::Table, look).expect(&name);
            assert!(shown.contains(" MB"), "{name} at {width}");
        }
    }
}

#[test]
fn what_is_read_cannot_steer_the_terminal() {
    let (_, text) = outcomes()
        .into_iter()
        .find(|(name, _)| name == "everything.json")
        .expect("it");
    let mut outcome: Value = serde_json::from_str(&text).expect("JSON");
    let evil = "a\u{1b}]0;b\u{7}\u{9b}31m\r\n\u{202e}c";
    for field in [
        "note", "reason", "function", "region", "currency", "strategy",
    ] {
        outcome[field] = json!(evil);
    }
    outcome["warnings"] = json!([{"code": evil, "message": evil, "sizes": []}]);
    outcome["sizes"][0]["reason"] = json!(evil);
    outcome["monthly"]["notes"] = json!([evil]);
    outcome["optimization"] =
        json!({"applied": false, "reason": evil, "from": 512, "to": 512, "changed": false});
    let report = read(&outcome.to_string()).expect("an outcome");
    let look = Look {
        width: 80,
        color: false,
    };
    for format in [Format::Table, Format::Markdown, Format::Html, Format::Svg] {
        let shown = report.show(format, look).expect("shown");
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!shown.contains(steers), "{format}");
    }
    let shown = report
        .compare(&report, [evil, evil], Format::Table, look)
        .expect("shown");
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'));
}
