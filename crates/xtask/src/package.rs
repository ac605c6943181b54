//! How large the functions' packages are: Lambda loads them at each cold start.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::processes;
use crate::workspace::Workspace;

/// What a package may have at the most, in MB: a little more than it has. With nothing of the SDK, with its clients of Lambda,
/// STS and Step Functions, without the last of them, and with its signer alone.
const MOST: [(&str, f64); 7] = [
    ("power-tuner-analyzer", 1.1),
    ("power-tuner-publisher", 2.9),
    ("power-tuner-optimizer", 2.9),
    ("power-tuner-cleaner", 2.9),
    ("power-tuner-executor", 2.5),
    ("power-tuner-initializer", 2.6),
    ("power-tuner-reporter", 2.1),
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

/// In words, which of the functions' packages are too large.
pub(crate) fn faults(workspace: &Workspace, binaries: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for function in &workspace.functions {
        let (_, most) = MOST
            .into_iter()
            .find(|(name, _)| name == function)
            .with_context(|| format!("crates/xtask/src/package.rs has no bar for {function}"))?;
        let is = zipped_mb(workspace, &binaries.join(function).join("bootstrap"))?;
        if is > most {
            faults.push(format!(
                "{function} has a package of {is:.2} MB, more than {most} MB; see what was added, or raise the bar in \
                 crates/xtask/src/package.rs and say why"
            ));
        }
    }
    Ok(faults)
}
