//! The node's HTTP interface: thin handlers around [`Node`].

mod app;
mod body;
mod dump;
mod error;
mod key;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use crate::follower::Follower;
use crate::leader::{QuorumError, Write};
use crate::node::Node;
use crate::wire::{
    BatchReplicated, CopyAnswer, ErrorBody, Put, PutDone, Replicate, ReplicateBatch, ReplicateCopy, Replicated, Value,
    WRITE_ID_HEADER,
};
use app::App;
use body::Limit;
use error::ApiError;
use key::KeyInPath;

/// The routes of `node`, with an answer in JSON to every request.
pub fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/kv/{key}", get(read).put(write))
        .route("/kv/", get(empty_key).put(empty_key))
        .route("/replicate", post(replicate_batch))
        .route("/replicate/{key}", post(replicate))
        .route("/replicate/", post(empty_key))
        .route("/debug/store", get(dump::store))
        .route("/debug/trace", get(dump::trace))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .with_state(App::new(node))
}

/// The answer to a write that missed its quorum.
pub fn quorum_refusal(error: QuorumError) -> (StatusCode, ErrorBody) {
    ApiError::from(error).into()
}

async fn health(State(app): State<App>) -> Response {
    Json(app.node.health()).into_response()
}

async fn read(State(app): State<App>, key: KeyInPath) -> Result<Json<Value>, ApiError> {
    let entry = app.node.store().get(key.as_str()).ok_or_else(|| ApiError::unknown_key(key.as_str()))?;
    Ok(Json(Value {
        key: key.into(),
        value: entry.value.as_ref().to_owned(),
        version: entry.version,
        role: app.node.config().role,
    }))
}

async fn write(State(app): State<App>, key: KeyInPath, request: Request) -> Result<Json<PutDone>, ApiError> {
    let Node::Leader(leader) = app.node.as_ref() else {
        return Err(ApiError::wrong_role("a follower takes no writes, only the leader does"));
    };
    let started_us = leader.clock().now_us();
    let (head, body) = request.into_parts();
    let id = write_id(&head.headers)?;
    let put: Put = app.json(&head.headers, body, Limit::PUT).await?;
    let write = Write { key: key.into(), value: put.value, id };
    Ok(Json(leader.put(write, started_us).await?))
}

async fn replicate(State(app): State<App>, key: KeyInPath, request: Request) -> Result<Json<Replicated>, ApiError> {
    let follower = follower(&app)?;
    let (head, body) = request.into_parts();
    let body: Replicate = app.json(&head.headers, body, Limit::REPLICATE).await?;
    Ok(Json(follower.replicate(key.as_str(), &body)))
}

/// Several copies, applied in their order. Each is refused or applied by itself.
async fn replicate_batch(State(app): State<App>, request: Request) -> Result<Json<BatchReplicated>, ApiError> {
    let follower = follower(&app)?;
    let (head, body) = request.into_parts();
    let bytes = app.body(&head.headers, body, Limit::REPLICATE).await?;
    let ReplicateBatch { copies } = body::parse(&bytes)?;
    let apply = |copy: ReplicateCopy<'_>| {
        let ReplicateCopy { key, value, version, catch_up } = copy;
        if let Err(error) = key::check(&key) {
            let (_, ErrorBody { error, message, .. }) = error.into();
            return CopyAnswer { error: Some(error), message: Some(message), ..CopyAnswer::default() };
        }
        let done = follower.replicate(&key, &Replicate { value: value.into_owned(), version, catch_up });
        CopyAnswer { applied: Some(done.applied), version: Some(done.version), ..CopyAnswer::default() }
    };
    let answers = copies.into_iter().map(apply).collect();
    Ok(Json(BatchReplicated { answers, started_us: Some(follower.started_us()) }))
}

fn follower(app: &App) -> Result<&Follower, ApiError> {
    match app.node.as_ref() {
        Node::Follower(follower) => Ok(follower),
        Node::Leader(_) => Err(ApiError::wrong_role("the leader takes no replication, only followers do")),
    }
}

fn write_id(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let mut values = headers.get_all(WRITE_ID_HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    match (id, values.next()) {
        (Some(id), None) => Ok(Some(id)),
        _ => Err(ApiError::bad_write_id()),
    }
}

async fn empty_key() -> ApiError {
    ApiError::bad_key("the key is empty")
}

async fn unknown_route(request: Request) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "unknown_route", format!("no such path: {}", clip(request.uri().path())))
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("{} is not a method of {}", clip(method.as_str()), clip(uri.path())),
    )
}

/// The beginning of what a client sent, short enough to be sent back.
fn clip(text: &str) -> String {
    text.chars().take(100).collect()
}
