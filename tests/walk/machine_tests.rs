//! The walker's own rules, each with the smallest definition that shows it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::{Execution, Exited, Failure, Machine};
use serde_json::{Value, json};

const ARN: &str = "arn:aws:states:eu-west-1:123456789012:execution:tuner:one";

type Ran = Result<Value, Failure>;

/// A machine that starts at its state `A`.
fn machine(states: &Value) -> Machine {
    read(states).expect("a definition that is known")
}

fn read(states: &Value) -> anyhow::Result<Machine> {
    read_flow(&flow(states))
}

fn read_flow(flow: &Value) -> anyhow::Result<Machine> {
    Machine::read(
        &flow.to_string(),
        &BTreeMap::from([("Region", "eu-west-1")]),
    )
}

fn flow(states: &Value) -> Value {
    json!({"StartAt": "A", "States": states})
}

fn refusal(states: &Value) -> String {
    match read(states) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => format!("{error:#}"),
    }
}

async fn execute(states: Value, input: Value, run: impl AsyncFn(&str, Value) -> Ran) -> Execution {
    machine(&states).execute(ARN, input, &run).await
}

/// Runs states without tasks, and gives the output or the error name.
async fn ended(states: Value, input: Value) -> Result<Value, String> {
    let execution = execute(states, input, no_task).await;
    execution.ended.map_err(|failure| failure.error)
}

async fn no_task(resource: &str, _: Value) -> Ran {
    Err(failure("Unexpected", resource))
}

fn failure(error: &str, cause: &str) -> Failure {
    Failure {
        error: error.to_owned(),
        cause: cause.to_owned(),
    }
}

fn task(more: Value) -> Value {
    state(
        json!({"Type": "Task", "Resource": "${Work}", "End": true}),
        more,
    )
}

fn pass(more: Value) -> Value {
    state(json!({"Type": "Pass", "End": true}), more)
}

/// Runs `each` for the items in `$.items`.
fn map(each: &Value, more: Value) -> Value {
    let processor = json!({
        "ProcessorConfig": {"Mode": "INLINE"},
        "StartAt": "A",
        "States": each,
    });
    state(
        json!({"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": processor, "End": true}),
        more,
    )
}

/// A state with other fields; `null` takes one away, but for `ResultPath`, which may be `null`.
fn state(mut state: Value, more: Value) -> Value {
    let Value::Object(more) = more else {
        panic!("{more} is not an object");
    };
    for (name, value) in more {
        if value.is_null() && name != "ResultPath" {
            state.as_object_mut().expect("a state").remove(&name);
        } else {
            state[name] = value;
        }
    }
    state
}

fn catch_all() -> Value {
    json!([{"ErrorEquals": ["States.ALL"], "Next": "Caught"}])
}

fn definition() -> Machine {
    definition_with("anything")
}

fn definition_with(report_bucket: &str) -> Machine {
    let definition = include_str!("../../statemachine/power-tuner.asl.json");
    let names = [
        "Initializer",
        "Publisher",
        "Executor",
        "Analyzer",
        "Optimizer",
        "Cleaner",
        "Reporter",
        "LongestWaitS",
        "PowerValues",
        "Search",
        "VisualizationURL",
        "ReportPrefix",
        "NotificationTopic",
        "NotifyAbovePercent",
        "TopicArn",
    ];
    let substitutions = names.map(|name| (name, "anything"));
    let substitutions = substitutions.into_iter().chain([
        ("TotalExecutionTimeout", "600"),
        ("ReportBucket", report_bucket),
    ]);
    Machine::read(definition, &substitutions.collect())
        .expect("nothing that the walker does not know")
}

#[tokio::test]
async fn the_definition_is_walked_to_its_end() {
    let execution = definition()
        .execute(ARN, json!({}), &async |resource: &str, input: Value| {
            Ok(match resource {
                "Initializer" => json!({
                    "plan": {"sizesAtOnce": 2},
                    "round": {"sizes": ([1, 2, 3].map(|memory| json!({"memory": memory, "wanted": 5, "progress": 0})))},
                    "published": null,
                }),
                "Publisher" => json!({"done": !input["published"].is_null()}),
                "Executor" => json!({"done": true, "of": input["memory"]}),
                "Analyzer" => json!({"outcome": input["tuning"]["round"]["sizes"]}),
                "Cleaner" => json!({}),
                _ => input["tuning"]["outcome"].clone(),
            })
        })
        .await;
    let measured =
        |memory| json!({"memory": memory, "wanted": 5, "progress": {"done": true, "of": memory}});
    let outcome = json!([measured(1), measured(2), measured(3)]);
    assert_eq!(execution.ended, Ok(outcome));
    let states: Vec<_> = execution
        .history
        .iter()
        .map(|exited| exited.state.as_str())
        .collect();
    let want = "WhatIsAskedFor? Initializer Publisher AllPublished? Publisher AllPublished? Measure Analyzer \
                AnotherRound? Cleaner Optimizer ToBeStored? Succeed";
    assert_eq!(states.join(" "), want);
    assert_eq!(execution.transitions, 13 + 3 * 3);
}

#[tokio::test]
async fn the_definition_asks_the_cleaner_alone_where_a_function_is_to_be_cleaned_up() {
    let input = json!({"clean": "f", "roleARN": "r"});
    let execution = definition()
        .execute(ARN, input, &async |resource: &str, given: Value| {
            Ok(json!({"by": resource, "given": given}))
        })
        .await;
    let given = json!({"execution": ARN, "clean": {"clean": "f", "roleARN": "r"}});
    let cleaned = json!({"clean": {"by": "Cleaner", "given": given}});
    assert_eq!(execution.ended, Ok(cleaned));
}

#[tokio::test]
async fn the_definition_asks_each_function_for_the_doctor_whatever_becomes_of_it() {
    let input = json!({"doctor": "f"});
    let doctor = async |broken: &str| {
        definition()
            .execute(ARN, input.clone(), &async |resource: &str, given: Value| {
                assert_eq!(given["doctor"], json!({"doctor": "f"}), "{resource}");
                let is_told = ["Initializer", "Reporter"].contains(&resource);
                assert_eq!(given["stack"].is_object(), is_told, "{resource}");
                match resource {
                    resource if resource == broken => Err(failure("Broken", "it broke")),
                    "Analyzer" => Ok(json!({"doctor": given["found"]})),
                    resource => Ok(json!(resource)),
                }
            })
            .await
    };
    let well = doctor("nobody").await;
    let found = json!({
        "initializer": "Initializer",
        "publisher": "Publisher",
        "executor": "Executor",
        "optimizer": "Optimizer",
        "reporter": "Reporter",
        "cleaner": "Cleaner",
    });
    assert_eq!(well.ended, Ok(json!({"doctor": found})));
    let states = well.history.iter().map(|exited| exited.state.as_str());
    let want = "WhatIsAskedFor? Doctor DoctorInitializer DoctorPublisher DoctorExecutor DoctorOptimizer StoresReports? \
                DoctorReporter DoctorCleaner DoctorAnalyzer";
    assert_eq!(states.collect::<Vec<_>>().join(" "), want);
    for step in [
        "Initializer",
        "Publisher",
        "Executor",
        "Optimizer",
        "Reporter",
        "Cleaner",
    ] {
        let mut found = found.clone();
        found[step.to_lowercase()] = json!({"Error": "Broken", "Cause": "it broke"});
        let ill = doctor(step).await;
        assert_eq!(ill.ended, Ok(json!({"doctor": found})), "{step}");
    }
    let alone = doctor("Analyzer").await.ended.expect("an output");
    assert_eq!(alone["doctor"]["found"], found);
    let message = alone["doctor"]["findings"][0]["message"].as_str();
    let want = "the analyzer could not be called, or broke: it broke (Broken); ";
    assert!(
        message.is_some_and(|message| message.starts_with(want)),
        "{alone:#}"
    );
}

#[tokio::test]
async fn a_stack_without_reports_has_no_reporter_to_ask() {
    let execution = definition_with("")
        .execute(ARN, json!({"doctor": {}}), &async |resource: &str, _| {
            assert_ne!(resource, "Reporter");
            Ok(json!({}))
        })
        .await;
    let mut states = execution.history.iter().map(|exited| &exited.state);
    assert!(states.any(|state| state == "StoresReports?"));
    assert_eq!(execution.ended, Ok(json!({})));
}

/// What has no fields asks for a tuning, and is told what is wrong with that.
#[tokio::test]
async fn the_definition_takes_what_is_no_object_for_a_tuning() {
    for input in [json!("clean"), json!(["clean"]), json!(7), json!(null)] {
        let execution = definition()
            .execute(ARN, input, &async |resource: &str, _| {
                Err(failure(resource, "is asked"))
            })
            .await;
        let ended = execution.ended.expect_err("a failure");
        assert_eq!(ended.error, "Initializer");
    }
}

/// Runs the definition, where all goes well but the reporter does what is said, to its output and its transitions.
async fn reported(outcome: Value, report: impl Fn(Value) -> Ran) -> (Ran, u32) {
    let execution = definition()
        .execute(ARN, json!({}), &async |resource: &str, input: Value| {
            Ok(match resource {
                "Initializer" => json!({
                    "plan": {"sizesAtOnce": 2},
                    "round": {"sizes": []},
                    "published": null,
                }),
                "Publisher" => json!({"done": true}),
                "Optimizer" => outcome.clone(),
                "Reporter" => return report(input),
                "Notify" => return Err(failure("SNS.AuthorizationErrorException", "not allowed")),
                _ => json!({"outcome": 0}),
            })
        })
        .await;
    (execution.ended, execution.transitions)
}

#[tokio::test]
async fn the_definition_hands_an_outcome_that_is_to_be_stored_to_the_reporter() {
    let outcome = json!({"power": 512, "report": {}});
    let (ended, transitions) = reported(outcome.clone(), |input| {
        assert_eq!(input["outcome"], outcome);
        assert_eq!(
            (&input["execution"], &input["started"]),
            (&json!(ARN), &json!("2026-01-02T03:04:05.678Z"))
        );
        Ok(json!({"power": 512, "report": {"json": "s3://b/k"}}))
    })
    .await;
    assert_eq!(
        ended,
        Ok(json!({"power": 512, "report": {"json": "s3://b/k"}}))
    );
    let (ended, without) = reported(json!({"power": 512}), no_report).await;
    assert_eq!(ended, Ok(json!({"power": 512})));
    assert_eq!(transitions, without + 2);
}

fn no_report(_: Value) -> Ran {
    panic!("nothing is to be stored")
}

#[tokio::test]
async fn the_definition_gives_the_outcome_out_though_nobody_can_be_told() {
    let outcome = json!({"power": 512, "report": {"moved": {"news": "It moved."}}});
    let (ended, _) = reported(json!({"report": {}}), |_| Ok(outcome.clone())).await;
    assert_eq!(ended, Ok(outcome));
}

#[tokio::test]
async fn the_definition_gives_the_outcome_out_however_the_reporter_ends() {
    for error in [
        "Lambda.TooManyRequestsException",
        "Lambda.ServiceException",
        "Runtime.ExitError",
        "Sandbox.Timedout",
    ] {
        // As large as it may be, with a cause as long as it may be.
        let outcome = json!({"power": 512, "report": {}, "sizes": "x".repeat(259_000)});
        let (ended, _) = reported(outcome, |_| Err(failure(error, &"c".repeat(32_768)))).await;
        // It is too long to be shown.
        let ended = ended.map_err(|failure| failure.error).expect("an outcome");
        let why = "the reporter failed; the execution's history says why, at its state Reporter";
        assert_eq!(
            (&ended["power"], &ended["report"]),
            (&json!(512), &json!({"error": why})),
            "{error}"
        );
        assert_eq!(ended["sizes"].as_str().map(str::len), Some(259_000));
    }
}

#[tokio::test]
async fn the_definition_fails_with_both_causes_when_cleaning_up_fails_too() {
    let execution = definition()
        .execute(ARN, json!("not an object"), &async |resource: &str, _| {
            Err(failure(&format!("{resource}Failed"), resource))
        })
        .await;
    let cause = "Initializer; after that, cleaning up failed: Cleaner";
    assert_eq!(execution.ended, Err(failure("InitializerFailed", cause)));
}

#[test]
fn whatever_is_not_known_is_refused_by_its_name() {
    let cases = [
        (
            task(json!({"TimeoutSeconds": 5})),
            "state `A`: unknown field `TimeoutSeconds`",
        ),
        (
            pass(json!({"OutputPath": "$"})),
            "state `A`: unknown field `OutputPath`",
        ),
        (json!({"Type": "Wait"}), "state `A`: unknown type `Wait`"),
        (
            task(json!({"Retry": [{"ErrorEquals": ["E"], "JitterStrategy": "FULL"}]})),
            "state `A`: `Retry`: unknown field `JitterStrategy`",
        ),
        (
            task(json!({"Catch": [{"ErrorEquals": ["E"], "Next": "A", "Output": 1}]})),
            "state `A`: `Catch`: unknown field `Output`",
        ),
        (
            task(json!({"Catch": [{"ErrorEquals": ["States.Runtime"], "Next": "A"}]})),
            "state `A`: `Catch`: `ErrorEquals`: unknown error name `States.Runtime`",
        ),
        (
            task(json!({"Catch": [{"ErrorEquals": ["E", "States.ALL"], "Next": "A"}]})),
            "state `A`: `Catch`: `ErrorEquals`: `States.ALL` must be alone",
        ),
        (
            task(json!({"Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]})),
            "state `A`: `Retry`: `States.ALL` must come last",
        ),
        (
            json!({"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericLessThan": 1, "Next": "A"}]}),
            "state `A`: `Choices`: unknown field `NumericLessThan`",
        ),
        (
            json!({"Type": "Choice", "Choices": [{"Variable": "$.a", "Next": "A"}]}),
            "state `A`: `Choices`: a choice has exactly one test",
        ),
        (
            map(
                &json!({"A": pass(json!({}))}),
                json!({"ToleratedFailureCount": 1}),
            ),
            "state `A`: unknown field `ToleratedFailureCount`",
        ),
        (
            map(&json!({"A": pass(json!({"InputPath": "$"}))}), json!({})),
            "state `A`: `ItemProcessor`: state `A`: unknown field `InputPath`",
        ),
        (
            task(json!({"Resource": "arn:aws:states:::lambda:invoke"})),
            "state `A`: `Resource`: `arn:aws:states:::lambda:invoke` is not `${Name}`",
        ),
        (
            pass(json!({"End": null})),
            "state `A`: needs either `Next` or `End`",
        ),
        (
            pass(json!({"Next": "A"})),
            "state `A`: needs either `Next` or `End`",
        ),
        (
            pass(json!({"End": null, "Next": "B"})),
            "there is no state `B`",
        ),
        (
            json!({"Type": "Fail", "Error": "E", "ErrorPath": "$.e"}),
            "state `A`: `Error` and `ErrorPath` exclude each other",
        ),
    ];
    for (state, want) in cases {
        assert_eq!(refusal(&json!({"A": state})), want);
    }
    let refused = |more: Value| {
        let flow = state(flow(&json!({"A": pass(json!({}))})), more);
        read_flow(&flow).err().map(|error| format!("{error:#}"))
    };
    let unknown = refused(json!({"Version": "1.0"}));
    assert_eq!(unknown.as_deref(), Some("unknown field `Version`"));
    assert_eq!(refused(json!({"TimeoutSeconds": 60})), None);
    let text = refused(json!({"TimeoutSeconds": "60"})).expect("a refusal");
    assert!(text.starts_with("`TimeoutSeconds`: "), "{text}");
}

#[test]
fn data_that_is_picked_in_an_unknown_way_is_refused() {
    let cases = [
        (
            pass(json!({"Parameters": {"a.$": "$.a[0]"}})),
            "state `A`: `Parameters`: `a.$`: unknown form of path `$.a[0]`",
        ),
        (
            pass(json!({"Parameters": {"a.$": "$$.State.Name"}})),
            "state `A`: `Parameters`: `a.$`: unknown form of path `$$.State.Name`",
        ),
        (
            pass(json!({"Parameters": [{"a.$": "States.UUID()"}]})),
            "state `A`: `Parameters`: `a.$`: unknown intrinsic `States.UUID`",
        ),
        (
            pass(json!({"Parameters": {"a.$": "States.Format('{}{}', $.a)"}})),
            "state `A`: `Parameters`: `a.$`: `States.Format('{}{}', $.a)` has another number of arguments than of `{}`",
        ),
        (
            pass(json!({"Parameters": {"a": 1, "a.$": "$"}})),
            "state `A`: `Parameters`: field `a` is given twice",
        ),
        (
            pass(json!({"ResultPath": "$$.a"})),
            "state `A`: `ResultPath`: unknown form of path `$$.a`",
        ),
        (
            pass(json!({"Parameters": {"a": "${Function}"}})),
            "state `A`: `Parameters`: no substitution for `${Function}`",
        ),
    ];
    for (state, want) in cases {
        assert_eq!(refusal(&json!({"A": state})), want);
    }
}

#[tokio::test]
async fn parameters_pick_from_the_input_and_the_context() {
    let parameters = json!({
        "whole.$": "$",
        "part.$": "$.a.b",
        "execution.$": "$$.Execution.Id",
        "input.$": "$$.Execution.Input.a",
        "text.$": "States.Format('{} and {}{}', $.a.b, $.c, $.d)",
        "list": [{"b.$": "$.a.b"}, "$.a"],
        "region": "${Region}",
        "literal": {"done": false},
    });
    let input = json!({"a": {"b": 1}, "c": "text", "d": null});
    assert_eq!(
        ended(
            json!({"A": pass(json!({"Parameters": parameters}))}),
            input.clone()
        )
        .await,
        Ok(json!({
            "whole": input,
            "part": 1,
            "execution": ARN,
            "input": {"b": 1},
            "text": "1 and textnull",
            "list": [{"b": 1}, "$.a"],
            "region": "eu-west-1",
            "literal": {"done": false},
        }))
    );
}

#[tokio::test]
async fn a_task_gets_its_resources_name_and_its_parameters() {
    let given = RefCell::new(Vec::new());
    let states =
        json!({"A": task(json!({"Parameters": {"x.$": "$.a"}, "ResultPath": "$.result"}))});
    let execution = execute(
        states,
        json!({"a": 1}),
        async |resource: &str, input: Value| {
            given.borrow_mut().push((resource.to_owned(), input));
            Ok(json!("done"))
        },
    )
    .await;
    assert_eq!(given.into_inner(), [("Work".to_owned(), json!({"x": 1}))]);
    let output = json!({"a": 1, "result": "done"});
    assert_eq!(execution.ended, Ok(output.clone()));
    let exited = Exited {
        state: "A".to_owned(),
        output,
    };
    assert_eq!(execution.history, [exited]);
    assert_eq!(execution.transitions, 1);
}

#[tokio::test]
async fn a_result_goes_where_its_path_says() {
    let cases = [
        (json!({}), json!({"x": {"y": 1}}), Ok(json!(7))),
        (
            json!({"ResultPath": "$"}),
            json!({"x": {"y": 1}}),
            Ok(json!(7)),
        ),
        (
            json!({"ResultPath": null}),
            json!({"x": {"y": 1}}),
            Ok(json!({"x": {"y": 1}})),
        ),
        (
            json!({"ResultPath": "$.x"}),
            json!({"x": {"y": 1}}),
            Ok(json!({"x": 7})),
        ),
        (
            json!({"ResultPath": "$.x.z"}),
            json!({"x": {"y": 1}}),
            Ok(json!({"x": {"y": 1, "z": 7}})),
        ),
        (
            json!({"ResultPath": "$.a.b"}),
            json!({}),
            Ok(json!({"a": {"b": 7}})),
        ),
        (json!({"ResultPath": "$"}), json!("text"), Ok(json!(7))),
        (
            json!({"ResultPath": "$.x"}),
            json!("text"),
            Err("States.ReferencePathConflict".to_owned()),
        ),
        (
            json!({"ResultPath": "$.x.z"}),
            json!({"x": [1]}),
            Err("States.ReferencePathConflict".to_owned()),
        ),
    ];
    for (result_path, input, want) in cases {
        let states = json!({"A": pass(state(json!({"Result": 7}), result_path.clone()))});
        let case = format!("{result_path} {input}");
        assert_eq!(ended(states, input).await, want, "case: {case}");
    }
}

#[tokio::test]
async fn choices_are_tried_in_order() {
    let rule = |name: &str, operator: &str, operand: Value| json!({"Variable": format!("$.{name}"), operator: operand, "Next": format!("{name} {operator}")});
    let rules = [
        rule("absent", "IsPresent", json!(true)),
        rule("flag", "BooleanEquals", json!(true)),
        rule("text", "StringEquals", json!("yes")),
        rule("number", "NumericEquals", json!(1)),
        rule("number", "IsPresent", json!(false)),
    ];
    let cases = [
        (
            json!({"flag": true, "text": "yes"}),
            Ok("flag BooleanEquals"),
        ),
        (
            json!({"flag": false, "text": "yes"}),
            Ok("text StringEquals"),
        ),
        (
            json!({"flag": "true", "text": "no", "number": 1.0}),
            Ok("number NumericEquals"),
        ),
        (json!({"flag": 1, "text": true, "number": "1"}), Ok("B")),
        (json!({"flag": null, "text": null, "number": null}), Ok("B")),
        (json!({"absent": null}), Ok("absent IsPresent")),
        (json!({"flag": false, "number": 1}), Err("States.Runtime")),
    ];
    let mut states = json!({
        "A": {"Type": "Choice", "Choices": rules, "Default": "B"},
        "B": pass(json!({"Result": "B"})),
    });
    for rule in &rules {
        let next = rule["Next"].as_str().expect("a state");
        states[next] = pass(json!({"Result": next}));
    }
    for (input, want) in cases {
        let want = want.map(Value::from).map_err(str::to_owned);
        assert_eq!(
            ended(states.clone(), input.clone()).await,
            want,
            "case: {input}"
        );
    }
}

#[tokio::test]
async fn without_a_match_or_a_default_a_choice_fails() {
    let rule = json!({"Variable": "$.a", "IsPresent": true, "Next": "A"});
    let states = json!({"A": {"Type": "Choice", "Choices": [rule]}});
    assert_eq!(
        ended(states, json!({})).await,
        Err("States.NoChoiceMatched".to_owned())
    );
}

#[tokio::test]
async fn a_fail_state_takes_error_and_cause_from_its_input() {
    let input = json!({"error": "E", "cause": {"Cause": "broke"}, "times": 2});
    let cases = [
        (json!({"Error": "E", "Cause": "c"}), failure("E", "c")),
        (json!({}), failure("", "")),
        (
            json!({"ErrorPath": "$.error", "CausePath": "States.Format('{}; {} times', $.cause.Cause, $.times)"}),
            failure("E", "broke; 2 times"),
        ),
        (
            json!({"ErrorPath": "$.error", "CausePath": "$.times"}),
            failure(
                "States.Runtime",
                "An error occurred while executing the state 'A'. 2 is not a string.",
            ),
        ),
        (
            json!({"ErrorPath": "$.error", "CausePath": "States.Format('{}', $.cause)"}),
            failure(
                "States.IntrinsicFailure",
                "An error occurred while executing the state 'A'. States.Format cannot print '$.cause'",
            ),
        ),
    ];
    for (fields, want) in cases {
        let states = json!({"A": state(json!({"Type": "Fail"}), fields)});
        let execution = execute(states, input.clone(), no_task).await;
        assert_eq!(execution.ended, Err(want));
        assert!(execution.history.is_empty());
    }
}

/// Fails with these errors one after the other, then succeeds; gives the end and the number of runs.
async fn failing(state: Value, errors: &[&str]) -> (Result<Value, String>, usize, u32) {
    let runs = Cell::new(0);
    let states = json!({"A": state, "Caught": {"Type": "Succeed"}});
    let execution = execute(states, json!({"a": 1}), async |_: &str, _| {
        runs.set(runs.get() + 1);
        match errors.get(runs.get() - 1) {
            Some(error) => Err(failure(error, "broke")),
            None => Ok(json!("done")),
        }
    })
    .await;
    let ended = execution.ended.map_err(|failure| failure.error);
    (ended, runs.get(), execution.transitions)
}

#[tokio::test]
async fn each_retrier_counts_its_own_attempts() {
    let retry = json!({"Retry": [
        {"ErrorEquals": ["X", "Y"], "MaxAttempts": 2},
        {"ErrorEquals": ["Z"], "MaxAttempts": 0},
        {"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 1},
    ]});
    let cases: [(&[&str], Result<&str, &str>, usize); 8] = [
        (&[], Ok("done"), 1),
        (&["X", "Y"], Ok("done"), 3),
        (&["X", "Y", "X"], Err("X"), 3),
        (&["X", "Other", "Y"], Ok("done"), 4),
        (&["Other", "Other"], Err("Other"), 2),
        (&["Z"], Err("Z"), 1),
        (&["States.Timeout"], Err("States.Timeout"), 1),
        (&["States.Runtime"], Err("States.Runtime"), 1),
    ];
    for (errors, want, runs) in cases {
        let want = want.map(Value::from).map_err(str::to_owned);
        let transitions = u32::try_from(runs).expect("few");
        assert_eq!(
            failing(task(retry.clone()), errors).await,
            (want, runs, transitions),
            "case: {errors:?}"
        );
    }
}

#[tokio::test]
async fn a_failure_that_is_not_retried_any_more_is_caught() {
    let fields = json!({"Retry": [{"ErrorEquals": ["X"], "MaxAttempts": 1}], "Catch": catch_all()});
    let caught = json!({"Error": "X", "Cause": "broke"});
    assert_eq!(failing(task(fields), &["X", "X"]).await, (Ok(caught), 2, 3));
}

#[tokio::test]
async fn the_first_catcher_that_takes_the_failure_says_where_it_goes() {
    let catch = json!({"Catch": [
        {"ErrorEquals": ["X"], "ResultPath": "$.x", "Next": "Caught"},
        {"ErrorEquals": ["Y"], "ResultPath": null, "Next": "Caught"},
        {"ErrorEquals": ["States.ALL"], "Next": "Caught"},
    ]});
    let cases = [
        (
            "X",
            Ok(json!({"a": 1, "x": {"Error": "X", "Cause": "broke"}})),
        ),
        ("Y", Ok(json!({"a": 1}))),
        ("Z", Ok(json!({"Error": "Z", "Cause": "broke"}))),
        ("States.Runtime", Err("States.Runtime".to_owned())),
    ];
    for (error, want) in cases {
        assert_eq!(
            failing(task(catch.clone()), &[error]).await.0,
            want,
            "case: {error}"
        );
    }
}

#[tokio::test]
async fn retries_wait_only_when_a_second_lasts() {
    let retry = json!({"Retry": [{"ErrorEquals": ["X"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 2}]});
    let machine = machine(&json!({"A": task(retry)})).with_second(Duration::from_millis(5));
    let start = Instant::now();
    let execution = machine
        .execute(ARN, json!({}), &async |_: &str, _| Err(failure("X", "")))
        .await;
    assert_eq!(execution.ended, Err(failure("X", "")));
    assert!(start.elapsed() >= Duration::from_millis(5 * (2 + 4)));
}

#[tokio::test]
async fn a_path_that_finds_nothing_cannot_be_caught() {
    let fields = json!({
        "Parameters": {"x.$": "$.b"},
        "Retry": [{"ErrorEquals": ["States.ALL"]}],
        "Catch": catch_all(),
    });
    let states = json!({"A": task(fields), "Caught": pass(json!({}))});
    let execution = execute(states, json!({"a": 1}), no_task).await;
    let cause = "An error occurred while executing the state 'A'. The JSONPath '$.b' specified for the field 'x.$' \
                 could not be found in the input '{\"a\":1}'";
    assert_eq!(execution.ended, Err(failure("States.Runtime", cause)));
    assert_eq!(execution.transitions, 1);
}

#[tokio::test]
async fn a_catcher_cannot_add_to_an_input_that_is_no_object() {
    let catch =
        json!([{"ErrorEquals": ["States.ALL"], "ResultPath": "$.caught", "Next": "Caught"}]);
    let states = json!({"A": task(json!({"Catch": catch})), "Caught": pass(json!({}))});
    assert_eq!(
        ended(states, json!("text")).await,
        Err("States.ReferencePathConflict".to_owned())
    );
}

#[tokio::test]
async fn data_over_the_limit_cannot_be_caught() {
    let text = |length| Value::from("x".repeat(length));
    let (fits, too_large) = (text(262_142), text(262_143));
    let whole = json!({"Parameters": {"whole.$": "$"}, "ResultPath": null});
    let small = json!({"Parameters": {}});
    let half = json!({"half": text(140_000)});
    let add = json!({"Parameters": {}, "ResultPath": "$.other"});
    let cases = [
        ("at the limit", json!({}), &fits, &fits, true),
        ("the state's input", small, &too_large, &fits, false),
        ("the task's input", whole, &fits, &json!(1), false),
        (
            "the task's result",
            json!({"ResultPath": null}),
            &json!(1),
            &too_large,
            false,
        ),
        ("the state's output", add, &half, &half, false),
    ];
    for (case, fields, input, result, fine) in cases {
        let fields = state(json!({"Catch": catch_all()}), fields);
        let states = json!({"A": task(fields), "Caught": pass(json!({}))});
        let execution = execute(states, input.clone(), async |_: &str, _| Ok(result.clone())).await;
        let error = execution.ended.err().map(|failure| failure.error);
        let want = (!fine).then(|| "States.DataLimitExceeded".to_owned());
        assert_eq!(error, want, "case: {case}");
    }
}

#[tokio::test]
async fn a_map_gives_its_results_in_the_items_order() {
    let selector =
        json!({"value.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index", "plan.$": "$.plan"});
    let each = json!({
        "A": task(json!({"End": null, "Next": "B"})),
        "B": pass(json!({})),
    });
    let map = map(
        &each,
        json!({"ItemSelector": selector, "ResultPath": "$.results"}),
    );
    let input = json!({"plan": "p", "items": [30, 20, 10]});
    let finished = RefCell::new(Vec::new());
    let execution = execute(json!({"A": map}), input, async |_: &str, input: Value| {
        let millis = input["value"].as_u64().expect("a number");
        tokio::time::sleep(Duration::from_millis(millis)).await;
        finished.borrow_mut().push(millis);
        Ok(input)
    })
    .await;
    assert_eq!(finished.into_inner(), [10, 20, 30]);
    let results = json!([
        {"value": 30, "index": 0, "plan": "p"},
        {"value": 20, "index": 1, "plan": "p"},
        {"value": 10, "index": 2, "plan": "p"},
    ]);
    let output = json!({"plan": "p", "items": [30, 20, 10], "results": results});
    assert_eq!(execution.ended, Ok(output));
    assert_eq!(execution.history.len(), 1);
    assert_eq!(execution.transitions, 1 + 3 * 2);
}

#[tokio::test]
async fn a_map_without_a_selector_gives_each_branch_its_item() {
    let states = json!({"A": map(&json!({"A": {"Type": "Succeed"}}), json!({}))});
    assert_eq!(
        ended(states, json!({"items": [1, {}]})).await,
        Ok(json!([1, {}]))
    );
}

/// Runs a map of 50 items, and gives the end and how many branches ran at once.
async fn most_at_once(concurrency: Value, input: Value) -> (Result<Value, String>, usize) {
    let (running, most) = (Cell::new(0), Cell::new(0));
    let states = json!({"A": map(&json!({"A": task(json!({"ResultPath": null}))}), concurrency)});
    let input = state(json!({"items": vec![0; 50]}), input);
    let execution = execute(states, input, async |_: &str, input| {
        running.set(running.get() + 1);
        most.set(most.get().max(running.get()));
        tokio::task::yield_now().await;
        running.set(running.get() - 1);
        Ok(input)
    })
    .await;
    (execution.ended.map_err(|failure| failure.error), most.get())
}

#[tokio::test]
async fn a_map_runs_no_more_branches_at_once_than_it_may() {
    let from_path = || json!({"MaxConcurrencyPath": "$.at_once"});
    let all = || Ok(json!(vec![0; 50]));
    let wrong = || Err("States.Runtime".to_owned());
    let cases = [
        (json!({"MaxConcurrency": 1}), json!({}), (all(), 1)),
        (from_path(), json!({"at_once": 3}), (all(), 3)),
        (from_path(), json!({"at_once": 0}), (all(), 40)),
        (from_path(), json!({"at_once": 60}), (all(), 40)),
        (json!({}), json!({}), (all(), 40)),
        (from_path(), json!({"at_once": "3"}), (wrong(), 0)),
        (from_path(), json!({}), (wrong(), 0)),
    ];
    for (concurrency, input, want) in cases {
        let case = format!("{concurrency} {input}");
        assert_eq!(most_at_once(concurrency, input).await, want, "case: {case}");
    }
}

#[tokio::test]
async fn a_branch_that_fails_ends_the_others_and_the_map_with_its_error() {
    let dropped = Cell::new(0);
    let states = json!({
        "A": map(&json!({"A": task(json!({}))}), json!({"Catch": catch_all()})),
        "Caught": pass(json!({})),
    });
    let execution = execute(
        states,
        json!({"items": [1, 2, 3]}),
        async |_: &str, input: Value| {
            if input == 2 {
                tokio::task::yield_now().await;
                return Err(failure("X", "the second"));
            }
            let _running = OnDrop(&dropped);
            std::future::pending().await
        },
    )
    .await;
    assert_eq!(
        execution.ended,
        Ok(json!({"Error": "X", "Cause": "the second"}))
    );
    assert_eq!(dropped.get(), 2);
    assert_eq!(execution.transitions, 1 + 3 + 1);
}

struct OnDrop<'a>(&'a Cell<u32>);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[tokio::test]
async fn what_nothing_handles_in_a_branch_is_not_caught_outside_either() {
    let each = json!({"A": pass(json!({"Parameters": {"x.$": "$.missing"}}))});
    let states = json!({"A": map(&each, json!({"Catch": catch_all()})), "Caught": pass(json!({}))});
    assert_eq!(
        ended(states, json!({"items": [{}]})).await,
        Err("States.Runtime".to_owned())
    );
}

#[tokio::test]
async fn items_that_are_missing_or_no_list_fail_the_map() {
    let states = json!({"A": map(&json!({"A": pass(json!({}))}), json!({}))});
    let cases = [
        (json!({}), "States.ReferencePathConflict"),
        (json!({"items": {}}), "States.Runtime"),
    ];
    for (input, want) in cases {
        assert_eq!(ended(states.clone(), input).await, Err(want.to_owned()));
    }
}

#[tokio::test]
#[should_panic(expected = "the execution never ends")]
async fn a_loop_without_an_end_panics() {
    let states = json!({"A": pass(json!({"End": null, "Next": "A"}))});
    drop(ended(states, json!({})).await);
}
