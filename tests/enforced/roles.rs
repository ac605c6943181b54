//! The roles that the stack's functions have: what they are given beside the template, what is taken from them, and calls
//! under them.

use std::collections::BTreeSet;
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
pub const FUNCTIONS: [&str; 7] = [
    "Initializer",
    "Publisher",
    "Executor",
    "Analyzer",
    "Optimizer",
    "Cleaner",
    "Reporter",
];
const EVERY_FUNCTION: &str = "arn:aws:lambda:*:123456789012:function:*";

/// One of the stack's roles, by its name in the template.
#[derive(Clone)]
pub struct Role<'a> {
    local: &'a LocalAws,
    name: String,
}

/// Beside the template's policy of a role.
const ONLY_LOCAL_AWS: &str = "only-local-aws";
const DENIED: &str = "denied-";

/// The name by which `MiniStack` asks for an action of Lambda.
pub fn asked_as(action: &str) -> &str {
    match action {
        "lambda:GetAlias" | "lambda:UpdateAlias" | "lambda:DeleteAlias" => "lambda:ListAliases",
        "lambda:GetFunctionConcurrency" => "lambda:PutFunctionConcurrency",
        own => own,
    }
}

/// Gives the roles what `MiniStack` asks for in place of what the template allows.
pub fn grant_what_only_local_aws_asks_for(local: &LocalAws) -> Result<()> {
    for function in FUNCTIONS {
        let role = Role::of(local, function)?;
        let allowed = role.allowed()?;
        let other: BTreeSet<&str> = allowed
            .iter()
            .map(|action| asked_as(action))
            .filter(|asked| !allowed.contains(*asked))
            .collect();
        let other: Vec<&str> = other.into_iter().collect();
        if !other.is_empty() {
            role.put_policy(ONLY_LOCAL_AWS, "Allow", &other, EVERY_FUNCTION)?;
        }
    }
    Ok(())
}

/// Something that a role is denied, as long as this lives.
pub struct Denial<'a> {
    role: Role<'a>,
    policy: String,
}

impl Drop for Denial<'_> {
    fn drop(&mut self) {
        // A case that has failed says why itself.
        let _ = self.role.delete_policy(&self.policy);
    }
}

/// The name that was made up for a resource of a stack's template.
pub fn physical_name(local: &LocalAws, stack: &str, logical_name: &str) -> Result<String> {
    let parameters = [("StackName", stack), ("LogicalResourceId", logical_name)];
    let described = local.aws().query(
        "cloudformation",
        "DescribeStackResource",
        "2010-05-15",
        &parameters,
    )?;
    Ok(between(&described, "PhysicalResourceId")?.to_owned())
}

impl<'a> Role<'a> {
    /// The role of one of the tuner's functions.
    pub fn of(local: &'a LocalAws, function: &str) -> Result<Self> {
        Self::named(local, &format!("{function}Role"))
    }

    /// A role by its name in the template.
    pub fn named(local: &'a LocalAws, logical_name: &str) -> Result<Self> {
        Self::in_stack(local, "power-tuner", logical_name)
    }

    pub fn in_stack(local: &'a LocalAws, stack: &str, logical_name: &str) -> Result<Self> {
        let name = physical_name(local, stack, logical_name)?;
        Ok(Self { local, name })
    }

    /// The names in the template of all of the stack's roles.
    pub fn names(local: &LocalAws) -> Result<Vec<String>> {
        let described = local.aws().query(
            "cloudformation",
            "DescribeStackResources",
            "2010-05-15",
            &[("StackName", "power-tuner")],
        )?;
        described
            .split("<member>")
            .filter(|resource| resource.contains("<ResourceType>AWS::IAM::Role<"))
            .map(|role| between(role, "LogicalResourceId").map(str::to_owned))
            .collect()
    }

    fn arn(&self) -> String {
        format!("arn:aws:iam::123456789012:role/{}", self.name)
    }

    /// Denies it some actions on a resource; `case` is nobody else's.
    pub fn deny(&self, case: &str, actions: &[&str], resource: &str) -> Result<Denial<'a>> {
        let policy = format!("{DENIED}{case}");
        self.put_policy(&policy, "Deny", actions, resource)?;
        Ok(Denial {
            role: self.clone(),
            policy,
        })
    }

    /// Adds a policy with one statement.
    fn put_policy(
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
        let parameters = [("PolicyName", policy), ("PolicyDocument", &document)];
        self.ask("PutRolePolicy", &parameters).map(drop)
    }

    fn delete_policy(&self, policy: &str) -> Result<()> {
        let parameters = [("PolicyName", policy)];
        self.ask("DeleteRolePolicy", &parameters).map(drop)
    }

    fn ask(&self, action: &str, more: &[(&str, &str)]) -> Result<String> {
        let mut parameters = vec![("RoleName", self.name.as_str())];
        parameters.extend(more);
        self.local.aws().query("iam", action, IAM, &parameters)
    }

    /// The statements that the template gives it.
    pub fn statements(&self) -> Result<Vec<Value>> {
        let listed = self.ask("ListRolePolicies", &[])?;
        let of_the_template = all_between(&listed, "member")
            .filter(|name| *name != ONLY_LOCAL_AWS && !name.starts_with(DENIED));
        let mut statements = Vec::new();
        for name in of_the_template {
            let answer = self.ask("GetRolePolicy", &[("PolicyName", name)])?;
            let mut document = document(between(&answer, "PolicyDocument")?)?;
            match document["Statement"].take() {
                Value::Array(some) => statements.extend(some),
                one => statements.push(one),
            }
        }
        Ok(statements)
    }

    /// The actions that the template allows it.
    pub fn allowed(&self) -> Result<BTreeSet<String>> {
        let mut allowed = BTreeSet::new();
        for statement in self.statements()? {
            match &statement["Action"] {
                _ if statement["Effect"] != "Allow" => {}
                Value::String(action) => {
                    allowed.insert(action.clone());
                }
                Value::Array(actions) => {
                    let names = actions.iter().filter_map(Value::as_str);
                    allowed.extend(names.map(str::to_owned));
                }
                other => bail!("not actions: {other}"),
            }
        }
        Ok(allowed)
    }

    /// The policies of AWS that it has.
    pub fn attached(&self) -> Result<Vec<String>> {
        let listed = self.ask("ListAttachedRolePolicies", &[])?;
        Ok(all_between(&listed, "PolicyArn")
            .map(str::to_owned)
            .collect())
    }

    /// Who may take it on.
    pub fn trusts(&self) -> Result<Value> {
        let answer = self.ask("GetRole", &[])?;
        let mut document = document(between(&answer, "AssumeRolePolicyDocument")?)?;
        Ok(document["Statement"].take())
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

/// A policy as IAM gives it out: in the form of an address's parts.
fn document(encoded: &str) -> Result<Value> {
    let mut parts = encoded.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).context("two digits")?;
        bytes.push(u8::from_str_radix(code, 16)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Ok(serde_json::from_slice(&bytes)?)
}

/// The texts of all elements of that name.
fn all_between<'x>(xml: &'x str, element: &str) -> impl Iterator<Item = &'x str> {
    xml.split(format!("<{element}>").as_str())
        .skip(1)
        .filter_map(|rest| rest.split('<').next())
        .collect::<Vec<_>>()
        .into_iter()
}

/// The text of the first element of that name.
pub fn between<'x>(xml: &'x str, element: &str) -> Result<&'x str> {
    let (_, rest) = xml
        .split_once(&format!("<{element}>"))
        .with_context(|| format!("no `{element}` in {xml}"))?;
    rest.split('<').next().context("the end of an element")
}
