//! What each case needs: functions of its own, executions, and the comparison of before and after.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value, json};
use xtask::{Execution, LocalAws, Simulator};

use crate::function::Function;
use crate::suite::wait_for;

/// Longer than a lock is waited for, and than the sweep takes to come.
const PATIENCE: Duration = Duration::from_mins(2);

/// The alias that is the lock.
pub const LOCK: &str = "power-tuner-lock";

/// One case's place to work.
pub struct Bench<'a> {
    pub local: &'a LocalAws,
    case: &'static str,
}

/// A function that is to be tuned, and what watches it.
pub struct Target<'a> {
    function: Function<'a>,
    bench: &'a Bench<'a>,
}

impl<'a> Deref for Target<'a> {
    type Target = Function<'a>;

    fn deref(&self) -> &Function<'a> {
        &self.function
    }
}

impl DerefMut for Target<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.function
    }
}

impl<'a> Bench<'a> {
    pub fn new(local: &'a LocalAws, case: &'static str) -> Self {
        Self { local, case }
    }

    fn simulator(&self) -> &Simulator {
        self.local.simulator()
    }

    /// Makes a function with the case's name. `spec` is a preset or a specification of the simulator's.
    pub fn function(&'a self, spec: Value) -> Result<Target<'a>> {
        self.function_named(self.case, spec)
    }

    /// Makes one more function for the case.
    pub fn another_function(&'a self, suffix: &str, spec: Value) -> Result<Target<'a>> {
        self.function_named(&format!("{}-{suffix}", self.case), spec)
    }

    pub fn function_named(&'a self, name: &str, spec: Value) -> Result<Target<'a>> {
        Ok(Target {
            function: Function::make(self.simulator(), name, spec)?,
            bench: self,
        })
    }

    /// Runs an execution to its end.
    pub fn execute(&self, input: &Value) -> Result<(String, Execution)> {
        let execution = self.local.start_execution(input)?;
        let ended = self.end_of(&execution)?;
        Ok((execution, ended))
    }

    /// How an execution ends.
    pub fn end_of(&self, execution: &str) -> Result<Execution> {
        self.local.aws().wait_for_execution(execution, PATIENCE)
    }

    /// The output of an execution that must succeed.
    pub fn outcome_of(&self, execution: &str) -> Result<Value> {
        let ended = self.end_of(execution)?;
        ensure!(ended.status == "SUCCEEDED", "not succeeded: {ended:?}");
        ended.output.context("an output")
    }

    pub fn stop(&self, execution: &str) -> Result<()> {
        self.local.aws().stop_execution(execution)?;
        let ended = self.local.aws().describe_execution(execution)?;
        ensure!(ended.status == "ABORTED", "{ended:?}");
        Ok(())
    }

    /// An execution of the state machine that there never was, or is no more.
    pub fn gone_execution(&self) -> String {
        let executions = self
            .local
            .state_machine_arn()
            .replace(":stateMachine:", ":execution:");
        format!("{executions}:{}", self.case)
    }

    /// Calls the cleaner as a person would.
    pub fn clean(&self, input: &Value) -> Result<Value> {
        let cleaner = self.local.stack_output("CleanerFunctionName");
        let path = format!("/2015-03-31/functions/{cleaner}/invocations");
        let aws = self.local.aws();
        let answer = aws.rest("lambda", "POST", &path, Some(input))?;
        ensure!(
            answer["errorType"].is_null(),
            "the cleaner failed: {answer:#}"
        );
        Ok(answer)
    }

    /// What lies in the queue of clean-ups that failed.
    pub fn failed_clean_ups(&self) -> Result<Vec<Value>> {
        let request = json!({
            "QueueUrl": self.local.stack_output("FailedCleanUpsUrl"),
            "MaxNumberOfMessages": 10,
            // Others look, too.
            "VisibilityTimeout": 0,
        });
        let aws = self.local.aws();
        let received = aws.call("sqs", "AmazonSQS.ReceiveMessage", &request)?;
        let messages = received["Messages"].as_array().into_iter().flatten();
        messages
            .map(|message| {
                Ok(serde_json::from_str(
                    message["Body"].as_str().context("a body")?,
                )?)
            })
            .collect()
    }

    /// Every line that a function of the tuner has logged so far, in any case, with the function's log group.
    pub fn logs(&self) -> Result<Vec<Value>> {
        let mut lines = self.objects_logged()?;
        // Lambda's own lines are objects too, but only ours have a level.
        lines.retain(|line| line["level"].is_string() && line["_aws"].is_null());
        Ok(lines)
    }

    /// What `CloudWatch` takes for metrics of that function.
    pub fn metrics_of(&self, function: &str) -> Result<Vec<Value>> {
        let mut lines = self.objects_logged()?;
        lines.retain(|line| line["_aws"].is_object() && line["Function"] == function);
        Ok(lines)
    }

    fn objects_logged(&self) -> Result<Vec<Value>> {
        let mut lines = Vec::new();
        self.local.aws().logged(|group, message| {
            for line in message.lines() {
                if let Ok(Value::Object(mut line)) = serde_json::from_str(line) {
                    line.insert("group".to_owned(), group.clone());
                    lines.push(Value::Object(line));
                }
            }
        })?;
        Ok(lines)
    }

    /// Every text in every log group so far, whoever wrote it.
    pub fn everything_logged(&self) -> Result<String> {
        let mut all = String::new();
        self.local.aws().logged(|_, message| {
            all.push_str(message);
            all.push('\n');
        })?;
        Ok(all)
    }
}

impl Target<'_> {
    pub fn versions(&self) -> Result<Vec<Value>> {
        let mut now = self.now()?;
        match now["versions"].take() {
            Value::Array(versions) => Ok(versions),
            other => bail!("not versions: {other}"),
        }
    }

    pub fn reserve(&self, concurrency: u32) -> Result<()> {
        let path = format!("/2017-10-31/functions/{}/concurrency", self.name);
        let request = json!({"ReservedConcurrentExecutions": concurrency});
        let simulator = self.bench.simulator();
        simulator.request("PUT", &path, Some(&request)).map(drop)
    }

    /// Publishes as the function's owner would, and gives the version's number once it can be called.
    pub fn publish(&self, description: &str) -> Result<String> {
        let published = self.own("POST", "/versions", &json!({"Description": description}))?;
        let number = published["Version"]
            .as_str()
            .context("a number")?
            .to_owned();
        wait_until(|| {
            let versions = self.versions()?;
            Ok(versions
                .iter()
                .any(|version| version["version"] == number && version["state"] == "Active"))
        })?;
        Ok(number)
    }

    pub fn point(&self, alias: &str, version: &str) -> Result<()> {
        let alias = json!({"Name": alias, "FunctionVersion": version});
        self.own("POST", "/aliases", &alias).map(drop)
    }

    /// Leaves a lock as a tuning would, and gives what it says. `512>128` is what the function had before, and what it
    /// was given.
    pub fn lock(&self, sizes: &str, until_s: u64, execution: &str) -> Result<String> {
        let description = format!("{sizes} until {until_s}, {execution}");
        let alias = json!({"Name": LOCK, "FunctionVersion": "$LATEST", "Description": description});
        self.own("POST", "/aliases", &alias)?;
        Ok(description)
    }

    /// What the lock says, if there is one.
    pub fn locked(&self) -> Result<Option<String>> {
        let now = self.now()?;
        let mut aliases = now["aliases"].as_array().into_iter().flatten();
        let lock = aliases.find(|alias| alias["name"] == LOCK);
        Ok(lock.and_then(|lock| Some(lock["description"].as_str()?.to_owned())))
    }

    pub fn unlock(&self) -> Result<()> {
        let path = format!("/aliases/{LOCK}");
        self.own("DELETE", &path, &json!({})).map(drop)
    }

    /// Has the simulator do something wrong to calls for this function.
    pub fn fault(&self, rule: Value) -> Result<()> {
        let mut rule = object(rule)?;
        rule.insert("function".to_owned(), json!(self.name));
        let rule = Value::Object(rule);
        let simulator = self.bench.simulator();
        simulator
            .request("POST", "/_sim/faults", Some(&rule))
            .map(drop)
    }

    /// Every call for this function so far, with the status of its answer.
    pub fn asked(&self) -> Result<Vec<Value>> {
        let calls = self.bench.simulator().request("GET", "/_sim/calls", None)?;
        let mut calls = match calls {
            Value::Array(calls) => calls,
            other => bail!("not calls: {other}"),
        };
        calls.retain(|call| call["function"] == self.name);
        Ok(calls)
    }

    /// How often it was asked for an action with success.
    pub fn count(&self, action: &str) -> Result<usize> {
        let mut calls = self.asked()?;
        calls.retain(|call| call["action"] == action && is_accepted(call));
        Ok(calls.len())
    }

    /// How often it was asked for an action in vain.
    pub fn refused(&self, action: &str) -> Result<usize> {
        let mut calls = self.asked()?;
        calls.retain(|call| call["action"] == action && !is_accepted(call));
        Ok(calls.len())
    }

    /// How often anybody changed `$LATEST`, or published it.
    pub fn changes(&self) -> Result<usize> {
        Ok(self.count("UpdateFunctionConfiguration")? + self.count("PublishVersion")?)
    }

    /// Starts tuning it; five calls a size unless `input` says otherwise.
    pub fn start(&self, input: Value) -> Result<String> {
        self.bench.local.start_execution(&self.input(input)?)
    }

    /// Tunes it, and gives the outcome of an execution that must succeed.
    pub fn tune(&self, input: Value) -> Result<(String, Value)> {
        let execution = self.start(input)?;
        let outcome = self.bench.outcome_of(&execution)?;
        Ok((execution, outcome))
    }

    /// Tunes it, and gives error and cause of an execution that must fail.
    pub fn fail_to_tune(&self, input: Value) -> Result<(String, String)> {
        let (_, ended) = self.bench.execute(&self.input(input)?)?;
        failed(ended)
    }

    fn input(&self, more: Value) -> Result<Value> {
        let mut input = object(json!({"lambdaARN": self.name, "num": 5}))?;
        input.extend(object(more)?);
        Ok(Value::Object(input))
    }

    /// As [`becomes_as_before`](Function::becomes_as_before), and the clean-up after this execution came to its end. The sweep,
    /// which comes every minute and does so too, may have been faster with some of the versions, or with all.
    pub fn is_cleaned_up_after(&self, execution: &str) -> Result<()> {
        self.becomes_as_before()?;
        let published = self.count("PublishVersion")?;
        let is_of_the_sweep = |line: &Value| {
            let function = line["function"].as_str().unwrap_or_default();
            line["message"] == "cleaned up by hand or on schedule"
                && function.ends_with(&format!(":{}", self.name))
        };
        let ended_and_deleted = || {
            let lines = self.bench.logs()?;
            let own = || {
                let all = lines.iter();
                all.filter(|line| line["span"]["execution"] == execution)
            };
            let ended = own().any(|line| line["message"] == "cleaned up");
            let is_deletion =
                |line: &&Value| line["message"] == "deletion" && line["outcome"] == "Ok(Deleted)";
            let deleted = own().filter(is_deletion).count();
            let sweeps = lines.iter().filter(|line| is_of_the_sweep(line));
            let swept: u64 = sweeps.filter_map(|line| line["deleted"].as_u64()).sum();
            Ok::<_, anyhow::Error>((ended, deleted, swept))
        };
        // Logs come a moment later.
        wait_until(|| {
            let (ended, deleted, swept) = ended_and_deleted()?;
            let is_done = deleted > 0 || swept > 0;
            Ok(ended && is_done && deleted <= published)
        })
        .with_context(|| {
            format!(
                "of {published} versions: ended, deleted, swept: {:?}",
                ended_and_deleted()
            )
        })
    }

    /// It is as before, and nobody has called it.
    pub fn is_untouched(&self) -> Result<()> {
        ensure!(self.calls()? == 0, "the function was called");
        self.is_as_before()
    }

    /// How often the function was called, at any size.
    pub fn calls(&self) -> Result<u64> {
        let now = self.now()?;
        let calls = now["invocations"].as_object().context("`invocations`")?;
        Ok(calls.values().filter_map(Value::as_u64).sum())
    }
}

fn is_accepted(call: &Value) -> bool {
    call["status"]
        .as_u64()
        .is_some_and(|status| (200..300).contains(&status))
}

/// In seconds since 1970.
pub fn now_s() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// Error and cause of an execution that must have failed.
pub fn failed(ended: Execution) -> Result<(String, String)> {
    ensure!(ended.status == "FAILED", "not failed: {ended:?}");
    Ok((
        ended.error.context("an error")?,
        ended.cause.context("a cause")?,
    ))
}

/// Polls until something holds.
pub fn wait_until(holds: impl Fn() -> Result<bool>) -> Result<()> {
    wait_for(PATIENCE, holds)
}

pub fn object(value: Value) -> Result<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        other => bail!("not an object: {other}"),
    }
}
