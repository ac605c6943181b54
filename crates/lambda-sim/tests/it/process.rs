//! The service as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::connect;

struct Process {
    child: Child,
    url: String,
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lambda-sim"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .expect("its address")
            .to_owned();
        Self { child, url }
    }

    fn ends_within(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if self.child.try_wait().expect("its state").is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_prints_its_address_and_serves_with_the_options_given() {
    let process = Process::start(&[
        "--time-scale",
        "0",
        "--region",
        "eu-west-1",
        "--account",
        "111122223333",
        "--control-plane-per-s",
        "1",
        "--latency",
        "GetFunctionConfiguration=1",
        "--update-ms",
        "1",
        "--publish-ms",
        "1",
    ]);
    let lambda = connect(&process.url);
    lambda.send("POST", "/_sim/functions", &json!({ "preset": "cpu-bound" }));
    let arn = lambda.configuration("cpu-bound")["FunctionArn"].clone();
    assert_eq!(
        arn,
        "arn:aws:lambda:eu-west-1:111122223333:function:cpu-bound"
    );
    let again = lambda.get("/2015-03-31/functions/cpu-bound/configuration");
    assert_eq!(again.status, 429);
}

#[test]
fn it_ends_when_its_standard_input_does_if_asked_to() {
    let mut process = Process::start(&["--until-stdin-closes"]);
    assert_eq!(connect(&process.url).get("/_sim/health").status, 200);
    drop(process.child.stdin.take());
    assert!(process.ends_within(Duration::from_secs(5)));
}

#[test]
fn it_goes_on_without_standard_input_otherwise() {
    let mut process = Process::start(&[]);
    drop(process.child.stdin.take());
    assert!(!process.ends_within(Duration::from_millis(200)));
    assert_eq!(connect(&process.url).get("/_sim/health").status, 200);
}

#[test]
fn it_ends_when_it_is_terminated_or_interrupted() {
    for signal in ["-TERM", "-INT"] {
        let mut process = Process::start(&[]);
        let sent = Command::new("kill")
            .args([signal, &process.child.id().to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
        assert!(process.ends_within(Duration::from_secs(5)), "{signal}");
    }
}
