//! `cargo xtask bench`: how fast and how small the tuner is. `docs/PERFORMANCE.md` keeps what it prints.

mod executor;
mod footprint;
mod host;
mod latencies;
mod runs;
mod table;
mod tuner;

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::progress::print;
use executor::Throughput;
use footprint::Footprint;
use latencies::Latencies;
use runs::Run;
use tuner::Tuner;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to measure; everything where nothing is named
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Only the runs whose name has this in it
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// How long a request of an action is on its way, instead of what is usual; may be given for several actions
    #[arg(long, value_name = "ACTION=MS")]
    latency: Vec<String>,
    /// Requests are on their way for no time, and updates are through at once
    #[arg(long, conflicts_with = "latency")]
    no_latency: bool,
    /// The template's `ControlPlaneRate`
    #[arg(long, value_name = "PER SECOND", default_value_t = 10)]
    control_plane_rate: u32,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Fail where a bar is missed
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Tunings on local AWS: wall time, calls, transitions, how long `$LATEST` is changed
    Runs,
    /// The functions' start, memory and packages
    Footprint,
    /// How many calls one executor makes in a second
    Executor,
}

/// All that is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    cores: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    latencies: Option<Latencies>,
    /// Requests to Lambda's control plane that a function of the tuner makes in a second at the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    control_plane_rate: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    runs: Vec<Run>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    footprint: Vec<Footprint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    executor: Vec<Throughput>,
    /// What misses its bar, in words.
    missed: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let is_wanted = |part| arguments.parts.is_empty() || arguments.parts.contains(&part);
    let mut report = Report {
        cores: std::thread::available_parallelism()?.get(),
        latencies: None,
        control_plane_rate: None,
        runs: Vec::new(),
        footprint: Vec::new(),
        executor: Vec::new(),
        missed: Vec::new(),
    };
    if is_wanted(Part::Footprint) || is_wanted(Part::Executor) {
        let tuner = Tuner::build()?;
        if is_wanted(Part::Footprint) {
            report.footprint = footprint::measure(&tuner)?;
            report.missed.extend(footprint::missed(&report.footprint));
        }
        if is_wanted(Part::Executor) {
            report.executor = executor::measure(&tuner)?;
            report.missed.extend(executor::missed(&report.executor));
        }
    }
    if is_wanted(Part::Runs) {
        let latencies = if arguments.no_latency {
            Latencies::none()
        } else {
            Latencies::usual().with(&arguments.latency)?
        };
        let rate = arguments.control_plane_rate;
        report.runs = runs::measure(&latencies, rate, arguments.only.as_deref())?;
        report.control_plane_rate = Some(rate);
        report.missed.extend(runs::missed(&report.runs, &latencies));
        report.latencies = Some(latencies);
    }
    if arguments.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    } else {
        print(&table::of(&report))?;
    }
    for missed in &report.missed {
        eprintln!("missed: {missed}");
    }
    Ok(if arguments.check && !report.missed.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
