//! What each case needs: a function of its own, the tool, and the comparison of before and after.

use std::env;
use std::ops::Deref;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use xtask::LocalAws;

use crate::function::Function;
use crate::suite::wait_for;

/// Longer than a publisher may write.
const PATIENCE: Duration = Duration::from_mins(4);

/// One case's place to work.
pub struct Bench<'a> {
    pub local: &'a LocalAws,
    pub tool: &'a Path,
    pub case: &'static str,
}

/// A function that is to be tuned.
pub struct Target<'a>(Function<'a>);

impl<'a> Deref for Target<'a> {
    type Target = Function<'a>;

    fn deref(&self) -> &Function<'a> {
        &self.0
    }
}

/// How a run of the tool ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl TryFrom<Output> for Ended {
    type Error = anyhow::Error;

    fn try_from(output: Output) -> Result<Self> {
        Ok(Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout)?,
            err: String::from_utf8(output.stderr)?,
        })
    }
}

impl Ended {
    /// With this exit code, or not at all.
    pub fn with(self, code: i32) -> Result<Self> {
        ensure!(self.code == Some(code), "not {code}: {self:#?}");
        Ok(self)
    }

    pub fn says(&self, words: &str) -> Result<()> {
        let said = self.err.contains(words) || self.out.contains(words);
        ensure!(said, "no `{words}` in {self:#?}");
        Ok(())
    }

    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.out).with_context(|| format!("no JSON: {self:#?}"))
    }
}

impl Bench<'_> {
    /// Makes a function with the case's name.
    pub fn function(&self, spec: &Value) -> Result<Target<'_>> {
        let simulator = self.local.simulator();
        Function::make(simulator, self.case, spec.clone()).map(Target)
    }

    /// The tool with arguments between blanks, and nothing of this process's environment.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(self.tool);
        command.env_clear().args(line.split_whitespace());
        if let Some(path) = env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
            .env("HOME", "/nonexistent")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", self.local.endpoint())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, line: &str) -> Result<Ended> {
        self.command(line).output()?.try_into()
    }

    pub fn spawn(&self, line: &str) -> Result<Child> {
        let mut command = self.command(line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command.spawn()?)
    }
}

impl Target<'_> {
    /// Waits until it is measured.
    pub fn is_called(&self) -> Result<()> {
        wait_until(|| {
            let now = self.now()?;
            let calls = now["invocations"].as_object().context("`invocations`")?;
            Ok(calls.values().any(|calls| calls != 0))
        })
    }

    /// Deploys another memory as the function's owner would, and takes it for how it was before.
    pub fn give(&mut self, memory: u32) -> Result<()> {
        self.0.configure(&json!({"MemorySize": memory}))?;
        self.0.remember()
    }
}

/// Ctrl-C.
pub fn interrupt(child: &Child) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(child.id())?).context("a process")?;
    Ok(kill_process(pid, Signal::INT)?)
}

pub fn end(child: Child) -> Result<Ended> {
    child.wait_with_output()?.try_into()
}

/// Polls until something holds.
pub fn wait_until(holds: impl Fn() -> Result<bool>) -> Result<()> {
    wait_for(PATIENCE, holds)
}
