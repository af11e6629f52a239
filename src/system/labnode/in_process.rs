//! The client of nodes in this process, through the same routes as over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use labnode::clock::Clock;
use labnode::wire::{FollowerRecord, Health, LeaderRecord, Put, StoreDump, TraceDump, WRITE_ID_HEADER};
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use super::client::{ANSWER_MARGIN, Answer, Client, ClientError};
use crate::data::LEADER;
use crate::load::PlannedWrite;

/// Calls the nodes' routers. Clones share them.
#[derive(Debug, Clone)]
pub struct InProcessClient {
    routers: Arc<BTreeMap<String, Router>>,
    clock: Clock,
    write_limit: Duration,
}

impl InProcessClient {
    /// A client of the nodes with these routers, by name, whose writes the leader answers
    /// within `write_limit` on `clock`.
    #[must_use]
    pub fn new(routers: BTreeMap<String, Router>, clock: Clock, write_limit: Duration) -> Self {
        Self { routers: Arc::new(routers), clock, write_limit: write_limit + ANSWER_MARGIN }
    }

    /// The answer to a request; the reason where none came.
    async fn ask(&self, node: &str, request: Result<Request<Body>, String>) -> Result<(StatusCode, Bytes), String> {
        let router = self.routers.get(node).ok_or("there is no such node")?;
        let response = match router.clone().oneshot(request?).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes()))
    }

    async fn get<T: DeserializeOwned>(&self, node: &str, path: &str) -> Result<T, ClientError> {
        let refuse = |reason: String| ClientError { node: node.to_owned(), path: path.to_owned(), reason };
        let request = Request::get(path).body(Body::empty()).map_err(|error| error.to_string());
        let (status, body) = self.ask(node, request).await.map_err(refuse)?;
        if !status.is_success() {
            return Err(refuse(format!("status {}", status.as_u16())));
        }
        serde_json::from_slice(&body).map_err(|error| refuse(format!("malformed answer: {error}")))
    }
}

fn put_request(write: &PlannedWrite) -> Result<Request<Body>, String> {
    let body = serde_json::to_vec(&Put { value: write.value.clone() }).map_err(|error| error.to_string())?;
    Request::builder()
        .method(Method::PUT)
        .uri(format!("/kv/{}", write.key))
        .header(WRITE_ID_HEADER, write.id)
        .body(Body::from(body))
        .map_err(|error| error.to_string())
}

impl Client for InProcessClient {
    async fn put(&self, write: &PlannedWrite) -> Answer {
        let answer = self.clock.timeout(self.write_limit, self.ask(LEADER, put_request(write)));
        match answer.await {
            Ok(Ok((status, body))) => Answer::from_response(status.as_u16(), &body),
            Ok(Err(reason)) => Answer::none(reason),
            Err(_elapsed) => Answer::none("no answer in time"),
        }
    }

    async fn health(&self, node: &str) -> Result<Health, ClientError> {
        self.get(node, "/health").await
    }

    async fn store(&self, node: &str) -> Result<StoreDump, ClientError> {
        self.get(node, "/debug/store").await
    }

    async fn leader_trace(&self) -> Result<TraceDump<LeaderRecord>, ClientError> {
        self.get(LEADER, "/debug/trace").await
    }

    async fn follower_trace(&self, node: &str) -> Result<TraceDump<FollowerRecord>, ClientError> {
        self.get(node, "/debug/trace").await
    }
}
