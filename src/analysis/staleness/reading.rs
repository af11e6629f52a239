//! One read: whom it asks, and how long its messages take.

use crate::model::{Distribution, Micros, TimeSpan};
use rand::Rng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use serde::Serialize;

/// How a reader reads from R of N followers. It takes the newest version among the answers.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reader {
    /// It asks R followers at random and waits for all of them.
    Random,
    /// It asks all N followers and takes the first R answers, as Dynamo does and PBS assumes.
    First,
}

/// How long a read's messages take; what is absent takes no time.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ReadPath {
    /// R of WARS: the request, from the reader to a follower.
    pub(super) request: Option<Distribution>,
    /// S of WARS: the response, back again.
    pub(super) response: Option<Distribution>,
}

impl ReadPath {
    /// Whether reads take no time. Then it makes no difference how a [`Reader`] chooses.
    pub(super) fn is_instant(&self) -> bool {
        let is_nothing = |way: &Option<Distribution>| way.as_ref().is_none_or(|way| way.as_constant_ms() == Some(0.0));
        is_nothing(&self.request) && is_nothing(&self.response)
    }

    /// The readers that differ on this path.
    pub(super) fn readers(&self) -> &'static [Reader] {
        if self.is_instant() { &[Reader::Random] } else { &[Reader::Random, Reader::First] }
    }
}

/// A read that asks everyone, of which each [`Reader`] hears as much as it waits for.
pub(super) struct DrawnRead<'a> {
    path: &'a ReadPath,
    /// Followers, in the order in which each reader counts them.
    order: Vec<usize>,
    /// By follower: when the request is there, and when the answer is back.
    request_us: Vec<TimeSpan>,
    answer_us: Vec<TimeSpan>,
}

impl<'a> DrawnRead<'a> {
    pub(super) fn new(path: &'a ReadPath, followers: usize) -> Self {
        let none = vec![TimeSpan::ZERO; followers];
        Self { path, order: (0..followers).collect(), request_us: none.clone(), answer_us: none }
    }

    /// Draws another read.
    pub(super) fn draw(&mut self, rng: &mut ChaCha8Rng) {
        let mut way =
            |way: &Option<Distribution>| way.as_ref().map_or(TimeSpan::ZERO, |way| way.pick_us(rng.next_u64()).into());
        for (request_us, answer_us) in self.request_us.iter_mut().zip(&mut self.answer_us) {
            *request_us = way(&self.path.request);
            *answer_us = *request_us + way(&self.path.response);
        }
        self.order.shuffle(rng);
    }

    /// Calls `each` with R from 1, how long after a moment a read from R followers must begin to
    /// return a write ([`TimeSpan::MAX`]: at no time), and how long it takes. `lead_us` says how long after that
    /// moment the write reaches each follower ([`Micros::MAX`]: never).
    pub(super) fn waits(
        &mut self,
        reader: Reader,
        lead_us: &[Micros],
        mut each: impl FnMut(usize, TimeSpan, TimeSpan),
    ) {
        if reader == Reader::First {
            // Stable: of equals the first is random.
            self.order.sort_by_key(|follower| self.answer_us[*follower]);
        }
        let (mut wait_us, mut latency_us) = (TimeSpan::MAX, TimeSpan::ZERO);
        for (place, follower) in self.order.iter().enumerate() {
            let lead_us = lead_us.get(*follower).copied().unwrap_or(Micros::MAX);
            let missed_us = lead_us.since(self.request_us[*follower].into());
            wait_us = wait_us.min(if lead_us == Micros::MAX { TimeSpan::MAX } else { missed_us });
            latency_us = latency_us.max(self.answer_us[*follower]);
            each(place + 1, wait_us, latency_us);
        }
    }
}
