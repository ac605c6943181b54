//! Where an outcome comes from: an execution, a file, or standard input.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use power_tuner_report::{About, Report};
use serde_json::Value;

use crate::arguments::Global;
use crate::aws::{Aws, Execution, Status};
use crate::end::Error;
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

/// Reads an execution by its ARN, or a file.
pub async fn read(source: &str, global: &Global) -> Result<Found, Error> {
    if !source.starts_with("arn:") {
        let text = text(source.as_ref())?;
        return found(&text, About::default())
            .map_err(|fault| Error::Usage(format!("`{source}`: {fault}")));
    }
    let mut stop = Stop::new(global.timeout).map_err(|error| no_signals(&error))?;
    let described = async {
        let aws = Aws::connect(global, Some(source)).await?;
        aws.describe(source).await
    };
    let execution = stop.unless(described).await.map_err(stopped)??;
    of_execution(source, execution)
}

/// As [`read`], where only an outcome will do.
pub async fn report(source: &str, global: &Global) -> Result<Report, Error> {
    match read(source, global).await? {
        Found::Report(report) => Ok(*report),
        Found::Answer(_) => Err(Error::Usage(format!(
            "`{source}` is no tuning but the answer of a `clean` or a `doctor`, which `power-tuner show` shows"
        ))),
    }
}

/// What an execution gave out.
pub fn of_execution(arn: &str, execution: Execution) -> Result<Found, Error> {
    let Execution {
        status,
        input,
        output,
        error,
        cause,
        started,
        stopped,
    } = execution;
    match status {
        Status::Running => Err(Error::NotOver(format!(
            "the execution is still running; stop it with `aws stepfunctions stop-execution --execution-arn {arn}`, or look again later"
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
