//! Converts the nodes' traces to times from the run's start, and refuses what cannot be right.

use labnode::clock::Clock;
use labnode::wire::{FollowerRecord, Health, LeaderRecord, TraceDump};

use super::client::{Client, unanswered};
use super::taken_traces::TakenTraces;
use crate::model::{Followers, Keys, Micros, NodeId, TIME_LIMIT, TimeSpan, Version, WriteId};
use crate::system::session::{ArrivalRecord, CopyRecord, SessionError, Trace};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests;

/// The run's own time line.
pub(super) struct Timeline<'a> {
    pub(super) clock: &'a Clock,
    /// When the run began, on that clock.
    pub(super) start_us: Micros,
    /// How many followers there are.
    pub(super) followers: Followers,
}

impl Timeline<'_> {
    /// A node's trace: what was taken of it before, and the rest.
    ///
    /// # Errors
    /// When the node does not answer, or says what cannot be.
    pub(super) async fn trace<C: Client>(
        &self,
        client: &C,
        node: NodeId,
        taken: &TakenTraces,
    ) -> Result<Trace, SessionError> {
        let refuse = |reason: String| malformed(node, "/debug/trace", &reason);
        if node.is_leader() {
            let trace = taken.leader(client).await?;
            let (offset_us, exhausted) = self.clock_and_limit(client, node).await?;
            let dropped = trace.dropped;
            let copies = self.copies(trace, offset_us).map_err(refuse)?;
            return Ok(Trace { copies, dropped, exhausted, ..Trace::default() });
        }
        let trace = taken.follower(client, node).await?;
        let (offset_us, exhausted) = self.clock_and_limit(client, node).await?;
        let dropped = trace.dropped;
        let arrivals = self.arrivals(trace, offset_us).map_err(refuse)?;
        Ok(Trace { arrivals, dropped, exhausted, ..Trace::default() })
    }

    /// How far a node's clock is ahead of ours: 0 where its reading falls between ours from
    /// before and after, as on one machine it does; else by the middle of the round trip. With
    /// it the limit of its machine that the node met, if any.
    async fn clock_and_limit<C: Client>(
        &self,
        client: &C,
        node: NodeId,
    ) -> Result<(Micros, Option<String>), SessionError> {
        let before = self.clock.now_us();
        let Health { now_us: theirs, exhausted, .. } = client.health(node).await?;
        let after = self.clock.now_us();
        if (before..=after).contains(&theirs) {
            return Ok((Micros::ZERO, exhausted));
        }
        let ours = Micros::from(before.midpoint(after));
        let ahead = i64::try_from(theirs).map(|theirs| Micros::new(theirs) - ours);
        let offset_us = ahead.map_err(|_| malformed(node, "/health", &format!("its clock reads {theirs} us")))?;
        Ok((offset_us, exhausted))
    }

    /// A node's time relative to the run's start, or why it cannot be right.
    fn relative(&self, at_us: u64, offset_us: Micros) -> Result<Micros, String> {
        let ours = i64::try_from(at_us).ok().map(|at_us| Micros::new(at_us) - offset_us - self.start_us);
        ours.filter(|ours| ours.abs() <= TIME_LIMIT)
            .ok_or_else(|| format!("a record's time of {at_us} us lies over ten years from the run"))
    }

    fn copies(&self, trace: TraceDump<LeaderRecord>, offset_us: Micros) -> Result<Vec<CopyRecord>, String> {
        let relative = |at_us: Option<u64>| at_us.map(|at_us| self.relative(at_us, offset_us)).transpose();
        let mut keys = Keys::default();
        let copy = |record: LeaderRecord| {
            let follower = NodeId::Follower(record.follower);
            if !follower.is_in(self.followers) {
                return Err(format!("there is no follower of index {}", record.follower));
            }
            let [delay_us, ack_delay_us] = [record.delay_us, record.ack_delay_us].map(TimeSpan::new);
            if let Some(delay_us) = [delay_us, ack_delay_us].into_iter().find(|delay| *delay > TIME_LIMIT) {
                return Err(format!("a delay of {delay_us} us is over ten years"));
            }
            Ok(CopyRecord {
                write: WriteId::new(record.write),
                version: Version::new(record.version),
                key: keys.share(&record.key),
                follower,
                delay_us,
                ack_delay_us,
                sent_us: relative(record.sent_us)?,
                acked_us: relative(record.acked_us)?,
                outcome: record.outcome,
            })
        };
        let mut copies: Vec<CopyRecord> = trace.records.into_iter().map(copy).collect::<Result<_, _>>()?;
        copies.sort_by_key(|copy| (copy.write, copy.follower));
        Ok(copies)
    }

    fn arrivals(&self, trace: TraceDump<FollowerRecord>, offset_us: Micros) -> Result<Vec<ArrivalRecord>, String> {
        let mut keys = Keys::default();
        let arrival = |record: FollowerRecord| {
            Ok(ArrivalRecord {
                version: Version::new(record.version),
                key: keys.share(&record.key),
                applied: record.applied,
                at_us: self.relative(record.at_us, offset_us)?,
                catch_up: record.catch_up,
            })
        };
        trace.records.into_iter().map(arrival).collect()
    }
}

/// The error of an answer that says what cannot be.
fn malformed(node: NodeId, path: &str, reason: &str) -> SessionError {
    unanswered(node, path, format!("malformed answer: {reason}"))
}
