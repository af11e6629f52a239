//! Nodes to test, and ways to ask them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending, ready};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::api;
use crate::clock::Clock;
use crate::config::NodeConfig;
use crate::node::Node;
use crate::transport::{Transport, TransportError};
use crate::wire::{Replicate, Replicated};

/// What a scripted follower does with every write.
#[derive(Debug, Clone, Copy)]
pub(super) enum Follower {
    /// Acknowledges after this many milliseconds.
    Acks(u64),
    /// Fails after this many milliseconds.
    Fails(u64),
    /// Never answers.
    Hangs,
}

struct Scripted(Vec<Follower>);

impl Transport for Scripted {
    fn replicate<'a>(
        &'a self,
        follower: usize,
        _key: &'a Arc<str>,
        body: &'a Arc<Replicate>,
    ) -> BoxFuture<'a, Result<Replicated, TransportError>> {
        let script = self.0[follower];
        let version = body.version.unwrap_or_default();
        async move {
            match script {
                Follower::Acks(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    Ok(Replicated { applied: true, version, started_us: None })
                }
                Follower::Fails(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    Err(TransportError::NoAnswer("scripted".to_owned()))
                }
                Follower::Hangs => pending().await,
            }
        }
        .boxed()
    }

    fn started_us(&self, follower: usize) -> BoxFuture<'_, Result<Option<u64>, TransportError>> {
        match self.0[follower] {
            Follower::Acks(_) => ready(Ok(None)).boxed(),
            Follower::Fails(_) => ready(Err(TransportError::NoAnswer("scripted".to_owned()))).boxed(),
            Follower::Hangs => pending().boxed(),
        }
    }
}

/// Settings from `role` and `extra` variables, with as many followers as asked for.
pub(super) fn config(role: &str, followers: usize, extra: &[(&str, &str)]) -> NodeConfig {
    let urls: Vec<String> = (1..=followers).map(|i| format!("http://f{i}:8000")).collect();
    let urls = urls.join(",");
    let base = [("ROLE", role), ("FOLLOWERS", urls.as_str())];
    NodeConfig::from_vars(|name| {
        let all = extra.iter().chain(&base);
        let mut values = all.filter(|(key, _)| *key == name);
        values.next().map(|(_, value)| (*value).to_owned())
    })
    .unwrap()
}

/// A node under test with its router.
pub(super) struct Subject {
    pub(super) node: Arc<Node>,
    pub(super) router: Router,
}

/// A leader, without injected delays unless `extra` says otherwise, over scripted followers.
pub(super) fn leader(script: &[Follower], extra: &[(&str, &str)]) -> Subject {
    let mut vars = extra.to_vec();
    vars.push(("MAX_DELAY_MS", "0"));
    let config = config("leader", script.len(), &vars);
    subject(config, Clock::at_zero(), Arc::new(Scripted(script.to_vec())))
}

pub(super) fn follower(extra: &[(&str, &str)]) -> Subject {
    let config = config("follower", 0, extra);
    subject(config, Clock::at_zero(), Arc::new(Scripted(Vec::new())))
}

pub(super) fn subject(config: NodeConfig, clock: Clock, transport: Arc<dyn Transport>) -> Subject {
    let node = Arc::new(Node::new(config, clock, |_| transport));
    let router = api::router(Arc::clone(&node));
    Subject { node, router }
}

impl Subject {
    pub(super) async fn ask(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    pub(super) async fn put(&self, key: &str, value: &str) -> (StatusCode, Value) {
        self.ask(put(key, value)).await
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (status, body) = self.ask(request).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        serde_json::from_value(body).unwrap()
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.node.health().in_flight
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.node.clock().now_us() / 1_000
    }

    /// Waits until nothing is in flight.
    pub(super) async fn settle(&self) {
        while self.in_flight() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

pub(super) fn put(key: &str, value: &str) -> Request<Body> {
    let body = json!({ "value": value }).to_string();
    Request::put(format!("/kv/{key}")).body(Body::from(body)).unwrap()
}
