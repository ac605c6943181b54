//! Where an object in S3 lies.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::error::shortened;

/// `s3://bucket/key`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct S3Uri {
    pub bucket: String,
    pub key: String,
}

/// What the names of directory buckets end with.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-naming-rules.html>
const DIRECTORY: &str = "--x-s3";
/// In bytes. The key travels with the plan, which Step Functions bounds.
const LONGEST_KEY: usize = 1024;

impl S3Uri {
    /// Reads a URI. As with the reference, a key may be written with percent-encoded characters.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rule = || {
            let text = shortened(text, LONGEST_KEY);
            format!("`{text}` is not of the form s3://BUCKET/KEY")
        };
        let (bucket, key) = text
            .strip_prefix("s3://")
            .and_then(|path| path.split_once('/'))
            .ok_or_else(rule)?;
        if !bucket.is_empty() && !is_bucket(bucket) {
            return Err(format!(
                "`{}` is not a bucket's name (3 to 63 lower-case letters, digits, `.` and `-`)",
                shortened(bucket, LONGEST_KEY)
            ));
        }
        let key = percent_decode_str(key).decode_utf8().map_err(|_| rule())?;
        if bucket.is_empty() || !(1..=LONGEST_KEY).contains(&key.len()) {
            return Err(rule());
        }
        if bucket.ends_with(DIRECTORY) {
            return Err(format!(
                "`{bucket}` is a directory bucket, which wants sessions of its own; put the object into a general purpose bucket"
            ));
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            key: key.into_owned(),
        })
    }
}

/// Three to 63 lower-case letters, digits, dots and hyphens.
fn is_bucket(name: &str) -> bool {
    let may_be = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
    (3..=63).contains(&name.len()) && name.bytes().all(may_be)
}

impl fmt::Display for S3Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_and_key_are_told_apart() {
        let cases = [
            ("s3://bucket/key", "bucket", "key"),
            ("s3://my.bucket-1/a/b c.json", "my.bucket-1", "a/b c.json"),
            ("s3://bucket/a%20b%2Bc", "bucket", "a b+c"),
        ];
        for (text, bucket, key) in cases {
            let uri = S3Uri::parse(text).expect(text);
            assert_eq!((uri.bucket.as_str(), uri.key.as_str()), (bucket, key));
        }
        for text in [
            "",
            "bucket/key",
            "s3://bucket",
            "s3://bucket/",
            "s3:///key",
            "https://bucket/key",
            "s3://bucket/%ff",
        ] {
            let rule = S3Uri::parse(text).expect_err(text);
            assert!(rule.contains("s3://BUCKET/KEY"), "{rule}");
        }
        for (text, bucket) in [("s3://Bucket/key", "Bucket"), ("s3://b/key", "b")] {
            let rule = S3Uri::parse(text).expect_err(text);
            let want = format!("`{bucket}` is not a bucket's name");
            assert!(rule.starts_with(&want), "{rule}");
        }
        let rule = S3Uri::parse("s3://b--use1-az4--x-s3/key").expect_err("a directory bucket");
        assert!(rule.contains("is a directory bucket"), "{rule}");
        let key = |bytes: usize| S3Uri::parse(&format!("s3://bucket/{}", "k".repeat(bytes)));
        assert!(key(LONGEST_KEY).is_ok() && key(LONGEST_KEY + 1).is_err());
    }
}
