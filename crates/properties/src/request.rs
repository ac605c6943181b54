//! The execution input.

use power_tuner_core::choice::Strategy;
use power_tuner_core::command::{Clean, Doctor};
use power_tuner_core::error::Fault;
use power_tuner_core::function::FunctionRef;
use power_tuner_core::payload::{NotAPayload, Payloads};
use power_tuner_core::request::{Defaults, Parallel, Request, Search};
use power_tuner_core::{MemoryMb, TuneError};
use serde_json::Value;

/// Step Functions takes no more than that for an input.
const MOST_BYTES: usize = 256 * 1024;
/// The template's bound for its parameter `PowerValues`.
const MOST_BYTES_OF_A_PARAMETER: usize = 500;
/// What a plan may carry of a request besides the lists in it.
const MOST_KEPT: usize = 4 * 1024;
/// What a message adds to each byte that it is about: a field's name may be one letter.
const WORDS_FOR_A_BYTE: usize = 64;

/// A document is a line with the stack's parameter `PowerValues`, and then the input.
///
/// Whatever it is, it is taken or refused with reasons. What is taken keeps the bounds that are documented, has a payload
/// for each call, fits into the state, and is the same when it is written and read again.
///
/// # Panics
///
/// Something of that does not hold.
pub fn request(document: &[u8]) {
    let Ok(document) = str::from_utf8(document) else {
        return;
    };
    let (parameter, input) = document.split_once('\n').unwrap_or(("", document));
    if input.len() > MOST_BYTES || parameter.len() > MOST_BYTES_OF_A_PARAMETER {
        return;
    }
    stored_payload(input);
    let Ok(input) = serde_json::from_str::<Value>(input) else {
        return;
    };
    let bytes = input.to_string().len();
    commands(&input, bytes);
    match Request::parse_with(
        &input,
        Defaults {
            power_values: parameter,
            ..Defaults::default()
        },
    ) {
        Ok(request) => {
            keeps_its_bounds(&request);
            is_carried(&request, bytes);
            let payloads = Payloads::read(input.get("payload"), &request);
            match (payloads, &request.payload_s3) {
                (Ok(payloads), _) => every_call_has_its_payload(&payloads, &request, bytes),
                (Err(_), Some(_)) => {}
                (Err(faults), None) => panic!("faults after all: {faults:?}"),
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            is_no_longer_than_it_must_be(faults, bytes + parameter.len());
        }
    }
}

/// The same where something else than a tuning is asked for: the region and the account become parts of an ARN.
fn commands(input: &Value, bytes: usize) {
    let names = |function: &FunctionRef| {
        is_named_as_aws_names_functions(function);
        let arn = function.seen_from("aws", "eu-west-1", "123456789012");
        let parts = arn.to_string();
        assert_eq!(parts.split(':').count(), 7, "`{parts}`");
    };
    match Clean::parse(input) {
        Ok(clean) => names(&clean.function),
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            is_no_longer_than_it_must_be(faults, bytes);
        }
    }
    match Doctor::parse(input) {
        Ok(doctor) => doctor.function.iter().for_each(names),
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            is_no_longer_than_it_must_be(faults, bytes);
        }
    }
}

fn keeps_its_bounds(request: &Request) {
    let Request {
        function,
        search,
        num,
        precision,
        payload_s3,
        strategy,
        limits,
        month,
        parallel,
        discard_top_bottom,
        auto_optimize,
        auto_optimize_alias,
        min_improvement_percent,
        pre_processor,
        post_processor,
        sleep_between_runs_ms,
        price,
        ..
    } = request;
    let sizes = sizes(search);
    assert!(
        !sizes.is_empty() && sizes.len() <= 200 && sizes.is_sorted_by(|a, b| a < b),
        "{sizes:?}"
    );
    assert!(
        sizes.iter().all(|mb| (128..=10_240).contains(&mb.get())),
        "{sizes:?}"
    );
    assert!((5..=5_000).contains(num), "{num}");
    assert!((0.0..=0.4).contains(discard_top_bottom));
    assert!(*sleep_between_runs_ms <= 600_000);
    assert!(parallel.limit() >= 1, "no call would ever start");
    if let Parallel::AtMost(calls) = parallel {
        assert!(*calls >= 1);
    }
    if let Strategy::Balanced { weight } = strategy {
        assert!((0.0..=1.0).contains(weight), "{weight}");
    }
    for function in [
        Some(function),
        pre_processor.as_ref(),
        post_processor.as_ref(),
    ]
    .into_iter()
    .flatten()
    {
        is_named_as_aws_names_functions(function);
    }
    if let Some(alias) = auto_optimize_alias {
        assert!((1..=128).contains(&alias.len()) && alias != "power-tuner-lock");
    }
    if let Some(at) = payload_s3 {
        assert!((3..=63).contains(&at.bucket.len()) && (1..=1024).contains(&at.key.len()));
    }
    if let Search::Adaptive(bounds) = search {
        assert!(bounds.lowest < bounds.highest, "{bounds:?}");
    }
    assert!(precision.is_none_or(|share| (0.001..=0.5).contains(&share)));
    if let Some(month) = month {
        assert!((1..=1_000_000_000_000_000).contains(&month.invocations));
        let environments = month.provisioned;
        assert!(environments.is_none_or(|environments| (1..=1_000_000).contains(&environments)));
    }
    if let Some(percent) = min_improvement_percent {
        assert!((0.0..100.0).contains(percent) && *auto_optimize);
    }
    if let Some(percentile) = limits.duration.and_then(|limit| limit.percentile) {
        let is_shown = 1.0 - (percentile / 100.0).powf(f64::from(*num)) >= 0.95 - 1e-9;
        assert!(
            percentile > 0.0 && (is_shown || request.dry_run),
            "{percentile}"
        );
    }
    let stated = price.as_ref().map(|price| {
        [
            Some(price.per_gb_second),
            price.per_request,
            price.per_transition,
        ]
    });
    let limited = [limits.cost, limits.duration.map(|limit| limit.most_ms)];
    for number in stated.into_iter().flatten().chain(limited).flatten() {
        assert!(number.is_finite() && number > 0.0, "{number}");
    }
}

/// The sizes of a grid, or the bounds of a search.
fn sizes(search: &Search) -> Vec<MemoryMb> {
    match search {
        Search::Grid(sizes) => sizes.clone(),
        Search::Adaptive(bounds) => vec![bounds.lowest, bounds.highest],
    }
}

/// Its region becomes a part of a host's name, to which signed requests go.
fn is_named_as_aws_names_functions(function: &FunctionRef) {
    let name = function.qualified();
    assert!(name.len() <= 300, "{} bytes", name.len());
    for part in name.split(':') {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(!part.is_empty() && part.chars().all(is_plain), "`{name}`");
    }
}

/// Step Functions ends an execution whose state is larger than it carries, and no state can catch that.
fn is_carried(request: &Request, input: usize) {
    let written = serde_json::to_string(request).expect("JSON");
    let lists = serde_json::to_string(&(sizes(&request.search), &request.allowed_exceptions));
    let lists = lists.expect("JSON").len();
    assert!(
        written.len() - lists <= MOST_KEPT,
        "{} bytes: {written}",
        written.len()
    );
    // A size is written with two more bytes than "ALL" or a parameter has for it.
    assert!(
        lists <= input + 6 * sizes(&request.search).len(),
        "{lists} bytes"
    );
    let read: Request = serde_json::from_str(&written).expect("what was written");
    assert_eq!(read, *request);
}

fn every_call_has_its_payload(payloads: &Payloads, request: &Request, bytes: usize) {
    let mut used: Vec<u32> = Vec::new();
    for _ in 0..request.calls() {
        let next = payloads.next(&used).expect("a payload for each call");
        if used.len() <= next {
            used.resize(next + 1, 0);
        }
        used[next] += 1;
        assert!(payloads.get(next).len() <= payloads.largest());
    }
    assert_eq!(payloads.next(&used), None, "no more calls than asked for");
    assert!(payloads.largest() <= bytes);
}

/// The same for a payload that lies in S3.
fn stored_payload(text: &str) {
    let mut request = Request::parse(&serde_json::json!({"lambdaARN": "f", "num": 100}))
        .expect("the smallest input");
    request.disable_payload_logs = text.len() % 2 == 1;
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    match Payloads::parse(text, &request) {
        Ok(payloads) => {
            assert!(is_json, "a function takes nothing but JSON");
            every_call_has_its_payload(&payloads, &request, text.len());
        }
        Err(NotAPayload::NotJson(_)) => assert!(!is_json, "{text}"),
        Err(NotAPayload::Faults(faults)) => {
            let error = TuneError::InvalidInput(faults).to_string();
            assert!(error.len() < 10_000, "{} bytes", error.len());
        }
    }
}

fn is_no_longer_than_it_must_be(faults: Vec<Fault>, input: usize) {
    let error = TuneError::InvalidInput(faults).to_string();
    assert!(
        error.len() <= (input + 32) * WORDS_FOR_A_BYTE,
        "{} bytes about {input}",
        error.len()
    );
}
