//! The simulated service through its public door: HTTP, and the handle beside it.

mod admin;
mod client;
mod control_plane;
mod data_plane;
mod faults;
mod kinds;
mod process;
mod rate;
mod s3;
mod states;
mod step_functions;
