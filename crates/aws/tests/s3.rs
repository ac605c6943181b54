//! Objects as S3 gives them over HTTP, where it does so badly.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use power_tuner_aws::StoredPayloads;
use power_tuner_core::request::Request;
use power_tuner_core::s3::S3Uri;
use serde_json::json;

/// Says that an object has so many bytes, gives the first ones, and keeps the connection open.
fn that_gives(first: &'static str, bytes: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            let head = format!("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {bytes}\r\n\r\n");
            let _ = write!(stream, "{head}{first}");
            open.push(stream);
        }
    });
    url
}

async fn read_from(url: &str) -> String {
    let at = S3Uri::parse("s3://bucket/key").expect("a place");
    let request = json!({"lambdaARN": "f", "num": 5, "payloadS3": "s3://bucket/key"});
    let request = Request::parse(&request).expect("a good input");
    let read = StoredPayloads::local(url).read(&at, None, &request).await;
    read.expect_err("nothing that can be used").to_string()
}

#[tokio::test]
async fn an_object_that_is_too_large_is_not_read() {
    let error = read_from(&that_gives("{", 6 * 1024 * 1024 + 1)).await;
    let part =
        "it has 6291457 bytes, and a function can be called with 6291456 at most; make it smaller";
    assert!(error.contains(part), "{error}");
}

#[tokio::test]
async fn an_object_that_never_ends_is_given_up() {
    let start = Instant::now();
    let error = read_from(&that_gives("{", 100)).await;
    assert!(
        error.contains("none came within 15 s; try again"),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(25), "once");
}
