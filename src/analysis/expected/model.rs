//! One run of the model: who arrives when, and what each follower then holds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use rand::Rng;
use rand::rngs::ChaCha8Rng;

use crate::analysis::way::Way;
use crate::config::{Coherence, Experiment, Pacing};
use crate::model::{LinkDelays, LinkOrder, Micros, OrderedLink, Quorum, ReplicationOrder, TimeSpan};

/// An arrival that never happens.
const LOST: Micros = Micros::MAX;

/// An experiment at one quorum, as far as the model knows it. A trial starts at zero.
pub(in crate::analysis) struct Model {
    pub(super) writes: usize,
    pub(super) concurrency: usize,
    /// When each write is to start, by write; empty of a closed loop.
    pub(super) intended_us: Vec<Micros>,
    /// The key of each write, by write; keys are numbered in the order in which they are first written.
    of_key: Vec<usize>,
    /// By key: its last write.
    last_write: Vec<usize>,
    followers: usize,
    quorum: usize,
    pub(super) pacing: Pacing,
    order: ReplicationOrder,
    links: Links,
    replication_timeout_us: TimeSpan,
    request_timeout_us: TimeSpan,
}

/// The links, by follower.
enum Links {
    /// Each copy has its own delay.
    Independent(Vec<Way>),
    /// Copies keep their order. Each trial has its own delays.
    Ordered(Vec<LinkDelays>, Option<Duration>),
}

/// Buffers that all trials share.
pub(in crate::analysis) struct Scratch {
    /// By write, then follower.
    arrivals: Vec<Micros>,
    /// By write: when it started.
    started_us: Vec<Micros>,
    /// By write: when it was acknowledged; `None` if it was not.
    acknowledged_us: Vec<Option<Micros>>,
    /// Of one write: there and back.
    delays: Vec<TimeSpan>,
    pub(super) running: BinaryHeap<Reverse<Micros>>,
    /// Of the run at hand if links are ordered.
    ordered: Vec<OrderedLink>,
    /// By follower, then key: the write held and when it arrived.
    settled: Vec<Option<(Micros, usize)>>,
    at_last_ack: Vec<Option<(Micros, usize)>>,
}

/// What came of one run.
pub(in crate::analysis) struct Trial {
    pub(super) diverged: u64,
    pub(super) behind_at_last_ack: u64,
    pub(in crate::analysis) load_us: Micros,
    acked: u64,
    latency_sum_us: TimeSpan,
}

impl Trial {
    pub(super) fn mean_latency_ms(&self) -> Option<f64> {
        (self.acked > 0).then(|| self.latency_sum_us.get() as f64 / self.acked as f64 / 1000.0)
    }
}

impl Scratch {
    /// Of the run played last, by write: when it arrived at which follower, by index, and when it
    /// was acknowledged.
    pub(in crate::analysis) fn writes(
        &self,
        followers: usize,
    ) -> impl Iterator<Item = (impl Iterator<Item = (usize, Micros)>, Option<Micros>)> {
        let arrivals = self
            .arrivals
            .chunks_exact(followers)
            .map(|of_write| of_write.iter().copied().enumerate().filter(|(_, at_us)| *at_us != LOST));
        arrivals.zip(self.acknowledged_us.iter().copied())
    }
}

impl Scratch {
    /// Of the run played last, by write: after how long it arrived at each follower, and was
    /// acknowledged.
    pub(in crate::analysis) fn times(
        &self,
        followers: usize,
    ) -> impl Iterator<Item = (impl Iterator<Item = Option<TimeSpan>>, Option<TimeSpan>)> {
        let of_writes = self.arrivals.chunks_exact(followers).zip(&self.started_us).zip(&self.acknowledged_us);
        of_writes.map(|((arrivals, started_us), acknowledged_us)| {
            let arrivals = arrivals.iter().map(move |at_us| (*at_us != LOST).then(|| at_us.since(*started_us)));
            (arrivals, acknowledged_us.map(|at_us| at_us.since(*started_us)))
        })
    }
}

impl Model {
    /// How many writes and followers there are.
    pub(in crate::analysis) const fn size(&self) -> (usize, usize) {
        (self.writes, self.followers)
    }

    /// The key of each write, by write, and how many keys are written.
    pub(in crate::analysis) fn keys(&self) -> (&[usize], usize) {
        (&self.of_key, self.last_write.len())
    }

    pub(in crate::analysis) fn new(experiment: &Experiment, quorum: Quorum) -> Self {
        let Experiment { network, workload, followers, seed, .. } = experiment;
        let (of_key, last_write) = number_keys(&workload.key_numbers(*seed));
        Self {
            writes: workload.writes.get() as usize,
            concurrency: workload.concurrency.get() as usize,
            intended_us: workload.intended_starts(*seed).unwrap_or_default(),
            of_key,
            last_write,
            followers: followers.get() as usize,
            quorum: quorum.get() as usize,
            pacing: workload.pacing,
            order: network.order,
            links: match experiment.link_order() {
                LinkOrder::Independent => {
                    Links::Independent(network.links(followers.get()).into_iter().map(Way::new).collect())
                }
                LinkOrder::Ordered => {
                    Links::Ordered(network.links(followers.get()), network.coherence_ms.map(Coherence::duration))
                }
            },
            replication_timeout_us: network.replication_timeout_s.span(),
            request_timeout_us: network.global_request_timeout_s.span(),
        }
    }

    /// Pairs of a follower and a key that is written at all.
    pub(super) fn pairs(&self) -> u64 {
        (self.last_write.len() * self.followers) as u64
    }

    pub(in crate::analysis) fn scratch(&self) -> Scratch {
        Scratch {
            arrivals: vec![LOST; self.writes * self.followers],
            started_us: vec![Micros::ZERO; self.writes],
            acknowledged_us: vec![None; self.writes],
            delays: Vec::with_capacity(self.followers),
            running: BinaryHeap::with_capacity(self.concurrency),
            ordered: Vec::new(),
            settled: vec![None; self.last_write.len() * self.followers],
            at_last_ack: vec![None; self.last_write.len() * self.followers],
        }
    }

    /// Clears what is under way, and draws new delays of ordered links.
    pub(super) fn renew(&self, scratch: &mut Scratch, rng: &mut ChaCha8Rng) {
        scratch.running.clear();
        if let Links::Ordered(links, coherence) = &self.links {
            let seed = rng.next_u64();
            let link = |(follower, delays)| OrderedLink::new(delays, follower, seed, *coherence);
            scratch.ordered = (0..).zip(links).map(link).collect();
        }
    }

    /// Plays the load, then looks at the stores.
    pub(in crate::analysis) fn run(&self, scratch: &mut Scratch, rng: &mut ChaCha8Rng) -> Trial {
        let mut trial = Trial {
            diverged: 0,
            behind_at_last_ack: 0,
            load_us: Micros::ZERO,
            acked: 0,
            latency_sum_us: TimeSpan::ZERO,
        };
        self.renew(scratch, rng);
        let mut batch_start_us = Micros::ZERO;
        for write in 0..self.writes {
            let start_us = match self.pacing {
                Pacing::Open => self.intended_us.get(write).copied().unwrap_or_default(),
                Pacing::Window if write < self.concurrency => Micros::ZERO,
                Pacing::Window => scratch.running.pop().map_or(Micros::ZERO, |Reverse(end_us)| end_us),
                Pacing::Batch => {
                    if write % self.concurrency == 0 {
                        batch_start_us = trial.load_us;
                    }
                    batch_start_us
                }
            };
            let sent_us = if self.pacing == Pacing::Open { self.sent_us(start_us, scratch) } else { start_us };
            let (latency_us, acked) = self.play(write, start_us, sent_us, scratch, rng);
            let end_us = sent_us + latency_us;
            if self.pacing != Pacing::Batch {
                scratch.running.push(Reverse(end_us));
            }
            trial.load_us = trial.load_us.max(end_us);
            trial.acked += u64::from(acked);
            trial.latency_sum_us += if acked { end_us.since(start_us) } else { TimeSpan::ZERO };
        }
        self.inspect(&mut trial, scratch);
        trial
    }

    /// When a write of an open loop is sent that is to start now: once fewer than `concurrency` are in flight.
    fn sent_us(&self, start_us: Micros, scratch: &mut Scratch) -> Micros {
        let mut sent_us = start_us;
        while let Some(Reverse(end_us)) = scratch.running.peek().copied()
            && (end_us <= sent_us || scratch.running.len() >= self.concurrency)
        {
            scratch.running.pop();
            sent_us = sent_us.max(end_us);
        }
        sent_us
    }

    /// Plays one write; returns its latency from where it enters the links, and whether the quorum was reached.
    pub(super) fn play(
        &self,
        write: usize,
        start_us: Micros,
        entry_us: Micros,
        scratch: &mut Scratch,
        rng: &mut ChaCha8Rng,
    ) -> (TimeSpan, bool) {
        if let Some(started_us) = scratch.started_us.get_mut(write) {
            *started_us = start_us;
        }
        let (latency_us, acked) = self.replicate(write, entry_us, scratch, rng);
        if let Some(acknowledged_us) = scratch.acknowledged_us.get_mut(write) {
            *acknowledged_us = acked.then_some(entry_us + latency_us);
        }
        (latency_us, acked)
    }

    /// Draws one write's arrivals; returns its latency and whether the quorum was reached.
    fn replicate(
        &self,
        write: usize,
        start_us: Micros,
        scratch: &mut Scratch,
        rng: &mut ChaCha8Rng,
    ) -> (TimeSpan, bool) {
        scratch.delays.clear();
        let slots = scratch.arrivals.iter_mut().skip(write * self.followers).take(self.followers);
        match &self.links {
            Links::Independent(ways) => {
                for (arrival, way) in slots.zip(ways) {
                    let (arrival_us, answer_us) = way.draw_us(rng);
                    *arrival = if arrival_us < self.replication_timeout_us { start_us + arrival_us } else { LOST };
                    scratch.delays.push(answer_us);
                }
            }
            Links::Ordered(..) => {
                for (arrival, link) in slots.zip(&mut scratch.ordered) {
                    let (arrival_us, answer_us) = self.pass(link, start_us);
                    *arrival = arrival_us;
                    scratch.delays.push(answer_us);
                }
            }
        }
        scratch.delays.sort_unstable();
        let quorum_us = match self.quorum.checked_sub(1) {
            None => Some(TimeSpan::ZERO),
            Some(index) => scratch.delays.get(index).copied(),
        };
        match quorum_us {
            // More acknowledgements than followers are refused at once.
            None => (TimeSpan::ZERO, false),
            Some(us) if us < self.replication_timeout_us.min(self.request_timeout_us) => (us, true),
            Some(_) => (self.replication_timeout_us.min(self.request_timeout_us), false),
        }
    }

    /// When a copy that enters an ordered link now arrives, and after how long it is acknowledged. A
    /// copy that is given up before it leaves is lost; one that has left arrives.
    fn pass(&self, link: &mut OrderedLink, start_us: Micros) -> (Micros, TimeSpan) {
        let arrival_us = Micros::new(link.write.pass(start_us.get()));
        if arrival_us.since(start_us) >= self.replication_timeout_us {
            return (LOST, TimeSpan::MAX);
        }
        let back_us = link.ack.as_mut().map_or(arrival_us, |ack| Micros::new(ack.pass(arrival_us.get())));
        (arrival_us, back_us.since(start_us))
    }

    /// Compares what each follower holds, at the last answer and in the end, with the last
    /// write of each key.
    fn inspect(&self, trial: &mut Trial, scratch: &mut Scratch) {
        scratch.settled.fill(None);
        scratch.at_last_ack.fill(None);
        for (write, arrivals) in scratch.arrivals.chunks_exact(self.followers).enumerate() {
            let pairs = arrivals.iter().zip((self.of_key[write]..).step_by(self.last_write.len()));
            for (&at_us, pair) in pairs.filter(|(at_us, _)| **at_us != LOST) {
                self.apply(&mut scratch.settled[pair], at_us, write);
                if at_us <= trial.load_us {
                    self.apply(&mut scratch.at_last_ack[pair], at_us, write);
                }
            }
        }
        let differing = |held: &[Option<(Micros, usize)>]| {
            let of_followers =
                held.chunks_exact(self.last_write.len()).flat_map(|held| held.iter().zip(&self.last_write));
            of_followers.filter(|(held, last)| held.is_none_or(|(_, write)| write < **last)).count() as u64
        };
        trial.diverged = differing(&scratch.settled);
        trial.behind_at_last_ack = differing(&scratch.at_last_ack);
    }

    /// Offers a write, newer than all before, to a follower's key.
    fn apply(&self, held: &mut Option<(Micros, usize)>, at_us: Micros, write: usize) {
        let replaces = match (self.order, *held) {
            (ReplicationOrder::Version, _) | (_, None) => true,
            (ReplicationOrder::Arrival, Some((held_since_us, _))) => at_us >= held_since_us,
        };
        if replaces {
            *held = Some((at_us, write));
        }
    }
}

/// The key of each write, numbered anew in the order in which keys are first written, and the last write of each.
fn number_keys(keys: &[u32]) -> (Vec<usize>, Vec<usize>) {
    let mut numbers: BTreeMap<u32, usize> = BTreeMap::new();
    let mut last_write = Vec::new();
    let number = |(write, key): (usize, &u32)| {
        let next = numbers.len();
        let number = *numbers.entry(*key).or_insert(next);
        last_write.resize(numbers.len(), write);
        last_write[number] = write;
        number
    };
    let of_key = keys.iter().enumerate().map(number).collect();
    (of_key, last_write)
}
