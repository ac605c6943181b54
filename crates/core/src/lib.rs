//! The domain of the power tuner: what is asked, what is planned, what was measured, and what follows from it.
//!
//! Nothing here does I/O, reads a clock or the environment, or is `async`. The Lambda functions around this crate call
//! AWS; every decision is made here.

pub mod choice;
pub mod command;
pub mod confidence;
pub mod configuration;
pub mod distributions;
pub mod doctor;
pub mod error;
pub mod filed;
pub mod function;
pub mod gate;
pub mod improvement;
pub mod limits;
pub mod lock;
pub mod marker;
pub mod measurement;
pub mod memory;
pub mod metrics;
pub mod month;
pub mod moved;
pub mod outcome;
pub mod payload;
pub mod plan;
pub mod prices;
pub mod report;
pub mod request;
pub mod role;
pub mod s3;
pub mod search;
pub mod statistics;
pub mod tuning;
pub mod visualization;
pub mod warnings;

pub use error::{Failure, TuneError};
pub use memory::MemoryMb;
