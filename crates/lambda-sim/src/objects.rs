//! The objects in S3's buckets, as a test puts them.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::error::ApiError;

/// One version of an object.
pub(crate) struct Object {
    pub bytes: Vec<u8>,
    /// `ETag`, in its quotes.
    pub etag: String,
    /// `Last-Modified`.
    pub last_modified: String,
    /// Whoever stored it has said so.
    pub content_type: Option<String>,
}

/// An object, as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// `Content-Type`, where whoever stored it has said one.
    pub content_type: Option<String>,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A bucket is there from the first object that is put into it on, and stays when it is empty.
#[derive(Default)]
pub(crate) struct Objects(BTreeMap<String, BTreeMap<String, Object>>);

impl Object {
    pub fn new(bytes: Vec<u8>, last_modified: String) -> Self {
        // S3's is often the MD5 sum, which its documentation lets nobody rely on.
        let sum = Sha256::digest(&bytes);
        let hex: Vec<String> = sum[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            bytes,
            etag: format!("\"{}\"", hex.concat()),
            last_modified,
            content_type: None,
        }
    }
}

impl Objects {
    /// One with the same key is replaced.
    pub fn put(&mut self, bucket: &str, key: &str, object: Object) {
        let objects = self.0.entry(bucket.to_owned()).or_default();
        objects.insert(key.to_owned(), object);
    }

    pub fn delete(&mut self, bucket: &str, key: &str) {
        if let Some(objects) = self.0.get_mut(bucket) {
            objects.remove(key);
        }
    }

    pub fn has(&self, bucket: &str) -> bool {
        self.0.contains_key(bucket)
    }

    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let objects = self.0.get(bucket).into_iter();
        objects.flat_map(BTreeMap::keys).cloned().collect()
    }

    pub fn find(&self, bucket: &str, key: &str) -> Result<&Object, ApiError> {
        let objects = self.0.get(bucket).ok_or_else(|| {
            ApiError::new(404, "NoSuchBucket", "The specified bucket does not exist")
        })?;
        objects
            .get(key)
            .ok_or_else(|| ApiError::new(404, "NoSuchKey", "The specified key does not exist."))
    }
}
