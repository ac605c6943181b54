//! The first step: everything that can be known to be wrong is found here, before anything is touched.

mod doctor;

use std::time::Duration;

use power_tuner_aws::{LambdaApi, StoredPayloads, latest, lock};
use power_tuner_core::TuneError;
use power_tuner_core::configuration::{Configuration, LastUpdate};
use power_tuner_core::function::{FunctionArn, FunctionRef};
use power_tuner_core::lock::{ALIAS, Note};
use power_tuner_core::plan::{Found, Plan, Qualified, Stack};
use power_tuner_core::request::Request;
use power_tuner_core::tuning::Tuning;
use power_tuner_runtime::InLogs;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

pub use crate::doctor::examine;
#[derive(Debug, Deserialize)]
pub struct Input {
    execution: String,
    /// The execution's own input, as somebody wrote it.
    #[serde(rename = "input")]
    written: Value,
    stack: Stack,
}

impl InLogs for Input {
    fn execution(&self) -> &str {
        &self.execution
    }
}

/// A function that changes while it is read is read again, so often.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Reads the input and the target, and plans the tuning.
///
/// # Errors
///
/// Faults of the input, a target that cannot be tuned, an unknown price, or what AWS says.
pub async fn handle(
    api: &LambdaApi,
    objects: &StoredPayloads,
    input: Input,
) -> Result<Tuning, TuneError> {
    let request = Request::parse_with(&input.written, input.stack.defaults())
        .map_err(TuneError::InvalidInput)?;
    let target = api.of_target(request.role.as_ref(), &input.execution);
    // Read here so that what is wrong with it is known before anything is touched, and so that all calls get the same.
    let payload_etag = match &request.payload_s3 {
        Some(at) => Some(objects.read(at, None, &request).await?.etag),
        None => None,
    };
    let found = Found {
        payload_etag,
        ..find(&target, &request).await?
    };
    let plan = Plan::new(request, found, &input.stack)?;
    tracing::info!(
        function = %plan.target.function,
        memory = plan.target.memory.get(),
        search = plan.request.search.name(),
        num = plan.request.num,
        strategy = plan.request.strategy.name(),
        "planned"
    );
    Ok(Tuning::new(plan))
}

async fn find(api: &LambdaApi, request: &Request) -> Result<Found, TuneError> {
    let (latest, lock) = at_rest(api, &request.function).await?;
    let function = &latest.function;
    let qualified = match request.function.qualifier() {
        Some(number) if is_number(number) => Some(version(api, function, number).await?),
        // One that is not there is named by its configuration's error.
        Some(name) => match alias(api, function, name).await? {
            Some(alias) => Some(alias),
            None => Some(version(api, function, name).await?),
        },
        None => None,
    };
    let to_optimize = match request.alias_to_optimize() {
        Some(name) => alias(api, function, name).await?,
        None => None,
    };
    let reserved_concurrency = api.reserved_concurrency(function).await?;
    Ok(Found {
        latest,
        lock,
        qualified,
        to_optimize,
        reserved_concurrency,
        payload_etag: None,
    })
}

/// `$LATEST` and its lock, of one moment. Another tuning may be in the middle of publishing: then `$LATEST` has a size
/// of that tuning's, and the lock says which one it had before. Read after each other the two may not fit, so that they
/// are taken only where `$LATEST` is the same before and after.
async fn at_rest(
    api: &LambdaApi,
    name: &FunctionRef,
) -> Result<(Configuration, Option<Note>), TuneError> {
    let mut before = latest::idle(api, name.as_str()).await?;
    // It was waited for, and is refused now.
    if before.last_update == LastUpdate::InProgress {
        return Ok((before, None));
    }
    for _ in 0..LOOKS {
        let lock = api.alias(&before.function, ALIAS).await?;
        let note = lock
            .map(|alias| lock::read(&before.function, &alias.description))
            .transpose()?;
        // What the lock says holds as long as it is there.
        if note.is_some() {
            return Ok((before, note));
        }
        let after = latest::idle(api, name.as_str()).await?;
        if after.revision_id == before.revision_id {
            return Ok((after, None));
        }
        before = after;
        sleep(BETWEEN_LOOKS).await;
    }
    Err(TuneError::FunctionChanged {
        function: before.function.to_string(),
        detail: "it never was at rest for long enough to be read".to_owned(),
    })
}

fn is_number(qualifier: &str) -> bool {
    qualifier.bytes().all(|byte| byte.is_ascii_digit())
}

async fn version(
    api: &LambdaApi,
    function: &FunctionArn,
    qualifier: &str,
) -> Result<Qualified, TuneError> {
    let name = format!("{function}:{qualifier}");
    Ok(Qualified {
        name: qualifier.to_owned(),
        configuration: api.configuration(&name).await?,
        is_weighted: false,
    })
}

/// The version behind an alias, where there is one of that name.
async fn alias(
    api: &LambdaApi,
    function: &FunctionArn,
    name: &str,
) -> Result<Option<Qualified>, TuneError> {
    let Some(alias) = api.alias(function, name).await? else {
        return Ok(None);
    };
    Ok(Some(Qualified {
        is_weighted: alias.is_weighted,
        ..version(api, function, name).await?
    }))
}
