//! `power-tuner show`

use clap::{Args, ValueHint};

use super::answer;
use crate::arguments::Global;
use crate::end::{Error, Exit};
use crate::output::Output;
use crate::source::{Found, read};

#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", Exit::table()))]
pub struct Arguments {
    /// An execution's ARN, a file with its output, or - for standard input. Outputs of aws-lambda-power-tuning will do
    #[arg(value_name = "EXECUTION-ARN|FILE|-", value_hint = ValueHint::FilePath)]
    source: String,
    /// Follow an execution that still runs to its end, as `run` does, and show it then. Ctrl-C ends the following alone
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    output: Output,
}

const EXAMPLES: &str = "\
Examples:
  power-tuner show arn:aws:states:eu-west-1:123456789012:execution:tuner:name
  power-tuner show --wait arn:aws:states:eu-west-1:123456789012:execution:tuner:name
  power-tuner show outcome.json --output report.html
  power-tuner show - --format markdown < outcome.json";

pub async fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Error> {
    let Arguments {
        source,
        wait,
        output,
    } = arguments;
    output.is_writable()?;
    let (format, look) = (output.format(), output.look(global.color));
    match read(source, *wait, global).await? {
        Found::Report(report) => {
            output.write_shown(report.show(format, look))?;
            Ok(Exit::Fine)
        }
        Found::Answer(found) => {
            output.write(&answer::show(&found, format, look, global.verbose)?)?;
            Ok(answer::exit(&found))
        }
    }
}
