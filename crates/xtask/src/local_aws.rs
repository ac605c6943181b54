//! Local AWS with the product deployed on it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::functions::{self, Architecture};
use crate::ministack::MiniStack;
use crate::packages::PythonTools;
use crate::processes::{self, OwnDirectory};
use crate::progress::step;
use crate::simulator::{self, Simulator, Speed};
use crate::stack;
use crate::workspace::Workspace;

/// Where the functions that are tuned live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    Simulator,
    /// In `MiniStack`'s own Lambda, which runs real code, and knows permissions and regions. It writes no report line.
    MiniStack,
}

/// How local AWS is to be.
#[derive(Clone, Debug)]
pub struct Options {
    pub targets: Targets,
    /// The real time that a second of the simulator's functions takes: 1 is real time, 0.01 a hundred times faster.
    pub time_scale: f64,
    /// Of the simulator's noise.
    pub seed: u64,
    /// More options of the simulator, as its command line takes them.
    pub simulator: Vec<String>,
    pub simulator_speed: Speed,
    /// Settings of `MiniStack`, such as `("AUTH", "true")`.
    pub ministack: Vec<(String, String)>,
    /// Parameters of the template, beside its architecture.
    pub parameters: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            targets: Targets::Simulator,
            time_scale: 0.05,
            seed: 1,
            simulator: Vec::new(),
            simulator_speed: Speed::Usual,
            ministack: Vec::new(),
            parameters: Vec::new(),
        }
    }
}

/// Running local AWS with the tuner deployed. Everything ends when it is dropped, and when the process is interrupted.
pub struct LocalAws {
    // Dropped in this order: the functions' calls end before what they call.
    ministack: MiniStack,
    simulator: Option<Simulator>,
    outputs: BTreeMap<String, String>,
    directory: OwnDirectory,
}

impl LocalAws {
    /// Installs the tools, builds, starts the simulator and `MiniStack`, and deploys `template.yaml`.
    ///
    /// # Errors
    /// What failed, the end of its log, and what to install if something is missing.
    pub fn start(options: &Options) -> Result<Self> {
        processes::clean_up_when_interrupted()?;
        let workspace = Workspace::find()?;
        let lock = workspace.lock()?;
        let tools = PythonTools::install(&workspace)?;
        let architecture = Architecture::of_this_machine()?;
        if options.targets == Targets::Simulator {
            step("building the Lambda simulator", || {
                simulator::build(&workspace, options.simulator_speed)
            })?;
        }
        step(
            &format!("building the functions for {}", architecture.name()),
            || {
                functions::build(&workspace, &tools, architecture)?
                    .map_err(|missing| anyhow!(missing.0))
            },
        )?;

        let directory = OwnDirectory::new()?;
        let (ministack, simulator) = step("starting local AWS", || {
            let simulator = match options.targets {
                Targets::Simulator => Some(Simulator::start(&workspace, &directory, options)?),
                Targets::MiniStack => None,
            };
            let ministack = MiniStack::start(
                &workspace,
                &tools,
                &directory,
                simulator.as_ref().map(Simulator::url),
                &options.ministack,
            )?;
            Ok((ministack, simulator))
        })?;
        let sam = || stack::sam(&workspace, &tools, &directory, ministack.aws.endpoint());
        step("sam build", || {
            stack::build(
                &mut sam()?,
                &workspace,
                architecture,
                &directory.path().join("sam-build.log"),
            )
        })?;
        let outputs = step("sam deploy", || {
            let log = directory.path().join("sam-deploy.log");
            stack::deploy(
                &mut sam()?,
                &ministack.aws,
                architecture,
                &options.parameters,
                &log,
            )
            .with_context(|| {
                format!(
                    "MiniStack's log ends with:\n{}",
                    processes::tail(&ministack.log)
                )
            })
        })?;
        drop(lock);
        Ok(Self {
            ministack,
            simulator,
            outputs,
            directory,
        })
    }

    /// The tuner's state machine.
    #[must_use]
    pub fn state_machine_arn(&self) -> &str {
        self.stack_output("StateMachineArn")
    }

    /// An output of the stack.
    ///
    /// # Panics
    /// If the template has no such output.
    #[must_use]
    pub fn stack_output(&self, key: &str) -> &str {
        match self.outputs.get(key) {
            Some(value) => value,
            None => panic!(
                "template.yaml has no output `{key}`; it has {:?}",
                self.outputs.keys()
            ),
        }
    }

    /// Where AWS is: all services, and `MiniStack`'s own Lambda, which runs the tuner's functions.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.ministack.aws.endpoint()
    }

    /// Where the Lambda service of the tuned functions is.
    ///
    /// # Panics
    /// As [`simulator`](Self::simulator).
    #[must_use]
    pub fn sim_url(&self) -> &str {
        self.simulator().url()
    }

    /// The Lambda service of the tuned functions.
    ///
    /// # Panics
    /// If these were to live elsewhere.
    #[must_use]
    pub fn simulator(&self) -> &Simulator {
        self.simulator
            .as_ref()
            .expect("only local AWS with `Targets::Simulator` has one")
    }

    /// AWS, for calls to its services.
    #[must_use]
    pub fn aws(&self) -> &Aws {
        &self.ministack.aws
    }

    /// Starts an execution of the tuner's state machine and gives its ARN.
    ///
    /// # Errors
    /// An [`ApiError`](crate::ApiError) if Step Functions says no.
    pub fn start_execution(&self, input: &Value) -> Result<String> {
        let request =
            json!({"stateMachineArn": self.state_machine_arn(), "input": input.to_string()});
        let answer = self
            .aws()
            .call("states", "AWSStepFunctions.StartExecution", &request)?;
        let arn = answer["executionArn"]
            .as_str()
            .context("StartExecution gave no ARN")?;
        Ok(arn.to_owned())
    }

    /// The directory of the logs, which goes with this.
    #[must_use]
    pub fn logs(&self) -> &Path {
        self.directory.path()
    }

    /// The ends of the logs of `MiniStack` and the simulator.
    #[must_use]
    pub fn logs_tail(&self) -> String {
        let mut text = String::new();
        let simulator = self.simulator.iter();
        let logs = [("MiniStack", &self.ministack.log)]
            .into_iter()
            .chain(simulator.map(|simulator| ("Lambda simulator", &simulator.log)));
        for (name, log) in logs {
            let _ = writeln!(text, "--- {name} ---\n{}", processes::tail(log));
        }
        text
    }
}
