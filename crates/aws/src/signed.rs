//! Requests that are signed and sent here, without a client of the SDK: calls of functions, of which an executor makes
//! thousands, and S3's, of which there are two kinds.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningInstructions, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::{AggregatedBytes, ByteStream};
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::client::Shared;
use crate::failure::in_words;

/// Who asks, as an account's own logs show it.
const OURS: &str = concat!("power-tuner/", env!("CARGO_PKG_VERSION"));

/// What a signature has to know of a service.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service {
    Lambda,
    S3,
}

/// An answer of which the body may still be on its way.
pub(crate) struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: SdkBody,
}

/// Why there is no answer, in words that have nothing of the request or of an answer in them.
pub(crate) type NoAnswer = String;

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Lambda => "lambda",
            Self::S3 => "s3",
        }
    }

    /// S3 reads a path as it is, and wants to have the hash of what it stores.
    fn settings(self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if let Self::S3 = self {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings
    }

    fn link_settings(self, lives: Duration) -> SigningSettings {
        let mut settings = self.settings();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
        settings.expires_in = Some(lives);
        settings
    }
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How many bytes it says to have, where it does.
    pub fn length(&self) -> Option<u64> {
        self.body.content_length()
    }

    pub async fn bytes(self) -> Result<Vec<u8>, NoAnswer> {
        let body = ByteStream::new(self.body).collect().await;
        body.map(AggregatedBytes::to_vec)
            .map_err(|error| format!("the connection broke: {}", in_words(&error)))
    }
}

impl Shared {
    /// The credentials of this process.
    pub async fn credentials(&self) -> Result<Credentials, NoAnswer> {
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| "there are no credentials".to_owned())?;
        let credentials = provider.provide_credentials().await;
        credentials.map_err(|error| in_words(&error))
    }

    /// The region of this process.
    pub fn region(&self) -> Result<&str, NoAnswer> {
        let region = self.config.region();
        region
            .map(AsRef::as_ref)
            .ok_or_else(|| "AWS_REGION is not set".to_owned())
    }

    /// Signs a request and sends it once.
    pub async fn send(
        &self,
        mut request: Request<Vec<u8>>,
        service: Service,
        region: &str,
        credentials: Credentials,
    ) -> Result<Response, NoAnswer> {
        let signing = Signing {
            service,
            region,
            settings: service.settings(),
            time: SystemTime::now(),
        };
        let body = SignableBody::Bytes(request.body());
        let instructions = signing.sign(&request, body, credentials)?;
        instructions.apply_to_request_http1x(&mut request);
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(OURS));
        let request = HttpRequest::try_from(request.map(SdkBody::from));
        let answer = self.connector.call(request.map_err(not_sent)?).await;
        let answer = answer.map_err(|error| in_words(&error))?;
        let answer = answer.try_into_http1x().map_err(not_sent)?;
        let (parts, body) = answer.into_parts();
        Ok(Response {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
}

/// A URL that whoever has it may GET for so long.
pub(crate) fn link(
    url: &str,
    service: Service,
    region: &str,
    credentials: Credentials,
    lives: Duration,
) -> Result<String, NoAnswer> {
    let signing = Signing {
        service,
        region,
        settings: service.link_settings(lives),
        time: SystemTime::now(),
    };
    signing.link(url, credentials)
}

struct Signing<'a> {
    service: Service,
    region: &'a str,
    settings: SigningSettings,
    time: SystemTime,
}

impl Signing<'_> {
    fn link(self, url: &str, credentials: Credentials) -> Result<String, NoAnswer> {
        let mut request = Request::get(url).body(()).map_err(not_sent)?;
        let body = SignableBody::UnsignedPayload;
        let instructions = self.sign(&request, body, credentials)?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request.uri().to_string())
    }

    fn sign<B>(
        self,
        request: &Request<B>,
        body: SignableBody<'_>,
        credentials: Credentials,
    ) -> Result<SigningInstructions, NoAnswer> {
        let identity = credentials.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service.name())
            .time(self.time)
            .settings(self.settings)
            .build()
            .map_err(not_sent)?
            .into();
        // A header that is no text is none of ours.
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let uri = request.uri().to_string();
        let signable = SignableRequest::new(request.method().as_str(), uri, headers, body);
        let signed = sign(signable.map_err(not_sent)?, &params);
        Ok(signed.map_err(not_sent)?.into_parts().0)
    }
}

fn not_sent(error: impl Error + 'static) -> NoAnswer {
    format!("it could not be sent: {}", in_words(&error))
}

/// What AWS wants to have encoded in a name.
const IN_A_NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const IN_A_PATH: &AsciiSet = &IN_A_NAME.remove(b'/');

/// One segment of a URL's path.
pub(crate) fn segment(name: &str) -> String {
    utf8_percent_encode(name, IN_A_NAME).to_string()
}

/// Some segments of it.
pub(crate) fn path(text: &str) -> String {
    utf8_percent_encode(text, IN_A_PATH).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_sdk_lambda::primitives::Blob;
    use aws_sdk_lambda::types::LogType;
    use power_tuner_core::MemoryMb;
    use power_tuner_core::function::FunctionArn;
    use power_tuner_core::measurement::Version;

    use super::*;
    use crate::invoke::Ask;
    use crate::lambda::LambdaApi;
    use crate::wire::{Answered, Wire};

    /// Those of AWS's examples.
    fn credentials() -> Credentials {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        Credentials::new("AKIAIOSFODNN7EXAMPLE", secret, None, None, "an example")
    }

    fn on_that_day(settings: SigningSettings) -> Signing<'static> {
        Signing {
            service: Service::S3,
            region: "us-east-1",
            settings,
            // 2013-05-24
            time: SystemTime::UNIX_EPOCH + Duration::from_hours(380_376),
        }
    }

    fn signature(request: &Request<Vec<u8>>) -> String {
        let signing = on_that_day(Service::S3.settings());
        let body = SignableBody::Bytes(request.body());
        let signed = signing.sign(request, body, credentials()).expect("signed");
        let (_, authorization) = signed
            .headers()
            .find(|(name, _)| *name == "authorization")
            .expect("an authorization");
        let (_, signature) = authorization.split_once("Signature=").expect("a signature");
        signature.to_owned()
    }

    /// The examples of <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
    #[test]
    fn s3_takes_the_signatures() {
        let get = Request::get("https://examplebucket.s3.amazonaws.com/test.txt")
            .header("range", "bytes=0-9")
            .body(Vec::new());
        assert_eq!(
            signature(&get.expect("a request")),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let key = path("test$file.text");
        let put = Request::put(format!("https://examplebucket.s3.amazonaws.com/{key}"))
            .header("date", "Fri, 24 May 2013 00:00:00 GMT")
            .header("x-amz-storage-class", "REDUCED_REDUNDANCY")
            .body(b"Welcome to Amazon S3.".to_vec());
        assert_eq!(
            signature(&put.expect("a request")),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
    }

    /// The example of <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>.
    #[test]
    fn s3_takes_the_links() {
        let signing = on_that_day(Service::S3.link_settings(Duration::from_hours(24)));
        let url = "https://examplebucket.s3.amazonaws.com/test.txt";
        let link = signing.link(url, credentials()).expect("a link");
        let want =
            "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        assert!(link.starts_with(url) && link.contains(want), "{link}");
    }

    /// Keeps what was sent, and answers nothing.
    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<Request<Vec<u8>>>>);

    impl Wire for Kept {
        fn send(&self, request: Request<Vec<u8>>) -> Answered {
            self.0.lock().expect("nobody panics with it").push(request);
            Box::pin(async { Ok(http::Response::new(b"null".to_vec())) })
        }
    }

    fn header(request: &Request<Vec<u8>>, name: &str) -> String {
        let value = request.headers()[name].to_str();
        value.expect("a text").to_owned()
    }

    /// What the SDK signed, signed again here, has the same signature.
    fn is_signed_alike(by_sdk: &Request<Vec<u8>>) -> bool {
        let authorization = header(by_sdk, "authorization");
        let (_, signed) = authorization.split_once("SignedHeaders=").expect("headers");
        let (names, signature) = signed.split_once(", Signature=").expect("a signature");
        let mut again = by_sdk.clone();
        again.headers_mut().clear();
        let given = names
            .split(';')
            .filter(|name| !["host", "x-amz-date"].contains(name));
        for name in given {
            let name = http::HeaderName::try_from(name).expect("a name");
            let value = by_sdk.headers()[&name].clone();
            again.headers_mut().insert(name, value);
        }
        let signing = Signing {
            service: Service::Lambda,
            region: "eu-west-1",
            settings: Service::Lambda.settings(),
            time: SystemTime::now(),
        };
        let body = SignableBody::Bytes(by_sdk.body());
        let local = Credentials::new("local-key", "local-secret", None, None, "local");
        let signed = signing.sign(&again, body, local).expect("signed");
        signed
            .headers()
            .any(|(_, value)| value.ends_with(signature))
    }

    #[tokio::test]
    async fn a_call_is_sent_and_signed_as_the_sdk_does() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:a-b_c";
        let function = FunctionArn::try_from(arn.to_owned()).expect("an ARN");
        let version = Version {
            memory: MemoryMb::try_from(512).expect("a size"),
            number: "7".to_owned(),
        };
        let ask = Ask {
            payload: b"{\"a\": 1}",
            longest: Duration::from_secs(1),
            keeps_output: false,
        };
        let kept = Arc::new(Kept::default());
        let api = LambdaApi::through(Arc::clone(&kept) as Arc<dyn Wire>);
        // A signature has a time in it, precise to the second, which may be over in between.
        for _ in 0..20 {
            kept.0.lock().expect("nobody panics with it").clear();
            api.invoke(&function, &version, ask).await.expect("called");
            let by_sdk = api.control(&function).invoke();
            let by_sdk = by_sdk.function_name(format!("{function}:7"));
            let by_sdk = by_sdk
                .log_type(LogType::Tail)
                .payload(Blob::new(ask.payload));
            by_sdk.send().await.expect("called");
            let sent = kept.0.lock().expect("nobody panics with it");
            let [ours, by_sdk] = sent.as_slice() else {
                panic!("{sent:?}");
            };
            assert_eq!(ours.method(), by_sdk.method());
            assert_eq!(header(ours, "user-agent"), OURS);
            assert_eq!((ours.uri(), ours.body()), (by_sdk.uri(), by_sdk.body()));
            for name in ["content-type", "x-amz-log-type"] {
                assert_eq!(header(ours, name), header(by_sdk, name));
            }
            if is_signed_alike(by_sdk) {
                return;
            }
        }
        panic!("signed in another way, twenty times");
    }
}
