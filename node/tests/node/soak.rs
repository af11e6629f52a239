//! Full load without any delay, for as long as somebody wants to wait:
//!
//! ```text
//! LABNODE_SOAK_S=1800 cargo test --release -p labnode --test node -- --ignored --nocapture soak
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::support::Node;

/// Writes under way at a time.
const WRITERS: usize = 64;
/// Keys that the writes go round.
const KEYS: u64 = 1_000;
/// Small, so that it is full, and takes no more memory, long before half of a short soak.
const TRACE_CAPACITY: u64 = 100_000;
/// How often memory is looked at.
const SAMPLES: u32 = 60;
/// What the later half may take beyond the earlier one, in kB: an allocator's whims. A leak of
/// a single byte a write is 13 MB in half an hour.
const SLACK_KB: u64 = 2_048;

#[test]
#[ignore = "takes a minute, or LABNODE_SOAK_S seconds"]
fn soak_loses_no_write_and_leaks_no_memory() {
    let seconds = std::env::var("LABNODE_SOAK_S").map_or(60, |text| text.parse().unwrap());
    let capacity = TRACE_CAPACITY.to_string();
    let vars = [
        ("REPLICATION_ORDER", "version"),
        ("TRACE_CAPACITY", capacity.as_str()),
        // A machine that is busy with other things as well must not look like a write that is lost.
        ("REPLICATION_TIMEOUT_S", "120"),
        ("GLOBAL_REQUEST_TIMEOUT_S", "240"),
        ("RUST_LOG", "warn"),
    ];
    let follower = || Node::start(&[&[("ROLE", "follower")], vars.as_slice()].concat());
    let followers: Vec<Node> = (0..5).map(|_| follower()).collect();
    // All five are waited for: with fewer, those who write get ahead of a follower that lacks a
    // processor, and the leader's memory is what waits for it.
    let leader = Node::leader(&followers, &[&[("WRITE_QUORUM", "5")], vars.as_slice()].concat());

    let nodes: Vec<&Node> = std::iter::once(&leader).chain(&followers).collect();
    let writes = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + Duration::from_secs(seconds);
    let load = {
        let (address, writes) = (leader.address.clone(), Arc::clone(&writes));
        std::thread::spawn(move || load(&address, &writes, end))
    };
    let mut memory_kb = Vec::new();
    for _ in 0..SAMPLES {
        std::thread::sleep(Duration::from_secs(seconds) / SAMPLES);
        let sample: Vec<u64> = nodes.iter().map(|node| resident_kb(node)).collect();
        println!("{:>10} writes, resident kB: {sample:?}", writes.load(Ordering::Relaxed));
        memory_kb.push(sample);
    }
    load.join().unwrap();

    let writes = writes.load(Ordering::Relaxed);
    while leader.ask("GET", "/health", "").1["in_flight"] != 0 {}
    let versions = leader.ask("GET", "/debug/store", "").1["versions"].clone();
    assert_eq!(versions.as_object().unwrap().values().map(|version| version.as_u64().unwrap()).max(), Some(writes));
    for follower in &followers {
        assert_eq!(follower.ask("GET", "/debug/store", "").1["versions"], versions);
        let trace = follower.ask("GET", "/debug/trace", "").1;
        assert_eq!(trace["dropped"], writes.saturating_sub(TRACE_CAPACITY));
        assert_eq!(trace["records"].as_array().unwrap().len() as u64, writes.min(TRACE_CAPACITY));
    }
    let (earlier, later) = memory_kb.split_at(memory_kb.len() / 2);
    for (index, node) in nodes.iter().enumerate() {
        let most = |samples: &[Vec<u64>]| samples.iter().map(|sample| sample[index]).max().unwrap();
        let (before, after) = (most(earlier), most(later));
        assert!(after <= before + SLACK_KB, "node {index} at {} grew from {before} to {after} kB", node.address);
    }
    println!("{writes} writes in {seconds} s: none lost");
}

/// Writes from [`WRITERS`] clients until `end`; every write has to succeed, and is counted.
fn load(leader: &str, writes: &Arc<AtomicU64>, end: Instant) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let writer = |_| tokio::spawn(write(client.clone(), leader.to_owned(), Arc::clone(writes), end));
        for writer in (0..WRITERS).map(writer).collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

async fn write(client: Client<HttpConnector, Full<Bytes>>, leader: String, writes: Arc<AtomicU64>, end: Instant) {
    while Instant::now() < end {
        let number = writes.fetch_add(1, Ordering::Relaxed);
        let body = Full::from(format!("{{\"value\":\"v{number}\"}}"));
        let request = Request::put(format!("http://{leader}/kv/k{}", number % KEYS)).body(body).unwrap();
        let answer = client.request(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "write {number}");
        answer.into_body().collect().await.unwrap();
    }
}

/// What a node's process has in memory now.
fn resident_kb(node: &Node) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
