#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::config::{AfterLeaderDeath, Experiment, Pacing};
use crate::data::{ReplicationOutcome, ReplicationRow, RunData, WriteOutcome};
use crate::model::{CatchUp, LinkOrder, Micros, NodeId, Quorum, ReplicationOrder, TimeSpan, Version};
use crate::sim::{Unwatched, simulate, simulate_direct};

/// The lab with these faults, as the manifest writes them, run both ways.
fn run(faults: serde_json::Value, w: i64, change: impl FnOnce(&mut Experiment)) -> RunData {
    let mut experiment = Experiment { faults: serde_json::from_value(faults).unwrap(), ..Experiment::default() };
    change(&mut experiment);
    let (name, never) = ("quorum".parse().unwrap(), CancellationToken::new());
    let quorum = Quorum::try_from(w).unwrap();
    let mut routed = simulate(&name, &experiment, quorum, &Unwatched, &never).unwrap();
    routed.logs.insert("leader".to_owned(), Vec::new());
    let direct = simulate_direct(&name, &experiment, quorum, &never).unwrap();
    assert_eq!(routed.writes, direct.writes);
    // Whole, but without pages of text where they differ.
    assert!(routed == direct, "HTTP and messages give different runs");
    routed
}

fn lab(faults: serde_json::Value, w: i64) -> RunData {
    run(faults, w, |_| {})
}

#[test]
fn writes_of_an_open_loop_that_were_to_start_while_the_leader_stood_still_waited_for_it() {
    let pause = json!([{"at": "1s", "node": "leader", "kind": "pause", "until": "2s"}]);
    let run = run(pause, 1, |experiment| {
        experiment.network.delay = "uniform(1,5)".parse().unwrap();
        experiment.workload.writes = 300.try_into().unwrap();
        experiment.workload.concurrency = 1_000.try_into().unwrap();
        experiment.workload.pacing = Pacing::Open;
        experiment.workload.rate_per_s = Some(100.try_into().unwrap());
    });
    assert_eq!(outcomes(&run), (300, 0, 0));
    let intended = run.manifest.config.workload.intended_starts(42).unwrap();
    let ends = (run.faults[0].begun_us, run.faults[1].begun_us);
    let mut waited = 0;
    for (row, intended_us) in run.writes.iter().zip(intended) {
        assert_eq!((row.start_us, row.sent_us), (intended_us, Some(intended_us)));
        if (ends.0..ends.1).contains(&intended_us) {
            assert!(row.end() >= ends.1, "{row:?}");
            waited += 1;
        } else if intended_us >= ends.1 {
            assert!(row.latency_us < TimeSpan::new(10_000), "{row:?}");
        }
    }
    // A hundred are to start in a second, give or take three standard deviations.
    assert!((70..=130).contains(&waited), "{waited}");
}

/// How many writes ended how.
fn outcomes(run: &RunData) -> (usize, usize, usize) {
    let count = |outcome| run.writes.iter().filter(|row| row.outcome == outcome).count();
    (count(WriteOutcome::Ok), count(WriteOutcome::Failed), count(WriteOutcome::Unknown))
}

/// When a follower's arrivals were, by version.
fn arrivals(run: &RunData, follower: NodeId) -> BTreeMap<Version, Micros> {
    run.arrivals.iter().filter(|row| row.follower == follower).map(|row| (row.version, row.at_us)).collect()
}

#[test]
fn a_killed_follower_refuses_and_comes_back_empty() {
    let run = lab(json!([{"at": 30, "node": "f5", "kind": "kill", "until": 70}]), 5);
    let (down_us, up_us) = (run.faults[0].begun_us, run.faults[1].begun_us);
    let (ok, failed, unknown) = outcomes(&run);
    assert!(ok > 40 && failed > 30 && unknown == 0, "{ok} {failed} {unknown}");
    // The last to be refused lets write 70 begin, and so brings the follower back at once.
    for row in run.replication.iter().filter(|row| row.follower == NodeId::Follower(4) && row.sent_us != Some(up_us)) {
        let sent_us = row.sent_us.unwrap();
        let lost = (down_us..up_us).contains(&sent_us);
        assert_eq!(row.outcome == ReplicationOutcome::Failed, lost, "{row:?}");
    }
    // Refused at once, not after the time limit.
    assert!(run.writes.iter().all(|row| row.latency_us < TimeSpan::new(1_000_000)));
    // Its trace began again with it.
    assert!(arrivals(&run, NodeId::Follower(4)).values().all(|at_us| *at_us >= up_us));
}

#[test]
fn a_returned_follower_is_caught_up_with_where_the_leader_does_that() {
    let crash = json!([{"at": 80, "node": "f5", "kind": "kill", "until": 95}]);
    let held = |catch_up| {
        let run = run(crash.clone(), 3, |experiment| {
            experiment.network.order = ReplicationOrder::Version;
            experiment.network.catch_up = catch_up;
            experiment.workload.keys = 100.try_into().unwrap();
        });
        (run.settled[&NodeId::Follower(4)].versions.clone(), run.settled[&NodeId::Leader].versions.clone())
    };
    let (follower, leader) = held(CatchUp::Off);
    assert!(follower.len() < leader.len());
    let (follower, leader) = held(CatchUp::Snapshot);
    assert_eq!(follower, leader);
}

#[test]
fn a_run_settles_though_a_follower_is_cut_off_for_good() {
    let cut = json!([{"at": 95, "node": "f2", "kind": "partition", "from": "leader"}]);
    let run = run(cut, 3, |experiment| experiment.network.catch_up = CatchUp::Snapshot);
    assert!(run.manifest.settled);
    // Three tries of two seconds after a replication that timed out.
    assert!((6_000_000..9_000_000).contains(&run.manifest.settle_us.get()), "{}", run.manifest.settle_us);
}

#[test]
fn a_follower_that_answers_again_after_the_tries_is_dumped_only_once_it_has_caught_up() {
    // The load is over a few milliseconds after f2 is back; by then it was given up.
    let crash = json!([{"at": 1, "node": "f2", "kind": "kill", "until": 99}]);
    let run = run(crash, 3, |experiment| {
        experiment.network.catch_up = CatchUp::Snapshot;
        experiment.network.order = ReplicationOrder::Version;
        experiment.network.delay = "uniform(10,20)".parse().unwrap();
        experiment.workload.concurrency = 1.try_into().unwrap();
    });
    let back_us = run.faults[1].ended_us;
    assert!(back_us > Micros::new(1_000_000) && run.manifest.last_ack_us() < back_us + TimeSpan::new(40_000));
    assert!(run.at_last_ack[&NodeId::Follower(1)].versions.len() < 10);
    assert!(run.manifest.settled);
    assert_eq!(run.settled[&NodeId::Follower(1)].versions, run.settled[&NodeId::Leader].versions);
    let caught_up = run.arrivals.iter().filter(|row| row.follower == NodeId::Follower(1) && row.catch_up).count();
    assert!(caught_up >= 9, "{caught_up}");
}

#[test]
fn a_frozen_follower_applies_what_has_got_to_it_when_it_goes_on() {
    let run = lab(json!([{"at": 30, "node": "f1", "kind": "pause", "until": 70}]), 3);
    let (from_us, to_us) = (run.faults[0].begun_us, run.faults[1].begun_us);
    let arrived = arrivals(&run, NodeId::Follower(0));
    assert_eq!(arrived.len(), 100);
    assert!(arrived.values().all(|at_us| !(from_us..to_us).contains(at_us)));
    assert!(arrived.values().filter(|at_us| **at_us == to_us).count() > 10);
    let given_up = |row: &&ReplicationRow| row.outcome == ReplicationOutcome::Timeout;
    assert!(run.replication.iter().filter(given_up).all(|row| row.follower == NodeId::Follower(0)));
}

#[test]
fn a_follower_that_is_cut_off_loses_what_the_leader_gives_up() {
    let run = lab(json!([{"at": 30, "node": "f2", "kind": "partition", "from": "leader", "until": "9s"}]), 5);
    let late = run.replication.iter().filter(|row| row.outcome == ReplicationOutcome::Timeout).collect::<Vec<_>>();
    assert!(!late.is_empty() && late.iter().all(|row| row.follower == NodeId::Follower(1)));
    let arrived = arrivals(&run, NodeId::Follower(1));
    assert!(late.iter().all(|row| !arrived.contains_key(&row.version)));
    // A write that misses one copy of five waits for it until the time limit.
    let failed = run.writes.iter().filter(|row| row.outcome == WriteOutcome::Failed);
    assert!(failed.clone().count() > 0 && failed.clone().all(|row| row.latency_us == TimeSpan::new(2_000_000)));
}

#[test]
fn what_is_sent_to_a_slow_follower_takes_so_much_longer() {
    let run = lab(json!([{"at": 0, "node": "f3", "kind": "slow", "delay_ms": 500}]), 1);
    let arrived = arrivals(&run, NodeId::Follower(2));
    for row in run.replication.iter().filter(|row| row.follower == NodeId::Follower(2)) {
        assert_eq!(arrived[&row.version], row.sent_us.unwrap() + TimeSpan::new(500_000));
        assert_eq!(row.acked_us, Some(arrived[&row.version]));
    }
}

#[test]
fn a_mute_follower_gets_every_copy_and_the_leader_does_not_learn_of_it() {
    for link in [LinkOrder::Independent, LinkOrder::Ordered] {
        let fault = json!([{"at": 30, "node": "f2", "kind": "mute", "until": "9s"}]);
        let run = run(fault, 5, |experiment| experiment.network.link = Some(link));
        let (mute_us, heard_us) = (run.faults[0].begun_us, run.faults[1].begun_us);
        let arrived = arrivals(&run, NodeId::Follower(1));
        let (mut given_up, mut late) = (0, 0);
        for row in run.replication.iter().filter(|row| row.follower == NodeId::Follower(1)) {
            let sent_us = row.sent_us.unwrap();
            assert_eq!(arrived[&row.version], sent_us, "nothing holds up what the leader sends");
            given_up += usize::from(row.outcome == ReplicationOutcome::Timeout);
            let is_held =
                (mute_us + TimeSpan::new(1)..heard_us).contains(&sent_us) && row.outcome == ReplicationOutcome::Acked;
            assert!(!is_held || row.acked_us.unwrap() >= heard_us, "{row:?}");
            late += usize::from(is_held);
        }
        assert!(given_up > 0 && late > 0, "{given_up} {late}");
        let f2_alone =
            |row: &ReplicationRow| row.outcome == ReplicationOutcome::Acked || row.follower == NodeId::Follower(1);
        assert!(run.replication.iter().all(f2_alone));
        let failed = run.writes.iter().filter(|row| row.outcome == WriteOutcome::Failed);
        // Over an ordered link the leader knows sooner: it closes the connection over which nothing is answered.
        let at_least = if link == LinkOrder::Ordered { TimeSpan::ZERO } else { TimeSpan::new(2_000_000) };
        assert!(failed.clone().count() > 0 && failed.clone().all(|row| row.latency_us >= at_least));
        assert!(run.manifest.settled);
    }
}

#[test]
fn a_killed_leader_sends_nothing_more_and_its_clients_do_not_know() {
    let run = lab(json!([{"at": 50, "node": "leader", "kind": "kill"}]), 3);
    let died_us = run.faults[0].begun_us;
    let (ok, failed, unknown) = outcomes(&run);
    assert!((ok, failed) == (41, 0) && unknown == 59, "{ok} {failed} {unknown}");
    assert_eq!(run.manifest.absent_nodes, [NodeId::Leader]);
    assert!(!run.manifest.settled && run.replication.is_empty());
    assert!(run.arrivals.iter().all(|row| row.at_us <= died_us));
}

/// As [`lab`] at W = 1 with each key written once, a leader that is killed at this moment, and a follower that takes its
/// place.
fn promoted(at: &serde_json::Value) -> RunData {
    run(json!([{"at": at, "node": "leader", "kind": "kill"}]), 1, |experiment| {
        experiment.workload.keys = 100.try_into().unwrap();
        experiment.after_leader_death = AfterLeaderDeath::Promote;
    })
}

#[test]
fn after_the_leaders_death_the_follower_with_the_newest_write_is_read_the_same_each_time() {
    let run = promoted(&json!(50));
    let failover = run.failover.clone().unwrap();
    assert_eq!((failover.died_us, failover.error), (run.faults[0].begun_us, None));
    let newest = |node: &NodeId| run.settled[node].versions.values().copied().max().unwrap();
    let followers: Vec<NodeId> = NodeId::followers(run.manifest.config.followers).collect();
    let told: Vec<(NodeId, u64)> = failover.survivors.iter().map(|row| (row.node, row.position)).collect();
    assert_eq!(told, followers.iter().map(|node| (*node, newest(node))).collect::<Vec<_>>());
    let chosen = failover.chosen.unwrap();
    assert!(followers.iter().all(|node| newest(node) <= newest(&chosen)));
    assert_eq!(failover.held.as_ref(), run.settled.get(&chosen));
    // No node of the lab's can be promoted.
    assert_eq!((failover.promoted_us, failover.first_ack_us), (None, None));
    assert!(promoted(&json!(50)) == run, "the same seed gives another run");
}

#[test]
fn of_a_leader_that_outlives_the_load_nobody_takes_the_place() {
    let run = promoted(&json!("3600s"));
    assert_eq!((run.failover, run.faults), (None, Vec::new()));
}

#[test]
fn a_leader_that_was_started_again_begins_anew() {
    let run = lab(json!([{"at": 20, "node": "leader", "kind": "stop", "until": "3s"}]), 1);
    // All that were sent meanwhile were refused at once.
    assert!(outcomes(&run).2 > 50);
    let run = self::run(json!([{"at": "1s", "node": "leader", "kind": "kill", "until": "1s"}]), 1, |experiment| {
        experiment.workload.writes = 200.try_into().unwrap();
    });
    assert!(outcomes(&run).0 > 150);
    let versions: Vec<u64> = run.replication.iter().map(|row| row.version.get()).collect();
    assert_eq!(versions.iter().min(), Some(&1));
    assert!(*versions.iter().max().unwrap() < 200);
}

#[test]
fn a_frozen_leader_answers_when_it_goes_on() {
    let run = lab(json!([{"at": 50, "node": "leader", "kind": "pause", "until": "6s"}]), 1);
    let (frozen_us, thawed_us) = (run.faults[0].begun_us, run.faults[1].begun_us);
    assert_eq!(thawed_us, Micros::new(6_000_000));
    let answered = run.writes.iter().map(|row| row.end());
    assert!(answered.clone().all(|at_us| !(frozen_us + TimeSpan::new(1)..thawed_us).contains(&at_us)));
    assert!(answered.max().unwrap() > thawed_us);
}

#[test]
fn a_leader_that_is_cut_off_reaches_nobody() {
    let run = lab(json!([{"at": 50, "node": "leader", "kind": "partition", "from": "all", "until": "3s"}]), 2);
    let (cut_us, healed_us) = (run.faults[0].begun_us, run.faults[1].begun_us);
    let during = |at_us: Micros| (cut_us + TimeSpan::new(1)..healed_us).contains(&at_us);
    assert!(run.arrivals.iter().all(|row| !during(row.at_us)));
    assert!(run.writes.iter().all(|row| !during(row.end())));
    assert!(run.manifest.settled);
}

/// As [`run`], with ordered links.
fn ordered(faults: serde_json::Value, w: i64) -> RunData {
    run(faults, w, |experiment| experiment.network.link = Some(LinkOrder::Ordered))
}

/// The versions that arrived at a follower, in their order.
fn versions(run: &RunData, follower: NodeId) -> Vec<u64> {
    run.arrivals.iter().filter(|row| row.follower == follower).map(|row| row.version.get()).collect()
}

#[test]
fn on_an_ordered_link_nothing_that_breaks_changes_the_order() {
    for fault in [
        json!([{"at": 30, "node": "f2", "kind": "partition", "from": "leader", "until": 70}]),
        json!([{"at": 30, "node": "f2", "kind": "partition", "from": "leader", "until": "9s"}]),
        json!([{"at": 30, "node": "f2", "kind": "slow", "delay_ms": 500, "until": 50}]),
        json!([{"at": 30, "node": "f2", "kind": "pause", "until": 70}]),
        json!([{"at": 30, "node": "f2", "kind": "mute", "until": 70}]),
        json!([{"at": 30, "node": "f2", "kind": "kill", "until": 70}]),
        json!([{"at": 30, "node": "leader", "kind": "pause", "until": "9s"}]),
    ] {
        let run = ordered(fault.clone(), 3);
        assert!(run.manifest.settled, "{fault}");
        for follower in NodeId::followers(run.manifest.config.followers) {
            assert!(versions(&run, follower).is_sorted(), "{fault} {follower}");
        }
    }
}

#[test]
fn what_has_left_over_an_ordered_link_arrives_after_the_cut_unless_its_connection_was_closed() {
    let f2 = |row: &&ReplicationRow| row.follower == NodeId::Follower(1);
    let cut = |until: serde_json::Value| {
        ordered(json!([{"at": "800ms", "node": "f2", "kind": "partition", "from": "leader", "until": until}]), 3)
    };
    let run = cut(json!("2500ms"));
    let arrived = arrivals(&run, NodeId::Follower(1));
    assert!(arrived.values().all(|at_us| !(800_001..2_500_000).contains(&at_us.get())));
    assert!(arrived.values().filter(|at_us| **at_us == Micros::new(2_500_000)).count() >= 10);
    for row in run.replication.iter().filter(f2) {
        assert_eq!(arrived.contains_key(&row.version), row.sent_us.is_some(), "{row:?}");
    }
    // Some had been given up by then.
    let late = |row: &&ReplicationRow| row.outcome == ReplicationOutcome::Timeout && row.sent_us.is_some();
    assert!(run.replication.iter().filter(f2).any(|row| late(&row)));

    // Two seconds after the first copy that stayed unanswered had left, the connection is closed.
    let run = cut(json!("3900ms"));
    let arrived = arrivals(&run, NodeId::Follower(1));
    let departures = |row: &ReplicationRow| row.sent_us.filter(|sent_us| *sent_us > Micros::new(800_000));
    let first_us = run.replication.iter().filter(f2).filter_map(departures).min().unwrap();
    for row in run.replication.iter().filter(f2) {
        let is_lost =
            row.sent_us.is_none_or(|sent_us| (first_us..first_us + TimeSpan::new(2_000_000)).contains(&sent_us));
        assert_eq!(arrived.contains_key(&row.version), !is_lost, "{row:?}");
    }
}

#[test]
fn what_is_sent_over_an_ordered_link_to_a_slow_follower_is_no_slower_for_what_is_ahead_of_it() {
    let run = ordered(json!([{"at": 0, "node": "f3", "kind": "slow", "delay_ms": 500}]), 1);
    let arrived = arrivals(&run, NodeId::Follower(2));
    for row in run.replication.iter().filter(|row| row.follower == NodeId::Follower(2)) {
        assert_eq!(arrived[&row.version], row.sent_us.unwrap() + TimeSpan::new(500_000));
    }
}

/// As [`run`], with both orders of links.
fn either(faults: &serde_json::Value, w: i64) -> [(LinkOrder, RunData); 2] {
    [LinkOrder::Independent, LinkOrder::Ordered]
        .map(|link| (link, run(faults.clone(), w, |experiment| experiment.network.link = Some(link))))
}

#[test]
fn a_killed_leader_takes_along_what_is_queued_in_a_slow_or_cut_link() {
    let slow = json!({"at": 0, "node": "f3", "kind": "slow", "delay_ms": 500});
    let cut = json!({"at": 0, "node": "f3", "kind": "partition", "from": "leader", "until": "1s"});
    for fault in [slow, cut] {
        for (link, run) in either(&json!([fault, {"at": 50, "node": "leader", "kind": "kill"}]), 2) {
            let died_us = run.faults.iter().find(|row| row.node == NodeId::Leader).unwrap().begun_us;
            assert!(run.arrivals.iter().all(|row| row.at_us <= died_us), "{link:?} {fault}");
        }
    }
}

#[test]
fn what_is_queued_in_a_slow_link_to_a_killed_follower_does_not_reach_the_one_in_its_place() {
    let faults = json!([
        {"at": 0, "node": "f3", "kind": "slow", "delay_ms": 1000},
        {"at": "1s", "node": "f3", "kind": "kill", "until": "1100ms"},
    ]);
    for (link, run) in either(&faults, 2) {
        let [died_us, back_us] = [1, 2].map(|i| run.faults[i].begun_us);
        assert_eq!((died_us, back_us), (Micros::new(1_000_000), Micros::new(1_100_000)));
        // Each takes a second, so what arrives within that second had been sent before.
        let arrived = arrivals(&run, NodeId::Follower(2));
        assert!(
            !arrived.is_empty() && arrived.values().all(|at_us| *at_us >= back_us + TimeSpan::new(1_000_000)),
            "{link:?}"
        );
        // The leader is told at once.
        let reset = |row: &&ReplicationRow| {
            row.follower == NodeId::Follower(2)
                && row.outcome == ReplicationOutcome::Failed
                && row.sent_us.is_some_and(|sent_us| sent_us < died_us)
        };
        assert!(run.replication.iter().filter(reset).count() > 5, "{link:?}");
    }
}
