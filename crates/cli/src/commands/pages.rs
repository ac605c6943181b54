//! `power-tuner completions` and `power-tuner man`

use clap::builder::PossibleValuesParser;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::arguments::Line;
use crate::end::{Error, Exit};
use crate::output::print;

#[derive(Args)]
#[command(after_help = "\
Examples:
  power-tuner completions bash > /etc/bash_completion.d/power-tuner
  power-tuner completions zsh > ~/.zfunc/_power-tuner
  power-tuner completions fish > ~/.config/fish/completions/power-tuner.fish")]
pub struct Completions {
    /// The shell that is to complete commands and options
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  power-tuner man | man -l -
  power-tuner man check > power-tuner-check.1")]
pub struct Man {
    /// One of the commands; without it, the tool
    #[arg(value_parser = PossibleValuesParser::new(COMMANDS))]
    command: Option<String>,
}

/// Of the tool, which cannot be asked for them while it is being made.
const COMMANDS: [&str; 8] = [
    "run",
    "show",
    "check",
    "compare",
    "clean",
    "doctor",
    "completions",
    "man",
];

pub fn completions(arguments: &Completions) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Line::command(),
        "power-tuner",
        &mut script,
    );
    let script = String::from_utf8_lossy(&script);
    // Of a tool with a hyphen in its name, bash's script looks for a command by another name than the one that it has found
    // (clap-rs/clap#6421), and so completes no option of it.
    print(&script.replace("power__subcmd__tuner", "power__tuner"))?;
    Ok(Exit::Fine)
}

pub fn man(arguments: &Man) -> Result<Exit, Error> {
    let mut tool = Line::command();
    // What is common to all commands gets into each.
    tool.build();
    let page = match &arguments.command {
        None => tool,
        Some(name) => {
            let command = tool.find_subcommand(name).cloned();
            command.ok_or_else(|| Error::Usage(format!("there is no command `{name}`")))?
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut text)
        .map_err(|error| Error::Usage(format!("the page cannot be written: {error}")))?;
    print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_each_command() {
        let tool = Line::command();
        let names: Vec<&str> = tool
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        assert_eq!(names, COMMANDS);
    }
}
