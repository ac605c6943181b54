//! `power-tuner run`

use clap::Args;

use crate::arguments::Global;
use crate::end::{Error, Exit};
use crate::input::Flags;
use crate::output::{Output, print};
use crate::source::{Found, of_execution};
use crate::tune::Session;

#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", Exit::table()))]
pub struct Arguments {
    /// Only start it, and print the execution's ARN, which `show --wait` takes
    #[arg(long, conflicts_with_all = ["format", "output", "timeout"])]
    detach: bool,
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    output: Output,
}

const EXAMPLES: &str = "\
The first Ctrl-C stops the tuning and waits until the function is as it was; the second one does not wait.

Examples:
  power-tuner run my-function
  power-tuner run my-function --power-values 512,1024 --payload @event.json
  power-tuner run --input input.json --strategy speed --output report.html
  power-tuner run my-function --auto-optimize --min-improvement-percent 5
  power-tuner run my-function --detach";

pub async fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Error> {
    let input = arguments.flags.read()?;
    arguments.output.is_writable()?;
    let mut session = Session::open(global).await?;
    let execution = session.start(&input).await?;
    if arguments.detach {
        print(&execution)?;
        session.say("started; `power-tuner show --wait` with this ARN follows it to its result");
        return Ok(Exit::Fine);
    }
    let ended = session.end_of(&execution, &input).await?;
    if let Found::Report(report) = of_execution(&execution, ended)? {
        let Arguments { output, .. } = arguments;
        output.say_hidden(&report.sentence(), global);
        let shown = report.show(output.format(), output.look(global.color));
        output.write_shown(shown).map_err(|error| {
            error.with(&format!("`power-tuner show {execution}` shows it again"))
        })?;
    }
    Ok(Exit::Fine)
}
