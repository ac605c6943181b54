//! `check` of what was measured before: each exit code.

use serde_json::{Value, json};

use crate::tool::{Files, outcome, run};

fn with(field: &str, value: Value) -> Value {
    let mut outcome = outcome();
    outcome[field] = value;
    outcome
}

#[test]
fn each_verdict_has_its_exit_code() {
    let files = Files::new();
    let good = files.json("good.json", &with("currentMemory", json!(512)));
    let bad = files.json("bad.json", &outcome());
    let chance = json!({"over": 1024, "percent": 20.0, "atLeastPercent": -3.0});
    let unsure = files.json("unsure.json", &with("improvement", chance));
    let tried = json!({"dryRun": true, "function": "f", "region": "r", "architecture": "arm64", "sizes": []});
    let tried = files.json("tried.json", &tried);
    let cases = [
        (
            format!("{good} --tolerance 0"),
            0,
            "512 MB, the current memory, is the best.",
        ),
        (format!("{bad} --tolerance 20"), 0, "is good enough"),
        (bad.clone(), 1, "512 MB is 20 % cheaper"),
        (
            format!("{bad} --inconclusive pass"),
            1,
            "512 MB is 20 % cheaper",
        ),
        (unsure.clone(), 5, "which may be chance"),
        (
            format!("{unsure} --inconclusive pass"),
            0,
            "which may be chance",
        ),
        (
            format!("{unsure} --inconclusive fail"),
            1,
            "which may be chance",
        ),
    ];
    for (line, code, words) in cases {
        let ended = run(&format!("check --outcome {line}")).with(code);
        let text: Vec<&str> = ended.out.split_whitespace().collect();
        assert!(text.join(" ").contains(words), "{line}: {}", ended.out);
        assert_eq!(ended.err, "", "{line}");
    }
    let ended = run(&format!("check --outcome {tried}")).with(2);
    assert!(
        ended.err.contains("there is nothing to check"),
        "{}",
        ended.err
    );
}

#[test]
fn a_check_fits_a_pull_request() {
    let files = Files::new();
    let bad = files.json("bad.json", &outcome());
    let shown = run(&format!("check --outcome {bad} --format markdown"))
        .with(1)
        .out;
    assert!(
        shown.starts_with("### ❌ The memory is not right\n"),
        "{shown}"
    );
    assert!(shown.contains("### Power tuning of my-function"), "{shown}");
    let shown = run(&format!("check --outcome {bad} --format json"))
        .with(1)
        .out;
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["check"]["decision"]["name"], "outside");
}
