//! Calls that are signed with a role's credentials, and the log of them. A test alone in its process: the log of all of it is
//! kept.

use std::future::ready;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use power_tuner_aws::{Answered, LambdaApi, Wire};
use power_tuner_core::role::RoleArn;
use tracing_subscriber::filter::LevelFilter;

const CREDENTIALS: &str = "<AccessKeyId>the-key</AccessKeyId><SecretAccessKey>the-secret</SecretAccessKey>\
                           <SessionToken>the-token</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>";

/// STS, and a Lambda that has no function.
#[derive(Debug, Default)]
struct Account {
    /// The keys that Lambda's calls were signed with.
    keys: Mutex<Vec<String>>,
}

impl Wire for Account {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answered {
        let signature = request.headers()["authorization"].to_str().expect("text");
        let (status, body) = if signature.contains("/sts/") {
            let result = format!(
                "<AssumeRoleResult><Credentials>{CREDENTIALS}</Credentials></AssumeRoleResult>"
            );
            (
                200,
                format!("<AssumeRoleResponse>{result}</AssumeRoleResponse>"),
            )
        } else {
            let (_, key) = signature.split_once("Credential=").expect("a key");
            let key = key.split('/').next().unwrap_or_default();
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            keys.push(key.to_owned());
            (404, "{}".to_owned())
        };
        let answer = http::Response::builder()
            .status(status)
            .header("x-amzn-ErrorType", "ResourceNotFoundException")
            .body(body.into_bytes());
        Box::pin(ready(answer.map_err(io::Error::other)))
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn credentials_are_not_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .json()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let account = Arc::new(Account::default());
    let role = RoleArn::parse("arn:aws:iam::222222222222:role/tuned").expect("a role");
    let api = LambdaApi::through(Arc::<Account>::clone(&account));
    let target = api.of_target(
        Some(&role),
        "arn:aws:states:us-east-1:123456789012:execution:m:one",
    );
    target.configuration("f").await.expect_err("there is none");
    api.configuration("f").await.expect_err("there is none");
    let keys = account
        .keys
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    assert_eq!(keys, ["the-key", "local-key"]);
    let bytes = log.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let text = String::from_utf8(bytes).expect("text");
    for part in ["assumed the target's role", "TRACE", "aws_smithy_runtime"] {
        assert!(text.contains(part), "`{part}` is not in the log: {text}");
    }
    for part in ["the-secret", "the-token"] {
        let line = text.lines().find(|line| line.contains(part));
        assert_eq!(line, None, "`{part}` is in the log");
    }
}
