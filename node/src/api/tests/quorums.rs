//! When a write is answered, and how.

use axum::http::StatusCode;
use serde_json::json;

use super::support::Follower::{Acks, Fails, Hangs};
use super::support::{leader, put};
use crate::wire::{LeaderRecord, Outcome, PutDone, StoreDump, TraceDump};
use tower::ServiceExt;

#[tokio::test(start_paused = true)]
async fn the_answer_comes_with_the_wth_acknowledgement() {
    let script = [Acks(500), Acks(100), Acks(400), Acks(200), Acks(300)];
    for quorum in 1..=5_u64 {
        let leader = leader(&script, &[("WRITE_QUORUM", &quorum.to_string())]);
        let (status, body) = leader.put("k", "v").await;
        assert_eq!(status, StatusCode::OK);
        let done: PutDone = serde_json::from_value(body).unwrap();
        assert_eq!((u64::from(done.acks), u64::from(done.required)), (quorum, quorum));
        assert_eq!((done.status.as_str(), done.version), ("ok", 1));
        assert_eq!(leader.now_ms(), 100 * quorum);
        assert_eq!(leader.in_flight(), 5 - quorum);
        leader.settle().await;
        // `settle` looks once a millisecond.
        assert!((500..=501).contains(&leader.now_ms()));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_quorum_the_answer_comes_at_once() {
    let leader = leader(&[Acks(50), Acks(50)], &[("WRITE_QUORUM", "0")]);
    let (status, body) = leader.put("k", "v").await;
    assert_eq!((status, &body["acks"]), (StatusCode::OK, &json!(0)));
    assert_eq!((leader.now_ms(), leader.in_flight()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_quorum_out_of_reach_is_refused_as_soon_as_that_is_certain() {
    let script = [Acks(10), Fails(200), Hangs, Fails(100), Acks(300)];
    let leader = leader(&script, &[("WRITE_QUORUM", "4")]);
    let (status, body) = leader.put("k", "v").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(leader.now_ms(), 200);
    assert_eq!(body["error"], "quorum_unreachable");
    assert_eq!((&body["acks"], &body["required"], &body["version"]), (&json!(1), &json!(4), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn a_quorum_beyond_the_followers_fails_at_once_and_replicates_all_the_same() {
    for script in [vec![], vec![Acks(5); 5]] {
        let leader = leader(&script, &[("WRITE_QUORUM", "6")]);
        let (status, body) = leader.put("k", "v").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!((leader.now_ms(), &body["acks"]), (0, &json!(0)));
        leader.settle().await;
        let trace: TraceDump<LeaderRecord> = leader.get("/debug/trace").await;
        assert!(trace.records.iter().all(|record| record.outcome == Outcome::Acked));
        assert_eq!(trace.records.len(), script.len());
        let dump: StoreDump = leader.get("/debug/store").await;
        assert_eq!(dump.store["k"], "v");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_quorum_is_a_timeout_and_replication_goes_on() {
    let vars = [("WRITE_QUORUM", "2"), ("GLOBAL_REQUEST_TIMEOUT_S", "0.25"), ("REPLICATION_TIMEOUT_S", "1")];
    let leader = leader(&[Acks(100), Acks(900), Hangs], &vars);
    let (status, body) = leader.put("k", "v").await;
    assert_eq!((status, leader.now_ms()), (StatusCode::GATEWAY_TIMEOUT, 250));
    assert_eq!(body["error"], "quorum_timeout");
    assert_eq!((&body["acks"], &body["required"]), (&json!(1), &json!(2)));
    assert_eq!(leader.in_flight(), 2);
    leader.settle().await;
    let trace: TraceDump<LeaderRecord> = leader.get("/debug/trace").await;
    let ends: Vec<_> = trace.records.iter().map(|r| (r.outcome, r.acked_us)).collect();
    assert_eq!(ends, [(Outcome::Acked, Some(100_000)), (Outcome::Acked, Some(900_000)), (Outcome::Timeout, None)]);
}

#[tokio::test(start_paused = true)]
async fn the_replication_timeout_covers_the_injected_delay() {
    let vars = [("MIN_DELAY_MS", "150"), ("MAX_DELAY_MS", "150"), ("REPLICATION_TIMEOUT_S", "0.2")];
    let in_time = leader(&[Acks(50)], &vars);
    assert_eq!(in_time.put("k", "v").await.0, StatusCode::OK);
    let late = leader(&[Acks(51)], &vars);
    assert_eq!(late.put("k", "v").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(late.now_ms(), 200);
}

#[tokio::test(start_paused = true)]
async fn the_replication_timeout_covers_the_acknowledgements_delay_too() {
    let vars = |ack: &'static str| [("DELAY", "constant(100)"), ("ACK_DELAY", ack), ("REPLICATION_TIMEOUT_S", "0.2")];
    let in_time = leader(&[Acks(50)], &vars("constant(50)"));
    assert_eq!(in_time.put("k", "v").await.0, StatusCode::OK);
    assert_eq!(in_time.now_ms(), 200);
    let late = leader(&[Acks(50)], &vars("constant(51)"));
    assert_eq!(late.put("k", "v").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(late.now_ms(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_cancels_nothing() {
    let leader = leader(&[Acks(100), Acks(200)], &[("WRITE_QUORUM", "2")]);
    let hasty = leader.router.clone().oneshot(put("k", "v"));
    let limit = std::time::Duration::from_millis(50);
    assert!(tokio::time::timeout(limit, hasty).await.is_err());
    assert_eq!(leader.in_flight(), 2);
    leader.settle().await;
    let trace: TraceDump<LeaderRecord> = leader.get("/debug/trace").await;
    assert!(trace.records.iter().all(|record| record.outcome == Outcome::Acked));
}

#[tokio::test(start_paused = true)]
async fn the_trace_tells_of_each_replication_while_it_runs() {
    let vars = [("WRITE_QUORUM", "0"), ("MAX_DELAY_MS", "40"), ("DELAY_SEED", "1")];
    let leader = leader(&[Acks(5), Fails(5)], &vars);
    leader.put("k", "v").await;
    let before: TraceDump<LeaderRecord> = leader.get("/debug/trace").await;
    assert!(before.records.iter().all(|r| r.outcome == Outcome::Pending && r.sent_us.is_none()));
    leader.settle().await;
    let after: TraceDump<LeaderRecord> = leader.get("/debug/trace").await;
    for (follower, (record, outcome)) in after.records.iter().zip([Outcome::Acked, Outcome::Failed]).enumerate() {
        assert_eq!((record.follower as usize, record.outcome), (follower, outcome));
        let sent = record.sent_us.unwrap();
        assert!((record.delay_us..record.delay_us + 1_000).contains(&sent), "{record:?}");
        let acked = (outcome == Outcome::Acked).then_some(sent + 5_000);
        assert_eq!(record.acked_us, acked);
    }
}
