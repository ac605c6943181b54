//! The evaluation, for people.

use comfy_table::{CellAlignment, Table, presets};

use super::Report;

pub(super) fn print(report: &Report) {
    println!(
        "{} curves of {} families, {} series of calls, {} repetitions of each curve, seed {}",
        report.curves, report.families, report.series, report.repetitions, report.seed
    );
    println!();
    regrets(report);
    trade_offs(report);
    limits(report);
    intervals(report);
}

fn regrets(report: &Report) {
    println!("Regret of the chosen size, and what finding it cost (in calls at 512 MB):");
    let mut table = with_header(&[
        "strategy",
        "truth",
        "noise",
        "reference",
        "p90",
        "spent",
        "search",
        "p90",
        "spent",
        "of it",
        "difference",
        "rounds",
        "sizes",
        "calls",
    ]);
    for score in &report.scores {
        let (reference, search) = (&score.reference, &score.search);
        table.add_row([
            score.strategy.clone(),
            score.truth.to_owned(),
            score.noise.to_owned(),
            format!(
                "{} ± {}",
                percent(reference.mean_regret),
                percent(reference.standard_error)
            ),
            percent(reference.p90_regret),
            format!("{:.0}", reference.spent),
            format!(
                "{} ± {}",
                percent(search.mean_regret),
                percent(search.standard_error)
            ),
            percent(search.p90_regret),
            format!("{:.0}", search.spent),
            format!("{:.2}", search.spent / reference.spent),
            format!(
                "{:+.2} ± {}",
                score.difference * 100.0,
                percent(score.standard_error_of_the_difference)
            ),
            format!("{:.1}", score.mean_rounds),
            format!("{:.1}", score.mean_sizes),
            format!("{:.0}", score.mean_calls),
        ]);
    }
    println!("{table}");
    println!(
        "Regrets are in percent with their standard errors, averaged over families with equal weight."
    );
    println!();
}

/// Only where other settings were tried.
fn trade_offs(report: &Report) {
    if report.trade_offs.is_empty() {
        return;
    }
    println!("With the rates multiplied:");
    let mut table = with_header(&[
        "rates", "strategy", "truth", "regret", "p90", "spent", "of it",
    ]);
    for trade_off in &report.trade_offs {
        let score = &trade_off.score;
        table.add_row([
            format!("× {}", trade_off.factor),
            score.strategy.clone(),
            score.truth.to_owned(),
            percent(score.search.mean_regret),
            percent(score.search.p90_regret),
            format!("{:.0}", score.search.spent),
            format!("{:.2}", score.search.spent / score.reference.spent),
        ]);
    }
    println!("{table}");
    println!();
}

fn limits(report: &Report) {
    println!(
        "With a limit on the mean duration, halfway between the shortest and the longest of the curve:"
    );
    let mut table = with_header(&[
        "strategy",
        "truth",
        "says it is kept",
        "of these not",
        "by 1 % or more",
        "regret",
        "spent",
    ]);
    for limit in &report.limits {
        table.add_row([
            limit.strategy.clone(),
            limit.truth.to_owned(),
            format!("{} %", percent(limit.share_that_says_it_keeps)),
            format!("{} %", percent(limit.share_violated)),
            format!("{} %", percent(limit.share_violated_by_a_hundredth)),
            format!("{} %", percent(limit.mean_regret)),
            format!("{:.0}", limit.spent),
        ]);
    }
    println!("{table}");
    println!();
}

fn intervals(report: &Report) {
    println!(
        "95 % intervals of trimmed means, after sampling that ends at a precision or a number of calls:"
    );
    let mut table = with_header(&["precision", "at most", "coverage", "worst series", "calls"]);
    for interval in &report.intervals {
        table.add_row([
            match interval.precision {
                0.0 => "none".to_owned(),
                precision => precision.to_string(),
            },
            interval.num.to_string(),
            format!("{:.1} %", interval.mean_coverage * 100.0),
            format!("{:.1} %", interval.worst_coverage * 100.0),
            format!("{:.0}", interval.mean_samples),
        ]);
    }
    println!("{table}");
}

fn with_header(names: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(names);
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn percent(share: f64) -> String {
    format!("{:.2}", share * 100.0)
}
