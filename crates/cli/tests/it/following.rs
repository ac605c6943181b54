//! Tunings that are started, followed, stopped and left.

use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::step_functions::{Answer, StepFunctions, described, execution};
use crate::tool::{Ended, outcome};

/// One whose tunings go on for ever. `clean` is how its clean-ups are.
fn endless(clean: &'static str) -> StepFunctions {
    StepFunctions::playing(move |operation, body, _| {
        let arn = &body["executionArn"];
        let is_clean_up = arn.as_str().is_some_and(|arn| arn.contains(":clean-"));
        let failed = json!({"error": "AccessDenied", "cause": "it may not be read"});
        match (operation, is_clean_up) {
            ("DescribeExecution", false) => Some(Answer::Is(described(arn, "RUNNING", &json!({})))),
            ("DescribeExecution", true) if clean != "SUCCEEDED" => {
                Some(Answer::Is(described(arn, clean, &failed)))
            }
            _ => None,
        }
    })
}

fn spawn(step_functions: &StepFunctions, line: &str) -> Child {
    let mut command = step_functions.command(line);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

fn interrupt(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process"), Signal::INT).expect("it takes signals");
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        sleep(Duration::from_millis(20));
    }
}

fn end(child: Child) -> Ended {
    child.wait_with_output().expect("it ends").into()
}

/// The input of the last clean-up that was started.
fn clean_up(step_functions: &StepFunctions) -> Option<Value> {
    let inputs = step_functions.asked("StartExecution").into_iter();
    let mut inputs = inputs.filter_map(|start| serde_json::from_str(start["input"].as_str()?).ok());
    inputs.rfind(|input: &Value| input["clean"].is_string())
}

#[test]
fn a_tuning_is_followed_to_its_result() {
    let events = |before: usize| {
        let input = json!({"round": {"number": 1, "sizes": [{"memory": 128, "wanted": 5, "progress": {}}]}});
        let event = |id: usize, kind: &str, details: &str, body: Value| json!({"id": id, "type": kind, "timestamp": 1.7e9, details: body});
        let measured = json!({"memory": 128, "wanted": 5, "progress": {"summary": {"samples": 5}, "tally": {}}});
        let all = [
            event(
                3,
                "TaskStateExited",
                "stateExitedEventDetails",
                json!({"name": "Executor", "output": measured.to_string()}),
            ),
            event(
                2,
                "MapStateEntered",
                "stateEnteredEventDetails",
                json!({"name": "Measure", "input": input.to_string()}),
            ),
            event(
                1,
                "TaskStateEntered",
                "stateEnteredEventDetails",
                json!({"name": "Initializer", "input": "{}"}),
            ),
        ];
        // The newest come first, and there is one more each time.
        json!({"events": all[2_usize.saturating_sub(before)..]})
    };
    let step_functions = StepFunctions::playing(move |operation, body, before| match operation {
        "DescribeExecution" if before < 3 => Some(Answer::Is(described(
            &body["executionArn"],
            "RUNNING",
            &json!({}),
        ))),
        "GetExecutionHistory" => Some(Answer::Is(events(before))),
        _ => None,
    });
    let ended = step_functions
        .run("run my-function --num 5 --note why")
        .with(0);
    assert!(
        ended.out.contains("Give my-function 512 MB"),
        "{}",
        ended.out
    );
    let steps = [
        "tuning my-function: arn:",
        "checking and planning",
        "measuring, 0 of 1 sizes",
        "measuring, 1 of 1 sizes, 5 of 5 samples",
    ];
    let mut rest = ended.err.as_str();
    for step in steps {
        let (_, after) = rest
            .split_once(step)
            .unwrap_or_else(|| panic!("no `{step}` in {}", ended.err));
        rest = after;
    }
    assert!(!ended.err.contains('\u{1b}'), "{}", ended.err);
    let started = step_functions.asked("StartExecution").remove(0);
    let input: Value =
        serde_json::from_str(started["input"].as_str().expect("an input")).expect("JSON");
    assert_eq!(
        input,
        json!({"lambdaARN": "my-function", "num": 5, "note": "why"})
    );
    let quiet = step_functions.run("run my-function --quiet").with(0);
    assert_eq!(quiet.err, "");
    let verbose = step_functions.run("run my-function --verbose").with(0);
    assert!(
        verbose.err.starts_with("the state machine is arn:"),
        "{}",
        verbose.err
    );
}

#[test]
fn what_the_stack_refuses_is_the_command_lines_fault() {
    let step_functions = StepFunctions::playing(|operation, body, _| {
        let failed = json!({"error": "FunctionNotFound", "cause": "function `f` was not found; check its name"});
        let described = described(&body["executionArn"], "FAILED", &failed);
        (operation == "DescribeExecution").then_some(Answer::Is(described))
    });
    for line in ["run f", "check f", "clean f", "doctor f"] {
        let ended = step_functions.run(line).with(2);
        assert!(
            ended
                .err
                .contains("FAILED: FunctionNotFound\nfunction `f` was not found"),
            "{}",
            ended.err
        );
        assert_eq!(ended.out, "");
    }
}

#[test]
fn a_failed_tuning_says_why() {
    let step_functions = StepFunctions::playing(|operation, body, _| {
        let failed =
            json!({"error": "NoMeasurements", "cause": "no size gave a result:\n  \u{1b}[2Jdied"});
        let described = described(&body["executionArn"], "FAILED", &failed);
        (operation == "DescribeExecution").then_some(Answer::Is(described))
    });
    for line in ["run f", "check f"] {
        let ended = step_functions.run(line).with(3);
        // What a function printed does not steer the terminal.
        let words = "FAILED: NoMeasurements\nno size gave a result:\n   [2Jdied\n";
        assert!(ended.err.ends_with(words), "{}", ended.err);
        assert_eq!(ended.out, "");
    }
}

#[test]
fn an_execution_is_followed_by_whoever_waits_for_it() {
    let arn = execution("f-1");
    let step_functions = StepFunctions::playing(|operation, body, before| match operation {
        "DescribeExecution" if before < 3 => {
            let begun = json!({"startDate": since_1970() - 754});
            let running = described(&body["executionArn"], "RUNNING", &begun);
            Some(Answer::Is(running))
        }
        "GetExecutionHistory" => Some(Answer::Is(json!({"events": [{
            "id": 1, "type": "TaskStateEntered", "timestamp": 1.7e9,
            "stateEnteredEventDetails": {"name": "Publisher", "input": "{}"},
        }]}))),
        _ => None,
    });
    let shown = step_functions.run(&format!("show {arn}")).with(5);
    let words = "still running, for 12:3";
    assert!(shown.err.contains(words), "{}", shown.err);
    let words = format!(
        ": publishing versions; follow it with `power-tuner show --wait {arn}`, or look again later"
    );
    assert!(shown.err.contains(&words), "{}", shown.err);
    let followed = step_functions.run(&format!("show {arn} --wait")).with(0);
    assert!(followed.out.contains("512 MB"), "{}", followed.out);
    let words = "12:3";
    assert!(followed.err.contains(words), "{}", followed.err);
    assert!(
        followed.err.contains("  publishing versions"),
        "{}",
        followed.err
    );

    // Who only looks stops nothing.
    let step_functions = endless("SUCCEEDED");
    let late = step_functions.run(&format!("show {arn} --wait --timeout 1s"));
    let late = late.with(5);
    assert!(late.err.contains("the execution goes on"), "{}", late.err);
    let child = spawn(&step_functions, &format!("show {arn} --wait"));
    let looks = step_functions.asked("DescribeExecution").len();
    wait_until("followed", || {
        step_functions.asked("DescribeExecution").len() > looks + 1
    });
    interrupt(&child);
    let ended = end(child).with(130);
    assert!(ended.err.contains("the execution goes on"), "{}", ended.err);
    assert!(step_functions.asked("StopExecution").is_empty());
    assert!(step_functions.asked("StartExecution").is_empty());
}

fn since_1970() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("after it").as_secs()
}

#[test]
fn a_check_measures_the_current_size() {
    let step_functions = StepFunctions::playing(|_, _, _| None);
    step_functions.run("check f --num 5").with(1);
    step_functions
        .run("check f --num 5 --baseline=false --tolerance 20")
        .with(0);
    let inputs: Vec<Value> = step_functions
        .asked("StartExecution")
        .iter()
        .map(|start| {
            serde_json::from_str(start["input"].as_str().expect("an input")).expect("JSON")
        })
        .collect();
    let with = |baseline: bool| json!({"lambdaARN": "f", "num": 5, "baseline": baseline});
    assert_eq!(inputs, [with(true), with(false)]);
}

#[test]
fn who_detaches_gets_the_arn_alone() {
    let step_functions = StepFunctions::playing(|_, _, _| None);
    let ended = step_functions.run("run f --detach --quiet").with(0);
    assert!(
        ended
            .out
            .starts_with("arn:aws:states:us-east-1:123456789012:execution:power-tuner-tuner:f-"),
        "{}",
        ended.out
    );
    assert_eq!((ended.out.lines().count(), ended.err.as_str()), (1, ""));
    assert!(step_functions.asked("DescribeExecution").is_empty());
    let told = step_functions.run("run f --detach").with(0);
    let words = "started; `power-tuner show --wait` with this ARN follows it to its result\n";
    assert_eq!(told.err, words);
}

#[test]
fn the_first_interruption_stops_and_cleans_up() {
    let step_functions = endless("SUCCEEDED");
    let child = spawn(
        &step_functions,
        "run arn:aws:lambda:us-east-1:123456789012:function:f:live --num 5",
    );
    wait_until("followed", || {
        step_functions.asked("DescribeExecution").len() > 1
    });
    interrupt(&child);
    let ended = end(child).with(130);
    assert_eq!(step_functions.asked("StopExecution").len(), 1);
    let clean = json!({"clean": "arn:aws:lambda:us-east-1:123456789012:function:f"});
    assert_eq!(clean_up(&step_functions), Some(clean));
    assert!(
        ended
            .err
            .ends_with("interrupted: the tuning was stopped, and nothing of it is left\n"),
        "{}",
        ended.err
    );
    assert_eq!(ended.out, "");
}

/// The step that was stopped ends later than the execution, and holds the lock until then.
#[test]
fn a_clean_up_that_comes_too_early_is_made_once_more() {
    let (tuning, first) = (Mutex::new(None), Mutex::new(None));
    let step_functions = StepFunctions::playing(move |operation, body, _| {
        let arn = &body["executionArn"];
        let name = arn.as_str().filter(|_| operation == "DescribeExecution")?;
        if !name.contains(":clean-") {
            *tuning.lock().expect("sound") = Some(name.to_owned());
            return Some(Answer::Is(described(arn, "RUNNING", &json!({}))));
        }
        let mut first = first.lock().expect("sound");
        let is_first = first.get_or_insert_with(|| name.to_owned()) == name;
        let holder = tuning.lock().expect("sound").clone().expect("a tuning");
        let left = json!({"clean": {"function": "arn:f", "deleted": [], "adopted": [],
            "left": [format!("the lock: `{holder}` locked it and still held it")]}});
        let output = json!({"output": left.to_string()});
        is_first.then(|| Answer::Is(described(arn, "SUCCEEDED", &output)))
    });
    let child = spawn(&step_functions, "run f");
    wait_until("followed", || {
        step_functions.asked("DescribeExecution").len() > 1
    });
    interrupt(&child);
    let ended = end(child).with(130);
    let inputs = step_functions.asked("StartExecution");
    let clean_ups = inputs.iter().filter(|start| {
        start["input"]
            .as_str()
            .is_some_and(|input| input.contains("clean"))
    });
    assert_eq!(clean_ups.count(), 2);
    assert!(
        ended
            .err
            .ends_with("the tuning was stopped, and nothing of it is left\n"),
        "{}",
        ended.err
    );
}

/// It ends between two looks, and somebody gives up just then.
#[test]
fn who_interrupts_what_has_just_ended_gets_its_outcome() {
    const LOOKS: usize = 3;
    let found = json!({"output": outcome().to_string()});
    let step_functions = StepFunctions::playing(move |operation, body, nth| {
        let arn = &body["executionArn"];
        match (operation, nth) {
            ("DescribeExecution", ..LOOKS) => {
                Some(Answer::Is(described(arn, "RUNNING", &json!({}))))
            }
            ("DescribeExecution", _) => Some(Answer::Is(described(arn, "SUCCEEDED", &found))),
            _ => None,
        }
    });
    let child = spawn(&step_functions, "run f --format json");
    wait_until("followed", || {
        step_functions.asked("DescribeExecution").len() == LOOKS
    });
    interrupt(&child);
    let ended = end(child).with(0);
    assert!(step_functions.asked("StopExecution").is_empty());
    assert_eq!(
        serde_json::from_str::<Value>(&ended.out).expect("JSON"),
        outcome()
    );
}

#[test]
fn the_second_interruption_does_not_wait() {
    let step_functions = endless("RUNNING");
    let child = spawn(&step_functions, "run f");
    wait_until("followed", || {
        step_functions.asked("DescribeExecution").len() > 1
    });
    interrupt(&child);
    wait_until("a clean-up", || clean_up(&step_functions).is_some());
    let looks = step_functions.asked("DescribeExecution").len();
    wait_until("waiting", || {
        step_functions.asked("DescribeExecution").len() > looks
    });
    interrupt(&child);
    let ended = end(child).with(130);
    assert!(
        ended
            .err
            .contains("the clean-up goes on, follow it with `power-tuner show --wait arn:"),
        "{}",
        ended.err
    );
}

/// A network that hangs is what people give up on.
#[test]
fn the_second_interruption_is_heard_while_the_clean_up_is_being_started() {
    const HANGS: Duration = Duration::from_secs(15);
    let step_functions = StepFunctions::playing(move |operation, body, _| {
        let asks = |what: &str| body.to_string().contains(what);
        if operation == "StartExecution" && asks("clean-") {
            sleep(HANGS);
        }
        let running = described(&body["executionArn"], "RUNNING", &json!({}));
        (operation == "DescribeExecution").then_some(Answer::Is(running))
    });
    let child = spawn(&step_functions, "run f");
    wait_until("followed", || {
        step_functions.asked("DescribeExecution").len() > 1
    });
    interrupt(&child);
    wait_until("a clean-up", || clean_up(&step_functions).is_some());
    let begun = Instant::now();
    interrupt(&child);
    let ended = end(child).with(130);
    assert!(begun.elapsed() < HANGS / 3, "it waited: {ended:#?}");
    assert!(
        ended
            .err
            .ends_with("usually within minutes; `power-tuner clean f` makes sure\n"),
        "{}",
        ended.err
    );
}

/// The same at the beginning, where nobody knows yet whether there is something to stop.
#[test]
fn an_interruption_is_heard_while_the_tuning_is_being_started() {
    const HANGS: Duration = Duration::from_secs(4);
    let hanging = || {
        StepFunctions::playing(move |operation, body, before| {
            if operation == "StartExecution" && before == 0 {
                sleep(HANGS);
            }
            let is_tuning = body.to_string().contains(":f-");
            let running = described(&body["executionArn"], "RUNNING", &json!({}));
            (operation == "DescribeExecution" && is_tuning).then_some(Answer::Is(running))
        })
    };
    let interrupted = |step_functions: &StepFunctions| {
        let child = spawn(step_functions, "run f");
        wait_until("a start", || {
            !step_functions.asked("StartExecution").is_empty()
        });
        interrupt(&child);
        // Long enough for the signal to be taken in, and far below what the answer takes.
        sleep(Duration::from_millis(500));
        child
    };
    let once = hanging();
    let ended = end(interrupted(&once)).with(130);
    assert!(
        ended
            .err
            .ends_with("interrupted: the tuning was stopped, and nothing of it is left\n"),
        "{}",
        ended.err
    );
    assert_eq!(once.asked("StopExecution").len(), 1);

    let twice = hanging();
    let child = interrupted(&twice);
    let begun = Instant::now();
    interrupt(&child);
    let ended = end(child).with(130);
    assert!(begun.elapsed() < HANGS / 2, "it waited: {ended:#?}");
    let name = twice.asked("StartExecution")[0]["name"].clone();
    let arn = execution(name.as_str().expect("a name"));
    let said = format!(
        "interrupted: the tuning may still run; look at it with `power-tuner show --wait {arn}`\n"
    );
    assert!(ended.err.ends_with(&said), "{}", ended.err);
    assert!(twice.asked("StopExecution").is_empty());
}

/// The same before it: the answer whether the tuning is over anyway does not come.
#[test]
fn the_second_interruption_is_heard_while_the_tuning_is_looked_at() {
    const LOOKS: usize = 3;
    // Less than what the tool waits for, so that the end of its patience is not what ends it.
    const HANGS: Duration = Duration::from_secs(4);
    let step_functions = StepFunctions::playing(move |operation, body, nth| {
        if operation == "DescribeExecution" && nth >= LOOKS {
            sleep(HANGS);
        }
        let running = described(&body["executionArn"], "RUNNING", &json!({}));
        (operation == "DescribeExecution").then_some(Answer::Is(running))
    });
    let child = spawn(&step_functions, "run f");
    let looks = |n: usize| step_functions.asked("DescribeExecution").len() >= n;
    wait_until("followed", || looks(LOOKS));
    interrupt(&child);
    wait_until("looked at once more", || looks(LOOKS + 1));
    // Long enough for the first signal to be taken in, and far below what the answer takes.
    sleep(Duration::from_millis(500));
    let begun = Instant::now();
    interrupt(&child);
    let ended = end(child).with(130);
    assert!(begun.elapsed() < HANGS / 2, "it waited: {ended:#?}");
    assert!(
        ended.err.contains("interrupted: the tuning may still run"),
        "{}",
        ended.err
    );
    assert!(step_functions.asked("StopExecution").is_empty());
}

/// By hand, nobody knows whose step it is but the answer.
#[test]
fn a_clean_up_by_hand_that_comes_too_early_is_made_once_more() {
    // How the one is that holds the lock, how often is cleaned up, and how that ends.
    let cases = [("ABORTED", 2, 0), ("RUNNING", 1, 1)];
    for (holder, clean_ups, code) in cases {
        let first = Mutex::new(None);
        let step_functions = StepFunctions::playing(move |operation, body, _| {
            let arn = &body["executionArn"];
            let name = arn.as_str().filter(|_| operation == "DescribeExecution")?;
            if !name.contains(":clean-") {
                return Some(Answer::Is(described(arn, holder, &json!({}))));
            }
            let mut first = first.lock().expect("sound");
            let is_first = first.get_or_insert_with(|| name.to_owned()) == name;
            let answer = left_alone(&format!(
                "the lock: `{}` locked it and still held it",
                execution("f-1")
            ));
            is_first.then(|| Answer::Is(described(arn, "SUCCEEDED", &answer)))
        });
        let ended = step_functions.run("clean f").with(code);
        assert_eq!(step_functions.asked("StartExecution").len(), clean_ups);
        assert_eq!(ended.out.contains("arn:f is clean."), code == 0);
    }
}

/// What nobody of this stack may judge stays as it is, however often one looks.
#[test]
fn what_another_stack_holds_is_not_waited_for() {
    let holder = execution("f-1").replace("power-tuner-tuner", "other-tuner");
    let answer = left_alone(&format!("the lock: `{holder}` locked it"));
    let step_functions = StepFunctions::playing(move |operation, body, _| {
        let described = described(&body["executionArn"], "SUCCEEDED", &answer);
        (operation == "DescribeExecution").then_some(Answer::Is(described))
    });
    step_functions.run("clean f").with(1);
    assert_eq!(step_functions.asked("StartExecution").len(), 1);
}

fn left_alone(what: &str) -> Value {
    let answer =
        json!({"clean": {"function": "arn:f", "deleted": [], "adopted": [], "left": [what]}});
    json!({"output": answer.to_string()})
}

#[test]
fn an_answer_that_is_shown_has_its_exit_code() {
    let doctor = |healthy: bool| {
        let answer = json!({"doctor": {"healthy": healthy, "findings": []}});
        json!({"output": answer.to_string()})
    };
    let cases = [
        (left_alone("a tuning that runs"), 1),
        (doctor(false), 1),
        (doctor(true), 0),
    ];
    for (answer, code) in cases {
        let step_functions = StepFunctions::playing(move |operation, body, _| {
            let described = described(&body["executionArn"], "SUCCEEDED", &answer);
            (operation == "DescribeExecution").then_some(Answer::Is(described))
        });
        let line = format!("show {}", execution("clean-1"));
        step_functions.run(&line).with(code);
    }
}

#[test]
fn a_clean_up_that_fails_is_said_with_the_way_out() {
    let step_functions = endless("FAILED");
    let child = spawn(&step_functions, "run f");
    wait_until("followed", || {
        !step_functions.asked("DescribeExecution").is_empty()
    });
    interrupt(&child);
    let ended = end(child).with(130);
    assert!(
        ended
            .err
            .contains("the clean-up failed: AccessDenied: it may not be read"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("`power-tuner clean f` makes sure"),
        "{}",
        ended.err
    );
}

#[test]
fn a_time_out_stops_the_tuning_too() {
    let step_functions = endless("SUCCEEDED");
    let ended = step_functions.run("check f --timeout 1s").with(3);
    assert!(
        ended
            .err
            .contains("not over within the time of `--timeout`: the tuning was stopped"),
        "{}",
        ended.err
    );
    assert_eq!(step_functions.asked("StopExecution").len(), 1);
    assert!(clean_up(&step_functions).is_some());
}

#[test]
fn a_start_whose_answer_is_lost_starts_one_execution() {
    let step_functions = StepFunctions::playing(|operation, _, before| {
        (operation == "StartExecution" && before == 0).then_some(Answer::Lost)
    });
    step_functions.run("run f").with(0);
    let starts = step_functions.asked("StartExecution");
    assert_eq!(starts.len(), 2);
    let name = starts[0]["name"].as_str();
    assert!(
        name.is_some_and(|name| name.starts_with("f-")),
        "{starts:?}"
    );
    assert_eq!(
        starts[0]["name"], starts[1]["name"],
        "another name would be another execution"
    );
}

#[test]
fn trouble_on_the_way_ends_no_tuning() {
    let step_functions = StepFunctions::playing(|operation, _, before| match operation {
        "DescribeExecution" if before < 5 => Some(Answer::Broken),
        "GetExecutionHistory" => Some(Answer::Refused("AccessDeniedException")),
        _ => None,
    });
    let ended = step_functions.run("run f").with(0);
    assert!(ended.out.contains("512 MB"), "{}", ended.out);
}

#[test]
fn a_doctor_and_a_clean_up_answer() {
    let found = |healthy: bool| {
        let finding = json!({"check": "callable", "step": "executor", "status": if healthy { "ok" } else { "problem" }, "message": "the words"});
        json!({"doctor": {"healthy": healthy, "findings": [finding]}})
    };
    for (healthy, code) in [(true, 0), (false, 1)] {
        let output = found(healthy).to_string();
        let step_functions = StepFunctions::playing(move |operation, body, _| {
            let described = described(
                &body["executionArn"],
                "SUCCEEDED",
                &json!({"output": output}),
            );
            (operation == "DescribeExecution").then_some(Answer::Is(described))
        });
        let ended = step_functions
            .run("doctor f --role-arn arn:aws:iam::123456789012:role/r")
            .with(code);
        let summary = if healthy {
            "✔ executor: 1 check ok"
        } else {
            "✗ executor: 1 problem"
        };
        assert!(ended.out.contains(summary), "{}", ended.out);
        assert_eq!(ended.out.contains("the words"), !healthy, "{}", ended.out);
        let all = step_functions.run("doctor f -v").with(code);
        assert!(all.out.contains("executor: the words"), "{}", all.out);
        let json = step_functions.run("doctor f --format json").with(code);
        let whole: Value = serde_json::from_str(&json.out).expect("JSON");
        assert_eq!(whole, found(healthy));
        let started = step_functions.asked("StartExecution").remove(0);
        assert_eq!(
            started["input"],
            json!({"doctor": "f", "roleARN": "arn:aws:iam::123456789012:role/r"}).to_string()
        );
    }
    let step_functions = StepFunctions::playing(|_, _, _| None);
    let ended = step_functions.run("clean f").with(0);
    assert_eq!(ended.out, "arn:f is clean.\nDeleted versions: 7 (128 MB)\n");
    assert_eq!(clean_up(&step_functions), Some(json!({"clean": "f"})));
}

#[test]
fn a_healthy_function_takes_a_few_lines_of_80_columns() {
    let function = format!(
        "arn:aws:lambda:us-east-1:123456789012:function:{}",
        "f".repeat(64)
    );
    let steps = [
        "initializer",
        "publisher",
        "executor",
        "optimizer",
        "cleaner",
        "analyzer",
    ];
    let findings: Vec<Value> = steps
        .iter()
        .cycle()
        .take(48)
        .map(|step| json!({"check": "c", "step": step, "status": "ok", "message": format!("the {step} may call `{function}`")}))
        .collect();
    let warning = json!({"check": "c", "step": "cleaner", "status": "warning", "message": format!("`{function}` is slow; ask for more")});
    let output = |findings: &[Value]| {
        json!({"doctor": {"function": function, "healthy": true, "findings": findings}}).to_string()
    };
    for (output, most_lines) in [
        (output(&findings), 10),
        (output(&[vec![warning], findings].concat()), 15),
    ] {
        let step_functions = StepFunctions::playing(move |operation, body, _| {
            let described = described(
                &body["executionArn"],
                "SUCCEEDED",
                &json!({"output": output}),
            );
            (operation == "DescribeExecution").then_some(Answer::Is(described))
        });
        let out = step_functions.run("doctor f").with(0).out;
        assert!(out.lines().count() <= most_lines, "{out}");
        let mut widths = out.lines().map(|line| line.chars().count());
        assert!(widths.all(|width| width <= 80), "{out}");
        let is_said = out.contains("ask for more") && out.contains("1 warning, 8 checks ok");
        assert_eq!(is_said, most_lines == 15, "{out}");
    }
}

/// Minutes of measuring are not lost with it.
#[test]
fn a_result_that_cannot_be_written_can_be_had_again() {
    const DRY: &str = include_str!("../../../report/tests/outcomes/dry-run.json");
    let step_functions = StepFunctions::playing(|operation, body, _| {
        let nothing_to_draw = json!({"output": DRY});
        let described = described(&body["executionArn"], "SUCCEEDED", &nothing_to_draw);
        (operation == "DescribeExecution").then_some(Answer::Is(described))
    });
    let ended = step_functions.run("run f --dry-run --format svg").with(2);
    let name = step_functions.asked("StartExecution")[0]["name"].clone();
    let arn = execution(name.as_str().expect("a name"));
    let said = format!("\n`power-tuner show {arn}` shows it again\n");
    assert!(ended.err.ends_with(&said), "{}", ended.err);
}

#[test]
fn a_result_goes_into_its_file() {
    let files = crate::tool::Files::new();
    let file = files.path("outcome.json");
    let step_functions = StepFunctions::playing(|_, _, _| None);
    let run = format!("run f:live --output {}", crate::tool::named(&file));
    let ended = step_functions.run(&run).with(0);
    assert_eq!(ended.out, "");
    assert!(
        ended.err.starts_with("tuning f:live: arn:"),
        "{}",
        ended.err
    );
    // Who waited for it hears what was found all the same.
    let said = "Give my-function 512 MB instead of 1024 MB: a call then costs 20 % less";
    assert!(ended.err.contains(said), "{}", ended.err);
    let quiet = step_functions.run(&format!("{run} --quiet")).with(0);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    let written: Value =
        serde_json::from_str(&std::fs::read_to_string(file).expect("a file")).expect("JSON");
    assert_eq!(written, outcome());
}
