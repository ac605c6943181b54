//! `cargo xtask ...`: the commands that people and CI use, and [`LocalAws`] for the end-to-end suite.

mod aws;
mod bench;
mod browser;
mod checks;
mod chrome;
mod cloudformation;
mod consistency;
mod eval;
mod faults;
mod functions;
mod http;
mod local;
mod local_aws;
mod ministack;
mod package;
mod packages;
mod parameters;
mod pipelines;
mod prices;
mod processes;
mod progress;
mod report;
mod simulator;
mod stack;
mod tool;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use aws::{ApiError, Aws, Execution};
pub use local_aws::{LocalAws, Options, Targets};
pub use simulator::{Simulator, Speed};
pub use tool::command_line_tool;

/// Commands for working on the power tuner.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tune a sample function on local AWS: set up, build, start, deploy, tune, print, take down
    Local(local::Arguments),
    /// Measure how fast and how small the tuner is: on local AWS with latencies like AWS's, and its functions by themselves
    Bench(bench::Arguments),
    /// Judge the search's decisions on measured curves and noise, beside the reference's
    Eval(eval::Arguments),
    /// Try faults, deployments and stops at random moments of several tunings of one function at once
    Faults(faults::Arguments),
    /// Rebuild the price table from price lists of AWS that you have downloaded
    Prices(prices::Arguments),
    /// Make the pictures of the report in docs/images anew
    Screenshots,
    /// Run every check that CI runs
    Test(checks::Arguments),
}

/// Runs the command that the arguments of this process name.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Local(arguments) => local::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Faults(arguments) => faults::run(&arguments),
        Command::Prices(arguments) => prices::run(&arguments),
        Command::Screenshots => browser::screenshots(),
        Command::Test(arguments) => checks::run(&arguments),
    };
    processes::stay_if_interrupted();
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
