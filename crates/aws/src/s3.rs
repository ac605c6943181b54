//! S3's client, which costs nothing before it is used.

use std::sync::{Arc, OnceLock};

use aws_sdk_s3::Client;

use crate::client;
use crate::wire::Wire;

#[derive(Debug)]
pub(crate) struct S3 {
    at: At,
    client: OnceLock<Client>,
}

/// Where S3 is.
#[derive(Debug)]
enum At {
    Aws,
    /// A service on this machine, such as a simulated one.
    Local(String),
    /// Somebody in this process who plays AWS.
    Through(Arc<dyn Wire>),
}

impl S3 {
    pub fn from_env() -> Self {
        Self::new(At::Aws)
    }

    pub fn local(endpoint: &str) -> Self {
        Self::new(At::Local(endpoint.to_owned()))
    }

    pub fn through(wire: Arc<dyn Wire>) -> Self {
        Self::new(At::Through(wire))
    }

    fn new(at: At) -> Self {
        Self {
            at,
            client: OnceLock::new(),
        }
    }

    pub fn client(&self) -> &Client {
        self.client.get_or_init(|| match &self.at {
            At::Aws => Client::new(&client::from_env()),
            At::Local(endpoint) => Client::new(&client::local(endpoint)),
            At::Through(wire) => {
                let shared = client::through(Arc::clone(wire));
                let config = aws_sdk_s3::config::Builder::from(&shared);
                Client::from_conf(config.retry_partition(client::own_retries()).build())
            }
        })
    }
}
