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
        // Who does not listen any more still gets the exit code.
        let words = without_steering(&error.to_string());
        let _ = writeln!(io::stderr(), "error: {words}");
        error.exit()
    })
}

/// A cause may hold what a function printed, which is not to steer a terminal.
fn without_steering(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || *c == '\n' || *c == '\t')
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_does_not_steer_the_terminal() {
        let steered = without_steering("died:\n\u{1b}[2J\u{9b}31mred\r\u{7}\tend");
        assert_eq!(steered, "died:\n[2J31mred\tend");
    }
}
