//! One run of the model with software that takes time: each write enters the links a while after it started.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::model::{Model, Scratch};
use crate::config::Pacing;
use crate::model::{Micros, TimeSpan};

/// A write on its way to the links: when it enters them, its number, and when it started.
type Entering = Reverse<(Micros, usize, Micros)>;

impl Model {
    /// Plays the load where each write takes one of `own_us` before it enters the links, drawn from `own_rng`. Writes enter in
    /// the order in which their time is over, not in that in which they started. What is asked afterwards are the times of the
    /// writes; the stores are not looked at. An open loop is one without a limit of writes in flight: nothing is predicted of
    /// a run that met it.
    pub(in crate::analysis) fn run_with_own_time(
        &self,
        scratch: &mut Scratch,
        rng: &mut ChaCha8Rng,
        own_us: &[TimeSpan],
        own_rng: &mut ChaCha8Rng,
    ) {
        self.renew(scratch, rng);
        let mut entering: BinaryHeap<Entering> = BinaryHeap::with_capacity(self.concurrency);
        let mut start = |write: usize, start_us: Micros, entering: &mut BinaryHeap<Entering>| {
            let own_us = if own_us.is_empty() { TimeSpan::ZERO } else { own_us[own_rng.random_range(0..own_us.len())] };
            entering.push(Reverse((start_us + own_us, write, start_us)));
        };
        let mut started = 0;
        let mut last_end_us = Micros::ZERO;
        loop {
            // A write starts as soon as one ends (window), once all have ended (batch), or at its own time (open).
            let next_start_us = match self.pacing {
                _ if started == self.writes => None,
                Pacing::Open => self.intended_us.get(started).copied(),
                Pacing::Window if started < self.concurrency => Some(Micros::ZERO),
                Pacing::Window => scratch.running.peek().map(|Reverse(end_us)| *end_us),
                Pacing::Batch if started % self.concurrency > 0 => Some(batch_start_us(&entering)),
                Pacing::Batch if entering.is_empty() => Some(last_end_us),
                Pacing::Batch => None,
            };
            let next_entry_us = entering.peek().map(|Reverse((entry_us, ..))| *entry_us);
            match next_start_us.filter(|start_us| next_entry_us.is_none_or(|entry_us| *start_us <= entry_us)) {
                Some(start_us) => {
                    if self.pacing == Pacing::Window && started >= self.concurrency {
                        scratch.running.pop();
                    }
                    start(started, start_us, &mut entering);
                    started += 1;
                }
                None => {
                    let Some(Reverse((entry_us, write, start_us))) = entering.pop() else { break };
                    let end_us = entry_us + self.play(write, start_us, entry_us, scratch, rng).0;
                    scratch.running.push(Reverse(end_us));
                    last_end_us = last_end_us.max(end_us);
                }
            }
        }
    }
}

/// When the batch started whose first writes are on their way.
fn batch_start_us(entering: &BinaryHeap<Entering>) -> Micros {
    entering.peek().map_or(Micros::ZERO, |Reverse((_, _, start_us))| *start_us)
}
