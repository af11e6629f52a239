//! One write and when its copies arrived.

use crate::data::{WriteOutcome, WriteRow};
use crate::model::{Micros, Version};

/// When a write first arrived at a follower, in microseconds from the run's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// The earliest possible time; `None` if it never arrived.
    pub(crate) earliest_us: Option<Micros>,
    /// The latest possible time; `None` if it may never have arrived.
    pub(crate) latest_us: Option<Micros>,
}

impl Arrival {
    pub(crate) const NEVER: Self = Self { earliest_us: None, latest_us: None };

    pub(crate) const fn between(earliest_us: Micros, latest_us: Micros) -> Self {
        Self { earliest_us: Some(earliest_us), latest_us: Some(latest_us) }
    }

    pub(super) const fn at(at_us: Micros) -> Self {
        Self::between(at_us, at_us)
    }

    pub(super) const fn perhaps(earliest_us: Micros) -> Self {
        Self { earliest_us: Some(earliest_us), latest_us: None }
    }

    /// Whether it is known when it arrived, or that it never did.
    pub(crate) fn is_exact(self) -> bool {
        self.earliest_us == self.latest_us
    }
}

/// A write's place in the leader's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlaceInOrder {
    /// The number of its key.
    pub(crate) key: usize,
    /// How many writes of that key came before it.
    pub(crate) place: usize,
    /// How many writes of any key came before it.
    pub(crate) overall: usize,
}

/// One write and its copies.
#[derive(Debug)]
pub(crate) struct WriteCopies<'a> {
    pub(crate) row: &'a WriteRow,
    /// The leader's number, from its answer or its trace.
    pub(crate) version: Option<Version>,
    /// `None` if its version is not known.
    pub(crate) place: Option<PlaceInOrder>,
    /// By follower index.
    pub(crate) arrivals: Vec<Arrival>,
}

impl WriteCopies<'_> {
    /// When the client heard that the quorum was reached; `None` if it was not acknowledged.
    pub(crate) fn acknowledged_us(&self) -> Option<Micros> {
        (self.row.outcome == WriteOutcome::Ok).then(|| self.row.end())
    }

    /// Whether it is known of every follower when the write arrived there, or that it never did.
    pub(crate) fn is_exact(&self) -> bool {
        self.arrivals.iter().all(|arrival| arrival.is_exact())
    }

    /// How many followers it had certainly reached by then, and how many it may have reached.
    pub(crate) fn reached(&self, at_us: Micros) -> (u32, u32) {
        let by = |time: Option<Micros>| time.is_some_and(|time| time <= at_us);
        let count = |of: fn(&Arrival) -> Option<Micros>| self.arrivals.iter().map(|one| u32::from(by(of(one)))).sum();
        (count(|arrival| arrival.latest_us), count(|arrival| arrival.earliest_us))
    }

    /// When it had reached every follower.
    pub(crate) fn everywhere(&self) -> Arrival {
        let last = |of: fn(&Arrival) -> Option<Micros>| {
            self.arrivals.iter().map(of).collect::<Option<Vec<Micros>>>().and_then(|times| times.into_iter().max())
        };
        Arrival { earliest_us: last(|arrival| arrival.earliest_us), latest_us: last(|arrival| arrival.latest_us) }
    }
}
