//! Step Functions: the few calls that the tool makes of it, with their errors in our words.

use std::env;
use std::time::{Duration, SystemTime};

use aws_config::profile::{self, ProfileFileCredentialsProvider, ProfileFileLoadError, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use aws_smithy_types::date_time::Format;
use aws_types::os_shim_internal::{Env, Fs};

use crate::arguments::Global;
use crate::end::Error;
use crate::progress::{Event, What};
use crate::refusal::{Asked, LISTING, no_such_profile};

pub struct Aws {
    client: Client,
    /// What is said of it in errors: in the region, or at the address.
    place: String,
    /// The profile of `AWS_PROFILE`, where no file has it.
    lost_profile: Option<String>,
    /// To the letter.
    verbose: bool,
}

/// How far an execution is, or how it ended.
#[derive(Clone, Debug)]
pub struct Execution {
    pub status: Status,
    pub input: Option<String>,
    pub output: Option<String>,
    pub error: String,
    pub cause: String,
    pub started: Option<String>,
    pub stopped: Option<String>,
    /// Since it was started.
    pub age: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Running,
    Succeeded,
    /// With the word of AWS for it.
    Ended(&'static str),
}

/// Step Functions answers within a second or two, unless something is wrong on the way.
const LONGEST_ANSWER: Duration = Duration::from_secs(15);
const LONGEST_CALL: Duration = Duration::from_secs(45);
const ATTEMPTS: u32 = 4;

impl Aws {
    /// Credentials are looked for where AWS's own tools look for them. An ARN knows its region better than the environment.
    ///
    /// # Errors
    ///
    /// The profile or the region that is named cannot be meant, there is no region, or there are no certificates.
    pub async fn connect(global: &Global, arn: Option<&str>) -> Result<Self, Error> {
        let of_the_arn = arn.and_then(region_of);
        is_no_contradiction(global.region.as_deref(), of_the_arn)?;
        if let Some(profile) = &global.profile {
            is_defined(profile).await?;
        }
        let connector = power_tuner_https::https().map_err(|error| {
            Error::Aws(format!(
                "this machine's certificates cannot be read, without which AWS is not known ({error}); \
                 install them (on Debian: `apt-get install ca-certificates`)"
            ))
        })?;
        let http = power_tuner_https::client(connector);
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(LONGEST_ANSWER)
            .operation_timeout(LONGEST_CALL)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http.clone())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
        if let Some(profile) = &global.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = of_the_arn.or(global.region.as_deref()) {
            loader = loader.region(Region::new(region.to_owned()));
        }
        if let Some(url) = &global.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        // The chain of places where credentials may be is a large thing to carry around.
        let mut shared = Box::pin(loader.load()).await;
        let lost_profile = match global.profile {
            Some(_) => None,
            None => lost_profile().await,
        };
        let Some(region) = shared.region().cloned() else {
            return Err(Error::Aws(match lost_profile {
                Some(lost) => no_such_profile(&lost),
                None => {
                    "no region is known; name it with `--region`, in AWS_REGION, or in the profile (`aws configure`)".to_owned()
                }
            }));
        };
        // Where both are there, the SDK takes the environment's.
        if let Some(profile) = &global.profile
            && env::var_os("AWS_ACCESS_KEY_ID").is_some()
        {
            let of_profile = ProfileFileCredentialsProvider::builder()
                .profile_name(profile)
                .configure(
                    &ProviderConfig::without_region()
                        .with_region(Some(region.clone()))
                        .with_http_client(http),
                )
                .build();
            let credentials = SharedCredentialsProvider::new(of_profile);
            shared = shared
                .to_builder()
                .credentials_provider(credentials)
                .build();
        }
        let place = match shared.endpoint_url() {
            Some(url) => format!("at {url}"),
            None => format!("in {region}"),
        };
        Ok(Self {
            client: Client::new(&shared),
            place,
            lost_profile,
            verbose: global.verbose,
        })
    }

    pub fn place(&self) -> &str {
        &self.place
    }

    fn asked<'a>(&'a self, action: &'static str, resource: &'a str) -> Asked<'a> {
        Asked {
            action,
            resource,
            place: &self.place,
            lost_profile: self.lost_profile.as_deref(),
            verbose: self.verbose,
        }
    }

    /// The ARNs of all state machines of the region.
    pub async fn state_machines(&self) -> Result<Vec<String>, Error> {
        let asked = self.asked(LISTING, "*");
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let page = self.client.list_state_machines().set_next_token(token);
            let page = page.send().await.map_err(|error| asked.refused(&error))?;
            found.extend(
                page.state_machines
                    .into_iter()
                    .map(|machine| machine.state_machine_arn),
            );
            token = page.next_token;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    pub async fn has_tag(&self, arn: &str, key: &str, value: &str) -> Result<bool, Error> {
        let asked = self.asked("states:ListTagsForResource", arn);
        let tags = self.client.list_tags_for_resource().resource_arn(arn);
        let tags = tags.send().await.map_err(|error| asked.refused(&error))?;
        let mut tags = tags.tags.unwrap_or_default().into_iter();
        Ok(tags.any(|tag| tag.key.as_deref() == Some(key) && tag.value.as_deref() == Some(value)))
    }

    /// The name makes a request that is sent twice start one execution.
    pub async fn start(&self, machine: &str, name: &str, input: &str) -> Result<String, Error> {
        let asked = self.asked("states:StartExecution", machine);
        let started = self.client.start_execution();
        let started = started.state_machine_arn(machine).name(name).input(input);
        let started = started
            .send()
            .await
            .map_err(|error| asked.refused(&error))?;
        Ok(started.execution_arn)
    }

    pub async fn stop(&self, execution: &str, error: &str, cause: &str) -> Result<(), Error> {
        let asked = self.asked("states:StopExecution", execution);
        let stopped = self.client.stop_execution().execution_arn(execution);
        let stopped = stopped.error(error).cause(cause).send().await;
        stopped.map(drop).map_err(|error| asked.refused(&error))
    }

    pub async fn describe(&self, execution: &str) -> Result<Execution, Error> {
        let asked = self.asked("states:DescribeExecution", execution);
        let described = self.client.describe_execution().execution_arn(execution);
        let described = described
            .send()
            .await
            .map_err(|error| asked.refused(&error))?;
        let started = SystemTime::try_from(described.start_date).ok();
        let time = |time: aws_sdk_sfn::primitives::DateTime| time.fmt(Format::DateTime).ok();
        Ok(Execution {
            status: match described.status {
                ExecutionStatus::Running | ExecutionStatus::PendingRedrive => Status::Running,
                ExecutionStatus::Succeeded => Status::Succeeded,
                ExecutionStatus::Aborted => Status::Ended("ABORTED"),
                ExecutionStatus::TimedOut => Status::Ended("TIMED_OUT"),
                _ => Status::Ended("FAILED"),
            },
            input: described.input,
            output: described.output,
            error: described.error.unwrap_or_default(),
            cause: described.cause.unwrap_or_default(),
            started: time(described.start_date),
            stopped: described.stop_date.and_then(time),
            age: started
                .and_then(|started| started.elapsed().ok())
                .unwrap_or_default(),
        })
    }

    /// What happened since that event, in its order. Asked for from the end, so that what is known already is not read again.
    pub async fn events_after(&self, execution: &str, seen: i64) -> Result<Vec<Event>, Error> {
        /// A page is short: states are large, and there is little new from look to look.
        const PAGE: i32 = 100;
        let asked = self.asked("states:GetExecutionHistory", execution);
        let mut new = Vec::new();
        let mut token = None;
        loop {
            let page = self.client.get_execution_history().execution_arn(execution);
            let page = page
                .reverse_order(true)
                .max_results(PAGE)
                .set_next_token(token);
            let page = page.send().await.map_err(|error| asked.refused(&error))?;
            let all = page.events.len();
            let known = new.len();
            new.extend(
                page.events
                    .into_iter()
                    .filter(|event| event.id > seen)
                    .map(event),
            );
            token = page.next_token;
            if token.is_none() || new.len() - known < all {
                new.reverse();
                return Ok(new);
            }
        }
    }
}

/// A profile that is named and not there would be a region, or credentials, of somewhere else.
async fn is_defined(name: &str) -> Result<(), Error> {
    let defined = profiles().await.map_err(|error| {
        Error::Usage(format!(
            "AWS's configuration files cannot be read for `--profile`: {error}"
        ))
    })?;
    if defined.get_profile(name).is_some() {
        return Ok(());
    }
    let mut others: Vec<String> = defined
        .profiles()
        .map(|other| format!("`{other}`"))
        .collect();
    others.sort_unstable();
    let others = if others.is_empty() {
        "there are none".to_owned()
    } else {
        format!("there are {}", others.join(", "))
    };
    Err(Error::Usage(format!(
        "`--profile`: there is no profile `{name}` in AWS's configuration files; {others}. `aws configure --profile {name}` makes it"
    )))
}

/// Where `AWS_PROFILE` names a profile that is not there, the SDK looks elsewhere, and says nothing of it.
async fn lost_profile() -> Option<String> {
    let named = env::var("AWS_PROFILE").ok();
    let named = named.filter(|name| !name.is_empty())?;
    let defined = profiles().await.ok()?;
    defined.get_profile(&named).is_none().then_some(named)
}

async fn profiles() -> Result<ProfileSet, ProfileFileLoadError> {
    let (fs, env, files) = (Fs::real(), Env::real(), EnvConfigFiles::default());
    profile::load(&fs, &env, &files, None).await
}

fn is_no_contradiction(stated: Option<&str>, of_the_arn: Option<&str>) -> Result<(), Error> {
    match (stated, of_the_arn) {
        (Some(stated), Some(of_the_arn)) if stated != of_the_arn => Err(Error::Usage(format!(
            "`--region` is {stated}, and the ARN is of {of_the_arn}; leave `--region` out, which an ARN does not need"
        ))),
        _ => Ok(()),
    }
}

/// An ARN's region, where it has one.
pub fn region_of(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?
        .split(':')
        .nth(2)
        .filter(|region| !region.is_empty())
}

fn event(event: HistoryEvent) -> Event {
    let entered = event.state_entered_event_details;
    let exited = event.state_exited_event_details;
    let what = match (entered, exited) {
        (Some(entered), _) => What::Entered {
            state: entered.name,
            input: entered.input.unwrap_or_default(),
        },
        (None, Some(exited)) => What::Exited {
            state: exited.name,
            output: exited.output.unwrap_or_default(),
        },
        _ => What::Other,
    };
    Event { id: event.id, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_knows_its_region() {
        let arn = "arn:aws-cn:states:cn-north-1:123456789012:execution:t:e";
        assert_eq!(region_of(arn), Some("cn-north-1"));
        for other in ["my-tuner", "arn:aws:iam::123456789012:role/r", "arn:", ""] {
            assert_eq!(region_of(other), None, "{other}");
        }
    }
}
