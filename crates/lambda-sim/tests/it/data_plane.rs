//! What a call returns, logs and costs.

use std::thread;

use power_tuner_lambda_sim::{
    Behaviour, Curve, FunctionError, FunctionSpec, LogFormat, Noise, Options, Response,
    SnapStartSpec,
};
use serde_json::{Value, json};

use crate::client::{Lambda, start, start_with};

fn behaving(behaviour: Behaviour) -> FunctionSpec {
    FunctionSpec {
        behaviour,
        ..FunctionSpec::named("f")
    }
}

fn per_megabyte(ms_times_mb: f64) -> Curve {
    Curve::Formula {
        base_ms: 10.0,
        ms_times_mb,
        flat_above_mb: 1769.0,
    }
}

/// Slow enough that calls overlap on a busy machine, too: a cold one takes a second.
fn start_waiting() -> Lambda {
    start_with(Options {
        time_scale: 4.0,
        ..Options::default()
    })
}

/// So many calls at once.
fn at_once(lambda: &Lambda, calls: usize) -> Vec<crate::client::Answer> {
    thread::scope(|scope| {
        let calls: Vec<_> = (0..calls)
            .map(|_| scope.spawn(|| lambda.invoke("f", &json!({}))))
            .collect();
        calls
            .into_iter()
            .map(|call| call.join().expect("an answer"))
            .collect()
    })
}

#[test]
fn a_call_returns_the_answer_the_version_and_the_log() {
    let lambda = start().with_f();
    let answer = lambda.invoke("f", &json!({ "id": 7 }));
    assert_eq!((answer.status, &answer.body), (200, &json!({ "id": 7 })));
    assert_eq!(answer.header("x-amz-executed-version"), "$LATEST");
    assert_eq!(answer.header("x-amz-function-error"), "");
    let id = answer.header("x-amzn-requestid").to_owned();
    let want = format!(
        "INIT_START Runtime Version: python3.13.v1\n\
         START RequestId: {id} Version: $LATEST\n\
         END RequestId: {id}\n\
         REPORT RequestId: {id}\tDuration: 100.00 ms\tBilled Duration: 250 ms\tMemory Size: 512 MB\t\
         Max Memory Used: 64 MB\tInit Duration: 150.00 ms\t\n"
    );
    assert_eq!(answer.log(), want);
}

#[test]
fn the_log_comes_only_if_it_is_asked_for() {
    let lambda = start().with_f();
    let answer = lambda.send("POST", "/2015-03-31/functions/f/invocations", &json!({}));
    assert_eq!(
        (answer.status, answer.header("x-amz-log-result")),
        (200, "")
    );
}

#[test]
fn a_dry_run_calls_nothing() {
    let lambda = start().with_f();
    let dry_run = [("x-amz-invocation-type", "DryRun")];
    let answer = lambda
        .try_send(
            "POST",
            "/2015-03-31/functions/f/invocations",
            &dry_run,
            "{}",
        )
        .expect("an answer");
    assert_eq!(answer.status, 204);
    assert!(
        lambda
            .sim()
            .snapshot("f")
            .expect("f")
            .invocations
            .is_empty()
    );
}

#[test]
fn an_event_that_is_no_json_is_refused() {
    let lambda = start().with_f();
    let answer = lambda
        .try_send("POST", "/2015-03-31/functions/f/invocations", &[], "{")
        .expect("an answer");
    assert_eq!(
        (answer.status, answer.header("x-amzn-errortype")),
        (400, "InvalidRequestContentException")
    );
}

#[test]
fn the_first_call_of_an_environment_is_cold_and_init_is_billed() {
    let lambda = start().with_f();
    let (cold, warm) = (
        lambda.invoke("f", &json!({})),
        lambda.invoke("f", &json!({})),
    );
    assert_eq!(
        (
            cold.field("Init Duration").as_str(),
            cold.field("Billed Duration").as_str()
        ),
        ("150.00 ms", "250 ms")
    );
    assert_eq!(
        (
            warm.field("Init Duration").as_str(),
            warm.field("Billed Duration").as_str()
        ),
        ("", "100 ms")
    );
}

#[test]
fn each_version_has_environments_of_its_own_and_an_update_replaces_those_of_latest() {
    let lambda = start().with_f();
    let is_cold = |name: &str| {
        !lambda
            .invoke(name, &json!({}))
            .field("Init Duration")
            .is_empty()
    };
    assert!(is_cold("f") && !is_cold("f"));
    lambda.publish_active("f");
    assert!(is_cold("f:1") && !is_cold("f:1"));
    lambda.set_memory("f", 1024);
    assert!(is_cold("f") && !is_cold("f:1"));
}

#[test]
fn an_environment_made_in_advance_shows_and_bills_no_init() {
    for log_format in [LogFormat::Text, LogFormat::Json] {
        let behaviour = Behaviour {
            initialised_in_advance: 1.0,
            ..Behaviour::default()
        };
        let lambda = start().with(FunctionSpec {
            log_format,
            ..behaving(behaviour)
        });
        let log = lambda.invoke("f", &json!({})).log();
        assert!(
            log.contains("Billed Duration: 100 ms\t") || log.contains("\"billedDurationMs\":100,"),
            "{log}"
        );
        let lower = log.to_lowercase();
        assert!(!lower.contains("init"), "{log}");
    }
}

#[test]
fn a_share_of_the_new_environments_of_each_version_is_made_in_advance() {
    // Each call runs out of memory, which ends its environment: all are new.
    let lambda = start().with(behaving(Behaviour {
        initialised_in_advance: 0.5,
        fails_below_mb: Some(1024),
        ..Behaviour::default()
    }));
    lambda.publish_active("f");
    let is_cold = |name| {
        let answer = lambda.invoke(name, &json!({}));
        !answer.field("Init Duration").is_empty()
    };
    assert_eq!([(); 4].map(|()| is_cold("f")), [true, false, true, false]);
    assert_eq!([(); 2].map(|()| is_cold("f:1")), [true, false]);
    assert!(is_cold("f"));
    lambda.update("f", &json!({ "Description": "other" }));
    lambda.settle("f");
    assert!(is_cold("f"), "an update begins anew");
}

#[test]
fn calls_at_once_are_one_cold_start_each() {
    let lambda = start_waiting().with_f();
    let cold = |answers: Vec<crate::client::Answer>| {
        answers
            .iter()
            .filter(|answer| !answer.field("Init Duration").is_empty())
            .count()
    };
    assert_eq!(cold(at_once(&lambda, 4)), 4);
    assert_eq!(cold(at_once(&lambda, 4)), 0);
}

#[test]
fn a_formula_gets_faster_with_memory_up_to_one_vcpu() {
    let lambda = start().with(behaving(Behaviour {
        duration: per_megabyte(176_900.0),
        ..Behaviour::default()
    }));
    let cases = [
        (128, "1392.03 ms"),
        (512, "355.51 ms"),
        (1769, "110.00 ms"),
        (3008, "110.00 ms"),
    ];
    for (memory_mb, want) in cases {
        lambda.set_memory("f", memory_mb);
        assert_eq!(
            lambda.invoke("f", &json!({})).field("Duration"),
            want,
            "{memory_mb} MB"
        );
    }
}

#[test]
fn points_are_joined_on_logarithmic_axes_and_level_outside() {
    let points = vec![(256.0, 400.0), (1024.0, 100.0)];
    let lambda = start().with(behaving(Behaviour {
        duration: Curve::Points { points },
        ..Behaviour::default()
    }));
    let cases = [
        (128, "400.00 ms"),
        (256, "400.00 ms"),
        (512, "200.00 ms"),
        (1024, "100.00 ms"),
        (2048, "100.00 ms"),
    ];
    for (memory_mb, want) in cases {
        lambda.set_memory("f", memory_mb);
        assert_eq!(
            lambda.invoke("f", &json!({})).field("Duration"),
            want,
            "{memory_mb} MB"
        );
    }
}

#[test]
fn noise_depends_on_the_seed_and_the_call_and_not_on_other_sizes() {
    let noise = Noise {
        coefficient: 0.1,
        tail_probability: 0.2,
        tail_factor: 4.0,
    };
    let spec = || {
        behaving(Behaviour {
            noise,
            duration: per_megabyte(100_000.0),
            ..Behaviour::default()
        })
    };
    let started = |seed: u64| {
        start_with(Options {
            seed,
            time_scale: 0.0,
            ..Options::default()
        })
        .with(spec())
    };
    let (one, same, other) = (started(1), started(1), started(2));
    let alone = one.durations("f", 6);
    same.publish_active("f");
    same.set_memory("f", 1024);
    let mut between = Vec::new();
    for _ in 0..6 {
        same.durations("f", 1);
        between.extend(same.durations("f:1", 1));
    }
    assert_eq!(alone, between);
    assert_ne!(alone, other.durations("f", 6));
    assert_ne!(alone[0], alone[1]);
}

#[test]
fn the_curve_is_the_median_and_the_tail_is_on_the_right() {
    let noise = Noise {
        coefficient: 0.02,
        tail_probability: 0.05,
        tail_factor: 5.0,
    };
    let lambda = start().with(behaving(Behaviour {
        noise,
        ..Behaviour::default()
    }));
    let mut durations: Vec<f64> = lambda
        .durations("f", 400)
        .iter()
        .map(|text| text.trim_end_matches(" ms").parse().expect("a number"))
        .collect();
    durations.sort_by(f64::total_cmp);
    let (shortest, median, longest) = (durations[0], durations[200], durations[399]);
    assert!((98.0..102.0).contains(&median), "{median}");
    assert!(shortest > 90.0 && longest > 200.0, "{shortest} {longest}");
}

#[test]
fn a_function_can_run_out_of_memory_below_a_size() {
    let lambda = start().with(behaving(Behaviour {
        fails_below_mb: Some(256),
        ..Behaviour::default()
    }));
    assert_eq!(
        lambda
            .invoke("f", &json!({}))
            .header("x-amz-function-error"),
        ""
    );
    lambda.set_memory("f", 128);
    let answer = lambda.invoke("f", &json!({}));
    let id = answer.header("x-amzn-requestid");
    assert_eq!(
        (answer.status, answer.header("x-amz-function-error")),
        (200, "Unhandled")
    );
    let message = format!("RequestId: {id} Error: Runtime exited with error: signal: killed");
    assert_eq!(
        answer.body,
        json!({ "errorType": "Runtime.ExitError", "errorMessage": message })
    );
    assert!(
        answer
            .report()
            .ends_with("\tStatus: error\tError Type: Runtime.OutOfMemory"),
        "{}",
        answer.report()
    );
    assert_eq!(answer.field("Max Memory Used"), "128 MB");
    assert!(
        !lambda
            .invoke("f", &json!({}))
            .field("Init Duration")
            .is_empty(),
        "the environment is gone"
    );
}

#[test]
fn a_function_can_take_longer_than_its_timeout() {
    let behaviour = Behaviour {
        duration: per_megabyte(2_000_000.0),
        ..Behaviour::default()
    };
    let lambda = start().with(FunctionSpec {
        timeout_s: 3,
        ..behaving(behaviour)
    });
    let answer = lambda.invoke("f", &json!({}));
    let id = answer.header("x-amzn-requestid").to_owned();
    assert_eq!(
        (answer.status, answer.header("x-amz-function-error")),
        (200, "Unhandled")
    );
    let message = answer.body["errorMessage"].as_str().expect("a message");
    assert!(
        message.ends_with(&format!("Z {id} Task timed out after 3.00 seconds")),
        "{message}"
    );
    assert!(answer.log().contains(message));
    assert_eq!(
        (answer.field("Duration"), answer.field("Status")),
        ("3000.00 ms".to_owned(), "timeout".to_owned())
    );
}

#[test]
fn a_function_can_raise_an_error_of_its_own() {
    let error = FunctionError {
        error_type: "KeyError".to_owned(),
        error_message: "'id'".to_owned(),
        every_nth: 2,
    };
    let lambda = start().with(behaving(Behaviour {
        fails_with: Some(error),
        ..Behaviour::default()
    }));
    let answers = [(); 4].map(|()| lambda.invoke("f", &json!({})));
    let errors = answers
        .each_ref()
        .map(|answer| answer.header("x-amz-function-error"));
    assert_eq!(errors, ["", "Unhandled", "", "Unhandled"]);
    assert_eq!(
        (
            &answers[1].body["errorType"],
            &answers[1].body["errorMessage"]
        ),
        (&json!("KeyError"), &json!("'id'"))
    );
    assert_eq!(answers[1].field("Billed Duration"), "100 ms");
}

#[test]
fn a_function_can_return_something_fixed_or_something_large() {
    let fixed = Response::Json {
        value: json!([1, 2]),
    };
    let cases = [
        (fixed, 200, "", 5),
        (Response::Bytes { bytes: 1000 }, 200, "", 1002),
    ];
    for (response, status, error, length) in cases {
        let lambda = start().with(behaving(Behaviour {
            response,
            ..Behaviour::default()
        }));
        let answer = lambda.invoke("f", &json!({}));
        assert_eq!(
            (answer.status, answer.header("x-amz-function-error")),
            (status, error)
        );
        assert_eq!(answer.body.to_string().len(), length);
    }
    let response = Response::Bytes { bytes: 7_000_000 };
    let answer = start()
        .with(behaving(Behaviour {
            response,
            ..Behaviour::default()
        }))
        .invoke("f", &json!({}));
    assert_eq!(answer.body["errorType"], "Function.ResponseSizeTooLarge");
}

#[test]
fn the_json_format_reports_in_an_object() {
    let lambda = start().with(FunctionSpec {
        log_format: LogFormat::Json,
        log_lines: vec!["a plain line".to_owned()],
        ..FunctionSpec::named("f")
    });
    let answer = lambda.invoke("f", &json!({}));
    let id = answer.header("x-amzn-requestid").to_owned();
    let log = answer.log();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[2], "a plain line");
    let events: Vec<Value> = lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let types: Vec<&str> = events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    assert_eq!(
        types,
        [
            "platform.initStart",
            "platform.start",
            "platform.runtimeDone",
            "platform.report"
        ]
    );
    let want = json!({
        "requestId": id,
        "status": "success",
        "metrics": {
            "durationMs": 100.0, "billedDurationMs": 250, "memorySizeMB": 512, "maxMemoryUsedMB": 64,
            "initDurationMs": 150.0,
        },
    });
    assert_eq!(events[3]["record"], want);
}

#[test]
fn the_log_is_cut_to_its_last_4_kilobytes() {
    for log_format in [LogFormat::Text, LogFormat::Json] {
        let lambda = start().with(FunctionSpec {
            log_bytes: 5000,
            log_format,
            ..FunctionSpec::named("f")
        });
        let log = lambda.invoke("f", &json!({})).log();
        assert_eq!(log.len(), 4096);
        assert!(!log.contains("START") && !log.contains("platform.start"));
    }
}

#[test]
fn an_init_over_ten_seconds_is_repeated_in_the_call_and_not_reported() {
    let lambda = start().with(behaving(Behaviour {
        init_ms: 12_000.0,
        ..Behaviour::default()
    }));
    let answer = lambda.invoke("f", &json!({}));
    let id = answer.header("x-amzn-requestid");
    let want = format!(
        "INIT_START Runtime Version: python3.13.v1\n\
         INIT_REPORT Init Duration: 10000.12 ms\tPhase: init\tStatus: timeout\n\
         START RequestId: {id} Version: $LATEST\n\
         END RequestId: {id}\n\
         REPORT RequestId: {id}\tDuration: 12100.00 ms\tBilled Duration: 12100 ms\tMemory Size: 512 MB\t\
         Max Memory Used: 64 MB\t\n"
    );
    assert_eq!(answer.log(), want);
    let warm = lambda.invoke("f", &json!({}));
    assert!(!warm.log().contains("INIT_"), "{}", warm.log());
    assert_eq!(warm.field("Duration"), "100.00 ms");
}

#[test]
fn an_init_over_ten_seconds_is_an_event_in_the_json_format() {
    let lambda = start().with(FunctionSpec {
        log_format: LogFormat::Json,
        ..behaving(Behaviour {
            init_ms: 12_000.0,
            ..Behaviour::default()
        })
    });
    let log = lambda.invoke("f", &json!({})).log();
    let events: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event"))
        .collect();
    let types: Vec<&str> = events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    assert_eq!(
        types,
        [
            "platform.initStart",
            "platform.initReport",
            "platform.start",
            "platform.runtimeDone",
            "platform.report"
        ]
    );
    let want = json!({
        "initializationType": "on-demand",
        "phase": "init",
        "status": "timeout",
        "metrics": { "durationMs": 10000.12 },
    });
    assert_eq!(events[1]["record"], want);
    let want = json!({
        "durationMs": 12100.0, "billedDurationMs": 12100, "memorySizeMB": 512, "maxMemoryUsedMB": 64,
    });
    assert_eq!(events[4]["record"]["metrics"], want);
    let warm = lambda.invoke("f", &json!({})).log();
    assert!(!warm.contains("platform.init"), "{warm}");
}

#[test]
fn a_version_with_snap_start_restores_instead() {
    let snap_start = Some(SnapStartSpec {
        restore_ms: 80.5,
        publish_ms: 1.0,
    });
    let lambda = start().with(FunctionSpec {
        snap_start,
        ..FunctionSpec::named("f")
    });
    lambda.publish_active("f");
    let answer = lambda.invoke("f:1", &json!({}));
    let end = "Restore Duration: 80.50 ms\tBilled Restore Duration: 81 ms\t";
    assert!(answer.report().ends_with(end), "{}", answer.report());
    assert_eq!(
        (
            answer.field("Billed Duration").as_str(),
            answer.field("Init Duration").as_str()
        ),
        ("181 ms", "")
    );
    assert_eq!(
        lambda.invoke("f", &json!({})).field("Init Duration"),
        "150.00 ms",
        "$LATEST does not"
    );
}

#[test]
fn reserved_concurrency_throttles() {
    let lambda = start_waiting().with_f();
    lambda.send(
        "PUT",
        "/2017-10-31/functions/f/concurrency",
        &json!({ "ReservedConcurrentExecutions": 2 }),
    );
    let throttled: Vec<_> = at_once(&lambda, 5)
        .into_iter()
        .filter(|answer| answer.status == 429)
        .collect();
    assert_eq!(throttled.len(), 3);
    let reason = "ReservedFunctionConcurrentInvocationLimitExceeded";
    assert_eq!(
        throttled[0].body,
        json!({ "Type": "User", "Reason": reason, "message": "Rate Exceeded." })
    );
    assert_eq!(
        throttled[0].header("x-amzn-errortype"),
        "TooManyRequestsException"
    );
    assert_eq!(lambda.invoke("f", &json!({})).status, 200);
}

#[test]
fn no_reserved_concurrency_means_no_calls() {
    let lambda = start().with_f();
    lambda.send(
        "PUT",
        "/2017-10-31/functions/f/concurrency",
        &json!({ "ReservedConcurrentExecutions": 0 }),
    );
    assert_eq!(lambda.invoke("f", &json!({})).status, 429);
}

#[test]
fn the_account_throttles_and_counts_who_else_is_running() {
    let options = Options {
        account_concurrency: 10,
        concurrency_used_elsewhere: 7,
        time_scale: 4.0,
        ..Options::default()
    };
    let lambda = start_with(options).with_f();
    let throttled: Vec<_> = at_once(&lambda, 5)
        .into_iter()
        .filter(|answer| answer.status == 429)
        .collect();
    assert_eq!(throttled.len(), 2);
    assert_eq!(
        throttled[0].body["Reason"],
        "ConcurrentInvocationLimitExceeded"
    );
}

#[test]
fn a_call_waits_for_its_duration_on_the_scale() {
    let lambda = start_with(Options {
        time_scale: 0.1,
        ..Options::default()
    })
    .with(behaving(Behaviour {
        duration: Curve::Formula {
            base_ms: 2000.0,
            ms_times_mb: 0.0,
            flat_above_mb: 1769.0,
        },
        init_ms: 1000.0,
        ..Behaviour::default()
    }));
    let started = std::time::Instant::now();
    let answer = lambda.invoke("f", &json!({}));
    let waited = started.elapsed().as_millis();
    assert!((300..1500).contains(&waited), "{waited} ms");
    assert_eq!(answer.field("Duration"), "2000.00 ms");
}
