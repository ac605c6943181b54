//! A tuning from its start to its end, or to where somebody stops it; and the other things that the state machine does.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use crate::arguments::Global;
use crate::aws::{Aws, Execution, Status};
use crate::display::Display;
use crate::end::Error;
use crate::follow::{Followed, follow};
use crate::input::Input;
use crate::machine::{Named, find};
use crate::source::{no_signals, stopped};
use crate::stop::{Stop, Why};

/// The tuner's state machine, and whoever waits for it.
pub struct Session {
    aws: Aws,
    machine: String,
    display: Display,
    stop: Stop,
}

/// What somebody who does not wait any longer is left with.
struct Left<'a> {
    function: &'a str,
    execution: &'a str,
}

/// A clean-up waits two minutes and a little for a publisher that still writes.
const LONGEST_CLEAN_UP: Duration = Duration::from_mins(5);
const PAUSE: Duration = Duration::from_secs(5);
/// A network that is gone is no reason not to stop at once.
const LAST_LOOK: Duration = Duration::from_secs(5);

const STILL_ENDING: &str =
    "the last step of a tuning that was stopped is still ending; cleaning up once more";

/// What a clean-up came to, in words.
#[derive(Debug, PartialEq, Eq)]
enum CleanUp {
    Over(String),
    TooEarly(String),
}

impl Session {
    /// # Errors
    ///
    /// AWS cannot be reached, or which state machine is meant is not clear.
    pub async fn open(global: &Global) -> Result<Self, Error> {
        let mut stop = Stop::new(global.timeout).map_err(|error| no_signals(&error))?;
        let mut display = Display::new(global);
        let named = Named::new(global.state_machine.as_deref());
        let arn = match named {
            Named::Arn(arn) => Some(arn),
            _ => None,
        };
        let opened = async {
            let aws = Aws::connect(global, arn).await?;
            let machine = find(&aws, named).await?;
            Ok((aws, machine))
        };
        let (aws, machine) = stop.unless(opened).await.map_err(stopped)??;
        display.detail(&format!("the state machine is {machine}"));
        Ok(Self {
            aws,
            machine,
            display,
            stop,
        })
    }

    /// Starts a tuning and gives its ARN. Who interrupts that stops what was started.
    pub async fn start(&mut self, input: &Input) -> Result<String, Error> {
        let function = input.request.function.as_str();
        let name = execution_name(function, fastrand::u64(..));
        let text = input.value.to_string();
        let mut starting = Box::pin(self.aws.start(&self.machine, &name, &text));
        let why = match self.stop.unless(&mut starting).await {
            Ok(started) => return started,
            Err(why) => why,
        };
        self.display.say(
            "waiting for AWS to say whether the tuning was started, to stop it; Ctrl-C once more leaves it to itself",
        );
        self.stop.within(LONGEST_CLEAN_UP);
        let execution = executions_of(&self.machine) + &name;
        let left = Left {
            function,
            execution: &execution,
        };
        let end = match self.stop.unless(starting).await {
            Ok(Ok(_)) => self.stop_and_clean_up(&left, input).await,
            Ok(Err(error)) => error.to_string(),
            Err(_) => left.running(),
        };
        Err(ended_early(why, &end))
    }

    /// A word on the way.
    pub fn say(&mut self, words: &str) {
        self.display.say(words);
    }

    /// Waits for a tuning's end. Who interrupts it stops it, and waits for what it leaves to be put right.
    pub async fn end_of(mut self, execution: &str, input: &Input) -> Result<Execution, Error> {
        let function = input.request.function.as_str();
        // With the version or the alias, as it was named.
        let named = input.value["lambdaARN"].as_str().unwrap_or(function);
        self.display.say(&format!("tuning {named}: {execution}"));
        let why = match follow(&self.aws, execution, &mut self.display, &mut self.stop).await? {
            Followed::Ended(ended) => return Ok(ended),
            Followed::Stopped(why) => why,
        };
        let left = Left {
            function,
            execution,
        };
        // It may have ended since the last look.
        self.stop.within(LAST_LOOK);
        let end = match self.stop.unless(self.aws.describe(execution)).await {
            Ok(Ok(ended)) if ended.status != Status::Running => return Ok(ended),
            Err(Why::Interrupted) => left.running(),
            Ok(_) | Err(Why::TimedOut) => self.stop_and_clean_up(&left, input).await,
        };
        Err(ended_early(why, &end))
    }

    /// Gives what became of it.
    async fn stop_and_clean_up(&mut self, left: &Left<'_>, input: &Input) -> String {
        const CAUSE: &str = "stopped by whoever started it with power-tuner";
        self.display.say("stopping the tuning and cleaning up after it; Ctrl-C once more leaves both to themselves");
        self.stop.within(LONGEST_CLEAN_UP);
        let stopping = self.aws.stop(left.execution, "Interrupted", CAUSE);
        match self.stop.unless(stopping).await {
            Err(_) => return left.running(),
            Ok(Err(error)) => return format!("{error}\n{}", left.running()),
            Ok(Ok(())) => {}
        }
        loop {
            match self.clean_up(left, input).await {
                // The step that was stopped may still be ending, and nobody touches what it holds.
                CleanUp::TooEarly(said) => {
                    self.display.say(STILL_ENDING);
                    if self.stop.unless(sleep(PAUSE)).await.is_err() {
                        return said;
                    }
                }
                CleanUp::Over(said) => return said,
            }
        }
    }

    /// Its answer says that all is well, which the end of the execution does not.
    async fn clean_up(&mut self, left: &Left<'_>, input: &Input) -> CleanUp {
        let request = clean_input(left.function, input.value.get("roleARN"));
        let starting = start(&self.aws, &self.machine, "clean", &request);
        let clean_up = match self.stop.unless(starting).await {
            Ok(Ok(clean_up)) => clean_up,
            Ok(Err(error)) => return CleanUp::Over(format!("{error}\n{}", left.not_clean())),
            Err(_) => return CleanUp::Over(left.not_clean()),
        };
        let said = match follow(&self.aws, &clean_up, &mut self.display, &mut self.stop).await {
            Ok(Followed::Ended(Execution {
                status: Status::Succeeded,
                output,
                ..
            })) => return left.cleaned(&output.unwrap_or_default()),
            Ok(Followed::Ended(Execution { error, cause, .. })) => {
                format!(
                    "the clean-up failed: {error}: {cause}\n{}",
                    left.not_clean()
                )
            }
            Ok(Followed::Stopped(_)) => format!(
                "the tuning was stopped; the clean-up goes on, follow it with `power-tuner show --wait {clean_up}`"
            ),
            Err(error) => format!("{error}\n{}", left.not_clean()),
        };
        CleanUp::Over(said)
    }

    /// Has the state machine put a function right, once more where that came too early.
    pub async fn clean(mut self, input: &Value) -> Result<(String, Execution), Error> {
        let given_up = Instant::now() + LONGEST_CLEAN_UP;
        loop {
            let (execution, ended) = self.ask("clean", input).await?;
            let may_wait = Instant::now() < given_up;
            let looking = is_too_early(&self.aws, &self.machine, &ended);
            match self.stop.unless(looking).await {
                Ok(true) if may_wait => self.display.say(STILL_ENDING),
                Ok(_) | Err(_) => return Ok((execution, ended)),
            }
            if self.stop.unless(sleep(PAUSE)).await.is_err() {
                return Ok((execution, ended));
            }
        }
    }

    /// Has the state machine do something else than to tune, and waits for its answer. Who does not wait stops nothing.
    pub async fn ask(&mut self, what: &str, input: &Value) -> Result<(String, Execution), Error> {
        let starting = start(&self.aws, &self.machine, what, input);
        let execution = self.stop.unless(starting).await.map_err(stopped)??;
        self.display.detail(&format!("started {execution}"));
        match follow(&self.aws, &execution, &mut self.display, &mut self.stop).await? {
            Followed::Ended(ended) => Ok((execution, ended)),
            Followed::Stopped(why) => {
                let goes_on =
                    format!("it goes on; follow it with `power-tuner show --wait {execution}`");
                Err(match why {
                    Why::Interrupted => Error::Interrupted(format!("interrupted: {goes_on}")),
                    Why::TimedOut => Error::TuningFailed(format!(
                        "no answer within the time of `--timeout`: {goes_on}"
                    )),
                })
            }
        }
    }
}

impl Left<'_> {
    /// By the answer of the clean-up.
    fn cleaned(&self, answer: &str) -> CleanUp {
        let alone = left_alone(answer);
        if alone.is_empty() {
            return CleanUp::Over("the tuning was stopped, and nothing of it is left".to_owned());
        }
        if alone.iter().all(|left| self.is_of_another(left)) {
            let alone = alone.join("; ");
            return CleanUp::Over(format!(
                "the tuning was stopped, and nothing of it is left; what is of others was left alone: {alone}"
            ));
        }
        let is_of_this_tuning = alone.iter().all(|left| left.contains(self.execution));
        let alone = alone.join("; ");
        let said = format!(
            "the clean-up left something alone: {alone}\n{}",
            self.not_clean()
        );
        if is_of_this_tuning {
            CleanUp::TooEarly(said)
        } else {
            CleanUp::Over(said)
        }
    }

    /// Whether it names an execution, and not this one.
    fn is_of_another(&self, left: &str) -> bool {
        left.contains(":execution:") && !left.contains(self.execution)
    }

    fn running(&self) -> String {
        format!(
            "the tuning may still run; look at it with `power-tuner show --wait {}`",
            self.execution
        )
    }

    fn not_clean(&self) -> String {
        format!(
            "the tuning was stopped, and the stack cleans up after it by itself, usually within minutes; `power-tuner clean {}` \
             makes sure",
            self.function
        )
    }
}

/// A tuning that was not waited for to its end, and what became of it.
fn ended_early(why: Why, end: &str) -> Error {
    match why {
        Why::Interrupted => Error::Interrupted(format!("interrupted: {end}")),
        Why::TimedOut => {
            Error::TuningFailed(format!("not over within the time of `--timeout`: {end}"))
        }
    }
}

/// What the ARNs of a state machine's executions begin with.
fn executions_of(machine: &str) -> String {
    machine.replace(":stateMachine:", ":execution:") + ":"
}

/// Starts an execution, and gives its ARN.
async fn start(aws: &Aws, machine: &str, what: &str, input: &Value) -> Result<String, Error> {
    let name = execution_name(what, fastrand::u64(..));
    aws.start(machine, &name, &input.to_string()).await
}

/// Whether all that a clean-up left alone belongs to tunings of this stack that are over: the step of one that was stopped
/// ends later than the execution, and nobody touches what it holds until then.
async fn is_too_early(aws: &Aws, machine: &str, clean_up: &Execution) -> bool {
    let ours = executions_of(machine);
    let left = left_alone(clean_up.output.as_deref().unwrap_or_default());
    for words in &left {
        let Some(holder) = words.split('`').find(|word| word.starts_with(&ours)) else {
            return false;
        };
        match aws.describe(holder).await {
            Ok(Execution {
                status: Status::Ended(_) | Status::Succeeded,
                ..
            }) => {}
            _ => return false,
        }
    }
    !left.is_empty()
}

/// What a clean-up's answer says that it did not touch.
fn left_alone(answer: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let left = answer["clean"]["left"].as_array().into_iter().flatten();
    let words = left.filter_map(Value::as_str).map(str::to_owned);
    words.collect()
}

/// What the state machine is asked for to put a function right.
pub fn clean_input(function: &str, role: Option<&Value>) -> Value {
    with_role("clean", function.into(), role)
}

/// What it is asked for to look for what is wrong, with a function or with the stack alone.
pub fn doctor_input(function: Option<&str>, role: Option<&Value>) -> Value {
    with_role(
        "doctor",
        function.map_or_else(|| json!({}), Value::from),
        role,
    )
}

fn with_role(what: &str, about: Value, role: Option<&Value>) -> Value {
    let role = role.filter(|role| !role.is_null());
    let fields = [(what, Some(about)), ("roleARN", role.cloned())];
    let fields = fields
        .into_iter()
        .filter_map(|(field, value)| Some((field.to_owned(), value?)));
    fields.collect::<Map<String, Value>>().into()
}

/// One that nobody else has, and that a person knows again.
fn execution_name(what: &str, number: u64) -> String {
    /// Of the 80 characters that Step Functions takes, behind which the number stands.
    const LONGEST: usize = 80 - 17;
    let name = what.rsplit(':').next().unwrap_or(what);
    let may_stand = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
    let name: String = name.chars().filter(may_stand).take(LONGEST).collect();
    format!("{name}-{number:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_has_a_name_that_step_functions_takes() {
        let cases = [
            ("my-function", "my-function-00000000000000ff"),
            (
                "arn:aws:lambda:us-east-1:123456789012:function:orders",
                "orders-00000000000000ff",
            ),
            ("a b/c", "abc-00000000000000ff"),
        ];
        for (what, want) in cases {
            assert_eq!(execution_name(what, 255), want);
        }
        assert_eq!(execution_name(&"f".repeat(200), u64::MAX).len(), 80);
    }

    #[test]
    fn what_a_clean_up_left_alone_is_said() {
        let left = Left {
            function: "f",
            execution: "arn:e",
        };
        let clean = left.cleaned(r#"{"clean": {"deleted": [], "adopted": []}}"#);
        let want = "the tuning was stopped, and nothing of it is left".to_owned();
        assert_eq!(clean, CleanUp::Over(want));
        let alone = |what: &str| left.cleaned(&json!({"clean": {"left": [what]}}).to_string());
        let CleanUp::Over(said) = alone("the lock: it may not be read") else {
            panic!("nothing says that it is this tuning's");
        };
        for part in [
            "the lock: it may not be read",
            "`power-tuner clean f` makes sure",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert!(matches!(
            alone("the lock: `arn:e` locked it and still held it"),
            CleanUp::TooEarly(_)
        ));
        let others = "the versions of `arn:aws:states:r:1:execution:tuner:other`, which still runs";
        let want = format!(
            "the tuning was stopped, and nothing of it is left; what is of others was left alone: {others}"
        );
        assert_eq!(alone(others), CleanUp::Over(want));
    }

    #[test]
    fn a_role_goes_with_what_is_asked_for() {
        let role = json!("arn:aws:iam::123456789012:role/r");
        assert_eq!(clean_input("f", None), json!({"clean": "f"}));
        assert_eq!(clean_input("f", Some(&Value::Null)), json!({"clean": "f"}));
        assert_eq!(
            clean_input("f", Some(&role)),
            json!({"clean": "f", "roleARN": role})
        );
        assert_eq!(doctor_input(None, None), json!({"doctor": {}}));
        assert_eq!(doctor_input(Some("f"), None), json!({"doctor": "f"}));
    }
}
