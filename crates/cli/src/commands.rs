//! The commands, one file for each.

mod answer;
pub mod check;
pub mod clean;
pub mod compare;
pub mod doctor;
pub mod pages;
pub mod run;
pub mod show;

use std::io::{self, Write as _};

use clap::Parser as _;
use power_tuner_report::text::on_its_lines;

use crate::arguments::{Command, Global, Line};
use crate::end::{Error, Exit};

/// Does what the command line says.
pub fn run() -> Exit {
    let Line { command, global } = Line::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(dispatch(command, &global));
            // A name that is still looked up is nobody's concern any more.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(Error::Usage(format!(
            "this process cannot wait for anything: {error}"
        ))),
    };
    done.unwrap_or_else(|error| {
        // A cause may hold what a function printed, which is not to steer a terminal.
        let words = on_its_lines(&error.to_string());
        // Who does not listen any more still gets the exit code.
        let _ = writeln!(io::stderr(), "error: {words}");
        error.exit()
    })
}

async fn dispatch(command: Command, global: &Global) -> Result<Exit, Error> {
    match command {
        Command::Run(arguments) => run::run(&arguments, global).await,
        Command::Show(arguments) => show::run(&arguments, global).await,
        Command::Check(arguments) => check::run(&arguments, global).await,
        Command::Compare(arguments) => compare::run(&arguments, global).await,
        Command::Clean(arguments) => clean::run(&arguments, global).await,
        Command::Doctor(arguments) => doctor::run(&arguments, global).await,
        Command::Completions(arguments) => pages::completions(&arguments),
        Command::Man(arguments) => pages::man(&arguments),
    }
}
