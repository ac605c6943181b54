//! What each case needs: a function of its own, the tool, and the comparison of before and after.

use std::env;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use xtask::LocalAws;

/// Longer than a publisher may write.
const PATIENCE: Duration = Duration::from_mins(4);

/// One case's place to work.
pub struct Bench<'a> {
    pub local: &'a LocalAws,
    pub tool: &'a Path,
    pub case: &'static str,
}

/// A function that is to be tuned, and how it was before.
pub struct Target<'a> {
    pub name: &'static str,
    bench: &'a Bench<'a>,
    before: Value,
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

impl<'a> Bench<'a> {
    /// Makes a function with the case's name.
    pub fn function(&'a self, spec: &Value) -> Result<Target<'a>> {
        let mut spec = spec.clone();
        spec["name"] = json!(self.case);
        self.local.simulator().create_function(&spec)?;
        let mut target = Target {
            name: self.case,
            bench: self,
            before: Value::Null,
        };
        target.before = target.lasting()?;
        Ok(target)
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
    fn now(&self) -> Result<Value> {
        self.bench.local.simulator().function(self.name)
    }

    /// What must be the same before and after.
    fn lasting(&self) -> Result<Value> {
        let now = self.now()?;
        Ok(json!({
            "configuration": now["latest"]["configuration"],
            "versions": now["versions"],
            "aliases": now["aliases"],
        }))
    }

    pub fn is_as_before(&self) -> Result<()> {
        let now = self.lasting()?;
        ensure!(
            now == self.before,
            "the function was left changed\nbefore: {:#}\nnow: {now:#}",
            self.before
        );
        Ok(())
    }

    /// For clean-ups that nobody waits for.
    pub fn becomes_as_before(&self) -> Result<()> {
        wait_until(|| Ok(self.is_as_before().is_ok())).or_else(|_| self.is_as_before())
    }

    /// Waits until it is measured.
    pub fn is_called(&self) -> Result<()> {
        wait_until(|| {
            let now = self.now()?;
            let calls = now["invocations"].as_object().context("`invocations`")?;
            Ok(calls.values().any(|calls| calls != 0))
        })
    }

    pub fn memory(&self) -> Result<Value> {
        Ok(self.now()?["latest"]["configuration"]["MemorySize"].clone())
    }

    /// Deploys another memory as the function's owner would, and takes it for how it was before.
    pub fn give(&mut self, memory: u32) -> Result<()> {
        let path = format!("/2015-03-31/functions/{}/configuration", self.name);
        let change = json!({"MemorySize": memory});
        let simulator = self.bench.local.simulator();
        simulator.request("PUT", &path, Some(&change))?;
        wait_until(|| Ok(self.now()?["latest"]["volatile"]["LastUpdateStatus"] != "InProgress"))?;
        self.before = self.lasting()?;
        Ok(())
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
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > PATIENCE {
            bail!("it did not happen within {PATIENCE:?}");
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}
