//! The AWS boundary: typed calls in the domain's words. No SDK type leaves this crate, and SDK errors become ours.

mod client;
mod failure;
mod invoke;
mod lambda;
pub mod latest;
mod pauses;
mod stepfunctions;
pub mod versions;

pub use invoke::{Answer, InvokeError};
pub use lambda::{Deletion, LambdaApi, VersionRow};
pub use stepfunctions::StepFunctionsApi;
