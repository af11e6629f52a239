//! Sends a plan's writes. In a closed loop a client waits for an answer before its next write; in an open one writes
//! start at their own times, and latency counts from then. A system that is slow, or a client that is late, so cannot
//! leave out the writes that would have suffered: G. Tene's "coordinated omission".

use std::pin::pin;

use futures_util::future::join_all;
use futures_util::stream::{self, FuturesUnordered, StreamExt};

use super::plan::{Plan, Schedule};
use crate::data::WriteRow;
use crate::model::{Micros, WriteId};
use crate::system::{Clock, PlannedWrite, Session};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests;

/// Who is told of each write as the load goes on.
#[derive(Clone, Copy)]
pub(super) struct Listeners<'a> {
    /// Sees each write's number as it is sent, in their order.
    pub(super) started: &'a (dyn Fn(WriteId) + Send + Sync),
    /// Sees each row as its write ends.
    pub(super) done: &'a (dyn Fn(&WriteRow) + Send + Sync),
}

/// Sends every write of the plan and returns one row each, by `write`. Times are on `clock`, relative to `start_us`.
pub(super) async fn drive(
    session: &dyn Session,
    plan: &Plan,
    clock: &Clock,
    start_us: Micros,
    listeners: Listeners<'_>,
) -> Vec<WriteRow> {
    let client = Client { session, clock, start_us, listeners };
    let send = |write| client.send(write, None);
    let mut rows: Vec<WriteRow> = match &plan.schedule {
        Schedule::Window => stream::iter(&plan.writes).map(send).buffer_unordered(plan.concurrency).collect().await,
        Schedule::Batch => {
            let mut rows = Vec::with_capacity(plan.writes.len());
            for batch in plan.writes.chunks(plan.concurrency) {
                rows.extend(join_all(batch.iter().map(send)).await);
            }
            rows
        }
        Schedule::Open(starts) => client.send_at(plan, starts).await,
    };
    rows.sort_by_key(|row| row.write);
    rows
}

/// One client of the session.
#[derive(Clone, Copy)]
struct Client<'a> {
    session: &'a dyn Session,
    clock: &'a Clock,
    start_us: Micros,
    listeners: Listeners<'a>,
}

impl Client<'_> {
    /// Starts each write at its time, or as soon after it as fewer than `concurrency` are in flight.
    async fn send_at(&self, plan: &Plan, starts: &[Micros]) -> Vec<WriteRow> {
        let mut rows = Vec::with_capacity(plan.writes.len());
        let mut in_flight = FuturesUnordered::new();
        for (write, intended) in plan.writes.iter().zip(starts) {
            let at_us = u64::try_from((self.start_us + (*intended).since(Micros::ZERO)).get()).unwrap_or(0);
            let mut due = pin!(self.clock.sleep_until_us(at_us));
            let mut is_due = false;
            while !is_due || in_flight.len() >= plan.concurrency {
                tokio::select! {
                    // Answers first, so that none waits for writes that are due together.
                    biased;
                    Some(row) = in_flight.next() => rows.push(row),
                    () = &mut due, if !is_due => is_due = true,
                }
            }
            in_flight.push(self.send(write, Some(*intended)));
        }
        rows.extend(in_flight.collect::<Vec<_>>().await);
        rows
    }

    /// Sends one write now. Its latency counts from when it was intended to start, if it was.
    async fn send(&self, write: &PlannedWrite, intended: Option<Micros>) -> WriteRow {
        (self.listeners.started)(write.id);
        let sent_us = self.now() - self.start_us;
        let answer = self.session.write(write).await;
        let ended_us = answer.answered_us.unwrap_or_else(|| self.now()) - self.start_us;
        let start_us = intended.unwrap_or(sent_us);
        let row = WriteRow {
            write: write.id,
            key: write.key.clone(),
            value: write.value.clone(),
            start_us,
            latency_us: ended_us.since(start_us),
            outcome: answer.outcome,
            http_status: answer.http_status,
            version: answer.version,
            acks: answer.acks,
            error: answer.error,
            sent_us: intended.map(|_| sent_us),
        };
        (self.listeners.done)(&row);
        row
    }

    fn now(&self) -> Micros {
        self.clock.now_us().into()
    }
}
