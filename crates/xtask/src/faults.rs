//! `cargo xtask faults`: faults at random, for as long as one likes. The suite that does it links the tuner, and so is
//! started as a program of its own.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What all stories are drawn from
    #[arg(long)]
    seed: u64,
    /// How long to go on
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Tell only this story, with all that happens in it
    #[arg(long)]
    run: Option<u64>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut cargo = Workspace::find()?.command("cargo");
    cargo.args([
        "test",
        "--package",
        "e2e",
        "--test",
        "faults",
        "--locked",
        "--",
    ]);
    cargo.args(["--seed", &arguments.seed.to_string()]);
    cargo.args(["--seconds", &arguments.seconds.to_string()]);
    if let Some(run) = arguments.run {
        cargo.args(["--run", &run.to_string()]);
    }
    let status = cargo.status().context("cannot start `cargo`")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
