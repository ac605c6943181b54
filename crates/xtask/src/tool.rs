//! The command line tool, as `cargo install` would make it but for its speed.

use std::path::PathBuf;

use anyhow::Result;

use crate::processes::{self, Words};
use crate::progress::step;
use crate::workspace::Workspace;

/// Builds `power-tuner`, and says where it is.
///
/// # Errors
/// It cannot be built.
pub fn command_line_tool() -> Result<PathBuf> {
    let workspace = Workspace::find()?;
    let mut cargo = workspace.command("cargo");
    cargo.args([
        "build",
        "--locked",
        "--package",
        "power-tuner",
        "--bin",
        "power-tuner",
    ]);
    step("building the command line tool", || {
        processes::run(&mut cargo, &Words::ToStderr)
    })?;
    Ok(workspace.target.join("debug/power-tuner"))
}
