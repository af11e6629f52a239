//! What happened to every replication, in bounded memory.
//!
//! A record is a few dozen bytes and names its key by its place in the [store](crate::store),
//! so a hundred thousand of them take five megabytes.

mod ring;

use std::sync::{Mutex, MutexGuard};

use crate::bounds::elapsed_us;
use crate::delay::Delays;
use crate::poison::ignore_poison;
use crate::store::KeyId;
use crate::wire::Outcome;
pub use ring::Ring;

/// The place of a record in its trace; stays valid, and harmless, when the record is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seq(u64);

/// One write on its way to one follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sending {
    /// The client's number.
    pub write: u64,
    /// The leader's number.
    pub version: u64,
    /// The key.
    pub key: KeyId,
    sent_us: u64,
    acked_after_us: u32,
    /// The delay drawn for the write in microseconds.
    pub delay_us: u32,
    /// The delay drawn for its acknowledgement in microseconds.
    pub ack_delay_us: u32,
    /// Index of the follower, from 0.
    pub follower: u16,
    /// How it ended, if it has.
    pub outcome: Outcome,
}

/// Stands for a request that has not left; no clock gets this far.
const NOT_SENT: u64 = u64::MAX;

impl Sending {
    /// A replication that has just begun.
    pub fn new(write: u64, version: u64, key: KeyId, follower: u16, delays: Delays) -> Self {
        Self {
            write,
            version,
            key,
            follower,
            delay_us: delays.write_us,
            ack_delay_us: delays.ack_us,
            sent_us: NOT_SENT,
            acked_after_us: 0,
            outcome: Outcome::Pending,
        }
    }

    /// When the request left.
    pub fn sent_us(&self) -> Option<u64> {
        (self.sent_us != NOT_SENT).then_some(self.sent_us)
    }

    /// When the acknowledgement came.
    pub fn acked_us(&self) -> Option<u64> {
        (self.outcome == Outcome::Acked).then(|| self.sent_us.saturating_add(u64::from(self.acked_after_us)))
    }
}

/// One arrival at a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// The leader's number.
    pub version: u64,
    /// The key.
    pub key: KeyId,
    /// Whether it was applied.
    pub applied: bool,
    /// Whether it came to bring the follower up to date.
    pub catch_up: bool,
    /// When it arrived.
    pub at_us: u64,
}

/// A bounded trace that tasks share.
#[derive(Debug)]
pub struct Trace<R> {
    ring: Mutex<Ring<R>>,
}

impl<R: Copy> Trace<R> {
    /// A trace that keeps the last `capacity` records.
    pub fn new(capacity: usize) -> Self {
        Self { ring: Mutex::new(Ring::new(capacity)) }
    }

    /// Adds a record, forgetting the oldest one if the trace is full.
    pub fn push(&self, record: R) -> Seq {
        Seq(self.lock().push(record))
    }

    /// The numbers of the first record kept and of the next to come. Records have been
    /// numbered from 0, so the first of the two is also how many were forgotten.
    pub fn bounds(&self) -> (u64, u64) {
        let ring = self.lock();
        (ring.first(), ring.next())
    }

    /// Up to `limit` records from number `from` on, without those from number `end` on, and
    /// the number of the first one: later than `from` if that was forgotten.
    pub fn read(&self, from: u64, end: u64, limit: usize) -> (u64, Vec<R>) {
        self.lock().read(from, end, limit)
    }

    fn lock(&self) -> MutexGuard<'_, Ring<R>> {
        ignore_poison(self.ring.lock())
    }
}

impl Trace<Sending> {
    /// Notes that the request left.
    pub fn sent(&self, seq: Seq, now_us: u64) {
        if let Some(record) = self.lock().get_mut(seq.0) {
            record.sent_us = now_us;
        }
    }

    /// Notes how late an ordered link makes the acknowledgement.
    pub fn ack_delayed(&self, seq: Seq, delay_us: u32) {
        if let Some(record) = self.lock().get_mut(seq.0) {
            record.ack_delay_us = delay_us;
        }
    }

    /// The number of the first record from number `from` on whose replication has not ended, or of the next to come.
    pub fn first_pending(&self, from: u64) -> u64 {
        self.lock().position(from, |record| record.outcome == Outcome::Pending)
    }

    /// Notes how a replication ended.
    pub fn ended(&self, seq: Seq, outcome: Outcome, now_us: u64) {
        if let Some(record) = self.lock().get_mut(seq.0) {
            record.outcome = outcome;
            record.acked_after_us = elapsed_us(record.sent_us, now_us);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::store::Store;

    fn sending() -> Sending {
        let key = Store::default().write("k", "v", |id, _| id);
        Sending::new(7, 1, key, 4, Delays { write_us: 3_000, ack_us: 0 })
    }

    #[test]
    fn a_record_is_small() {
        assert!(size_of::<Sending>() <= 48);
        assert!(size_of::<Arrived>() <= 24);
    }

    #[test]
    fn a_replication_goes_from_pending_to_acked() {
        let trace = Trace::new(10);
        let seq = trace.push(sending());
        let read = |trace: &Trace<Sending>| trace.read(0, u64::MAX, 1).1[0];
        assert_eq!(read(&trace).outcome, Outcome::Pending);
        assert_eq!(read(&trace).sent_us(), None);
        assert_eq!(read(&trace).acked_us(), None);
        trace.sent(seq, 3_000);
        assert_eq!(read(&trace).sent_us(), Some(3_000));
        assert_eq!(read(&trace).acked_us(), None);
        trace.ended(seq, Outcome::Acked, 3_400);
        assert_eq!(read(&trace).acked_us(), Some(3_400));
        assert_eq!(read(&trace).outcome, Outcome::Acked);
    }

    #[test]
    fn a_replication_that_timed_out_before_it_left_has_no_times() {
        let trace = Trace::new(10);
        let seq = trace.push(sending());
        trace.ended(seq, Outcome::Timeout, 2_000_000);
        let record = trace.read(0, u64::MAX, 1).1[0];
        assert_eq!((record.sent_us(), record.acked_us()), (None, None));
    }

    #[test]
    fn a_forgotten_record_is_not_confused_with_a_later_one() {
        let trace = Trace::new(1);
        let old = trace.push(sending());
        trace.push(sending());
        trace.ended(old, Outcome::Failed, 1);
        let (first, records) = trace.read(0, u64::MAX, 9);
        assert_eq!((first, records.len()), (1, 1));
        assert_eq!(records.first().unwrap().outcome, Outcome::Pending);
        assert_eq!(trace.bounds(), (1, 2));
    }
}
