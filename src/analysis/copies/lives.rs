//! One follower's lives, and what the files say of each.

use hashbrown::HashMap;

use super::write::Arrival;
use crate::data::{ArrivalRow, FaultEvent, ReplicationOutcome, ReplicationRow, RunData, WriteRow};
use crate::model::{CatchUp, Micros, NodeId, Version, WriteId};

/// From one start of a follower, empty, to its next death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) from_us: Micros,
    /// When killing it began.
    pub(super) until_us: Micros,
    /// By when it was certainly dead.
    pub(super) gone_us: Micros,
    /// Whether its whole trace was fetched: then a copy that the trace lacks never arrived.
    pub(super) is_traced: bool,
}

/// What a run's files say of one follower.
pub(super) struct FollowerRecord<'a> {
    pub(super) lives: Vec<Life>,
    /// When clients could not ask it: killed, stopped, frozen or cut off from all.
    pub(super) away: Vec<(Micros, Micros)>,
    /// By the write's number: its way here, by the leader's trace.
    pub(super) replications: HashMap<WriteId, &'a ReplicationRow>,
    /// Arrivals by its own trace, in their order, with the index of the write.
    pub(super) trace: Vec<(usize, &'a ArrivalRow)>,
    /// By the write's index: its first arrival in that trace, up to the last write that has one.
    first: Vec<Option<Micros>>,
    /// From when on a catch-up may have brought it writes; `None` if never.
    catch_up_us: Option<Micros>,
}

impl<'a> FollowerRecord<'a> {
    /// `find` gives the index of the write with this version and key that was made before a time.
    pub(super) fn of(run: &'a RunData, node: NodeId, find: &impl Fn(Version, &str, Micros) -> Option<usize>) -> Self {
        let rows = run.arrivals.iter().filter(|row| row.follower == node);
        let trace: Vec<(usize, &ArrivalRow)> =
            rows.filter_map(|row| Some((find(row.version, &row.key, row.at_us)?, row))).collect();
        let mut first = vec![None; trace.iter().map(|(write, _)| write + 1).max().unwrap_or(0)];
        for (write, row) in &trace {
            let at_us = first[*write].get_or_insert(row.at_us);
            *at_us = row.at_us.min(*at_us);
        }
        let replications: HashMap<WriteId, &ReplicationRow> =
            run.replication.iter().filter(|row| row.follower == node).map(|row| (row.write, row)).collect();
        let mut record =
            Self { lives: lives(run, node), away: away(run, node), catch_up_us: None, replications, trace, first };
        record.catch_up_us = record.catch_up(run);
        let has_trace = record.has_trace(run, node);
        if let Some(last) = record.lives.last_mut() {
            last.is_traced = has_trace && last.gone_us == Micros::MAX;
        }
        record
    }

    /// Whether the trace of the last life was fetched. One without a row is a trace only where the
    /// leader's own bears it out.
    fn has_trace(&self, run: &RunData, node: NodeId) -> bool {
        let is_absent = run.manifest.absent_nodes.contains(&node);
        let last_us = self.lives.last().map_or(Micros::MAX, |life| life.from_us);
        let was_acked = |row: &&&ReplicationRow| row.acked_us.is_some_and(|acked_us| acked_us >= last_us);
        let is_borne_out = !self.replications.is_empty() && !self.replications.values().any(|row| was_acked(&row));
        !is_absent && run.manifest.trace_dropped == 0 && (!self.trace.is_empty() || is_borne_out)
    }

    fn catch_up(&self, run: &RunData) -> Option<Micros> {
        if run.manifest.config.network.catch_up == CatchUp::Off {
            return None;
        }
        if self.replications.len() < run.writes.len() {
            return Some(Micros::MIN);
        }
        let started: HashMap<WriteId, Micros> = run.writes.iter().map(|row| (row.write, row.start_us)).collect();
        let lost = self.replications.values().filter(|row| row.outcome != ReplicationOutcome::Acked);
        let lost = lost.filter_map(|row| row.sent_us.or_else(|| started.get(&row.write).copied()));
        lost.chain(self.lives.iter().skip(1).map(|life| life.from_us)).min()
    }

    fn life_at(&self, at_us: Micros) -> Option<usize> {
        self.lives.iter().position(|life| life.from_us <= at_us && at_us <= life.gone_us)
    }

    /// When it may and must have acknowledged a write: sent, and acknowledged.
    pub(super) fn acked(&self, row: &WriteRow) -> Option<(Micros, Micros)> {
        let replication = self.replications.get(&row.write)?;
        let acked_us = replication.acked_us?;
        // A node that is down takes up nothing: what came back after its death had left it before.
        let gone_us = self.lives.iter().map(|life| life.gone_us).filter(|gone_us| *gone_us < acked_us).max();
        let acked_us = gone_us.filter(|_| self.life_at(acked_us).is_none()).unwrap_or(acked_us);
        Some((replication.sent_us.unwrap_or(row.start_us).min(acked_us), acked_us))
    }

    /// When a write first arrived by the trace.
    fn first_us(&self, write: usize) -> Option<Micros> {
        self.first.get(write).copied().flatten()
    }

    /// Whether the trace of the life in which a write was acknowledged holds its arrival.
    pub(super) fn traced_ack(&self, write: usize, acked_us: Micros) -> Option<Micros> {
        let at_us = self.first_us(write)?;
        (at_us <= acked_us || self.life_at(at_us) == self.life_at(acked_us)).then_some(at_us.min(acked_us))
    }

    /// From when on a write may have arrived in a life whose trace is lost, though nothing proves it.
    pub(super) fn unproven_us(&self, row: &WriteRow, life: &Life) -> Option<Micros> {
        if life.is_traced {
            return None;
        }
        let started_us = row.start_us;
        let own_us = match self.replications.get(&row.write) {
            Some(replication) if replication.acked_us.is_some() => None,
            Some(replication) => replication.sent_us.filter(|sent_us| *sent_us >= life.from_us),
            None => Some(started_us.max(life.from_us)),
        };
        let caught_up_us = self.catch_up_us.map(|from_us| from_us.max(started_us).max(life.from_us));
        own_us.into_iter().chain(caught_up_us).filter(|at_us| *at_us < life.gone_us).min()
    }

    /// When a write first arrived here.
    pub(super) fn arrival(&self, write: usize, row: &WriteRow) -> Arrival {
        let traced_us = self.first_us(write);
        let proven = match (self.acked(row), traced_us) {
            (Some((sent_us, acked_us)), _) => match self.traced_ack(write, acked_us) {
                Some(at_us) => Arrival::at(at_us),
                None => Arrival::between(sent_us, acked_us),
            },
            (None, Some(at_us)) => Arrival::at(at_us),
            (None, None) => Arrival::NEVER,
        };
        let unproven_us = self.lives.iter().filter_map(|life| self.unproven_us(row, life)).min();
        match unproven_us {
            Some(at_us) if proven.earliest_us.is_none_or(|proven_us| at_us < proven_us) => {
                Arrival { latest_us: proven.latest_us, ..Arrival::perhaps(at_us) }
            }
            _ => proven,
        }
    }
}

/// A follower's lives by what was done to it; the first begins before the run.
pub(super) fn lives(run: &RunData, node: NodeId) -> Vec<Life> {
    let begun = |from_us| Life { from_us, until_us: Micros::MAX, gone_us: Micros::MAX, is_traced: false };
    let mut lives = vec![begun(Micros::MIN)];
    let mut is_alive = true;
    for row in run.faults.iter().filter(|row| row.node == node) {
        let ends = row.kind.ends_the_node() || row.kind == FaultEvent::Restart;
        if let Some(life) = lives.last_mut().filter(|_| ends && is_alive) {
            (life.until_us, life.gone_us) = (row.begun_us, row.ended_us);
        }
        is_alive &= !ends;
        if row.kind == FaultEvent::Restart {
            lives.push(begun(row.begun_us));
            is_alive = true;
        }
    }
    lives
}

/// When clients could not ask a follower.
pub(super) fn away(run: &RunData, node: NodeId) -> Vec<(Micros, Micros)> {
    let rows: Vec<_> = run.faults.iter().filter(|row| row.node == node).collect();
    let span = |(index, row): (usize, &&crate::data::FaultRow)| {
        let end = row.kind.ended_by().filter(|_| row.kind.hides_the_node(row.detail.as_deref()))?;
        let back_us =
            rows.iter().skip(index + 1).find(|later| later.kind == end).map_or(Micros::MAX, |row| row.ended_us);
        Some((row.begun_us, back_us))
    };
    rows.iter().enumerate().filter_map(span).collect()
}
