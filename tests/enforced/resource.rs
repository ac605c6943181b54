//! What the parameter `LambdaResource` comes to, whichever form it has: roles made from the template alone, by themselves.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};

use crate::functions::{Bench, wait_until};
use crate::roles::{Role, between};

const CLOUDFORMATION: &str = "2010-05-15";
/// They refer to nothing else in the template.
const ROLES: [&str; 4] = [
    "InitializerRole",
    "PublisherRole",
    "ExecutorRole",
    "OptimizerRole",
];

/// Functions in this account and in others, which every form allows or does not.
const ORDERS: &str = "arn:aws:lambda:us-east-1:123456789012:function:orders";
const ORDERS_NEW: &str = "arn:aws:lambda:us-east-1:123456789012:function:orders-new";
const ORDERS_NEW_ELSEWHERE: &str = "arn:aws:lambda:eu-west-1:123456789012:function:orders-new";
const BILLING: &str = "arn:aws:lambda:us-east-1:123456789012:function:billing";
const OF_OTHERS: &str = "arn:aws:lambda:us-east-1:999999999999:function:orders";
const ALL: [&str; 5] = [ORDERS, ORDERS_NEW, ORDERS_NEW_ELSEWHERE, BILLING, OF_OTHERS];

const FORMS: [(&str, &[&str]); 7] = [
    ("", &[ORDERS, ORDERS_NEW, ORDERS_NEW_ELSEWHERE, BILLING]),
    ("*", &[ORDERS, ORDERS_NEW, ORDERS_NEW_ELSEWHERE, BILLING]),
    ("orders-*", &[ORDERS_NEW, ORDERS_NEW_ELSEWHERE]),
    (ORDERS, &[ORDERS]),
    (
        "arn:aws:lambda:us-east-1:123456789012:function:orders:live",
        &[ORDERS],
    ),
    (
        "arn:aws:lambda:us-east-1:*:function:orders*",
        &[ORDERS, ORDERS_NEW, OF_OTHERS],
    ),
    (
        "arn:aws:lambda:*:123456789012:function:orders-*:*",
        &[ORDERS_NEW, ORDERS_NEW_ELSEWHERE],
    ),
];

pub fn every_form_of_lambdaresource_allows_a_function_and_its_versions_and_no_other(
    bench: &Bench,
) -> Result<()> {
    let template = template_of_the_roles(bench)?;
    for (number, (form, allowed)) in FORMS.into_iter().enumerate() {
        let stack = format!("roles-{number}");
        create(bench, &stack, &template, form)?;
        for function in ALL {
            let is_allowed = allowed.contains(&function);
            let version = format!("{function}:3");
            let asks = [
                (
                    "InitializerRole",
                    "lambda:GetFunctionConfiguration",
                    function,
                    true,
                ),
                (
                    "InitializerRole",
                    "lambda:GetFunctionConfiguration",
                    &version,
                    true,
                ),
                ("PublisherRole", "lambda:PublishVersion", function, true),
                ("PublisherRole", "lambda:DeleteAlias", &version, true),
                ("ExecutorRole", "lambda:InvokeFunction", &version, true),
                (
                    "OptimizerRole",
                    "lambda:UpdateFunctionConfiguration",
                    function,
                    true,
                ),
                ("OptimizerRole", "lambda:DeleteFunction", &version, true),
                // Whatever is allowed, no form lets a function be deleted.
                ("OptimizerRole", "lambda:DeleteFunction", function, false),
            ];
            for (role, action, resource, may_be) in asks {
                let may = Role::in_stack(bench.local, &stack, role)?.may(action, resource)?;
                // What is denied to be deleted: all but versions of this account's functions.
                let other = function == OF_OTHERS && action == "lambda:DeleteFunction";
                ensure!(
                    may == (is_allowed && may_be && !other),
                    "`{form}`: {role}: {action} on {resource}: {may}"
                );
            }
        }
    }
    Ok(())
}

/// The deployed template without anything but those roles.
fn template_of_the_roles(bench: &Bench) -> Result<Value> {
    let answer = bench.local.aws().query(
        "cloudformation",
        "GetTemplate",
        CLOUDFORMATION,
        &[("StackName", "power-tuner")],
    )?;
    let text = between(&answer, "TemplateBody")?;
    let escapes = [
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    let text = escapes
        .into_iter()
        .fold(text.to_owned(), |text, (escape, meant)| {
            text.replace(escape, meant)
        });
    let template: Value = serde_json::from_str(&text).context("a template")?;
    let roles: Map<String, Value> = ROLES
        .iter()
        .map(|name| ((*name).to_owned(), template["Resources"][name].clone()))
        .collect();
    Ok(json!({
        "Parameters": template["Parameters"],
        "Conditions": template["Conditions"],
        "Resources": roles,
    }))
}

fn create(bench: &Bench, stack: &str, template: &Value, form: &str) -> Result<()> {
    let template = template.to_string();
    let parameters = [
        ("StackName", stack),
        ("TemplateBody", &template),
        ("Capabilities.member.1", "CAPABILITY_IAM"),
        ("Parameters.member.1.ParameterKey", "LambdaResource"),
        ("Parameters.member.1.ParameterValue", form),
    ];
    let aws = bench.local.aws();
    aws.query("cloudformation", "CreateStack", CLOUDFORMATION, &parameters)?;
    wait_until(|| {
        let described = aws.query(
            "cloudformation",
            "DescribeStacks",
            CLOUDFORMATION,
            &[("StackName", stack)],
        )?;
        let status = between(&described, "StackStatus")?;
        ensure!(
            !status.contains("FAILED") && !status.contains("ROLLBACK"),
            "`{form}`: {described}"
        );
        Ok(status == "CREATE_COMPLETE")
    })
}
