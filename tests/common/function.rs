//! A function in the simulator that is to be tuned, and how it was before.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use xtask::Simulator;

use crate::harness::wait_until;

pub struct Function<'a> {
    pub name: String,
    simulator: &'a Simulator,
    before: Value,
}

impl<'a> Function<'a> {
    /// Makes one. `spec` is a preset or a specification of the simulator's, which the name is added to.
    pub fn make(simulator: &'a Simulator, name: &str, mut spec: Value) -> Result<Self> {
        const LONGEST_NAME: usize = 64;
        ensure!(
            name.len() <= LONGEST_NAME,
            "`{name}` is too long for a function"
        );
        spec["name"] = json!(name);
        simulator.create_function(&spec)?;
        let mut function = Self {
            name: name.to_owned(),
            simulator,
            before: Value::Null,
        };
        function.remember()?;
        Ok(function)
    }

    pub fn now(&self) -> Result<Value> {
        self.simulator.function(&self.name)
    }

    pub fn memory(&self) -> Result<Value> {
        Ok(self.now()?["latest"]["configuration"]["MemorySize"].clone())
    }

    /// Takes the function as it is now for how it was before.
    pub fn remember(&mut self) -> Result<()> {
        self.before = lasting(&self.now()?);
        Ok(())
    }

    /// Calls the simulated service as the function's owner would: the path is what comes behind the function's name.
    pub fn own(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let path = format!("/2015-03-31/functions/{}{path}", self.name);
        self.simulator.request(method, &path, Some(body))
    }

    /// Deploys as the function's owner would, and waits until that is through.
    pub fn deploy(&self, path: &str, change: &Value) -> Result<()> {
        self.own("PUT", path, change)?;
        wait_until(|| {
            let volatile = &self.now()?["latest"]["volatile"];
            Ok(volatile["LastUpdateStatus"] != "InProgress")
        })
    }

    pub fn configure(&self, change: &Value) -> Result<()> {
        self.deploy("/configuration", change)
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
