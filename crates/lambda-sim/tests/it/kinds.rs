//! Functions of other kinds and other speeds.

use power_tuner_lambda_sim::{DurableSpec, FunctionSpec, Options, SnapStartSpec};
use serde_json::{Value, json};

use crate::client::{refusal, start, start_with};

const PROVIDER: &str = "arn:aws:lambda:us-east-1:123456789012:capacity-provider:mine";

#[test]
fn a_function_of_another_kind_shows_it_in_every_view() {
    let f = FunctionSpec::named("f");
    let cases = [
        (
            FunctionSpec {
                capacity_provider: Some(PROVIDER.to_owned()),
                ..f.clone()
            },
            "CapacityProviderConfig",
            json!({
                "LambdaManagedInstancesCapacityProviderConfig": { "CapacityProviderArn": PROVIDER },
            }),
        ),
        (
            FunctionSpec {
                durable: Some(DurableSpec {
                    execution_timeout: 3600,
                    retention_period_in_days: 14,
                }),
                ..f.clone()
            },
            "DurableConfig",
            json!({ "ExecutionTimeout": 3600, "RetentionPeriodInDays": 14 }),
        ),
        (
            FunctionSpec {
                tenant_isolation: true,
                ..f
            },
            "TenancyConfig",
            json!({ "TenantIsolationMode": "PER_TENANT" }),
        ),
    ];
    for (spec, field, want) in cases {
        let lambda = start().with(spec).with(FunctionSpec::named("plain"));
        let published = lambda.publish("f", &json!({})).body;
        let rows = lambda.get("/2015-03-31/functions/f/versions").body["Versions"].take();
        let snapshot = lambda.get("/_sim/functions/f").body["latest"]["configuration"].take();
        let updated = lambda.update("f", &json!({ "MemorySize": 1024 })).body;
        let views = [lambda.configuration("f"), published, snapshot, updated];
        for view in views.iter().chain(rows.as_array().expect("rows")) {
            assert_eq!(view[field], want);
        }
        assert_eq!(lambda.configuration("plain").get(field), None);
    }
}

#[test]
fn a_kind_is_given_over_http() {
    let lambda = start();
    let spec = json!({
        "name": "f", "capacityProvider": PROVIDER, "tenantIsolation": true,
        "durable": { "executionTimeout": 60, "retentionPeriodInDays": 1 },
        "updateMs": 4000, "publishMs": 6000, "pendingVersionsCannotBeDeleted": true,
    });
    assert_eq!(lambda.send("POST", "/_sim/functions", &spec).status, 201);
    let shown = lambda.configuration("f");
    assert_eq!(shown["TenancyConfig"]["TenantIsolationMode"], "PER_TENANT");
    assert_eq!(shown["DurableConfig"]["ExecutionTimeout"], 60);
    assert_ne!(shown["CapacityProviderConfig"], Value::Null);
    let negative = json!({ "name": "g", "updateMs": -1 });
    let (status, _, message) = lambda.send("POST", "/_sim/functions", &negative).refusal();
    assert_eq!(status, 400);
    assert_eq!(message, "`updateMs` and `publishMs` must not be negative");
}

/// An hour: longer than any test takes.
const NEVER_MS: f64 = 3_600_000.0;

fn hasty() -> Options {
    Options {
        update_ms: 0.0,
        publish_ms: 0.0,
        ..Options::default()
    }
}

#[test]
fn a_function_can_have_slow_updates_of_its_own() {
    let lambda = start_with(hasty()).with_f().with(FunctionSpec {
        update_ms: Some(NEVER_MS),
        ..FunctionSpec::named("slow")
    });
    let status = |name: &str| {
        lambda.update(name, &json!({ "MemorySize": 1024 }));
        lambda.configuration(name)["LastUpdateStatus"].clone()
    };
    assert_eq!(
        (status("f"), status("slow")),
        (json!("Successful"), json!("InProgress"))
    );
}

#[test]
fn a_function_can_have_slow_publishing_of_its_own() {
    let lambda = start_with(hasty()).with_f().with(FunctionSpec {
        publish_ms: Some(NEVER_MS),
        ..FunctionSpec::named("slow")
    });
    let state = |name: &str| {
        lambda.publish(name, &json!({}));
        lambda.configuration(&format!("{name}:1"))["State"].clone()
    };
    assert_eq!(
        (state("f"), state("slow")),
        (json!("Active"), json!("Pending"))
    );
}

#[test]
fn snap_start_has_its_own_time_to_publish() {
    let lambda = start_with(hasty()).with(FunctionSpec {
        publish_ms: Some(NEVER_MS),
        snap_start: Some(SnapStartSpec {
            restore_ms: 80.0,
            publish_ms: 0.0,
        }),
        ..FunctionSpec::named("f")
    });
    lambda.publish("f", &json!({}));
    assert_eq!(lambda.configuration("f:1")["State"], "Active");
}

#[test]
fn a_pending_version_can_be_deleted_unless_the_function_says_otherwise() {
    let lambda = start().with_f().with(FunctionSpec {
        pending_versions_cannot_be_deleted: true,
        ..FunctionSpec::named("strict")
    });
    lambda.publish("f", &json!({}));
    assert_eq!(lambda.delete("f:1").status, 204);
    lambda.publish("strict", &json!({}));
    let message = "The operation cannot be performed at this time. \
                   The function is currently in the following state: Pending";
    assert_eq!(
        lambda.delete("strict:1").refusal(),
        refusal(409, "ResourceConflictException", message)
    );
    assert_eq!(lambda.settle("strict:1")["State"], "Active");
    assert_eq!(lambda.delete("strict:1").status, 204);
}
