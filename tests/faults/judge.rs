//! Whether a story ended as it must.

use e2e::Failure;
use power_tuner_core::TuneError;
use serde_json::Value;

use crate::fault::{Fault, Lost};
use crate::mode::Mode;
use crate::world::{Ended, World};

/// What is wrong; nothing if all is well.
pub fn judge(world: &World, ends: &[Ended], cleaned: &Result<Value, Failure>) -> Vec<String> {
    let mut wrong = world.ledger(|ledger| ledger.broken.clone());
    for (tuning, ended) in ends.iter().enumerate() {
        let why = match ended {
            Ended::Stopped => None,
            Ended::Itself(Ok(outcome)) => outcome_is_wrong(world, tuning, outcome),
            Ended::Itself(Err(failure)) => failure_is_wrong(world, tuning, failure),
        };
        wrong.extend(why.map(|why| format!("execution {tuning}: {why}: {ended:?}")));
    }
    match cleaned {
        Ok(cleaned) if cleaned.get("left").is_none() => {}
        other => wrong.push(format!("the clean-up by hand: {other:?}")),
    }
    let succeeded: Vec<usize> = (0..ends.len())
        .filter(|tuning| matches!(ends[*tuning], Ended::Itself(Ok(_))))
        .collect();
    match world.now() {
        Some(now) => wrong.extend(world.ledger(|ledger| ledger.differences(&now, &succeeded))),
        None => wrong.push("the function is gone".to_owned()),
    }
    wrong
}

fn outcome_is_wrong(world: &World, tuning: usize, outcome: &Value) -> Option<String> {
    let mode = world.story.tunings[tuning].mode;
    let sizes = outcome["sizes"].as_array().map(Vec::as_slice);
    let sizes = sizes.unwrap_or_default();
    let measured: Vec<u64> = sizes
        .iter()
        .filter(|size| size["status"] == "measured")
        .filter_map(|size| size["memory"].as_u64())
        .collect();
    let power = outcome["power"].as_u64().unwrap_or_default();
    // A search makes its own list, between the two sizes of its mode, and begins with both.
    let all_there = match mode {
        Mode::Search => mode.sizes().iter().all(|asked| {
            let is_in = |size: &Value| size["memory"] == *asked;
            sizes.iter().any(is_in)
        }),
        _ => sizes.len() == mode.sizes().len(),
    };
    if !all_there || !measured.contains(&power) {
        return Some("a size is missing".to_owned());
    }
    // Only what met an executor's calls may cost a size.
    let is_met = world
        .met()
        .iter()
        .any(|met| met.by.function == "Executor" || met.fault.lasts());
    if measured.len() != sizes.len() && !is_met {
        return Some("a size failed, and nothing was in its way".to_owned());
    }
    if mode != Mode::Optimize {
        return None;
    }
    let with_alias = world.story.tunings[tuning].with_alias;
    // Whom the owner overtook at the last moment has applied it all the same.
    let is_applied = world.ledger(|ledger| {
        let left = || ledger.at_release.iter().filter(|(by, ..)| *by == tuning);
        left().any(|(_, size, _)| *size == power)
            && (!with_alias || left().any(|(.., live)| *live == Some(power)))
    });
    let says_so = outcome["optimization"]["to"] == power;
    (!is_applied || !says_so).then(|| "what it says was applied was not".to_owned())
}

fn failure_is_wrong(world: &World, tuning: usize, failure: &Failure) -> Option<String> {
    let Failure { error, cause } = failure;
    let is_lost = world.met().iter().any(|met| {
        met.by.tuning == Some(tuning) && matches!(met.fault, Fault::Process(_, Lost::Caught))
    });
    let is_ours = TuneError::NAMES.contains(&error.as_str());
    let is_known = is_ours || (is_lost && error == "Lambda.Unknown");
    if !is_known {
        return Some("the error has no name of ours".to_owned());
    }
    if world.story.is_quiet()
        && world
            .story
            .tunings
            .iter()
            .all(|each| each.mode != Mode::Optimize)
    {
        return Some("nothing was in its way".to_owned());
    }
    let others_apply = world
        .story
        .tunings
        .iter()
        .enumerate()
        .any(|(other, each)| other != tuning && each.mode == Mode::Optimize);
    let is_changed = world.ledger(|ledger| ledger.deeds > 0) || others_apply;
    if error == "FunctionChanged" && !is_changed {
        return Some("nobody changed it".to_owned());
    }
    if error == "TuningInProgress" && world.story.tunings.len() == 1 && world.met().is_empty() {
        return Some("there is no other".to_owned());
    }
    let says_so = cause.contains("the best size was applied all the same");
    let was_pointed = world.ledger(|ledger| ledger.pointed.contains_key(&tuning));
    if says_so && !was_pointed {
        return Some("nothing was applied".to_owned());
    }
    // A cleaner that may not look, or that is lost, cannot say so.
    let may_miss = world
        .met()
        .iter()
        .any(|met| met.by.function == "Cleaner" || met.fault.lasts());
    let is_pointed = world.ledger(|ledger| ledger.still_points_at_what_was_applied_by(tuning));
    (is_pointed && !says_so && !may_miss).then(|| "it does not say what was applied".to_owned())
}
