//! The function to tune, as people name it: a name, a partial ARN or a full ARN.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the input names the function. Checked for its form only; whether it exists is for AWS to say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct FunctionRef(String);

impl TryFrom<String> for FunctionRef {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<FunctionRef> for String {
    fn from(function: FunctionRef) -> Self {
        function.0
    }
}

impl FunctionRef {
    /// # Errors
    ///
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let (name, qualifier) = match parts.as_slice() {
            [name] | [_, "function", name] | ["arn", _, "lambda", _, _, "function", name] => {
                (*name, None)
            }
            ["arn", _, "lambda", _, _, "function", name, qualifier]
            | [_, "function", name, qualifier]
            | [name, qualifier] => (*name, Some(*qualifier)),
            _ => {
                return Err(format!(
                    "`{text}` is neither a function's name nor its ARN (arn:aws:lambda:REGION:ACCOUNT:function:NAME)"
                ));
            }
        };
        if !is_name(name) {
            return Err(format!(
                "`{name}` is not a function's name (letters, digits, `-` and `_`, at most 64)"
            ));
        }
        match qualifier {
            None => Ok(Self(text.to_owned())),
            Some("$LATEST") => Ok(Self(text[..text.len() - ":$LATEST".len()].to_owned())),
            Some(qualifier) => Err(format!(
                "the qualifier `{qualifier}` is not supported by this version; name the function without it, \
                 so that `$LATEST` is tuned"
            )),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The full, unqualified ARN of a function.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct FunctionArn {
    partition: String,
    region: String,
    account: String,
    name: String,
}

impl FunctionArn {
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl TryFrom<String> for FunctionArn {
    type Error = String;

    /// Takes a qualified ARN too, and drops the qualifier.
    fn try_from(text: String) -> Result<Self, String> {
        match text.split(':').collect::<Vec<_>>().as_slice() {
            [
                "arn",
                partition,
                "lambda",
                region,
                account,
                "function",
                name,
                ..,
            ] => Ok(Self {
                partition: (*partition).to_owned(),
                region: (*region).to_owned(),
                account: (*account).to_owned(),
                name: (*name).to_owned(),
            }),
            _ => Err(format!("`{text}` is not the ARN of a Lambda function")),
        }
    }
}

impl From<FunctionArn> for String {
    fn from(arn: FunctionArn) -> Self {
        arn.to_string()
    }
}

impl fmt::Display for FunctionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            region,
            account,
            name,
        } = self;
        write!(
            f,
            "arn:{partition}:lambda:{region}:{account}:function:{name}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arns_are_accepted() {
        let arn = "arn:aws-cn:lambda:cn-north-1:123456789012:function:checkout_v2";
        for text in ["checkout_v2", "123456789012:function:checkout_v2", arn] {
            assert_eq!(FunctionRef::parse(text).map(|r| r.0), Ok(text.to_owned()));
        }
        assert_eq!(
            FunctionRef::parse(&format!("{arn}:$LATEST")).map(|r| r.0),
            Ok(arn.to_owned()),
            "`$LATEST` is what is tuned anyway"
        );
    }

    #[test]
    fn what_is_no_function_breaks_a_rule() {
        let cases = [
            (
                "",
                "`` is not a function's name (letters, digits, `-` and `_`, at most 64)",
            ),
            (
                "my function",
                "`my function` is not a function's name (letters, digits, `-` and `_`, at most 64)",
            ),
            (
                "arn:aws:s3:::bucket",
                "`arn:aws:s3:::bucket` is neither a function's name nor its ARN (arn:aws:lambda:REGION:ACCOUNT:function:NAME)",
            ),
            (
                "checkout:live",
                "the qualifier `live` is not supported by this version; name the function without it, so that `$LATEST` is tuned",
            ),
        ];
        for (text, want) in cases {
            assert_eq!(FunctionRef::parse(text), Err(want.to_owned()));
        }
    }

    #[test]
    fn an_arn_loses_its_qualifier() {
        let arn =
            FunctionArn::try_from("arn:aws:lambda:eu-west-1:123456789012:function:f:3".to_owned())
                .expect("a function's ARN");
        assert_eq!(
            arn.to_string(),
            "arn:aws:lambda:eu-west-1:123456789012:function:f"
        );
        assert_eq!(arn.region(), "eu-west-1");
    }
}
