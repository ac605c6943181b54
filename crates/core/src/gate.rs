//! Whether the memory that a function has is as good as the best one: what a pipeline stops or goes on by.

use serde::Serialize;

use crate::limits::Meets;
use crate::memory::MemoryMb;
use crate::outcome::{Outcome, Size, Status};

/// What an outcome says about the current size.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub decision: Decision,
    /// None where the outcome does not say what the function had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<MemoryMb>,
    pub best: MemoryMb,
    pub tolerance_percent: f64,
    /// By how much the best size is better than the current one, by the strategy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// What that is above with 95 % confidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least_percent: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_saving: Option<Saving>,
}

/// What a month costs less with the best size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Saving {
    pub amount: f64,
    pub currency: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "name", content = "reason")]
pub enum Decision {
    Within,
    Outside(Fault),
    Inconclusive(Doubt),
}

/// Why the current size is not good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// The best one is better by more than is tolerated, and surely better.
    TooFarFromTheBest,
    /// It does not keep to the limits, and the best one does.
    BreaksTheLimits,
    /// It does not keep to the limits, and no other measured size does. More calls would not change that.
    NoSizeKeepsToTheLimits,
}

/// Why nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "name", content = "cause")]
pub enum Doubt {
    /// The outcome does not say which size the function had.
    CurrentUnknown,
    CurrentNotMeasured,
    /// It was tried, and could not be measured.
    CurrentFailed(String),
    /// No size is shown to keep to the limits, so there is no best one to compare with; some may keep to them.
    LimitsNotMet,
    /// The current size may keep to the limits or not.
    UnsureOfTheLimits,
    /// The best size looks better by more than is tolerated, but may not be better at all.
    MayBeChance,
    TooFewSamples,
}

/// Compares the current size with the best one.
///
/// What may be chance is no fault of the current size. A difference counts as [`Improvement::is_worth`] has it: at least
/// so much in the averages, and with 95 % confidence a difference at all.
///
/// [`Improvement::is_worth`]: crate::improvement::Improvement::is_worth
#[must_use]
pub fn judge(outcome: &Outcome, tolerance_percent: f64) -> Verdict {
    let improvement = outcome.improvement.as_ref();
    let stated = improvement.map(|improvement| improvement.over);
    // What the tuning gave the function itself is what it has now.
    let given = outcome
        .optimization
        .as_ref()
        .filter(|done| done.applied && done.alias.is_none())
        .map(|done| done.to);
    let current = given.or(outcome.current_memory).or(stated);
    let is_same = current == Some(outcome.power);
    let improvement = improvement.filter(|improvement| current == Some(improvement.over));
    Verdict {
        decision: decide(outcome, current, tolerance_percent),
        current,
        best: outcome.power,
        tolerance_percent,
        percent: match improvement {
            Some(improvement) => Some(improvement.percent),
            None => is_same.then_some(0.0),
        },
        at_least_percent: improvement.and_then(|improvement| improvement.at_least_percent),
        monthly_saving: outcome.monthly.as_ref().and_then(|month| {
            Some(Saving {
                amount: month.saving?,
                currency: month.currency.clone(),
            })
        }),
    }
}

fn decide(outcome: &Outcome, current: Option<MemoryMb>, tolerance_percent: f64) -> Decision {
    let Some(current) = current else {
        return Decision::Inconclusive(Doubt::CurrentUnknown);
    };
    let constraint = outcome.constraint.as_ref();
    if constraint.is_some_and(|constraint| !constraint.met) {
        if outcome.sizes.iter().any(may_keep_to_the_limits) {
            return Decision::Inconclusive(Doubt::LimitsNotMet);
        }
        return match measured(outcome, current) {
            Ok(size) if may_keep_to_the_limits(size) => Decision::Inconclusive(Doubt::LimitsNotMet),
            Ok(_) => Decision::Outside(Fault::NoSizeKeepsToTheLimits),
            Err(doubt) => Decision::Inconclusive(doubt),
        };
    }
    if current == outcome.power {
        return Decision::Within;
    }
    let size = match measured(outcome, current) {
        Ok(size) => size,
        Err(doubt) => return Decision::Inconclusive(doubt),
    };
    match size.meets_constraint {
        Some(Meets::No) => return Decision::Outside(Fault::BreaksTheLimits),
        Some(Meets::Unsure) => return Decision::Inconclusive(Doubt::UnsureOfTheLimits),
        Some(Meets::Yes) | None => {}
    }
    let improvement = outcome.improvement.as_ref();
    let Some(improvement) = improvement.filter(|improvement| improvement.over == current) else {
        return Decision::Inconclusive(Doubt::TooFewSamples);
    };
    if improvement.percent <= tolerance_percent {
        return Decision::Within;
    }
    match improvement.at_least_percent {
        None => Decision::Inconclusive(Doubt::TooFewSamples),
        Some(least) if least > 0.0 => Decision::Outside(Fault::TooFarFromTheBest),
        Some(_) => Decision::Inconclusive(Doubt::MayBeChance),
    }
}

/// Of what was measured, where the calls do not show the contrary.
fn may_keep_to_the_limits(size: &Size) -> bool {
    size.status == Status::Measured && size.meets_constraint != Some(Meets::No)
}

/// The current size, among the others or beside them.
fn measured(outcome: &Outcome, current: MemoryMb) -> Result<&Size, Doubt> {
    let mut sizes = outcome.sizes.iter().chain(&outcome.baseline);
    let size = sizes.find(|size| size.memory == current);
    let size = size.ok_or(Doubt::CurrentNotMeasured)?;
    match size.status {
        Status::Measured => Ok(size),
        Status::Failed => Err(Doubt::CurrentFailed(
            size.reason.clone().unwrap_or_default(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
    use serde_json::{Value, json};

    use super::Decision::{Inconclusive, Outside, Within};
    use super::*;

    fn size(memory: u32) -> Value {
        json!({
            "memory": memory, "status": "measured", "averageDurationMs": 100.0, "averageCost": 0.000_002, "samples": 50,
            "calls": 50, "errors": 0, "coldStarts": 1, "throttles": 0, "unmatched": 0, "slowInits": 0, "withoutReport": 0,
            "withoutAnswer": 0, "cutOff": 0, "maxMemoryUsedMB": 60,
        })
    }

    /// 512 MB are best, and the function has 1024; both were measured.
    fn found() -> Value {
        json!({
            "power": 512, "cost": 0.000_001, "duration": 100.0, "stateMachine": {"executionCost": 0.1, "lambdaCost": 0.1},
            "function": "arn:aws:lambda:us-east-1:123456789012:function:f", "region": "us-east-1", "architecture": "arm64",
            "currency": "USD", "strategy": "cost", "reason": "", "rounds": 1, "currentMemory": 1024,
            "sizes": [size(512), size(1024)],
            "improvement": {"over": 1024, "percent": 20.0, "atLeastPercent": 15.0},
        })
    }

    fn judged(outcome: &Value, tolerance: f64) -> Verdict {
        let outcome = serde_json::from_value(outcome.clone()).expect("an outcome");
        judge(&outcome, tolerance)
    }

    fn with(changes: &[(&str, Value)]) -> Value {
        let mut outcome = found();
        for (pointer, value) in changes {
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            outcome.pointer_mut(parent).expect("its place")[key] = value.clone();
        }
        outcome
    }

    fn without(field: &str) -> Value {
        let mut outcome = found();
        outcome.as_object_mut().expect("an object").remove(field);
        outcome
    }

    #[test]
    fn a_difference_counts_where_it_is_large_and_no_chance() {
        let unsure = || with(&[("/improvement/atLeastPercent", json!(-1.0))]);
        let unbounded = || with(&[("/improvement/atLeastPercent", Value::Null)]);
        let beside = with(&[("/sizes", json!([size(512)])), ("/baseline", size(1024))]);
        let worse = with(&[("/improvement/percent", json!(-3.0))]);
        let outside = || Outside(Fault::TooFarFromTheBest);
        let cases = [
            ("more than is tolerated", found(), 5.0, outside()),
            ("exactly what is tolerated", found(), 20.0, Within),
            ("just more than that", found(), 19.9, outside()),
            (
                "surely, though perhaps not by so much",
                found(),
                16.0,
                outside(),
            ),
            ("nothing is tolerated", found(), 0.0, outside()),
            ("measured beside the others", beside, 5.0, outside()),
            ("a search's choice may look worse", worse, 0.0, Within),
            (
                "may be chance",
                unsure(),
                5.0,
                Inconclusive(Doubt::MayBeChance),
            ),
            ("chance that is tolerated", unsure(), 20.0, Within),
            (
                "no bound",
                unbounded(),
                5.0,
                Inconclusive(Doubt::TooFewSamples),
            ),
            ("no bound is needed", unbounded(), 30.0, Within),
        ];
        for (case, outcome, tolerance, want) in cases {
            assert_eq!(judged(&outcome, tolerance).decision, want, "case: {case}");
        }
    }

    #[test]
    fn what_the_tuning_gave_the_function_is_what_it_has() {
        let done = |alias: Value, applied: bool| {
            let done = json!({"applied": applied, "from": 1024, "to": 512, "changed": applied, "alias": alias});
            judged(&with(&[("/optimization", done)]), 5.0)
        };
        let given = done(Value::Null, true);
        assert_eq!((given.decision, given.current), (Within, Some(given.best)));
        for left in [done(json!("live"), true), done(Value::Null, false)] {
            assert_eq!(left.decision, Outside(Fault::TooFarFromTheBest));
        }
    }

    #[test]
    fn limits_come_first() {
        let limits = |met: bool, meets: &str| {
            let constraint = json!({"maxDurationMs": 300.0, "confidence": 0.95, "met": met});
            with(&[
                ("/constraint", constraint),
                ("/sizes/1/meetsConstraint", json!(meets)),
            ])
        };
        let cases = [
            (
                "broken, however little it differs",
                limits(true, "no"),
                99.0,
                Outside(Fault::BreaksTheLimits),
            ),
            (
                "perhaps broken",
                limits(true, "unsure"),
                99.0,
                Inconclusive(Doubt::UnsureOfTheLimits),
            ),
            ("kept", limits(true, "yes"), 20.0, Within),
            (
                "kept, and far from the best",
                limits(true, "yes"),
                5.0,
                Outside(Fault::TooFarFromTheBest),
            ),
        ];
        for (case, outcome, tolerance, want) in cases {
            assert_eq!(judged(&outcome, tolerance).decision, want, "case: {case}");
        }
    }

    #[test]
    fn limits_that_no_size_can_keep_to_are_no_doubt() {
        // What the calls say of 512 MB, which is closest, and of 1,024 MB, which the function has.
        let limits = |best: Value, current: Value| {
            let constraint = json!({"maxDurationMs": 1.0, "confidence": 0.95, "met": false});
            with(&[
                ("/constraint", constraint),
                ("/sizes/0/meetsConstraint", best),
                ("/sizes/1/meetsConstraint", current),
            ])
        };
        let hopeless = || limits(json!("no"), json!("no"));
        let mut beside = hopeless();
        beside["baseline"] = beside["sizes"][1].take();
        beside["sizes"] = json!([beside["sizes"][0]]);
        let mut perhaps_beside = beside.clone();
        perhaps_beside["baseline"]["meetsConstraint"] = json!("unsure");
        let mut closest = hopeless();
        closest["currentMemory"] = json!(512);
        let mut failed = hopeless();
        failed["sizes"][0] = json!({"status": "failed", "reason": "it died"});
        for (key, value) in size(512).as_object().expect("an object") {
            let sizes = failed["sizes"][0].as_object_mut().expect("an object");
            sizes.entry(key).or_insert(value.clone());
        }
        let mut alone = hopeless();
        alone["sizes"] = json!([alone["sizes"][0]]);
        let nobody = || Outside(Fault::NoSizeKeepsToTheLimits);
        let unclear = || Inconclusive(Doubt::LimitsNotMet);
        let cases = [
            ("kept by nobody", hopeless(), nobody()),
            ("the function has the closest one", closest, nobody()),
            ("the current one beside the others", beside, nobody()),
            (
                "one failed, and the others do not keep to them",
                failed,
                nobody(),
            ),
            (
                "more calls may show it of one",
                limits(json!("unsure"), json!("no")),
                unclear(),
            ),
            (
                "more calls may show it of the current one",
                limits(json!("no"), json!("unsure")),
                unclear(),
            ),
            ("the same beside the others", perhaps_beside, unclear()),
            (
                "an older outcome does not say",
                limits(Value::Null, Value::Null),
                unclear(),
            ),
            (
                "nothing is known of the current one",
                alone,
                Inconclusive(Doubt::CurrentNotMeasured),
            ),
        ];
        for (case, outcome, want) in cases {
            assert_eq!(judged(&outcome, 99.0).decision, want, "case: {case}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_judged() {
        let same = with(&[
            ("/currentMemory", json!(512)),
            ("/improvement", Value::Null),
        ]);
        let alone = with(&[
            ("/sizes", json!([size(512)])),
            ("/improvement", Value::Null),
        ]);
        let failed = with(&[
            ("/sizes/1/status", json!("failed")),
            ("/sizes/1/reason", json!("it died")),
        ]);
        let of_another = with(&[("/improvement/over", json!(512))]);
        let mut unknown = without("currentMemory");
        unknown["improvement"] = Value::Null;
        let cases = [
            ("the best already, measured or not", same, Within),
            (
                "not measured",
                alone,
                Inconclusive(Doubt::CurrentNotMeasured),
            ),
            (
                "failed",
                failed,
                Inconclusive(Doubt::CurrentFailed("it died".to_owned())),
            ),
            (
                "no comparison",
                without("improvement"),
                Inconclusive(Doubt::TooFewSamples),
            ),
            (
                "a comparison with another",
                of_another,
                Inconclusive(Doubt::TooFewSamples),
            ),
            (
                "an older outcome",
                without("currentMemory"),
                Outside(Fault::TooFarFromTheBest),
            ),
            (
                "an older outcome without a comparison",
                unknown,
                Inconclusive(Doubt::CurrentUnknown),
            ),
        ];
        for (case, outcome, want) in cases {
            assert_eq!(judged(&outcome, 5.0).decision, want, "case: {case}");
        }
    }

    #[test]
    fn a_verdict_has_its_numbers() {
        let at = |memory: u32| json!({"memory": memory, "cost": {"duration": 1.0}});
        let month = json!({
            "invocations": 1000, "currency": "USD", "best": at(512), "current": at(1024), "saving": 12.5, "notes": [],
        });
        let saving = judged(&with(&[("/monthly", month)]), 5.0).monthly_saving;
        let verdict = judged(&found(), 5.0);
        assert_eq!(
            (verdict.percent, verdict.at_least_percent),
            (Some(20.0), Some(15.0))
        );
        assert_eq!(
            (verdict.current.map(MemoryMb::get), verdict.best.get()),
            (Some(1024), 512)
        );
        assert_eq!(
            saving.map(|saving| (saving.amount, saving.currency)),
            Some((12.5, "USD".to_owned()))
        );
        let written = serde_json::to_value(&verdict).expect("JSON");
        assert_eq!(
            written["decision"],
            json!({"name": "outside", "reason": "tooFarFromTheBest"})
        );
    }

    proptest! {
        /// Whoever tolerates more is never told worse, and chance is never called a fault.
        #[test]
        fn more_tolerance_never_makes_it_worse(
            percent in -50.0..100.0_f64,
            least in prop::option::of(-80.0..100.0_f64),
            tolerance in 0.0..100.0_f64,
            more in 0.0..50.0_f64,
            is_current_best in any::<bool>(),
        ) {
            let current = if is_current_best { 512 } else { 1024 };
            let improvement = json!({"over": current, "percent": percent, "atLeastPercent": least});
            let outcome = with(&[("/currentMemory", json!(current)), ("/improvement", improvement)]);
            let (strict, lenient) = (judged(&outcome, tolerance), judged(&outcome, tolerance + more));
            if strict.decision == Decision::Within {
                prop_assert_eq!(&lenient.decision, &Decision::Within);
            }
            if let Decision::Outside(_) = strict.decision {
                prop_assert!(percent > tolerance && least.is_some_and(|least| least > 0.0));
            }
        }
    }
}
