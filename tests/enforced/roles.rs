//! The roles that the stack's functions have: what they are given beside the template, what is taken from them, and calls
//! under them.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;
use xtask::LocalAws;

use crate::functions::HOME;

const IAM: &str = "2010-05-08";
/// The tuner's functions, by their names in the template.
pub const FUNCTIONS: [&str; 6] = [
    "Initializer",
    "Publisher",
    "Executor",
    "Analyzer",
    "Optimizer",
    "Cleaner",
];
const EVERY_FUNCTION: &str = "arn:aws:lambda:*:123456789012:function:*";

/// One of the stack's roles, by its name in the template.
pub struct Role<'a> {
    local: &'a LocalAws,
    name: String,
}

/// What `MiniStack` asks for and AWS does not.
pub fn grant_what_only_local_aws_asks_for(local: &LocalAws) -> Result<()> {
    let grants: [(&str, &[&str]); 4] = [
        (
            "Initializer",
            &["lambda:ListAliases", "lambda:PutFunctionConcurrency"],
        ),
        ("Publisher", &["lambda:ListAliases"]),
        ("Optimizer", &["lambda:ListAliases"]),
        ("Cleaner", &["lambda:ListAliases"]),
    ];
    for (function, actions) in grants {
        let role = Role::of(local, function)?;
        role.put_policy("only-local-aws", "Allow", actions, EVERY_FUNCTION)?;
    }
    Ok(())
}

impl<'a> Role<'a> {
    /// The role of one of the tuner's functions.
    pub fn of(local: &'a LocalAws, function: &str) -> Result<Self> {
        Self::named(local, &format!("{function}Role"))
    }

    /// A role by its name in the template.
    pub fn named(local: &'a LocalAws, logical_name: &str) -> Result<Self> {
        let parameters = [
            ("StackName", "power-tuner"),
            ("LogicalResourceId", logical_name),
        ];
        let described = local.aws().query(
            "cloudformation",
            "DescribeStackResource",
            "2010-05-15",
            &parameters,
        )?;
        let name = between(&described, "PhysicalResourceId")?.to_owned();
        Ok(Self { local, name })
    }

    fn arn(&self) -> String {
        format!("arn:aws:iam::123456789012:role/{}", self.name)
    }

    /// Adds a policy with one statement.
    pub fn put_policy(
        &self,
        policy: &str,
        effect: &str,
        actions: &[&str],
        resource: &str,
    ) -> Result<()> {
        let document = json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": effect, "Action": actions, "Resource": resource}],
        });
        let document = document.to_string();
        let parameters = [
            ("RoleName", self.name.as_str()),
            ("PolicyName", policy),
            ("PolicyDocument", document.as_str()),
        ];
        let aws = self.local.aws();
        aws.query("iam", "PutRolePolicy", IAM, &parameters)
            .map(drop)
    }

    pub fn delete_policy(&self, policy: &str) -> Result<()> {
        let parameters = [("RoleName", self.name.as_str()), ("PolicyName", policy)];
        let aws = self.local.aws();
        aws.query("iam", "DeleteRolePolicy", IAM, &parameters)
            .map(drop)
    }

    /// What the policy simulator says of a call under this role.
    pub fn may(&self, action: &str, resource: &str) -> Result<bool> {
        let arn = self.arn();
        let parameters = [
            ("PolicySourceArn", arn.as_str()),
            ("ActionNames.member.1", action),
            ("ResourceArns.member.1", resource),
        ];
        let aws = self.local.aws();
        let answer = aws.query("iam", "SimulatePrincipalPolicy", IAM, &parameters)?;
        Ok(between(&answer, "EvalDecision")? == "allowed")
    }

    /// Credentials of this role.
    pub fn assume(&self) -> Result<Session> {
        let arn = self.arn();
        let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", "test")];
        let aws = self.local.aws();
        let answer = aws.query("sts", "AssumeRole", "2011-06-15", &parameters)?;
        let credentials = Credentials::new(
            between(&answer, "AccessKeyId")?,
            between(&answer, "SecretAccessKey")?,
            Some(between(&answer, "SessionToken")?.to_owned()),
            None,
            "test",
        );
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(1)))
            .proxy(None)
            .build();
        Ok(Session {
            credentials,
            agent: agent.into(),
            endpoint: self.local.endpoint().to_owned(),
        })
    }
}

/// Signs calls with the credentials of a role.
pub struct Session {
    credentials: Credentials,
    agent: Agent,
    endpoint: String,
}

/// What is asked of a service.
#[derive(Clone, Debug)]
pub struct Ask {
    pub service: &'static str,
    pub method: &'static str,
    pub path: String,
    /// The action, in the protocols that do not name it in the path.
    pub target: Option<&'static str>,
    pub body: Value,
}

impl Session {
    /// Whether the role may do this: a no is the answer's name, and its message names the action.
    pub fn may(&self, ask: &Ask) -> Result<bool> {
        let (status, text) = self.send(ask)?;
        let denied = text.contains("AccessDenied") && text.contains("is not authorized to perform");
        if !denied && matches!(status, 401 | 403) {
            bail!("{ask:?}: neither allowed nor denied: {status} {text}");
        }
        Ok(!denied)
    }

    /// Status and body of the answer.
    fn send(&self, ask: &Ask) -> Result<(u16, String)> {
        let url = format!("{}{}", self.endpoint, ask.path);
        let body = match &ask.body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        let mut headers = vec![("content-type", "application/x-amz-json-1.0")];
        headers.extend(ask.target.map(|target| ("x-amz-target", target)));
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(HOME)
            .name(ask.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let signable = SignableRequest::new(
            ask.method,
            &url,
            headers.iter().copied(),
            SignableBody::Bytes(&body),
        )?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        let mut request = Request::builder().method(ask.method).uri(&url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(())?;
        instructions.apply_to_request_http1x(&mut request);
        let mut response = if body.is_empty() {
            self.agent.run(request)?
        } else {
            self.agent.run(request.map(|()| body))?
        };
        let status = response.status().as_u16();
        Ok((status, response.body_mut().read_to_string()?))
    }
}

/// The text of the first element of that name.
fn between<'x>(xml: &'x str, element: &str) -> Result<&'x str> {
    let (_, rest) = xml
        .split_once(&format!("<{element}>"))
        .with_context(|| format!("no `{element}` in {xml}"))?;
    rest.split('<').next().context("the end of an element")
}
