//! The cases. Each says in its name what is guaranteed.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::functions::{Bench, HOME, Target, wait_until};
use crate::roles::{Ask, FUNCTIONS, Role};

pub type Case = fn(&Bench) -> Result<()>;

macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        pub const ALL: &[(&str, Case)] = &[$((stringify!($name), $name)),+];
    };
}

// Those that wait for long come first: the others run meanwhile.
cases![
    the_cleaner_by_hand_and_the_sweep_have_their_permissions,
    a_missing_permission_is_named_and_leaves_no_trace,
    a_stopped_tuning_is_cleaned_up_after_under_the_cleaners_role,
    an_alias_is_made_and_moved_with_the_templates_permissions,
    a_function_of_another_region_is_tuned_there_at_its_price,
    a_tuning_succeeds_with_the_templates_permissions,
    payloads_are_read_where_the_parameters_say_and_nowhere_else,
    no_role_may_do_more_than_its_function_does,
    roles_that_local_aws_does_not_ask_allow_what_is_needed_and_no_more,
];

/// What the stack's parameter names.
pub const BUCKET: &str = "payloads";

/// `x86_64`, from the price table's source.
const PER_GB_SECOND: f64 = 1.66667e-5;
const PER_GB_SECOND_IN_MILAN: f64 = 1.95172e-5;
const MILAN: &str = "eu-south-1";

/// What the functions to tune take, as `target.py` has it.
const MS_AT_512_MB: f64 = 400.0;

fn close(value: &Value, wanted: f64) -> Result<()> {
    let value = value.as_f64().context("a number")?;
    ensure!(
        (value - wanted).abs() <= wanted.abs() * 1e-9,
        "{value} is not {wanted}"
    );
    Ok(())
}

fn cost_at_512_mb(per_gb_second: f64) -> f64 {
    MS_AT_512_MB / 1000.0 * 0.5 * per_gb_second
}

fn a_tuning_succeeds_with_the_templates_permissions(bench: &Bench) -> Result<()> {
    let target = bench.function()?;
    let outcome = bench.tune(&target.input(json!({"powerValues": [128, 256, 512, 1024]}))?)?;
    ensure!(outcome["power"] == 512, "{outcome:#}");
    close(&outcome["duration"], MS_AT_512_MB)?;
    close(&outcome["cost"], cost_at_512_mb(PER_GB_SECOND))?;
    let sizes = outcome["sizes"].as_array().context("`sizes`")?;
    ensure!(
        sizes.len() == 4 && sizes.iter().all(|size| size["status"] == "measured"),
        "{outcome:#}"
    );
    target.is_as_before()
}

fn payloads_are_read_where_the_parameters_say_and_nowhere_else(bench: &Bench) -> Result<()> {
    let target = bench.function()?;
    let aws = bench.local.aws();
    aws.create_bucket(BUCKET)?;
    for key in ["tunings/p.json", "private/p.json"] {
        aws.put_object(BUCKET, key, "{}".to_owned())?;
    }
    let from = |key: &str| target.input(json!({"payloadS3": format!("s3://{BUCKET}/{key}")}));
    bench.tune(&from("tunings/p.json")?)?;
    let execution = bench.local.start_execution(&from("private/p.json")?)?;
    let (error, cause) = bench.failure_of(&execution)?;
    ensure!(error == "PayloadUnavailable", "{error}: {cause}");
    let remedy = "deploy the stack with the parameters PayloadS3Bucket and PayloadS3Key";
    ensure!(cause.contains(remedy), "{cause}");
    target.is_as_before()
}

fn an_alias_is_made_and_moved_with_the_templates_permissions(bench: &Bench) -> Result<()> {
    let target = bench.function()?;
    for (strategy, best) in [("speed", 1024), ("cost", 512)] {
        let outcome = bench.tune(&target.input(json!({
            "strategy": strategy, "autoOptimize": true, "autoOptimizeAlias": "live",
        }))?)?;
        ensure!(outcome["optimization"]["to"] == best, "{outcome:#}");
        ensure!(target.configuration()?["MemorySize"] == best, "{outcome:#}");
        let aliases = target.aliases()?;
        ensure!(
            aliases.len() == 1 && aliases[0]["Name"] == "live",
            "{aliases:?}"
        );
        let number = aliases[0]["FunctionVersion"].as_str().context("a number")?;
        ensure!(target.version(number)?["MemorySize"] == best, "{aliases:?}");
    }
    Ok(())
}

fn a_stopped_tuning_is_cleaned_up_after_under_the_cleaners_role(bench: &Bench) -> Result<()> {
    let target = bench.function()?;
    let input = target.input(json!({"num": 100, "payload": {"sleepS": 1}}))?;
    let execution = bench.local.start_execution(&input)?;
    // All versions are there, and `$LATEST` is back.
    wait_until(|| Ok(target.versions()?.len() == 2 && target.aliases()?.is_empty()))?;
    bench.local.aws().stop_execution(&execution)?;
    ensure!(bench.end_of(&execution)?.status == "ABORTED");
    target.becomes_as_before()?;
    // It was the event about its end that started the cleaner, and not the sweep of another case.
    wait_until(|| Ok(bench.deletions(&execution, "Ok(Deleted)")? == 2))
}

fn the_cleaner_by_hand_and_the_sweep_have_their_permissions(bench: &Bench) -> Result<()> {
    let targets = [bench.function()?, bench.another_function("2")?];
    let cleaner = Role::of(bench.local, "Cleaner")?;
    let actions = ["lambda:DeleteFunction"];
    let mut executions = Vec::new();
    for target in &targets {
        let (policy, versions) = (policy_about(target), format!("{}:*", target.arn));
        cleaner.put_policy(&policy, "Deny", &actions, &versions)?;
        executions.push(bench.local.start_execution(&target.input(json!({}))?)?);
    }
    for (target, execution) in targets.iter().zip(&executions) {
        let (error, cause) = bench.failure_of(execution)?;
        ensure!(error == "AccessDenied", "{error}: {cause}");
        names(&cause, actions[0], &format!("{}:", target.arn))?;
        // Two states tried, and the event about the end; local AWS does not repeat that.
        wait_until(|| Ok(bench.deletions(execution, "Err(AccessDenied")? == 3 * 2))?;
        ensure!(target.versions()?.len() == 2, "{:?}", target.versions());
        cleaner.delete_policy(&policy_about(target))?;
    }
    let answer = bench.clean(&json!({"function": targets[0].arn}))?;
    let deleted = answer["deleted"].as_array().context("`deleted`")?;
    ensure!(deleted.len() == 2, "{answer:#}");
    targets[0].is_as_before()?;
    bench.clean(&json!({"sweep": bench.local.state_machine_arn()}))?;
    targets[1].is_as_before()
}

fn a_missing_permission_is_named_and_leaves_no_trace(bench: &Bench) -> Result<()> {
    let denials = [
        ("Initializer", "lambda:GetFunctionConfiguration", json!({})),
        ("Publisher", "lambda:CreateAlias", json!({})),
        ("Publisher", "lambda:ListVersionsByFunction", json!({})),
        ("Publisher", "lambda:PublishVersion", json!({})),
        ("Publisher", "lambda:UpdateFunctionConfiguration", json!({})),
        ("Executor", "lambda:InvokeFunction", json!({})),
        (
            "Optimizer",
            "lambda:UpdateFunctionConfiguration",
            json!({"strategy": "speed", "autoOptimize": true}),
        ),
    ];
    let mut started = Vec::new();
    for (number, (function, action, input)) in denials.into_iter().enumerate() {
        let target = bench.another_function(&number.to_string())?;
        let role = Role::of(bench.local, function)?;
        let resource = format!("{}*", target.arn);
        role.put_policy(&policy_about(&target), "Deny", &[action], &resource)?;
        let execution = bench.local.start_execution(&target.input(input)?)?;
        started.push((function, action, target, execution));
    }
    for (function, action, target, execution) in started {
        let (error, cause) = bench.failure_of(&execution)?;
        // What keeps one size from being measured is data; here it kept all of them.
        let wanted = if function == "Executor" {
            "NoMeasurements"
        } else {
            "AccessDenied"
        };
        ensure!(error == wanted, "{function}, {action}: {error}: {cause}");
        names(&cause, action, &target.arn).with_context(|| format!("{function}, {action}"))?;
        target
            .is_as_before()
            .with_context(|| format!("{function}, {action}"))?;
    }
    Ok(())
}

/// A policy's name for a case that denies something about one function.
fn policy_about(target: &Target) -> String {
    format!("about-{}", target.name())
}

/// What was denied, and on what, in the words of an error's cause.
fn names(cause: &str, action: &str, resource: &str) -> Result<()> {
    let part = format!("the tuner may not call `{action}` on `{resource}");
    ensure!(cause.contains(&part), "`{part}` is not in `{cause}`");
    Ok(())
}

fn a_function_of_another_region_is_tuned_there_at_its_price(bench: &Bench) -> Result<()> {
    let target = bench.function_in(MILAN, "")?;
    let near = bench.function()?;
    // A name alone means one of the stack's own region, where this one is.
    let processor = bench.another_function("-post")?;
    let outcome = bench.tune(&target.input(json!({
        "autoOptimize": true, "strategy": "speed", "postProcessorARN": processor.name()
    }))?)?;
    ensure!(outcome["region"] == MILAN, "{outcome:#}");
    ensure!(outcome["power"] == 1024, "{outcome:#}");
    close(&outcome["cost"], 230.0 / 1000.0 * PER_GB_SECOND_IN_MILAN)?;
    ensure!(target.configuration()?["MemorySize"] == 1024, "{outcome:#}");
    ensure!(target.versions()?.is_empty() && target.aliases()?.is_empty());

    let cleaned = bench.clean(&json!({"function": target.arn}))?;
    ensure!(cleaned["deleted"] == json!([]), "{cleaned:#}");
    // One of the same name in the stack's own region has nothing to do with it.
    near.is_as_before()
}

/// What every call here is about: a function that is not there, so that what is allowed does nothing.
const NOBODY: &str = "nobody";

/// Each kind of call that local AWS knows by its right name, with what it is called here.
fn asks(state_machine: &str) -> Vec<(&'static str, Ask)> {
    let own = state_machine.replace(":stateMachine:", ":execution:");
    let others = own.replace("power-tuner-tuner", "somebody-elses");
    let lambda = |name, method, path: &str| {
        let body = match method {
            "GET" | "DELETE" => Value::Null,
            _ => json!({}),
        };
        let path = format!("/2015-03-31/functions{}", path.replace("NAME", NOBODY));
        let ask = Ask {
            service: "lambda",
            method,
            path,
            target: None,
            body,
        };
        (name, ask)
    };
    let json_call = |name, service, target, body| {
        let ask = Ask {
            service,
            method: "POST",
            path: "/".to_owned(),
            target: Some(target),
            body,
        };
        (name, ask)
    };
    let states = |name, target, body| json_call(name, "states", target, body);
    vec![
        lambda("GetFunctionConfiguration", "GET", "/NAME/configuration"),
        lambda("UpdateFunctionConfiguration", "PUT", "/NAME/configuration"),
        lambda("UpdateFunctionCode", "PUT", "/NAME/code"),
        lambda("GetFunction", "GET", "/NAME"),
        lambda("PublishVersion", "POST", "/NAME/versions"),
        lambda("ListVersionsByFunction", "GET", "/NAME/versions"),
        lambda("CreateAlias", "POST", "/NAME/aliases"),
        lambda("InvokeFunction", "POST", "/NAME/invocations"),
        lambda(
            "InvokeFunction of a version",
            "POST",
            "/NAME%3A1/invocations",
        ),
        lambda("DeleteFunction", "DELETE", "/NAME"),
        lambda("DeleteFunction of a version", "DELETE", "/NAME%3A1"),
        lambda("AddPermission", "POST", "/NAME/policy"),
        lambda("ListFunctions", "GET", "/"),
        lambda("CreateFunction", "POST", "/"),
        states(
            "DescribeExecution",
            "AWSStepFunctions.DescribeExecution",
            json!({"executionArn": format!("{own}:{NOBODY}")}),
        ),
        states(
            "GetExecutionHistory",
            "AWSStepFunctions.GetExecutionHistory",
            json!({"executionArn": format!("{own}:{NOBODY}")}),
        ),
        states(
            "DescribeExecution of another state machine",
            "AWSStepFunctions.DescribeExecution",
            json!({"executionArn": format!("{others}:{NOBODY}")}),
        ),
        states(
            "ListExecutions",
            "AWSStepFunctions.ListExecutions",
            json!({"stateMachineArn": state_machine}),
        ),
        states(
            "StartExecution",
            "AWSStepFunctions.StartExecution",
            json!({"stateMachineArn": state_machine, "name": "nobody may start it"}),
        ),
        states(
            "StopExecution",
            "AWSStepFunctions.StopExecution",
            json!({"executionArn": format!("{own}:{NOBODY}")}),
        ),
        json_call(
            "ListSecrets",
            "secretsmanager",
            "secretsmanager.ListSecrets",
            json!({}),
        ),
    ]
}

fn no_role_may_do_more_than_its_function_does(bench: &Bench) -> Result<()> {
    let asks = asks(bench.local.state_machine_arn());
    let mut faults = Vec::new();
    for function in FUNCTIONS {
        let wanted: &[&str] = match function {
            "Initializer" => &["GetFunctionConfiguration"],
            "Publisher" => &[
                "GetFunctionConfiguration",
                "UpdateFunctionConfiguration",
                "PublishVersion",
                "ListVersionsByFunction",
                "CreateAlias",
                "DescribeExecution",
                "GetExecutionHistory",
            ],
            "Executor" => &["InvokeFunction", "InvokeFunction of a version"],
            "Optimizer" => &[
                "GetFunctionConfiguration",
                "UpdateFunctionConfiguration",
                "PublishVersion",
                "ListVersionsByFunction",
                "CreateAlias",
                "DeleteFunction of a version",
                "DescribeExecution",
                "GetExecutionHistory",
            ],
            "Cleaner" => &[
                "GetFunctionConfiguration",
                "UpdateFunctionConfiguration",
                "ListVersionsByFunction",
                "DeleteFunction of a version",
                "DescribeExecution",
                "GetExecutionHistory",
                "ListExecutions",
            ],
            // The analyzer calls nobody.
            _ => &[],
        };
        let session = Role::of(bench.local, function)?.assume()?;
        let mut allowed = BTreeSet::new();
        for (name, ask) in &asks {
            if session.may(ask)? {
                allowed.insert(*name);
            }
        }
        let wanted = wanted.iter().copied().collect::<BTreeSet<_>>();
        if allowed != wanted {
            faults.push(format!(
                "{function} may do {allowed:?} and needs {wanted:?}"
            ));
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

fn roles_that_local_aws_does_not_ask_allow_what_is_needed_and_no_more(bench: &Bench) -> Result<()> {
    let function = format!("arn:aws:lambda:{HOME}:123456789012:function:{NOBODY}");
    let aliases = [
        "lambda:GetAlias",
        "lambda:CreateAlias",
        "lambda:UpdateAlias",
        "lambda:DeleteAlias",
    ];
    let allowed: [(&str, &[&str]); 6] = [
        ("Initializer", &["lambda:GetAlias"]),
        ("Publisher", &aliases),
        ("Executor", &[]),
        ("Analyzer", &[]),
        ("Optimizer", &aliases),
        (
            "Cleaner",
            &[
                "lambda:GetAlias",
                "lambda:UpdateAlias",
                "lambda:DeleteAlias",
            ],
        ),
    ];
    for (name, allowed) in allowed {
        let role = Role::of(bench.local, name)?;
        for action in aliases {
            // AWS asks on the alias's ARN where it is named, and on the function's for the rest.
            for resource in [&function, &format!("{function}:live")] {
                ensure!(
                    role.may(action, resource)? == allowed.contains(&action),
                    "{name}: {action} on {resource}"
                );
            }
        }
        ensure!(
            role.may("lambda:GetFunctionConcurrency", &function)? == (name == "Initializer"),
            "{name}"
        );
    }
    // A target, by the names of the functions in the template.
    let callers = [
        ("StateMachineRole", &FUNCTIONS[..]),
        ("SweepRole", &["Cleaner"]),
    ];
    for (role, called) in callers {
        let role = Role::named(bench.local, role)?;
        for name in FUNCTIONS {
            let arn = bench.own_function(name)?;
            ensure!(
                role.may("lambda:InvokeFunction", &arn)? == called.contains(&name),
                "{name}"
            );
        }
        ensure!(!role.may("lambda:InvokeFunction", &function)?);
        ensure!(!role.may("lambda:UpdateFunctionConfiguration", &function)?);
    }
    Ok(())
}
