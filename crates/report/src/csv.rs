//! A report for a spreadsheet: a row for each size, with plain numbers.

use power_tuner_core::limits::Meets;

use crate::facts::{Counts, Facts, Measured, Rank, Row};
use crate::numbers::plain;

/// The names of the columns do not change; new ones come at the end.
const COLUMNS: [&str; 20] = [
    "memory_mb",
    "status",
    "best",
    "current",
    "may_be_as_good",
    "pareto",
    "meets_limits",
    "duration_ms",
    "duration_low_ms",
    "duration_high_ms",
    "p95_ms",
    "cost_per_call",
    "cost_low",
    "cost_high",
    "currency",
    "cost_per_month",
    "calls",
    "errors",
    "cold_starts",
    "reason",
];

pub(crate) fn show(facts: &Facts) -> String {
    let header = COLUMNS.join(",");
    let rows = facts.rows.iter().map(|row| cells(row, facts).join(","));
    // As RFC 4180 has it.
    let lines: Vec<String> = [header].into_iter().chain(rows).collect();
    lines.join("\r\n") + "\r\n"
}

fn cells(row: &Row, facts: &Facts) -> [String; 20] {
    let of = row.measured();
    let number =
        |value: fn(&Measured) -> Option<f64>| of.and_then(value).map(plain).unwrap_or_default();
    let count = |value: fn(&Counts) -> u32| {
        row.counts
            .as_ref()
            .map(|counts| value(counts).to_string())
            .unwrap_or_default()
    };
    let yes = |holds: bool| if holds { "yes" } else { "no" }.to_owned();
    let status = match (of, row.failure()) {
        (Some(_), _) => "measured",
        (None, Some(_)) => "failed",
        (None, None) => "callable",
    };
    [
        row.mb.to_string(),
        status.to_owned(),
        yes(row.is_best()),
        yes(row.current),
        yes(row.rank == Rank::AsGood),
        yes(row.pareto),
        match row.meets {
            None => "",
            Some(Meets::Yes) => "yes",
            Some(Meets::No) => "no",
            Some(Meets::Unsure) => "unsure",
        }
        .to_owned(),
        number(|of| Some(of.ms)),
        number(|of| of.ms_interval.map(|[low, _]| low)),
        number(|of| of.ms_interval.map(|[_, high]| high)),
        number(|of| of.p95_ms),
        number(|of| Some(of.cost)),
        number(|of| of.cost_interval.map(|[low, _]| low)),
        number(|of| of.cost_interval.map(|[_, high]| high)),
        text(&facts.currency),
        row.monthly.map(plain).unwrap_or_default(),
        count(|counts| counts.calls),
        count(|counts| counts.errors),
        count(|counts| counts.cold_starts),
        row.failure().map(text).unwrap_or_default(),
    ]
}

/// Somebody's text: quoted where it has to be, and never a formula.
fn text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let shown = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if shown.contains([',', '"', '\r', '\n']) || is_formula {
        format!("\"{}\"", shown.replace('"', "\"\""))
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula_or_another_cell() {
        let cases = [
            ("out of memory", "out of memory"),
            ("a, b", "\"a, b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\tx", "\"'\tx\""),
        ];
        for (from, want) in cases {
            assert_eq!(text(from), want);
        }
    }
}
