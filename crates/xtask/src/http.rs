//! JSON over HTTP on this machine's loopback.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request};

/// What came back, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| Value::String(self.text.clone()))
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

pub(crate) fn agent(timeout: Duration) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(timeout))
        // A proxy of the person's leads elsewhere.
        .proxy(None)
        .build()
        .into()
}

pub(crate) fn send(
    agent: &Agent,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<Vec<u8>>,
) -> Result<Answer> {
    const LIMIT: u64 = 64 << 20;
    let shown = || format!("{method} {url} failed");
    let method = Method::from_bytes(method.as_bytes()).with_context(shown)?;
    let mut request = Request::builder().method(&method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = match body {
        Some(body) => agent.run(request.body(body).with_context(shown)?),
        None => agent.run(request.body(()).with_context(shown)?),
    };
    let mut response = response.with_context(shown)?;
    let text = response
        .body_mut()
        .with_config()
        .limit(LIMIT)
        .lossy_utf8(true)
        .read_to_string();
    Ok(Answer {
        status: response.status().as_u16(),
        text: text.with_context(shown)?,
    })
}
