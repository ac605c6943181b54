//! How this process talks to AWS.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_lambda::config::retry::RetryPartition;
use aws_sdk_lambda::config::{Credentials, SharedHttpClient};

use crate::wire::{self, Wire};

/// A control plane answers within a second or two; the SDK would wait for ever.
const LONGEST_ANSWER: Duration = Duration::from_secs(15);
/// Everybody in the account shares 15 requests a second, so being throttled is nothing unusual.
const ATTEMPTS: u32 = 6;

/// Region, credentials and endpoints come from the environment that Lambda gives to a function.
pub(crate) async fn from_env() -> SdkConfig {
    let https = power_tuner_https::https().expect("Lambda's own image has certificates");
    loader(https).load().await
}

/// A service on this machine that asks for no real credentials.
pub(crate) async fn local(endpoint: &str) -> SdkConfig {
    at(power_tuner_https::http(), endpoint).await
}

/// Somebody in this process who plays AWS.
pub(crate) async fn through(wire: Arc<dyn Wire>) -> SdkConfig {
    // An address, so that S3's bucket is in the path.
    at(wire::through(wire), "http://127.0.0.1").await
}

/// All clients of a process share what the SDK allows for retries; with this, one has its own, as if it were alone.
pub(crate) fn own_retries() -> RetryPartition {
    RetryPartition::custom("own").build()
}

async fn at(http: SharedHttpClient, endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("local-key", "local-secret", None, None, "local");
    loader(http)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(credentials)
        .endpoint_url(endpoint)
        .load()
        .await
}

/// For a call whose attempts, all together, may take no longer than `longest`.
pub(crate) fn within(longest: Duration) -> aws_sdk_lambda::config::Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(LONGEST_ANSWER.min(longest))
        .operation_timeout(longest)
        .build();
    aws_sdk_lambda::Config::builder().timeout_config(timeouts)
}

fn loader(http: SharedHttpClient) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(LONGEST_ANSWER)
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts)
}
