//! The rules that hold for functions, versions, aliases and concurrency.

use power_tuner_lambda_sim::{FunctionSpec, Options, SnapStartSpec};
use serde_json::{Value, json};

use crate::client::{refusal, start, start_with};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
const STALE: &str = "The Revision Id provided does not match the latest Revision Id. \
                     Call the GetFunction/GetAlias API to retrieve the latest Revision Id";

#[test]
fn a_configuration_has_the_fields_that_lambda_shows() {
    let lambda = start().with(FunctionSpec {
        environment: [("STAGE".to_owned(), "test".to_owned())].into(),
        ..FunctionSpec::named("f")
    });
    let mut shown = lambda.configuration("f");
    let revision = shown["RevisionId"].take();
    assert_eq!(revision.as_str().map(str::len), Some(36));
    let modified = shown["LastModified"].take();
    assert!(
        modified
            .as_str()
            .is_some_and(|date| date.len() == 28 && date.ends_with("+0000")),
        "{modified}"
    );
    let code = shown["CodeSha256"].take();
    assert_eq!(code.as_str().map(str::len), Some(44));
    let want = json!({
        "FunctionName": "f", "FunctionArn": ARN, "Runtime": "python3.13", "Handler": "app.handler",
        "Role": "arn:aws:iam::123456789012:role/f", "CodeSize": 1024, "CodeSha256": null, "Description": "",
        "Timeout": 30, "MemorySize": 512, "LastModified": null, "Version": "$LATEST", "RevisionId": null,
        "Environment": { "Variables": { "STAGE": "test" } }, "TracingConfig": { "Mode": "PassThrough" },
        "State": "Active", "LastUpdateStatus": "Successful", "PackageType": "Zip", "Architectures": ["arm64"],
        "EphemeralStorage": { "Size": 512 }, "LoggingConfig": { "LogFormat": "Text", "LogGroup": "/aws/lambda/f" },
        "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
    });
    assert_eq!(shown, want);
}

#[test]
fn a_function_is_found_by_every_form_of_its_name() {
    let lambda = start().with_f();
    let version = lambda.publish_active("f");
    lambda.create_alias("f", "live", &version);
    let cases = [
        ("f", "$LATEST", ARN),
        ("f:1", "1", &format!("{ARN}:1")),
        ("f:live", "1", &format!("{ARN}:live")),
        ("function:f:1", "1", &format!("{ARN}:1")),
        ("123456789012:function:f", "$LATEST", ARN),
        (
            "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af%3Alive",
            "1",
            &format!("{ARN}:live"),
        ),
    ];
    for (name, version, arn) in cases {
        let shown = lambda.configuration(name);
        assert_eq!(
            (&shown["Version"], &shown["FunctionArn"]),
            (&json!(version), &json!(arn)),
            "{name}"
        );
    }
    let by_parameter = lambda.get("/2015-03-31/functions/f/configuration?Qualifier=live");
    assert_eq!(by_parameter.body["Version"], "1");
}

#[test]
fn what_is_not_there_is_404_with_its_arn() {
    let lambda = start().with_f();
    let get = |name: &str| {
        lambda
            .get(&format!("/2015-03-31/functions/{name}/configuration"))
            .refusal()
    };
    let missing = |arn: &str| {
        refusal(
            404,
            "ResourceNotFoundException",
            &format!("Function not found: {arn}"),
        )
    };
    assert_eq!(
        get("other"),
        missing("arn:aws:lambda:us-east-1:123456789012:function:other")
    );
    assert_eq!(get("f:7"), missing(&format!("{ARN}:7")));
    assert_eq!(get("f:live"), missing(&format!("{ARN}:live")));
    let elsewhere = get("arn:aws:lambda:eu-west-1:123456789012:function:f");
    assert_eq!(elsewhere.0, 404);
    assert_eq!(
        get("arn:aws:lambda:us-east-1:999999999999:function:f").0,
        403
    );
    let twice = lambda.get("/2015-03-31/functions/f:1/configuration?Qualifier=2");
    assert_eq!(twice.status, 400, "two qualifiers that differ");
}

#[test]
fn a_refusal_has_the_form_of_rest_json() {
    let answer = start().get("/2015-03-31/functions/f/configuration");
    assert_eq!(
        answer.body,
        json!({ "Type": "User", "Message": format!("Function not found: {ARN}") })
    );
    assert_eq!(
        answer.header("x-amzn-errortype"),
        "ResourceNotFoundException"
    );
    assert_eq!(answer.header("x-amzn-requestid").len(), 36);
}

#[test]
fn an_unknown_call_is_refused_as_not_simulated() {
    let answer = start().get("/2015-03-31/event-source-mappings");
    assert_eq!(
        (answer.status, answer.header("x-amzn-errortype")),
        (501, "NotSimulated")
    );
}

#[test]
fn an_update_is_in_progress_first_and_changes_the_revision_at_both_ends() {
    let lambda = start().with_f();
    let before = lambda.configuration("f");
    let updated = lambda.update("f", &json!({ "MemorySize": 1024 })).body;
    assert_eq!(
        (&updated["LastUpdateStatus"], &updated["MemorySize"]),
        (&json!("InProgress"), &json!(1024))
    );
    let seen = lambda.configuration("f");
    assert_eq!(seen, updated);
    let after = lambda.configuration("f");
    assert_eq!(
        (&after["LastUpdateStatus"], &after["MemorySize"]),
        (&json!("Successful"), &json!(1024))
    );
    assert_ne!(before["RevisionId"], updated["RevisionId"]);
    assert_ne!(updated["RevisionId"], after["RevisionId"]);
}

#[test]
fn an_update_takes_its_time_where_time_passes() {
    let lambda = start_with(Options {
        time_scale: 1.0,
        ..Options::default()
    })
    .with_f();
    lambda.update("f", &json!({ "MemorySize": 1024 }));
    let statuses = [lambda.configuration("f"), lambda.configuration("f")]
        .map(|seen| seen["LastUpdateStatus"].clone());
    assert_eq!(statuses, ["InProgress", "InProgress"]);
    assert_eq!(lambda.settle("f")["LastUpdateStatus"], "Successful");
}

#[test]
fn writes_conflict_while_an_update_is_in_progress() {
    let message = format!(
        "The operation cannot be performed at this time. An update is in progress for resource: {ARN}"
    );
    let want = refusal(409, "ResourceConflictException", &message);
    let writes = [
        (
            "PUT",
            "/2015-03-31/functions/f/configuration",
            json!({ "MemorySize": 256 }),
        ),
        (
            "PUT",
            "/2015-03-31/functions/f/code",
            json!({ "ZipFile": "AAAA" }),
        ),
        ("POST", "/2015-03-31/functions/f/versions", json!({})),
    ];
    for (method, path, body) in writes {
        let lambda = start().with_f();
        lambda.update("f", &json!({ "MemorySize": 1024 }));
        assert_eq!(lambda.send(method, path, &body).refusal(), want, "{path}");
    }
}

#[test]
fn calls_run_with_the_old_configuration_until_an_update_is_through() {
    let lambda = start().with_f();
    lambda.update("f", &json!({ "MemorySize": 1024 }));
    assert_eq!(
        lambda.invoke("f", &json!({})).field("Memory Size"),
        "512 MB"
    );
    lambda.settle("f");
    assert_eq!(
        lambda.invoke("f", &json!({})).field("Memory Size"),
        "1024 MB"
    );
}

#[test]
fn a_stale_revision_id_is_412() {
    let lambda = start().with_f();
    let old = lambda.configuration("f")["RevisionId"].clone();
    lambda.set_memory("f", 1024);
    let want = refusal(412, "PreconditionFailedException", STALE);
    assert_eq!(
        lambda
            .update("f", &json!({ "MemorySize": 256, "RevisionId": old }))
            .refusal(),
        want
    );
    assert_eq!(
        lambda.publish("f", &json!({ "RevisionId": old })).refusal(),
        want
    );
    let code = json!({ "ZipFile": "AAAA", "RevisionId": old });
    assert_eq!(
        lambda
            .send("PUT", "/2015-03-31/functions/f/code", &code)
            .refusal(),
        want
    );
    let fresh = lambda.configuration("f")["RevisionId"].clone();
    assert_eq!(
        lambda
            .update("f", &json!({ "MemorySize": 256, "RevisionId": fresh }))
            .status,
        200
    );
}

#[test]
fn memory_has_limits() {
    let lambda = start().with_f();
    let too_small = "1 validation error detected: Value '64' at 'memorySize' failed to satisfy constraint: \
                     Member must have value greater than or equal to 128";
    let too_large = "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240";
    let set = |memory_mb: u32| {
        lambda
            .update("f", &json!({ "MemorySize": memory_mb }))
            .refusal()
    };
    assert_eq!(set(64), refusal(400, "ValidationException", too_small));
    assert_eq!(
        set(10_241),
        refusal(400, "InvalidParameterValueException", too_large)
    );
    assert_eq!(lambda.configuration("f")["MemorySize"], 512);
}

#[test]
fn a_new_account_has_a_lower_memory_limit() {
    let lambda = start_with(Options {
        largest_memory_mb: 3008,
        ..Options::default()
    })
    .with_f();
    assert_eq!(
        lambda.update("f", &json!({ "MemorySize": 3009 })).status,
        400
    );
    assert_eq!(
        lambda.update("f", &json!({ "MemorySize": 3008 })).status,
        200
    );
}

#[test]
fn a_deployment_changes_other_settings_and_the_code() {
    let lambda = start().with_f();
    let before = lambda.configuration("f");
    let change =
        json!({ "Description": "new", "Timeout": 3, "Environment": { "Variables": { "A": "1" } } });
    lambda.update("f", &change);
    lambda.settle("f");
    lambda.send(
        "PUT",
        "/2015-03-31/functions/f/code",
        &json!({ "ZipFile": "AAAA" }),
    );
    let after = lambda.settle("f");
    assert_eq!(after["Description"], "new");
    assert_eq!(after["Timeout"], 3);
    assert_eq!(after["Environment"], change["Environment"]);
    assert_ne!(after["CodeSha256"], before["CodeSha256"]);
    assert_eq!(after["MemorySize"], before["MemorySize"]);
}

#[test]
fn a_setting_that_is_not_simulated_is_refused_and_not_ignored() {
    let answer = start().with_f().update("f", &json!({ "VpcConfig": {} }));
    assert_eq!(
        (answer.status, answer.header("x-amzn-errortype")),
        (400, "SerializationException")
    );
}

#[test]
fn publishing_freezes_latest_and_makes_its_revision_stale() {
    let lambda = start().with_f();
    let before = lambda.configuration("f")["RevisionId"].clone();
    let published = lambda.publish("f", &json!({ "Description": "first" }));
    assert_eq!(published.status, 201);
    assert_eq!(published.body["Version"], "1");
    assert_eq!(published.body["FunctionArn"], format!("{ARN}:1"));
    assert_eq!(published.body["Description"], "first");
    assert_ne!(lambda.configuration("f")["RevisionId"], before);
    lambda.set_memory("f", 1024);
    assert_eq!(lambda.settle("f:1")["MemorySize"], 512);
    assert_eq!(lambda.configuration("f")["Description"], "");
}

#[test]
fn a_new_version_is_pending_and_cannot_be_called_until_it_is_active() {
    let lambda = start().with_f();
    let published = lambda.publish("f", &json!({})).body;
    assert_eq!(
        (&published["State"], &published["StateReasonCode"]),
        (&json!("Pending"), &json!("Creating"))
    );
    let message = "The operation cannot be performed at this time. \
                   The function is currently in the following state: Pending";
    assert_eq!(
        lambda.invoke("f:1", &json!({})).refusal(),
        refusal(409, "ResourceConflictException", message)
    );
    let active = lambda.settle("f:1");
    assert_eq!(active["State"], "Active");
    assert_eq!(active["RevisionId"], published["RevisionId"]);
    assert_eq!(
        lambda
            .invoke("f:1", &json!({}))
            .header("x-amz-executed-version"),
        "1"
    );
}

#[test]
fn publishing_without_a_change_returns_the_last_version_with_its_old_description() {
    let lambda = start().with_f();
    lambda.publish("f", &json!({ "Description": "first" }));
    let revision = lambda.configuration("f")["RevisionId"].clone();
    let again = lambda.publish("f", &json!({ "Description": "second" }));
    assert_eq!(
        (
            again.status,
            &again.body["Version"],
            &again.body["Description"]
        ),
        (201, &json!("1"), &json!("first"))
    );
    assert_eq!(lambda.configuration("f")["RevisionId"], revision);
}

#[test]
fn publishing_what_an_earlier_but_not_the_last_version_holds_makes_a_new_one() {
    let lambda = start().with_f();
    lambda.publish_active("f");
    lambda.set_memory("f", 1024);
    lambda.publish_active("f");
    lambda.set_memory("f", 512);
    assert_eq!(lambda.publish_active("f"), "3");
}

#[test]
fn a_version_number_is_never_given_again() {
    let lambda = start().with_f();
    lambda.publish_active("f");
    assert_eq!(lambda.delete("f:1").status, 204);
    assert_eq!(lambda.publish_active("f"), "2");
}

#[test]
fn publishing_other_code_than_expected_is_refused() {
    let lambda = start().with_f();
    let current = lambda.configuration("f")["CodeSha256"].clone();
    let answer = lambda.publish("f", &json!({ "CodeSha256": "other" }));
    let message = format!(
        "CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ({}). \
         Please try again with the CodeSHA256 in $LATEST.",
        current.as_str().unwrap_or_default()
    );
    assert_eq!(
        answer.refusal(),
        refusal(400, "InvalidParameterValueException", &message)
    );
    assert_eq!(
        lambda
            .publish("f", &json!({ "CodeSha256": current }))
            .status,
        201
    );
}

#[test]
fn a_version_that_takes_no_time_is_active_at_once() {
    let lambda = start().with(FunctionSpec {
        publish_ms: Some(0.0),
        ..FunctionSpec::named("f")
    });
    let published = lambda.publish("f", &json!({})).body;
    assert_eq!(published["State"], "Active");
}

#[test]
fn publishing_with_snap_start_takes_minutes() {
    let snap_start = Some(SnapStartSpec {
        restore_ms: 80.0,
        publish_ms: 120_000.0,
    });
    let lambda = start_with(Options {
        time_scale: 0.005,
        ..Options::default()
    })
    .with(FunctionSpec {
        snap_start,
        ..FunctionSpec::named("f")
    });
    let published = lambda.publish("f", &json!({})).body;
    assert_eq!(
        published["SnapStart"],
        json!({ "ApplyOn": "PublishedVersions", "OptimizationStatus": "On" })
    );
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!(lambda.configuration("f:1")["State"], "Pending");
    assert_eq!(lambda.settle("f:1")["State"], "Active");
}

#[test]
fn versions_are_listed_in_pages_without_their_states() {
    let lambda = start().with_f();
    for memory_mb in [600, 700, 800] {
        lambda.set_memory("f", memory_mb);
        lambda.publish_active("f");
    }
    let first = lambda
        .get("/2015-03-31/functions/f/versions?MaxItems=3")
        .body;
    let names = |page: &Value| -> Vec<String> {
        let rows = page["Versions"].as_array().expect("rows").iter();
        rows.map(|row| row["Version"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(names(&first), ["$LATEST", "1", "2"]);
    assert_eq!(first["Versions"][1]["State"], Value::Null);
    assert_eq!(first["Versions"][1]["LastUpdateStatus"], Value::Null);
    assert_eq!(first["Versions"][1]["MemorySize"], 600);
    let marker = first["NextMarker"].as_str().expect("a marker");
    let last = lambda
        .get(&format!(
            "/2015-03-31/functions/f/versions?MaxItems=3&Marker={marker}"
        ))
        .body;
    assert_eq!(names(&last), ["3"]);
    assert_eq!(last["NextMarker"], Value::Null);
}

#[test]
fn a_version_goes_alone_and_a_function_with_everything() {
    let lambda = start().with_f();
    lambda.publish_active("f");
    assert_eq!(lambda.delete("f:1").status, 204);
    assert_eq!(lambda.configuration("f")["Version"], "$LATEST");
    assert_eq!(lambda.delete("f:1").status, 204, "a version that is gone");
    assert_eq!(lambda.delete("f?Qualifier=$LATEST").status, 400);
    assert_eq!(
        lambda.delete("f:live").refusal().2,
        "Deletion of aliases is not currently supported."
    );
    assert_eq!(lambda.delete("f").status, 204);
    assert_eq!(lambda.delete("f").status, 404);
}

#[test]
fn a_version_with_an_alias_cannot_be_deleted() {
    let lambda = start().with_f();
    lambda.publish_active("f");
    lambda.create_alias("f", "live", "1");
    let message = "Unable to delete version because the following aliases reference it: [live]";
    assert_eq!(
        lambda.delete("f:1").refusal(),
        refusal(409, "ResourceConflictException", message)
    );
}

#[test]
fn an_alias_is_made_read_changed_listed_and_deleted() {
    let lambda = start().with_f();
    lambda.publish_active("f");
    let made = lambda.create_alias("f", "live", "$LATEST");
    assert_eq!(made.status, 201);
    let mut shown = lambda.get("/2015-03-31/functions/f/aliases/live").body;
    assert_eq!(shown, made.body);
    let revision = shown["RevisionId"].take();
    let want = json!({
        "AliasArn": format!("{ARN}:live"), "Name": "live", "FunctionVersion": "$LATEST",
        "Description": "", "RevisionId": null,
    });
    assert_eq!(shown, want);
    let change = json!({ "FunctionVersion": "1", "Description": "moved", "RevisionId": revision });
    let changed = lambda.send("PUT", "/2015-03-31/functions/f/aliases/live", &change);
    assert_eq!(
        (changed.status, &changed.body["FunctionVersion"]),
        (200, &json!("1"))
    );
    assert_ne!(changed.body["RevisionId"], revision);
    let stale = lambda
        .send("PUT", "/2015-03-31/functions/f/aliases/live", &change)
        .refusal();
    assert_eq!(stale, refusal(412, "PreconditionFailedException", STALE));
    lambda.create_alias("f", "next", "$LATEST");
    let listed = lambda
        .get("/2015-03-31/functions/f/aliases?FunctionVersion=1")
        .body;
    assert_eq!(listed, json!({ "Aliases": [changed.body] }));
    for _ in 0..2 {
        assert_eq!(
            lambda
                .send(
                    "DELETE",
                    "/2015-03-31/functions/f/aliases/live",
                    &Value::Null
                )
                .status,
            204
        );
    }
    let gone = lambda.get("/2015-03-31/functions/f/aliases/live").refusal();
    assert_eq!(
        gone,
        refusal(
            404,
            "ResourceNotFoundException",
            &format!("Cannot find alias arn: {ARN}:live")
        )
    );
}

#[test]
fn an_alias_name_is_given_once() {
    let lambda = start().with_f();
    lambda.create_alias("f", "live", "$LATEST");
    let again = lambda.create_alias("f", "live", "$LATEST").refusal();
    assert_eq!(
        again,
        refusal(
            409,
            "ResourceConflictException",
            &format!("Alias already exists: {ARN}:live")
        )
    );
}

#[test]
fn making_an_alias_leaves_the_functions_revision_as_it_is() {
    let lambda = start().with_f();
    let before = lambda.configuration("f");
    lambda.create_alias("f", "live", "$LATEST");
    assert_eq!(lambda.configuration("f"), before);
}

#[test]
fn an_alias_needs_a_version_that_exists() {
    let answer = start().with_f().create_alias("f", "live", "7").refusal();
    assert_eq!(
        answer,
        refusal(
            404,
            "ResourceNotFoundException",
            &format!("Function not found: {ARN}:7")
        )
    );
}

#[test]
fn an_alias_on_latest_takes_no_weights_and_one_on_a_version_does() {
    let lambda = start().with_f();
    lambda.publish_active("f");
    lambda.set_memory("f", 1024);
    lambda.publish_active("f");
    let create = |name: &str, version: &str| {
        let routing = json!({ "AdditionalVersionWeights": { "2": 0.5 } });
        let body = json!({ "Name": name, "FunctionVersion": version, "RoutingConfig": routing });
        lambda.send("POST", "/2015-03-31/functions/f/aliases", &body)
    };
    let message = "$LATEST is not supported for an alias pointing to more than 1 version";
    assert_eq!(
        create("a", "$LATEST").refusal(),
        refusal(400, "InvalidParameterValueException", message)
    );
    assert_eq!(
        create("b", "1").body["RoutingConfig"],
        json!({ "AdditionalVersionWeights": { "2": 0.5 } })
    );
    let ran: Vec<String> = (0..40)
        .map(|_| {
            lambda
                .invoke("f:b", &json!({}))
                .header("x-amz-executed-version")
                .to_owned()
        })
        .collect();
    assert!(
        ran.contains(&"1".to_owned()) && ran.contains(&"2".to_owned()),
        "{ran:?}"
    );
    assert_eq!(lambda.delete("f:2").status, 409);
}

#[test]
fn a_description_holds_256_characters() {
    let lambda = start().with_f();
    let create = |length: usize| {
        let body = json!({ "Name": "live", "FunctionVersion": "$LATEST", "Description": "x".repeat(length) });
        lambda
            .send("POST", "/2015-03-31/functions/f/aliases", &body)
            .status
    };
    assert_eq!((create(257), create(256)), (400, 201));
}

#[test]
fn reserved_concurrency_is_set_shown_and_removed() {
    let lambda = start().with_f();
    let get = || lambda.get("/2019-09-30/functions/f/concurrency").body;
    let put = |reserved: u32| {
        let body = json!({ "ReservedConcurrentExecutions": reserved });
        lambda
            .send("PUT", "/2017-10-31/functions/f/concurrency", &body)
            .status
    };
    assert_eq!(get(), json!({}));
    assert_eq!(put(7), 200);
    assert_eq!(get(), json!({ "ReservedConcurrentExecutions": 7 }));
    let limits = lambda.get("/2016-08-19/account-settings").body["AccountLimit"].clone();
    assert_eq!(
        (
            &limits["ConcurrentExecutions"],
            &limits["UnreservedConcurrentExecutions"]
        ),
        (&json!(1000), &json!(993))
    );
    assert_eq!(put(901), 400, "100 stay unreserved");
    assert_eq!(
        lambda
            .send(
                "DELETE",
                "/2017-10-31/functions/f/concurrency",
                &Value::Null
            )
            .status,
        204
    );
    assert_eq!(get(), json!({}));
}
