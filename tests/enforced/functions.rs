//! Functions to tune, in the Lambda of local AWS, and how they were before.

use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{fs, sync::OnceLock};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use xtask::{Aws, Execution, LocalAws};

use crate::roles;
use crate::suite::wait_for;

const PATIENCE: Duration = Duration::from_mins(2);
/// Of the functions: it allows nothing.
const ROLE: &str = "function-to-tune";
/// Where the stack is.
pub const HOME: &str = "us-east-1";

/// One case's place to work.
pub struct Bench<'a> {
    pub local: &'a LocalAws,
    pub case: String,
}

/// A function that is to be tuned, and how it was before.
pub struct Target {
    pub arn: String,
    path: String,
    aws: Aws,
    before: Value,
}

/// Makes the role that the functions of an account have.
pub fn make_role(aws: &Aws) -> Result<()> {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }],
    });
    let trust = trust.to_string();
    let parameters = [
        ("RoleName", ROLE),
        ("AssumeRolePolicyDocument", trust.as_str()),
    ];
    aws.query("iam", "CreateRole", "2010-05-08", &parameters)
        .map(drop)
}

/// The code of every function to tune.
fn code() -> Result<String> {
    static CODE: OnceLock<Result<String, String>> = OnceLock::new();
    let code = CODE.get_or_init(|| zipped().map_err(|error| format!("{error:#}")));
    code.clone().map_err(anyhow::Error::msg)
}

fn zipped() -> Result<String> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir()?;
    let zip = folder.path().join("target.zip");
    let made = Command::new(package.join("../.venv/bin/python"))
        .args(["-m", "zipfile", "-c"])
        .arg(&zip)
        .arg(package.join("enforced/target.py"))
        .output()?;
    ensure!(made.status.success(), "{made:?}");
    Ok(STANDARD.encode(fs::read(zip)?))
}

impl<'a> Bench<'a> {
    pub fn new(local: &'a LocalAws, case: &str) -> Self {
        let case = case.to_owned();
        Self { local, case }
    }

    /// A function of 512 MB with the case's name, in the stack's region.
    pub fn function(&self) -> Result<Target> {
        self.function_in(HOME, "")
    }

    /// One more function for the case.
    pub fn another_function(&self, suffix: &str) -> Result<Target> {
        self.function_in(HOME, suffix)
    }

    pub fn function_in(&self, region: &str, suffix: &str) -> Result<Target> {
        let aws = self.local.aws().in_region(region);
        self.function_of(aws, "123456789012", suffix)
    }

    /// A function where that client is.
    pub fn function_of(&self, aws: Aws, account: &str, suffix: &str) -> Result<Target> {
        const LONGEST_NAME: usize = 64;
        let name = format!("{}{suffix}", self.case);
        ensure!(name.len() <= LONGEST_NAME, "`{name}` is too long");
        let created = aws.rest(
            "lambda",
            "POST",
            "/2015-03-31/functions",
            Some(&json!({
                "FunctionName": name,
                "Runtime": "python3.13",
                "Handler": "target.handler",
                "Role": format!("arn:aws:iam::{account}:role/{ROLE}"),
                "Code": {"ZipFile": code()?},
                "MemorySize": 512,
                "Timeout": 60,
            })),
        )?;
        let mut target = Target {
            arn: created["FunctionArn"]
                .as_str()
                .context("an ARN")?
                .to_owned(),
            path: format!("/2015-03-31/functions/{name}"),
            aws,
            before: Value::Null,
        };
        wait_until(|| Ok(target.get("/configuration")?["State"] == "Active"))?;
        target.before = target.now()?;
        Ok(target)
    }

    /// The output of a tuning that must succeed.
    pub fn tune(&self, input: &Value) -> Result<Value> {
        let ended = self.end_of(&self.local.start_execution(input)?)?;
        ensure!(ended.status == "SUCCEEDED", "not succeeded: {ended:?}");
        ended.output.context("an output")
    }

    pub fn end_of(&self, execution: &str) -> Result<Execution> {
        self.local.aws().wait_for_execution(execution, PATIENCE)
    }

    /// Error and cause of an execution that must fail.
    pub fn failure_of(&self, execution: &str) -> Result<(String, String)> {
        let ended = self.end_of(execution)?;
        ensure!(ended.status == "FAILED", "not failed: {ended:?}");
        Ok((
            ended.error.context("an error")?,
            ended.cause.context("a cause")?,
        ))
    }

    /// An execution that is over and planned nothing.
    pub fn dead_execution(&self) -> Result<String> {
        let execution = self.local.start_execution(&json!({}))?;
        let (error, cause) = self.failure_of(&execution)?;
        ensure!(error == "InvalidInput", "{error}: {cause}");
        Ok(execution)
    }

    /// What an execution of that name will be called.
    pub fn execution_arn(&self, name: &str) -> String {
        let state_machine = self.local.state_machine_arn();
        let executions = state_machine.replace(":stateMachine:", ":execution:");
        format!("{executions}:{name}")
    }

    pub fn start_as(&self, name: &str, input: &Value) -> Result<String> {
        let request = json!({
            "stateMachineArn": self.local.state_machine_arn(), "name": name, "input": input.to_string(),
        });
        let start = "AWSStepFunctions.StartExecution";
        let started = self.local.aws().call("states", start, &request)?;
        let arn = started["executionArn"].as_str().context("an ARN")?;
        ensure!(arn == self.execution_arn(name), "{started}");
        Ok(arn.to_owned())
    }

    /// What the rule sends to the cleaner once an execution was stopped.
    pub fn end_event(execution: &str) -> Value {
        json!({
            "version": "0",
            "id": "315c1398-40ff-a850-213b-158f73e60175",
            "detail-type": "Step Functions Execution Status Change",
            "source": "aws.states",
            "account": "123456789012",
            "time": "2025-11-21T12:00:00Z",
            "region": HOME,
            "resources": [execution],
            "detail": {"executionArn": execution, "status": "ABORTED", "redriveCount": 0},
        })
    }

    /// The ARN of one of the tuner's own functions, by its name in the template.
    pub fn own_function(&self, name: &str) -> Result<String> {
        let name = roles::physical_name(self.local, "power-tuner", name)?;
        Ok(format!(
            "arn:aws:lambda:{HOME}:123456789012:function:{name}"
        ))
    }

    /// Calls the cleaner as a person would.
    pub fn clean(&self, input: &Value) -> Result<Value> {
        let answer = self.cleaned(input)?;
        ensure!(
            answer["errorType"].is_null(),
            "the cleaner failed: {answer:#}"
        );
        Ok(answer)
    }

    /// What it says where it must fail.
    pub fn clean_up_fails(&self, input: &Value) -> Result<String> {
        let answer = self.cleaned(input)?;
        let message = answer["errorMessage"].as_str();
        Ok(message
            .with_context(|| format!("the cleaner did not fail: {answer:#}"))?
            .to_owned())
    }

    fn cleaned(&self, input: &Value) -> Result<Value> {
        let cleaner = self.local.stack_output("CleanerFunctionName");
        let path = format!("/2015-03-31/functions/{cleaner}/invocations");
        self.local.aws().rest("lambda", "POST", &path, Some(input))
    }

    /// What one of the tuner's own functions has logged. Logs come a moment later.
    pub fn logs_of(&self, function: &str) -> Result<Vec<Value>> {
        let aws = self.local.aws();
        let arn = self.own_function(function)?;
        let path = format!("/2015-03-31/functions/{arn}/configuration");
        let configuration = aws.rest("lambda", "GET", &path, None)?;
        let query = json!({"logGroupName": configuration["LoggingConfig"]["LogGroup"]});
        let found = aws.call("logs", "Logs_20140328.FilterLogEvents", &query)?;
        let events = found["events"].as_array().into_iter().flatten();
        Ok(events
            .filter_map(|event| serde_json::from_str(event["message"].as_str()?).ok())
            .collect())
    }

    /// How often the cleaner tried to delete a version of this execution's, on its behalf, with such an end.
    pub fn deletions(&self, execution: &str, outcome: &str) -> Result<usize> {
        let lines = self.logs_of("Cleaner")?.into_iter();
        Ok(lines
            .filter(|line: &Value| {
                let ended = line["outcome"].as_str().unwrap_or_default();
                line["message"] == "deletion"
                    && ended.starts_with(outcome)
                    && line["span"]["execution"] == execution
            })
            .count())
    }
}

impl Target {
    /// An input that names it; five calls a size unless `more` says otherwise.
    pub fn input(&self, more: Value) -> Result<Value> {
        let mut input = json!({"lambdaARN": self.arn, "num": 5, "powerValues": [512, 1024]});
        match (input.as_object_mut(), more) {
            (Some(input), Value::Object(more)) => input.extend(more),
            (_, other) => bail!("not fields: {other}"),
        }
        Ok(input)
    }

    pub fn name(&self) -> &str {
        self.arn.rsplit(':').next().unwrap_or_default()
    }

    fn get(&self, path: &str) -> Result<Value> {
        let path = format!("{}{path}", self.path);
        self.aws.rest("lambda", "GET", &path, None)
    }

    pub fn configuration(&self) -> Result<Value> {
        self.get("/configuration")
    }

    /// The numbers of its versions.
    pub fn versions(&self) -> Result<Vec<String>> {
        let listed = self.get("/versions")?;
        let versions = listed["Versions"].as_array().context("versions")?;
        let numbers = versions
            .iter()
            .filter_map(|version| version["Version"].as_str());
        Ok(numbers
            .filter(|number| *number != "$LATEST")
            .map(str::to_owned)
            .collect())
    }

    pub fn aliases(&self) -> Result<Vec<Value>> {
        match self.get("/aliases")?["Aliases"].take() {
            Value::Array(aliases) => Ok(aliases),
            other => bail!("not aliases: {other}"),
        }
    }

    /// Makes the alias that locks it.
    pub fn lock(&self, note: &str) -> Result<()> {
        let alias = json!({
            "Name": power_tuner_core::lock::ALIAS, "FunctionVersion": "$LATEST", "Description": note,
        });
        let path = format!("{}/aliases", self.path);
        self.aws
            .rest("lambda", "POST", &path, Some(&alias))
            .map(drop)
    }

    pub fn publish(&self, description: &str) -> Result<()> {
        let path = format!("{}/versions", self.path);
        let description = json!({"Description": description});
        self.aws
            .rest("lambda", "POST", &path, Some(&description))
            .map(drop)
    }

    pub fn set_memory(&self, mb: u32) -> Result<()> {
        let path = format!("{}/configuration", self.path);
        let memory = json!({"MemorySize": mb});
        self.aws
            .rest("lambda", "PUT", &path, Some(&memory))
            .map(drop)
    }

    /// What a version was made with.
    pub fn version(&self, number: &str) -> Result<Value> {
        self.get(&format!("/configuration?Qualifier={number}"))
    }

    /// Everything but what changes by itself.
    fn now(&self) -> Result<Value> {
        let mut configuration = self.configuration()?;
        if let Some(fields) = configuration.as_object_mut() {
            fields.retain(|name, _| {
                name != "RevisionId" && name != "LastModified" && !name.starts_with("LastUpdate")
            });
        }
        Ok(json!({
            "configuration": configuration,
            "versions": self.versions()?,
            "aliases": self.aliases()?,
        }))
    }

    /// The function's configuration, versions and aliases equal those before.
    pub fn is_as_before(&self) -> Result<()> {
        let now = self.now()?;
        ensure!(
            now == self.before,
            "the function was left changed\nbefore: {:#}\nnow: {now:#}",
            self.before
        );
        Ok(())
    }

    /// As [`is_as_before`](Self::is_as_before), for clean-ups that nobody waits for.
    pub fn becomes_as_before(&self) -> Result<()> {
        wait_until(|| Ok(self.is_as_before().is_ok())).or_else(|_| self.is_as_before())
    }
}

/// Polls until something holds.
pub fn wait_until(holds: impl Fn() -> Result<bool>) -> Result<()> {
    wait_for(PATIENCE, holds)
}
