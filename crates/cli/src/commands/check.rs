//! `power-tuner check`

use clap::{Args, ValueEnum, ValueHint};
use power_tuner_core::gate::{self, Decision, Verdict};
use power_tuner_report::Report;

use crate::arguments::Global;
use crate::end::{Error, Exit};
use crate::input::Flags;
use crate::output::Output;
use crate::source::{Found, of_execution, report};
use crate::tune::Session;

#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", Exit::table()))]
pub struct Arguments {
    /// By how many percent the best size may be better than the current one
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = tolerance, allow_negative_numbers = true)]
    tolerance: f64,
    /// What it means where nothing can be said for sure: exit 0 (pass) or exit 1 (fail) [default: exit 5]
    #[arg(long, value_enum, value_name = "VERDICT")]
    inconclusive: Option<Inconclusive>,
    /// Judge this outcome instead of tuning: an execution's ARN, a file, or -
    #[arg(long, value_name = "EXECUTION-ARN|FILE|-", value_hint = ValueHint::FilePath)]
    outcome: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    flags: Flags,
}

const EXAMPLES: &str = "\
The current size is measured beside the others, unless the input says otherwise (--baseline=false). A difference that may be chance is no fault.

Examples:
  power-tuner check my-function --tolerance 10
  power-tuner check my-function --max-duration-ms 300 --inconclusive pass
  power-tuner check my-function --format markdown >> \"$GITHUB_STEP_SUMMARY\"
  power-tuner check --outcome outcome.json";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Inconclusive {
    Pass,
    Fail,
}

pub async fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Error> {
    let Arguments {
        tolerance,
        inconclusive,
        output,
        ..
    } = arguments;
    output.is_writable()?;
    let report = found(arguments, global).await?;
    let outcome = report.outcome().ok_or_else(|| {
        Error::Usage(
            "there is nothing to check: a dry run chooses no size, and the output of another tool does not say which size the \
             function had"
                .to_owned(),
        )
    })?;
    let verdict = gate::judge(outcome, *tolerance);
    let (format, look) = (output.format(), output.look(global.color));
    let words = power_tuner_report::gate::words(&verdict, &outcome.strategy);
    output.say_hidden(&words, global);
    output.write_shown(power_tuner_report::gate::show(
        &report, &verdict, format, look,
    ))?;
    Ok(exit(&verdict, *inconclusive))
}

async fn found(arguments: &Arguments, global: &Global) -> Result<Report, Error> {
    let Arguments { outcome, flags, .. } = arguments;
    if let Some(source) = outcome {
        if flags.is_any() {
            return Err(Error::Usage(
                "`--outcome` judges what was measured; leave out the function and the fields of the input".to_owned(),
            ));
        }
        return report(source, global).await;
    }
    let input = flags.read_with(&[("baseline", true.into())])?;
    if input.request.dry_run {
        return Err(Error::Usage(
            "a dry run chooses no size to check against".to_owned(),
        ));
    }
    if input.request.auto_optimize {
        return Err(Error::Usage(
            "a check changes nothing; leave out `--auto-optimize` (`autoOptimize` in a file), or use `power-tuner run`"
                .to_owned(),
        ));
    }
    let mut session = Session::open(global).await?;
    let execution = session.start(&input).await?;
    let ended = session.end_of(&execution, &input).await?;
    match of_execution(&execution, ended)? {
        Found::Report(report) => Ok(*report),
        Found::Answer(_) => Err(Error::TuningFailed(
            "the execution gave no outcome".to_owned(),
        )),
    }
}

fn exit(verdict: &Verdict, inconclusive: Option<Inconclusive>) -> Exit {
    match (&verdict.decision, inconclusive) {
        (Decision::Within, _) | (Decision::Inconclusive(_), Some(Inconclusive::Pass)) => Exit::Fine,
        (Decision::Outside(_), _) | (Decision::Inconclusive(_), Some(Inconclusive::Fail)) => {
            Exit::Outside
        }
        (Decision::Inconclusive(_), None) => Exit::Inconclusive,
    }
}

fn tolerance(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "a number from 0 to 100".to_owned())
}

#[cfg(test)]
mod tests {
    use power_tuner_core::MemoryMb;
    use power_tuner_core::gate::{Doubt, Fault};

    use super::*;

    #[test]
    fn a_verdict_has_its_exit_code() {
        let outside = Decision::Outside(Fault::TooFarFromTheBest);
        let inconclusive = Decision::Inconclusive(Doubt::MayBeChance);
        let cases = [
            (Decision::Within, None, 0),
            (Decision::Within, Some(Inconclusive::Fail), 0),
            (outside.clone(), None, 1),
            (outside, Some(Inconclusive::Pass), 1),
            (inconclusive.clone(), None, 5),
            (inconclusive.clone(), Some(Inconclusive::Pass), 0),
            (inconclusive, Some(Inconclusive::Fail), 1),
        ];
        for (decision, inconclusive, want) in cases {
            let verdict = Verdict {
                decision,
                current: None,
                best: MemoryMb::try_from(512).expect("a size"),
                tolerance_percent: 5.0,
                percent: None,
                at_least_percent: None,
                monthly_saving: None,
            };
            assert_eq!(
                exit(&verdict, inconclusive).code(),
                want,
                "{:?}",
                verdict.decision
            );
        }
    }

    #[test]
    fn a_tolerance_is_a_percentage() {
        assert_eq!(tolerance("7.5"), Ok(7.5));
        for text in ["-1", "101", "NaN", "5%", ""] {
            assert!(tolerance(text).is_err(), "{text}");
        }
    }
}
