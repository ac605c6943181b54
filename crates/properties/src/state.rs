//! What travels through the state machine, and what the tuner writes into descriptions.

use std::fmt::Debug;

use power_tuner_core::error::{Caught, Failure};
use power_tuner_core::function::{FunctionArn, FunctionRef};
use power_tuner_core::lock::Note;
use power_tuner_core::marker::{Marker, Owner, execution_in};
use power_tuner_core::measurement::Progress;
use power_tuner_core::outcome::Conclusion;
use power_tuner_core::plan::{Plan, Stack};
use power_tuner_core::s3::S3Uri;
use power_tuner_core::tuning::{Branch, Cleaned, Published, Round, Tuning};
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

/// A document is what a function of the tuner is called with or gives out, a part of that, or a description.
///
/// Whatever it is, reading it ends with a value or an error. A value is the same when it is written and read again, and the
/// analyzer makes a decision of any state.
///
/// # Panics
///
/// Something of that does not hold.
pub fn state(document: &[u8]) {
    if let Ok(text) = str::from_utf8(document) {
        description(text);
    }
    let Ok(document) = serde_json::from_slice::<Value>(document) else {
        return;
    };
    // The executor's input has the parts of a state beside each other, the cleaner's below `state`.
    let inner = ["tuning", "state"].map(|field| document.get(field));
    for document in [Some(&document)].into_iter().chain(inner).flatten() {
        if let Some(tuning) = same_again::<Tuning>(document) {
            decides(tuning);
        }
        same_again::<Plan>(document);
        same_again::<Round>(document);
        same_again::<Branch>(document);
        same_again::<Progress>(document);
        same_again::<Published>(document);
        same_again::<Cleaned>(document);
        same_again::<Conclusion>(document);
        for part in [
            "plan",
            "round",
            "published",
            "progress",
            "outcome",
            "cleaned",
        ] {
            let Some(part) = document.get(part) else {
                continue;
            };
            same_again::<Plan>(part);
            same_again::<Progress>(part);
            same_again::<Published>(part);
        }
        if let Some(caught) = same_again::<Caught>(document) {
            let failure = Failure::from(caught);
            assert!(
                failure.cause.chars().count()
                    <= Failure::LONGEST_CAUSE + 1 + failure.error.len() + 30
            );
        }
    }
    // The rest of what the first step is called with is the execution's input.
    let _ = Stack::deserialize(document.get("stack").unwrap_or(&document));
}

fn same_again<T: DeserializeOwned + Serialize + PartialEq + Debug>(document: &Value) -> Option<T> {
    let value = T::deserialize(document).ok()?;
    let written = serde_json::to_string(&value).expect("JSON");
    let read: T = serde_json::from_str(&written).expect("what was written");
    assert_eq!(read, value, "{written}");
    Some(value)
}

fn decides(tuning: Tuning) {
    let calls = tuning.plan.request.calls();
    match tuning.decide() {
        Ok(tuning) => {
            let written = serde_json::to_string(&tuning).expect("JSON");
            let read: Tuning = serde_json::from_str(&written).expect("what was written");
            // A cost above the largest number is none in JSON.
            assert_eq!(read, tuning, "{calls} calls: {written}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn description(text: &str) {
    if let Some(note) = Note::read(text) {
        assert_eq!(Note::read(&note.to_string()), Some(note.clone()));
        let later = note.about_to_set(note.memory).given_up();
        assert_eq!(later.memory, note.memory);
        assert!(!later.is_live(0) && later.set.len() <= 2);
    }
    if let Some(execution) = execution_in(text) {
        let marker = Marker::of(execution);
        assert_eq!(marker.owner(text), Owner::Us);
        assert_eq!(execution_in(&marker.to_string()), Some(execution));
    }
    for function in [FunctionRef::parse(text).ok()].into_iter().flatten() {
        assert_eq!(FunctionRef::parse(&function.qualified()), Ok(function));
    }
    if let Ok(arn) = FunctionArn::try_from(text.to_owned()) {
        assert_eq!(FunctionArn::try_from(arn.to_string()), Ok(arn));
    }
    if let Ok(at) = S3Uri::parse(text) {
        assert!(!at.bucket.is_empty() && !at.key.is_empty());
    }
}
