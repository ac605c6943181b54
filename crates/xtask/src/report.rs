//! What a local tuning found: on the terminal, and as files that open in a browser.

use std::env;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use anyhow::{Context, Result};
use power_tuner_report::{About, Format, Look, NotShown, read};
use serde_json::Value;

use crate::workspace::Workspace;

/// Where the output is no terminal.
const COLUMNS: usize = 80;

const FILES: [(&str, Format); 3] = [
    ("outcome.json", Format::Json),
    ("report.html", Format::Html),
    ("chart.svg", Format::Svg),
];

/// Writes the outcome and its report, and gives the table, with the files' names beneath.
pub(crate) fn of(outcome: &Value, about: About, workspace: &Workspace) -> Result<String> {
    let directory = workspace.directory("local")?;
    let table = written(outcome, about, &directory, look())?;
    let written = FILES.map(|(name, _)| directory.join(name));
    let there: Vec<String> = written
        .iter()
        .filter(|path| path.exists())
        .map(|path| format!("Written: {}", workspace.shown(path)))
        .collect();
    Ok(format!("{table}\n{}\n", there.join("\n")))
}

fn written(outcome: &Value, about: About, directory: &Path, look: Look) -> Result<String> {
    let report = read(&outcome.to_string())
        .context("the tuning's output is not what an outcome is")?
        .about(about);
    for (name, format) in FILES {
        let path = directory.join(name);
        match report.show(format, look) {
            Ok(text) => fs::write(&path, text),
            // One of an earlier run would be taken for this one's.
            Err(NotShown::NoChart(_)) => {
                fs::remove_file(&path).or_else(|error| match error.kind() {
                    io::ErrorKind::NotFound => Ok(()),
                    _ => Err(error),
                })
            }
            Err(error) => return Err(error.into()),
        }
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(report.show(Format::Table, look)?)
}

fn look() -> Look {
    let is_terminal = io::stdout().is_terminal();
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let columns = size.map(|size| usize::from(size.ws_col));
    Look {
        width: columns.filter(|columns| *columns > 0).unwrap_or(COLUMNS),
        color: is_terminal && env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LOOK: Look = Look {
        width: 80,
        color: false,
    };

    #[test]
    fn a_tuning_leaves_its_outcome_its_page_and_its_chart() {
        let directory = tempfile::tempdir().expect("a directory");
        let outcome = json!({
            "power": 512, "cost": 0.000_003_25, "duration": 391.24,
            "stateMachine": {"executionCost": 0.001, "lambdaCost": 0.002},
            "stats": [
                {"value": 128, "averagePrice": 0.000_003_5, "averageDuration": 1500.0},
                {"value": 512, "averagePrice": 0.000_003_25, "averageDuration": 391.24},
            ],
        });
        let table = written(&outcome, About::default(), directory.path(), LOOK).expect("written");
        assert!(table.contains("✔  512 MB"), "{table}");
        let file = |name: &str| fs::read_to_string(directory.path().join(name)).expect(name);
        let kept: Value = serde_json::from_str(&file("outcome.json")).expect("JSON");
        assert_eq!(kept, outcome);
        assert!(file("report.html").starts_with("<!doctype html>"));
        assert!(file("chart.svg").starts_with("<svg "));

        let tried = json!({
            "dryRun": true, "function": "f", "region": "us-east-1", "architecture": "arm64",
            "sizes": [{"memory": 128, "status": "measured"}],
        });
        written(&tried, About::default(), directory.path(), LOOK).expect("written");
        assert!(
            !directory.path().join("chart.svg").exists(),
            "it was another tuning's"
        );
    }
}
