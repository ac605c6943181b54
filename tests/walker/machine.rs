//! Runs a definition's states in the order and with the failures that Step Functions has.

use std::cell::Cell;
use std::time::Duration;

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use crate::data::{Context, Path, Scope, Template, conflict};
use crate::definition::{
    AtOnce, Catcher, Flow, Retrier, Rule, State, Step, Substitutions, Test, Work,
};

/// What `States.ALL` does not match. A definition that handles one of these by its name is refused.
const TERMINAL: [&str; 3] = [
    "States.DataLimitExceeded",
    "States.ReferencePathConflict",
    "States.Runtime",
];

/// More branches of an inline `Map` never run at once.
const MOST_AT_ONCE: usize = 40;

/// An execution's history ends at 25,000 events, and every state has at least two of them.
const MOST_TRANSITIONS: u32 = 12_500;

/// What the context object says of each execution.
const STARTED: &str = "2026-01-02T03:04:05.678Z";

/// Error name and cause, of a task or of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub error: String,
    pub cause: String,
}

/// A state machine's definition, checked.
pub struct Machine {
    flow: Flow,
    second: Duration,
}

#[derive(Debug)]
pub struct Execution {
    pub ended: Result<Value, Failure>,
    /// The states that were left, without those in the branches of a `Map`.
    pub history: Vec<Exited>,
    /// As Step Functions bills them: states entered, in branches too, and retries.
    pub transitions: u32,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Exited {
    pub state: String,
    pub output: Value,
}

impl Machine {
    /// `substitutions` replace every `"${Name}"` but those of `Resource`.
    ///
    /// # Errors
    ///
    /// The definition has something that the walker does not know.
    pub fn read(definition: &str, substitutions: &Substitutions) -> Result<Self> {
        Ok(Self {
            flow: Flow::read(definition, substitutions)?,
            second: Duration::ZERO,
        })
    }

    /// How long a second of the definition lasts; no time unless this is called.
    #[must_use]
    pub fn with_second(self, second: Duration) -> Self {
        Self { second, ..self }
    }

    /// Runs one execution; dropping the future stops it. `run` is given the name in a task's `"Resource": "${Name}"`
    /// and its input. What it returns is dropped too when the execution, or the branch of a `Map`, ends before it; a
    /// real function would keep running, so spawn inside `run` what must do the same.
    pub async fn execute(
        &self,
        arn: &str,
        input: Value,
        run: &impl AsyncFn(&str, Value) -> Result<Value, Failure>,
    ) -> Execution {
        let walk = Walk {
            run,
            second: self.second,
            transitions: Cell::new(0),
        };
        let context = Context {
            execution: &arn.into(),
            started: &STARTED.into(),
            input: &input,
            item: None,
        };
        let mut history = Vec::new();
        let ended = walk
            .flow(&self.flow, input.clone(), context, &mut history)
            .await;
        Execution {
            ended,
            history,
            transitions: walk.transitions.get(),
        }
    }
}

struct Walk<'a, F> {
    run: &'a F,
    second: Duration,
    transitions: Cell<u32>,
}

impl<F: AsyncFn(&str, Value) -> Result<Value, Failure>> Walk<'_, F> {
    async fn flow(
        &self,
        flow: &Flow,
        mut input: Value,
        context: Context<'_>,
        history: &mut Vec<Exited>,
    ) -> Result<Value, Failure> {
        let mut name = &flow.start;
        loop {
            let scope = Scope {
                state: name,
                input: &input,
                context,
            };
            self.count();
            scope.limit(&input)?;
            let (output, next) = match &flow.states[name] {
                State::Step(step) => self.step(step, scope).await?,
                State::Choice { rules, default } => {
                    let next = choose(rules, default.as_ref(), scope)?;
                    (input.clone(), Some(next))
                }
                State::Succeed => (input.clone(), None),
                State::Fail { error, cause } => {
                    return Err(Failure {
                        error: filled_text(error, scope)?,
                        cause: filled_text(cause, scope)?,
                    });
                }
            };
            scope.limit(&output)?;
            history.push(Exited {
                state: name.clone(),
                output: output.clone(),
            });
            let Some(next) = next else {
                return Ok(output);
            };
            (name, input) = (next, output);
        }
    }

    fn count(&self) {
        let transitions = self.transitions.get() + 1;
        assert!(transitions <= MOST_TRANSITIONS, "the execution never ends");
        self.transitions.set(transitions);
    }

    /// Output and next state, after retries and with the first catcher that takes the failure.
    async fn step<'s>(
        &self,
        step: &'s Step,
        scope: Scope<'_>,
    ) -> Result<(Value, Option<&'s String>), Failure> {
        let mut attempts = vec![0; step.retry.len()];
        let failure = loop {
            let failure = match self.work(&step.work, scope).await {
                Ok(result) => {
                    return Ok((step.result_path.put(result, scope)?, step.next.as_ref()));
                }
                Err(failure) => failure,
            };
            let retriers = step.retry.iter().zip(&mut attempts);
            let mut handling = retriers.filter(|(retrier, _)| handles(&retrier.errors, &failure));
            match handling.next() {
                Some((retrier, attempt)) if *attempt < retrier.max_attempts => {
                    self.wait(retrier, *attempt).await;
                    *attempt += 1;
                    self.count();
                }
                _ => break failure,
            }
        };
        let catcher = step
            .catch
            .iter()
            .find(|catcher| handles(&catcher.errors, &failure));
        let Some(Catcher {
            result_path, next, ..
        }) = catcher
        else {
            return Err(failure);
        };
        let caught = json!({"Error": failure.error, "Cause": failure.cause});
        Ok((result_path.put(caught, scope)?, Some(next)))
    }

    async fn wait(&self, retrier: &Retrier, attempt: u32) {
        if !self.second.is_zero() {
            let seconds =
                f64::from(retrier.interval_seconds) * retrier.backoff_rate.powf(attempt.into());
            tokio::time::sleep(self.second.mul_f64(seconds)).await;
        }
    }

    async fn work(&self, work: &Work, scope: Scope<'_>) -> Result<Value, Failure> {
        match work {
            Work::Task {
                resource,
                parameters,
            } => {
                let input = fill_or_input(parameters.as_ref(), scope)?;
                scope.limit(&input)?;
                let result = (self.run)(resource, input).await?;
                scope.limit(&result)?;
                Ok(result)
            }
            Work::Map {
                items,
                at_once,
                item,
                each,
            } => {
                let items = map_items(items, scope)?;
                let at_once = at_once_now(at_once, scope)?;
                self.map(items, at_once, item.as_ref(), each, scope).await
            }
            Work::Pass(result) => fill_or_input(result.as_ref(), scope),
        }
    }

    /// Results in the items' order. The first failure is the whole map's, and drops the other branches.
    async fn map(
        &self,
        items: &[Value],
        at_once: usize,
        selector: Option<&Template>,
        each: &Flow,
        scope: Scope<'_>,
    ) -> Result<Value, Failure> {
        let branches = items.iter().enumerate().map(async |(index, item)| {
            let number = index.into();
            let context = Context {
                item: Some((&number, item)),
                ..scope.context
            };
            let input = match selector {
                Some(selector) => selector.fill(Scope { context, ..scope })?,
                None => item.clone(),
            };
            let output = Box::pin(self.flow(each, input, context, &mut Vec::new())).await?;
            Ok((index, output))
        });
        let mut outputs: Vec<_> = stream::iter(branches)
            .buffer_unordered(at_once)
            .try_collect()
            .await?;
        outputs.sort_by_key(|(index, _)| *index);
        Ok(outputs.into_iter().map(|(_, output)| output).collect())
    }
}

fn handles(errors: &[String], failure: &Failure) -> bool {
    !TERMINAL.contains(&failure.error.as_str())
        && errors.iter().any(|name| match name.as_str() {
            "States.ALL" => true,
            "States.TaskFailed" => failure.error != "States.Timeout",
            name => name == failure.error,
        })
}

fn choose<'s>(
    rules: &'s [Rule],
    default: Option<&'s String>,
    scope: Scope,
) -> Result<&'s String, Failure> {
    for rule in rules {
        let matches = match (&rule.test, rule.variable.find(scope)) {
            (Test::IsPresent(wanted), found) => found.is_some() == *wanted,
            (Test::Equals(wanted), Some(found)) => found == wanted,
            (Test::NumericEquals(wanted), Some(found)) => found
                .as_f64()
                .is_some_and(|found| found.total_cmp(wanted).is_eq()),
            (_, None) => {
                let cause = format!(
                    "Invalid path '{}': The choice state's condition path references an invalid value.",
                    rule.variable.text
                );
                return Err(scope.fault("States.Runtime", &cause));
            }
        };
        if matches {
            return Ok(&rule.next);
        }
    }
    default.ok_or_else(|| {
        scope.fault(
            "States.NoChoiceMatched",
            "No choice rule matched and there is no default.",
        )
    })
}

fn fill_or_input(template: Option<&Template>, scope: Scope) -> Result<Value, Failure> {
    template.map_or_else(|| Ok(scope.input.clone()), |template| template.fill(scope))
}

fn filled_text(template: &Template, scope: Scope) -> Result<String, Failure> {
    match template.fill(scope)? {
        Value::String(text) => Ok(text),
        other => Err(scope.fault("States.Runtime", &format!("{other} is not a string."))),
    }
}

fn map_items<'a>(path: &Path, scope: Scope<'a>) -> Result<&'a [Value], Failure> {
    match path.find(scope) {
        Some(Value::Array(items)) => Ok(items),
        Some(_) => {
            let cause = format!("Reference path \"{}\" must point to array.", path.text);
            Err(scope.fault("States.Runtime", &cause))
        }
        None => Err(conflict(&path.text, scope)),
    }
}

/// How many branches may run at once; `0` stands for as many as possible.
fn at_once_now(at_once: &AtOnce, scope: Scope) -> Result<usize, Failure> {
    let number = match at_once {
        AtOnce::Number(number) => Some(u64::from(*number)),
        AtOnce::Path(path) => path.need("MaxConcurrencyPath", scope)?.as_u64(),
    };
    match number.map(usize::try_from) {
        Some(Ok(0)) => Ok(MOST_AT_ONCE),
        Some(Ok(number)) => Ok(number.min(MOST_AT_ONCE)),
        _ => Err(scope.fault(
            "States.Runtime",
            "MaxConcurrencyPath must point to a whole number.",
        )),
    }
}
