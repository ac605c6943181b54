//! The role that the target is called under, where the input names one: most often of another account.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::function::FunctionRef;

/// A role's ARN. Checked for its form only; whether it may be assumed is for AWS to say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn {
    text: String,
    account: String,
}

/// What STS takes for a session's name.
const LONGEST_SESSION_NAME: usize = 64;

impl RoleArn {
    /// # Errors
    ///
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let broken = || format!("`{text}` is not a role's ARN (arn:aws:iam::ACCOUNT:role/NAME)");
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "iam", "", account, rest @ ..] = parts.as_slice() else {
            return Err(broken());
        };
        let rest = rest.join(":");
        let name = rest.strip_prefix("role/").ok_or_else(broken)?;
        if !is_partition(partition) || !is_account(account) || !is_role(name) {
            return Err(broken());
        }
        Ok(Self {
            text: text.to_owned(),
            account: (*account).to_owned(),
        })
    }

    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// A role reaches the functions of its own account.
    ///
    /// # Errors
    ///
    /// The function is named as one of another account.
    pub fn reaches(&self, function: &FunctionRef) -> Result<(), String> {
        let Self { account, .. } = self;
        match function.account() {
            Some(other) if other != account => Err(format!(
                "is a role of account {account}, and the function is named as one of account {other}; name a role of the \
                 function's account"
            )),
            _ => Ok(()),
        }
    }
}

impl TryFrom<String> for RoleArn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<RoleArn> for String {
    fn from(role: RoleArn) -> Self {
        role.text
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_partition(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A name, behind a path if it has one.
fn is_role(text: &str) -> bool {
    let (path, name) = text
        .rsplit_once('/')
        .map_or((None, text), |(path, name)| (Some(path), name));
    let is_path = |path: &str| {
        (1..=510).contains(&path.len()) && path.bytes().all(|byte| byte.is_ascii_graphic())
    };
    (1..=64).contains(&name.len()) && name.bytes().all(is_of_a_name) && path.is_none_or(is_path)
}

/// IAM and STS allow the same characters in a role's name and in a session's.
fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

/// What the logs of the role's account call us: by the name of the execution, an ARN, that the role is assumed for.
#[must_use]
pub fn session_name(execution: &str) -> String {
    let name = execution.rsplit(':').next().unwrap_or_default();
    let allowed = |char: char| match u8::try_from(char) {
        Ok(byte) if is_of_a_name(byte) => char,
        _ => '-',
    };
    let session = format!("power-tuner-{name}");
    session
        .chars()
        .map(allowed)
        .take(LONGEST_SESSION_NAME)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_known_by_their_arns() {
        let path = format!("{}/", "p".repeat(510));
        for role in [
            "tuned",
            "a/path/tuned",
            "a:path/tuned",
            "Tuned+=,.@_-1",
            &format!("{path}tuned"),
        ] {
            let arn = format!("arn:aws-cn:iam::123456789012:role/{role}");
            let parsed = RoleArn::parse(&arn).expect(role);
            assert_eq!(parsed.to_string(), arn);
            assert_eq!(parsed.account, "123456789012");
        }
        for text in [
            "tuned",
            "arn:aws:iam::123456789012:user/tuned",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role//tuned",
            "arn:aws:iam::123456789012:role/a path/tuned",
            "arn:aws:iam::123456789012:role/of mine",
            "arn:aws:iam::12345678901:role/tuned",
            "arn:aws:iam:eu-west-1:123456789012:role/tuned",
            "arn::iam::123456789012:role/tuned",
            &format!("arn:aws:iam::123456789012:role/p{path}tuned"),
            &format!("arn:aws:iam::123456789012:role/{}", "n".repeat(65)),
        ] {
            let rule = format!("`{text}` is not a role's ARN (arn:aws:iam::ACCOUNT:role/NAME)");
            assert_eq!(RoleArn::parse(text), Err(rule));
        }
    }

    #[test]
    fn a_role_reaches_functions_of_its_account() {
        let role = RoleArn::parse("arn:aws:iam::222222222222:role/tuned").expect("a role");
        let reaches = |function: &str| role.reaches(&FunctionRef::parse(function).expect(function));
        for function in [
            "f",
            "f:live",
            "222222222222:function:f",
            "arn:aws:lambda:eu-west-1:222222222222:function:f:3",
        ] {
            assert_eq!(reaches(function), Ok(()), "{function}");
        }
        for function in [
            "111111111111:function:f",
            "111111111111:function:f:live",
            "arn:aws:lambda:eu-west-1:111111111111:function:f",
        ] {
            let want = "is a role of account 222222222222, and the function is named as one of account 111111111111; name a role of the function's account";
            assert_eq!(reaches(function), Err(want.to_owned()), "{function}");
        }
    }

    #[test]
    fn a_session_has_the_executions_name_as_far_as_sts_takes_it() {
        let cases = [
            ("4f1c-9", "power-tuner-4f1c-9"),
            ("nightly run é", "power-tuner-nightly-run--"),
            ("a@b=c,d.e+f_g", "power-tuner-a@b=c,d.e+f_g"),
        ];
        for (name, want) in cases {
            let execution = format!("arn:aws:states:us-east-1:123456789012:execution:m:{name}");
            assert_eq!(session_name(&execution), want);
        }
        let long = session_name(&"x".repeat(80));
        assert_eq!(long.len(), 64);
    }
}
