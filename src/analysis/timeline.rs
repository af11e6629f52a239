//! One write's life: from the client's request to the last follower.

use serde::Serialize;

use super::account::Account;
use super::copies::{Arrival, Copies};
use crate::data::{ArrivalRow, ReplicationOutcome, ReplicationRow, RunData, WriteOutcome, WriteRow};
use crate::model::{Micros, NodeId, Version, WriteId};

/// Which write of a run.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exemplar {
    /// The acknowledged write of median latency, the lower of two.
    Median,
    /// The slowest acknowledged write.
    Worst,
}

/// The life of one write. Times are milliseconds from its client's request.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WriteLife {
    /// W.
    pub quorum: u32,
    /// Why this write.
    pub exemplar: Exemplar,
    /// Its number in the plan.
    pub write: WriteId,
    /// The key written.
    pub key: String,
    /// The leader's number, where it is known.
    pub version: Option<Version>,
    /// When the client had its answer.
    pub latency_ms: f64,
    /// When the leader had the W-th acknowledgement, by its trace; `None` at W = 0.
    pub quorum_ms: Option<f64>,
    /// Its way to each follower, by index.
    pub followers: Vec<FollowerLeg>,
}

/// A write's way to one follower. Times are milliseconds from its client's request.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FollowerLeg {
    /// The follower.
    pub follower: NodeId,
    /// The injected delay that was drawn, in milliseconds.
    pub delay_ms: Option<f64>,
    /// When the leader sent it, after the delay.
    pub sent_ms: Option<f64>,
    /// When the follower had it, if that is known; an acknowledgement alone does not tell.
    pub arrived_ms: Option<f64>,
    /// Whether the follower took it up, or kept something newer.
    pub applied: Option<bool>,
    /// When the leader had the acknowledgement.
    pub acked_ms: Option<f64>,
    /// How the replication ended; `None` where the trace does not say.
    #[cfg_attr(test, schemars(schema_with = "crate::model::schema::maybe_outcome"))]
    pub outcome: Option<ReplicationOutcome>,
    /// 1 for the first follower to acknowledge, 2 for the second, and so on.
    pub ack_rank: Option<u32>,
    /// Whether its acknowledgement was one of the W that the client waited for.
    pub in_quorum: bool,
}

/// The lives of a run's median and worst acknowledged writes, or nothing if no write was
/// acknowledged. Of equally slow writes it is the earliest.
#[must_use]
pub fn write_lives(account: &Account<'_>) -> Vec<WriteLife> {
    let (run, copies) = (account.run, account.copies());
    let mut ok: Vec<&WriteRow> = run.writes.iter().filter(|row| row.outcome == WriteOutcome::Ok).collect();
    ok.sort_by_key(|row| (row.latency_us, row.write));
    let median = ok.get(ok.len().saturating_sub(1) / 2);
    let slowest = ok.last().map(|row| row.latency_us);
    let worst = ok.iter().find(|row| Some(row.latency_us) == slowest);
    let exemplars = [(Exemplar::Median, median), (Exemplar::Worst, worst)];
    exemplars.into_iter().filter_map(|(exemplar, row)| Some(life(run, copies, exemplar, row?))).collect()
}

fn life(run: &RunData, copies: &Copies<'_>, exemplar: Exemplar, row: &WriteRow) -> WriteLife {
    let replications: Vec<&ReplicationRow> = run.replication.iter().filter(|leg| leg.write == row.write).collect();
    let account = copies.writes.iter().find(|write| write.row.write == row.write);
    let version = account.and_then(|write| write.version);
    let quorum = run.manifest.quorum.get();
    let start_us = row.start_us;
    let mut acks_us: Vec<(Micros, NodeId)> =
        replications.iter().filter_map(|leg| Some((leg.acked_us?, leg.follower))).collect();
    acks_us.sort_unstable();
    let rank = |follower: NodeId| {
        let place = acks_us.iter().position(|(_, of)| *of == follower)?;
        u32::try_from(place + 1).ok()
    };
    let leg = |(index, follower): (usize, NodeId)| {
        let sent = replications.iter().find(|leg| leg.follower == follower);
        let arrival = account.and_then(|write| write.arrivals.get(index)).copied().unwrap_or(Arrival::NEVER);
        let arrived_us = arrival.earliest_us.filter(|_| arrival.is_exact());
        let is_arrival = |row: &&ArrivalRow| {
            row.follower == follower && Some(row.version) == version && Some(row.at_us) == arrived_us
        };
        let applied = run.arrivals.iter().find(is_arrival).map(|row| row.applied);
        let since_start = |at_us: Micros| (at_us - start_us).as_ms();
        let ack_rank = rank(follower);
        FollowerLeg {
            delay_ms: sent.map(|leg| leg.delay_us.as_ms()),
            sent_ms: sent.and_then(|leg| leg.sent_us).map(since_start),
            arrived_ms: arrived_us.map(since_start),
            applied,
            acked_ms: sent.and_then(|leg| leg.acked_us).map(since_start),
            outcome: sent.map(|leg| leg.outcome),
            ack_rank,
            in_quorum: ack_rank.is_some_and(|rank| rank <= quorum),
            follower,
        }
    };
    let quorum_us = quorum.checked_sub(1).and_then(|index| acks_us.get(index as usize)).map(|(at_us, _)| *at_us);
    WriteLife {
        quorum,
        exemplar,
        write: row.write,
        key: row.key.to_string(),
        version,
        latency_ms: row.latency_us.as_ms(),
        quorum_ms: quorum_us.map(|at_us| (at_us - start_us).as_ms()),
        followers: NodeId::followers(run.manifest.config.followers).enumerate().map(leg).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixture::RunBuilder;

    /// Three writes of 35, 25 and 45 ms that draw the same delays.
    fn run(quorum: u32) -> RunData {
        let delays = [50_000, 10_000, 40_000, 20_000, 30_000];
        let latencies = [35_000, 25_000, 45_000];
        (0..).zip(latencies).fold(RunBuilder::new(quorum), |run, (i, us)| run.write_with_delays(i, us, &delays)).build()
    }

    #[test]
    fn the_median_and_the_worst_write_are_told() {
        let lives = write_lives(&Account::of(&run(3)));
        let told: Vec<_> = lives.iter().map(|life| (life.exemplar, life.write.get(), life.latency_ms)).collect();
        assert_eq!(told, [(Exemplar::Median, 0, 35.0), (Exemplar::Worst, 2, 45.0)]);
        assert_eq!((lives[1].key.as_str(), lives[1].version, lives[1].quorum), ("k2", Some(Version::new(3)), 3));
    }

    #[test]
    fn acknowledgements_are_ranked_and_the_first_w_make_the_quorum() {
        let life = &write_lives(&Account::of(&run(3)))[1];
        assert_eq!(life.quorum_ms, Some(30.0));
        let legs: Vec<_> = life.followers.iter().map(|leg| (leg.follower, leg.ack_rank, leg.in_quorum)).collect();
        let expected = [
            (NodeId::Follower(0), Some(5), false),
            (NodeId::Follower(1), Some(1), true),
            (NodeId::Follower(2), Some(4), false),
            (NodeId::Follower(3), Some(2), true),
            (NodeId::Follower(4), Some(3), true),
        ];
        assert_eq!(legs, expected);
        let f1 = &life.followers[0];
        assert_eq!(
            (f1.delay_ms, f1.sent_ms, f1.arrived_ms, f1.acked_ms),
            (Some(50.0), Some(50.0), Some(50.0), Some(50.0))
        );
        assert_eq!((f1.applied, f1.outcome), (Some(true), Some(ReplicationOutcome::Acked)));
    }

    #[test]
    fn quorum_nought_waits_for_nobody() {
        let life = &write_lives(&Account::of(&run(0)))[0];
        assert_eq!((life.quorum_ms, life.followers.iter().any(|leg| leg.in_quorum)), (None, false));
    }

    #[test]
    fn a_lost_copy_has_no_arrival_and_no_rank() {
        let mut run = run(1);
        run.arrivals.retain(|row| row.follower != NodeId::Follower(3));
        for row in run.replication.iter_mut().filter(|row| row.follower == NodeId::Follower(3)) {
            (row.acked_us, row.outcome) = (None, ReplicationOutcome::Timeout);
        }
        let leg = &write_lives(&Account::of(&run))[0].followers[3];
        assert_eq!((leg.arrived_ms, leg.acked_ms, leg.ack_rank), (None, None, None));
        assert_eq!((leg.sent_ms, leg.outcome), (Some(20.0), Some(ReplicationOutcome::Timeout)));
    }

    #[test]
    fn without_a_trace_only_the_clients_side_is_told() {
        let mut run = run(2);
        run.arrivals.clear();
        run.replication.clear();
        let life = &write_lives(&Account::of(&run))[0];
        assert_eq!((life.latency_ms, life.quorum_ms, life.followers.len()), (35.0, None, 5));
        assert!(life.followers.iter().all(|leg| leg.outcome.is_none() && leg.delay_ms.is_none()));
    }

    #[test]
    fn equally_slow_writes_and_single_ones_and_none() {
        let same = (0..4).fold(RunBuilder::new(1), |run, i| run.write_with_delays(i, 9_000, &[1_000; 5])).build();
        assert_eq!(write_lives(&Account::of(&same)).iter().map(|life| life.write.get()).collect::<Vec<_>>(), [1, 0]);
        let one = RunBuilder::new(1).write_with_delays(7, 9_000, &[1_000; 5]).build();
        assert_eq!(write_lives(&Account::of(&one)).iter().map(|life| life.write.get()).collect::<Vec<_>>(), [7, 7]);
        assert_eq!(write_lives(&Account::of(&RunBuilder::new(1).build())), []);
    }
}
