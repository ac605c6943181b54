//! How a state picks its data: paths, payload templates, `ResultPath`, and the limit on size.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::definition::text;
use crate::machine::Failure;

/// Step Functions' limit on the JSON text of any input, result or output.
const MAX_BYTES: usize = 262_144;

/// The context object, `$$`.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub execution: &'a Value,
    pub started: &'a Value,
    pub input: &'a Value,
    /// Index and value of the item, in a branch of a `Map`.
    pub item: Option<(&'a Value, &'a Value)>,
}

/// What a state's fields are evaluated against.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub state: &'a str,
    pub input: &'a Value,
    pub context: Context<'a>,
}

impl Scope<'_> {
    /// A failure that the service finds itself. Its real cause also has the number of an event.
    pub fn fault(&self, error: &str, cause: &str) -> Failure {
        Failure {
            error: error.to_owned(),
            cause: format!(
                "An error occurred while executing the state '{}'. {cause}",
                self.state
            ),
        }
    }

    pub fn limit(&self, value: &Value) -> Result<(), Failure> {
        if value.to_string().len() <= MAX_BYTES {
            return Ok(());
        }
        Err(Failure {
            error: "States.DataLimitExceeded".to_owned(),
            cause: format!(
                "The state/task '{}' returned a result with a size exceeding the maximum number of bytes service limit.",
                self.state
            ),
        })
    }
}

/// A path that names one place: `$` or `$$…`, then fields.
pub struct Path {
    pub text: String,
    root: Root,
    steps: Vec<String>,
}

#[derive(Clone, Copy)]
enum Root {
    Execution,
    ExecutionInput,
    ExecutionStart,
    ItemIndex,
    ItemValue,
    StateInput,
}

const ROOTS: [(&str, Root); 6] = [
    ("$$.Execution.Id", Root::Execution),
    ("$$.Execution.Input", Root::ExecutionInput),
    ("$$.Execution.StartTime", Root::ExecutionStart),
    ("$$.Map.Item.Index", Root::ItemIndex),
    ("$$.Map.Item.Value", Root::ItemValue),
    ("$", Root::StateInput),
];

impl Path {
    pub fn read(value: Value) -> Result<Self> {
        let text = text(value)?;
        let (root, steps) = ROOTS
            .iter()
            .find_map(|(prefix, root)| Some((*root, steps(text.strip_prefix(prefix)?)?)))
            .with_context(|| format!("unknown form of path `{text}`"))?;
        Ok(Self { text, root, steps })
    }

    pub fn find<'a>(&self, scope: Scope<'a>) -> Option<&'a Value> {
        let root = match self.root {
            Root::Execution => scope.context.execution,
            Root::ExecutionInput => scope.context.input,
            Root::ExecutionStart => scope.context.started,
            Root::ItemIndex => scope.context.item?.0,
            Root::ItemValue => scope.context.item?.1,
            Root::StateInput => scope.input,
        };
        self.steps
            .iter()
            .try_fold(root, |value, step| value.get(step))
    }

    pub fn need<'a>(&self, field: &str, scope: Scope<'a>) -> Result<&'a Value, Failure> {
        self.find(scope).ok_or_else(|| {
            let cause = format!(
                "The JSONPath '{}' specified for the field '{field}' could not be found in the input '{}'",
                self.text, scope.input
            );
            scope.fault("States.Runtime", &cause)
        })
    }
}

/// The fields of `.a.b`; brackets, wildcards and other forms of path are unknown here.
fn steps(path: &str) -> Option<Vec<String>> {
    if path.is_empty() {
        return Some(Vec::new());
    }
    let is_name = |step: &str| {
        step.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && step.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    path.strip_prefix('.')?
        .split('.')
        .map(|step| is_name(step).then(|| step.to_owned()))
        .collect()
}

/// The value of a field whose name ends in `.$` or `Path`.
pub enum Expression {
    Path(Path),
    /// `States.Format`: the text around the arguments, and these.
    Format(Vec<String>, Vec<Path>),
}

impl Expression {
    pub fn read(value: Value) -> Result<Self> {
        let text = text(value)?;
        let Some((name, arguments)) = text.strip_suffix(')').and_then(|call| call.split_once('('))
        else {
            return Path::read(text.into()).map(Self::Path);
        };
        ensure!(name == "States.Format", "unknown intrinsic `{name}`");
        let (format, arguments) = arguments
            .strip_prefix('\'')
            .and_then(|quoted| quoted.split_once('\''))
            .with_context(|| format!("`{text}` does not start with a text"))?;
        ensure!(
            !format.replace("{}", "").contains(['{', '}', '\\']),
            "unknown escape in `{text}`"
        );
        let pieces: Vec<_> = format.split("{}").map(str::to_owned).collect();
        let (separator, paths) = arguments.split_at(arguments.len().min(1));
        let paths: Vec<_> = paths
            .split(',')
            .filter(|_| separator == ",")
            .map(|path| Path::read(path.trim().into()))
            .collect::<Result<_>>()?;
        ensure!(
            pieces.len() == paths.len() + 1,
            "`{text}` has another number of arguments than of `{{}}`"
        );
        Ok(Self::Format(pieces, paths))
    }

    fn value(&self, field: &str, scope: Scope) -> Result<Value, Failure> {
        match self {
            Self::Path(path) => path.need(field, scope).cloned(),
            Self::Format(pieces, paths) => {
                let mut formatted = pieces[0].clone();
                for (path, piece) in paths.iter().zip(&pieces[1..]) {
                    match path.need(field, scope)? {
                        Value::String(text) => formatted.push_str(text),
                        Value::Array(_) | Value::Object(_) => {
                            let cause = format!("States.Format cannot print '{}'", path.text);
                            return Err(scope.fault("States.IntrinsicFailure", &cause));
                        }
                        other => formatted.push_str(&other.to_string()),
                    }
                    formatted.push_str(piece);
                }
                Ok(formatted.into())
            }
        }
    }
}

/// `Parameters` and `ItemSelector`; also the error and the cause of a `Fail`.
pub enum Template {
    Literal(Value),
    /// The field's name, for the failure, and where its value comes from.
    Filled(String, Expression),
    Object(BTreeMap<String, Template>),
    Array(Vec<Template>),
}

impl Template {
    pub fn read(value: Value) -> Result<Self> {
        Ok(match value {
            Value::Object(fields) => {
                let mut read = BTreeMap::new();
                for (name, value) in fields {
                    let (target, template) = match name.strip_suffix(".$") {
                        Some(target) => {
                            let expression =
                                Expression::read(value).with_context(|| format!("`{name}`"))?;
                            (target.to_owned(), Self::Filled(name, expression))
                        }
                        None => (name, Self::read(value)?),
                    };
                    if read.contains_key(&target) {
                        bail!("field `{target}` is given twice");
                    }
                    read.insert(target, template);
                }
                Self::Object(read)
            }
            Value::Array(items) => {
                Self::Array(items.into_iter().map(Self::read).collect::<Result<_>>()?)
            }
            literal => Self::Literal(literal),
        })
    }

    pub fn fill(&self, scope: Scope) -> Result<Value, Failure> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Filled(field, expression) => expression.value(field, scope),
            Self::Object(fields) => fields
                .iter()
                .map(|(name, template)| Ok((name.clone(), template.fill(scope)?)))
                .collect(),
            Self::Array(items) => items.iter().map(|item| item.fill(scope)).collect(),
        }
    }
}

/// Where a result goes in the state's input: `None` discards it, no steps replace the input.
pub struct ResultPath(Option<Vec<String>>);

impl Default for ResultPath {
    fn default() -> Self {
        Self(Some(Vec::new()))
    }
}

impl ResultPath {
    pub fn read(value: Value) -> Result<Self> {
        if value.is_null() {
            return Ok(Self(None));
        }
        let path = text(value)?;
        let steps = path.strip_prefix('$').and_then(steps);
        Ok(Self(Some(steps.with_context(|| {
            format!("unknown form of path `{path}`")
        })?)))
    }

    pub fn put(&self, result: Value, scope: Scope) -> Result<Value, Failure> {
        let Some(steps) = &self.0 else {
            return Ok(scope.input.clone());
        };
        let mut output = scope.input.clone();
        let mut place = &mut output;
        for step in steps {
            let Value::Object(fields) = place else {
                return Err(conflict(step, scope));
            };
            place = fields.entry(step).or_insert_with(|| json!({}));
        }
        *place = result;
        Ok(output)
    }
}

/// The documentation says `States.ResultPathMatchFailure`; this is what the service really answers.
pub fn conflict(step: &str, scope: Scope) -> Failure {
    let cause = format!("Unable to apply step \"{step}\" to input {}", scope.input);
    scope.fault("States.ReferencePathConflict", &cause)
}
