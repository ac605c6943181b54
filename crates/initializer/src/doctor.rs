//! What the first step would meet: whether the function can be tuned, and what the account has for it.

use power_tuner_aws::LambdaApi;
use power_tuner_core::TuneError;
use power_tuner_core::doctor::{Call, Examination, Examined};
use power_tuner_core::function::FunctionArn;
use power_tuner_core::lock::ALIAS;
use power_tuner_core::plan::{Plan, Stack};
use power_tuner_core::request::Request;

use crate::find;

/// Says what is wrong with the stack, and with a function if one is named.
///
/// # Errors
///
/// Faults of the input.
pub async fn examine(api: &LambdaApi, call: Call) -> Result<Examined, TuneError> {
    let visit = call.visit()?;
    let stack = call.stack.unwrap_or_default();
    let target = &api.of_target(visit.role.as_ref(), &visit.execution);
    let function = visit.function();
    let mut seen = Examination::by("initializer");
    seen.stack(&stack);
    seen.account(target.account(function.as_ref()).await);
    if let Some(function) = &function {
        may_read(target, function, &mut seen).await;
        // Without its permissions it would say the same again.
        if seen.is_well()
            && let Ok(request) = visit.smallest_tuning(&stack)
        {
            seen.plan(plan(target, request, &stack).await);
        }
    }
    Ok(seen.end())
}

async fn may_read(api: &LambdaApi, function: &FunctionArn, seen: &mut Examination) {
    let read = api.configuration(&function.to_string()).await;
    seen.may("lambda:GetFunctionConfiguration", read);
    if seen.is_in_vain() {
        return;
    }
    let reserved = api.reserved_concurrency(function).await;
    seen.may("lambda:GetFunctionConcurrency", reserved);
    seen.may("lambda:GetAlias", api.alias(function, ALIAS).await);
}

async fn plan(api: &LambdaApi, request: Request, stack: &Stack) -> Result<Plan, TuneError> {
    let found = find(api, &request).await?;
    Plan::new(request, found, stack)
}
