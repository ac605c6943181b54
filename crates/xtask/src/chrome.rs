//! A headless Chromium, told what to do over the protocol of its developer tools.

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::packages::Missing;
use crate::processes::{self, Group, Words};
use crate::progress::step;

/// As Linux distributions and Google name it.
const NAMES: [&str; 6] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
    "chrome-headless-shell",
];
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(50);

/// The browser's program: that of the variable `CHROME`, or one on the path.
pub(crate) fn find() -> Result<Result<PathBuf, Missing>> {
    if let Some(named) = env::var_os("CHROME").filter(|named| !named.is_empty()) {
        let program = PathBuf::from(named);
        ensure!(
            program.is_file(),
            "`CHROME` names `{}`, which is no file",
            program.display()
        );
        return Ok(Ok(program));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = env::split_paths(&path).collect();
    let programs = NAMES.iter().flat_map(|name| {
        directories
            .iter()
            .map(move |directory| directory.join(name))
    });
    Ok(programs
        .into_iter()
        .find(|program| program.is_file())
        .ok_or_else(|| {
            Missing(
                "no Chromium was found; install one, name it in the variable `CHROME`, or let \
             `cargo xtask test --install-browser` install Debian's"
                    .to_owned(),
            )
        }))
}

/// Installs Debian's Chromium, unless there is a browser, or says why this machine cannot have it.
pub(crate) fn install(directory: &Path) -> Result<Result<(), Missing>> {
    if find()?.is_ok() {
        return Ok(Ok(()));
    }
    Ok(with_apt_get(directory).map_err(|error| Missing(format!("{error:#}"))))
}

fn with_apt_get(directory: &Path) -> Result<()> {
    step("installing Chromium with apt-get", || {
        let log = directory.join("apt-get.log");
        for arguments in [
            &["update"][..],
            &[
                "install",
                "--yes",
                "--no-install-recommends",
                "chromium",
                "fonts-dejavu-core",
            ],
        ] {
            let mut command = if rustix::process::geteuid().is_root() {
                Command::new("apt-get")
            } else {
                let mut sudo = Command::new("sudo");
                sudo.args(["--non-interactive", "apt-get"]);
                sudo
            };
            command
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive");
            processes::run(&mut command, &Words::ToLog(&log))
                .context("cannot install Chromium; `--install-browser` needs Debian or Ubuntu, and root or `sudo`")?;
        }
        Ok(())
    })
}

/// One tab of a browser of our own.
pub(crate) struct Tab {
    socket: WebSocket<TcpStream>,
    session: Value,
    last: u64,
    /// What happened and was not looked at.
    events: VecDeque<Value>,
    /// Ended with us.
    _browser: Group,
}

impl Tab {
    pub fn open(program: &Path, directory: &Path) -> Result<Self> {
        let profile = directory.join("profile");
        let log = directory.join("chromium.log");
        let mut command = Command::new(program);
        command.args([
            "--headless",
            // It opens files of ours alone, and has to run as root and in containers.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-extensions",
            "--disable-background-networking",
            "--hide-scrollbars",
            "--remote-debugging-port=0",
        ]);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.arg("about:blank");
        let mut browser = Group::server(&mut command, &log)?;
        let address = address(&profile, &mut browser)
            .with_context(|| format!("Chromium did not start:\n{}", processes::tail(&log)))?;
        let (port, path) = address;
        let stream = TcpStream::connect(("127.0.0.1", port)).context("cannot reach Chromium")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (socket, _) = tungstenite::client(format!("ws://127.0.0.1:{port}{path}"), stream)
            .context("Chromium does not talk the DevTools protocol")?;
        let mut tab = Self {
            socket,
            session: Value::Null,
            last: 0,
            events: VecDeque::new(),
            _browser: browser,
        };
        let target = tab.call("Target.createTarget", &json!({"url": "about:blank"}))?;
        let attached = tab.call(
            "Target.attachToTarget",
            &json!({"targetId": target["targetId"], "flatten": true}),
        )?;
        tab.session = attached["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            tab.call(&format!("{domain}.enable"), &json!({}))?;
        }
        Ok(tab)
    }

    /// Calls a method of the protocol and gives its result.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": parameters});
        if self.session.is_string() {
            message["sessionId"] = self.session.clone();
        }
        self.socket
            .send(Message::text(message.to_string()))
            .with_context(|| format!("cannot ask Chromium for {method}"))?;
        loop {
            let answer = self
                .read()
                .with_context(|| format!("no answer to {method}"))?;
            if answer["id"] != self.last {
                self.events.push_back(answer);
            } else if answer["error"].is_null() {
                return Ok(answer["result"].clone());
            } else {
                bail!("{method}: {}", answer["error"]);
            }
        }
    }

    fn read(&mut self) -> Result<Value> {
        loop {
            let message = self.socket.read()?;
            if let Message::Text(text) = message {
                return Ok(serde_json::from_str(text.as_str())?);
            }
        }
    }

    /// Opens a page, and gives what happened until it stood.
    pub fn go(&mut self, url: &str) -> Result<Vec<Value>> {
        self.events.clear();
        let result = self.call("Page.navigate", &json!({"url": url}))?;
        ensure!(
            result["errorText"].is_null(),
            "{url}: {}",
            result["errorText"]
        );
        while !self
            .events
            .iter()
            .any(|event| event["method"] == "Page.loadEventFired")
        {
            let event = self
                .read()
                .with_context(|| format!("{url} does not end loading"))?;
            self.events.push_back(event);
        }
        // A request that a page makes late is seen by the next call at the latest.
        self.evaluate("new Promise(done => setTimeout(done, 50))")?;
        Ok(self.events.drain(..).collect())
    }

    /// What an expression, or its promise, comes to.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let result = self.call(
            "Runtime.evaluate",
            &json!({"expression": expression, "returnByValue": true, "awaitPromise": true}),
        )?;
        ensure!(
            result["exceptionDetails"].is_null(),
            "{expression}: {}",
            result["exceptionDetails"]
        );
        Ok(result["result"]["value"].clone())
    }
}

/// The port and the path, which Chromium writes down once it listens.
fn address(profile: &Path, browser: &mut Group) -> Result<(u16, String)> {
    let start = Instant::now();
    loop {
        processes::stay_if_interrupted();
        let text = fs::read_to_string(profile.join("DevToolsActivePort")).unwrap_or_default();
        if let Some((port, path)) = text.split_once('\n')
            && let Ok(port) = port.parse()
        {
            return Ok((port, path.trim().to_owned()));
        }
        if let Some(status) = browser.ended() {
            bail!("it ended ({status})");
        }
        ensure!(
            start.elapsed() < PATIENCE,
            "it does not listen after {PATIENCE:?}"
        );
        thread::sleep(POLL);
    }
}
