//! The part of the Amazon States Language that `statemachine/power-tuner.asl.json` is written in. Everything else is
//! refused by its name, so that a walk never differs from Step Functions in silence.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value};

use crate::data::{Expression, Path, ResultPath, Template};

/// Values for `"${Name}"`, and for `${Name}` where a number stands.
pub type Substitutions<'a> = BTreeMap<&'a str, &'a str>;

/// A whole machine, or the processor of a `Map`.
pub struct Flow {
    pub start: String,
    pub states: BTreeMap<String, State>,
}

pub enum State {
    Step(Step),
    Choice {
        rules: Vec<Rule>,
        default: Option<String>,
    },
    Succeed,
    Fail {
        error: Template,
        cause: Template,
    },
}

/// A state with a result.
pub struct Step {
    pub work: Work,
    pub result_path: ResultPath,
    pub retry: Vec<Retrier>,
    pub catch: Vec<Catcher>,
    /// Nothing is the end.
    pub next: Option<String>,
}

pub enum Work {
    Task {
        resource: String,
        parameters: Option<Template>,
    },
    Map {
        items: Path,
        at_once: AtOnce,
        item: Option<Template>,
        each: Flow,
    },
    /// `None` gives the input.
    Pass(Option<Template>),
}

/// `MaxConcurrency` and `MaxConcurrencyPath`.
pub enum AtOnce {
    Number(u32),
    Path(Path),
}

pub struct Retrier {
    pub errors: Vec<String>,
    pub interval_seconds: u32,
    pub backoff_rate: f64,
    pub max_attempts: u32,
}

pub struct Catcher {
    pub errors: Vec<String>,
    pub result_path: ResultPath,
    pub next: String,
}

pub struct Rule {
    pub variable: Path,
    pub test: Test,
    pub next: String,
}

pub enum Test {
    Equals(Value),
    NumericEquals(f64),
    IsPresent(bool),
}

impl Flow {
    /// Reads the outermost flow.
    pub fn read(definition: &str, substitutions: &Substitutions) -> Result<Self> {
        let numbers = substitutions
            .iter()
            .fold(definition.to_owned(), |text, (name, number)| {
                text.replace(&format!(": ${{{name}}}"), &format!(": {number}"))
            });
        let mut fields = Fields::read(serde_json::from_str(&numbers)?)?;
        // A walk is over long before.
        fields.may("TimeoutSeconds", |value| whole(&value))?;
        let flow = Self::take(&mut fields, substitutions)?;
        fields.end()?;
        Ok(flow)
    }

    fn take(fields: &mut Fields, substitutions: &Substitutions) -> Result<Self> {
        let start = fields.need("StartAt", text)?;
        let states = fields.need("States", object)?;
        let states: BTreeMap<_, _> = states
            .into_iter()
            .map(|(name, state)| {
                let read =
                    State::read(state, substitutions).with_context(|| format!("state `{name}`"))?;
                Ok((name, read))
            })
            .collect::<Result<_>>()?;
        for target in states.values().flat_map(State::targets).chain([&start]) {
            ensure!(states.contains_key(target), "there is no state `{target}`");
        }
        Ok(Self { start, states })
    }
}

impl State {
    fn read(state: Value, substitutions: &Substitutions) -> Result<Self> {
        let mut fields = Fields::read(state)?;
        fields.substitute(substitutions)?;
        let kind = fields.need("Type", text)?;
        let state = match kind.as_str() {
            "Task" => {
                let work = Work::Task {
                    resource: fields.need("Resource", resource)?,
                    parameters: fields.may("Parameters", Template::read)?,
                };
                Self::step(work, &mut fields)?
            }
            "Map" => {
                let work = Work::Map {
                    items: fields.need("ItemsPath", Path::read)?,
                    at_once: AtOnce::take(&mut fields)?,
                    item: fields.may("ItemSelector", Template::read)?,
                    each: fields.need("ItemProcessor", |value| processor(value, substitutions))?,
                };
                Self::step(work, &mut fields)?
            }
            "Pass" => {
                let result = fields.one_of(
                    ("Result", |value| Ok(Template::Literal(value))),
                    ("Parameters", Template::read),
                )?;
                let (result_path, next) = (fields.result_path()?, fields.next()?);
                Self::Step(Step {
                    work: Work::Pass(result),
                    result_path,
                    retry: Vec::new(),
                    catch: Vec::new(),
                    next,
                })
            }
            "Choice" => Self::Choice {
                rules: fields.need("Choices", |value| all(value, Rule::read))?,
                default: fields.may("Default", text)?,
            },
            "Succeed" => Self::Succeed,
            "Fail" => Self::Fail {
                error: fields.literal_or_path("Error", "ErrorPath")?,
                cause: fields.literal_or_path("Cause", "CausePath")?,
            },
            other => bail!("unknown type `{other}`"),
        };
        fields.end()?;
        Ok(state)
    }

    fn step(work: Work, fields: &mut Fields) -> Result<Self> {
        let retry = fields
            .may("Retry", |value| all(value, Retrier::read))?
            .unwrap_or_default();
        let catch = fields
            .may("Catch", |value| all(value, Catcher::read))?
            .unwrap_or_default();
        all_comes_last(retry.iter().map(|retrier| &retrier.errors)).context("`Retry`")?;
        all_comes_last(catch.iter().map(|catcher| &catcher.errors)).context("`Catch`")?;
        Ok(Self::Step(Step {
            work,
            result_path: fields.result_path()?,
            retry,
            catch,
            next: fields.next()?,
        }))
    }

    /// Every state that can follow.
    fn targets(&self) -> Vec<&String> {
        match self {
            Self::Step(step) => {
                let caught = step.catch.iter().map(|catcher| &catcher.next);
                caught.chain(&step.next).collect()
            }
            Self::Choice { rules, default } => {
                rules.iter().map(|rule| &rule.next).chain(default).collect()
            }
            Self::Succeed | Self::Fail { .. } => Vec::new(),
        }
    }
}

impl AtOnce {
    fn take(fields: &mut Fields) -> Result<Self> {
        let at_once = fields.one_of(
            ("MaxConcurrency", |value| Ok(Self::Number(whole(&value)?))),
            ("MaxConcurrencyPath", |value| {
                Ok(Self::Path(Path::read(value)?))
            }),
        )?;
        Ok(at_once.unwrap_or(Self::Number(0)))
    }
}

impl Retrier {
    fn read(value: Value) -> Result<Self> {
        let mut fields = Fields::read(value)?;
        let retrier = Self {
            errors: fields.need("ErrorEquals", errors)?,
            interval_seconds: fields
                .may("IntervalSeconds", |value| whole(&value))?
                .unwrap_or(1),
            backoff_rate: fields
                .may("BackoffRate", |value| number(&value))?
                .unwrap_or(2.0),
            max_attempts: fields
                .may("MaxAttempts", |value| whole(&value))?
                .unwrap_or(3),
        };
        fields.end()?;
        Ok(retrier)
    }
}

impl Catcher {
    fn read(value: Value) -> Result<Self> {
        let mut fields = Fields::read(value)?;
        let catcher = Self {
            errors: fields.need("ErrorEquals", errors)?,
            result_path: fields.result_path()?,
            next: fields.need("Next", text)?,
        };
        fields.end()?;
        Ok(catcher)
    }
}

impl Rule {
    fn read(value: Value) -> Result<Self> {
        let mut fields = Fields::read(value)?;
        let variable = fields.need("Variable", Path::read)?;
        let next = fields.need("Next", text)?;
        let tests = [
            fields.may("BooleanEquals", |value| {
                Ok(Test::Equals(flag(&value)?.into()))
            })?,
            fields.may("StringEquals", |value| {
                Ok(Test::Equals(text(value)?.into()))
            })?,
            fields.may("NumericEquals", |value| {
                Ok(Test::NumericEquals(number(&value)?))
            })?,
            fields.may("IsPresent", |value| Ok(Test::IsPresent(flag(&value)?)))?,
        ];
        fields.end()?;
        let mut tests = tests.into_iter().flatten();
        let (Some(test), None) = (tests.next(), tests.next()) else {
            bail!("a choice has exactly one test");
        };
        Ok(Self {
            variable,
            test,
            next,
        })
    }
}

fn processor(value: Value, substitutions: &Substitutions) -> Result<Flow> {
    let mut fields = Fields::read(value)?;
    let mut config = fields.need("ProcessorConfig", Fields::read)?;
    let mode = config.need("Mode", text)?;
    ensure!(mode == "INLINE", "unknown mode `{mode}`");
    config.end()?;
    let flow = Flow::take(&mut fields, substitutions)?;
    fields.end()?;
    Ok(flow)
}

/// The error names of a retrier or catcher.
fn errors(value: Value) -> Result<Vec<String>> {
    let names = all(value, text)?;
    ensure!(!names.is_empty(), "no names");
    for name in &names {
        match name.as_str() {
            "States.ALL" => ensure!(names.len() == 1, "`States.ALL` must be alone"),
            "States.TaskFailed" => {}
            other => ensure!(
                !other.starts_with("States."),
                "unknown error name `{other}`"
            ),
        }
    }
    Ok(names)
}

fn all_comes_last<'a>(handlers: impl Iterator<Item = &'a Vec<String>>) -> Result<()> {
    let mut from_all = handlers.skip_while(|errors| **errors != ["States.ALL"]);
    ensure!(from_all.nth(1).is_none(), "`States.ALL` must come last");
    Ok(())
}

/// The name in `${Name}`.
fn resource(value: Value) -> Result<String> {
    let text = text(value)?;
    let name = placeholder(&text).with_context(|| format!("`{text}` is not `${{Name}}`"))?;
    Ok(name.to_owned())
}

fn placeholder(text: &str) -> Option<&str> {
    text.strip_prefix("${")?.strip_suffix('}')
}

fn substitute(value: &mut Value, substitutions: &Substitutions) -> Result<()> {
    match value {
        Value::String(text) if text.contains("${") => {
            let substitution = placeholder(text).and_then(|name| substitutions.get(name));
            let substitution =
                *substitution.with_context(|| format!("no substitution for `{text}`"))?;
            substitution.clone_into(text);
            Ok(())
        }
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| substitute(item, substitutions)),
        Value::Object(fields) => fields
            .values_mut()
            .try_for_each(|field| substitute(field, substitutions)),
        _ => Ok(()),
    }
}

/// An object's fields, taken one by one, so that those left over are the unknown ones.
struct Fields(Map<String, Value>);

impl Fields {
    fn read(value: Value) -> Result<Self> {
        let mut fields = object(value)?;
        fields.remove("Comment");
        Ok(Self(fields))
    }

    /// In every field but the resource, whose name is what counts, and a processor, whose states do it themselves.
    fn substitute(&mut self, substitutions: &Substitutions) -> Result<()> {
        for (name, value) in &mut self.0 {
            if !["Resource", "ItemProcessor"].contains(&name.as_str()) {
                substitute(value, substitutions).with_context(|| format!("`{name}`"))?;
            }
        }
        Ok(())
    }

    fn may<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T>) -> Result<Option<T>> {
        let field = self.0.remove(name).map(read).transpose();
        field.with_context(|| format!("`{name}`"))
    }

    fn need<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T>) -> Result<T> {
        self.may(name, read)?
            .with_context(|| format!("`{name}` is missing"))
    }

    fn one_of<T>(
        &mut self,
        (one, read_one): (&str, impl FnOnce(Value) -> Result<T>),
        (other, read_other): (&str, impl FnOnce(Value) -> Result<T>),
    ) -> Result<Option<T>> {
        match (self.may(one, read_one)?, self.may(other, read_other)?) {
            (Some(_), Some(_)) => bail!("`{one}` and `{other}` exclude each other"),
            (first, second) => Ok(first.or(second)),
        }
    }

    /// The text of a `Fail`: empty where it has none.
    fn literal_or_path(&mut self, literal: &str, path: &str) -> Result<Template> {
        let template = self.one_of(
            (literal, |value| Ok(Template::Literal(text(value)?.into()))),
            (path, |value| {
                Ok(Template::Filled(path.to_owned(), Expression::read(value)?))
            }),
        )?;
        Ok(template.unwrap_or_else(|| Template::Literal("".into())))
    }

    fn result_path(&mut self) -> Result<ResultPath> {
        Ok(self
            .may("ResultPath", ResultPath::read)?
            .unwrap_or_default())
    }

    fn next(&mut self) -> Result<Option<String>> {
        match (
            self.may("Next", text)?,
            self.may("End", |value| flag(&value))?,
        ) {
            (Some(next), None) => Ok(Some(next)),
            (None, Some(true)) => Ok(None),
            _ => bail!("needs either `Next` or `End`"),
        }
    }

    fn end(self) -> Result<()> {
        match self.0.keys().next() {
            Some(name) => bail!("unknown field `{name}`"),
            None => Ok(()),
        }
    }
}

pub fn text(value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        other => bail!("{other} is not a text"),
    }
}

fn object(value: Value) -> Result<Map<String, Value>> {
    match value {
        Value::Object(fields) => Ok(fields),
        other => bail!("{other} is not an object"),
    }
}

fn all<T>(value: Value, read: impl Fn(Value) -> Result<T>) -> Result<Vec<T>> {
    match value {
        Value::Array(items) => items.into_iter().map(read).collect(),
        other => bail!("{other} is not a list"),
    }
}

fn flag(value: &Value) -> Result<bool> {
    value
        .as_bool()
        .with_context(|| format!("{value} is not a truth value"))
}

fn number(value: &Value) -> Result<f64> {
    value
        .as_f64()
        .with_context(|| format!("{value} is not a number"))
}

fn whole(value: &Value) -> Result<u32> {
    let number = value.as_u64().and_then(|number| number.try_into().ok());
    number.with_context(|| format!("{value} is not a whole number"))
}
