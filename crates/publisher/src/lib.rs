//! Publishes one version of the target for each memory size, and puts `$LATEST` back before it returns.
//!
//! A run of the publisher is a batch: what it cannot publish before its deadline, the next one does.

mod doctor;
mod publishing;

use std::time::Duration;

use power_tuner_aws::lock::{Hand, Held, Try};
use power_tuner_aws::{LambdaApi, StepFunctionsApi, versions};
use power_tuner_core::TuneError;
use power_tuner_core::marker::Marker;
use power_tuner_core::measurement::Version;
use power_tuner_core::plan::Plan;
use power_tuner_core::tuning::{Published, Round};
use power_tuner_runtime::{Deadline, InLogs};
use serde::Deserialize;
use tokio::time::Instant;

pub use crate::doctor::examine;
use crate::publishing::Publishing;

#[derive(Debug, Deserialize)]
pub struct Input {
    execution: String,
    plan: Plan,
    round: Round,
    published: Published,
}

impl InLogs for Input {
    fn execution(&self) -> &str {
        &self.execution
    }
}

/// What a batch keeps back for telling how far it came.
const LAST_WORD: Duration = Duration::from_secs(5);
/// `SnapStart` takes minutes for a version; one that takes longer than this will not come.
const LONGEST_PENDING_S: u64 = 20 * 60;

/// Publishes what is missing of the round, as far as the deadline allows.
///
/// # Errors
///
/// Another tuning holds the function for too long, a version cannot be published, or `$LATEST` cannot be put back.
pub async fn handle(
    api: &LambdaApi,
    executions: &StepFunctionsApi,
    input: Input,
    deadline: Deadline,
) -> Result<Published, TuneError> {
    let Input {
        execution,
        plan,
        round,
        mut published,
    } = input;
    let function = &plan.target.function;
    let target = &api.of_target(plan.request.role.as_ref(), &execution);
    published.batches += 1;
    let is_missing = |published: &Published| {
        round
            .sizes
            .iter()
            .any(|size| published.is_missing(size.memory))
    };
    // What AWS said to be ready when it was published.
    let mut ready = Vec::new();
    // What is published needs no lock any more, only patience.
    if is_missing(&published) {
        let hand = Hand {
            api: target,
            executions,
            function,
            deadline,
        };
        // A third of the time for waiting: the end of the rest is for putting back.
        let still = plan.longest_wait_s.saturating_sub(published.waited_s);
        let patience = (deadline.left() / 3).min(Duration::from_secs(still));
        let start = Instant::now();
        let tried = hand.lock(&execution, plan.target.memory, patience).await?;
        let waited = start.elapsed().as_secs();
        match tried {
            Try::Got(held) => {
                ready = publish(held, &plan, &execution, &round, &mut published).await?;
            }
            // An earlier run of this step, whose time is over soon.
            Try::Blocked(blocked) if blocked.note.execution == execution => {}
            Try::Blocked(blocked) => {
                published.waited_s += waited;
                if published.waited_s + 1 >= plan.longest_wait_s {
                    let waited = Duration::from_secs(published.waited_s);
                    return Err(blocked.error(function, waited));
                }
                tracing::info!(holder = blocked.note.execution, "waiting for the lock");
            }
        }
    }
    if is_missing(&published) {
        return Ok(published);
    }
    await_versions(target, &plan, &mut published, &ready, deadline).await?;
    Ok(published)
}

/// Publishes under the lock, puts `$LATEST` back and releases the lock, whatever happened. Gives what is ready already.
async fn publish(
    mut held: Held<'_>,
    plan: &Plan,
    execution: &str,
    round: &Round,
    published: &mut Published,
) -> Result<Vec<Version>, TuneError> {
    let tried = Publishing::new(plan, Marker::in_round(execution, round.number))
        .run(&mut held, round, published)
        .await;
    held.end(tried).await
}

/// A version that is still pending cannot be called, and one that failed never will.
async fn await_versions(
    api: &LambdaApi,
    plan: &Plan,
    published: &mut Published,
    ready: &[Version],
    deadline: Deadline,
) -> Result<(), TuneError> {
    let start = Instant::now();
    let patience = deadline.left().saturating_sub(LAST_WORD);
    let function = &plan.target.function;
    let unsure = published.versions.iter();
    let unsure = unsure.filter(|version| !ready.contains(version));
    let ready = match versions::ready(api, function, unsure, patience).await {
        Err(TuneError::FunctionNotFound { function }) => {
            return Err(publishing::gone(plan, &function));
        }
        ready => ready?,
    };
    published.done = ready.all;
    if ready.all {
        published
            .versions
            .retain(|version| ready.failed.iter().all(|failed| failed.version != *version));
        published.failed.extend(ready.failed);
        return Ok(());
    }
    published.pending_s += start.elapsed().as_secs();
    if published.pending_s < LONGEST_PENDING_S {
        return Ok(());
    }
    Err(TuneError::PublishFailed {
        function: function.to_string(),
        detail: format!(
            "a version of it is still pending {} s after it was published",
            published.pending_s
        ),
    })
}
