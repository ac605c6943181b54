//! The AWS boundary: typed calls in the domain's words. No SDK type leaves this crate, and SDK errors become ours.

mod aliases;
mod assumed;
mod client;
mod endpoint;
mod failure;
mod invoke;
mod lambda;
pub mod latest;
pub mod lock;
pub mod paced;
mod pauses;
mod probes;
mod reports;
mod s3;
mod signed;
mod stepfunctions;
mod stored;
pub mod versions;
mod wire;

pub use failure::WriteError;
pub use invoke::{Answer, Ask, InvokeError};
pub use lambda::{Deletion, LambdaApi, VersionRow};
pub use probes::{Holder, Probes};
pub use reports::{Found, Kind, NotStored, StoredReports, Why};
pub use stepfunctions::StepFunctionsApi;
pub use stored::{Stored, StoredPayloads};
pub use wire::{Answered, Wire};
