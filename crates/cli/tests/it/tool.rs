//! The built tool, apart from the person's AWS settings, and what it needs to show something.

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Ended {
    #[track_caller]
    pub fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}

/// With arguments between blanks.
pub fn command(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_power-tuner"));
    command.env_clear().args(line.split_whitespace());
    if let Some(path) = env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null());
    command
}

pub fn run(line: &str) -> Ended {
    command(line).output().expect("it starts").into()
}

/// With something to read.
pub fn run_with(line: &str, input: &str) -> Ended {
    let mut command = command(line);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("an input");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends").into()
}

/// Files of a test.
pub struct Files(TempDir);

impl Files {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("it can be written");
        path
    }

    /// Writes a document, and gives the file's name for a command line.
    pub fn json(&self, name: &str, value: &Value) -> String {
        named(&self.write(name, &value.to_string()))
    }
}

pub fn named(path: &Path) -> String {
    path.to_str().expect("a plain path").to_owned()
}

pub fn size(memory: u32, ms: f64, cost: f64) -> Value {
    json!({
        "memory": memory, "status": "measured", "averageDurationMs": ms, "averageCost": cost, "samples": 50, "calls": 50,
        "errors": 0, "coldStarts": 1, "throttles": 0, "unmatched": 0, "slowInits": 0, "withoutReport": 0, "withoutAnswer": 0,
        "cutOff": 0, "maxMemoryUsedMB": 60,
    })
}

/// 512 MB are the cheapest, 20 % below the 1,024 MB that the function has.
pub fn outcome() -> Value {
    json!({
        "schemaVersion": 1, "power": 512, "cost": 1e-6, "duration": 100.0, "currency": "USD", "strategy": "cost",
        "search": "grid", "stateMachine": {"executionCost": 0.001, "lambdaCost": 0.002}, "rounds": 1,
        "reason": "512 MB is the cheapest of 3 measured sizes", "region": "us-east-1", "architecture": "arm64",
        "function": "arn:aws:lambda:us-east-1:123456789012:function:my-function", "currentMemory": 1024,
        "sizes": [size(128, 900.0, 1.9e-6), size(512, 100.0, 1e-6), size(1024, 60.0, 1.25e-6)],
        "improvement": {"over": 1024, "percent": 20.0, "atLeastPercent": 15.0},
    })
}
