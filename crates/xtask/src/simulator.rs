//! The simulated Lambda service, which runs the functions that are tuned.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use ureq::Agent;

use crate::aws::{ACCOUNT, REGION};
use crate::http;
use crate::local_aws::Options;
use crate::processes::{self, Group, OwnDirectory, Words};
use crate::workspace::Workspace;

/// How fast the simulator itself is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// Built in seconds.
    Usual,
    /// Built in minutes, for whoever measures what calls it.
    Fast,
}

impl Speed {
    fn directory(self) -> &'static str {
        match self {
            Self::Usual => "debug",
            Self::Fast => "release",
        }
    }
}

pub(crate) fn build(workspace: &Workspace, speed: Speed) -> Result<()> {
    let mut cargo = workspace.command("cargo");
    if speed == Speed::Fast {
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3");
    }
    cargo.args([
        "build",
        "--locked",
        "--package",
        "power-tuner-lambda-sim",
        "--bin",
        "lambda-sim",
    ]);
    if speed == Speed::Fast {
        cargo.arg("--release");
    }
    processes::run(&mut cargo, &Words::ToStderr)
}

/// The simulator's own endpoints, beside those of Lambda.
pub struct Simulator {
    agent: Agent,
    url: String,
    pub(crate) log: PathBuf,
    /// Ends with this.
    _process: Group,
}

impl Simulator {
    pub(crate) fn start(
        workspace: &Workspace,
        directory: &OwnDirectory,
        options: &Options,
    ) -> Result<Self> {
        let log = directory.path().join("lambda-sim.log");
        let mut command = {
            let built = workspace.target.join(options.simulator_speed.directory());
            workspace.command(built.join("lambda-sim"))
        };
        command
            .args(["--port", "0", "--until-stdin-closes"])
            .args(["--region", REGION, "--account", ACCOUNT])
            .args(["--time-scale", &options.time_scale.to_string()])
            .args(["--seed", &options.seed.to_string()])
            .args(&options.simulator);
        let mut process = Group::server(&mut command, &log)?;
        let url = address(&mut process, &log)?;
        Ok(Self {
            agent: http::agent(Duration::from_mins(1)),
            url,
            log,
            _process: process,
        })
    }

    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Creates a function: `{"preset": "cpu-bound", "name": "f"}`, or a whole specification.
    ///
    /// # Errors
    /// The simulator's words if it refuses.
    pub fn create_function(&self, function: &Value) -> Result<Value> {
        self.request("POST", "/_sim/functions", Some(function))
    }

    /// A function as it is now: configuration, versions, aliases, calls.
    ///
    /// # Errors
    /// The simulator's words if it refuses.
    pub fn function(&self, name: &str) -> Result<Value> {
        self.request("GET", &format!("/_sim/functions/{name}"), None)
    }

    /// Any request to the simulator: `("GET", "/_sim/presets", None)`.
    ///
    /// # Errors
    /// The simulator's words if it refuses.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(|body| body.to_string().into_bytes());
        let headers = [("content-type", "application/json")];
        let answer = http::send(
            &self.agent,
            method,
            &format!("{}{path}", self.url),
            &headers,
            body,
        )?;
        ensure!(
            answer.is_success(),
            "the simulator refused {method} {path} ({}): {}",
            answer.status,
            answer.text
        );
        Ok(answer.json())
    }
}

/// The simulator picks its own port and says so first.
fn address(process: &mut Group, log: &PathBuf) -> Result<String> {
    const PATIENCE: Duration = Duration::from_secs(20);
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let said =
            fs::read_to_string(log).with_context(|| format!("cannot read `{}`", log.display()))?;
        let line = said
            .split_inclusive('\n')
            .find_map(|line| line.strip_prefix("listening on "));
        if let Some(url) = line.and_then(|line| line.strip_suffix('\n')) {
            return Ok(url.to_owned());
        }
        if let Some(status) = process.ended() {
            bail!(
                "the Lambda simulator ended at once ({status}):\n{}",
                processes::tail(log)
            );
        }
        thread::sleep(Duration::from_millis(20));
    }
    processes::stay_if_interrupted();
    bail!(
        "the Lambda simulator gave no address for {} s:\n{}",
        PATIENCE.as_secs(),
        processes::tail(log)
    )
}
