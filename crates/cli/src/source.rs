//! Where an outcome comes from: an execution, a file, or standard input.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use power_tuner_report::{About, Report};
use serde_json::Value;

use crate::arguments::Global;
use crate::aws::{Aws, Execution, Status};
use crate::display::{self, Display};
use crate::end::Error;
use crate::follow::{Followed, follow};
use crate::progress::Progress;
use crate::stop::{Stop, Why};

/// The text of a file, or of standard input where it is `-`.
pub fn text(path: &Path) -> Result<String, Error> {
    let cannot =
        |error: io::Error| Error::Usage(format!("cannot read `{}`: {error}", path.display()));
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(cannot)?;
        return Ok(text);
    }
    fs::read_to_string(path).map_err(cannot)
}

/// What is to be shown.
pub enum Found {
    Report(Box<Report>),
    /// The answer of a `clean` or a `doctor`.
    Answer(Value),
}

/// Reads an execution by its ARN, or a file. One that still runs is followed to its end by whoever waits for it.
pub async fn read(source: &str, waits: bool, global: &Global) -> Result<Found, Error> {
    if !source.starts_with("arn:") {
        if waits {
            return Err(Error::Usage(format!(
                "`--wait` is for an execution that runs; leave it out for `{source}`, or name an execution's ARN"
            )));
        }
        let text = text(source.as_ref())?;
        return found(&text, About::default())
            .map_err(|fault| Error::Usage(format!("`{source}`: {fault}")));
    }
    let mut stop = Stop::new(global.timeout).map_err(|error| no_signals(&error))?;
    let described = async {
        let aws = Aws::connect(global, Some(source)).await?;
        let execution = aws.describe(source).await?;
        Ok((aws, execution))
    };
    let (aws, execution) = stop.unless(described).await.map_err(stopped)??;
    if execution.status != Status::Running {
        return ended(source, execution);
    }
    if !waits {
        let running = still_running(&aws, source, &execution);
        return Err(Error::NotOver(stop.unless(running).await.map_err(stopped)?));
    }
    let mut display = Display::since(execution.age, global);
    let goes_on =
        format!("the execution goes on; `power-tuner show --wait {source}` follows it again");
    match follow(&aws, source, &mut display, &mut stop).await? {
        Followed::Ended(execution) => ended(source, execution),
        Followed::Stopped(Why::Interrupted) => {
            Err(Error::Interrupted(format!("interrupted: {goes_on}")))
        }
        Followed::Stopped(Why::TimedOut) => Err(Error::NotOver(format!(
            "not over within the time of `--timeout`: {goes_on}"
        ))),
    }
}

/// How far it is, as far as that may be read.
async fn still_running(aws: &Aws, arn: &str, execution: &Execution) -> String {
    let mut progress = Progress::default();
    let events = aws.events_after(arn, 0).await;
    progress.add(&events.unwrap_or_default());
    format!(
        "the execution is still running, for {} by now: {}; follow it with `power-tuner show --wait {arn}`, or look again later",
        display::time(execution.age),
        progress.line()
    )
}

/// As [`read`], where only an outcome will do.
pub async fn report(source: &str, global: &Global) -> Result<Report, Error> {
    match read(source, false, global).await? {
        Found::Report(report) => Ok(*report),
        Found::Answer(_) => Err(Error::Usage(format!(
            "`{source}` is no tuning but the answer of a `clean` or a `doctor`, which `power-tuner show` shows"
        ))),
    }
}

/// What the first step says of an input that nobody can tune, which is this command line's. Where an execution is only looked
/// at, it is a tuning that failed.
const REFUSED: [&str; 2] = ["InvalidInput", "FunctionNotFound"];

/// What an execution gave out that this command line has started.
pub fn of_execution(arn: &str, execution: Execution) -> Result<Found, Error> {
    let is_refused = REFUSED.contains(&execution.error.as_str());
    ended(arn, execution).map_err(|error| match error {
        Error::TuningFailed(words) if is_refused => Error::Usage(words),
        error => error,
    })
}

/// What an execution gave out.
fn ended(arn: &str, execution: Execution) -> Result<Found, Error> {
    let Execution {
        status,
        input,
        output,
        error,
        cause,
        started,
        stopped,
        age: _,
    } = execution;
    match status {
        Status::Running => Err(Error::NotOver(format!(
            "the execution is still running; follow it with `power-tuner show --wait {arn}`"
        ))),
        Status::Ended(status) => {
            let error = if error.is_empty() {
                "no error was given"
            } else {
                &error
            };
            let cause = if cause.is_empty() {
                String::new()
            } else {
                format!("\n{cause}")
            };
            Err(Error::TuningFailed(format!(
                "the execution ended {status}: {error}{cause}"
            )))
        }
        Status::Succeeded => {
            let about = About {
                execution: Some(arn.to_owned()),
                started,
                stopped,
                input: input.and_then(|input| serde_json::from_str(&input).ok()),
            };
            found(&output.unwrap_or_default(), about).map_err(|fault| {
                Error::TuningFailed(format!("the execution's output is no outcome: {fault}"))
            })
        }
    }
}

fn found(text: &str, about: About) -> Result<Found, String> {
    if let Ok(answer) = serde_json::from_str::<Value>(text)
        && (answer["clean"].is_object() || answer["doctor"].is_object())
    {
        return Ok(Found::Answer(answer));
    }
    let report = power_tuner_report::read(text).map_err(|fault| fault.to_string())?;
    Ok(Found::Report(Box::new(report.about(about))))
}

/// What it means to be stopped where nothing goes on.
pub fn stopped(why: Why) -> Error {
    match why {
        Why::Interrupted => Error::Interrupted("interrupted".to_owned()),
        Why::TimedOut => Error::Aws("no answer within the time of `--timeout`".to_owned()),
    }
}

pub fn no_signals(error: &io::Error) -> Error {
    Error::Usage(format!("this process cannot listen for signals: {error}"))
}

#[cfg(test)]
mod tests {
    use power_tuner_core::TuneError;

    use super::*;

    #[test]
    fn what_is_refused_has_names_of_the_tuners() {
        assert!(REFUSED.iter().all(|name| TuneError::NAMES.contains(name)));
    }
}
