//! What AWS refuses, in words that say what to do.

use std::error::Error as Source;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};

use crate::end::Error;

/// What whoever knows the state machine's ARN need not be allowed.
pub const LISTING: &str = "states:ListStateMachines";

/// Of the service on an EC2 instance that gives credentials to what runs there.
const OF_AN_INSTANCE: &str = "IMDS";
const NO_CREDENTIALS: &str = "no AWS credentials were found: not in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), \
    nor in the profile (`--profile`, AWS_PROFILE, or `default`), nor from a container or an EC2 instance; set these variables, name \
    a profile, or sign in with `aws sso login` or `aws configure`";

/// A call, and what it is about.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub action: &'static str,
    pub resource: &'a str,
    /// In the region or at the address.
    pub place: &'a str,
    /// The profile of `AWS_PROFILE`, where no file has it.
    pub lost_profile: Option<&'a str>,
    pub verbose: bool,
}

impl Asked<'_> {
    pub fn refused<E>(self, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + Source + 'static,
    {
        let words = match error {
            SdkError::ServiceError(refused) => {
                let code = refused.err().code().unwrap_or("an error without a name");
                self.by_code(code, refused.err().message().unwrap_or_default())
            }
            error => self.without_an_answer(error),
        };
        let Self { action, .. } = self;
        Error::Aws(if self.verbose {
            format!("{words}\n({action}: {})", chain(error).join(": "))
        } else {
            words
        })
    }

    /// AWS said no.
    fn by_code(self, code: &str, message: &str) -> String {
        let Self {
            action,
            resource,
            place,
            ..
        } = self;
        match code {
            "AccessDeniedException" | "AccessDenied" if action == LISTING => format!(
                "you may not call `{action}`; name the state machine by its ARN (`--state-machine`), and it need not be looked \
                 for ({message})"
            ),
            "AccessDeniedException" | "AccessDenied" => format!(
                "you may not call `{action}` on `{resource}`; have it allowed for the role or user whose credentials these are \
                 ({message})"
            ),
            "ExpiredTokenException" | "ExpiredToken" | "RequestExpired" => format!(
                "the AWS credentials have expired; sign in again, for instance with `aws sso login` ({message})"
            ),
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "IncompleteSignature"
            | "MissingAuthenticationTokenException" => format!(
                "AWS does not take these credentials {place}; look at `--profile` and AWS_ACCESS_KEY_ID, and at this \
                 machine's clock ({code}: {message})"
            ),
            "StateMachineDoesNotExist" | "ResourceNotFound" => format!(
                "there is no state machine `{resource}` {place}; look at `--state-machine` and `--region`"
            ),
            "ExecutionDoesNotExist" => format!(
                "there is no execution `{resource}` {place}; Step Functions forgets executions after 90 days"
            ),
            "InvalidArn" => {
                format!("`{resource}` is no ARN that Step Functions knows {place} ({message})")
            }
            "ThrottlingException" | "ExecutionLimitExceeded" | "TooManyRequestsException" => {
                format!("AWS throttled `{action}` for too long; try again in a minute ({message})")
            }
            "StateMachineDeleting" => format!("`{resource}` is being deleted"),
            _ => format!("`{action}` on `{resource}` failed: {code}: {message}"),
        }
    }

    /// AWS was not even asked, or its answer did not come.
    fn without_an_answer<E: Source + 'static>(self, error: &SdkError<E>) -> String {
        let Self { action, place, .. } = self;
        let said = chain(error);
        let last = said.last().map_or("", String::as_str);
        match (credentials(error), self.lost_profile) {
            (Some(_), Some(profile)) => no_such_profile(profile),
            (Some(CredentialsError::CredentialsNotLoaded(_)), None) => NO_CREDENTIALS.to_owned(),
            // The last place of all is an instance's, which most machines are not.
            (Some(_), None) if said.iter().any(|said| said.contains(OF_AN_INSTANCE)) => {
                NO_CREDENTIALS.to_owned()
            }
            (Some(found), None) => format!(
                "the AWS credentials cannot be had: {}; look at the profile, and sign in again where it is one of single \
                 sign-on (`aws sso login`)",
                found.source().map(chain).unwrap_or_default().join(": ")
            ),
            (None, _) => {
                let perhaps = if action == "states:StartExecution" {
                    "; it may have been started all the same: look among the state machine's executions"
                } else {
                    ""
                };
                format!(
                    "Step Functions cannot be reached {place} for `{action}`: {last}; look at the network, `--region` and \
                     `--endpoint-url`{perhaps}"
                )
            }
        }
    }
}

pub fn no_such_profile(name: &str) -> String {
    format!(
        "the profile `{name}` is not in AWS's configuration files; look at AWS_PROFILE, or make it with `aws configure --profile {name}`"
    )
}

fn credentials<'a>(error: &'a (dyn Source + 'static)) -> Option<&'a CredentialsError> {
    let mut next = Some(error);
    while let Some(this) = next {
        if let Some(found) = this.downcast_ref() {
            return Some(found);
        }
        next = this.source();
    }
    None
}

/// What each of the causes says, without repetitions.
fn chain(error: &(dyn Source + 'static)) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(this) = next {
        let words = this.to_string();
        if said.last() != Some(&words) {
            said.push(words);
        }
        next = this.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_refuses_is_said_with_what_to_do() {
        let asked = Asked {
            action: "states:StartExecution",
            resource: "arn:m",
            place: "in eu-west-1",
            lost_profile: None,
            verbose: false,
        };
        let cases = [
            (
                "AccessDeniedException",
                "you may not call `states:StartExecution` on `arn:m`; have it allowed",
            ),
            (
                "ExpiredTokenException",
                "the AWS credentials have expired; sign in again",
            ),
            (
                "UnrecognizedClientException",
                "AWS does not take these credentials in eu-west-1; look at `--profile`",
            ),
            (
                "StateMachineDoesNotExist",
                "there is no state machine `arn:m` in eu-west-1; look at `--state-machine`",
            ),
            (
                "ExecutionDoesNotExist",
                "there is no execution `arn:m` in eu-west-1; Step Functions forgets",
            ),
            (
                "InvalidArn",
                "`arn:m` is no ARN that Step Functions knows in eu-west-1",
            ),
            (
                "ThrottlingException",
                "AWS throttled `states:StartExecution` for too long; try again",
            ),
            ("StateMachineDeleting", "`arn:m` is being deleted"),
            (
                "Odd",
                "`states:StartExecution` on `arn:m` failed: Odd: said",
            ),
        ];
        for (code, want) in cases {
            let words = asked.by_code(code, "said");
            assert!(words.starts_with(want), "{words}");
        }
        let looked_for = Asked {
            action: LISTING,
            ..asked
        };
        let words = looked_for.by_code("AccessDeniedException", "said");
        assert!(
            words.contains("name the state machine by its ARN"),
            "{words}"
        );
    }
}
