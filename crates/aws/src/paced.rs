//! A bound on how often Lambda's control plane is asked: all of an account share 15 requests a second, and other
//! people's deployments are among them.

use std::env;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_lambda::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use tokio::time::{Instant, sleep_until};

/// How many requests a second this function may send; the template sets it.
pub const RATE: &str = "CONTROL_PLANE_RATE";
/// Where nobody sets it: half of what the account has.
const USUAL_RATE: f64 = 7.0;

/// What the environment says of the rate.
pub(crate) fn rate() -> f64 {
    let Ok(text) = env::var(RATE) else {
        return USUAL_RATE;
    };
    let rate = text.parse().ok().filter(|rate| *rate >= 1.0);
    rate.unwrap_or_else(|| {
        tracing::warn!(
            rate = text,
            "{RATE} is not a number from 1 on; {USUAL_RATE} is used"
        );
        USUAL_RATE
    })
}

/// Sends each request, retries included, no sooner than so long after the one before it.
#[derive(Clone, Debug)]
pub(crate) struct Paced {
    http: SharedHttpClient,
    turns: Arc<Turns>,
}

#[derive(Debug)]
struct Turns {
    between: Duration,
    next: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    turns: Arc<Turns>,
}

impl Paced {
    pub fn new(http: SharedHttpClient, per_s: f64) -> Self {
        Self {
            http,
            turns: Arc::new(Turns {
                between: Duration::from_secs_f64(1.0 / per_s),
                next: Mutex::default(),
            }),
        }
    }
}

impl Turns {
    /// When the next request may go.
    fn take(&self) -> Instant {
        let now = Instant::now();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.between);
        turn
    }
}

impl HttpClient for Paced {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            inner: self.http.http_connector(settings, components),
            turns: Arc::clone(&self.turns),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.http.connector_metadata()
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, turn) = (self.inner.clone(), self.turns.take());
        HttpConnectorFuture::new(async move {
            sleep_until(turn).await;
            inner.call(request).await
        })
    }
}
