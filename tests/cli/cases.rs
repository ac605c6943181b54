//! The cases. Each says in its name what is guaranteed.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::harness::{Bench, Ended, end, interrupt, wait_until};

pub type Case = fn(&Bench) -> Result<()>;

macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        pub const ALL: &[(&str, Case)] = &[$((stringify!($name), $name)),+];
    };
}

// Those that wait for long come first: the others run meanwhile.
cases![
    a_second_interruption_leaves_the_clean_up_to_the_stack,
    an_interruption_while_measuring_leaves_nothing_behind,
    an_interruption_while_publishing_leaves_nothing_behind,
    what_takes_too_long_is_stopped_and_cleaned_up_after,
    a_detached_tuning_is_shown_once_it_is_over,
    a_run_shows_what_the_stack_found_in_each_format,
    a_search_is_followed_through_its_rounds,
    a_check_passes_where_the_current_size_is_the_best,
    a_check_fails_where_another_size_is_better,
    a_check_says_what_it_cannot_judge,
    a_function_that_is_not_there_ends_with_2,
    a_tuning_that_fails_ends_with_3,
    a_wrong_state_machine_ends_with_4,
    a_broken_stack_ends_with_3,
    credentials_that_are_missing_end_with_4,
    a_state_machine_is_found_by_its_tag,
    a_clean_up_by_hand_puts_right_what_is_left,
    a_doctor_says_whether_tunings_can_work,
    a_narrow_terminal_is_kept_to,
    a_broken_pipe_is_quiet,
];

/// Its cheapest size is 512 MB, which it has.
fn known_curve() -> Value {
    let points = json!([
        [128, 2000],
        [256, 900],
        [512, 400],
        [1024, 230],
        [3008, 200]
    ]);
    json!({"behaviour": {"duration": {"kind": "points", "points": points}}})
}

/// Each call takes two real seconds.
fn slow() -> Value {
    json!({"timeoutS": 900, "behaviour": {"duration": {"kind": "formula", "baseMs": 100_000}}})
}

const QUICK: &str = "--num 30 --parallel-invocation=5";

fn a_run_shows_what_the_stack_found_in_each_format(bench: &Bench) -> Result<()> {
    let target = bench.function(&known_curve())?;
    let line = format!("run {} {QUICK} --power-values 256,512,1024", target.name);
    let ended = bench
        .run(&format!("{line} --note why"))
        .and_then(|ended| ended.with(0))?;
    ended.says("512 MB")?;
    for step in ["tuning ", "3 of 3 sizes, 90 of 90 samples"] {
        ensure!(ended.err.contains(step), "no `{step}` in {}", ended.err);
    }
    ensure!(!ended.err.contains('\u{1b}'), "{}", ended.err);
    target.is_as_before()?;
    let arn = ended
        .err
        .split_whitespace()
        .find(|word| word.starts_with("arn:"));
    let arn = arn.context("the execution's ARN")?;
    let outcome = bench
        .run(&format!("show {arn} --format json"))?
        .with(0)?
        .json()?;
    ensure!(
        outcome["power"] == 512 && outcome["note"] == "why",
        "{outcome:#}"
    );
    for (format, words) in [
        ("markdown", "### "),
        ("csv", "512"),
        ("html", "<!doctype html>"),
        ("svg", "<svg"),
    ] {
        let shown = bench
            .run(&format!("show {arn} --format {format}"))?
            .with(0)?;
        ensure!(shown.out.contains(words), "{format}: {}", shown.out);
    }
    Ok(())
}

fn a_search_is_followed_through_its_rounds(bench: &Bench) -> Result<()> {
    let target = bench.function(&known_curve())?;
    let ended = bench.run(&format!(
        "run {} --search adaptive --format json",
        target.name
    ))?;
    let ended = ended.with(0)?;
    let outcome = ended.json()?;
    ensure!(outcome["search"] == "adaptive", "{outcome:#}");
    if outcome["rounds"] != 1 {
        ended.says("round ")?;
    }
    target.is_as_before()
}

fn a_check_passes_where_the_current_size_is_the_best(bench: &Bench) -> Result<()> {
    let target = bench.function(&known_curve())?;
    let ended = bench.run(&format!(
        "check {} {QUICK} --power-values 256,512,1024",
        target.name
    ))?;
    ended
        .with(0)?
        .says("512 MB, the current memory, is the best.")?;
    target.is_as_before()
}

fn a_check_fails_where_another_size_is_better(bench: &Bench) -> Result<()> {
    let mut target = bench.function(&known_curve())?;
    target.give(3008)?;
    let line = format!("check {} {QUICK} --power-values 256,512,1024", target.name);
    let ended = bench.run(&format!("{line} --format markdown"))?.with(1)?;
    ensure!(
        ended.out.starts_with("### ❌ The memory is not right"),
        "{}",
        ended.out
    );
    let tolerant = bench.run(&format!("{line} --tolerance 90"))?.with(0)?;
    tolerant.says("is good enough")?;
    ensure!(target.memory()? == 3008, "a check applies nothing");
    target.is_as_before()
}

fn a_check_says_what_it_cannot_judge(bench: &Bench) -> Result<()> {
    let mut target = bench.function(&known_curve())?;
    target.give(1024)?;
    let line = format!(
        "check {} {QUICK} --power-values 256,512 --baseline=false",
        target.name
    );
    bench.run(&line)?.with(5)?.says("was not measured")?;
    bench.run(&format!("{line} --inconclusive pass"))?.with(0)?;
    bench.run(&format!("{line} --inconclusive fail"))?.with(1)?;
    target.is_as_before()
}

fn a_function_that_is_not_there_ends_with_2(bench: &Bench) -> Result<()> {
    for command in ["run", "check", "clean"] {
        let ended = bench
            .run(&format!("{command} nobody-has-this-function"))?
            .with(2)?;
        ended.says("FAILED: FunctionNotFound")?;
        ensure!(ended.out.is_empty(), "{}", ended.out);
    }
    // What is wrong with an input shows before anything is started.
    bench
        .run("check f --num 2")?
        .with(2)?
        .says("`--num`: 2 is not")
}

/// What cannot be tuned as it is, is no fault of the command line.
fn a_tuning_that_fails_ends_with_3(bench: &Bench) -> Result<()> {
    let mut spec = known_curve();
    spec["tenantIsolation"] = json!(true);
    let target = bench.function(&spec)?;
    for command in ["run", "check"] {
        let ended = bench.run(&format!("{command} {}", target.name))?.with(3)?;
        ended.says("FAILED: UnsupportedFunction")?;
        ensure!(ended.out.is_empty(), "{}", ended.out);
    }
    target.is_as_before()
}

fn a_wrong_state_machine_ends_with_4(bench: &Bench) -> Result<()> {
    let arn = bench.local.state_machine_arn();
    let named = bench.run("check f --state-machine nobodys")?.with(4)?;
    named.says("there is no state machine with the name `nobodys`")?;
    named.says(arn)?;
    let missing = format!("{arn}-that-is-not-there");
    let missing = bench
        .run(&format!("run f --state-machine {missing}"))?
        .with(4)?;
    missing.says("there is no state machine")?;
    let unreachable = bench
        .run("run f --endpoint-url http://127.0.0.1:1")?
        .with(4)?;
    unreachable.says("cannot be reached at http://127.0.0.1:1")
}

/// Its name does not end as the tuner's does: other cases look for that.
fn a_broken_stack_ends_with_3(bench: &Bench) -> Result<()> {
    let task = "arn:aws:lambda:us-east-1:123456789012:function:nobody-has-this-function";
    let definition = json!({"StartAt": "Initializer", "States": {
        "Initializer": {"Type": "Task", "Resource": task, "End": true},
    }});
    let request = json!({
        "name": "broken", "definition": definition.to_string(), "roleArn": "arn:aws:iam::123456789012:role/broken",
    });
    bench
        .local
        .aws()
        .call("states", "AWSStepFunctions.CreateStateMachine", &request)?;
    let ended = bench.run("run f --state-machine broken")?.with(3)?;
    ended.says("the execution ended FAILED")
}

fn credentials_that_are_missing_end_with_4(bench: &Bench) -> Result<()> {
    let mut command = bench.command("check f");
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    let ended = Ended::try_from(command.output()?)?.with(4)?;
    ended.says("no AWS credentials were found")
}

fn a_state_machine_is_found_by_its_tag(bench: &Bench) -> Result<()> {
    let arn = bench.local.state_machine_arn();
    let request = json!({"resourceArn": arn, "tags": [{"key": "team", "value": bench.case}]});
    bench
        .local
        .aws()
        .call("states", "AWSStepFunctions.TagResource", &request)?;
    let target = bench.function(&known_curve())?;
    let machine = format!("--state-machine team={}", bench.case);
    let ended = bench
        .run(&format!(
            "run {} --dry-run --verbose {machine}",
            target.name
        ))?
        .with(0)?;
    ended.says(&format!("the state machine is {arn}\n"))?;
    target.is_as_before()
}

fn a_detached_tuning_is_shown_once_it_is_over(bench: &Bench) -> Result<()> {
    let target = bench.function(&slow())?;
    let line = format!("run {} --num 5 --power-values 512 --detach", target.name);
    let started = bench.run(&line)?.with(0)?;
    let arn = started.out.trim();
    ensure!(
        arn.starts_with("arn:") && started.out.lines().count() == 1,
        "{started:#?}"
    );
    ensure!(!started.err.contains(arn), "twice: {started:#?}");
    started.says("power-tuner show --wait")?;
    let running = bench.run(&format!("show {arn}"))?.with(5)?;
    running.says("still running")?;
    running.says(&format!("`power-tuner show --wait {arn}`"))?;
    let followed = bench.run(&format!("show --wait {arn}"))?.with(0)?;
    followed.says("512 MB")?;
    ensure!(!bench.local.aws().describe_execution(arn)?.is_running());
    bench.run(&format!("show {arn}"))?.with(0)?.says("512 MB")?;
    target.is_as_before()
}

/// The tool has waited for the clean-up's answer, so that there is nothing to wait for afterwards.
fn an_interruption_while_measuring_leaves_nothing_behind(bench: &Bench) -> Result<()> {
    let target = bench.function(&slow())?;
    let child = bench.spawn(&format!("run {} --power-values 128,512", target.name))?;
    target.is_called()?;
    interrupt(&child)?;
    let ended = end(child)?.with(130)?;
    ended.says("the tuning was stopped, and nothing of it is left")?;
    ensure!(ended.out.is_empty(), "{}", ended.out);
    target.is_as_before()
}

fn an_interruption_while_publishing_leaves_nothing_behind(bench: &Bench) -> Result<()> {
    let mut spec = known_curve();
    // Each update takes a real second.
    spec["updateMs"] = json!(50_000);
    let target = bench.function(&spec)?;
    let child = bench.spawn(&format!("run {} --power-values 128,1024,3008", target.name))?;
    wait_until(|| Ok(target.memory()? != 512))?;
    interrupt(&child)?;
    let ended = end(child)?.with(130)?;
    ended.says("interrupted: ")?;
    // A clean-up may leave alone what the publisher, which lives on, still holds; then it says so.
    if ended.err.contains("nothing of it is left") {
        return target.is_as_before();
    }
    ended.says("makes sure")?;
    target.becomes_as_before()
}

fn a_second_interruption_leaves_the_clean_up_to_the_stack(bench: &Bench) -> Result<()> {
    let target = bench.function(&slow())?;
    let mut command = bench.command(&format!("run {} --power-values 128,512", target.name));
    let file = std::env::temp_dir().join(format!("{}-{}.err", bench.case, std::process::id()));
    let child = command
        .stdout(fs::File::create(&file)?)
        .stderr(fs::File::create(&file)?)
        .spawn()?;
    target.is_called()?;
    interrupt(&child)?;
    wait_until(|| Ok(fs::read_to_string(&file)?.contains("stopping the tuning")))?;
    interrupt(&child)?;
    let begun = Instant::now();
    let ended = end(child)?.with(130)?;
    ensure!(
        begun.elapsed() < Duration::from_secs(30),
        "it waited: {ended:#?}"
    );
    let said = fs::read_to_string(&file)?;
    fs::remove_file(&file)?;
    ensure!(said.contains("interrupted: "), "{said}");
    target.becomes_as_before()
}

fn what_takes_too_long_is_stopped_and_cleaned_up_after(bench: &Bench) -> Result<()> {
    let target = bench.function(&slow())?;
    let ended = bench
        .run(&format!("check {} --timeout 10s", target.name))?
        .with(3)?;
    ended.says("not over within the time of `--timeout`")?;
    target.becomes_as_before()
}

/// The lock of an execution that there never was, whose time is over.
fn a_clean_up_by_hand_puts_right_what_is_left(bench: &Bench) -> Result<()> {
    let target = bench.function(&known_curve())?;
    let clean = bench.run(&format!("clean {}", target.name))?.with(0)?;
    clean.says("is clean.")?;
    target.is_as_before()?;
    let machine = bench.local.state_machine_arn();
    let gone = machine.replace(":stateMachine:", ":execution:") + ":" + bench.case;
    let functions = format!("/2015-03-31/functions/{}", target.name);
    let simulator = bench.local.simulator();
    let change = json!({"MemorySize": 128});
    simulator.request("PUT", &format!("{functions}/configuration"), Some(&change))?;
    let lock = json!({
        "Name": "power-tuner-lock", "FunctionVersion": "$LATEST", "Description": format!("512>128 until 1, {gone}"),
    });
    simulator.request("POST", &format!("{functions}/aliases"), Some(&lock))?;
    let clean = bench
        .run(&format!("clean {} --format json", target.name))?
        .with(0)?
        .json()?;
    ensure!(clean["clean"]["restored"] == 512, "{clean:#}");
    target.is_as_before()
}

fn a_doctor_says_whether_tunings_can_work(bench: &Bench) -> Result<()> {
    let target = bench.function(&known_curve())?;
    let found = bench.run(&format!("doctor {} --format json", target.name))?;
    let code = found.code;
    let found = found.json()?;
    let healthy = found["doctor"]["healthy"].as_bool().context("`healthy`")?;
    ensure!(code == Some(i32::from(!healthy)), "{code:?}: {found:#}");
    ensure!(healthy, "{found:#}");
    let missing = bench.run("doctor nobody-has-this-function")?.with(1)?;
    ensure!(missing.out.contains("problem"), "{}", missing.out);
    target.is_as_before()
}

fn a_narrow_terminal_is_kept_to(bench: &Bench) -> Result<()> {
    const COLUMNS: usize = 40;
    let target = bench.function(&known_curve())?;
    let mut command = bench.command(&format!(
        "run {} {QUICK} --power-values 256,512",
        target.name
    ));
    let ended = Ended::try_from(command.env("COLUMNS", COLUMNS.to_string()).output()?)?.with(0)?;
    // A link cannot be broken.
    let mut lines = ended.out.lines().filter(|line| !line.contains("https://"));
    let long = lines.find(|line| line.chars().count() > COLUMNS);
    ensure!(long.is_none(), "{long:?} in {}", ended.out);
    Ok(())
}

fn a_broken_pipe_is_quiet(bench: &Bench) -> Result<()> {
    let target = bench.function(&known_curve())?;
    let (reader, writer) = std::io::pipe()?;
    drop(reader);
    let mut command = bench.command(&format!("run {} --dry-run --quiet", target.name));
    let child = command
        .stdout(writer)
        .stderr(std::process::Stdio::piped())
        .spawn()?;
    let ended = end(child)?.with(0)?;
    ensure!(ended.err.is_empty(), "{}", ended.err);
    target.is_as_before()
}
