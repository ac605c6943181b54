//! The tool as a process: what needs no stack. Step Functions is played by a thread of the test.

mod checking;
mod following;
mod refused;
mod showing;
mod step_functions;
mod terminal;
mod tool;
mod usage;
