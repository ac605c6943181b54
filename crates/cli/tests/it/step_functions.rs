//! Somebody who plays Step Functions, for what the real one does rarely.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

use crate::tool::{Ended, command};

pub const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:power-tuner-tuner";

/// What comes back for a request.
pub enum Answer {
    Is(Value),
    /// With a code and a message of AWS's.
    Refused(&'static str),
    /// 500, which comes and goes.
    Broken,
    /// The connection ends instead.
    Lost,
}

/// Each request so far, with the name of its operation.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;
/// What the requests were signed with.
type Signed = Arc<Mutex<Vec<String>>>;

pub struct StepFunctions {
    url: String,
    asked: Asked,
    signed: Signed,
}

impl StepFunctions {
    /// `play` answers an operation, given how often it was asked for before. What it has no answer for is answered as by an
    /// ordinary tuning that succeeds.
    pub fn playing(play: impl Fn(&str, &Value, usize) -> Option<Answer> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Asked::default();
        let signed = Signed::default();
        let heard = Arc::clone(&asked);
        let seen = Arc::clone(&signed);
        // It ends with the test's process.
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let _ = serve(&connection, |operation, body, signature| {
                    seen.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(signature.to_owned());
                    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    let before = heard.iter().filter(|(name, _)| name == operation).count();
                    heard.push((operation.to_owned(), body.clone()));
                    drop(heard);
                    play(operation, body, before)
                        .unwrap_or_else(|| Answer::Is(usual(operation, body)))
                });
            }
        });
        Self {
            url: format!("http://{address}"),
            asked,
            signed,
        }
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = command(line);
        command
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
        command
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn run(&self, line: &str) -> Ended {
        self.command(line).output().expect("it starts").into()
    }

    pub fn signatures(&self) -> Vec<String> {
        let signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        signed.clone()
    }

    /// What was asked of an operation.
    pub fn asked(&self, operation: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let of = asked.iter().filter(|(name, _)| name == operation);
        of.map(|(_, body)| body.clone()).collect()
    }
}

fn serve(
    connection: &TcpStream,
    answer: impl FnOnce(&str, &Value, &str) -> Answer,
) -> io::Result<()> {
    let mut reader = BufReader::new(connection);
    let (mut operation, mut signature, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end();
        let Some((name, value)) = line.split_once(": ") else {
            if line.is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => value
                .rsplit('.')
                .next()
                .unwrap_or_default()
                .clone_into(&mut operation),
            "authorization" => value.clone_into(&mut signature),
            "content-length" => length = value.parse().unwrap_or_default(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let (status, text) = match answer(&operation, &body, &signature) {
        Answer::Is(value) => ("200 OK", value.to_string()),
        Answer::Refused(code) => (
            "400 Bad Request",
            json!({"__type": code, "message": "AWS's words"}).to_string(),
        ),
        Answer::Broken => ("500 Internal Server Error", "{}".to_owned()),
        Answer::Lost => return Ok(()),
    };
    let mut connection = connection;
    write!(
        connection,
        "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}

/// An execution of that name.
pub fn execution(name: &str) -> String {
    format!(
        "{}:{name}",
        MACHINE.replace(":stateMachine:", ":execution:")
    )
}

pub fn described(arn: &Value, status: &str, more: &Value) -> Value {
    let mut described = json!({
        "executionArn": arn, "stateMachineArn": MACHINE, "status": status, "startDate": 1.7e9, "stopDate": 1.7e9,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        described[key] = value.clone();
    }
    described
}

/// Of a tuning that succeeds, and of a clean-up that finds nothing.
fn usual(operation: &str, body: &Value) -> Value {
    let is_clean_up = body["executionArn"]
        .as_str()
        .is_some_and(|arn| arn.contains(":clean-"));
    match operation {
        "ListStateMachines" => json!({"stateMachines": [
            {"stateMachineArn": MACHINE, "name": "power-tuner-tuner", "type": "STANDARD", "creationDate": 1.7e9},
        ]}),
        "StartExecution" => {
            let name = body["name"].as_str().unwrap_or_default();
            json!({"executionArn": execution(name), "startDate": 1.7e9})
        }
        "StopExecution" => json!({"stopDate": 1.7e9}),
        "DescribeExecution" if is_clean_up => {
            let clean = json!({"clean": {"function": "arn:f", "deleted": [{"memory": 128, "number": "7"}], "adopted": []}});
            described(
                &body["executionArn"],
                "SUCCEEDED",
                &json!({"output": clean.to_string()}),
            )
        }
        "DescribeExecution" => {
            let output = crate::tool::outcome().to_string();
            described(
                &body["executionArn"],
                "SUCCEEDED",
                &json!({"output": output}),
            )
        }
        "GetExecutionHistory" => json!({"events": []}),
        _ => json!({}),
    }
}
