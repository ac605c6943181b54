//! The two requests that the tuner makes of S3.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_xml::decode::{Document, try_data};
use http::{HeaderMap, Method, Request, StatusCode};
use power_tuner_core::s3::S3Uri;
use tokio::time::{sleep, timeout};

use crate::client::{self, ATTEMPTS, LONGEST_ANSWER, Shared};
use crate::endpoint;
use crate::signed::{self, NoAnswer, Response, Service};
use crate::wire::Wire;

/// The first pause between two attempts is at most that, each further one at most twice the one before it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct S3 {
    shared: Shared,
}

/// What was found, though it may still be on its way.
pub(crate) struct Object(Response);

/// Why S3 did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It said no.
    Said {
        status: StatusCode,
        code: String,
        message: String,
        /// Where the bucket is, if S3 says so.
        region: Option<String>,
    },
    NoAnswer(NoAnswer),
}

impl S3 {
    pub fn from_env() -> Self {
        Self {
            shared: client::from_env(),
        }
    }

    pub fn local(endpoint: &str) -> Self {
        Self {
            shared: client::local(endpoint),
        }
    }

    pub fn through(wire: Arc<dyn Wire>) -> Self {
        Self {
            shared: client::through(wire),
        }
    }

    pub async fn get(&self, at: &S3Uri, headers: &[(&str, &str)]) -> Result<Object, Refusal> {
        let found = self.send(Method::GET, at, headers, &[]).await?;
        Ok(Object(found))
    }

    pub async fn put(
        &self,
        at: &S3Uri,
        headers: &[(&str, &str)],
        bytes: &[u8],
    ) -> Result<(), Refusal> {
        self.send(Method::PUT, at, headers, bytes).await.map(drop)
    }

    /// A URL at which whoever has it may read an object for so long.
    pub async fn link(&self, at: &S3Uri, lives: Duration) -> Result<String, NoAnswer> {
        let region = self.shared.region()?;
        let url = endpoint::object(&self.shared.config, region, at);
        let credentials = self.shared.credentials().await?;
        signed::link(&url, Service::S3, region, credentials, lives)
    }

    /// Both may be repeated: a GET changes nothing, and a PUT stores the same once more.
    async fn send(
        &self,
        method: Method,
        at: &S3Uri,
        headers: &[(&str, &str)],
        bytes: &[u8],
    ) -> Result<Response, Refusal> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.attempt(&method, at, headers, bytes).await {
                Err(refusal) if refusal.may_pass() => {
                    tracing::debug!(?refusal, "asking S3 once more");
                }
                answer => return answer,
            }
            // All of it would have those who were refused together come back together.
            sleep(pause.mul_f64(fastrand::f64())).await;
            pause *= 2;
        }
        self.attempt(&method, at, headers, bytes).await
    }

    async fn attempt(
        &self,
        method: &Method,
        at: &S3Uri,
        headers: &[(&str, &str)],
        bytes: &[u8],
    ) -> Result<Response, Refusal> {
        let response = in_time(self.ask(method, at, headers, bytes)).await?;
        if response.status.is_success() {
            return Ok(response);
        }
        Err(Refusal::read(response).await?)
    }

    async fn ask(
        &self,
        method: &Method,
        at: &S3Uri,
        headers: &[(&str, &str)],
        bytes: &[u8],
    ) -> Result<Response, NoAnswer> {
        let region = self.shared.region()?;
        let url = endpoint::object(&self.shared.config, region, at);
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(bytes.to_vec())
            .map_err(|error| error.to_string())?;
        let credentials = self.shared.credentials().await?;
        self.shared
            .send(request, Service::S3, region, credentials)
            .await
    }
}

impl Object {
    /// How many bytes it has, where that is known.
    pub fn length(&self) -> Option<u64> {
        self.0.length()
    }

    pub fn etag(&self) -> &str {
        self.0.header("etag").unwrap_or_default()
    }

    pub async fn bytes(self) -> Result<Vec<u8>, NoAnswer> {
        in_time(self.0.bytes()).await
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, NoAnswer>>) -> Result<T, NoAnswer> {
    match timeout(LONGEST_ANSWER, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("none came within {} s", LONGEST_ANSWER.as_secs())),
    }
}

impl From<NoAnswer> for Refusal {
    fn from(why: NoAnswer) -> Self {
        Self::NoAnswer(why)
    }
}

impl Refusal {
    async fn read(response: Response) -> Result<Self, NoAnswer> {
        let (status, region) = (response.status, bucket_region(&response.headers));
        let said = in_time(response.bytes()).await?;
        let said = String::from_utf8_lossy(&said);
        let of = |name| element(&said, name).unwrap_or_default();
        Ok(Self::Said {
            status,
            code: of("Code"),
            message: of("Message"),
            region,
        })
    }

    /// Whether the next attempt may go well.
    fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Said { status, code, .. } => {
                let passing = ["RequestTimeout", "SlowDown", "InternalError"];
                matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
                    || passing.contains(&code.as_str())
            }
        }
    }

    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Said { status, .. } => Some(status.as_u16()),
            Self::NoAnswer(_) => None,
        }
    }

    /// What S3 calls it.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Said { code, .. } if !code.is_empty() => Some(code),
            _ => None,
        }
    }

    /// What S3 says of it.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Said { message, .. } if !message.is_empty() => Some(message),
            _ => None,
        }
    }
}

fn bucket_region(headers: &HeaderMap) -> Option<String> {
    let region = headers.get("x-amz-bucket-region")?;
    Some(region.to_str().ok()?.to_owned())
}

/// What an element of the document has in it: `<Error><Code>NoSuchKey</Code>…</Error>`.
fn element(document: &str, name: &str) -> Option<String> {
    let mut document = Document::new(document);
    let mut root = document.root_element().ok()?;
    while let Some(mut tag) = root.next_tag() {
        if tag.start_el().matches(name) {
            return Some(try_data(&mut tag).ok()?.into_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_s3_says_is_read() {
        let said = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>a &lt; b</Message>\
                    <Key>Message</Key></Error>";
        assert_eq!(element(said, "Code").as_deref(), Some("NoSuchKey"));
        assert_eq!(element(said, "Message").as_deref(), Some("a < b"));
        assert_eq!(element(said, "Region"), None);
        for no_xml in ["", "Bad Gateway", "<html>"] {
            assert_eq!(element(no_xml, "Code"), None, "{no_xml}");
        }
    }
}
