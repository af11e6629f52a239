//! What a write costs without sockets: `cargo bench -p labnode`.
//!
//! With sockets it is measured by the example `write_load`.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use divan::Bencher;
use labnode::api;
use labnode::clock::Clock;
use labnode::config::{BaseUrl, NodeConfig};
use labnode::follower::Follower;
use labnode::leader::{Leader, Write};
use labnode::node::Node;
use labnode::transport::DirectTransport;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

fn main() {
    divan::main();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn config(role: &str, followers: usize) -> NodeConfig {
    let urls: Vec<String> = (1..=followers).map(|number| format!("http://f{number}:8000")).collect();
    NodeConfig::from_vars(|name| match name {
        "ROLE" => Some(role.to_owned()),
        "FOLLOWERS" => Some(urls.join(",")),
        "WRITE_QUORUM" => Some(followers.to_string()),
        "MIN_DELAY_MS" | "MAX_DELAY_MS" => Some("0".to_owned()),
        _ => None,
    })
    .unwrap()
}

fn follower() -> Arc<Follower> {
    Arc::new(Follower::new(config("follower", 0), Clock::monotonic()))
}

/// A leader whose followers are called by their own code.
fn leader(followers: usize) -> Arc<Leader> {
    let nodes = (0..followers).map(|_| follower()).collect();
    let config = config("leader", followers);
    assert_eq!(config.followers.first().map(BaseUrl::host), Some("f1:8000"));
    Arc::new(Leader::new(config, Clock::monotonic(), Arc::new(DirectTransport::new(nodes))))
}

/// Numbering a write, replicating it to this many followers, and counting all their acknowledgements.
#[divan::bench(args = [1, 5, 20])]
fn put(bencher: Bencher<'_, '_>, followers: usize) {
    let (runtime, leader) = (runtime(), leader(followers));
    bencher.bench_local(|| {
        let write = Write { key: "k1".to_owned(), value: "value".to_owned(), id: None };
        runtime.block_on(leader.put(write, leader.clock().now_us())).unwrap()
    });
}

/// The same with a value of this many bytes.
#[divan::bench(args = [16, 1_024, 65_536])]
fn put_bytes(bencher: Bencher<'_, '_>, bytes: usize) {
    let (runtime, leader, value) = (runtime(), leader(5), "v".repeat(bytes));
    bencher.bench_local(|| {
        let write = Write { key: "k1".to_owned(), value: value.clone(), id: None };
        runtime.block_on(leader.put(write, leader.clock().now_us())).unwrap()
    });
}

/// `PUT /kv/k1` from the request's head to the answer's body.
#[divan::bench]
fn put_request(bencher: Bencher<'_, '_>) {
    let (runtime, router) = (runtime(), api::router(Arc::new(Node::Leader(leader(5)))));
    let request = || Request::put("/kv/k1").body(Body::from(r#"{"value":"value"}"#)).unwrap();
    bencher.with_inputs(request).bench_local_values(|request| ask(&runtime, &router, request));
}

/// `POST /replicate` with this many copies.
#[divan::bench(args = [2, 16, 256])]
fn replicate_request(bencher: Bencher<'_, '_>, copies: usize) {
    let (runtime, router) = (runtime(), api::router(Arc::new(Node::Follower(follower()))));
    let copies: Vec<String> =
        (0..copies).map(|copy| format!(r#"{{"key":"k{}","value":"value","version":{copy}}}"#, copy % 10)).collect();
    let body = format!(r#"{{"copies":[{}]}}"#, copies.join(","));
    let request = || Request::post("/replicate").body(Body::from(body.clone())).unwrap();
    bencher.with_inputs(request).bench_local_values(|request| ask(&runtime, &router, request));
}

fn ask(runtime: &Runtime, router: &Router, request: Request<Body>) {
    let answer = runtime.block_on(router.clone().oneshot(request)).unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}
