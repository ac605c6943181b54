//! How large the functions' packages are: Lambda loads them at each cold start.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::processes;
use crate::workspace::Workspace;

/// What a package may have at the most, in MB: with nothing of the SDK, with its client of Lambda, and with one of Step
/// Functions or S3 besides.
const MOST: [(&str, f64); 3] = [
    ("power-tuner-analyzer", 1.5),
    ("power-tuner-reporter", 3.0),
    ("", 3.0),
];

/// As `sam` packs it: one file in a zip.
pub(crate) fn zipped_mb(workspace: &Workspace, binary: &Path) -> Result<f64> {
    let directory = tempfile::tempdir().context("cannot make a directory")?;
    let zip = directory.path().join("function.zip");
    let mut python = workspace.command("python3");
    python.args(["-m", "zipfile", "-c"]).arg(&zip).arg(binary);
    processes::output(&mut python)?;
    let bytes = fs::metadata(&zip)
        .with_context(|| format!("cannot read `{}`", zip.display()))?
        .len();
    #[expect(clippy::cast_precision_loss, reason = "a few million")]
    Ok(bytes as f64 / 1e6)
}

pub(crate) fn most_mb(function: &str) -> f64 {
    let (_, most) = MOST
        .iter()
        .find(|(name, _)| name.is_empty() || *name == function)
        .unwrap_or(&("", f64::INFINITY));
    *most
}

/// In words, which of the functions' packages are too large.
pub(crate) fn faults(workspace: &Workspace, binaries: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for function in &workspace.functions {
        let is = zipped_mb(workspace, &binaries.join(function).join("bootstrap"))?;
        let most = most_mb(function);
        if is > most {
            faults.push(format!(
                "{function} has a package of {is:.2} MB, more than {most} MB; see what was added, or raise the bar in \
                 crates/xtask/src/package.rs and say why"
            ));
        }
    }
    Ok(faults)
}
