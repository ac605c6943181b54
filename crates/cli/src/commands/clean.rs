//! `power-tuner clean`

use clap::Args;
use power_tuner_core::function::FunctionRef;
use power_tuner_core::role::RoleArn;
use serde_json::Value;

use super::answer;
use crate::arguments::Global;
use crate::end::{Error, Exit};
use crate::output::{self, Output};
use crate::source::{Found, of_execution};
use crate::tune::{Session, clean_input};

#[derive(Args)]
#[command(after_help = EXAMPLES, mut_arg("format", output::only(&["table", "json"])))]
pub struct Arguments {
    /// The function: its name or its ARN
    #[arg(value_parser = function)]
    function: FunctionRef,
    /// A role of the function's account, for functions of other accounts
    #[arg(long, value_name = "ARN", value_parser = role)]
    role_arn: Option<String>,
    #[command(flatten)]
    output: Output,
}

const EXAMPLES: &str = "\
It runs under the stack's own roles. Versions of the tuner's that nothing needs any more are deleted, and the memory that a lost tuning changed is put back. The last step of a tuning that was stopped is waited for. A tuning that still runs is left alone, and so is what cannot be judged; then the exit code is 1.

Examples:
  power-tuner clean my-function";

pub async fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Error> {
    let Arguments {
        function,
        role_arn,
        output,
    } = arguments;
    let role = role_arn.clone().map(Value::from);
    answer::fits(output.format())?;
    output.is_writable()?;
    let session = Session::open(global).await?;
    let request = clean_input(function.as_str(), role.as_ref());
    let (execution, ended) = session.clean(&request).await?;
    match of_execution(&execution, ended)? {
        Found::Answer(found) => {
            let look = output.look(global.color);
            output.write(&answer::show(
                &found,
                output.format(),
                look,
                global.verbose,
            )?)?;
            Ok(answer::exit(&found))
        }
        Found::Report(_) => Err(answer::is_missing("clean")),
    }
}

/// By its form; whether it exists is for AWS to say.
pub fn function(text: &str) -> Result<FunctionRef, String> {
    FunctionRef::parse(text)
}

/// The same of a role.
pub fn role(text: &str) -> Result<String, String> {
    RoleArn::parse(text).map(|_| text.to_owned())
}
