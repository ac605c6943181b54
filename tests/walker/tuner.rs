//! The tuner's functions, by the names that the definition calls them by.

use std::collections::BTreeMap;
use std::time::Duration;

use power_tuner_aws::{LambdaApi, StepFunctionsApi, StoredPayloads, StoredReports};
use power_tuner_core::TuneError;
use power_tuner_core::doctor::Conclusion;
use power_tuner_runtime::{Asked, Deadline};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::machine::{Failure, Machine};

const DEFINITION: &str = include_str!("../../statemachine/power-tuner.asl.json");
const FUNCTIONS: [&str; 7] = [
    "Initializer",
    "Publisher",
    "Executor",
    "Analyzer",
    "Optimizer",
    "Cleaner",
    "Reporter",
];

/// What a function is given at its cold start.
pub struct Clients {
    pub api: LambdaApi,
    pub executions: StepFunctionsApi,
    pub objects: StoredPayloads,
    pub reports: StoredReports,
}

/// What a function's timeout in the template is.
#[must_use]
pub fn longest(function: &str) -> Duration {
    match function {
        "Executor" | "Optimizer" => Duration::from_mins(15),
        "Cleaner" => Duration::from_mins(5),
        "Initializer" | "Publisher" => Duration::from_mins(2),
        _ => Duration::from_mins(1),
    }
}

/// The parameters of a stack that has other ones than the walker's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    pub report_bucket: &'a str,
    pub report_prefix: &'a str,
    pub notification_topic: &'a str,
}

/// The state machine as it is deployed, where `arn` gives the ARN of each of its functions.
///
/// # Panics
///
/// The definition has a form that the walker does not know.
#[must_use]
pub fn machine(arn: impl Fn(&str) -> String, longest_wait_s: u64) -> Machine {
    machine_with(arn, longest_wait_s, Given::default())
}

/// The same in a stack with these parameters.
///
/// # Panics
///
/// The definition has a form that the walker does not know.
#[must_use]
pub fn machine_with(arn: impl Fn(&str) -> String, longest_wait_s: u64, given: Given) -> Machine {
    let wait = longest_wait_s.to_string();
    let functions = FUNCTIONS.map(|name| (name, arn(name)));
    let mut substitutions: BTreeMap<&str, &str> = functions
        .iter()
        .map(|(name, arn)| (*name, arn.as_str()))
        .collect();
    substitutions.extend([
        ("LongestWaitS", wait.as_str()),
        ("PowerValues", ""),
        ("Search", ""),
        ("VisualizationURL", ""),
        ("ReportBucket", given.report_bucket),
        ("ReportPrefix", given.report_prefix),
        ("NotificationTopic", given.notification_topic),
        ("NotifyAbovePercent", "5"),
        ("TopicArn", given.notification_topic),
        ("TotalExecutionTimeout", "600"),
    ]);
    Machine::read(DEFINITION, &substitutions).expect("the definition")
}

/// Runs one function until it ends.
///
/// # Errors
///
/// The function's own, in the form in which Lambda gives it to Step Functions.
///
/// # Panics
///
/// There is no such function, or the state machine passes what it does not read.
pub async fn run(
    function: &str,
    input: Value,
    clients: Clients,
    until: Deadline,
) -> Result<Value, Failure> {
    let Clients {
        api,
        executions,
        objects,
        reports,
    } = &clients;
    let input = match read(input) {
        Asked::<Value, Value>::Work(input) => input,
        Asked::Doctor(call) => {
            return match function {
                "Initializer" => shown(power_tuner_initializer::examine(api, read(call)).await),
                "Publisher" => {
                    shown(power_tuner_publisher::examine(api, executions, read(call)).await)
                }
                "Executor" => shown(power_tuner_executor::examine(api, read(call)).await),
                "Analyzer" => shown(read::<Conclusion>(call).conclude()),
                "Optimizer" => {
                    shown(power_tuner_optimizer::examine(api, executions, read(call)).await)
                }
                "Cleaner" => {
                    shown(power_tuner_cleaner::examine(api, executions, read(call), until).await)
                }
                "Reporter" => {
                    shown(power_tuner_reporter::examine(reports, read(call), until).await)
                }
                other => panic!("no function `{other}`"),
            };
        }
    };
    match function {
        "Initializer" => shown(power_tuner_initializer::handle(api, objects, read(input)).await),
        "Publisher" => {
            shown(power_tuner_publisher::handle(api, executions, read(input), until).await)
        }
        "Executor" => {
            // It holds all that is known of a size; others hold what is known of a function.
            let measured = power_tuner_executor::handle(api, objects, read(input), until);
            shown(Box::pin(measured).await)
        }
        "Analyzer" => shown(power_tuner_analyzer::handle(read(input))),
        "Optimizer" => {
            let applied = power_tuner_optimizer::handle(api, executions, read(input), until);
            shown(Box::pin(applied).await)
        }
        "Cleaner" => {
            let cleaned = power_tuner_cleaner::handle(api, executions, read(input), until);
            shown(Box::pin(cleaned).await)
        }
        "Reporter" => shown(power_tuner_reporter::handle(reports, read(input), until).await),
        other => panic!("no function `{other}`"),
    }
}

fn read<T: DeserializeOwned>(input: Value) -> T {
    serde_json::from_value(input).expect("what the state machine passes is what the handler reads")
}

fn shown<T: Serialize>(output: Result<T, TuneError>) -> Result<Value, Failure> {
    match output {
        Ok(output) => Ok(serde_json::to_value(output).expect("JSON")),
        Err(error) => {
            let cause = json!({"errorType": error.name(), "errorMessage": error.to_string()});
            Err(Failure {
                error: error.name().to_owned(),
                cause: cause.to_string(),
            })
        }
    }
}
