//! The cases. Each says in its name what is guaranteed.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::accounts::a_function_of_another_account_is_tuned_under_its_role;
use crate::denials::{each_action_of_the_template_is_taken_away_once, names};
use crate::functions::{Bench, HOME, Target, wait_until};
use crate::resource::every_form_of_lambdaresource_allows_a_function_and_its_versions_and_no_other;
use crate::roles::{Ask, FUNCTIONS, Role};

pub type Case = fn(&Bench) -> Result<()>;

macro_rules! cases {
    ($list:ident: $($name:ident),+ $(,)?) => {
        pub const $list: &[(&str, Case)] = &[$((stringify!($name), $name)),+];
    };
}

// A sweep looks at all executions that ended badly, those of other cases too.
cases![ALONE: the_cleaner_by_hand_and_the_sweep_have_their_permissions];

// Those that wait for long come first: the others run meanwhile.
cases![
    ALL:
    a_stopped_tuning_is_cleaned_up_after_under_the_cleaners_role,
    an_alias_is_made_and_moved_with_the_templates_permissions,
    a_function_of_another_account_is_tuned_under_its_role,
    a_function_of_another_region_is_tuned_there_at_its_price,
    a_tuning_succeeds_with_the_templates_permissions,
    the_doctor_finds_what_a_role_lacks_and_changes_nothing,
    payloads_are_read_where_the_parameters_say_and_nowhere_else,
    each_action_of_the_template_is_taken_away_once,
    every_form_of_lambdaresource_allows_a_function_and_its_versions_and_no_other,
    no_role_may_do_more_than_its_function_does,
    no_role_has_more_than_the_templates_policy_and_its_service,
    roles_that_local_aws_does_not_ask_allow_what_is_needed_and_no_more,
    the_rule_may_call_the_cleaner_and_fill_its_queue,
];

/// What the stack's parameter names.
pub const BUCKET: &str = "payloads";
/// Who the stack tells.
pub const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:people";
/// What the stack stores its reports in, under `tunings/`.
pub const REPORTS: &str = "reports";

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

/// Where the reporter may not do something, what names it is that.
fn a_doctor_names_what_the_reporter_may_not(bench: &Bench, target: &Target) -> Result<()> {
    let folder = format!("arn:aws:s3:::{REPORTS}/tunings/{}/*", target.name());
    for (action, check) in [("s3:PutObject", "putObject"), ("s3:GetObject", "getObject")] {
        let denied = Role::of(bench.local, "Reporter")?.deny(&bench.case, &[action], &folder)?;
        let ill = bench.tune(&json!({"doctor": target.arn}))?;
        drop(denied);
        ensure!(ill["doctor"]["healthy"] == false, "{action}: {ill:#}");
        let worst = &ill["doctor"]["findings"][0];
        ensure!(
            worst["check"] == check && worst["step"] == "reporter",
            "{action}: {worst:#}"
        );
        let message = worst["message"].as_str().context("a message")?;
        let part = format!("the reporter may not (`{action}`)");
        ensure!(message.contains(&part), "`{part}` is not in `{message}`");
    }
    Ok(())
}

/// Local AWS publishes whatever revision it is asked for, and makes aliases of versions that there are not: none of it is left.
fn the_doctor_finds_what_a_role_lacks_and_changes_nothing(bench: &Bench) -> Result<()> {
    let target = bench.function()?;
    let asked = json!({"doctor": target.arn});
    let well = bench.tune(&asked)?;
    ensure!(well["doctor"]["healthy"] == true, "{well:#}");
    target.is_as_before()?;
    for (function, action, check) in [
        ("Publisher", "lambda:PublishVersion", "publishVersion"),
        ("Publisher", "lambda:CreateAlias", "createAlias"),
        ("Executor", "lambda:InvokeFunction", "invokeFunction"),
        (
            "Optimizer",
            "lambda:UpdateFunctionConfiguration",
            "updateFunctionConfiguration",
        ),
        ("Cleaner", "lambda:DeleteFunction", "deleteFunction"),
    ] {
        let denied = Role::of(bench.local, function)?.deny(
            &bench.case,
            &[action],
            &format!("{}*", target.arn),
        )?;
        let ill = bench.tune(&asked)?;
        drop(denied);
        ensure!(ill["doctor"]["healthy"] == false, "{function}: {ill:#}");
        let worst = &ill["doctor"]["findings"][0];
        let step = function.to_lowercase();
        ensure!(
            worst["check"] == check && worst["step"] == json!(step),
            "{function}: {worst:#}"
        );
        let message = worst["message"].as_str().context("a message")?;
        let part = format!(
            "the {step}'s role may not call `{action}` on `{}",
            target.arn
        );
        ensure!(message.starts_with(&part), "`{part}` is not in `{message}`");
        // What the cleaner could not delete without that right goes now.
        bench.tune(&json!({"clean": target.arn}))?;
        target.is_as_before()?;
    }
    a_doctor_names_what_the_reporter_may_not(bench, &target)
}

fn payloads_are_read_where_the_parameters_say_and_nowhere_else(bench: &Bench) -> Result<()> {
    let target = bench.function()?;
    let aws = bench.local.aws();
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
    let action = "lambda:DeleteFunction";
    let mut started = Vec::new();
    for target in &targets {
        let denied = cleaner.deny(target.name(), &[action], &format!("{}:*", target.arn))?;
        let execution = bench.local.start_execution(&target.input(json!({}))?)?;
        started.push((target, execution, denied));
    }
    for (target, execution, denied) in started {
        let (error, cause) = bench.failure_of(&execution)?;
        ensure!(error == "AccessDenied", "{error}: {cause}");
        names(&cause, action, &format!("{}:", target.arn))?;
        // Two states tried, and the event about the end; local AWS does not repeat that.
        let tried = || bench.deletions(&execution, "Err(AccessDenied");
        wait_until(|| Ok(tried()? == 3 * 2)).with_context(|| format!("{:?}", tried()))?;
        ensure!(target.versions()?.len() == 2, "{:?}", target.versions());
        drop(denied);
    }
    let answer = bench.clean(&json!({"function": targets[0].arn}))?;
    let deleted = answer["deleted"].as_array().context("`deleted`")?;
    ensure!(deleted.len() == 2, "{answer:#}");
    targets[0].is_as_before()?;
    bench.clean(&json!({"sweep": bench.local.state_machine_arn()}))?;
    targets[1].is_as_before()
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

/// Calls about objects, in the bucket that the stack's parameter names.
fn asks_of_s3() -> impl Iterator<Item = (&'static str, Ask)> {
    let asks = [
        (
            "GetObject of a payload",
            "GET",
            BUCKET,
            "tunings/nobody.json",
        ),
        ("GetObject of another", "GET", BUCKET, "private/nobody.json"),
        ("PutObject", "PUT", BUCKET, "tunings/nobody.json"),
        ("DeleteObject", "DELETE", BUCKET, "tunings/nobody.json"),
        ("ListBucket", "GET", BUCKET, ""),
        (
            "GetObject of a report",
            "GET",
            REPORTS,
            "tunings/nobody.html",
        ),
        (
            "PutObject of a report",
            "PUT",
            REPORTS,
            "tunings/nobody.html",
        ),
        ("PutObject beside reports", "PUT", REPORTS, "nobody.html"),
        ("GetObject beside reports", "GET", REPORTS, "nobody.html"),
        (
            "DeleteObject of a report",
            "DELETE",
            REPORTS,
            "tunings/nobody.html",
        ),
        ("ListBucket of reports", "GET", REPORTS, ""),
    ];
    asks.into_iter().map(|(name, method, bucket, path)| {
        let ask = Ask {
            service: "s3",
            method,
            path: format!("/{bucket}/{path}"),
            target: None,
            body: Value::Null,
        };
        (name, ask)
    })
}

/// Each kind of call that local AWS knows by its right name, with what it is called here.
fn asks(bench: &Bench) -> Vec<(&'static str, Ask)> {
    let state_machine = bench.local.state_machine_arn();
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
            "SendMessage",
            "sqs",
            "AmazonSQS.SendMessage",
            json!({"QueueUrl": bench.local.stack_output("FailedCleanUpsUrl")}),
        ),
        json_call(
            "ReceiveMessage",
            "sqs",
            "AmazonSQS.ReceiveMessage",
            json!({"QueueUrl": bench.local.stack_output("FailedCleanUpsUrl")}),
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
    let asks: Vec<_> = asks(bench).into_iter().chain(asks_of_s3()).collect();
    let mut faults = Vec::new();
    for function in FUNCTIONS {
        let wanted: &[&str] = match function {
            "Initializer" => &["GetFunctionConfiguration", "GetObject of a payload"],
            "Publisher" => &[
                "GetFunctionConfiguration",
                "UpdateFunctionConfiguration",
                "PublishVersion",
                "ListVersionsByFunction",
                "CreateAlias",
                "DescribeExecution",
                "GetExecutionHistory",
            ],
            "Executor" => &[
                "InvokeFunction",
                "InvokeFunction of a version",
                "GetObject of a payload",
            ],
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
                "SendMessage",
            ],
            "Reporter" => &["GetObject of a report", "PutObject of a report"],
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
    let allowed: [(&str, &[&str]); 7] = [
        ("Initializer", &["lambda:GetAlias"]),
        ("Publisher", &aliases),
        ("Executor", &[]),
        ("Analyzer", &[]),
        ("Reporter", &[]),
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
        ensure!(
            role.may("lambda:GetAccountSettings", "*")? == (name == "Initializer"),
            "{name}"
        );
    }
    // By the names of the functions in the template.
    let callers = [
        ("StateMachineRole", &FUNCTIONS[..]),
        ("SweepRole", &["Cleaner"]),
        ("ScheduledTuningRole", &[]),
    ];
    let state_machine = bench.local.state_machine_arn();
    for (role, called) in callers {
        let caller = Role::named(bench.local, role)?;
        for name in FUNCTIONS {
            let arn = bench.own_function(name)?;
            ensure!(
                caller.may("lambda:InvokeFunction", &arn)? == called.contains(&name),
                "{role}: {name}"
            );
        }
        let others = [
            ("lambda:InvokeFunction", function.as_str()),
            ("lambda:UpdateFunctionConfiguration", &function),
            ("states:StopExecution", state_machine),
            (
                "states:StartExecution",
                "arn:aws:states:us-east-1:123456789012:stateMachine:other",
            ),
        ];
        for (action, resource) in others {
            ensure!(!caller.may(action, resource)?, "{role}: {action}");
        }
        ensure!(
            caller.may("states:StartExecution", state_machine)? == (role == "ScheduledTuningRole"),
            "{role}"
        );
        ensure!(
            caller.may("sns:Publish", TOPIC)? == (role == "StateMachineRole"),
            "{role}"
        );
        ensure!(
            !caller.may("sns:Publish", &format!("{TOPIC}-other"))?,
            "{role}"
        );
    }
    let (_, queue) = state_machine.split_once(":states:").context("an ARN")?;
    let queue = queue
        .replace("stateMachine:", "")
        .replace("power-tuner-tuner", "");
    let url = bench.local.stack_output("FailedCleanUpsUrl");
    let name = url.rsplit('/').next().unwrap_or_default();
    let queue = format!("arn:aws:sqs:{queue}{name}");
    for name in FUNCTIONS {
        let role = Role::of(bench.local, name)?;
        ensure!(
            role.may("sqs:SendMessage", &queue)? == (name == "Cleaner"),
            "{name}"
        );
        ensure!(!role.may("sqs:SendMessage", &format!("{queue}-other"))?);
    }
    Ok(())
}

/// What a service calls without a role of the stack, it may because the resource says so.
fn the_rule_may_call_the_cleaner_and_fill_its_queue(bench: &Bench) -> Result<()> {
    let aws = bench.local.aws();
    let cleaner = bench.own_function("Cleaner")?;
    let path = format!("/2015-03-31/functions/{cleaner}/policy");
    let policy = aws.rest("lambda", "GET", &path, None)?;
    let policy: Value = serde_json::from_str(policy["Policy"].as_str().context("a policy")?)?;
    let attributes = json!({
        "QueueUrl": bench.local.stack_output("FailedCleanUpsUrl"), "AttributeNames": ["Policy"],
    });
    let queue = aws.call("sqs", "AmazonSQS.GetQueueAttributes", &attributes)?;
    let queue = queue["Attributes"]["Policy"].as_str().context("a policy")?;
    let queue: Value = serde_json::from_str(queue)?;
    let rules = json!({"TargetArn": cleaner});
    let rules = aws.call("events", "AWSEvents.ListRuleNamesByTarget", &rules)?;
    let [Value::String(rule)] = rules["RuleNames"].as_array().map_or(&[][..], Vec::as_slice) else {
        bail!("not one rule: {rules}")
    };
    let rule = format!("arn:aws:events:{HOME}:123456789012:rule/{rule}");
    for (policy, action) in [
        (policy, "lambda:InvokeFunction"),
        (queue, "sqs:SendMessage"),
    ] {
        let [statement] = policy["Statement"]
            .as_array()
            .map_or(&[][..], Vec::as_slice)
        else {
            bail!("not one statement: {policy:#}")
        };
        ensure!(
            statement["Effect"] == "Allow"
                && statement["Action"] == action
                && statement["Principal"] == json!({"Service": "events.amazonaws.com"})
                && statement["Condition"]["ArnLike"]["aws:SourceArn"]
                    .as_str()
                    .or(statement["Condition"]["ArnLike"]["AWS:SourceArn"].as_str())
                    == Some(&rule),
            "{statement:#} is not {action} for {rule}"
        );
    }
    Ok(())
}

/// Beside the actions that have a case each: logs for the functions, and nobody takes a role on but its service.
fn no_role_has_more_than_the_templates_policy_and_its_service(bench: &Bench) -> Result<()> {
    const OF_AWS: &str = "arn:aws:iam::aws:policy/service-role";
    // The second is for a VPC; `MiniStack` takes an empty list of subnets for one. The step `parameters` knows better.
    let of_functions_of_aws = [
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaVPCAccessExecutionRole",
    ]
    .map(|name| format!("{OF_AWS}/{name}"));
    let of_functions = FUNCTIONS.map(|name| format!("{name}Role"));
    let others = ["StateMachineRole", "SweepRole", "ScheduledTuningRole"];
    let known: BTreeSet<&str> = of_functions
        .iter()
        .map(String::as_str)
        .chain(others)
        .collect();
    let roles = Role::names(bench.local)?;
    ensure!(
        roles.iter().map(String::as_str).collect::<BTreeSet<_>>() == known,
        "{roles:?}"
    );
    for name in known {
        let role = Role::named(bench.local, name)?;
        let (service, of_aws) = match name {
            "StateMachineRole" => ("states.amazonaws.com", &[][..]),
            "SweepRole" | "ScheduledTuningRole" => ("scheduler.amazonaws.com", &[][..]),
            _ => ("lambda.amazonaws.com", &of_functions_of_aws[..]),
        };
        let attached = role.attached()?;
        ensure!(
            attached.iter().all(|policy| of_aws.contains(policy)),
            "{name}: {attached:?}"
        );
        let trusts = role.trusts()?;
        let [trust] = trusts.as_array().map_or(&[][..], Vec::as_slice) else {
            bail!("{name}: {trusts}")
        };
        let principals = [json!(service), json!([service])];
        ensure!(
            principals.contains(&trust["Principal"]["Service"])
                && trust["Principal"]
                    .as_object()
                    .is_some_and(|one| one.len() == 1),
            "{name}: {trust}"
        );
        for statement in role.statements()? {
            let everything = |value: &Value| match value {
                Value::String(one) => one == "*",
                Value::Array(some) => some.iter().any(|one| one == "*"),
                _ => false,
            };
            // The one action of these that AWS knows no resource for.
            if name == "InitializerRole" && statement["Action"] == "lambda:GetAccountSettings" {
                continue;
            }
            let is_named = statement["Effect"] != "Allow"
                || !statement["Action"].to_string().contains('*')
                    && !statement["Resource"].is_null()
                    && !everything(&statement["Resource"]);
            ensure!(is_named, "{name}: {statement}");
        }
    }
    // The analyzer only decides.
    ensure!(Role::of(bench.local, "Analyzer")?.statements()?.is_empty());
    Ok(())
}
