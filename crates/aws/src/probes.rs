//! Whether this function's role may do what a tuning does, found out without doing it: each write is one that AWS has to
//! refuse, and what it refuses it for says whether it was allowed.

use std::time::Duration;

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::types::InvocationType;
use power_tuner_core::TuneError;
use power_tuner_core::doctor::{Account, Examination, Visit};
use power_tuner_core::function::{FunctionArn, region_in};
use power_tuner_core::marker::Marker;
use power_tuner_core::role::session_name;

use crate::client;
use crate::failure::{Asked, is_denial};
use crate::lambda::{LambdaApi, in_region};
use crate::stepfunctions::StepFunctionsApi;

/// Calls about a function, on behalf of an execution.
pub struct Probes<'a> {
    pub api: &'a LambdaApi,
    pub visit: &'a Visit,
    pub function: &'a FunctionArn,
}

/// What a step does that holds the lock, besides changing the function's memory.
#[derive(Clone, Copy, Debug)]
pub struct Holder {
    pub publishes: bool,
    pub deletes: bool,
}

impl Holder {
    /// Finds whether it may do that, and judge others that hold the lock. The function is asked through `api`.
    pub async fn look(
        self,
        api: &LambdaApi,
        executions: &StepFunctionsApi,
        visit: &Visit,
        seen: &mut Examination,
    ) {
        let execution = &visit.execution;
        let described = executions.may_describe(execution).await;
        seen.may("states:DescribeExecution", described);
        let history = executions.may_read_history(execution).await;
        seen.may("states:GetExecutionHistory", history);
        let Some(function) = &visit.function() else {
            return;
        };
        let probes = Probes {
            api,
            visit,
            function,
        };
        probes.of_a_holder(seen, self.publishes).await;
        if self.deletes && !seen.is_in_vain() {
            seen.may("lambda:DeleteFunction", probes.delete_version().await);
        }
    }
}

/// No revision has this id.
const NO_REVISION: &str = "00000000-0000-0000-0000-000000000000";
/// No code has this hash.
const NO_CODE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// No function ever has so many versions.
const NO_VERSION: &str = "999999999";
const LONGEST: Duration = Duration::from_secs(20);

impl Probes<'_> {
    /// What everybody needs who holds the lock, and what those need besides who publish.
    async fn of_a_holder(&self, seen: &mut Examination, publishes: bool) {
        let Self { api, function, .. } = self;
        let read = api.configuration(&function.to_string()).await;
        seen.may("lambda:GetFunctionConfiguration", read);
        if seen.is_in_vain() {
            return;
        }
        seen.may(
            "lambda:ListVersionsByFunction",
            api.versions(function).await,
        );
        if publishes {
            seen.may("lambda:PublishVersion", self.publish().await);
        }
        seen.may("lambda:UpdateFunctionConfiguration", self.update().await);
        let there = seen.may(
            "lambda:GetAlias",
            api.alias(function, &self.no_alias()).await,
        );
        if there.flatten().is_some() {
            // Somebody has one of that name after all, and keeps it.
            return;
        }
        if publishes {
            seen.may("lambda:CreateAlias", self.create_alias().await);
        }
        seen.may("lambda:UpdateAlias", self.update_alias().await);
        seen.may("lambda:DeleteAlias", self.delete_alias().await);
    }

    /// An alias that nobody has: its name is the execution's.
    fn no_alias(&self) -> String {
        let letters = session_name(&self.visit.execution);
        let letters = letters.replace(|char: char| !char.is_ascii_alphanumeric(), "-");
        format!("{letters}-doctor")
    }

    /// Nothing is to be changed, and of a revision that there is not.
    async fn update(&self) -> Result<(), TuneError> {
        let sent = self
            .api
            .control(self.function)
            .update_function_configuration()
            .function_name(self.function.to_string())
            .revision_id(NO_REVISION)
            .customize()
            .config_override(client::within(LONGEST))
            .send()
            .await;
        refused(self.asked("lambda:UpdateFunctionConfiguration"), sent)
    }

    /// A version of a revision and of code that there are not. Where somebody publishes one all the same, it says whose it
    /// is, and the cleaner deletes it.
    async fn publish(&self) -> Result<(), TuneError> {
        let sent = self
            .api
            .control(self.function)
            .publish_version()
            .function_name(self.function.to_string())
            .description(Marker::of(&self.visit.execution).to_string())
            .revision_id(NO_REVISION)
            .code_sha256(NO_CODE)
            .customize()
            .config_override(client::within(LONGEST))
            .send()
            .await;
        refused(self.asked("lambda:PublishVersion"), sent)
    }

    /// An alias of a version that there is not. Where somebody makes it all the same, [`delete_alias`](Self::delete_alias)
    /// removes it.
    async fn create_alias(&self) -> Result<(), TuneError> {
        let sent = self
            .api
            .control(self.function)
            .create_alias()
            .function_name(self.function.to_string())
            .function_version(NO_VERSION)
            .name(self.no_alias())
            .customize()
            .config_override(client::within(LONGEST))
            .send()
            .await;
        refused(self.asked("lambda:CreateAlias"), sent)
    }

    /// Of an alias that there is not.
    async fn update_alias(&self) -> Result<(), TuneError> {
        let sent = self
            .api
            .control(self.function)
            .update_alias()
            .function_name(self.function.to_string())
            .name(self.no_alias())
            .revision_id(NO_REVISION)
            .customize()
            .config_override(client::within(LONGEST))
            .send()
            .await;
        refused(self.asked("lambda:UpdateAlias"), sent)
    }

    /// The same.
    async fn delete_alias(&self) -> Result<(), TuneError> {
        let sent = self
            .api
            .control(self.function)
            .delete_alias()
            .function_name(self.function.to_string())
            .name(self.no_alias())
            .customize()
            .config_override(client::within(LONGEST))
            .send()
            .await;
        refused(self.asked("lambda:DeleteAlias"), sent)
    }

    /// Of a version that there is not, and never of the function: the name has a number.
    async fn delete_version(&self) -> Result<(), TuneError> {
        let name = format!("{}:{NO_VERSION}", self.function);
        let sent = self
            .api
            .control(self.function)
            .delete_function()
            .function_name(&name)
            .customize()
            .config_override(client::within(LONGEST))
            .send()
            .await;
        refused(self.api.asked("lambda:DeleteFunction", &name), sent)
    }

    /// Lambda has a call for this that runs nothing. It is asked of `$LATEST` by its name, as a measured call is of a version.
    ///
    /// # Errors
    ///
    /// It may not be done, or that is not known.
    pub async fn invoke(&self) -> Result<(), TuneError> {
        let name = format!("{}:$LATEST", self.function);
        let sent = in_region(&self.api.control, region_in(&name))
            .invoke()
            .function_name(&name)
            .invocation_type(InvocationType::DryRun)
            .customize()
            .config_override(client::within(LONGEST))
            .send()
            .await;
        refused(self.api.asked("lambda:InvokeFunction", &name), sent)
    }

    fn asked(&self, action: &'static str) -> Asked<'_> {
        self.api.asked(action, self.function)
    }
}

impl LambdaApi {
    /// What the account may have of Lambda in the region of the function, or in the tuner's own.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn account(&self, function: Option<&FunctionArn>) -> Result<Account, TuneError> {
        let name = function.map(ToString::to_string).unwrap_or_default();
        let asked = self.asked("lambda:GetAccountSettings", &"*");
        let settings = self
            .control_in(region_in(&name))
            .get_account_settings()
            .send()
            .await
            .map_err(|error| asked.failed(&error))?;
        let limit = settings
            .account_limit
            .unwrap_or_else(|| aws_sdk_lambda::types::AccountLimit::builder().build());
        let used = settings
            .account_usage
            .map_or(0, |usage| usage.total_code_size);
        let number = |number: i64| u64::try_from(number).unwrap_or_default();
        Ok(Account {
            concurrency: number(limit.concurrent_executions.into()),
            unreserved: number(
                limit
                    .unreserved_concurrent_executions
                    .unwrap_or_default()
                    .into(),
            ),
            code_bytes: number(used),
            most_code_bytes: number(limit.total_code_size),
        })
    }

    fn control_in(&self, region: Option<&str>) -> aws_sdk_lambda::Client {
        in_region(&self.control, region)
    }
}

impl StepFunctionsApi {
    /// Whether what is known of an execution may be read.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn may_describe(&self, execution: &str) -> Result<(), TuneError> {
        self.redrives(execution).await.map(drop)
    }

    /// Whether the history of an execution may be read.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn may_read_history(&self, execution: &str) -> Result<(), TuneError> {
        self.plan(execution).await.map(drop)
    }

    /// Whether the executions of a state machine may be listed.
    ///
    /// # Errors
    ///
    /// What AWS says, in our words.
    pub async fn may_list(&self, state_machine: &str) -> Result<(), TuneError> {
        let none = Duration::ZERO;
        self.ended_badly(state_machine, none).await.map(drop)
    }
}

/// AWS asks first whether somebody may do a thing, and then whether it can be done: who is told that it cannot might have.
fn refused<T, E>(asked: Asked<'_>, sent: Result<T, SdkError<E>>) -> Result<(), TuneError>
where
    SdkError<E>: ProvideErrorMetadata,
    E: std::error::Error + 'static,
{
    let Err(error) = sent else {
        return Ok(());
    };
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    match (status, error.code()) {
        (_, Some(code)) if is_denial(code) => Err(asked.failed(&error)),
        (Some(400 | 404 | 409 | 412), _) => Ok(()),
        _ => Err(asked.failed(&error)),
    }
}
