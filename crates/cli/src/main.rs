//! `power-tuner`: starts tunings, follows them, and shows and judges what they found.

mod arguments;
mod aws;
mod commands;
mod display;
mod end;
mod follow;
mod input;
mod machine;
mod output;
mod progress;
mod refusal;
mod source;
mod stop;
mod tune;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run().into()
}
