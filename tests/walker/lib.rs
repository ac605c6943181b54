//! What the suites that need no local AWS share: the tuner's real handlers, and a walker that runs them in the order of
//! the real state machine's definition.

mod data;
mod definition;
mod machine;
mod tuner;

pub use definition::Substitutions;
pub use machine::{Execution, Exited, Failure, Machine};
pub use tuner::{Clients, Given, longest, machine, machine_with, run};
