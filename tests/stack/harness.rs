//! What each case needs: a function of its own, an execution, and the comparison of before and after.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value, json};
use xtask::{Execution, LocalAws, Simulator};

const PATIENCE: Duration = Duration::from_mins(2);

/// One case's place to work.
pub struct Bench<'a> {
    pub local: &'a LocalAws,
    case: &'static str,
}

/// A function that is to be tuned, and how it was before.
pub struct Target<'a> {
    pub name: String,
    bench: &'a Bench<'a>,
    before: Value,
}

impl<'a> Bench<'a> {
    pub fn new(local: &'a LocalAws, case: &'static str) -> Self {
        Self { local, case }
    }

    fn simulator(&self) -> &Simulator {
        self.local.simulator()
    }

    /// Makes a function with the case's name. `spec` is a preset or a specification of the simulator's.
    pub fn function(&'a self, spec: Value) -> Result<Target<'a>> {
        let mut spec = object(spec)?;
        spec.insert("name".to_owned(), json!(self.case));
        self.simulator().create_function(&Value::Object(spec))?;
        let mut target = Target {
            name: self.case.to_owned(),
            bench: self,
            before: Value::Null,
        };
        target.remember()?;
        Ok(target)
    }

    /// Runs an execution to its end.
    pub fn execute(&self, input: &Value) -> Result<(String, Execution)> {
        let execution = self.local.start_execution(input)?;
        let ended = self.local.aws().wait_for_execution(&execution, PATIENCE)?;
        Ok((execution, ended))
    }
}

impl Target<'_> {
    pub fn now(&self) -> Result<Value> {
        self.bench.simulator().function(&self.name)
    }

    /// Takes the function as it is now for how it was before.
    pub fn remember(&mut self) -> Result<()> {
        self.before = lasting(&self.now()?);
        Ok(())
    }

    /// Calls the simulated service as the function's owner would.
    pub fn own(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.bench.simulator().request(method, path, Some(body))
    }

    /// Starts tuning it; five calls a size unless `input` says otherwise.
    pub fn start(&self, input: Value) -> Result<String> {
        self.bench.local.start_execution(&self.input(input)?)
    }

    /// Tunes it, and gives the outcome of an execution that must succeed.
    pub fn tune(&self, input: Value) -> Result<(String, Value)> {
        let (execution, ended) = self.bench.execute(&self.input(input)?)?;
        ensure!(ended.status == "SUCCEEDED", "not succeeded: {ended:?}");
        Ok((execution, ended.output.context("an output")?))
    }

    /// Tunes it, and gives error and cause of an execution that must fail.
    pub fn fail_to_tune(&self, input: Value) -> Result<(String, String)> {
        let (_, ended) = self.bench.execute(&self.input(input)?)?;
        failed(ended)
    }

    fn input(&self, more: Value) -> Result<Value> {
        let mut input = object(json!({"lambdaARN": self.name, "num": 5}))?;
        input.extend(object(more)?);
        Ok(Value::Object(input))
    }

    /// The function's configuration, versions and aliases equal those before.
    pub fn is_as_before(&self) -> Result<()> {
        let now = lasting(&self.now()?);
        ensure!(
            now == self.before,
            "the function was left changed\nbefore: {:#}\nnow: {now:#}",
            self.before
        );
        Ok(())
    }

    /// As [`is_as_before`](Self::is_as_before), for clean-ups that nobody waits for.
    pub fn becomes_as_before(&self) -> Result<()> {
        wait_until(|| Ok(self.is_as_before().is_ok())).or_else(|_| self.is_as_before())
    }

    /// How often the function was called, at any size.
    pub fn calls(&self) -> Result<u64> {
        let now = self.now()?;
        let calls = now["invocations"].as_object().context("`invocations`")?;
        Ok(calls.values().filter_map(Value::as_u64).sum())
    }
}

/// Error and cause of an execution that must have failed.
pub fn failed(ended: Execution) -> Result<(String, String)> {
    ensure!(ended.status == "FAILED", "not failed: {ended:?}");
    Ok((
        ended.error.context("an error")?,
        ended.cause.context("a cause")?,
    ))
}

/// Polls until something holds.
pub fn wait_until(holds: impl Fn() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > PATIENCE / 2 {
            bail!("it did not happen within {:?}", PATIENCE / 2);
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

pub fn object(value: Value) -> Result<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        other => bail!("not an object: {other}"),
    }
}

/// What must be the same before and after: everything but what AWS changes by itself, and the record of calls.
fn lasting(snapshot: &Value) -> Value {
    json!({
        "configuration": snapshot["latest"]["configuration"],
        "versions": snapshot["versions"],
        "aliases": snapshot["aliases"],
        "reservedConcurrency": snapshot["reservedConcurrency"],
    })
}
