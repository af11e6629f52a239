//! Whether the writes of an open loop started when they were to, and how many were in flight.

use serde::Serialize;

use super::stats::Sample;
use crate::config::Pacing;
use crate::data::{RunData, WriteOutcome, WriteRow};
use crate::model::{Micros, TimeSpan};

/// How writes of an open loop started.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OpenLoop {
    /// How many writes were to start in a second.
    pub rate_per_s: u32,
    /// How much later than intended a write was sent, in milliseconds: the median.
    pub late_p50_ms: f64,
    /// The 99th percentile of that.
    pub late_p99_ms: f64,
    /// The greatest.
    pub late_max_ms: f64,
    /// Writes that were sent more than [`LATE_MS`] later than intended.
    pub late: u64,
    /// Those of them that found as many in flight as `concurrency` allows.
    pub held_up: u64,
    /// Whether one write in a hundred or more was late: then latencies tell of the client as well.
    pub is_late: bool,
}

/// Milliseconds from which on a write of an open loop counts as sent too late.
pub const LATE_MS: u32 = 5;

/// The share of late writes from which on a run tells of its client.
const LATE_SHARE: f64 = 0.01;

impl OpenLoop {
    /// `None` of a closed loop.
    pub(super) fn of(run: &RunData) -> Option<Self> {
        let rate = run.manifest.config.workload.rate_per_s.filter(|_| is_open(run))?;
        let late_by: Sample = run.writes.iter().map(WriteRow::late_by).collect();
        let is_late = |row: &&WriteRow| row.late_by() > TimeSpan::from(LATE_MS * 1_000);
        let late: Vec<&WriteRow> = run.writes.iter().filter(is_late).collect();
        let (sent, ended) = InFlight::of(run).sorted();
        let allowed = run.manifest.config.workload.concurrency.get() as usize;
        let found =
            |at: Micros| sent.partition_point(|us| *us < at) - ended.partition_point(|us| *us <= at).min(sent.len());
        let held_up = late.iter().filter(|row| found(row.start_us) >= allowed).count();
        Some(Self {
            rate_per_s: rate.get(),
            late_p50_ms: late_by.quantile_ms(0.5)?,
            late_p99_ms: late_by.quantile_ms(0.99)?,
            late_max_ms: late_by.max_ms()?,
            late: late.len() as u64,
            held_up: held_up as u64,
            is_late: late.len() as f64 >= LATE_SHARE * run.writes.len() as f64 && !late.is_empty(),
        })
    }

    /// Whether too many writes had to wait for others to end for latency to be that of single writes.
    pub(super) fn is_held_up(&self, writes: usize) -> bool {
        self.held_up as f64 >= LATE_SHARE * writes as f64 && self.held_up > 0
    }
}

/// When writes were sent and ended.
struct InFlight {
    sent: Vec<Micros>,
    ended: Vec<Micros>,
}

impl InFlight {
    fn of(run: &RunData) -> Self {
        let sent = run.writes.iter().map(|row| row.start_us + row.late_by()).collect();
        Self { sent, ended: run.writes.iter().map(WriteRow::end).collect() }
    }

    /// Both in ascending order.
    fn sorted(mut self) -> (Vec<Micros>, Vec<Micros>) {
        self.sent.sort_unstable();
        self.ended.sort_unstable();
        (self.sent, self.ended)
    }
}

fn is_open(run: &RunData) -> bool {
    run.manifest.config.workload.pacing == Pacing::Open
}

/// Most writes of a run that were under way together: by the plan of a closed loop, which keeps as many in flight, and as
/// it came about in an open one.
pub(super) fn at_once(run: &RunData) -> u32 {
    if !is_open(run) {
        return run.manifest.config.workload.concurrency.get();
    }
    let (sent, ended) = InFlight::of(run).sorted();
    let mut ended = ended.into_iter().peekable();
    let (mut under_way, mut most) = (0, 1);
    for at_us in sent {
        under_way += 1;
        while under_way > 0 && ended.next_if(|us| *us <= at_us).is_some() {
            under_way -= 1;
        }
        most = most.max(under_way);
    }
    most
}

/// Whether the acknowledged writes of the second half of an open loop took at least twice as long as those of the first, by
/// their medians: as in a queue that grows, because more comes in than is served.
pub(super) fn has_growing_latency(run: &RunData) -> bool {
    let mut ok: Vec<&WriteRow> = run.writes.iter().filter(|row| row.outcome == WriteOutcome::Ok).collect();
    ok.sort_by_key(|row| (row.start_us, row.write));
    let (first, second) = ok.split_at(ok.len() / 2);
    let median = |half: &[&WriteRow]| half.iter().map(|row| row.latency_us).collect::<Sample>().quantile_ms(0.5);
    median(first).zip(median(second)).is_some_and(|(first, second)| second >= 2.0 * first)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
pub(super) mod tests {
    use super::*;
    use crate::analysis::fixture::{RunBuilder, right_leader};

    /// A run of an open loop, ten writes a second: how late each write is sent, and how long it takes from then on.
    pub(in crate::analysis) fn open(late_and_taken_ms: &[(u64, u64)], concurrency: i64) -> RunData {
        let write = |run: RunBuilder, (write, (late, taken)): (u64, &(u64, u64))| {
            run.write_with_delays(write, (late + taken) * 1_000, &[taken * 1_000; 5])
        };
        let writes = (0..).zip(late_and_taken_ms).fold(RunBuilder::new(1), write);
        let mut run = writes
            .configure(|config| {
                config.workload.pacing = Pacing::Open;
                config.workload.rate_per_s = Some(10.try_into().unwrap());
                config.workload.concurrency = concurrency.try_into().unwrap();
            })
            .build();
        for ((number, row), (late, _)) in (0..).zip(&mut run.writes).zip(late_and_taken_ms) {
            row.start_us = Micros::new(number * 100_000);
            row.sent_us = Some(row.start_us + TimeSpan::new(late * 1_000));
        }
        run
    }

    #[test]
    fn writes_of_an_open_loop_are_counted_while_they_are_in_flight() {
        // 250 ms each, one every 100 ms: the third begins before the first ends.
        assert_eq!(at_once(&open(&[(0, 250); 10], 1_000)), 3);
        assert_eq!(at_once(&open(&[(0, 50); 10], 1_000)), 1);
    }

    #[test]
    fn a_late_write_is_held_up_if_no_more_were_allowed_in_flight() {
        let of = |late: &[(u64, u64)], concurrency| OpenLoop::of(&open(late, concurrency)).unwrap();
        let punctual = of(&[(0, 50); 10], 1_000);
        assert_eq!((punctual.late, punctual.held_up, punctual.is_late, punctual.late_max_ms), (0, 0, false, 0.0));
        // The second waits for the first; the fourth is late by itself.
        let late = [(0, 150), (50, 20), (0, 20), (6, 20)];
        let measured = of(&late, 1);
        assert_eq!((measured.late, measured.held_up, measured.is_late, measured.late_max_ms), (2, 1, true, 50.0));
        assert!(measured.is_held_up(4) && !of(&late, 2).is_held_up(4));
        assert_eq!(OpenLoop::of(&RunBuilder::new(1).load(right_leader).build()), None);
    }
}
