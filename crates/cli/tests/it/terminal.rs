//! In a terminal: a picture that is drawn over itself, as wide as there is room.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::json;

use crate::step_functions::{Answer, StepFunctions, described};
use crate::tool::{Files, command, outcome};

/// What a terminal of that width shows of both ends of a process.
fn shown(mut command: Command, columns: u16) -> String {
    let terminal: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("ours");
    unlockpt(&terminal).expect("open");
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).expect("a size");
    let name = ptsname(&terminal, Vec::new()).expect("a name");
    let name = name.to_str().expect("a plain name").to_owned();
    let screen = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(&name)
            .expect("a screen")
    };
    command
        .env("TERM", "xterm")
        .stdout(screen())
        .stderr(screen());
    let mut child = command.spawn().expect("it starts");
    // Its ends of the screen are its own now.
    drop(command);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut seen = Vec::new();
        // Ends with an error once nobody holds the screen.
        let _ = File::from(terminal).read_to_end(&mut seen);
        let _ = sender.send(seen);
    });
    child.wait().expect("it ends");
    let seen = receiver.recv().expect("what was seen");
    String::from_utf8(seen).expect("UTF-8")
}

/// Without what steers the terminal.
fn lines(seen: &str) -> impl Iterator<Item = String> {
    seen.split(['\r', '\n']).map(|line| {
        let mut text = String::new();
        let mut is_steering = false;
        for c in line.chars() {
            match (is_steering, c) {
                (false, '\u{1b}') => is_steering = true,
                (false, c) => text.push(c),
                (true, c) if c.is_ascii_alphabetic() => is_steering = false,
                (true, _) => {}
            }
        }
        text
    })
}

#[test]
fn a_terminal_shows_a_picture_as_wide_as_it_is() {
    let step_functions = StepFunctions::playing(|operation, body, before| {
        let running = described(&body["executionArn"], "RUNNING", &json!({}));
        (operation == "DescribeExecution" && before < 2).then_some(Answer::Is(running))
    });
    for columns in [40, 100] {
        let seen = shown(step_functions.command("run f"), columns);
        assert!(
            seen.contains("\u{1b}[1A\r\u{1b}[J"),
            "nothing is drawn over: {seen}"
        );
        assert!(
            seen.contains("\u{1b}[1m") || seen.contains("\u{1b}[32m"),
            "no colours: {seen}"
        );
        let arn = |line: &str| line.starts_with("tuning f: arn:");
        for line in lines(&seen).filter(|line| !arn(line)) {
            assert!(line.chars().count() <= columns.into(), "{columns}: {line}");
        }
    }
    let mut in_ci = step_functions.command("run f");
    in_ci.env("CI", "true");
    let seen = shown(in_ci, 100);
    assert!(
        !seen.contains("\u{1b}[J") && seen.contains("0:00  "),
        "{seen}"
    );
}

/// Who waits is told what for, and a search goes on for as many rounds as it needs.
#[test]
fn a_narrow_terminal_shows_what_goes_on_without_cutting_it() {
    let entered = |id: usize, state: &str, input: &serde_json::Value| {
        json!({"id": id, "type": "TaskStateEntered", "timestamp": 1.7e9,
            "stateEnteredEventDetails": {"name": state, "input": input.to_string()}})
    };
    let search = json!({
        "plan": {"request": {"search": {"adaptive": {"lowest": 128, "highest": 3008}}}},
        "ended": [{"memory": 128, "wanted": 12, "progress": {"summary": {"samples": 12, "averageDurationMs": 135.44}}}],
        "round": {"number": 2, "sizes": [{"memory": 1024, "wanted": 12, "progress": {}}]},
    });
    let waiting = entered(1, "Publisher", &json!({"published": {"waitedS": 40}}));
    let measuring = entered(2, "Measure", &search);
    let step_functions = StepFunctions::playing(move |operation, body, before| match operation {
        "DescribeExecution" if before < 3 => {
            let running = described(&body["executionArn"], "RUNNING", &json!({}));
            Some(Answer::Is(running))
        }
        "GetExecutionHistory" if before == 0 => Some(Answer::Is(json!({"events": [waiting]}))),
        "GetExecutionHistory" => Some(Answer::Is(json!({"events": [measuring, waiting]}))),
        _ => None,
    });
    let seen = shown(step_functions.command("run f"), 40);
    let lines: Vec<String> = lines(&seen).collect();
    let shows = |end: &str| lines.iter().any(|line| line.ends_with(end));
    for end in [
        "  waiting for another tuning",
        "  round 2, 0 of 12 samples",
        "  128 MB  12 samples, 135 ms",
        " 1024 MB  0 of 12 samples",
    ] {
        assert!(shows(end), "no `{end}` in {lines:#?}");
    }
}

#[test]
fn no_colour_is_heeded() {
    let files = Files::new();
    let file = files.json("outcome.json", &outcome());
    let colored = shown(command(&format!("show {file}")), 80);
    assert!(colored.contains('\u{1b}'), "{colored}");
    let mut plain = command(&format!("show {file}"));
    plain.env("NO_COLOR", "1");
    let plain = shown(plain, 80);
    assert!(!plain.contains('\u{1b}'), "{plain}");
}
