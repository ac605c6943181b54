//! What the command line says.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::{check, clean, compare, doctor, pages, run, show};
use crate::end::Exit;

/// Finds the memory size at which an AWS Lambda function is cheapest, fastest or best balanced
///
/// The work is done by the power tuner's stack in your account: a Step Functions state machine that measures the function at
/// several memory sizes. This tool starts it, follows it, and shows and judges what it found. You need the permission to
/// start executions of that state machine, and none in Lambda.
#[derive(Parser)]
#[command(
    name = "power-tuner",
    version,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{}", Exit::table()),
)]
pub struct Line {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

const EXAMPLES: &str = "\
Examples:
  power-tuner run my-function
  power-tuner run my-function --search adaptive --output report.html
  power-tuner check my-function --tolerance 10 --format markdown
  power-tuner show outcome.json";

#[derive(Subcommand)]
pub enum Command {
    /// Tune a function, follow the tuning, and show what it found
    Run(Box<run::Arguments>),
    /// Show a finished execution, or an outcome in a file
    Show(show::Arguments),
    /// For pipelines: is the function's memory as good as the best one?
    Check(Box<check::Arguments>),
    /// Two outcomes side by side: before and after a change, or two architectures
    Compare(compare::Arguments),
    /// Put a function right after a tuning that was lost
    Clean(clean::Arguments),
    /// Look for what would keep tunings from working: permissions, quotas, the stack
    Doctor(doctor::Arguments),
    /// Print completions for a shell
    Completions(pages::Completions),
    /// Print the manual page of the tool, or of one of its commands
    Man(pages::Man),
}

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Options of all commands")]
pub struct Global {
    /// The state machine: its name, its ARN, or TAG=VALUE for one that is tagged so, such as
    /// aws:cloudformation:stack-name=power-tuner. Without it: the one whose name ends in `-tuner`
    #[arg(
        long,
        global = true,
        value_name = "NAME|ARN|TAG=VALUE",
        env = "POWER_TUNER_STATE_MACHINE",
        hide_env_values = true
    )]
    pub state_machine: Option<String>,
    /// The profile of AWS's configuration files to use
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The region of the state machine
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Where Step Functions is, if not at AWS
    #[arg(long, global = true, value_name = "URL", value_parser = address)]
    pub endpoint_url: Option<String>,
    /// Give up after so long, such as 90s, 30m or 2h. `run` and `check` stop their tuning then, and clean up after it
    #[arg(long, global = true, value_name = "TIME", value_parser = time)]
    pub timeout: Option<Duration>,
    /// Say nothing on the way; errors show all the same
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say more: which state machine it is, what AWS says to the letter, and each check of a doctor
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Colours: `auto` is where there is a terminal and `NO_COLOR` is not set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// By its form; whether somebody is there shows later.
fn address(text: &str) -> Result<String, String> {
    let host = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    match host {
        Some(host) if !host.is_empty() => Ok(text.to_owned()),
        _ => Err("a URL with its scheme, such as http://localhost:4566".to_owned()),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => 0,
    };
    digits
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(seconds))
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs)
        .ok_or_else(|| "a whole number above 0 with s, m or h, such as 90s or 30m".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Line::command().debug_assert();
    }

    #[test]
    fn times_have_a_unit() {
        let good = [("90", 90), ("90s", 90), ("2m", 120), ("3h", 10_800)];
        for (text, seconds) in good {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "0",
            "s",
            "-1",
            "1.5h",
            "2d",
            "2 m",
            "99999999999999999h",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_command_has_an_example() {
        for command in Line::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string);
            let example = format!("power-tuner {} ", command.get_name());
            let has = |help: &String| format!("{help} ").contains(&example);
            assert!(help.as_ref().is_some_and(has), "{}", command.get_name());
        }
    }
}
