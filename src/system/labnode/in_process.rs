//! The client of nodes in this process, through the same routes as over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use labnode::clock::Clock;
use labnode::wire::{
    FollowerRecord, Health, LeaderRecord, Put, StoreDump, TraceDump, TraceQuery, Value, WRITE_ID_HEADER,
};
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use super::client::{ANSWER_MARGIN, Client, from_response, unanswered};
use crate::model::NodeId;
use crate::system::session::{PlannedWrite, SessionError, WriteAnswer};

/// Calls the nodes' routers. Clones share them.
#[derive(Debug, Clone)]
pub struct InProcessClient {
    routers: Arc<BTreeMap<NodeId, Router>>,
    clock: Clock,
    write_limit: Duration,
}

impl InProcessClient {
    /// A client of the nodes with these routers, by name, whose writes the leader answers
    /// within `write_limit` on `clock`.
    #[must_use]
    pub fn new(routers: BTreeMap<NodeId, Router>, clock: Clock, write_limit: Duration) -> Self {
        Self { routers: Arc::new(routers), clock, write_limit: write_limit + ANSWER_MARGIN }
    }

    /// The answer to a request; the reason where none came.
    async fn ask(&self, node: NodeId, request: Result<Request<Body>, String>) -> Result<(StatusCode, Bytes), String> {
        let router = self.routers.get(&node).ok_or("there is no such node")?;
        let response = match router.clone().oneshot(request?).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes()))
    }

    async fn get<T: DeserializeOwned>(&self, node: NodeId, path: &str) -> Result<T, SessionError> {
        let found = self.get_if_there(node, path).await?;
        found.ok_or_else(|| unanswered(node, path, "status 404"))
    }

    /// The answer's body. `None` if the status is 404.
    async fn get_if_there<T: DeserializeOwned>(&self, node: NodeId, path: &str) -> Result<Option<T>, SessionError> {
        let refuse = |reason: String| unanswered(node, path, reason);
        let request = Request::get(path).body(Body::empty()).map_err(|error| error.to_string());
        let (status, body) = self.ask(node, request).await.map_err(refuse)?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => {
                serde_json::from_slice(&body).map(Some).map_err(|error| refuse(format!("malformed answer: {error}")))
            }
            status => Err(refuse(format!("status {}", status.as_u16()))),
        }
    }
}

fn put_request(write: &PlannedWrite) -> Result<Request<Body>, String> {
    let body = serde_json::to_vec(&Put { value: write.value.clone() }).map_err(|error| error.to_string())?;
    Request::builder()
        .method(Method::PUT)
        .uri(format!("/kv/{}", write.key))
        .header(WRITE_ID_HEADER, write.id.get())
        .body(Body::from(body))
        .map_err(|error| error.to_string())
}

impl Client for InProcessClient {
    async fn put(&self, write: &PlannedWrite) -> WriteAnswer {
        let answer = self.clock.timeout(self.write_limit, self.ask(NodeId::Leader, put_request(write)));
        match answer.await {
            Ok(Ok((status, body))) => from_response(status.as_u16(), &body),
            Ok(Err(reason)) => WriteAnswer::none(reason),
            Err(_elapsed) => WriteAnswer::none("no answer in time"),
        }
    }

    async fn value(&self, node: NodeId, key: &str) -> Result<Option<Value>, SessionError> {
        self.get_if_there(node, &format!("/kv/{key}")).await
    }

    async fn health(&self, node: NodeId) -> Result<Health, SessionError> {
        self.get(node, "/health").await
    }

    async fn store(&self, node: NodeId) -> Result<StoreDump, SessionError> {
        self.get(node, "/debug/store").await
    }

    async fn leader_trace(&self, query: TraceQuery) -> Result<TraceDump<LeaderRecord>, SessionError> {
        self.get(NodeId::Leader, &query.path()).await
    }

    async fn follower_trace(&self, node: NodeId, query: TraceQuery) -> Result<TraceDump<FollowerRecord>, SessionError> {
        self.get(node, &query.path()).await
    }
}
