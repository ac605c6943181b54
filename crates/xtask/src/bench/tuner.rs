//! The release binaries, run by a small Lambda against the simulator: as far as a measured size.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

use super::host::Host;
use crate::functions::{self, Architecture};
use crate::local_aws::Options;
use crate::packages::PythonTools;
use crate::processes::{self, OwnDirectory, Words};
use crate::progress::step;
use crate::simulator::{self, Simulator, Speed};
use crate::workspace::Workspace;

const EXECUTION: &str = "arn:aws:states:us-east-1:123456789012:execution:power-tuner:the-bench";
/// A Lambda function in Rust that does nothing.
pub(super) const EMPTY: &str = "empty";

/// The binaries, and what they are called on.
pub(super) struct Tuner {
    pub binaries: PathBuf,
    simulator: Simulator,
    _directory: OwnDirectory,
}

impl Tuner {
    /// Builds what is missing, and starts the simulator.
    pub fn build() -> Result<Self> {
        processes::clean_up_when_interrupted()?;
        let workspace = Workspace::find()?;
        let _lock = workspace.lock()?;
        let tools = PythonTools::install(&workspace)?;
        let architecture = Architecture::of_this_machine()?;
        let binaries = step("building the functions", || {
            functions::build(&workspace, &tools, architecture)?
                .map_err(|missing| anyhow!(missing.0))
        })?;
        step("building an empty function", || {
            let mut cargo = tools.command(&workspace, "cargo")?;
            cargo.args(["lambda", "build", "--release", "--locked"]);
            cargo.args(["--package", "power-tuner-runtime", "--example", EMPTY]);
            processes::run(&mut cargo, &Words::ToStderr)
        })?;
        simulator::build(&workspace, Speed::Fast)?;
        let directory = OwnDirectory::new()?;
        let options = Options {
            time_scale: 1.0,
            simulator: super::latencies::Latencies::none().arguments(),
            simulator_speed: Speed::Fast,
            ..Options::default()
        };
        let simulator = Simulator::start(&workspace, &directory, &options)?;
        simulator.request(
            "POST",
            "/_sim/executions",
            Some(&json!({"arn": EXECUTION, "status": "RUNNING"})),
        )?;
        Ok(Self {
            binaries,
            simulator,
            _directory: directory,
        })
    }

    /// Starts one of the functions, which reaches the simulator and nothing else.
    pub fn start(&self, function: &str) -> Result<Host> {
        let url = self.simulator.url();
        let binary = self.binaries.join(function).join("bootstrap");
        Host::start(
            &binary,
            &[("AWS_ENDPOINT_URL", url), ("CONTROL_PLANE_RATE", "1000")],
        )
    }

    /// Plans and publishes for a function of the simulator's, and gives what the state machine would give to an executor.
    pub fn until_measured(&self, function: &Value, mut input: Value) -> Result<Value> {
        let created = self.simulator.create_function(function)?;
        input["lambdaARN"] = created["arn"].clone();
        let stack = json!({
            "functions": [],
            "longestWaitS": "60",
            "powerValues": "",
            "search": "",
            "visualizationUrl": "",
            "reportBucket": "",
        });
        let asked = json!({"execution": EXECUTION, "input": input, "stack": stack});
        let (mut tuning, _) = self.start("power-tuner-initializer")?.call(asked)?;
        let asked = json!({
            "execution": EXECUTION,
            "plan": tuning["plan"],
            "round": tuning["round"],
            "published": tuning["published"],
        });
        let (published, _) = self.start("power-tuner-publisher")?.call(asked)?;
        ensure!(published["done"] == true, "not published: {published}");
        let size = tuning["round"]["sizes"][0].take();
        ensure!(size.is_object(), "no size in {tuning}");
        Ok(json!({
            "execution": EXECUTION,
            "input": input,
            "plan": tuning["plan"],
            "memory": size["memory"],
            "wanted": size["wanted"],
            "published": published,
            "progress": size["progress"],
        }))
    }

    /// How long the calls of a function took in the simulator, on average, in milliseconds.
    pub fn mean_ms(&self, function: &str) -> Result<f64> {
        let calls = self.simulator.request("GET", "/_sim/calls", None)?;
        let calls = calls.as_array().context("the simulator lists calls")?;
        let took: Vec<f64> = calls
            .iter()
            .filter(|call| call["action"] == "Invoke" && call["function"] == function)
            .filter_map(|call| Some(call["endedMs"].as_f64()? - call["startedMs"].as_f64()?))
            .collect();
        ensure!(!took.is_empty(), "nobody called {function}");
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        Ok(took.iter().sum::<f64>() / took.len() as f64)
    }

    /// Calls that a function got so far.
    pub fn calls_of(&self, function: &str) -> Result<u64> {
        let calls = &self.simulator.function(function)?["invocations"];
        let counts = calls.as_object().context("the simulator counts calls")?;
        Ok(counts.values().filter_map(Value::as_u64).sum())
    }
}
