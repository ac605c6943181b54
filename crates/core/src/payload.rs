//! What the calls of one size receive.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Fault, shortened};
use crate::request::{Request, positive};

/// The payloads, each with the number of calls that receive it; together these are all calls of a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payloads(Vec<(Vec<u8>, u32)>);

/// So many faults of a distribution show what is wrong with it.
const MOST_FAULTS: usize = 20;
const LONGEST_RULE: usize = 100;

impl Payloads {
    /// Reads the payload of an input.
    ///
    /// A list whose items all have a `payload` and a `weight` is a distribution, as in the reference: each gets the
    /// floor of its share, but at least one call, and the last one gets the rest.
    ///
    /// # Errors
    ///
    /// Faults of a distribution.
    pub fn read(payload: Option<&Value>, request: &Request) -> Result<Self, Vec<Fault>> {
        let Some(items) = distribution(payload) else {
            return Ok(Self(vec![(bytes(payload), request.calls())]));
        };
        let weighted = |item: &Value| (bytes(item.get("payload")), item["weight"].clone());
        let items = items.iter().map(weighted).collect();
        Self::weighted("payload", items, request)
    }

    /// Reads the payload that an object in S3 holds. It means what it would mean in an input, and is sent as it is
    /// written: an object may be so large that its values would not fit into memory beside it.
    ///
    /// # Errors
    ///
    /// It is not JSON, or faults of a distribution.
    pub fn parse(text: &str, request: &Request) -> Result<Self, NotAPayload> {
        let json: &RawValue = serde_json::from_str(text)?;
        let text = json.get();
        let items = stored_distribution(text).unwrap_or_default();
        if items.is_empty() {
            return Ok(Self(vec![(raw_bytes(json), request.calls())]));
        }
        let items = items
            .into_iter()
            .map(|item| (raw_bytes(item.payload), item.weight))
            .collect();
        Self::weighted("payloadS3", items, request).map_err(NotAPayload::Faults)
    }

    fn weighted(
        field: &str,
        items: Vec<(Vec<u8>, Value)>,
        request: &Request,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut weights = Vec::with_capacity(items.len());
        for (index, (_, weight)) in items.iter().enumerate() {
            match positive(weight) {
                Ok(weight) => weights.push(weight),
                // A weight may be a part of somebody's data that only looks like a distribution.
                Err(_) if faults.len() == MOST_FAULTS => {}
                Err(rule) => {
                    let rule = if request.disable_payload_logs {
                        "is not a number above 0".to_owned()
                    } else {
                        shortened(&rule, LONGEST_RULE)
                    };
                    faults.push(Fault::new(format!("{field}[{index}].weight"), rule));
                }
            }
        }
        if items.len() > request.num as usize {
            faults.push(Fault::new(
                "num",
                format!(
                    "{} calls are too few for {} payloads, of which each is sent at least once",
                    request.num,
                    items.len()
                ),
            ));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let payloads = items.into_iter().map(|(bytes, _)| bytes);
        Ok(Self(
            payloads.zip(shares(&weights, request.calls())).collect(),
        ))
    }

    #[must_use]
    pub fn get(&self, index: usize) -> &[u8] {
        self.0.get(index).map_or(&[], |(bytes, _)| bytes)
    }

    /// The first payload that has not had its calls, where `used` counts those that were made of each.
    #[must_use]
    pub fn next(&self, used: &[u32]) -> Option<usize> {
        (0..self.0.len()).find(|index| used.get(*index).copied().unwrap_or(0) < self.0[*index].1)
    }

    /// The payload that is furthest behind its share: however many calls are made, each has about its share of them.
    #[must_use]
    pub fn next_by_share(&self, used: &[u32]) -> usize {
        let had = |index: usize| 2 * u64::from(used.get(index).copied().unwrap_or(0)) + 1;
        let share = |index: usize| u64::from(self.0[index].1);
        let is_behind = |a: usize, b: usize| had(a) * share(b) < had(b) * share(a);
        (1..self.0.len()).fold(
            0,
            |first, next| {
                if is_behind(next, first) { next } else { first }
            },
        )
    }

    #[must_use]
    pub fn largest(&self) -> usize {
        self.0
            .iter()
            .map(|(bytes, _)| bytes.len())
            .max()
            .unwrap_or(0)
    }
}

/// Why the content of an object is no payload.
#[derive(Debug, thiserror::Error)]
pub enum NotAPayload {
    #[error("it is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error("it is a distribution with faults")]
    Faults(Vec<Fault>),
}

/// An item of a distribution; where an item of a list is another, the list is none.
#[derive(Deserialize)]
struct Weighted<'a> {
    #[serde(borrow)]
    payload: &'a RawValue,
    weight: Value,
}

/// As [`distribution`]. What serde takes for an object may be a list of its fields' values, too.
fn stored_distribution(text: &str) -> Option<Vec<Weighted<'_>>> {
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    items.into_iter().map(weighted).collect()
}

fn weighted(item: &RawValue) -> Option<Weighted<'_>> {
    let text = Some(item.get()).filter(|text| text.starts_with('{'))?;
    serde_json::from_str(text).ok()
}

/// As [`bytes`], without reading more than has to be.
fn raw_bytes(json: &RawValue) -> Vec<u8> {
    let text = json.get();
    if let Ok(inner) = serde_json::from_str::<String>(text)
        && serde_json::from_str::<serde::de::IgnoredAny>(&inner).is_ok()
    {
        return inner.into_bytes();
    }
    text.as_bytes().to_vec()
}

fn distribution(payload: Option<&Value>) -> Option<&[Value]> {
    let is_weighted = |item: &Value| item.get("payload").is_some() && item.get("weight").is_some();
    match payload {
        Some(Value::Array(items)) if !items.is_empty() && items.iter().all(is_weighted) => {
            Some(items)
        }
        _ => None,
    }
}

fn shares(weights: &[f64], calls: u32) -> Vec<u32> {
    let total: f64 = weights.iter().sum();
    let mut left = calls;
    let mut after = u32::try_from(weights.len()).unwrap_or(u32::MAX);
    let share = |weight: &f64| {
        after -= 1;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a few thousand calls"
        )]
        let wanted = ((weight * f64::from(calls) / total).floor() as u32).max(1);
        // Those behind it get at least one each, too.
        let given = if after == 0 {
            left
        } else {
            wanted.min(left.saturating_sub(after))
        };
        left -= given;
        given
    };
    weights.iter().map(share).collect()
}

/// A string that holds JSON is sent as that JSON, as the reference does; without a payload the call has no body.
fn bytes(payload: Option<&Value>) -> Vec<u8> {
    match payload {
        None => Vec::new(),
        Some(Value::String(text))
            if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() =>
        {
            text.clone().into_bytes()
        }
        Some(value) => value.to_string().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};
    use serde_json::json;

    use super::*;

    fn request(num: u32) -> Request {
        Request::parse(&json!({"lambdaARN": "f", "num": num})).expect("a good input")
    }

    #[test]
    fn the_target_receives_what_the_reference_would_send() {
        let cases = [
            (None, ""),
            (Some(json!({"a": 1})), r#"{"a":1}"#),
            (Some(json!([1, 2])), "[1,2]"),
            (Some(json!("plain")), r#""plain""#),
            (Some(json!("{\"a\": 1}")), r#"{"a": 1}"#),
            (Some(json!(null)), "null"),
            (
                Some(json!([{"payload": 1, "weight": 2}, {"other": 1}])),
                r#"[{"payload":1,"weight":2},{"other":1}]"#,
            ),
            (
                Some(json!([["Paris", 2.35], ["Rome", 12.5]])),
                r#"[["Paris",2.35],["Rome",12.5]]"#,
            ),
        ];
        for (payload, want) in cases {
            let payloads = Payloads::read(payload.as_ref(), &request(7)).expect("payloads");
            assert_eq!(payloads.0, [(want.as_bytes().to_vec(), 7)], "{payload:?}");
            let Some(payload) = payload else { continue };
            let stored = format!(" {payload}\n");
            let payloads = Payloads::parse(&stored, &request(7)).expect("payloads");
            assert_eq!(payloads.0, [(want.as_bytes().to_vec(), 7)], "{stored:?}");
        }
    }

    #[test]
    fn weights_are_shared_out_as_in_the_reference() {
        let cases: [(&[f64], u32, &[u32]); 5] = [
            (&[5.0, 15.0, 30.0], 10, &[1, 3, 6]),
            (&[1.0, 1.0, 1.0], 10, &[3, 3, 4]),
            (&[1.0, 100.0], 10, &[1, 9]),
            (&[100.0, 1.0, 1.0, 1.0, 1.0], 5, &[1, 1, 1, 1, 1]),
            (&[1.0, 1.0], 1, &[0, 1]),
        ];
        for (weights, calls, want) in cases {
            assert_eq!(shares(weights, calls), want, "{weights:?} {calls}");
        }
    }

    #[test]
    fn however_many_calls_are_made_each_payload_has_its_share() {
        let payloads = |shares: &[u32]| {
            let each = shares.iter().map(|share| (Vec::new(), *share));
            Payloads(each.collect())
        };
        let cases: [(&[u32], usize, &[u32]); 6] = [
            (&[10], 7, &[7]),
            (&[30, 10], 4, &[3, 1]),
            (&[30, 10], 8, &[6, 2]),
            (&[5, 15, 30], 10, &[1, 3, 6]),
            (&[1, 49], 24, &[0, 24]),
            (&[0, 1], 3, &[0, 3]),
        ];
        for (shares, calls, want) in cases {
            let payloads = payloads(shares);
            let mut used = vec![0; shares.len()];
            for _ in 0..calls {
                let next = payloads.next_by_share(&used);
                used[next] += 1;
            }
            assert_eq!(used, want, "{shares:?}");
        }
    }

    #[test]
    fn faults_of_a_distribution_name_their_item() {
        let payload = json!([
            {"payload": 1, "weight": 1}, {"payload": 2, "weight": 0}, {"payload": 3, "weight": "x"},
            {"payload": 4, "weight": 1}, {"payload": 5, "weight": 1}, {"payload": 6, "weight": 1},
        ]);
        let faults = Payloads::read(Some(&payload), &request(5)).expect_err("faults");
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "`payload[1].weight`: 0 is not a number above 0",
                "`payload[2].weight`: \"x\" is not a number above 0",
                "`num`: 5 calls are too few for 6 payloads, of which each is sent at least once",
            ]
        );
    }

    #[test]
    fn what_lies_in_s3_is_sent_as_it_is_written() {
        let text = r#"{"z": 1.50, "a": [1,  2]}"#;
        let payloads = Payloads::parse(text, &request(5)).expect("payloads");
        assert_eq!(payloads.get(0), text.as_bytes());
        for bad in ["", "plain", "{\"a\": }"] {
            let error = Payloads::parse(bad, &request(5)).expect_err("not JSON");
            assert!(error.to_string().starts_with("it is not JSON: "), "{error}");
        }
        let weights = r#"[{"payload": 1, "weight": -1}]"#;
        let mut quiet = request(5);
        quiet.disable_payload_logs = true;
        let text = r#"[{"payload": 1, "weight": "secret"}]"#;
        let Err(NotAPayload::Faults(faults)) = Payloads::parse(text, &quiet) else {
            panic!("no faults");
        };
        assert!(!format!("{faults:?}").contains("secret"), "{faults:?}");
        let Err(NotAPayload::Faults(faults)) = Payloads::parse(weights, &request(5)) else {
            panic!("no faults");
        };
        assert_eq!(
            faults[0].to_string(),
            "`payloadS3[0].weight`: -1 is not a number above 0"
        );
    }

    #[test]
    fn payloads_are_sent_in_their_order_until_each_had_its_calls() {
        let payload = json!([{"payload": "a", "weight": 1}, {"payload": "b", "weight": 3}]);
        let payloads = Payloads::read(Some(&payload), &request(8)).expect("payloads");
        let stored = Payloads::parse(&payload.to_string(), &request(8)).expect("payloads");
        assert_eq!(stored, payloads);
        assert_eq!(payloads.next(&[]), Some(0));
        assert_eq!(payloads.next(&[1, 5]), Some(0), "one of the first was lost");
        assert_eq!(payloads.next(&[2, 5]), Some(1));
        assert_eq!(payloads.next(&[2, 6]), None);
        assert_eq!(payloads.get(1), br#""b""#);
    }

    proptest! {
        #[test]
        fn every_call_has_a_payload_and_every_payload_a_call(
            weights in prop::collection::vec(0.01..1e6, 1..20),
            more in 0_u32..200,
        ) {
            let calls = u32::try_from(weights.len()).expect("a few") + more;
            let shares = shares(&weights, calls);
            prop_assert!(shares.iter().all(|share| *share >= 1));
            prop_assert_eq!(shares.iter().sum::<u32>(), calls);
        }
    }
}
