//! `power-tuner doctor`

use clap::Args;
use power_tuner_core::function::FunctionRef;
use serde_json::Value;

use super::answer;
use super::clean::{function, role};
use crate::arguments::Global;
use crate::end::{Error, Exit};
use crate::output::{self, Output};
use crate::source::{Found, of_execution};
use crate::tune::{Session, doctor_input};

#[derive(Args)]
#[command(after_help = EXAMPLES, mut_arg("format", output::only(&["table", "json"])))]
pub struct Arguments {
    /// A function that is to be tuned: its name or its ARN. Without it: the stack alone
    #[arg(value_parser = function)]
    function: Option<FunctionRef>,
    /// A role of the function's account, for functions of other accounts
    #[arg(long, value_name = "ARN", value_parser = role)]
    role_arn: Option<String>,
    #[command(flatten)]
    output: Output,
}

const EXAMPLES: &str = "\
Nothing is changed. It runs under the stack's own roles, so that it finds what a tuning would find. What is not well is shown in full, all of it with -v. Exit 1 where there is a problem.

Examples:
  power-tuner doctor
  power-tuner doctor my-function";

pub async fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Error> {
    let Arguments {
        function,
        role_arn,
        output,
    } = arguments;
    let role = role_arn.clone().map(Value::from);
    answer::fits(output.format())?;
    output.is_writable()?;
    let mut session = Session::open(global).await?;
    let request = doctor_input(function.as_ref().map(FunctionRef::as_str), role.as_ref());
    let (execution, ended) = session.ask("doctor", &request).await?;
    match of_execution(&execution, ended)? {
        Found::Answer(found) => {
            let look = output.look(global.color);
            output.write(&answer::show(
                &found,
                output.format(),
                look,
                global.verbose,
            )?)?;
            Ok(if found["doctor"]["healthy"] == true {
                Exit::Fine
            } else {
                Exit::Outside
            })
        }
        Found::Report(_) => Err(answer::is_missing("doctor")),
    }
}
