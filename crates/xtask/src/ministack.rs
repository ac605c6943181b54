//! `MiniStack`: AWS on this machine, all but the functions that are tuned.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::aws::{ACCOUNT, Aws, REGION};
use crate::http;
use crate::packages::PythonTools;
use crate::processes::{self, Group, OwnDirectory};
use crate::workspace::Workspace;

pub(crate) const ACCESS_KEY: &str = "test";
pub(crate) const SECRET_KEY: &str = "test";

pub(crate) struct MiniStack {
    pub aws: Aws,
    pub log: PathBuf,
    process: Group,
}

impl MiniStack {
    /// `lambda` is where the functions that run in `MiniStack` reach Lambda, if that is not its own. `MiniStack` itself calls
    /// its own in its process.
    pub fn start(
        workspace: &Workspace,
        tools: &PythonTools,
        directory: &OwnDirectory,
        lambda: Option<&str>,
        settings: &[(String, String)],
    ) -> Result<Self> {
        // Between our choice of a port and its use somebody else may take it.
        const TRIES: usize = 3;
        let mut tries = 0;
        loop {
            tries += 1;
            let mut started = Self::spawn(workspace, tools, directory, lambda, settings)?;
            match started.wait_until_healthy() {
                Ok(()) => return Ok(started),
                Err(_) if tries < TRIES && started.process.ended().is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn spawn(
        workspace: &Workspace,
        tools: &PythonTools,
        directory: &OwnDirectory,
        lambda: Option<&str>,
        settings: &[(String, String)],
    ) -> Result<Self> {
        let state = directory.path().join("ministack");
        fs::create_dir_all(&state).with_context(|| format!("cannot make `{}`", state.display()))?;
        let port = free_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let log = directory.path().join("ministack.log");

        let mut command = workspace.command(tools.program("python"));
        command.arg(
            workspace
                .root
                .join("crates/xtask/tools/ministack_until_stdin_closes.py"),
        );
        // What it does not hand on to the functions cannot make a difference between machines.
        command.env_clear();
        if let Some(path) = env::var_os("PATH") {
            command.env("PATH", path);
        }
        for directory in ["HOME", "TMPDIR", "STATE_DIR", "S3_DATA_DIR"] {
            command.env(directory, &state);
        }
        command
            .env("LC_ALL", "C.UTF-8")
            .env("PYTHONUNBUFFERED", "1")
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("MINISTACK_REGION", REGION)
            .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
            // Listeners that nobody here uses, and on fixed ports.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            // It looks for a container engine and removes containers that it takes for its own.
            .env("DOCKER_HOST", "unix:///nonexistent")
            .env("AWS_ENDPOINT_URL", &endpoint)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_DEFAULT_REGION", REGION)
            .envs(settings.iter().map(|(name, value)| (name, value)));
        if let Some(lambda) = lambda {
            command.env("AWS_ENDPOINT_URL_LAMBDA", lambda);
        }
        let process = Group::server(&mut command, &log)?;
        Ok(Self {
            aws: Aws::new(endpoint),
            log,
            process,
        })
    }

    fn wait_until_healthy(&mut self) -> Result<()> {
        const PATIENCE: Duration = Duration::from_mins(1);
        let agent = http::agent(Duration::from_secs(2));
        let url = format!("{}/_ministack/health", self.aws.endpoint());
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.process.ended() {
                bail!(
                    "MiniStack ended at once ({status}):\n{}",
                    processes::tail(&self.log)
                );
            }
            if http::send(&agent, "GET", &url, &[], None).is_ok_and(|answer| answer.is_success()) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        processes::stay_if_interrupted();
        bail!(
            "MiniStack did not answer for {} s:\n{}",
            PATIENCE.as_secs(),
            processes::tail(&self.log)
        )
    }
}

fn free_port() -> Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .context("no port is free on the loopback interface")
}
