//! The role that the target is called under, where the input names one: its credentials, which leave this file only into
//! the signature of a call.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, future};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_lambda::config::{
    ConfigBag, Credentials, IdentityCache, Intercept, ProvideCredentials, RuntimeComponents,
};
use aws_sdk_lambda::error::{BoxError, ProvideErrorMetadata};
use aws_types::SdkConfig;
use power_tuner_core::TuneError;
use power_tuner_core::role::RoleArn;
use tokio::sync::Mutex;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::client;
use crate::failure::{Asked, is_denial};

/// Credentials of a role that is assumed with those of another one end after an hour at the most. So long before, there
/// are new ones.
const BEFORE_THEY_END: Duration = Duration::from_mins(5);
/// Two sides have to allow it, and AWS does not say which one does not.
const REMEDY: &str = "deploy the stack with a parameter TargetRoles that has the role, and let the role's trust policy \
                      name the stack's roles";

/// A role, assumed when it is needed for the first time and again before its credentials end.
pub(crate) struct Assumed {
    role: RoleArn,
    session: String,
    sts: aws_sdk_sts::Client,
    credentials: Mutex<Option<Credentials>>,
    /// AWS refused a call: perhaps because the role was made anew, or its sessions were revoked.
    refused: AtomicBool,
}

impl Assumed {
    pub fn new(shared: &SdkConfig, role: RoleArn, session: String) -> Self {
        let config = aws_sdk_sts::config::Builder::from(shared);
        Self {
            role,
            session,
            sts: aws_sdk_sts::Client::from_conf(
                config.retry_partition(client::own_retries()).build(),
            ),
            credentials: Mutex::default(),
            refused: AtomicBool::new(false),
        }
    }

    pub fn is(&self, role: &RoleArn, session: &str) -> bool {
        self.role == *role && self.session == session
    }

    pub fn role(&self) -> &RoleArn {
        &self.role
    }

    /// The client, with this role's credentials instead of its own.
    pub fn sign(self: &Arc<Self>, client: &Client) -> Client {
        let config = client.config().to_builder();
        let config = config
            .credentials_provider(Signer(Arc::clone(self)))
            // They are kept here, where they can be given up.
            .identity_cache(IdentityCache::no_cache())
            .interceptor(Signer(Arc::clone(self)));
        Client::from_conf(config.build())
    }

    /// Those that calls are signed with.
    pub async fn credentials(&self) -> Result<Credentials, TuneError> {
        let mut kept = self.credentials.lock().await;
        if self.refused.swap(false, Ordering::Relaxed) {
            *kept = None;
        }
        if let Some(good) = kept.as_ref().filter(|kept| lasts(kept)) {
            return Ok(good.clone());
        }
        let fresh = self.assume().await?;
        *kept = Some(fresh.clone());
        Ok(fresh)
    }

    /// AWS did not take the credentials, or not for what was asked: there are new ones for the next call.
    pub fn was_refused(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    async fn assume(&self) -> Result<Credentials, TuneError> {
        let asked = Asked::of("sts:AssumeRole", &self.role);
        let sent = self
            .sts
            .assume_role()
            .role_arn(self.role.to_string())
            .role_session_name(&self.session)
            .send()
            // At its finest level the SDK logs answers as they come, and this one is the credentials.
            .with_subscriber(NoSubscriber::default())
            .await;
        let output = sent.map_err(|error| match error.code() {
            Some(code) if is_denial(code) => {
                asked.denied(REMEDY, error.message().unwrap_or_default())
            }
            _ => asked.failed(&error),
        })?;
        let given = output.credentials.ok_or_else(|| TuneError::PublishFailed {
            function: self.role.to_string(),
            detail: "STS gave no credentials for it".to_owned(),
        })?;
        tracing::info!(role = %self.role, session = self.session, "assumed the target's role");
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            SystemTime::try_from(given.expiration).ok(),
            "the target's role",
        ))
    }
}

impl fmt::Debug for Assumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assumed({})", self.role)
    }
}

fn lasts(credentials: &Credentials) -> bool {
    let soon = SystemTime::now() + BEFORE_THEY_END;
    credentials.expiry().is_none_or(|end| end > soon)
}

/// Signs calls with the role's credentials, and looks whether AWS takes them.
#[derive(Clone, Debug)]
struct Signer(Arc<Assumed>);

impl ProvideCredentials for Signer {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials: provider::Result = self
                .0
                .credentials()
                .await
                .map_err(CredentialsError::provider_error);
            credentials
        })
    }
}

impl Intercept for Signer {
    fn name(&self) -> &'static str {
        "Signer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().status().as_u16() == 403 {
            self.0.was_refused();
        }
        Ok(())
    }
}
