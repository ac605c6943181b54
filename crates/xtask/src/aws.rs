//! Calls to local AWS, unsigned: the credential in the `Authorization` header only names the region and the service.

use std::fmt::{self, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use ureq::Agent;

use crate::http::{self, Answer};

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ACCOUNT: &str = "123456789012";

/// An AWS service's own no.
#[derive(Debug)]
pub struct ApiError {
    /// `DescribeExecution`, `GET /2015-03-31/functions/f`.
    pub call: String,
    pub status: u16,
    /// `ExecutionDoesNotExist`; empty if the answer does not say.
    pub kind: String,
    pub message: String,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} failed with {} {}: {}",
            self.call, self.status, self.kind, self.message
        )
    }
}

impl std::error::Error for ApiError {}

/// How far an execution is, or how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// `RUNNING`, `SUCCEEDED`, `FAILED`, `ABORTED`.
    pub status: String,
    pub output: Option<Value>,
    pub error: Option<String>,
    pub cause: Option<String>,
}

impl Execution {
    /// Whether it is still going on.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status == "RUNNING"
    }
}

/// A client of local AWS at one endpoint, in one region, as the account's owner.
#[derive(Debug)]
pub struct Aws {
    agent: Agent,
    endpoint: String,
    region: String,
    /// Local AWS takes an account's number for the key of its owner.
    key: String,
}

impl Aws {
    pub(crate) fn new(endpoint: String) -> Self {
        Self {
            agent: http::agent(Duration::from_mins(1)),
            endpoint,
            region: REGION.to_owned(),
            key: "test".to_owned(),
        }
    }

    /// The same AWS, in another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self {
            agent: self.agent.clone(),
            endpoint: self.endpoint.clone(),
            region: region.to_owned(),
            key: self.key.clone(),
        }
    }

    /// The same AWS, as the owner of another account.
    #[must_use]
    pub fn of_account(&self, account: &str) -> Self {
        Self {
            key: account.to_owned(),
            ..self.in_region(&self.region)
        }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Calls a service with a JSON protocol: `("states", "AWSStepFunctions.ListStateMachines", {})`,
    /// `("events", "AWSEvents.ListRules", {})`, `("logs", "Logs_20140328.DescribeLogGroups", {})`.
    ///
    /// # Errors
    /// An [`ApiError`] if the service says no.
    pub fn call(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let version = if service == "states" { "1.0" } else { "1.1" };
        let headers = [
            ("x-amz-target", target.to_owned()),
            ("content-type", format!("application/x-amz-json-{version}")),
        ];
        let answer = self.send(
            "POST",
            service,
            "/",
            &headers,
            Some(body.to_string().into_bytes()),
        )?;
        let call = target.rsplit('.').next().unwrap_or(target);
        Ok(accepted(call, answer)?.json())
    }

    /// Calls a service with a query protocol and gives its XML: `("iam", "ListRoles", "2010-05-08", [])`.
    ///
    /// # Errors
    /// An [`ApiError`] if the service says no.
    pub fn query(
        &self,
        service: &str,
        action: &str,
        version: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String> {
        let mut form = format!("Action={action}&Version={version}");
        for (name, value) in parameters {
            let _ = write!(
                form,
                "&{}={}",
                percent_encoded(name),
                percent_encoded(value)
            );
        }
        let headers = [(
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        )];
        let answer = self.send("POST", service, "/", &headers, Some(form.into_bytes()))?;
        Ok(accepted(action, answer)?.text)
    }

    /// Calls a service with a REST protocol: `("lambda", "GET", "/2015-03-31/functions/f", None)`.
    /// An answer that is not JSON is given as a string.
    ///
    /// # Errors
    /// An [`ApiError`] if the service says no.
    pub fn rest(
        &self,
        service: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        let headers = [("content-type", "application/json".to_owned())];
        let body = body.map(|body| body.to_string().into_bytes());
        let answer = self.send(method, service, path, &headers, body)?;
        Ok(accepted(&format!("{method} {path}"), answer)?.json())
    }

    /// Has a function called as event sources do: nobody waits for it, and where it fails it is called again.
    ///
    /// # Errors
    /// An [`ApiError`] if Lambda says no.
    pub fn send_event(&self, function: &str, event: &Value) -> Result<()> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("x-amz-invocation-type", "Event".to_owned()),
        ];
        let event = event.to_string().into_bytes();
        let answer = self.send("POST", "lambda", &path, &headers, Some(event))?;
        accepted(&format!("POST {path}"), answer).map(drop)
    }

    /// Makes a bucket in S3.
    ///
    /// # Errors
    /// An [`ApiError`] if S3 says no.
    pub fn create_bucket(&self, bucket: &str) -> Result<()> {
        let answer = self.send("PUT", "s3", &format!("/{bucket}"), &[], None)?;
        accepted("CreateBucket", answer).map(drop)
    }

    /// Puts an object into S3.
    ///
    /// # Errors
    /// An [`ApiError`] if S3 says no.
    pub fn put_object(&self, bucket: &str, key: &str, text: String) -> Result<()> {
        let path = format!("/{bucket}/{}", percent_encoded(key).replace("%2F", "/"));
        let answer = self.send("PUT", "s3", &path, &[], Some(text.into_bytes()))?;
        accepted("PutObject", answer).map(drop)
    }

    /// How far an execution is.
    ///
    /// # Errors
    /// An [`ApiError`] if Step Functions says no.
    pub fn describe_execution(&self, arn: &str) -> Result<Execution> {
        let answer = self.call(
            "states",
            "AWSStepFunctions.DescribeExecution",
            &json!({"executionArn": arn}),
        )?;
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let output = text("output")
            .map(|output| serde_json::from_str(&output).unwrap_or(Value::String(output)));
        Ok(Execution {
            status: text("status").context("DescribeExecution gave no status")?,
            output,
            error: text("error"),
            cause: text("cause"),
        })
    }

    /// Aborts an execution.
    ///
    /// # Errors
    /// An [`ApiError`] if Step Functions says no.
    pub fn stop_execution(&self, arn: &str) -> Result<()> {
        self.call(
            "states",
            "AWSStepFunctions.StopExecution",
            &json!({"executionArn": arn}),
        )
        .map(drop)
    }

    /// Waits until an execution has ended.
    ///
    /// # Errors
    /// An [`ApiError`] if Step Functions says no, and a message if it is still running after that time.
    pub fn wait_for_execution(&self, arn: &str, patience: Duration) -> Result<Execution> {
        let start = Instant::now();
        loop {
            let execution = self.describe_execution(arn)?;
            if !execution.is_running() {
                return Ok(execution);
            }
            ensure!(
                start.elapsed() < patience,
                "`{arn}` is still running after {} s",
                patience.as_secs()
            );
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Every event of an execution, oldest first.
    ///
    /// # Errors
    /// An [`ApiError`] if Step Functions says no.
    pub fn history(&self, arn: &str) -> Result<Vec<Value>> {
        let mut events = Vec::new();
        let mut request = json!({"executionArn": arn, "maxResults": 1000});
        loop {
            let mut answer =
                self.call("states", "AWSStepFunctions.GetExecutionHistory", &request)?;
            if let Value::Array(page) = answer["events"].take() {
                events.extend(page);
            }
            match answer["nextToken"].take() {
                Value::Null => return Ok(events),
                token => request["nextToken"] = token,
            }
        }
    }

    /// Gives each line that functions have logged, with the name of its log group.
    ///
    /// # Errors
    /// An [`ApiError`] if `CloudWatch` says no.
    pub fn logged(&self, mut each: impl FnMut(&Value, &str)) -> Result<()> {
        let groups = self.call("logs", "Logs_20140328.DescribeLogGroups", &json!({}))?;
        for group in groups["logGroups"].as_array().context("`logGroups`")? {
            let name = &group["logGroupName"];
            let query = json!({"logGroupName": name});
            let found = self.call("logs", "Logs_20140328.FilterLogEvents", &query)?;
            for event in found["events"].as_array().into_iter().flatten() {
                each(name, event["message"].as_str().unwrap_or_default());
            }
        }
        Ok(())
    }

    fn send(
        &self,
        method: &str,
        service: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer> {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={key}/20250101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=none",
            key = self.key,
            region = self.region,
        );
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
        http::send(
            &self.agent,
            method,
            &format!("{}{path}", self.endpoint),
            &all,
            body,
        )
    }
}

fn accepted(call: &str, answer: Answer) -> Result<Answer> {
    if answer.is_success() {
        return Ok(answer);
    }
    let body = answer.json();
    let text = |names: [&str; 3]| {
        names
            .iter()
            .find_map(|name| body[*name].as_str().map(str::to_owned))
    };
    let kind = text(["__type", "Type", "code"]).unwrap_or_default();
    Err(ApiError {
        call: call.to_owned(),
        status: answer.status,
        // Some services put a namespace before it.
        kind: kind.rsplit('#').next().unwrap_or_default().to_owned(),
        message: text(["message", "Message", "errorMessage"]).unwrap_or(answer.text),
    }
    .into())
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_keeps_the_services_name_and_words() {
        let answer = Answer {
            status: 400,
            text: r#"{"__type": "com.amazonaws.states#ExecutionDoesNotExist", "message": "no such execution"}"#.to_owned(),
        };
        let error = accepted("DescribeExecution", answer).expect_err("400 is a no");
        assert_eq!(
            error.to_string(),
            "DescribeExecution failed with 400 ExecutionDoesNotExist: no such execution"
        );
        let error: &ApiError = error.downcast_ref().expect("callers can look at it");
        assert_eq!(error.kind, "ExecutionDoesNotExist");
    }

    #[test]
    fn form_values_are_encoded() {
        assert_eq!(percent_encoded("arn:a/b c~"), "arn%3Aa%2Fb%20c~");
    }
}
