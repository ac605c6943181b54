//! What was measured, for people.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};

use super::Report;

const PHASES: [&str; 6] = [
    "Initializer",
    "Publisher",
    "Measure",
    "Analyzer",
    "Cleaner",
    "Optimizer",
];
const ACTIONS: [(&str, &str); 9] = [
    ("GetFunctionConfiguration", "get"),
    ("UpdateFunctionConfiguration", "update"),
    ("PublishVersion", "publish"),
    ("ListVersionsByFunction", "list"),
    ("CreateAlias", "lock"),
    ("UpdateAlias", "journal"),
    ("GetAlias", "alias"),
    ("DeleteAlias", "unlock"),
    ("DeleteFunction", "delete"),
];

pub(super) fn of(report: &Report) -> String {
    let mut text = format!("{} cores\n", report.cores);
    if !report.runs.is_empty() {
        let _ = write!(
            text,
            "\nWall time of a tuning, in seconds:\n{}\n",
            walls(report)
        );
        let _ = write!(
            text,
            "\nRequests to Lambda's control plane:\n{}\n",
            calls(report)
        );
        let _ = write!(text, "\nWhat it costs to run:\n{}\n", own(report));
    }
    if !report.footprint.is_empty() {
        let _ = write!(text, "\nThe functions:\n{}\n", footprint(report));
    }
    if !report.executor.is_empty() {
        let _ = write!(text, "\nOne executor:\n{}\n", executor(report));
    }
    text
}

fn walls(report: &Report) -> Table {
    let head = ["run", "in all"].into_iter().chain(PHASES);
    let mut table = with_header(head.chain(["`$LATEST` changed", "locked"]));
    for run in &report.runs {
        let mut row = vec![run.name.to_owned(), format!("{:.1}", run.wall_s)];
        row.extend(PHASES.map(|phase| {
            let spent = run.phases.get(phase).copied().unwrap_or_default();
            format!("{spent:.1}")
        }));
        row.extend([run.changed_s, run.locked_s].map(|s| format!("{s:.1}")));
        table.add_row(row);
    }
    table
}

fn calls(report: &Report) -> Table {
    let head = ["run", "in all"]
        .into_iter()
        .chain(ACTIONS.map(|(_, short)| short));
    let mut table = with_header(head);
    for run in &report.runs {
        let mut row = vec![run.name.to_owned(), run.control_plane_calls().to_string()];
        row.extend(ACTIONS.map(|(action, _)| {
            run.calls
                .get(action)
                .copied()
                .unwrap_or_default()
                .to_string()
        }));
        table.add_row(row);
    }
    table
}

fn own(report: &Report) -> Table {
    let head = [
        "run",
        "sizes",
        "calls",
        "transitions",
        "events",
        "billed ms",
    ];
    let mut table = with_header(
        head.into_iter()
            .chain(["of it executor", "of it publisher"]),
    );
    for run in &report.runs {
        let billed = |function: &str| run.billed_ms.get(function).copied().unwrap_or_default();
        let all: u64 = run.billed_ms.values().sum();
        table.add_row([
            run.name.to_owned(),
            run.sizes.to_string(),
            run.invocations().to_string(),
            run.transitions.to_string(),
            run.events.to_string(),
            all.to_string(),
            billed("Executor").to_string(),
            billed("Publisher").to_string(),
        ]);
    }
    table
}

fn footprint(report: &Report) -> Table {
    let head = [
        "function",
        "start ms",
        "beyond an empty one",
        "idle MB",
        "loaded MB",
        "zipped MB",
    ];
    let mut table = with_header(head.into_iter());
    for function in &report.footprint {
        table.add_row([
            function.name.clone(),
            format!("{:.1}", function.start_ms),
            format!("{:+.1}", function.beyond_empty_ms),
            format!("{:.1}", function.idle_mb),
            function
                .loaded_mb
                .map_or_else(String::new, |mb| format!("{mb:.1}")),
            format!("{:.2}", function.zipped_mb),
        ]);
    }
    table
}

fn executor(report: &Report) -> Table {
    let head = [
        "calls",
        "at once",
        "each ms",
        "simulated ms",
        "ideal s",
        "took s",
        "processor s",
        "of the ideal",
    ];
    let mut table = with_header(head.into_iter());
    for one in &report.executor {
        table.add_row([
            one.calls.to_string(),
            one.at_once.to_string(),
            format!("{:.0}", one.call_ms),
            format!("{:.1}", one.simulated_ms),
            format!("{:.3}", one.ideal_s()),
            format!("{:.3}", one.took_s),
            format!("{:.2}", one.used_s),
            format!("{:.0} %", one.ideal_s() / one.took_s * 100.0),
        ]);
    }
    table
}

fn with_header<'a>(names: impl Iterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(names);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
