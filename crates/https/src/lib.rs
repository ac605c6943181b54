//! The connections to AWS, for the functions and for the command line tool.
//!
//! The SDK's own client cannot turn TCP keep-alive on. Without it a NAT gateway or an interface endpoint forgets a
//! connection that is silent for 350 s, and the answer of a call that takes longer never comes.

use std::time::Duration;
use std::{fmt, io};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connect, HttpConnector as Tcp};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// So long may a connection be silent before the first probe, and between two of them.
const KEEP_ALIVE: Duration = Duration::from_secs(45);
/// So many probes without an answer, and the connection is dead.
const PROBES: u32 = 4;
/// So long may what was sent stay without an acknowledgement, which no probe looks after.
#[cfg(target_os = "linux")]
const LONGEST_UNHEARD: Duration = Duration::from_mins(3);
const LONGEST_CONNECT: Duration = Duration::from_millis(3_100);
/// An environment that Lambda froze wakes up with connections that are long gone.
const LONGEST_IDLE: Duration = Duration::from_secs(20);

/// For AWS.
///
/// # Errors
///
/// This machine has no certificates to know AWS by.
pub fn https() -> io::Result<SharedHttpConnector> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp());
    Ok(over::<HttpsConnector<Tcp>>(connector))
}

/// For a service on this machine.
#[must_use]
pub fn http() -> SharedHttpConnector {
    over(tcp())
}

/// For the SDK: clients that are made with the same connector share its connections.
#[must_use]
pub fn client(connector: SharedHttpConnector) -> SharedHttpClient {
    http_client_fn(move |_, _| connector.clone())
}

fn tcp() -> Tcp {
    let mut tcp = Tcp::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(LONGEST_CONNECT));
    tcp.set_keepalive(Some(KEEP_ALIVE));
    tcp.set_keepalive_interval(Some(KEEP_ALIVE));
    tcp.set_keepalive_retries(Some(PROBES));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(LONGEST_UNHEARD));
    tcp
}

fn over<C>(connector: C) -> SharedHttpConnector
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(LONGEST_IDLE)
        .build(connector);
    SharedHttpConnector::new(Http { client })
}

struct Http<C> {
    client: Client<C, SdkBody>,
}

impl<C> fmt::Debug for Http<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl<C> HttpConnector for Http<C>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let sent = self.client.request(request);
        HttpConnectorFuture::new(async move {
            let response = sent.await.map_err(broken)?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Whatever breaks on the way to AWS and back may go well the next time.
fn broken(error: Error) -> ConnectorError {
    ConnectorError::io(error.into())
}
