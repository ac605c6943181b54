//! What every function's `main` shares: JSON logs, the deadline, and error names that the state machine matches.

mod asked;
mod deadline;
mod logs;
mod step;

use std::future::Future;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use power_tuner_core::error::shortened;
use power_tuner_core::{Failure, TuneError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

pub use asked::{Answered, Asked};
pub use deadline::Deadline;
pub use logs::{InLogs, log_metrics};
pub use step::Step;

/// As [`serve`], for a function that may also be asked what it would meet if it did its work.
///
/// # Errors
///
/// The runtime API cannot be reached.
pub async fn serve_with_doctor<W, A, F, Work, D, B, G, Examined>(
    work: F,
    examine: G,
) -> Result<(), lambda_runtime::Error>
where
    W: DeserializeOwned + InLogs,
    D: DeserializeOwned + InLogs,
    A: Serialize,
    B: Serialize,
    F: Fn(W, Deadline) -> Work,
    G: Fn(D, Deadline) -> Examined,
    Work: Future<Output = Result<A, TuneError>>,
    Examined: Future<Output = Result<B, TuneError>>,
{
    let (work, examine) = (&work, &examine);
    serve(move |asked: Asked<W, D>, deadline| async move {
        match asked {
            Asked::Work(input) => work(input, deadline).await.map(Answered::Work),
            Asked::Doctor(call) => examine(call, deadline).await.map(Answered::Doctor),
        }
    })
    .await
}

/// Serves invocations until Lambda ends the process.
///
/// # Errors
///
/// The runtime API cannot be reached.
pub async fn serve<I, O, F, Fut>(handler: F) -> Result<(), lambda_runtime::Error>
where
    I: DeserializeOwned + InLogs,
    O: Serialize,
    F: Fn(I, Deadline) -> Fut,
    Fut: Future<Output = Result<O, TuneError>>,
{
    logs::init();
    lambda_runtime::run(service_fn(async |event: LambdaEvent<I>| {
        let (input, context) = event.into_parts();
        let span = logs::span(&input);
        let deadline = Deadline::of(&context);
        // Boxed: the compiler gives up on the layout of futures nested deeper than it allows.
        let outcome = Box::pin(handler(input, deadline));
        async {
            outcome.await.map_err(|error| {
                tracing::error!(error = error.name(), "{error}");
                Diagnostic {
                    error_type: error.name().to_owned(),
                    error_message: shortened(&error.to_string(), Failure::LONGEST_CAUSE),
                }
            })
        }
        .instrument(span)
        .await
    }))
    .await
}
