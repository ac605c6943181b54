//! The function to tune, as people name it: a name, a partial ARN or a full ARN.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the input names the function. Checked for its form only; whether it exists is for AWS to say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct FunctionRef {
    unqualified: String,
    qualifier: Option<String>,
}

impl TryFrom<String> for FunctionRef {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<FunctionRef> for String {
    fn from(function: FunctionRef) -> Self {
        match function.qualifier {
            Some(qualifier) => format!("{}:{qualifier}", function.unqualified),
            None => function.unqualified,
        }
    }
}

impl FunctionRef {
    /// # Errors
    ///
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let (name, qualifier) = match parts.as_slice() {
            [name] => (*name, None),
            [name, qualifier] => (*name, Some(*qualifier)),
            [account, "function", name, qualifier @ ..]
                if is_account(account) && qualifier.len() <= 1 =>
            {
                (*name, qualifier.first().copied())
            }
            [
                "arn",
                partition,
                "lambda",
                region,
                account,
                "function",
                name,
                qualifier @ ..,
            ] if is_place(partition)
                && is_place(region)
                && is_account(account)
                && qualifier.len() <= 1 =>
            {
                (*name, qualifier.first().copied())
            }
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
        let Some(qualifier) = qualifier else {
            return Ok(Self {
                unqualified: text.to_owned(),
                qualifier: None,
            });
        };
        if qualifier != LATEST && !is_qualifier(qualifier) {
            return Err(format!(
                "`{qualifier}` is neither a version's number nor an alias's name (letters, digits, `-` and `_`, at most 128)"
            ));
        }
        Ok(Self {
            unqualified: text[..text.len() - qualifier.len() - 1].to_owned(),
            qualifier: (qualifier != LATEST).then(|| qualifier.to_owned()),
        })
    }

    /// The name or ARN without a qualifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.unqualified
    }

    /// The name or ARN as a call takes it, with its qualifier.
    #[must_use]
    pub fn qualified(&self) -> String {
        self.clone().into()
    }

    /// The account, where it is named: a name alone has none.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self.unqualified.split(':').collect::<Vec<_>>().as_slice() {
            [account, "function", _] | ["arn", _, "lambda", _, account, "function", _] => {
                Some(*account)
            }
            _ => None,
        }
    }

    /// The ARN that is meant, by somebody whose own region and account are these.
    #[must_use]
    pub fn seen_from(&self, partition: &str, region: &str, account: &str) -> FunctionArn {
        let of = |partition: &str, region: &str, account: &str, name: &str| FunctionArn {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            name: name.to_owned(),
        };
        match self.unqualified.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", partition, _, region, account, _, name] => of(partition, region, account, name),
            [account, "function", name] => of(partition, region, account, name),
            _ => of(partition, region, account, &self.unqualified),
        }
    }

    /// The version's number or the alias's name, unless it is `$LATEST` that is meant.
    #[must_use]
    pub fn qualifier(&self) -> Option<&str> {
        self.qualifier.as_deref()
    }
}

const LATEST: &str = "$LATEST";

/// Whether it may be the name of an alias: what has digits alone is a version's number.
pub(crate) fn is_alias(text: &str) -> bool {
    is_qualifier(text) && !text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_qualifier(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(is_of_a_name)
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(is_of_a_name)
}

/// A partition or a region. It becomes a part of the name of the host that signed requests go to.
fn is_place(text: &str) -> bool {
    let may_be = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(may_be)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// The region in a function's ARN; a name, or part of an ARN, has none.
#[must_use]
pub fn region_in(name: &str) -> Option<&str> {
    match name.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", _, "lambda", region, ..] => Some(*region),
        _ => None,
    }
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
    pub fn account(&self) -> &str {
        &self.account
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
            let function = FunctionRef::parse(text).expect(text);
            assert_eq!((function.as_str(), function.qualifier()), (text, None));
            for qualifier in ["3", "live"] {
                let written = format!("{text}:{qualifier}");
                let function = FunctionRef::parse(&written).expect(&written);
                assert_eq!(function.as_str(), text);
                assert_eq!(function.qualifier(), Some(qualifier));
                assert_eq!(String::from(function), written);
            }
        }
        let latest = FunctionRef::parse(&format!("{arn}:$LATEST")).expect("an ARN");
        assert_eq!(
            latest.qualifier(),
            None,
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
                "arn:aws:lambda:evil.example/:123456789012:function:f",
                "`arn:aws:lambda:evil.example/:123456789012:function:f` is neither a function's name nor its ARN (arn:aws:lambda:REGION:ACCOUNT:function:NAME)",
            ),
            (
                "12345678901a:function:f",
                "`12345678901a:function:f` is neither a function's name nor its ARN (arn:aws:lambda:REGION:ACCOUNT:function:NAME)",
            ),
            (
                "checkout:to be",
                "`to be` is neither a version's number nor an alias's name (letters, digits, `-` and `_`, at most 128)",
            ),
        ];
        for (text, want) in cases {
            assert_eq!(FunctionRef::parse(text), Err(want.to_owned()));
        }
    }

    #[test]
    fn only_a_full_arn_says_in_which_region_it_is() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:f:live";
        assert_eq!(region_in(arn), Some("eu-west-1"));
        for name in ["f", "f:live", "123456789012:function:f"] {
            assert_eq!(region_in(name), None, "{name}");
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
