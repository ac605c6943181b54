//! Function names and ARNs in all the forms that the Lambda API accepts.

use crate::error::ApiError;

pub(crate) const LATEST: &str = "$LATEST";

/// The region and account that the simulated service is in.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub region: String,
    pub account: String,
}

/// What a request names: a function, and perhaps a version or an alias of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub function: String,
    pub qualifier: Option<String>,
}

impl Place {
    pub fn arn(&self, function: &str) -> String {
        format!(
            "arn:aws:lambda:{}:{}:function:{function}",
            self.region, self.account
        )
    }

    pub fn qualified_arn(&self, function: &str, qualifier: &str) -> String {
        format!("{}:{qualifier}", self.arn(function))
    }

    /// A region's endpoint takes no call that is signed for another region.
    pub fn check_signed_for(&self, region: &str) -> Result<(), ApiError> {
        if region == self.region {
            return Ok(());
        }
        let message = format!("Credential should be scoped to a valid region, not '{region}'.");
        Err(ApiError::new(403, "InvalidSignatureException", message))
    }

    /// Reads a plain name, a partial or a full ARN, each with an optional qualifier in it or beside it.
    pub fn target(&self, name: &str, qualifier: Option<&str>) -> Result<Target, ApiError> {
        let parts: Vec<&str> = name.split(':').collect();
        let tail = match parts.as_slice() {
            ["arn", _, "lambda", region, account, "function", tail @ ..] => {
                self.check_region(region)?;
                self.check_account(account)?;
                tail
            }
            [account, "function", tail @ ..] => {
                self.check_account(account)?;
                tail
            }
            ["function", tail @ ..] if !tail.is_empty() => tail,
            tail => tail,
        };
        let (function, inner) = match tail {
            [function] => (*function, None),
            [function, qualifier] => (*function, Some(*qualifier)),
            _ => return Err(bad_name(name)),
        };
        if !is_name(function) {
            return Err(bad_name(name));
        }
        if let (Some(inner), Some(outer)) = (inner, qualifier)
            && inner != outer
        {
            return Err(ApiError::invalid(
                "The derived qualifier from the function name does not match the specified qualifier.",
            ));
        }
        let qualifier = inner.or(qualifier).map(str::to_owned);
        Ok(Target {
            function: function.to_owned(),
            qualifier,
        })
    }

    fn check_region(&self, region: &str) -> Result<(), ApiError> {
        if region == self.region {
            return Ok(());
        }
        let message = format!(
            "Functions from '{region}' are not reachable in this region ('{}')",
            self.region
        );
        Err(ApiError::not_found(message))
    }

    fn check_account(&self, account: &str) -> Result<(), ApiError> {
        if account == self.account {
            return Ok(());
        }
        let message = format!("Cross-account access to account {account} is not allowed");
        Err(ApiError::new(403, "AccessDeniedException", message))
    }
}

pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

pub(crate) fn is_version_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

fn bad_name(name: &str) -> ApiError {
    ApiError::validation(
        name,
        "functionName",
        "Member must satisfy the pattern of a function's name or ARN",
    )
}
