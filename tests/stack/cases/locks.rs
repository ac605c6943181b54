//! Tunings of one function at a time: the lock, and what becomes of one that is left.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::{contains, known_curve, slow};
use crate::given::LONGEST_WAIT_S;
use crate::harness::{Bench, LOCK, Target, failed, now_s, wait_until};

const HOUR_S: u64 = 3_600;
/// So long after its time nobody else touches a lock: clocks differ.
const GRACE_S: u64 = 10;

pub fn two_tunings_of_one_function_at_once_both_succeed(bench: &Bench) -> Result<()> {
    tunings_at_once(bench, 2)
}

pub fn eight_tunings_of_one_function_at_once_all_succeed(bench: &Bench) -> Result<()> {
    tunings_at_once(bench, 8)
}

fn tunings_at_once(bench: &Bench, tunings: usize) -> Result<()> {
    let target = bench.function(known_curve())?;
    let mut executions = Vec::new();
    for _ in 0..tunings {
        executions.push(target.start(json!({"powerValues": [256, 512, 1024]}))?);
    }
    for execution in &executions {
        let outcome = bench.outcome_of(execution)?;
        ensure!(outcome["power"] == 512, "{outcome:#}");
        for size in outcome["sizes"].as_array().into_iter().flatten() {
            ensure!(
                size["status"] == "measured" && size["calls"] == 5,
                "{size:#}"
            );
        }
    }
    ensure!(
        target.calls()? == 15 * u64::try_from(tunings)?,
        "{}",
        target.calls()?
    );
    target.is_as_before()
}

pub fn a_publisher_that_dies_is_cleaned_up_after_when_its_time_is_over(
    bench: &Bench,
) -> Result<()> {
    let target = bench.function(known_curve())?;
    // Nobody answers it any more once it has changed the function; Lambda ends it when its time is over.
    let no_answer = json!({"delayMs": 5_000_000});
    let reads = "GetFunctionConfiguration";
    target.fault(json!({"action": reads, "nth": 5, "times": 3, "fault": no_answer}))?;
    let execution = target.start(json!({"powerValues": [256, 1024]}))?;
    wait_until(|| Ok(target.memory()? == 256))?;
    let lock = target.locked()?;
    wait_until(|| Ok(target.locked()? != lock))?;
    is_late_enough(until_s(&lock.unwrap_or_default())?)?;
    let (error, cause) = failed(bench.end_of(&execution)?)?;
    ensure!(error == "Sandbox.Timedout", "{error}: {cause}");
    target.is_untouched()
}

fn is_late_enough(until_s: u64) -> Result<()> {
    let (now_s, free_s) = (now_s()?, until_s + GRACE_S);
    ensure!(
        now_s > free_s,
        "at {now_s} it was taken over, and not after {free_s}"
    );
    Ok(())
}

/// What a lock says about its time.
fn until_s(lock: &str) -> Result<u64> {
    let digits = lock
        .split_once(" until ")
        .and_then(|(_, rest)| rest.split_once(", "))
        .map(|(until_s, _)| until_s);
    Ok(digits.unwrap_or_default().parse()?)
}

pub fn a_lock_that_is_held_for_too_long_is_an_error_with_a_way_out(bench: &Bench) -> Result<()> {
    let busy = bench.another_function("busy", slow(100_000))?;
    let living = busy.start(json!({"powerValues": [128], "num": 80}))?;
    let dead = bench.gone_execution();
    let (past, future) = (now_s()? - HOUR_S, now_s()? + HOUR_S);
    let cases = [
        ("1", past, &living),
        ("2", future, &living),
        ("3", future, &dead),
    ];
    let mut waiting = Vec::new();
    for (name, until_s, holder) in cases {
        let target = bench.another_function(name, known_curve())?;
        let lock = target.lock("512", until_s, holder)?;
        let execution = target.start(json!({"powerValues": [256, 1024]}))?;
        waiting.push((target, lock, holder, execution));
    }
    for (target, lock, holder, execution) in waiting {
        let (error, cause) = failed(bench.end_of(&execution)?)?;
        ensure!(error == "TuningInProgress", "{error}: {cause}");
        let arn = format!(
            "arn:aws:lambda:us-east-1:123456789012:function:{}",
            target.name
        );
        let waited_s: u64 = cause
            .split_once(&format!("`{holder}` locked it and still held it after "))
            .and_then(|(_, rest)| rest.split_once(" s of waiting"))
            .with_context(|| format!("who, and for how long: {cause}"))?
            .0
            .parse()?;
        ensure!(
            waited_s >= LONGEST_WAIT_S - 1,
            "it waited for {waited_s} s only"
        );
        contains(
            &cause,
            &format!(
                "put it back by hand: aws lambda update-function-configuration --region us-east-1 --function-name {arn} \
                 --memory-size 512 && aws lambda delete-alias --region us-east-1 --function-name {arn} --name {LOCK}"
            ),
        )?;
        ensure!(target.locked()? == Some(lock), "the lock is its holder's");
        ensure!(target.changes()? == 0, "nobody changed it");
        target.unlock()?;
        target.is_untouched()?;
    }
    bench.stop(&living)?;
    busy.becomes_as_before()
}

pub fn a_lock_of_a_dead_execution_is_taken_over_and_restored_from(bench: &Bench) -> Result<()> {
    let target = left_at_128_mb(bench, now_s()? - HOUR_S)?;
    let (_, outcome) = target.tune(json!({"powerValues": [256, 512, 1024]}))?;
    ensure!(outcome["power"] == 512, "{outcome:#}");
    target.is_as_before()
}

pub fn a_lock_of_a_dead_execution_is_not_taken_over_before_its_time(bench: &Bench) -> Result<()> {
    let until_s = now_s()? + 3;
    let target = left_at_128_mb(bench, until_s)?;
    let lock = target.locked()?;
    let execution = target.start(json!({"powerValues": [256, 512]}))?;
    wait_until(|| Ok(target.locked()? != lock))?;
    is_late_enough(until_s)?;
    bench.outcome_of(&execution)?;
    target.is_as_before()
}

pub fn a_size_that_is_not_in_the_lock_is_somebody_elses_and_stays(bench: &Bench) -> Result<()> {
    let mut target = bench.function(known_curve())?;
    target.configure(&json!({"MemorySize": 2048}))?;
    target.remember()?;
    target.lock("512>128>256", now_s()? - HOUR_S, &bench.gone_execution())?;
    let cleaned = bench.clean(&json!({"function": target.name}))?;
    ensure!(cleaned["left"].is_null(), "{cleaned:#}");
    target.is_untouched()
}

/// A function with 512 MB that an execution which is no more has left with 128 MB, and locked.
fn left_at_128_mb<'a>(bench: &'a Bench<'a>, until_s: u64) -> Result<Target<'a>> {
    let target = bench.function(known_curve())?;
    target.configure(&json!({"MemorySize": 128}))?;
    target.lock("512>128", until_s, &bench.gone_execution())?;
    Ok(target)
}

pub fn an_alias_of_the_users_with_the_locks_name_is_refused(bench: &Bench) -> Result<()> {
    let mut target = bench.function(known_curve())?;
    let version = target.publish("release 7")?;
    target.point(LOCK, &version)?;
    target.remember()?;
    let published = target.changes()?;
    let (error, cause) = target.fail_to_tune(json!({"powerValues": [256, 1024]}))?;
    ensure!(error == "TuningInProgress", "{error}: {cause}");
    contains(
        &cause,
        "it has an alias `power-tuner-lock` that no power tuner made",
    )?;
    ensure!(target.changes()? == published, "it was changed");
    target.is_untouched()
}

pub fn a_tuning_stopped_while_it_waits_changes_nothing_in_its_turn(bench: &Bench) -> Result<()> {
    let target = bench.function(known_curve())?;
    let lock = target.lock("512", now_s()? + HOUR_S, &bench.gone_execution())?;
    let execution = target.start(json!({"powerValues": [256, 1024]}))?;
    // The first step looks for a lock once; from the second time on it is the publisher that waits.
    wait_until(|| Ok(target.count("GetAlias")? > 2))?;
    bench.stop(&execution)?;
    ensure!(target.locked()? == Some(lock), "the lock is its holder's");
    target.unlock()?;
    // Whoever got it has given it back.
    wait_until(|| Ok(target.count("DeleteAlias")? == 2))?;
    ensure!(target.changes()? == 0, "it was changed");
    target.is_untouched()
}
