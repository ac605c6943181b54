//! The outcome of a tuning as text for a person.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;

/// The table of sizes, the winner and why, the picture's address, and where the outcome was written.
pub(crate) fn text(outcome: &Value, written_to: &str) -> String {
    let currency = outcome["currency"].as_str().unwrap_or("USD");
    let winner = outcome["power"].as_u64();
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "",
        "Memory",
        "Duration",
        &format!("Cost of 1M calls ({currency})"),
        "Calls",
        "Errors",
        "Cold starts",
    ]);
    for size in outcome["sizes"].as_array().into_iter().flatten() {
        let memory = size["memory"].as_u64();
        let mark = if memory == winner { "✔" } else { "" };
        let memory = memory.map(|mb| format!("{mb} MB")).unwrap_or_default();
        let (duration, cost) = if size["status"] == "measured" {
            (
                duration(&size["averageDurationMs"]),
                cost_of_a_million(&size["averageCost"]),
            )
        } else {
            ("failed".to_owned(), "-".to_owned())
        };
        table.add_row([
            mark.to_owned(),
            memory,
            duration,
            cost,
            count(&size["calls"]),
            count(&size["errors"]),
            count(&size["coldStarts"]),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }

    let mut text = format!("{table}\n");
    for size in outcome["sizes"].as_array().into_iter().flatten() {
        if let Some(reason) = size["reason"].as_str() {
            let _ = writeln!(text, "{} MB: {reason}", size["memory"]);
        }
    }
    let _ = writeln!(
        text,
        "\nBest for {}: {} MB, {}, {} {currency} for a million calls",
        outcome["strategy"].as_str().unwrap_or("cost"),
        outcome["power"],
        duration(&outcome["duration"]),
        cost_of_a_million(&outcome["cost"]),
    );
    let machine = &outcome["stateMachine"];
    let lines = [
        ("Why", outcome["reason"].as_str()),
        ("Picture", machine["visualization"].as_str()),
        ("Outcome", Some(written_to)),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            let _ = writeln!(text, "{:<9}{value}", format!("{name}:"));
        }
    }
    text
}

fn duration(ms: &Value) -> String {
    ms.as_f64()
        .map(|ms| format!("{ms:.1} ms"))
        .unwrap_or_default()
}

fn cost_of_a_million(cost: &Value) -> String {
    cost.as_f64()
        .map(|cost| format!("{:.2}", cost * 1e6))
        .unwrap_or_default()
}

fn count(number: &Value) -> String {
    number
        .as_u64()
        .map(|number| number.to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_report_marks_the_winner_and_names_what_failed() {
        let outcome = json!({
            "power": 512, "cost": 0.000_003_25, "duration": 391.24, "strategy": "cost", "currency": "USD",
            "reason": "512 MB is the cheapest size",
            "stateMachine": {"visualization": "https://example.com/#a;b;c"},
            "sizes": [
                {"memory": 128, "status": "failed", "calls": 5, "errors": 5, "coldStarts": 1, "reason": "out of memory"},
                {"memory": 512, "status": "measured", "averageDurationMs": 391.24, "averageCost": 0.000_003_25,
                 "calls": 20, "errors": 0, "coldStarts": 3},
            ],
        });
        let text = text(&outcome, "target/xtask/local/outcome.json");
        let row = |part: &str| {
            text.lines()
                .find(|line| line.contains(part))
                .expect(part)
                .to_owned()
        };
        assert!(row("128 MB ┆").contains("failed"), "{text}");
        assert!(row("✔").contains("512 MB"), "{text}");
        for wanted in [
            "128 MB: out of memory",
            "Best for cost: 512 MB, 391.2 ms, 3.25 USD for a million calls",
            "Why:     512 MB is the cheapest size",
            "Picture: https://example.com/#a;b;c",
            "Outcome: target/xtask/local/outcome.json",
        ] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
    }
}
