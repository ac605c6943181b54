//! What keeps it from AWS, in words that say what to do.

use serde_json::json;

use crate::step_functions::{Answer, MACHINE, StepFunctions, described, execution};
use crate::tool::{Ended, Files, command, named};

fn refusing(operation: &'static str, code: &'static str) -> StepFunctions {
    StepFunctions::playing(move |asked, _, _| (asked == operation).then_some(Answer::Refused(code)))
}

#[test]
fn no_credentials_and_no_region_are_said() {
    let step_functions = StepFunctions::playing(|_, _, _| None);
    let mut without = step_functions.command("run f");
    without
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    let ended = Ended::from(without.output().expect("it starts")).with(4);
    assert!(
        ended
            .err
            .contains("no AWS credentials were found: not in the environment (AWS_ACCESS_KEY_ID"),
        "{}",
        ended.err
    );
    // Most machines are no instance, and nobody there knows what its metadata service is.
    for (option, is_told) in [("", false), (" --verbose", true)] {
        let mut without = step_functions.command(&format!("run f{option}"));
        without
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .env_remove("AWS_EC2_METADATA_DISABLED")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", step_functions.url());
        let ended = Ended::from(without.output().expect("it starts")).with(4);
        let words = "no AWS credentials were found: not in the environment";
        assert!(ended.err.contains(words), "{}", ended.err);
        assert_eq!(ended.err.contains("IMDS"), is_told, "{}", ended.err);
    }
    let mut nowhere = step_functions.command("run f");
    let ended = Ended::from(
        nowhere
            .env_remove("AWS_REGION")
            .output()
            .expect("it starts"),
    )
    .with(4);
    assert!(
        ended
            .err
            .contains("no region is known; name it with `--region`"),
        "{}",
        ended.err
    );
    assert_eq!(
        step_functions.asked("StartExecution"),
        Vec::<serde_json::Value>::new()
    );
}

#[test]
fn a_profile_has_credentials_and_a_region() {
    let files = Files::new();
    let process = json!({"Version": 1, "AccessKeyId": "of-the-process", "SecretAccessKey": "s"});
    let process = named(&files.write("credentials.json", &process.to_string()));
    let config = format!(
        "[profile ours]\nregion = eu-west-1\ncredential_process = cat {process}\n[profile empty]\n[profile broken]\nregion = eu-west-1\n\
         credential_process = false\n"
    );
    let config = named(&files.write("config", &config));
    let step_functions = StepFunctions::playing(|_, _, _| None);
    let run = |line: &str| {
        let mut command = step_functions.command(line);
        for known in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"] {
            command.env_remove(known);
        }
        let ended = command.env("AWS_CONFIG_FILE", &config).output();
        Ended::from(ended.expect("it starts"))
    };
    run("run f --detach --profile ours").with(0);
    let signed = step_functions.signatures();
    assert!(
        signed
            .iter()
            .all(|signed| signed.contains("Credential=of-the-process/")
                && signed.contains("/eu-west-1/states/")),
        "{signed:?}"
    );
    run("run f --detach --profile ours --region us-west-2").with(0);
    let signed = step_functions.signatures().pop().expect("a request");
    assert!(signed.contains("/us-west-2/states/"), "{signed}");
    let arn = MACHINE.replace("us-east-1", "ap-south-1");
    run(&format!(
        "run f --detach --profile ours --state-machine {arn}"
    ))
    .with(0);
    let signed = step_functions.signatures().pop().expect("a request");
    assert!(
        signed.contains("/ap-south-1/states/"),
        "an ARN knows its region: {signed}"
    );
    let cases = [
        (
            "empty --region us-west-2",
            4,
            "no AWS credentials were found",
        ),
        (
            "nobodys --region us-west-2",
            2,
            "`--profile`: there is no profile `nobodys` in AWS's configuration files; there are `broken`, `empty`, `ours`",
        ),
        ("nobodys", 2, "there is no profile `nobodys`"),
        ("broken", 4, "the AWS credentials cannot be had: "),
        (
            "broken",
            4,
            "sign in again where it is one of single sign-on",
        ),
    ];
    for (profile, code, words) in cases {
        let ended = run(&format!("run f --profile {profile}")).with(code);
        assert!(ended.err.contains(words), "{profile}: {}", ended.err);
    }
    // What is named wins over what is there anyway.
    let with_both = |profile: &str| {
        let mut command = step_functions.command(&format!("run f --detach --profile {profile}"));
        let ended = command.env("AWS_CONFIG_FILE", &config).output();
        Ended::from(ended.expect("it starts"))
    };
    with_both("ours").with(0);
    let signed = step_functions.signatures().pop().expect("a request");
    assert!(signed.contains("Credential=of-the-process/"), "{signed}");
    let asked = step_functions.signatures().len();
    with_both("nobodys").with(2);
    assert_eq!(step_functions.signatures().len(), asked);
    // Also where credentials are looked for elsewhere in the end, as on most machines.
    for (line, elsewhere) in [
        ("run f --region us-west-2", false),
        ("run f --region us-west-2", true),
        ("run f", true),
    ] {
        let mut variable = step_functions.command(line);
        for known in ["AWS_ACCESS_KEY_ID", "AWS_REGION"] {
            variable.env_remove(known);
        }
        if elsewhere {
            variable.env_remove("AWS_EC2_METADATA_DISABLED");
        }
        variable
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
            .env("AWS_PROFILE", "nobodys")
            .env("AWS_CONFIG_FILE", &config);
        let ended = Ended::from(variable.output().expect("it starts")).with(4);
        let words =
            "the profile `nobodys` is not in AWS's configuration files; look at AWS_PROFILE";
        assert!(ended.err.contains(words), "{line}: {}", ended.err);
    }
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_said() {
    let mut command = command("run f --endpoint-url http://127.0.0.1:1 --region us-east-1");
    command
        .env("AWS_ACCESS_KEY_ID", "k")
        .env("AWS_SECRET_ACCESS_KEY", "s");
    let ended = Ended::from(command.output().expect("it starts")).with(4);
    assert!(
        ended
            .err
            .contains("cannot be reached at http://127.0.0.1:1"),
        "{}",
        ended.err
    );
    assert!(
        ended
            .err
            .contains("look at the network, `--region` and `--endpoint-url`"),
        "{}",
        ended.err
    );
}

#[test]
fn what_aws_refuses_is_said_with_what_to_do() {
    let cases = [
        (
            "StartExecution",
            "AccessDeniedException",
            "you may not call `states:StartExecution` on",
        ),
        (
            "ListStateMachines",
            "AccessDeniedException",
            "name the state machine by its ARN (`--state-machine`)",
        ),
        (
            "StartExecution",
            "ExpiredTokenException",
            "the AWS credentials have expired; sign in again",
        ),
        (
            "StartExecution",
            "UnrecognizedClientException",
            "AWS does not take these credentials",
        ),
        (
            "StartExecution",
            "StateMachineDoesNotExist",
            "there is no state machine",
        ),
    ];
    for (operation, code, words) in cases {
        let ended = refusing(operation, code).run("run f").with(4);
        assert!(
            ended.err.contains(words),
            "{operation} {code}: {}",
            ended.err
        );
        assert_eq!(ended.out, "");
    }
    let ended = refusing("StartExecution", "AccessDeniedException")
        .run("run f -v")
        .with(4);
    assert!(
        ended.err.contains("(states:StartExecution: "),
        "{}",
        ended.err
    );
}

#[test]
fn the_state_machine_is_found_by_its_end_its_name_a_tag_or_its_arn() {
    let machines = |names: &[&str]| {
        let machines = names.iter().map(|name| {
            let arn = MACHINE.replace("power-tuner-tuner", name);
            json!({"stateMachineArn": arn, "name": name, "type": "STANDARD", "creationDate": 1.7e9})
        });
        json!({"stateMachines": machines.collect::<Vec<_>>()})
    };
    let with = |names: &'static [&'static str]| {
        let listed = machines(names);
        StepFunctions::playing(move |operation, body, before| match operation {
            // In two pages.
            "ListStateMachines" if before % 2 == 0 => Some(Answer::Is(
                json!({"stateMachines": [], "nextToken": "more"}),
            )),
            "ListStateMachines" => Some(Answer::Is(listed.clone())),
            "ListTagsForResource" => {
                let value = if body["resourceArn"].as_str()?.ends_with("other") {
                    "blue"
                } else {
                    "red"
                };
                Some(Answer::Is(
                    json!({"tags": [{"key": "team", "value": value}]}),
                ))
            }
            _ => None,
        })
    };
    let two = with(&["a-tuner", "other"]);
    for (option, name) in [
        ("", "a-tuner"),
        ("--state-machine other", "other"),
        ("--state-machine team=blue", "other"),
    ] {
        two.run(&format!("run f --detach {option}")).with(0);
        let started = two.asked("StartExecution").pop().expect("a start");
        assert_eq!(
            started["stateMachineArn"],
            MACHINE.replace("power-tuner-tuner", name),
            "{option}"
        );
    }
    let mut named = two.command("run f --detach");
    named.env("POWER_TUNER_STATE_MACHINE", MACHINE);
    let looked = two.asked("ListStateMachines").len();
    Ended::from(named.output().expect("it starts")).with(0);
    assert_eq!(
        two.asked("ListStateMachines").len(),
        looked,
        "an ARN need not be looked for"
    );
    let several = with(&["a-tuner", "b-tuner"]).run("run f").with(4);
    assert!(
        several
            .err
            .contains("there are 2 state machines whose name ends in `-tuner`"),
        "{}",
        several.err
    );
    assert!(
        several.err.contains(":a-tuner\n") && several.err.contains(":b-tuner\n"),
        "{}",
        several.err
    );
    let none = with(&["other"]).run("run f").with(4);
    assert!(
        none.err
            .contains("name one of these with `--state-machine`"),
        "{}",
        none.err
    );
}

#[test]
fn an_execution_that_gave_nothing_says_so() {
    let arn = execution("e");
    let cases = [
        ("RUNNING", 5, "the execution is still running"),
        (
            "FAILED",
            3,
            "the execution ended FAILED: FunctionNotFound\nthe cause",
        ),
        ("ABORTED", 3, "the execution ended ABORTED"),
        ("TIMED_OUT", 3, "the execution ended TIMED_OUT"),
    ];
    for (status, code, words) in cases {
        let step_functions = StepFunctions::playing(move |operation, body, _| {
            let failed = json!({"error": "FunctionNotFound", "cause": "the cause"});
            let described = described(&body["executionArn"], status, &failed);
            (operation == "DescribeExecution").then_some(Answer::Is(described))
        });
        let ended = step_functions.run(&format!("show {arn}")).with(code);
        assert!(ended.err.contains(words), "{status}: {}", ended.err);
        assert_eq!(ended.out, "");
    }
    let missing = refusing("DescribeExecution", "ExecutionDoesNotExist")
        .run(&format!("show {arn}"))
        .with(4);
    assert!(
        missing.err.contains("there is no execution"),
        "{}",
        missing.err
    );
    let shown = StepFunctions::playing(|_, _, _| None)
        .run(&format!("show {arn}"))
        .with(0);
    assert!(shown.out.contains("512 MB"), "{}", shown.out);
}
