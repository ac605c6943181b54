//! Each format of each kind of outcome, as files that open in a browser or an editor. `RENEW_SNAPSHOTS=1` writes them anew.

use std::path::{Path, PathBuf};
use std::{env, fs};

use power_tuner_report::{About, Format, Look, NotShown, Report, read};

const TERMINAL: Look = Look {
    width: 80,
    color: false,
};

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

fn report(name: &str) -> Report {
    let path = directory("outcomes").join(format!("{name}.json"));
    let text = fs::read_to_string(&path).expect("a kept outcome");
    let report = read(&text).expect("an outcome");
    report.about(About {
        execution: Some(
            "arn:aws:states:us-east-1:123456789012:execution:power-tuner:nightly-42".to_owned(),
        ),
        started: Some("2026-03-14T09:26:53Z".to_owned()),
        stopped: Some("2026-03-14T09:27:41Z".to_owned()),
        input: None,
    })
}

fn is_as_kept(name: &str, shown: &str) {
    let path = directory("snapshots").join(name);
    if env::var_os("RENEW_SNAPSHOTS").is_some() {
        fs::write(&path, shown).expect("it can be written");
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    if kept == shown {
        return;
    }
    let differing = kept
        .lines()
        .zip(shown.lines())
        .position(|(was, is)| was != is);
    let line = differing.unwrap_or_else(|| kept.lines().count().min(shown.lines().count()));
    let at = |text: &str| text.lines().nth(line).unwrap_or("nothing").to_owned();
    panic!(
        "{name} differs from its snapshot in line {}; if it is meant to, run the tests with RENEW_SNAPSHOTS=1 and look at what changed\n\
         was: {}\nis:  {}",
        line + 1,
        at(&kept),
        at(shown)
    );
}

const OUTCOMES: [&str; 10] = [
    "adaptive",
    "cold-starts",
    "everything",
    "grid",
    "limited",
    "one-size",
    "reference-link",
    "reference-stats",
    "same-durations",
    "too-tight",
];

#[test]
fn outcomes_look_as_they_did() {
    for name in OUTCOMES {
        let report = report(name);
        for (format, end) in [
            (Format::Table, "txt"),
            (Format::Markdown, "md"),
            (Format::Csv, "csv"),
            (Format::Html, "html"),
            (Format::Svg, "svg"),
        ] {
            let shown = report.show(format, TERMINAL).expect(name);
            is_as_kept(&format!("{name}.{end}"), &shown);
        }
    }
}

/// Neither has anything to draw.
#[test]
fn a_dry_run_and_a_chosen_size_alone_look_as_they_did() {
    for name in ["dry-run", "reference-alone"] {
        let report = report(name);
        for (format, end) in [
            (Format::Table, "txt"),
            (Format::Markdown, "md"),
            (Format::Csv, "csv"),
            (Format::Html, "html"),
        ] {
            let shown = report.show(format, TERMINAL).expect(name);
            is_as_kept(&format!("{name}.{end}"), &shown);
        }
        let refused = report.show(Format::Svg, TERMINAL).expect_err("no chart");
        assert!(matches!(refused, NotShown::NoChart(_)), "{refused}");
    }
}

#[test]
fn many_sizes_look_as_they_did() {
    let report = report("all-sizes");
    for (format, end) in [(Format::Table, "txt"), (Format::Svg, "svg")] {
        let shown = report.show(format, TERMINAL).expect("an outcome");
        is_as_kept(&format!("all-sizes.{end}"), &shown);
    }
}

#[test]
fn comparisons_look_as_they_did() {
    let (before, after) = (report("grid"), report("too-tight"));
    let names = ["before", "after | `v2`"];
    for (format, end) in [
        (Format::Table, "txt"),
        (Format::Markdown, "md"),
        (Format::Json, "json"),
    ] {
        let shown = before
            .compare(&after, names, format, TERMINAL)
            .expect("two outcomes");
        is_as_kept(&format!("comparison.{end}"), &shown);
    }
    let failed = report("everything").compare(&before, names, Format::Table, TERMINAL);
    is_as_kept("comparison-with-failed.txt", &failed.expect("two outcomes"));
}

#[test]
fn json_is_the_outcome_as_it_was_read() {
    let path = directory("outcomes").join("everything.json");
    let kept = fs::read_to_string(path).expect("a kept outcome");
    let mut value: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    value["somethingNew"] = "kept".into();
    let shown = read(&value.to_string())
        .expect("an outcome")
        .show(Format::Json, TERMINAL)
        .expect("JSON");
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown, value);
}
