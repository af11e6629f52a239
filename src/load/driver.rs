//! Sends a plan's writes, closed loop: a client waits for an answer before its next write.

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};

use super::plan::Plan;
use crate::config::Pacing;
use crate::data::WriteRow;
use crate::model::WriteId;
use crate::system::{Clock, PlannedWrite, Session};

/// Sends every write of the plan and returns one row each, by `write`; `started` sees each
/// write's number as it is sent, in their order, and `done` each row as it ends. Times are on `clock`, relative to `start_us`.
pub async fn drive(
    session: &dyn Session,
    plan: &Plan,
    clock: &Clock,
    start_us: u64,
    started: &(dyn Fn(WriteId) + Send + Sync),
    done: &(dyn Fn(&WriteRow) + Send + Sync),
) -> Vec<WriteRow> {
    let send = |write| async move {
        let row = send_one(session, write, clock, start_us, started).await;
        done(&row);
        row
    };
    let mut rows: Vec<WriteRow> = match plan.pacing {
        Pacing::Window => stream::iter(&plan.writes).map(send).buffer_unordered(plan.concurrency).collect().await,
        Pacing::Batch => {
            let mut rows = Vec::with_capacity(plan.writes.len());
            for batch in plan.writes.chunks(plan.concurrency) {
                rows.extend(join_all(batch.iter().map(send)).await);
            }
            rows
        }
    };
    rows.sort_by_key(|row| row.write);
    rows
}

async fn send_one(
    session: &dyn Session,
    write: &PlannedWrite,
    clock: &Clock,
    start_us: u64,
    started: &(dyn Fn(WriteId) + Send + Sync),
) -> WriteRow {
    started(write.id);
    let began = clock.now_us();
    let answer = session.write(write).await;
    let ended = clock.now_us();
    WriteRow {
        write: write.id,
        key: write.key.clone(),
        value: write.value.clone(),
        start_us: began - start_us,
        latency_us: ended - began,
        outcome: answer.outcome,
        http_status: answer.http_status,
        version: answer.version,
        acks: answer.acks,
        error: answer.error,
    }
}
