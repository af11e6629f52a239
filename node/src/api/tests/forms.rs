//! What requests and answers look like.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use proptest::prelude::*;
use serde_json::json;
use tower::ServiceExt;

use super::support::Follower::Acks;
use super::support::{Subject, follower, leader, put};
use crate::wire::{FollowerRecord, Health, LeaderRecord, Replicated, Role, TraceDump, Value};

fn request(method: &str, path: &str, body: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap()
}

async fn refusal(subject: &Subject, request: Request<Body>) -> (u16, String) {
    let (status, body) = subject.ask(request).await;
    assert!(body["message"].is_string(), "{body}");
    (status.as_u16(), body["error"].as_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn every_refusal_has_its_status_and_code() {
    let leader = leader(&[Acks(0)], &[]);
    let follower = follower(&[]);
    let good = r#"{"value":"v"}"#;
    let long = format!("/kv/{}", "k".repeat(513));
    for (subject, method, path, body, status, code) in [
        (&leader, "GET", "/", "", 404, "unknown_route"),
        (&leader, "GET", "/kv/a/b", "", 404, "unknown_route"),
        (&leader, "GET", "/kv/nothing", "", 404, "unknown_key"),
        (&leader, "GET", "/kv/%FF", "", 400, "bad_key"),
        (&leader, "GET", "/kv/", "", 400, "bad_key"),
        (&leader, "PUT", "/kv/", good, 400, "bad_key"),
        (&leader, "PUT", long.as_str(), good, 400, "bad_key"),
        (&leader, "PUT", "/kv/k", "", 400, "malformed_body"),
        (&leader, "PUT", "/kv/k", "{", 400, "malformed_body"),
        (&leader, "PUT", "/kv/k", "{}", 400, "malformed_body"),
        (&leader, "PUT", "/kv/k", r#"{"value":1}"#, 400, "malformed_body"),
        (&leader, "PUT", "/kv/k", r#"{"value":"\ud800"}"#, 400, "malformed_body"),
        (&leader, "PUT", "/kv/k", r#"{"value":"v","x":1}"#, 400, "malformed_body"),
        (&leader, "DELETE", "/kv/k", "", 405, "method_not_allowed"),
        (&leader, "POST", "/health", "", 405, "method_not_allowed"),
        (&leader, "GET", "/replicate/k", "", 405, "method_not_allowed"),
        (&leader, "POST", "/replicate/k", good, 403, "wrong_role"),
        (&follower, "PUT", "/kv/k", good, 403, "wrong_role"),
        (&follower, "POST", "/replicate/k", "[]", 400, "malformed_body"),
        (&follower, "POST", "/replicate/k", r#"{"value":"v","version":-1}"#, 400, "malformed_body"),
        (&follower, "POST", "/replicate/", good, 400, "bad_key"),
        (&leader, "POST", "/replicate", r#"{"copies":[]}"#, 403, "wrong_role"),
        (&follower, "POST", "/replicate", good, 400, "malformed_body"),
        (&follower, "POST", "/replicate", r#"{"copies":[{"key":"k"}]}"#, 400, "malformed_body"),
        (&follower, "POST", "/replicate", r#"{"copies":[{"key":"k","value":"v","x":1}]}"#, 400, "malformed_body"),
        (&follower, "GET", "/replicate", "", 405, "method_not_allowed"),
    ] {
        let refused = refusal(subject, request(method, path, body)).await;
        assert_eq!(refused, (status, code.to_owned()), "{method} {path} {body}");
    }
    assert_eq!(leader.node.store().snapshot(), []);
    assert_eq!(follower.node.store().snapshot(), []);
}

#[tokio::test(start_paused = true)]
async fn copies_that_come_together_are_applied_in_their_order_and_answered_one_by_one() {
    let follower = follower(&[("REPLICATION_ORDER", "version")]);
    let copies = json!([
        {"key": "k", "value": "b", "version": 2},
        {"key": "k", "value": "a", "version": 1},
        {"key": "", "value": "v", "version": 3},
        {"key": "l", "value": "c", "version": 4, "catch_up": true},
    ]);
    let (status, body) = follower.ask(request("POST", "/replicate", &json!({ "copies": copies }).to_string())).await;
    assert_eq!(status, StatusCode::OK);
    let expected = json!([
        {"applied": true, "version": 2},
        {"applied": false, "version": 2},
        {"error": "bad_key", "message": "the key is empty"},
        {"applied": true, "version": 4},
    ]);
    assert_eq!((&body["answers"], &body["started_us"]), (&expected, &0.into()));
    let held: Vec<_> = follower.node.store().snapshot().into_iter().map(|entry| (entry.value, entry.version)).collect();
    assert_eq!(held, [("b".into(), 2), ("c".into(), 4)]);
    let (_, trace) = follower.ask(request("GET", "/debug/trace", "")).await;
    let TraceDump::<FollowerRecord> { records, .. } = serde_json::from_value(trace).unwrap();
    let arrivals: Vec<_> = records.iter().map(|record| (record.version, record.catch_up)).collect();
    assert_eq!(arrivals, [(2, false), (1, false), (4, true)]);
}

#[tokio::test]
async fn a_405_names_the_methods_there_are() {
    let leader = leader(&[], &[]);
    let response = leader.router.oneshot(request("PATCH", "/kv/k", "")).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    let allowed = response.headers()[header::ALLOW].to_str().unwrap();
    assert!(allowed.contains("GET") && allowed.contains("PUT"), "{allowed}");
}

#[tokio::test(start_paused = true)]
async fn a_body_may_have_one_mebibyte_and_not_a_byte_more() {
    let leader = leader(&[Acks(0)], &[]);
    let frame = r#"{"value":""}"#.len();
    let fits = "x".repeat(1_024 * 1_024 - frame);
    assert_eq!(leader.put("k", &fits).await.0, StatusCode::OK);
    let over = put("k", &format!("{fits}x"));
    assert_eq!(refusal(&leader, over).await, (413, "body_too_large".to_owned()));
    let mut announced = put("k", "v");
    announced.headers_mut().insert(header::CONTENT_LENGTH, "1048577".parse().unwrap());
    assert_eq!(refusal(&leader, announced).await, (413, "body_too_large".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let leader = leader(&[], &[]);
    let endless = Body::from_stream(futures_util::stream::pending::<Result<&[u8], std::io::Error>>());
    let request = Request::put("/kv/k").body(endless).unwrap();
    assert_eq!(refusal(&leader, request).await, (408, "body_timeout".to_owned()));
    assert_eq!(leader.now_ms(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn the_write_id_is_the_clients_or_else_the_version() {
    let leader = leader(&[Acks(0)], &[]);
    let with = |id: &str| {
        let mut request = put("k", "v");
        request.headers_mut().insert("x-write-id", id.parse().unwrap());
        request
    };
    for bad in ["", "-1", "1.0", "18446744073709551616", "x"] {
        assert_eq!(refusal(&leader, with(bad)).await, (400, "bad_write_id".to_owned()));
    }
    let mut twice = with("1");
    twice.headers_mut().append("x-write-id", "2".parse().unwrap());
    assert_eq!(refusal(&leader, twice).await, (400, "bad_write_id".to_owned()));
    assert_eq!(leader.ask(with("77")).await.0, StatusCode::OK);
    leader.put("k", "v").await;
    let trace: TraceDump<LeaderRecord> = leader.get("/debug/trace").await;
    let ids: Vec<_> = trace.records.iter().map(|r| (r.write, r.version)).collect();
    assert_eq!(ids, [(77, 1), (2, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_follower_counts_on_where_a_replication_has_no_version() {
    let follower = follower(&[("REPLICATION_ORDER", "version")]);
    let mut answers = Vec::new();
    for body in [r#"{"value":"a"}"#, r#"{"value":"b","version":9}"#, r#"{"value":"c","version":4}"#, r#"{"value":"d"}"#]
    {
        let (_, answer) = follower.ask(request("POST", "/replicate/k", body)).await;
        let answer: Replicated = serde_json::from_value(answer).unwrap();
        answers.push((answer.applied, answer.version));
    }
    assert_eq!(answers, [(true, 1), (true, 9), (false, 9), (true, 10)]);
    let held: Value = follower.get("/kv/k").await;
    assert_eq!((held.value.as_str(), held.version, held.role), ("d", 10, Role::Follower));
    let trace: TraceDump<FollowerRecord> = follower.get("/debug/trace").await;
    let arrivals: Vec<_> = trace.records.iter().map(|r| (r.version, r.applied)).collect();
    assert_eq!(arrivals, [(1, true), (9, true), (4, false), (10, true)]);
}

#[tokio::test(start_paused = true)]
async fn catching_up_applies_only_what_is_newer_even_in_arrival_order() {
    let follower = follower(&[]);
    let mut answers = Vec::new();
    for body in [
        r#"{"value":"a","version":5}"#,
        r#"{"value":"b","version":4,"catch_up":true}"#,
        r#"{"value":"c","version":6,"catch_up":true}"#,
        r#"{"value":"d","version":3,"catch_up":false}"#,
    ] {
        let (_, answer) = follower.ask(request("POST", "/replicate/k", body)).await;
        let answer: Replicated = serde_json::from_value(answer).unwrap();
        answers.push((answer.applied, answer.version));
        assert_eq!(answer.started_us, Some(0));
    }
    assert_eq!(answers, [(true, 5), (false, 5), (true, 6), (true, 3)]);
    let trace: TraceDump<FollowerRecord> = follower.get("/debug/trace").await;
    let arrivals: Vec<_> = trace.records.iter().map(|r| (r.version, r.catch_up)).collect();
    assert_eq!(arrivals, [(5, false), (4, true), (6, true), (3, false)]);
}

#[tokio::test]
async fn health_tells_what_the_node_is() {
    let leader = leader(&[Acks(0), Acks(0)], &[("WRITE_QUORUM", "2"), ("NODE_NAME", "boss")]);
    let health: Health = leader.get("/health").await;
    assert!(health.ok);
    assert!(health.started_us <= health.now_us);
    assert_eq!((health.role, health.node.as_str(), health.write_quorum), (Role::Leader, "boss", 2));
    assert_eq!(health.followers, ["http://f1:8000", "http://f2:8000"]);
    let follower: Health = follower(&[]).get("/health").await;
    assert_eq!((follower.role, follower.followers.len()), (Role::Follower, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_trace_says_how_much_it_dropped() {
    let leader = leader(&[Acks(0), Acks(0)], &[("TRACE_CAPACITY", "1500")]);
    for _ in 0..1_000 {
        leader.put("k", "v").await;
    }
    let trace: TraceDump<LeaderRecord> = leader.get("/debug/trace").await;
    assert_eq!((trace.dropped, trace.records.len()), (500, 1_500));
    assert_eq!(trace.records[0].version, 251);
    assert_eq!(trace.records[1_499].version, 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_read_on_from_where_it_ended() {
    let leader = leader(&[Acks(0), Acks(60_000)], &[("TRACE_CAPACITY", "1500"), ("WRITE_QUORUM", "1")]);
    let read = async |query: &str| {
        let trace: TraceDump<LeaderRecord> = leader.get(&format!("/debug/trace{query}")).await;
        (trace.records.len(), trace.dropped, trace.next)
    };
    for _ in 0..10 {
        leader.put("k", "v").await;
    }
    assert_eq!(read("").await, (20, 0, 20));
    assert_eq!(read("?from=5").await, (15, 0, 20));
    // Every other copy is on its way for a minute, until the replication's time limit ends it.
    assert_eq!(read("?from=0&ended=true").await, (1, 0, 1));
    assert_eq!(read("?from=1&ended=true").await, (0, 0, 1));
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(read("?from=1&ended=true").await, (19, 0, 20));
    assert_eq!(read("?from=20&ended=true").await, (0, 0, 20));
    // Numbers that no record has yet.
    assert_eq!(read("?from=99").await, (0, 0, 20));
    for _ in 0..1_000 {
        leader.put("k", "v").await;
    }
    assert_eq!(read("?from=20").await, (1_500, 500, 2_020));
    let (status, refusal) = leader.ask(request("GET", "/debug/trace?from=-1", "")).await;
    assert_eq!((status, &refusal["error"]), (StatusCode::BAD_REQUEST, &"bad_query".into()));
}

fn any_method() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![Method::GET, Method::PUT, Method::POST, Method::HEAD, Method::TRACE])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_is_sent_is_answered_in_json(
        method in any_method(),
        path in "/(kv|replicate|debug|health)?(/[a-z%0-9A-F.]{0,12}){0,2}",
        body in prop::collection::vec(any::<u8>(), 0..64),
        id in prop::option::of("[ -~]{0,8}"),
        to_leader: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let subject = if to_leader { leader(&[Acks(0)], &[]) } else { follower(&[]) };
            let mut request = Request::builder().method(&method).uri(&path);
            if let Some(id) = id {
                request = request.header("x-write-id", id);
            }
            let Ok(request) = request.body(Body::from(body)) else { return };
            if method == Method::HEAD {
                return;
            }
            let (status, answer) = subject.ask(request).await;
            assert!(!status.is_server_error());
            assert_eq!(status.is_success(), answer.get("error").is_none());
        });
    }

    #[test]
    fn any_value_of_an_accepted_write_fits_into_a_replication(
        value in prop::collection::vec(prop_oneof![any::<char>(), prop::char::range('\0', '\u{20}')], 0..64)
            .prop_map(String::from_iter),
    ) {
        // The shortest spelling of the value that JSON allows is the one that serde writes.
        let put = json!({ "value": value }).to_string();
        let body = crate::wire::Replicate { value, version: Some(u64::MAX), catch_up: true };
        prop_assert!(serde_json::to_string(&body).unwrap().len() <= put.len() + 64);
    }
}
