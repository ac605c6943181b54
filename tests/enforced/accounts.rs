//! A function of another account, under the role that `examples/target-role.yaml` makes there.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use xtask::{Aws, LocalAws};

use crate::functions::{self, Bench, Target, wait_until};
use crate::roles::FUNCTIONS;

const HOME: &str = "123456789012";
const AWAY: &str = "210987654321";
const STACK: &str = "power-tuner-target";
/// The role of the example.
const ROLE: &str = "arn:aws:iam::210987654321:role/power-tuner-target";
/// Trusts the tuner as the other one does, and is not in the parameter.
const UNLISTED: &str = "unlisted";
const EXAMPLE: &str = include_str!("../../examples/target-role.yaml");
/// The example of an input, which names that role.
const INPUT: &str = include_str!("../../statemachine/examples/another-account.json");
const IAM: &str = "2010-05-08";

/// What the stack's parameter names: the role of the example, and one for each role of ours that goes without it.
pub fn roles() -> String {
    let of_each = FUNCTIONS.map(role_for);
    format!("{ROLE},{}", of_each.join(","))
}

/// The role that one of the tuner's functions is kept from.
pub fn role_for(function: &str) -> String {
    format!("arn:aws:iam::{AWAY}:role/for-{function}")
}

/// Makes the other account's roles.
pub fn prepare(local: &LocalAws) -> Result<()> {
    let away = local.aws().of_account(AWAY);
    functions::make_role(&away)?;
    make_roles(&away)
}

/// A function of the other account.
pub fn function_away(bench: &Bench) -> Result<Target> {
    bench.function_of(bench.local.aws().of_account(AWAY), AWAY, "")
}

pub fn a_function_of_another_account_is_tuned_under_its_role(bench: &Bench) -> Result<()> {
    let target = function_away(bench)?;
    // One of the same name in the tuner's account has nothing to do with it.
    let near = bench.function()?;
    let under = |role: &str, more: Value| -> Result<Value> {
        let mut input = target.input(more)?;
        input["roleARN"] = json!(role);
        Ok(input)
    };

    let processor = bench.another_function("-post")?;
    let outcome = bench.tune(&under(ROLE, json!({"postProcessorARN": processor.name()}))?)?;
    let mut pasted: Value = serde_json::from_str(INPUT)?;
    pasted["lambdaARN"] = json!(target.arn);
    pasted["powerValues"] = json!([512, 1024]);
    bench.tune(&pasted)?;
    ensure!(outcome["function"] == json!(target.arn), "{outcome:#}");
    ensure!(outcome["power"] == 512, "{outcome:#}");
    target.is_as_before()?;

    is_stopped_and_cleaned_up(
        bench,
        &target,
        &under(ROLE, json!({"num": 100, "payload": {"sleepS": 1}}))?,
    )?;

    let unlisted = format!("arn:aws:iam::{AWAY}:role/{UNLISTED}");
    let denied = [
        (
            target.input(json!({}))?,
            "the tuner may not call `lambda:GetFunctionConfiguration` on".to_owned(),
        ),
        (
            under(&unlisted, json!({}))?,
            format!(
                "the tuner may not call `sts:AssumeRole` on `{unlisted}`; deploy the stack with a parameter TargetRoles"
            ),
        ),
    ];
    for (input, part) in denied {
        fails(bench, &input, &part)?;
    }
    put_policy(
        &bench.local.aws().of_account(AWAY),
        "power-tuner-target",
        "no-versions",
        "Deny",
        &["lambda:PublishVersion"],
    )?;
    let part = format!(
        "the role `{ROLE}` may not call `lambda:PublishVersion` on `{}`",
        target.arn
    );
    fails(bench, &under(ROLE, json!({}))?, &part)?;
    target.is_as_before()?;
    near.is_as_before()
}

fn fails(bench: &Bench, input: &Value, part: &str) -> Result<()> {
    let execution = bench.local.start_execution(input)?;
    let (error, cause) = bench.failure_of(&execution)?;
    ensure!(error == "AccessDenied", "{error}: {cause}");
    ensure!(cause.contains(part), "`{part}` is not in `{cause}`");
    Ok(())
}

fn is_stopped_and_cleaned_up(bench: &Bench, target: &Target, input: &Value) -> Result<()> {
    let execution = bench.local.start_execution(input)?;
    wait_until(|| Ok(target.versions()?.len() == 2 && target.aliases()?.is_empty()))?;
    bench.local.aws().stop_execution(&execution)?;
    target.becomes_as_before()?;
    // It was the event about its end that started the cleaner, and not the sweep of another case.
    wait_until(|| Ok(bench.deletions(&execution, "Ok(Deleted)")? == 2))
}

/// The role of the example, as its stack makes it, but for what local AWS asks for and AWS does not; and one like it that the
/// tuner's stack does not know.
fn make_roles(away: &Aws) -> Result<()> {
    let parameters = [
        ("StackName", STACK),
        ("TemplateBody", EXAMPLE),
        ("Capabilities.member.1", "CAPABILITY_NAMED_IAM"),
        ("Parameters.member.1.ParameterKey", "TunerAccount"),
        ("Parameters.member.1.ParameterValue", HOME),
    ];
    let formation = |action: &str, parameters: &[(&str, &str)]| {
        away.query("cloudformation", action, "2010-05-15", parameters)
    };
    formation("CreateStack", &parameters)?;
    wait_until(|| {
        let described = formation("DescribeStacks", &[("StackName", STACK)])?;
        Ok(described.contains("CREATE_COMPLETE"))
    })?;
    // Where AWS compares the ARN of the stack's role, local AWS compares its session's.
    let session = format!("arn:aws:sts::{HOME}:assumed-role/power-tuner-*");
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{HOME}:root")},
            "Action": "sts:AssumeRole",
            "Condition": {"ArnLike": {"aws:PrincipalArn": session}},
        }],
    });
    let trust = trust.to_string();
    let iam = |action: &str, parameters: &[(&str, &str)]| {
        away.query("iam", action, IAM, parameters).map(drop)
    };
    let role = [
        ("RoleName", "power-tuner-target"),
        ("PolicyDocument", &trust),
    ];
    iam("UpdateAssumeRolePolicy", &role)?;
    let unlisted = [("RoleName", UNLISTED), ("AssumeRolePolicyDocument", &trust)];
    iam("CreateRole", &unlisted)?;
    for function in FUNCTIONS {
        let name = format!("for-{function}");
        let role = [
            ("RoleName", name.as_str()),
            ("AssumeRolePolicyDocument", &trust),
        ];
        iam("CreateRole", &role)?;
        put_policy(away, &name, "all", "Allow", &["lambda:*"])?;
    }
    let only_local = ["lambda:ListAliases", "lambda:PutFunctionConcurrency"];
    put_policy(
        away,
        "power-tuner-target",
        "only-local-aws",
        "Allow",
        &only_local,
    )
}

fn put_policy(away: &Aws, role: &str, policy: &str, effect: &str, actions: &[&str]) -> Result<()> {
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": effect,
            "Action": actions,
            "Resource": format!("arn:aws:lambda:*:{AWAY}:function:*"),
        }],
    });
    let document = document.to_string();
    let parameters = [
        ("RoleName", role),
        ("PolicyName", policy),
        ("PolicyDocument", document.as_str()),
    ];
    away.query("iam", "PutRolePolicy", IAM, &parameters)
        .map(drop)
}
