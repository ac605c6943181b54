//! `power-tuner show`

use clap::Args;

use super::answer;
use crate::arguments::Global;
use crate::end::{Error, Exit};
use crate::output::Output;
use crate::source::{Found, read};

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// An execution's ARN, a file with its output, or - for standard input. Outputs of aws-lambda-power-tuning will do
    #[arg(value_name = "EXECUTION-ARN|FILE|-")]
    source: String,
    #[command(flatten)]
    output: Output,
}

const EXAMPLES: &str = "\
Examples:
  power-tuner show arn:aws:states:eu-west-1:123456789012:execution:tuner:name
  power-tuner show outcome.json --output report.html
  power-tuner show - --format markdown < outcome.json";

pub async fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Error> {
    let Arguments { source, output } = arguments;
    let (format, look) = (output.format(), output.look(global.color));
    match read(source, global).await? {
        Found::Report(report) => output.write_shown(report.show(format, look))?,
        Found::Answer(found) => output.write(&answer::show(&found, format, look)?)?,
    }
    Ok(Exit::Fine)
}
