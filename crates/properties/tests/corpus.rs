//! The properties for every document that was kept, and for some thousand made from those.

use std::fs;
use std::path::{Path, PathBuf};

use power_tuner_runtime::{InLogs, Step};
use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
use proptest::sample::{Index, select};
use serde::de::DeserializeOwned;

type Property = fn(&[u8]);

const TARGETS: [(&str, Property); 3] = [
    ("request", power_tuner_properties::request),
    ("report", power_tuner_properties::report),
    ("state", state),
];

/// As the fuzz target, and what the functions are called with, which would take AWS's SDK into its build.
fn state(document: &[u8]) {
    fn read<T: DeserializeOwned + InLogs>(document: &[u8]) {
        if let Ok(input) = serde_json::from_slice::<T>(document) {
            let _ = (input.execution().len(), input.memory());
        }
    }
    power_tuner_properties::state(document);
    read::<power_tuner_initializer::Input>(document);
    read::<power_tuner_publisher::Input>(document);
    read::<power_tuner_executor::Input>(document);
    read::<power_tuner_cleaner::Input>(document);
    read::<Step>(document);
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = here.join("../../fuzz/corpus").join(target);
    let files = fs::read_dir(&directory).expect("a corpus for each target");
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let document = fs::read(&path).expect("a document");
            (path, document)
        })
        .collect()
}

#[test]
fn the_properties_hold_for_every_document_that_was_kept() {
    for (target, holds) in TARGETS {
        let corpus = corpus(target);
        assert!(corpus.len() >= 10, "{target}: {} documents", corpus.len());
        for (path, document) in corpus {
            // Shown where it fails.
            println!("{}", path.display());
            holds(&document);
        }
    }
}

/// A state that is read no more would hold nothing.
#[test]
fn what_the_functions_were_called_with_is_read() {
    fn is_read<T: DeserializeOwned>(document: &[u8]) -> Result<(), String> {
        let read: Result<T, _> = serde_json::from_slice(document);
        read.map(drop).map_err(|error| error.to_string())
    }
    let mut read = 0;
    for (path, document) in corpus("state") {
        let name = path.file_name().and_then(|name| name.to_str());
        let (function, _) = name
            .and_then(|name| name.split_once('-'))
            .unwrap_or_default();
        let is_read = match function {
            "initializer" => is_read::<power_tuner_initializer::Input>(&document),
            "publisher" => is_read::<power_tuner_publisher::Input>(&document),
            "executor" => is_read::<power_tuner_executor::Input>(&document),
            "analyzer" | "optimizer" => is_read::<Step>(&document),
            "cleaner" => is_read::<power_tuner_cleaner::Input>(&document),
            _ => continue,
        };
        assert_eq!(is_read, Ok(()), "{name:?}");
        read += 1;
    }
    assert!(read > 20, "{read}");
}

/// What a document may get into it.
const WORDS: [&str; 24] = [
    "\n",
    "\t",
    "\0",
    "\u{1b}[31m",
    "\u{fffd}",
    "ä",
    "0",
    "-1",
    "1e308",
    "1e-308",
    "NaN",
    "99999999999999999999999999999999",
    "0.1234567890123456789",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "REPORT RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95\tDuration: 1 ms\tBilled Duration: 1 ms\t",
    "INIT_REPORT Init Duration: 10006.30 ms\tPhase: init\tStatus: timeout\n",
    "START RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95",
    "arn:aws:lambda:eu-west-1:123456789012:function:f",
    "$LATEST",
    " until ",
];

#[derive(Clone, Debug)]
enum Change {
    Put(Index, Vec<u8>),
    Cut(Index, usize),
    /// A value of the document becomes something else.
    Number(Index, String),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let word = select(WORDS.to_vec()).prop_map(|word| word.as_bytes().to_vec());
    let noise = prop::collection::vec(any::<u8>(), 1..40);
    let number =
        (any::<f64>(), any::<u64>(), any::<bool>()).prop_map(|(float, whole, is_whole)| {
            if is_whole {
                whole.to_string()
            } else {
                float.to_string()
            }
        });
    let change = prop_oneof![
        (any::<Index>(), prop_oneof![word, noise]).prop_map(|(at, bytes)| Change::Put(at, bytes)),
        (any::<Index>(), 1..200_usize).prop_map(|(at, bytes)| Change::Cut(at, bytes)),
        (any::<Index>(), number).prop_map(|(at, number)| Change::Number(at, number)),
    ];
    prop::collection::vec(change, 1..6)
}

fn changed(mut document: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        match change {
            Change::Put(at, bytes) => {
                let at = at.index(document.len() + 1);
                document.splice(at..at, bytes.iter().copied());
            }
            Change::Cut(at, bytes) if !document.is_empty() => {
                let from = at.index(document.len());
                let to = (from + bytes).min(document.len());
                document.drain(from..to);
            }
            Change::Number(at, number) => {
                let is_digit = |byte: &u8| byte.is_ascii_digit();
                let starts: Vec<usize> = (0..document.len())
                    .filter(|i| is_digit(&document[*i]) && (*i == 0 || !is_digit(&document[i - 1])))
                    .collect();
                if starts.is_empty() {
                    continue;
                }
                let from = starts[at.index(starts.len())];
                let digits = document[from..].iter().take_while(|byte| is_digit(byte));
                let to = from + digits.count();
                document.splice(from..to, number.bytes());
            }
            Change::Cut(..) => {}
        }
    }
    document
}

fn documents(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let documents: Vec<Vec<u8>> = corpus(target).into_iter().map(|(_, bytes)| bytes).collect();
    let noise = prop::collection::vec(any::<u8>(), 0..300);
    let made =
        (select(documents), changes()).prop_map(|(document, changes)| changed(document, &changes));
    prop_oneof![9 => made, 1 => noise]
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

    #[test]
    fn any_input_is_taken_as_it_is_documented_or_refused_with_reasons(document in documents("request")) {
        power_tuner_properties::request(&document);
    }

    #[test]
    fn no_log_is_misread(document in documents("report")) {
        power_tuner_properties::report(&document);
    }

    #[test]
    fn any_state_is_read_as_it_was_written_and_decided_on(document in documents("state")) {
        state(&document);
    }
}
