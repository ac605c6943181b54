//! The command line itself.

use std::process::Command;

use crate::tool::{Ended, run};

const COMMANDS: [&str; 8] = [
    "run",
    "show",
    "check",
    "compare",
    "clean",
    "doctor",
    "completions",
    "man",
];

#[test]
fn what_is_wrong_with_a_command_line_ends_with_2() {
    let cases = [
        ("", "Usage: power-tuner"),
        ("tune f", "unrecognized subcommand 'tune'"),
        ("check f --tolerance much", "a number from 0 to 100"),
        ("run f --timeout soon", "such as 90s or 30m"),
        (
            "run f --num 3 --precision 9",
            "`--num`: 3 is not a whole number from 5 to 5000\n  `--precision`: ",
        ),
        ("run", "`FUNCTION`: is missing"),
        (
            "run f --balanced-weight 0.3",
            "`--balanced-weight`: is of the strategy `balanced`, and this one is `cost`",
        ),
        (
            "run f --output r.pdf",
            "`r.pdf`: there is no format `pdf`; end the name in",
        ),
        ("show - -o r.pdf", "there is no format `pdf`"),
        ("compare a b -o r.pdf", "there is no format `pdf`"),
        ("check --outcome o -o r.pdf", "there is no format `pdf`"),
        ("clean f -o r.pdf", "there is no format `pdf`"),
        ("run f --output /", "cannot write `/`: it is a folder"),
        (
            "run --input - --payload @-",
            "standard input can be read once",
        ),
        ("clean f --role-arn r", "invalid value 'r' for '--role-arn"),
        ("doctor f --role-arn r", "invalid value 'r' for '--role-arn"),
        (
            "run f --region eu-west-1 --state-machine arn:aws:states:us-east-1:123456789012:stateMachine:t",
            "`--region` is eu-west-1, and the ARN is of us-east-1; leave `--region` out",
        ),
        ("run --input /nonexistent", "cannot read `/nonexistent`"),
        ("run f --quiet --verbose", "cannot be used with"),
        (
            "check f --outcome o.json",
            "`--outcome` judges what was measured",
        ),
        (
            "run f --max-duration-ms -5",
            "`--max-duration-ms`: -5 is not a number above 0",
        ),
        ("check f --tolerance -5", "a number from 0 to 100"),
        (
            "run f --payload event.json",
            "a file with JSON in it is `--payload @FILE`",
        ),
        (
            "run f --endpoint-url localhost:4566",
            "a URL with its scheme, such as http://localhost:4566",
        ),
        ("check f --dry-run", "a dry run chooses no size"),
        ("check f --auto-optimize", "a check changes nothing"),
        (
            "run f --output /nonexistent/report.html",
            "cannot write into `/nonexistent`: there is no such folder",
        ),
        (
            "check f --output /nonexistent/report.html",
            "cannot write into `/nonexistent`",
        ),
        (
            "clean f --output /nonexistent/clean.json",
            "cannot write into `/nonexistent`",
        ),
        ("clean f --format csv", "[possible values: table, json]"),
        (
            "doctor --output d.md",
            "shown as table or json, not as markdown",
        ),
        ("clean f:g:h:i", "invalid value 'f:g:h:i'"),
        (
            "show o.json --wait",
            "`--wait` is for an execution that runs",
        ),
        ("show /nonexistent", "cannot read `/nonexistent`"),
        ("compare - -", "standard input can be read once"),
        ("man tune", "invalid value 'tune' for '[COMMAND]'"),
        (
            "run f --strategy quick",
            "[possible values: cost, speed, balanced]",
        ),
    ];
    for (line, words) in cases {
        let ended = run(line).with(2);
        assert!(ended.err.contains(words), "{line}: {}", ended.err);
        assert_eq!(ended.out, "", "{line}");
    }
}

#[test]
fn each_command_explains_itself_with_examples() {
    for command in COMMANDS {
        let help = run(&format!("{command} --help")).with(0).out;
        assert!(
            help.contains(&format!("Examples:\n  power-tuner {command}")),
            "{help}"
        );
        // Of a terminal that is as wide as most are.
        let long = help.lines().find(|line| line.chars().count() > 100);
        assert_eq!(long, None, "{command}");
    }
    let help = run("--help").with(0).out;
    assert!(help.contains("Exit codes:\n    0  done"), "{help}");
    assert!(
        COMMANDS
            .iter()
            .all(|command| help.contains(&format!("\n  {command} "))),
        "{help}"
    );
}

/// What it says is one thing, and what a shell makes of it another one.
#[test]
fn bash_completes_what_is_typed() {
    const TYPED: &str = r#"
        type() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            _power__tuner power-tuner "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"; echo "${COMPREPLY[*]}"; }
        type power-tuner "#;
    let script = run("completions bash").with(0).out;
    let cases = [
        ("ru", "run"),
        ("run f --strat", "--strategy"),
        ("run f --strategy ''", "cost speed balanced"),
        ("run --search a", "adaptive"),
        ("run f --on-failure ''", "continue fail"),
        ("check f --inconclusive ''", "pass fail"),
        ("show o.json --format m", "markdown"),
        ("doctor --format ''", "table json"),
    ];
    for (typed, want) in cases {
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &format!("{script}{TYPED}{typed}")]);
        let ended = Ended::from(bash.output().expect("bash")).with(0);
        assert_eq!(ended.out.trim(), want, "{typed}");
    }
}

#[test]
fn shells_complete_and_pages_are_printed() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&format!("completions {shell}")).with(0).out;
        assert!(script.contains("state-machine"), "{shell}");
        let unquoted = script.replace(['\'', '"'], "");
        let values = |values: &[&str]| {
            let separators = match shell {
                "fish" => "\\t\n",
                "bash" | "zsh" => " ",
                // They complete no values.
                _ => return true,
            };
            unquoted.contains(&values.join(separators))
        };
        for fixed in [
            &["cost", "speed", "balanced"][..],
            &["grid", "adaptive"],
            &["continue", "fail"],
            &["pass", "fail"],
            &["auto", "always", "never"],
            &["table", "json", "markdown", "csv", "html", "svg"],
        ] {
            assert!(values(fixed), "{shell}: {fixed:?}");
        }
    }
    let page = run("man").with(0).out;
    assert!(page.contains(".TH power-tuner 1"), "{page}");
    for command in COMMANDS {
        let page = run(&format!("man {command}")).with(0).out;
        assert!(
            page.contains(&format!(".TH power-tuner-{command} 1")),
            "{page}"
        );
        assert!(page.contains("Examples:"), "{page}");
    }
}
