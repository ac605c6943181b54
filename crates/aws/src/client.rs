//! How this process talks to AWS.

use std::env;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_lambda::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_types::SdkConfig;
use aws_types::sdk_config::Builder;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::wire::{self, Wire};

/// What clients are made of.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub config: SdkConfig,
    /// The same connections as in the configuration, for requests that are signed here.
    pub connector: SharedHttpConnector,
}

/// A control plane answers within a second or two; the SDK would wait for ever.
pub(crate) const LONGEST_ANSWER: Duration = Duration::from_secs(15);
/// Everybody in the account shares 15 requests a second, so being throttled is nothing unusual.
pub(crate) const ATTEMPTS: u32 = 6;

/// Region, credentials and endpoints come from the environment that Lambda gives to a function. All clients share the
/// connections.
pub(crate) fn from_env() -> Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        let connector = power_tuner_https::https().expect("Lambda's own image has certificates");
        let is_on = |name| env::var(name).is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        let mut config = builder(&connector)
            .region(env::var("AWS_REGION").ok().map(Region::new))
            .credentials_provider(SharedCredentialsProvider::new(FromEnv))
            .use_fips(is_on("AWS_USE_FIPS_ENDPOINT"))
            .use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"))
            .service_config(FromEnv);
        config.set_endpoint_url(env::var("AWS_ENDPOINT_URL").ok());
        Shared {
            config: config.build(),
            connector,
        }
    });
    shared.clone()
}

/// A service on this machine that asks for no real credentials.
pub(crate) fn local(endpoint: &str) -> Shared {
    at(power_tuner_https::http(), endpoint)
}

/// Somebody in this process who plays AWS.
pub(crate) fn through(wire: Arc<dyn Wire>) -> Shared {
    // An address, so that S3's bucket is in the path.
    at(wire::through(wire), "http://127.0.0.1")
}

/// All clients of a process share what the SDK allows for retries; with this, one has its own, as if it were alone.
pub(crate) fn own_retries() -> RetryPartition {
    RetryPartition::custom("own").build()
}

fn at(connector: SharedHttpConnector, endpoint: &str) -> Shared {
    let credentials = Credentials::new("local-key", "local-secret", None, None, "local");
    let config = builder(&connector)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint);
    Shared {
        config: config.build(),
        connector,
    }
}

/// For a call whose attempts, all together, may take no longer than `longest`.
pub(crate) fn within(longest: Duration) -> aws_sdk_lambda::config::Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(LONGEST_ANSWER.min(longest))
        .operation_timeout(longest)
        .build();
    aws_sdk_lambda::Config::builder().timeout_config(timeouts)
}

fn builder(connector: &SharedHttpConnector) -> Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(LONGEST_ANSWER)
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(power_tuner_https::client(connector.clone()))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts)
}

/// What Lambda puts into a function's environment. The SDK's own way of asking for it also knows files, containers, hosts
/// and single sign-on, all of which would be in a function's package.
#[derive(Debug)]
struct FromEnv;

impl ProvideCredentials for FromEnv {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(credentials())
    }
}

fn credentials() -> provider::Result {
    let said = |name| {
        env::var(name)
            .ok()
            .filter(|value| !value.is_empty())
            .ok_or_else(|| CredentialsError::not_loaded(format!("{name} is not set")))
    };
    Ok(Credentials::new(
        said("AWS_ACCESS_KEY_ID")?,
        said("AWS_SECRET_ACCESS_KEY")?,
        said("AWS_SESSION_TOKEN").ok(),
        None,
        "the function's environment",
    ))
}

impl LoadServiceConfig for FromEnv {
    /// `AWS_ENDPOINT_URL_LAMBDA` and the like.
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        env::var(format!("{}_{service}", key.env())).ok()
    }
}
