//! A way to AWS that is no network: requests go to somebody in this process who plays AWS. No socket is waited for, so
//! that a test may rule over time.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

/// What comes back from whoever plays AWS; an error is a connection that broke.
pub type Answered = Pin<Box<dyn Future<Output = io::Result<http::Response<Vec<u8>>>> + Send>>;

/// Somebody who plays AWS.
pub trait Wire: fmt::Debug + Send + Sync + 'static {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answered;
}

#[derive(Debug)]
struct Through(Arc<dyn Wire>);

pub(crate) fn through(wire: Arc<dyn Wire>) -> SharedHttpConnector {
    SharedHttpConnector::new(Through(wire))
}

impl HttpConnector for Through {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let sent = self
            .0
            .send(request.map(|body| body.bytes().unwrap_or_default().to_vec()));
        HttpConnectorFuture::new(async move {
            let response = sent
                .await
                .map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(response.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
