//! The simulator's own endpoints, under `/_sim`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Request, refusal};
use crate::error::ApiError;
use crate::faults::FaultRule;
use crate::operation::Reply;
use crate::presets::PRESETS;
use crate::s3;
use crate::server::{LARGEST_BODY_BYTES, write};
use crate::service::Service;
use crate::spec::FunctionSpec;

type Shared = State<Arc<Service>>;

/// A preset under a name of one's own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FromPreset {
    preset: String,
    name: Option<String>,
    memory_mb: Option<u32>,
}

pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route(
            "/health",
            get(async || answer(200, &json!({ "status": "ok" }))),
        )
        .route("/presets", get(presets))
        .route("/functions", post(create))
        .route("/functions/{name}", get(snapshot).delete(remove))
        .route("/functions/{name}/state", post(set_state))
        .route("/calls", get(calls).delete(forget_calls))
        .route("/held", get(held))
        .route("/control-plane", get(control_plane))
        .route("/executions", post(put_execution))
        .route(
            "/objects/{bucket}/{*key}",
            put(put_object).delete(delete_object),
        )
        .route("/faults", post(add_fault).delete(clear_faults))
        .route(
            "/{*unknown}",
            delete(unknown).get(unknown).post(unknown).put(unknown),
        )
        .layer(DefaultBodyLimit::max(LARGEST_BODY_BYTES))
}

async fn unknown(Path(path): Path<String>) -> Response {
    refuse(&ApiError::not_simulated(&format!("/_sim/{path}")))
}

async fn presets() -> Response {
    let rows: Vec<Value> = PRESETS
        .map(|(name, about)| json!({ "name": name, "description": about }))
        .into();
    answer(200, &json!(rows))
}

async fn create(State(service): Shared, body: Bytes) -> Response {
    let created = read_spec(&body).and_then(|spec| {
        let name = spec.name.clone();
        service.create(spec).map(|()| name)
    });
    match created {
        Ok(name) => answer(
            201,
            &json!({ "name": name, "arn": service.world.place.arn(&name) }),
        ),
        Err(error) => refuse(&error),
    }
}

fn read_spec(body: &[u8]) -> Result<FunctionSpec, ApiError> {
    let value: Value = serde_json::from_slice(body).map_err(bad_json)?;
    if value.get("preset").is_none() {
        return serde_json::from_value(value).map_err(bad_json);
    }
    let wanted: FromPreset = serde_json::from_value(value).map_err(bad_json)?;
    let mut spec = FunctionSpec::preset(&wanted.preset).ok_or_else(|| {
        ApiError::not_found(format!(
            "no preset `{}`; GET /_sim/presets lists them",
            wanted.preset
        ))
    })?;
    spec.name = wanted.name.unwrap_or(spec.name);
    spec.memory_mb = wanted.memory_mb.unwrap_or(spec.memory_mb);
    Ok(spec)
}

async fn snapshot(State(service): Shared, Path(name): Path<String>) -> Response {
    match service.snapshot(&name) {
        Some(snapshot) => answer(200, &json!(snapshot)),
        None => refuse(&no_function(&name)),
    }
}

async fn remove(State(service): Shared, Path(name): Path<String>) -> Response {
    if service.delete(&name) {
        nothing()
    } else {
        refuse(&no_function(&name))
    }
}

async fn set_state(State(service): Shared, Path(name): Path<String>, body: Bytes) -> Response {
    match change_state(&service, &name, &body) {
        Ok(()) => nothing(),
        Err(error) => refuse(&error),
    }
}

fn change_state(service: &Service, name: &str, body: &[u8]) -> Result<(), ApiError> {
    let change = serde_json::from_slice(body).map_err(bad_json)?;
    service.set_state(name, &change)
}

/// The endpoints that a test may need between two calls, where no HTTP gets in between: whether the request was for one
/// of them, and what became of it.
pub(crate) fn carry_out(service: &Service, request: &Request) -> Option<Result<(), ApiError>> {
    if let Some(object) = request.path.strip_prefix("/_sim/objects") {
        return change_object(service, request, object).map(Ok);
    }
    let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    match (request.method.as_str(), path.as_slice()) {
        ("POST", ["_sim", "functions", name, "state"]) => {
            Some(change_state(service, name, &request.body))
        }
        ("POST", ["_sim", "executions"]) => Some(read_execution(service, &request.body)),
        _ => None,
    }
}

fn change_object(service: &Service, request: &Request, path: &str) -> Option<()> {
    let (bucket, key) = s3::bucket_and_key(path)?;
    match request.method.as_str() {
        "PUT" => service.put_object(&bucket, &key, request.body.clone()),
        "DELETE" => service.delete_object(&bucket, &key),
        _ => return None,
    }
    Some(())
}

async fn calls(State(service): Shared) -> Response {
    answer(200, &json!(service.calls()))
}

async fn forget_calls(State(service): Shared) -> Response {
    service.forget_calls();
    nothing()
}

async fn held(State(service): Shared) -> Response {
    answer(200, &json!(service.held()))
}

async fn control_plane(State(service): Shared) -> Response {
    let peak = service.peak_control_plane_rate();
    answer(200, &json!({ "peakPerSecond": peak }))
}

async fn add_fault(State(service): Shared, body: Bytes) -> Response {
    match serde_json::from_slice::<FaultRule>(&body) {
        Ok(rule) => {
            service.fault(rule);
            write(Reply::empty(201))
        }
        Err(error) => refuse(&bad_json(error)),
    }
}

async fn put_execution(State(service): Shared, body: Bytes) -> Response {
    match read_execution(&service, &body) {
        Ok(()) => write(Reply::empty(201)),
        Err(error) => refuse(&error),
    }
}

fn read_execution(service: &Service, body: &[u8]) -> Result<(), ApiError> {
    let execution = serde_json::from_slice(body).map_err(bad_json)?;
    service.put_execution(execution)
}

async fn put_object(
    State(service): Shared,
    Path((bucket, key)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    service.put_object(&bucket, &key, body.into());
    write(Reply::empty(201))
}

async fn delete_object(
    State(service): Shared,
    Path((bucket, key)): Path<(String, String)>,
) -> Response {
    service.delete_object(&bucket, &key);
    nothing()
}

async fn clear_faults(State(service): Shared) -> Response {
    service.clear_faults();
    nothing()
}

fn no_function(name: &str) -> ApiError {
    ApiError::not_found(format!("no function `{name}`"))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err passes")]
fn bad_json(error: serde_json::Error) -> ApiError {
    ApiError::invalid(error.to_string())
}

fn answer(status: u16, body: &Value) -> Response {
    write(Reply::json(status, body))
}

fn refuse(error: &ApiError) -> Response {
    write(refusal(error))
}

fn nothing() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
