//! What the target receives when the payload is large, or lies in S3.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{contains, known_curve};
use crate::harness::{Bench, Target};

/// A bucket of the case's own, as buckets may be called.
fn bucket(bench: &Bench, name: &str) -> Result<String> {
    let bucket = format!("payloads-{name}");
    bench.local.aws().create_bucket(&bucket)?;
    Ok(bucket)
}

/// Every payload that the function received.
fn received(target: &Target) -> Result<Vec<Value>> {
    let now = target.now()?;
    let payloads = now["payloads"].as_array().context("`payloads`")?;
    Ok(payloads
        .iter()
        .map(|received| received["payload"].clone())
        .collect())
}

pub fn a_payload_in_s3_is_sent_instead_of_the_inputs(bench: &Bench) -> Result<()> {
    let bucket = bucket(bench, "sent")?;
    let document = json!({"from": "S3", "much": "x".repeat(1024 * 1024)});
    bench
        .local
        .aws()
        .put_object(&bucket, "some folder/large.json", document.to_string())?;
    let target = bench.function(known_curve())?;
    let uri = format!("s3://{bucket}/some%20folder/large.json");
    target.tune(
        json!({"powerValues": [512, 1024], "payload": {"from": "the input"}, "payloadS3": uri}),
    )?;
    let received = received(&target)?;
    ensure!(received.len() == 10, "{} calls", received.len());
    ensure!(received.iter().all(|payload| *payload == document));
    target.is_as_before()
}

pub fn a_payload_in_s3_that_cannot_be_used_is_named_first(bench: &Bench) -> Result<()> {
    let bucket = bucket(bench, "bad")?;
    let aws = bench.local.aws();
    aws.put_object(&bucket, "text", "not JSON".to_owned())?;
    aws.put_object(
        &bucket,
        "large",
        format!("\"{}\"", "x".repeat(7 * 1024 * 1024)),
    )?;
    let target = bench.function(known_curve())?;
    let cases = [
        (
            format!("s3://{bucket}/none"),
            "there is no such object; check the key",
        ),
        (
            "s3://payloads-nowhere/none".to_owned(),
            "there is no such bucket; check its name",
        ),
        (format!("s3://{bucket}/text"), "it is not JSON: expected"),
        (
            format!("s3://{bucket}/large"),
            "it has 7340034 bytes, and a function can be called with 6291456 at most; make it smaller",
        ),
    ];
    for (uri, want) in cases {
        let (error, cause) = target.fail_to_tune(json!({"payloadS3": uri}))?;
        ensure!(error == "PayloadUnavailable", "{error}: {cause}");
        contains(
            &cause,
            &format!("the payload `{uri}` cannot be used: {want}"),
        )?;
    }
    ensure!(target.changes()? == 0, "it was changed");
    target.is_untouched()
}

pub fn a_payload_of_200_kb_is_sent_whole(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let payload = json!({"much": "y".repeat(200 * 1024)});
    let input = json!({"powerValues": [256, 512], "num": 100, "parallelInvocation": true, "payload": payload});
    target.tune(input)?;
    ensure!(target.calls()? == 200, "{} calls", target.calls()?);
    // The simulator keeps the last ones.
    let received = received(&target)?;
    ensure!(received.len() > 10, "{} payloads", received.len());
    let is_whole = received.iter().all(|sent| *sent == payload);
    ensure!(is_whole, "another payload");
    target.is_as_before()
}
