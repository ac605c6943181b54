//! The Lambda functions' binaries: built by cargo-lambda, and looked at before anything is deployed.

use std::env::consts::ARCH;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::packages::{Missing, PythonTools};
use crate::processes::{self, Words};
use crate::workspace::Workspace;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Architecture {
    X86_64,
    Arm64,
}

impl Architecture {
    /// The one that this machine can run.
    pub fn of_this_machine() -> Result<Self> {
        match ARCH {
            "x86_64" => Ok(Self::X86_64),
            "aarch64" => Ok(Self::Arm64),
            other => bail!("Lambda has no architecture for this machine's `{other}`"),
        }
    }

    /// As Lambda, the template's parameter and cargo-lambda's flag (but for `_`) name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// The environment of samconfig.toml.
    pub fn config_env(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "default",
        }
    }

    fn triple(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// `e_machine` of an ELF header (the System V ABI's supplements).
    fn elf_machine(self) -> u16 {
        match self {
            Self::X86_64 => 62,
            Self::Arm64 => 183,
        }
    }
}

/// Builds every function for an architecture in one go, and returns where the binaries are; or says why it cannot.
///
/// `sam build` runs the same command for each function and then finds nothing left to do.
pub(crate) fn build(
    workspace: &Workspace,
    tools: &PythonTools,
    architecture: Architecture,
) -> Result<Result<PathBuf, Missing>> {
    if !has_target(workspace, architecture)? {
        let triple = architecture.triple();
        return Ok(Err(Missing(format!(
            "Rust's target `{triple}` is missing; install it with `rustup target add {triple}`"
        ))));
    }
    let mut cargo = tools.command(workspace, "cargo")?;
    cargo.args(["lambda", "build", "--release", "--locked"]);
    // The other architecture's binaries go elsewhere: the default directory holds what runs here.
    let artifacts = if architecture == Architecture::of_this_machine()? {
        workspace.target.join("lambda")
    } else {
        let directory = workspace
            .target
            .join(format!("lambda-{}", architecture.name()));
        cargo.arg("--lambda-dir").arg(&directory);
        directory
    };
    if architecture == Architecture::Arm64 {
        cargo.arg("--arm64");
    }
    processes::run(&mut cargo, &Words::ToStderr)?;
    for function in &workspace.functions {
        check_machine(&artifacts.join(function).join("bootstrap"), architecture)?;
    }
    Ok(Ok(artifacts))
}

fn has_target(workspace: &Workspace, architecture: Architecture) -> Result<bool> {
    let sysroot = processes::output(workspace.command("rustc").args(["--print", "sysroot"]))?;
    let library = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(architecture.triple())
        .join("lib");
    Ok(library.is_dir())
}

/// Checks every function below a directory of artifacts; there has to be one at least.
pub(crate) fn check_all(directory: &Path, architecture: Architecture) -> Result<()> {
    let entries = fs::read_dir(directory)
        .with_context(|| format!("cannot read `{}`", directory.display()))?;
    let mut checked = 0;
    for entry in entries {
        let bootstrap = entry?.path().join("bootstrap");
        if bootstrap.exists() {
            check_machine(&bootstrap, architecture)?;
            checked += 1;
        }
    }
    ensure!(checked > 0, "`{}` holds no function", directory.display());
    Ok(())
}

/// `MiniStack` runs a binary as it is, whatever the template says; Lambda would fail at the first call.
fn check_machine(binary: &Path, expected: Architecture) -> Result<()> {
    let mut header = [0; 20];
    File::open(binary)
        .and_then(|mut file| file.read_exact(&mut header))
        .with_context(|| format!("cannot read the ELF header of `{}`", binary.display()))?;
    let Some(machine) = machine(&header) else {
        bail!(
            "`{}` is not a 64-bit little-endian ELF file",
            binary.display()
        );
    };
    ensure!(
        machine == expected.elf_machine(),
        "`{}` is for ELF machine {machine}, not for {}",
        binary.display(),
        expected.name()
    );
    Ok(())
}

fn machine(header: &[u8; 20]) -> Option<u16> {
    const CLASS_64_LITTLE_ENDIAN: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];
    header
        .starts_with(&CLASS_64_LITTLE_ENDIAN)
        .then(|| u16::from_le_bytes([header[18], header[19]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_is_recognised_by_its_header() {
        let mut header = [0; 20];
        header[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        header[18] = 183;
        assert_eq!(machine(&header), Some(Architecture::Arm64.elf_machine()));

        let script = *b"#!/bin/sh\nexec true\n";
        assert_eq!(machine(&script), None);
    }

    #[test]
    fn this_test_is_for_this_machine() {
        let this = std::env::current_exe().expect("a running test has a path");
        let here = Architecture::of_this_machine().expect("Lambda has it");
        let there = match here {
            Architecture::X86_64 => Architecture::Arm64,
            Architecture::Arm64 => Architecture::X86_64,
        };
        check_machine(&this, here).expect("it runs");
        let error = check_machine(&this, there).expect_err("it would not run");
        assert!(
            error
                .to_string()
                .ends_with(&format!("not for {}", there.name())),
            "{error}"
        );
    }
}
