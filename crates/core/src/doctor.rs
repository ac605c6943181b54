//! What would keep a function from being tuned, or the stack from tuning anything. Each step says what it can do under its
//! own role; here that becomes findings, and the findings an answer.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::command::Doctor;
use crate::configuration::Architecture;
use crate::error::{Failure, Fault, TuneError, shortened};
use crate::function::{FunctionArn, FunctionRef};
use crate::lock::{Execution, Note};
use crate::measurement::Version;
use crate::plan::{Plan, SIZES_AT_ONCE, Stack};
use crate::prices::{Price, Regions};
use crate::request::Request;
use crate::role::RoleArn;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Finding {
    /// What was looked at, such as `publishVersion` or `lock`.
    pub check: String,
    /// Who looked.
    pub step: String,
    pub status: Status,
    /// What is so, and where it is not as it should be, what to do.
    pub message: String,
}

/// From the worst to the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Tunings fail, or something was left behind.
    Problem,
    /// It could not be found out.
    Unknown,
    /// Tunings work, and not as well as they could.
    Warning,
    Ok,
}

/// What a step is called with.
#[derive(Debug, Deserialize)]
pub struct Call<S = Stack> {
    pub execution: String,
    /// The execution's input, as somebody wrote it.
    #[serde(rename = "doctor")]
    pub written: Value,
    /// What those are told besides who need to know it.
    pub stack: Option<S>,
}

/// What the last step is called with: what became of the others, by their names.
#[derive(Debug, Deserialize)]
pub struct Conclusion {
    pub execution: String,
    #[serde(rename = "doctor")]
    pub written: Value,
    pub found: Map<String, Value>,
}

/// Whom the doctor looks at.
#[derive(Clone, Debug)]
pub struct Visit {
    pub execution: String,
    pub named: Option<FunctionRef>,
    pub role: Option<RoleArn>,
}

/// What a step answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct Examined {
    pub version: String,
    pub findings: Vec<Finding>,
}

/// The execution's output.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    pub doctor: Diagnosis,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionArn>,
    /// There is no problem; what could not be found out is none.
    pub healthy: bool,
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// What an account may have of Lambda in a region, and has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub concurrency: u64,
    /// What is not reserved for single functions.
    pub unreserved: u64,
    pub code_bytes: u64,
    pub most_code_bytes: u64,
}

/// Which version of the tuner this is.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// In the order in which a tuning needs them.
const STEPS: [&str; 7] = [
    "initializer",
    "publisher",
    "executor",
    "optimizer",
    "reporter",
    "cleaner",
    "analyzer",
];
const CONCLUDES: &str = "analyzer";
/// An executor and a call of the function, for each size that is measured at the same time.
const CONCURRENCY_OF_A_TUNING: u64 = 2 * SIZES_AT_ONCE as u64;
/// Each version of a tuning takes as much code storage as the function does.
const MUCH_CODE_PERCENT: u64 = 90;
/// The check that fails where there is no function of that name.
const FUNCTION: &str = "function";
const ASSUME: &str = "sts:AssumeRole";
const ELSEWHERE: &str = "look whether the stack's PermissionsBoundary, a service control policy of the organization, or a policy of \
                         the resource itself forbids it";

impl<S> Call<S> {
    /// # Errors
    ///
    /// Every fault of the input.
    pub fn visit(&self) -> Result<Visit, TuneError> {
        visit(&self.execution, &self.written)
    }
}

fn visit(execution: &str, written: &Value) -> Result<Visit, TuneError> {
    let Doctor { function, role } = Doctor::parse(written).map_err(TuneError::InvalidInput)?;
    Ok(Visit {
        execution: execution.to_owned(),
        named: function,
        role,
    })
}

impl Visit {
    /// The function, if it is not the stack alone. A name means one of the tuner's region, and of its account or the role's.
    #[must_use]
    pub fn function(&self) -> Option<FunctionArn> {
        let named = self.named.as_ref()?;
        let mut parts = self.execution.split(':').skip(1);
        let (partition, _) = (parts.next()?, parts.next());
        let (region, account) = (parts.next()?, parts.next()?);
        let account = self.role.as_ref().map_or(account, RoleArn::account);
        Some(named.seen_from(partition, region, account))
    }

    /// The state machine that this execution is one of.
    #[must_use]
    pub fn state_machine(&self) -> String {
        let of = self.execution.replace(":execution:", ":stateMachine:");
        let (machine, _) = of.rsplit_once(':').unwrap_or((&of, ""));
        machine.to_owned()
    }

    /// The smallest tuning of the function.
    ///
    /// # Errors
    ///
    /// The stack's own defaults do not fit.
    pub fn smallest_tuning(&self, stack: &Stack) -> Result<Request, TuneError> {
        smallest_tuning(self.named.as_ref(), self.role.as_ref(), stack)
            .map_err(TuneError::InvalidInput)
    }
}

fn smallest_tuning(
    function: Option<&FunctionRef>,
    role: Option<&RoleArn>,
    stack: &Stack,
) -> Result<Request, Vec<Fault>> {
    let function = function.map_or("f".to_owned(), FunctionRef::qualified);
    let role = role.map(ToString::to_string);
    let input = serde_json::json!({"lambdaARN": function, "roleARN": role, "num": 5});
    Request::parse_with(&input, stack.defaults())
}

/// What one step finds.
#[derive(Debug)]
pub struct Examination {
    step: &'static str,
    findings: Vec<Finding>,
}

impl Examination {
    #[must_use]
    pub fn by(step: &'static str) -> Self {
        Self {
            step,
            findings: Vec::new(),
        }
    }

    #[must_use]
    pub fn end(self) -> Examined {
        Examined {
            version: VERSION.to_owned(),
            findings: self.findings,
        }
    }

    pub fn find(&mut self, check: &str, status: Status, message: impl Into<String>) {
        let finding = Finding {
            check: check.to_owned(),
            step: self.step.to_owned(),
            status,
            message: shortened(&message.into(), Failure::LONGEST_CAUSE),
        };
        // Whatever is called under a role that may not be assumed ends the same way.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// No problem so far.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.all(|finding| finding.status != Status::Problem)
    }

    /// There is no such function to look at.
    #[must_use]
    pub fn is_in_vain(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| finding.check == FUNCTION)
    }

    /// Whether the step may call an action, after it has: what came of it, if it may.
    pub fn may<T>(&mut self, action: &str, called: Result<T, TuneError>) -> Option<T> {
        match called {
            Ok(answer) => {
                let message = format!("the {} may call `{action}`", self.step);
                self.find(&check(action), Status::Ok, message);
                Some(answer)
            }
            Err(error) => {
                self.cannot(action, &error);
                None
            }
        }
    }

    /// The same of an action whose errors say themselves what to do.
    pub fn may_not(&mut self, action: &str, status: Status, why: impl Into<String>) {
        self.find(&check(action), status, why);
    }

    fn cannot(&mut self, action: &str, error: &TuneError) {
        match error {
            TuneError::AccessDenied { action: denied, .. } => {
                let message = self.denial(error);
                self.find(&check(denied), Status::Problem, message);
            }
            TuneError::FunctionNotFound { .. } => {
                self.find(FUNCTION, Status::Problem, error.to_string());
            }
            _ => {
                let message = format!(
                    "whether the {} may call `{action}` is not known: {error}; ask again",
                    self.step
                );
                self.find(&check(action), Status::Unknown, message);
            }
        }
    }

    /// Which role lacks which action on which resource, and what to do.
    fn denial(&self, error: &TuneError) -> String {
        let TuneError::AccessDenied {
            who,
            action,
            resource,
            remedy,
            detail,
        } = error
        else {
            return error.to_string();
        };
        let step = self.step;
        if *action == ASSUME {
            return format!(
                "the {step} may not call `{action}` on `{resource}`; {remedy} ({detail})"
            );
        }
        if who.starts_with("the role ") {
            return format!(
                "{who}, which the {step} has assumed, may not call `{action}` on `{resource}`; allow it in the policies of that \
                 role, as examples/target-role.yaml does, and {ELSEWHERE} ({detail})"
            );
        }
        let own = if action.starts_with("lambda:") && resource.contains(":function:") {
            "deploy the stack with a parameter LambdaResource that the function is among"
        } else {
            "deploy the stack again, so that its roles are those of its template"
        };
        format!(
            "the {step}'s role may not call `{action}` on `{resource}`; {own}, and {ELSEWHERE} ({detail})"
        )
    }

    /// What the stack says about itself: its defaults, and the price where it is.
    pub fn stack(&mut self, stack: &Stack) {
        let defaults = smallest_tuning(None, None, stack).map_err(TuneError::InvalidInput);
        match defaults.and_then(|_| stack.viewer()) {
            Ok(_) => self.find("parameters", Status::Ok, "the stack's parameters fit"),
            Err(error) => {
                let message = format!("{error}; deploy the stack with a parameter that fits");
                self.find("parameters", Status::Problem, message);
            }
        }
        let Some(region) = stack.region() else {
            return;
        };
        let regions = Regions {
            function: region,
            tuner: region,
        };
        for architecture in [Architecture::Arm64, Architecture::X86_64] {
            match Price::of(regions, architecture) {
                Ok(_) => {
                    let message = format!("the prices of `{region}` are known");
                    self.find("price", Status::Ok, message);
                }
                // Another region's functions can be tuned, and so can these with a price in the input.
                Err(error) => self.find("price", Status::Warning, error.to_string()),
            }
        }
    }

    /// What the account may have. No tuning needs to know it.
    pub fn account(&mut self, asked: Result<Account, TuneError>) {
        let account = match asked {
            Ok(account) => account,
            Err(error @ TuneError::AccessDenied { action: ASSUME, .. }) => {
                self.cannot(ASSUME, &error);
                return;
            }
            Err(error) => {
                let why = self.denial(&error);
                let message = format!("the account's quotas are not known: {why}");
                self.find("accountConcurrency", Status::Unknown, message);
                return;
            }
        };
        let Account {
            concurrency,
            unreserved,
            code_bytes,
            most_code_bytes,
        } = account;
        let mut message = format!(
            "of the account's concurrency of {concurrency}, {unreserved} is not reserved; a tuning takes about \
             {CONCURRENCY_OF_A_TUNING}, more with `parallelInvocation`, and shares it with everybody else"
        );
        let is_little = unreserved < 2 * CONCURRENCY_OF_A_TUNING;
        if is_little {
            message.push_str(
                ": it will be slow, and throttle others; ask AWS for more (Service Quotas, Lambda, concurrent executions), \
                 or tune one size at a time",
            );
        }
        let status = if is_little {
            Status::Warning
        } else {
            Status::Ok
        };
        self.find("accountConcurrency", status, message);
        let percent = (code_bytes * 100).checked_div(most_code_bytes);
        let percent = percent.unwrap_or_default();
        let mut message =
            format!("{percent} % of the account's code storage in this region is used");
        let is_full = percent >= MUCH_CODE_PERCENT;
        if is_full {
            message.push_str(
                ", and each size takes a version's worth while it is tuned; delete old versions, or ask AWS for more",
            );
        }
        let status = if is_full { Status::Warning } else { Status::Ok };
        self.find("codeStorage", status, message);
    }

    /// What a tuning would do with the function, or why it would refuse it.
    pub fn plan(&mut self, planned: Result<Plan, TuneError>) {
        match planned {
            Ok(plan) => {
                let target = &plan.target;
                let message = format!(
                    "it can be tuned: it has {} now, on {}",
                    target.current, target.architecture
                );
                self.find("target", Status::Ok, message);
                if plan.sizes_at_once < SIZES_AT_ONCE {
                    let message = format!(
                        "of its sizes only {} would be measured at a time, because of its reserved concurrency; a tuning takes \
                         longer, and from the function's other callers",
                        plan.sizes_at_once
                    );
                    self.find("reservedConcurrency", Status::Warning, message);
                }
            }
            Err(error @ TuneError::PriceUnknown { .. }) => {
                self.find("price", Status::Problem, error.to_string());
            }
            Err(error @ TuneError::TuningInProgress { .. }) => {
                self.find("lock", Status::Problem, error.to_string());
            }
            Err(error @ TuneError::FunctionNotFound { .. }) => {
                self.find(FUNCTION, Status::Problem, error.to_string());
            }
            // The stack's own defaults, which were looked at.
            Err(TuneError::InvalidInput(_)) => {}
            Err(error @ TuneError::UnsupportedFunction { .. }) => {
                self.find("target", Status::Problem, error.to_string());
            }
            Err(error) => {
                let message = format!("whether it can be tuned is not known: {error}; ask again");
                self.find("target", Status::Unknown, message);
            }
        }
    }

    /// That nobody holds the function.
    pub fn no_lock(&mut self) {
        self.find("lock", Status::Ok, "no tuning holds the function");
    }

    /// What a lock says, and what is known of its holder; `live` while that may still write.
    pub fn lock(&mut self, function: &FunctionArn, note: &Note, live: bool, holder: Execution) {
        let by = &note.execution;
        let by_hand = note.remedy(function);
        let (status, message) = match holder {
            _ if live => (
                Status::Ok,
                format!("`{by}` changes the function just now; other tunings wait for it"),
            ),
            Execution::Running => (
                Status::Ok,
                format!("`{by}` holds the function, and still runs; other tunings wait for it"),
            ),
            Execution::Over | Execution::Missing => (
                Status::Problem,
                format!(
                    "`{by}`, which is over, has left its lock, and perhaps another memory size than {}; start an execution with \
                     {{\"clean\": \"{}\"}}, or by hand: {by_hand}",
                    note.memory, function
                ),
            ),
            Execution::Unknown => (
                Status::Problem,
                format!(
                    "`{by}` holds the function, and whether it still runs is not for this stack to see \
                     (`states:DescribeExecution` was refused); clean up with the stack that it is of, or if nothing tunes the \
                     function, by hand: {by_hand}"
                ),
            ),
        };
        self.find("lock", status, message);
    }

    /// Versions of executions that are over, and in words those that are not, or that cannot be judged.
    pub fn left_behind(
        &mut self,
        function: &FunctionArn,
        over: &[Version],
        running: &[String],
        unseen: &[String],
    ) {
        if !over.is_empty() {
            let numbers: Vec<&str> = over.iter().map(|version| version.number.as_str()).collect();
            let message = format!(
                "tunings that are over have left the versions {}; start an execution with {{\"clean\": \"{function}\"}}, which \
                 deletes those that no alias points at",
                numbers.join(", ")
            );
            self.find("versions", Status::Warning, message);
        }
        for (status, there_are) in [(Status::Ok, running), (Status::Warning, unseen)] {
            if !there_are.is_empty() {
                self.find(
                    "versions",
                    status,
                    format!("there are {}", there_are.join("; ")),
                );
            }
        }
        if over.is_empty() && running.is_empty() && unseen.is_empty() {
            self.find("versions", Status::Ok, "no tuning has left a version");
        }
    }
}

/// `lambda:PublishVersion` is `publishVersion`.
fn check(action: &str) -> String {
    let name = action.rsplit(':').next().unwrap_or_default();
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// What a step gave, or the error that the state machine caught in its place.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Error")]
    error: Option<String>,
    #[serde(rename = "Cause", default)]
    cause: String,
    version: Option<String>,
    #[serde(default)]
    findings: Vec<Finding>,
}

impl Conclusion {
    /// Puts the findings of all steps together, the worst first.
    ///
    /// # Errors
    ///
    /// Every fault of the input.
    pub fn conclude(self) -> Result<Output, TuneError> {
        let visit = visit(&self.execution, &self.written)?;
        let mut findings = Vec::new();
        let mut versions = vec![(CONCLUDES.to_owned(), VERSION.to_owned())];
        let mut found = self.found;
        found.insert(
            CONCLUDES.to_owned(),
            serde_json::json!({"version": VERSION}),
        );
        for (step, answer) in found {
            let answer = serde_json::from_value(answer).unwrap_or_else(|error| Answer {
                error: Some("Unreadable".to_owned()),
                cause: format!("its answer cannot be read: {error}"),
                version: None,
                findings: Vec::new(),
            });
            findings.push(answers(&step, &answer));
            versions.extend(answer.version.map(|version| (step.clone(), version)));
            findings.extend(answer.findings);
        }
        findings.push(agreement(&versions));
        let is_missing = |finding: &Finding| finding.check == FUNCTION && finding.step == STEPS[0];
        if findings.iter().any(is_missing) {
            // Each step says it, and once is enough.
            findings.retain(|finding| finding.check != FUNCTION || finding.step == STEPS[0]);
        }
        let place = |step: &str| {
            STEPS
                .iter()
                .position(|known| *known == step)
                .unwrap_or(STEPS.len())
        };
        findings.sort_by_key(|finding| (finding.status, place(&finding.step)));
        let is_well = |finding: &Finding| finding.status != Status::Problem;
        Ok(Output {
            doctor: Diagnosis {
                function: visit.function(),
                healthy: findings.iter().all(is_well),
                findings,
            },
        })
    }
}

/// Whether a step could be called at all.
fn answers(step: &str, answer: &Answer) -> Finding {
    let (status, message) = match &answer.error {
        None => (Status::Ok, format!("the {step} answers")),
        Some(error) => {
            let failure = Failure::from(crate::error::Caught {
                error: error.clone(),
                cause: answer.cause.clone(),
            });
            let mut message = format!("the {step} could not be called, or broke: {failure}");
            let _ = write!(
                message,
                "; look into its log, whether it has a reserved concurrency of 0, and deploy the stack again"
            );
            (Status::Problem, message)
        }
    };
    Finding {
        check: "answers".to_owned(),
        step: step.to_owned(),
        status,
        message,
    }
}

/// Steps of different versions do not understand each other.
fn agreement(versions: &[(String, String)]) -> Finding {
    let others: Vec<String> = versions
        .iter()
        .filter(|(_, version)| version != VERSION)
        .map(|(step, version)| format!("the {step} {version}"))
        .collect();
    let (status, message) = if others.is_empty() {
        (Status::Ok, format!("all steps are of version {VERSION}"))
    } else {
        let message = format!(
            "the {CONCLUDES} is of version {VERSION}, and {}; deploy the stack again (sam build && sam deploy)",
            others.join(", ")
        );
        (Status::Problem, message)
    };
    Finding {
        check: "versionsOfTheSteps".to_owned(),
        step: CONCLUDES.to_owned(),
        status,
        message,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EXECUTION: &str = "arn:aws-cn:states:cn-north-1:123456789012:execution:tuner:one";

    fn call(written: Value) -> Call {
        Call {
            execution: EXECUTION.to_owned(),
            written,
            stack: None,
        }
    }

    #[test]
    fn a_name_means_a_function_of_the_tuners_region_and_of_the_roles_account() {
        let role = "arn:aws-cn:iam::222222222222:role/tuned";
        let arn = |account: &str| format!("arn:aws-cn:lambda:cn-north-1:{account}:function:f");
        let far = "arn:aws-cn:lambda:cn-northwest-1:222222222222:function:f";
        for (function, role, want) in [
            ("f", None, arn("123456789012")),
            ("f:live", None, arn("123456789012")),
            ("222222222222:function:f", None, arn("222222222222")),
            ("f", Some(role), arn("222222222222")),
            (far, Some(role), far.to_owned()),
        ] {
            let visit = call(json!({"doctor": function, "roleARN": role})).visit();
            let found = visit.expect(function).function().expect("an ARN");
            assert_eq!(found.to_string(), want, "{function}");
        }
        let stack = call(json!({"doctor": {}})).visit().expect("a good input");
        assert_eq!(stack.function(), None);
        assert_eq!(
            stack.state_machine(),
            "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:tuner"
        );
    }

    fn conclude(found: &Value) -> Diagnosis {
        let conclusion = json!({"execution": EXECUTION, "doctor": {"doctor": {}}, "found": found});
        let conclusion: Conclusion = serde_json::from_value(conclusion).expect("what it reads");
        conclusion.conclude().expect("a good input").doctor
    }

    fn bad(diagnosis: &Diagnosis) -> Vec<String> {
        let findings = diagnosis.findings.iter();
        let bad = findings.filter(|finding| finding.status != Status::Ok);
        bad.map(|finding| format!("{}: {}", finding.step, finding.check))
            .collect()
    }

    fn found(step: &str, check: &str, status: &str) -> Value {
        json!({"check": check, "step": step, "status": status, "message": "m"})
    }

    #[test]
    fn findings_are_put_together_the_worst_first() {
        let answer = |findings: Vec<Value>| json!({"version": VERSION, "findings": findings});
        let diagnosis = conclude(&json!({
            "cleaner": answer(vec![found("cleaner", "versions", "warning"), found("cleaner", "lock", "problem")]),
            "initializer": answer(vec![found("initializer", "codeStorage", "warning"), found("initializer", "target", "unknown")]),
            "publisher": {"Error": "Lambda.Unknown", "Cause": "it timed out"},
            "executor": "nothing",
            "reporter": answer(vec![found("reporter", "putObject", "problem")]),
        }));
        assert!(!diagnosis.healthy);
        assert_eq!(
            bad(&diagnosis),
            [
                "publisher: answers",
                "executor: answers",
                "reporter: putObject",
                "cleaner: lock",
                "initializer: target",
                "initializer: codeStorage",
                "cleaner: versions",
            ]
        );
        let said = &diagnosis.findings[0].message;
        assert!(
            said.starts_with(
                "the publisher could not be called, or broke: it timed out (Lambda.Unknown); "
            ),
            "{said}"
        );
    }

    #[test]
    fn it_is_healthy_without_a_problem() {
        let initializer = |status: &str| json!({"initializer": {"version": VERSION, "findings": [found("initializer", "x", status)]}});
        for (status, healthy) in [
            ("ok", true),
            ("warning", true),
            ("unknown", true),
            ("problem", false),
        ] {
            assert_eq!(conclude(&initializer(status)).healthy, healthy, "{status}");
        }
    }

    #[test]
    fn steps_of_different_versions_are_a_problem() {
        let diagnosis = conclude(&json!({"cleaner": {"version": "0.0.1", "findings": []}}));
        assert_eq!(bad(&diagnosis), ["analyzer: versionsOfTheSteps"]);
        assert_eq!(
            diagnosis.findings[0].message,
            format!(
                "the analyzer is of version {VERSION}, and the cleaner 0.0.1; deploy the stack again (sam build && sam deploy)"
            )
        );
    }

    #[test]
    fn a_denial_says_who_lacks_what_on_what_and_what_to_do() {
        let denied = |who: &str, action: &'static str, resource: &str| TuneError::AccessDenied {
            who: who.to_owned(),
            action,
            resource: resource.to_owned(),
            remedy: "REMEDY",
            detail: "AWS's words".to_owned(),
        };
        let function = "arn:aws:lambda:eu-west-1:123456789012:function:f";
        let role = "arn:aws:iam::222222222222:role/tuned";
        let execution = "arn:aws:states:eu-west-1:123456789012:execution:m:e";
        let cases = [
            (
                denied("the tuner", "lambda:PublishVersion", function),
                "publishVersion",
                format!(
                    "the publisher's role may not call `lambda:PublishVersion` on `{function}`; deploy the stack with a parameter \
                     LambdaResource that the function is among, and {ELSEWHERE} (AWS's words)"
                ),
            ),
            (
                denied(
                    &format!("the role `{role}`"),
                    "lambda:PublishVersion",
                    function,
                ),
                "publishVersion",
                format!(
                    "the role `{role}`, which the publisher has assumed, may not call `lambda:PublishVersion` on `{function}`; \
                     allow it in the policies of that role, as examples/target-role.yaml does, and {ELSEWHERE} (AWS's words)"
                ),
            ),
            (
                denied("the tuner", ASSUME, role),
                "assumeRole",
                format!(
                    "the publisher may not call `sts:AssumeRole` on `{role}`; REMEDY (AWS's words)"
                ),
            ),
            (
                denied("the tuner", "states:DescribeExecution", execution),
                "describeExecution",
                format!(
                    "the publisher's role may not call `states:DescribeExecution` on `{execution}`; deploy the stack again, so \
                     that its roles are those of its template, and {ELSEWHERE} (AWS's words)"
                ),
            ),
        ];
        for (error, check, want) in cases {
            let mut seen = Examination::by("publisher");
            // Twice, as whatever is called under a role that may not be assumed ends the same way.
            for _ in 0..2 {
                seen.may("lambda:PublishVersion", Err::<(), _>(error.clone()));
            }
            let [finding] = seen.end().findings.try_into().expect("one finding");
            assert_eq!((finding.check.as_str(), finding.message), (check, want));
            assert_eq!(finding.status, Status::Problem);
        }
    }

    #[test]
    fn quotas_are_warnings_where_they_are_nearly_used_up() {
        let plenty = Account {
            concurrency: 1_000,
            unreserved: 16,
            code_bytes: 899,
            most_code_bytes: 1_000,
        };
        let warned = |account: Account| {
            let mut seen = Examination::by("initializer");
            seen.account(Ok(account));
            let findings = seen.end().findings.into_iter();
            let bad = findings.filter(|finding| finding.status == Status::Warning);
            bad.map(|finding| finding.check).collect::<Vec<_>>()
        };
        assert_eq!(warned(plenty), [""; 0]);
        let little = Account {
            unreserved: 15,
            ..plenty
        };
        assert_eq!(warned(little), ["accountConcurrency"]);
        let full = Account {
            code_bytes: 900,
            ..plenty
        };
        assert_eq!(warned(full), ["codeStorage"]);
    }

    #[test]
    fn a_parameter_that_does_not_fit_is_a_problem_of_the_stack() {
        let checks = |stack: Stack| {
            let mut seen = Examination::by("initializer");
            seen.stack(&stack);
            let findings = seen.end().findings.into_iter();
            let bad = findings.filter(|finding| finding.status != Status::Ok);
            bad.map(|finding| (finding.check, finding.status, finding.message))
                .collect::<Vec<_>>()
        };
        let own = |region: &str| {
            let arn = format!("arn:aws:lambda:{region}:123456789012:function:executor");
            vec![FunctionArn::try_from(arn).expect("an ARN")]
        };
        let good = Stack {
            functions: own("us-east-1"),
            ..Stack::default()
        };
        assert_eq!(checks(good), []);
        let bad = checks(Stack {
            functions: own("us-east-1"),
            power_values: "64".to_owned(),
            ..Stack::default()
        });
        let [(check, Status::Problem, message)] = bad.as_slice() else {
            panic!("{bad:?}")
        };
        assert_eq!(check, "parameters");
        assert!(
            message.contains("`PowerValues[0]`: 64 MB is outside"),
            "{message}"
        );
        let far = checks(Stack {
            functions: own("mars-north-1"),
            ..Stack::default()
        });
        assert!(
            far.iter()
                .all(|(check, status, _)| check == "price" && *status == Status::Warning),
            "{far:?}"
        );
        assert_eq!(far.len(), 2);
    }
}
