//! `power-tuner compare`

use clap::{Args, ValueHint};

use crate::arguments::Global;
use crate::end::{Error, Exit};
use crate::output::{self, Output};
use crate::source::report;

#[derive(Args)]
#[command(after_help = EXAMPLES, mut_arg("format", output::only(&["table", "json", "markdown"])))]
pub struct Arguments {
    /// The one before: an execution's ARN, a file with its output, or - for standard input
    #[arg(value_name = "BEFORE", value_hint = ValueHint::FilePath)]
    before: String,
    /// The one after, likewise
    #[arg(value_name = "AFTER", value_hint = ValueHint::FilePath)]
    after: String,
    #[command(flatten)]
    output: Output,
}

const EXAMPLES: &str = "\
A difference is from the first to the second; ~ marks one that may be chance.

Examples:
  power-tuner compare before.json after.json
  power-tuner compare x86_64.json arm64.json --format markdown";

pub async fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Error> {
    let Arguments {
        before,
        after,
        output,
    } = arguments;
    if before == "-" && after == "-" {
        return Err(Error::Usage(
            "standard input can be read once; name a file for one of the two".to_owned(),
        ));
    }
    output.is_writable()?;
    let names = [before, after].map(|source| name(source));
    let (before, after) = (report(before, global).await?, report(after, global).await?);
    let (format, look) = (output.format(), output.look(global.color));
    output.write_shown(before.compare(&after, names, format, look))?;
    Ok(Exit::Fine)
}

/// Of a file without its place and its ending, of an execution without what is before it.
fn name(source: &str) -> &str {
    let last = source.rsplit(['/', ':']).next().unwrap_or(source);
    match last.strip_suffix(".json").unwrap_or(last) {
        "" | "-" => "standard input",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_has_a_short_name() {
        let cases = [
            ("out/before.json", "before"),
            ("arn:aws:states:r:1:execution:tuner:f-1", "f-1"),
            ("-", "standard input"),
        ];
        for (source, want) in cases {
            assert_eq!(name(source), want);
        }
    }
}
