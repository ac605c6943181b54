//! The checkout that we work on, and commands that run in it.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::processes;

pub(crate) struct Workspace {
    pub root: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
    /// Every binary that a package of the workspace builds.
    pub binaries: BTreeSet<String>,
    /// The binaries of the default members: the Lambda functions.
    pub functions: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
    workspace_default_members: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Workspace {
    pub fn find() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.join("../..").canonicalize().context(
            "the checkout that this program was built in is gone; build it again with `cargo xtask`",
        )?;
        let mut cargo = command("cargo", &root);
        cargo.args(["metadata", "--no-deps", "--locked", "--format-version", "1"]);
        let metadata: Metadata = serde_json::from_str(&processes::output(&mut cargo)?)
            .context("`cargo metadata` did not print what it documents")?;

        let binaries_of = |packages: &mut dyn Iterator<Item = &Package>| {
            packages
                .flat_map(|package| &package.targets)
                .filter(|target| target.kind.iter().any(|kind| kind == "bin"))
                .map(|target| target.name.clone())
                .collect()
        };
        let functions = &metadata.workspace_default_members;
        let mut deployed = metadata
            .packages
            .iter()
            .filter(|package| functions.contains(&package.id));
        Ok(Self {
            functions: binaries_of(&mut deployed),
            binaries: binaries_of(&mut metadata.packages.iter()),
            target: metadata.target_directory,
            root,
        })
    }

    /// A command that runs in the root of the checkout, apart from the person's AWS settings.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        command(program, &self.root)
    }

    /// A directory of ours below Cargo's target directory.
    pub fn directory(&self, name: &str) -> Result<PathBuf> {
        let path = self.target.join("xtask").join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
        Ok(path)
    }

    /// Keeps other runs of ours in this checkout out of what they would share (tools, build output) until dropped.
    pub fn lock(&self) -> Result<File> {
        let path = self.directory("")?.join("lock");
        let file =
            File::create(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                eprintln!(
                    "    waiting for another `cargo xtask` in this checkout to finish building"
                );
                file.lock()
            }
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => Ok(()),
        }
        .with_context(|| format!("cannot lock `{}`", path.display()))?;
        Ok(file)
    }

    /// A path as a person in the root of the checkout would write it.
    pub fn shown<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}

/// What Cargo tells the program it runs about its package must not reach a Cargo below it: build scripts that look at it
/// would run again each time. A profile or endpoint for AWS must reach nothing: we talk to local AWS only.
fn command(program: impl AsRef<OsStr>, directory: &Path) -> Command {
    const FOREIGN: [&str; 6] = [
        "AWS_",
        "SAM_CLI_",
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_LAMBDA_",
    ];
    const ALONE: [&str; 4] = [
        "CARGO",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];

    let mut command = Command::new(program);
    command.current_dir(directory);
    for (name, _) in env::vars_os() {
        let known = name.to_string_lossy();
        if ALONE.contains(&&*known) || FOREIGN.iter().any(|prefix| known.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}
