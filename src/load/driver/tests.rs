use std::sync::Mutex;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;
use crate::config::{Arrivals, Pacing, Workload};
use crate::model::{Endpoints, NodeId, StoreDump, TimeSpan, WriteOutcome};
use crate::system::{Found, PendingCopies, SessionError, SettleLimits, Trace, WriteAnswer};

/// A store that takes 10 ms for a write, however many there are, and stalls from 1 s to 2 s: what it has by then, or gets
/// meanwhile, it answers 10 ms after that.
struct Stalling {
    clock: Clock,
    /// Writes in flight, and the most that were.
    in_flight: Mutex<(usize, usize)>,
}

const STALL_US: (u64, u64) = (1_000_000, 2_000_000);
const WRITE: Duration = Duration::from_millis(10);

impl Session for Stalling {
    fn write<'a>(&'a self, _: &'a PlannedWrite) -> BoxFuture<'a, WriteAnswer> {
        async {
            let count = |change: fn(usize) -> usize| {
                let mut in_flight = self.in_flight.lock().unwrap();
                in_flight.0 = change(in_flight.0);
                in_flight.1 = in_flight.1.max(in_flight.0);
            };
            count(|n| n + 1);
            let ends_us = self.clock.now_us() + WRITE.as_micros() as u64;
            if (STALL_US.0..STALL_US.1).contains(&ends_us) {
                self.clock.sleep_until_us(STALL_US.1).await;
            }
            self.clock.sleep(WRITE).await;
            count(|n| n - 1);
            let (http_status, version, acks, error, answered_us) = (None, None, None, None, None);
            WriteAnswer { outcome: WriteOutcome::Ok, http_status, version, acks, error, answered_us }
        }
        .boxed()
    }

    fn read<'a>(&'a self, _: NodeId, _: &'a str) -> BoxFuture<'a, Result<Option<Found>, SessionError>> {
        async { Ok(None) }.boxed()
    }

    fn dump(&self, node: NodeId) -> BoxFuture<'_, Result<StoreDump, SessionError>> {
        async move { Err(SessionError::new(node, "dump", "it has none")) }.boxed()
    }

    fn ready(&self, _: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        async { Ok(()) }.boxed()
    }

    fn in_flight(&self) -> BoxFuture<'_, Result<PendingCopies, SessionError>> {
        async { Err(SessionError::new(NodeId::Leader, "in flight", "it does not say")) }.boxed()
    }

    fn settle_limits(&self) -> SettleLimits {
        SettleLimits { step: Duration::from_secs(1), notice: None }
    }

    fn trace(&self, _: NodeId, _: Micros) -> BoxFuture<'_, Result<Option<Trace>, SessionError>> {
        async { Ok(None) }.boxed()
    }

    fn redirect(&self, _: &Endpoints) {}
}

/// What a load of 300 writes comes to, and the most that were in flight.
async fn driven(pacing: Pacing, concurrency: i64) -> (Vec<WriteRow>, usize) {
    let is_open = pacing == Pacing::Open;
    let workload = Workload {
        writes: 300.try_into().unwrap(),
        concurrency: concurrency.try_into().unwrap(),
        pacing,
        rate_per_s: is_open.then(|| 100.try_into().unwrap()),
        arrivals: is_open.then_some(Arrivals::Constant),
        ..Workload::default()
    };
    let clock = Clock::at_zero();
    let session = Stalling { clock, in_flight: Mutex::default() };
    let listeners = Listeners { started: &|_| (), done: &|_| () };
    let rows = drive(&session, &Plan::new(&workload, 42), &clock, Micros::ZERO, listeners).await;
    let most = session.in_flight.lock().unwrap().1;
    (rows, most)
}

/// How many writes took longer than a tenth of a second.
fn slow(rows: &[WriteRow]) -> usize {
    rows.iter().filter(|row| row.latency_us > TimeSpan::new(100_000)).count()
}

#[tokio::test(start_paused = true)]
async fn every_write_that_was_to_start_during_a_stall_waits_for_its_end() {
    let (rows, most) = driven(Pacing::Open, 1_000).await;
    assert_eq!(rows.len(), 300);
    for (number, row) in (0..).zip(&rows) {
        assert_eq!((row.write.get(), row.start_us), (number, Micros::new(i64::try_from(number).unwrap() * 10_000)));
        assert!(row.late_by() < TimeSpan::new(2_000), "write {number}: {row:?}");
        // Those that would end in the stall.
        let rest_us = if (99..199).contains(&number) { 2_000_000 - number * 10_000 } else { 0 };
        assert!(row.latency_us >= TimeSpan::new(rest_us + 10_000), "write {number}: {row:?}");
    }
    // 91 writes were to start more than 0.1 s before the stall ends; tokio's timers may be late by a millisecond.
    assert!((90..=92).contains(&slow(&rows)), "{}", slow(&rows));
    assert!((100..=102).contains(&most), "{most}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_others_counts_where_no_more_may_be_in_flight() {
    let (rows, most) = driven(Pacing::Open, 5).await;
    assert_eq!((rows.len(), most), (300, 5));
    // Those that were to start in the stall, and those that then stood behind them.
    assert!(slow(&rows) >= 90, "{}", slow(&rows));
    let last_of_stall = &rows[195];
    assert!(last_of_stall.late_by() > TimeSpan::new(100_000), "{last_of_stall:?}");
    assert!(last_of_stall.latency_us > last_of_stall.late_by());
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_leaves_out_the_writes_that_a_stall_keeps_from_starting() {
    let (rows, most) = driven(Pacing::Window, 1).await;
    assert_eq!((rows.len(), most, slow(&rows)), (300, 1, 1));
    assert!(rows.iter().all(|row| row.sent_us.is_none()));
    let (rows, most) = driven(Pacing::Batch, 2).await;
    assert_eq!((rows.len(), most, slow(&rows)), (300, 2, 2));
}
