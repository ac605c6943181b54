//! HTTP on loopback, with connections that can be broken on demand.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::operation::Reply;
use crate::service::{Answer, Service};
use crate::{admin, api};

/// More than any request may hold, so that the service can say itself what is too large.
pub(crate) const LARGEST_BODY_BYTES: usize = 80 << 20;

/// Serves until the future is dropped. `stopped` then ends the connections that are still open.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    stopped: Breaker,
) -> io::Result<()> {
    let router = Router::new()
        .nest("/_sim", admin::routes())
        .fallback(apis)
        .with_state(service)
        .into_make_service_with_connect_info::<Caller>();
    axum::serve(Breakable { listener, stopped }, router).await
}

async fn apis(
    State(service): State<Arc<Service>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    Query(query): Query<BTreeMap<String, String>>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST_BODY_BYTES).await.unwrap_or_default();
    let request = api::Request {
        caller: Some(caller.port),
        ..read(&parts, query, body.to_vec())
    };
    // In a task of its own: like on AWS, a call goes on when its caller hangs up.
    let answer = tokio::spawn(async move { service.answer(&request).await }).await;
    match answer {
        Ok(Answer::Reply(reply)) => write(reply),
        Ok(Answer::Dropped) | Err(_) => {
            caller.breaker.cut();
            Response::default()
        }
    }
}

/// Reads a request that came without a network.
pub(crate) fn received(request: http::Request<Vec<u8>>) -> api::Request {
    let (parts, body) = request.into_parts();
    let query = api::query(parts.uri.query().unwrap_or_default());
    read(&parts, query, body)
}

/// A request of one of the APIs.
pub(crate) fn read(parts: &Parts, query: BTreeMap<String, String>, body: Vec<u8>) -> api::Request {
    api::Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query,
        invocation_type: header(&parts.headers, "x-amz-invocation-type"),
        log_type: header(&parts.headers, "x-amz-log-type"),
        signed_for: header(&parts.headers, "authorization")
            .and_then(|authorization| signed_region(&authorization)),
        amz_target: header(&parts.headers, "x-amz-target"),
        caller: None,
        if_match: header(&parts.headers, "if-match"),
        if_none_match: header(&parts.headers, "if-none-match"),
        content_type: header(&parts.headers, "content-type"),
        checksum_sha256: header(&parts.headers, "x-amz-checksum-sha256"),
        range: header(&parts.headers, "range"),
        body,
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// `eu-west-1` of `AWS4-HMAC-SHA256 Credential=KEY/20260101/eu-west-1/lambda/aws4_request, …`.
fn signed_region(authorization: &str) -> Option<String> {
    let (_, scope) = authorization.split_once("Credential=")?;
    scope.split('/').nth(2).map(str::to_owned)
}

pub(crate) fn write(reply: Reply) -> Response {
    answered(reply).map(Body::from)
}

/// An answer of one of the APIs.
pub(crate) fn answered(reply: Reply) -> http::Response<Vec<u8>> {
    let mut response = http::Response::builder().status(reply.status);
    if !reply.headers.iter().any(|(name, _)| *name == CONTENT_TYPE) {
        response = response.header(CONTENT_TYPE, "application/json");
    }
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(reply.body).unwrap_or_default()
}

/// Breaks connections: nothing is read or written afterwards.
#[derive(Clone, Default)]
pub(crate) struct Breaker(Arc<AtomicBool>);

impl Breaker {
    pub fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_cut(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Who called, and how to break the connection to it.
#[derive(Clone)]
struct Caller {
    breaker: Breaker,
    port: u16,
}

struct Breakable {
    listener: TcpListener,
    stopped: Breaker,
}

struct Connection {
    stream: TcpStream,
    breaker: Breaker,
    stopped: Breaker,
}

impl Listener for Breakable {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Answers are small and callers wait for each: nothing is gained by holding them back.
        let _ = stream.set_nodelay(true);
        let (breaker, stopped) = (Breaker::default(), self.stopped.clone());
        (
            Connection {
                stream,
                breaker,
                stopped,
            },
            address,
        )
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Breakable>> for Caller {
    fn connect_info(stream: IncomingStream<'_, Breakable>) -> Self {
        Self {
            breaker: stream.io().breaker.clone(),
            port: stream.remote_addr().port(),
        }
    }
}

impl Connection {
    fn check(&self) -> io::Result<()> {
        if self.breaker.is_cut() || self.stopped.is_cut() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
