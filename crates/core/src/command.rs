//! What an execution may be asked for instead of a tuning: `{"clean": FUNCTION}` and `{"doctor": FUNCTION}`, each with
//! `roleARN` beside it at the most.

use serde_json::{Map, Value};

use crate::error::Fault;
use crate::function::FunctionRef;
use crate::role::RoleArn;

/// The fields that stand for something else than a tuning.
pub const COMMANDS: [&str; 2] = [CLEAN, DOCTOR];

const CLEAN: &str = "clean";
const DOCTOR: &str = "doctor";
const ROLE: &str = "roleARN";

/// A function to clean up, and the role that it is reached under, if it needs one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clean {
    pub function: FunctionRef,
    pub role: Option<RoleArn>,
}

/// A function to look at, or the stack alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doctor {
    pub function: Option<FunctionRef>,
    pub role: Option<RoleArn>,
}

impl Clean {
    /// Reads an execution input that has `clean`.
    ///
    /// # Errors
    ///
    /// Every fault of the input, not only the first.
    pub fn parse(input: &Value) -> Result<Self, Vec<Fault>> {
        let mut read = Reader::of(CLEAN, input);
        let function = read.function();
        let role = read.role(function.as_ref());
        read.end(function.map(|function| Self { function, role }))
    }

    /// Reads what a person gives to the cleaner by hand: the function's name stands in another field.
    ///
    /// # Errors
    ///
    /// Every fault, not only the first.
    pub fn by_hand(field: &'static str, input: &Value) -> Result<Self, Vec<Fault>> {
        let mut read = Reader {
            field,
            value: input.get(field),
            role: input.get(ROLE),
            faults: Vec::new(),
        };
        let function = read.function();
        let role = read.role(function.as_ref());
        read.end(function.map(|function| Self { function, role }))
    }
}

impl Doctor {
    /// Reads an execution input that has `doctor`.
    ///
    /// # Errors
    ///
    /// Every fault of the input, not only the first.
    pub fn parse(input: &Value) -> Result<Self, Vec<Fault>> {
        let mut read = Reader::of(DOCTOR, input);
        let is_the_stack = read
            .value
            .and_then(Value::as_object)
            .is_some_and(Map::is_empty);
        let function = if is_the_stack { None } else { read.function() };
        let role = read.role(function.as_ref());
        read.end(Some(Self { function, role }))
    }
}

struct Reader<'a> {
    field: &'static str,
    value: Option<&'a Value>,
    role: Option<&'a Value>,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    fn of(field: &'static str, input: &'a Value) -> Self {
        let others = input.as_object().into_iter().flat_map(Map::keys);
        let others = others.filter(|other| ![field, ROLE].contains(&other.as_str()));
        let faults = others.map(|other| {
            let rule = if COMMANDS.contains(&other.as_str()) {
                format!("cannot be asked for together with `{field}`; start an execution for each")
            } else {
                format!("has no meaning beside `{field}`, which only `{ROLE}` may stand with; leave it out")
            };
            Fault::new(other, rule)
        });
        Self {
            field,
            value: input.get(field),
            role: input.get(ROLE),
            faults: faults.collect(),
        }
    }

    fn function(&mut self) -> Option<FunctionRef> {
        let function = match self.value {
            Some(Value::String(text)) => FunctionRef::parse(text),
            _ if self.field == DOCTOR => Err(
                "must be a string: the function's name or ARN; or {}, which asks about the stack alone".to_owned(),
            ),
            _ => Err("must be a string: the function's name or ARN".to_owned()),
        };
        self.kept(self.field, function)
    }

    /// `null` and an empty text stand for none, as they do in a tuning's input.
    fn role(&mut self, function: Option<&FunctionRef>) -> Option<RoleArn> {
        let role = match self.role {
            None | Some(Value::Null) => return None,
            Some(Value::String(text)) if text.is_empty() => return None,
            Some(Value::String(text)) => RoleArn::parse(text),
            Some(other) => Err(format!("{other} is not a string")),
        };
        let role = role.and_then(|role| match function {
            Some(function) => role.reaches(function).map(|()| role),
            None => Ok(role),
        });
        self.kept(ROLE, role)
    }

    fn kept<T>(&mut self, field: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|rule| self.faults.push(Fault::new(field, rule)))
            .ok()
    }

    fn end<T>(self, read: Option<T>) -> Result<T, Vec<Fault>> {
        let faults = self.faults;
        read.filter(|_| faults.is_empty()).ok_or(faults)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROLE_OF_2: &str = "arn:aws:iam::222222222222:role/tuned";

    fn faults<T: std::fmt::Debug>(read: Result<T, Vec<Fault>>) -> Vec<String> {
        let faults = read.expect_err("a bad input");
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_function_is_named_as_in_a_tuning() {
        for name in ["f", "f:live", "222222222222:function:f"] {
            let input = json!({"clean": name, "roleARN": ROLE_OF_2});
            let clean = Clean::parse(&input).expect(name);
            assert_eq!(clean.function.qualified(), name);
            assert_eq!(clean.role.map(String::from).as_deref(), Some(ROLE_OF_2));
            let doctor = Doctor::parse(&json!({"doctor": name, "roleARN": null})).expect(name);
            let function = doctor.function.expect("a function");
            assert_eq!((function.qualified().as_str(), doctor.role), (name, None));
        }
    }

    #[test]
    fn nothing_is_the_stack_alone() {
        let stack = Doctor::parse(&json!({"doctor": {}, "roleARN": ""})).expect("a good input");
        assert_eq!((stack.function, stack.role), (None, None));
        let role = Doctor::parse(&json!({"doctor": {}, "roleARN": ROLE_OF_2})).expect("good");
        assert!(role.function.is_none() && role.role.is_some());
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let cases = [
            (
                faults(Clean::parse(
                    &json!({"clean": "f", "doctor": "f", "num": 5, "roleARN": 7}),
                )),
                vec![
                    "`doctor`: cannot be asked for together with `clean`; start an execution for each",
                    "`num`: has no meaning beside `clean`, which only `roleARN` may stand with; leave it out",
                    "`roleARN`: 7 is not a string",
                ],
            ),
            (
                faults(Clean::parse(&json!({"clean": null}))),
                vec!["`clean`: must be a string: the function's name or ARN"],
            ),
            (
                faults(Clean::parse(&json!({"clean": {}}))),
                vec!["`clean`: must be a string: the function's name or ARN"],
            ),
            (
                faults(Doctor::parse(
                    &json!({"doctor": {"f": 1}, "lambdaARN": "f"}),
                )),
                vec![
                    "`lambdaARN`: has no meaning beside `doctor`, which only `roleARN` may stand with; leave it out",
                    "`doctor`: must be a string: the function's name or ARN; or {}, which asks about the stack alone",
                ],
            ),
            (
                faults(Doctor::parse(&json!({"doctor": "my function"}))),
                vec![
                    "`doctor`: `my function` is not a function's name (letters, digits, `-` and `_`, at most 64)",
                ],
            ),
            (
                faults(Clean::by_hand(
                    "function",
                    &json!({"function": "111111111111:function:f", "roleARN": ROLE_OF_2}),
                )),
                vec![
                    "`roleARN`: is a role of account 222222222222, and the function is named as one of account \
                     111111111111; name a role of the function's account",
                ],
            ),
        ];
        for (found, want) in cases {
            assert_eq!(found, want);
        }
    }
}
