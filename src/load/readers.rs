//! Probing readers: what each follower has, found out as a client can.
//!
//! Each follower is asked in a separate session, which asks for the keys of writes that it has not shown yet, again and
//! again. An interval from the last answer without a write to the first with it holds its arrival. That is why asking
//! begins with the write, not with its acknowledgement: what arrives before the acknowledgement would have no beginning.
//!
//! A system that reads several keys in one request is asked for all of them at once, and one whose state is a list of
//! messages for the whole list: such a round costs one request, however many keys it asks for.

use std::collections::BTreeMap;
use std::iter::repeat_n;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use super::plan::Plan;
use crate::config::Experiment;
use crate::data::{ReadOutcome, ReadPurpose, ReadRow};
use crate::model::{Micros, NodeId, TimeSpan, Version, WriteId, ignore_poison};
use crate::system::{Clock, Found, Session, SessionError};

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
mod tests;

/// Most requests in a second, of all followers together.
const MAX_REQUESTS_PER_S: u32 = 4_000;
/// Most requests to one follower at a time, and so most connections to it.
const MAX_AT_ONCE: usize = 4;
/// A reader asks for at most one half of its time, so that its reads do not use up a node that answers slowly: the writes are
/// what is measured.
const PARTS_OF_TIME: u32 = 2;
/// A key whose newest write is this many times as old as the time since it was last asked for waits: a copy that is late, or never
/// comes, is asked for every hundredth of its age. At the interval that follows from the network this begins at twice the longest
/// delay.
const PARTS_OF_AGE: i64 = 100;
/// Most keys in one request.
const MAX_KEYS_IN_A_REQUEST: usize = 500;
/// So many reads without any answer, and a follower is asked no more until the last round: its system answers no reads.
const MAX_IN_VAIN: usize = 200;
/// Most reads of a run, of all followers together: 100 bytes each in memory and on disk.
const MAX_READS: usize = 2_000_000;

/// Writes that were sent, in their order, and whether the run is over.
#[derive(Debug, Default)]
pub(super) struct SentWrites {
    writes: Mutex<Vec<WriteId>>,
}

impl SentWrites {
    /// Takes note that a write is sent now.
    pub(super) fn push(&self, write: WriteId) {
        ignore_poison(self.writes.lock()).push(write);
    }

    /// The writes from a number on.
    fn since(&self, first: usize) -> Vec<WriteId> {
        ignore_poison(self.writes.lock()).get(first..).map_or_else(Vec::new, <[WriteId]>::to_vec)
    }
}

/// What all readers of a run share.
pub(super) struct Readers<'a> {
    pub(super) session: &'a dyn Session,
    pub(super) plan: &'a Plan,
    pub(super) experiment: &'a Experiment,
    pub(super) clock: &'a Clock,
    /// The run's start on that clock.
    pub(super) start_us: Micros,
    pub(super) sent: &'a SentWrites,
    /// Whether the system's state is one list of messages.
    pub(super) is_log: bool,
}

/// What one round asks a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// A request for each key.
    EachKey,
    /// Requests for many keys each.
    ManyKeys,
    /// One request for the whole list of messages.
    WholeLog,
}

impl Asking {
    /// How many keys are asked for before the next answer is waited for.
    const fn keys_at_a_time(self) -> usize {
        match self {
            Self::EachKey => MAX_AT_ONCE,
            Self::ManyKeys => MAX_KEYS_IN_A_REQUEST,
            Self::WholeLog => usize::MAX,
        }
    }

    /// How many requests a round for this number of keys makes.
    const fn requests(self, keys: usize) -> usize {
        match self {
            Self::EachKey => keys,
            Self::ManyKeys | Self::WholeLog => keys.div_ceil(self.keys_at_a_time()),
        }
    }
}

impl Readers<'_> {
    /// Reads until `over` turns true, and then each key with a write that was not seen once more.
    pub(super) async fn run(&self, over: watch::Receiver<bool>) -> Vec<ReadRow> {
        let followers = self.experiment.followers.get();
        let readers = (0..followers).map(|index| Reader::new(self, index, followers).run(over.clone()));
        let mut rows: Vec<ReadRow> = join_all(readers).await.into_iter().flatten().collect();
        rows.sort_by_key(|row| (row.start_us, row.session, row.read));
        (0..).zip(&mut rows).for_each(|(number, row)| row.read = number);
        rows
    }

    /// For how long a write is waited for: its own time limits, and then as long as a copy may take.
    fn patience(&self) -> TimeSpan {
        let network = &self.experiment.network;
        TimeSpan::from(network.global_request_timeout_s.duration() + network.replication_timeout_s.duration())
    }
}

/// What a follower has not shown of one key.
#[derive(Debug, Default)]
struct Unseen {
    /// When each of its writes was heard of.
    writes: BTreeMap<WriteId, Micros>,
    /// When the key was last asked for.
    asked: Option<Micros>,
}

impl Unseen {
    /// Whether to ask for the key now: something of it may still arrive, and has not been asked for a moment ago, measured by
    /// how long it has been on its way.
    fn is_due(&self, now: Micros, patience: TimeSpan) -> bool {
        let newest = self.writes.values().filter(|heard| **heard + patience > now).max();
        let age = |heard: Micros| (now - heard).get();
        newest.is_some_and(|newest| self.asked.is_none_or(|asked| age(asked) * PARTS_OF_AGE >= age(*newest)))
    }
}

/// The reader of one follower.
struct Reader<'a> {
    of: &'a Readers<'a>,
    index: u32,
    node: NodeId,
    /// From one round to the next.
    interval: Duration,
    asking: Asking,
    /// The least time from one request to the next.
    spacing: Duration,
    most_reads: usize,
    /// How many writes it has heard of.
    heard: usize,
    /// By key: what it has not seen.
    unseen: BTreeMap<&'a str, Unseen>,
    /// Whether it ever had an answer.
    was_answered: bool,
    rows: Vec<ReadRow>,
}

impl<'a> Reader<'a> {
    fn new(of: &'a Readers<'a>, index: u32, followers: u32) -> Self {
        Self {
            of,
            index,
            node: NodeId::Follower(index),
            interval: of.experiment.probe_interval().duration(),
            asking: if of.is_log {
                Asking::WholeLog
            } else if of.session.reads_many() {
                Asking::ManyKeys
            } else {
                Asking::EachKey
            },
            spacing: Duration::from_secs(1) * followers / MAX_REQUESTS_PER_S,
            most_reads: MAX_READS / followers.max(1) as usize,
            heard: 0,
            unseen: BTreeMap::new(),
            was_answered: false,
            rows: Vec::new(),
        }
    }

    async fn run(mut self, mut over: watch::Receiver<bool>) -> Vec<ReadRow> {
        // Readers take turns, so that they do not ask all nodes at the same instant.
        let turn = self.interval * self.index / self.of.experiment.followers.get().max(1);
        let mut next = self.now() + TimeSpan::from(turn);
        loop {
            tokio::select! {
                biased;
                _ = over.wait_for(|over| *over) => break,
                () = self.of.clock.sleep_until_us(clock_us(next)) => {}
            }
            self.hear();
            let now = self.now();
            let is_in_vain = !self.was_answered && self.rows.len() >= MAX_IN_VAIN;
            let asked = if is_in_vain { Vec::new() } else { self.waited_for(now) };
            let spaced: Duration = repeat_n(self.spacing, self.asking.requests(asked.len())).sum();
            let pause = self.interval.max(spaced);
            self.ask(&asked).await;
            let took = self.now().since(now).to_duration();
            next = now + TimeSpan::from(pause.max(took * PARTS_OF_TIME));
        }
        self.hear();
        let unseen: Vec<&str> = self.unseen.keys().copied().collect();
        self.ask(&unseen).await;
        self.rows
    }

    fn now(&self) -> Micros {
        Micros::from(self.of.clock.now_us())
    }

    /// Takes note of the writes that were sent meanwhile.
    fn hear(&mut self) {
        let now = self.now();
        let sent = self.of.sent.since(self.heard);
        self.heard += sent.len();
        for write in sent {
            if let Some(planned) = usize::try_from(write.get()).ok().and_then(|index| self.of.plan.writes.get(index)) {
                self.unseen.entry(&planned.key).or_default().writes.insert(write, now);
            }
        }
    }

    /// Keys to ask for now.
    fn waited_for(&self, now: Micros) -> Vec<&'a str> {
        let patience = self.of.patience();
        self.unseen.iter().filter(|(_, unseen)| unseen.is_due(now, patience)).map(|(key, _)| *key).collect()
    }

    /// Asks for these keys, not for the rest of them once an answer does not come.
    async fn ask(&mut self, keys: &[&'a str]) {
        for some in keys.chunks(self.asking.keys_at_a_time()) {
            if self.rows.len() + some.len() > self.most_reads {
                return;
            }
            let now = self.now();
            for key in some {
                if let Some(unseen) = self.unseen.get_mut(key) {
                    unseen.asked = Some(now);
                }
            }
            let answers = match self.asking {
                Asking::EachKey => join_all(some.iter().map(|key| self.read(key))).await,
                Asking::ManyKeys => self.read_many(some).await,
                Asking::WholeLog => self.read_log(some).await,
            };
            self.was_answered |= answers.iter().any(|row| row.outcome != ReadOutcome::Failed);
            let has_failed = answers.iter().any(|row| row.outcome == ReadOutcome::Failed);
            for row in answers {
                self.see(&row.key, row.write);
                self.rows.push(ReadRow { read: self.rows.len() as u64, ..row });
            }
            if has_failed {
                return;
            }
        }
    }

    async fn read(&self, key: &str) -> ReadRow {
        let began = self.now();
        let answer = self.of.session.read(self.node, key).await;
        self.row(key, began, self.now(), answer)
    }

    /// Reads keys in one request. If it fails there is one row, of the first of them.
    async fn read_many(&self, keys: &[&str]) -> Vec<ReadRow> {
        let began = self.now();
        let answer = self.of.session.read_many(self.node, keys).await;
        let ended = self.now();
        match answer {
            Ok(found) => keys.iter().zip(found).map(|(key, found)| self.row(key, began, ended, Ok(found))).collect(),
            Err(error) => keys.first().map(|key| self.row(key, began, ended, Err(error))).into_iter().collect(),
        }
    }

    /// Reads the list of messages. For each key there is a row for each message that was not seen before, in the order of the
    /// list; if there is none, a row for the last message of the key.
    async fn read_log(&self, keys: &[&str]) -> Vec<ReadRow> {
        let began = self.now();
        let answer = self.of.session.dump(self.node).await;
        let ended = self.now();
        let dump = match answer {
            Ok(dump) => dump,
            Err(error) => return keys.first().map(|key| self.row(key, began, ended, Err(error))).into_iter().collect(),
        };
        let mut messages: Vec<(&String, &String)> = dump.store.iter().collect();
        // Place #10000 comes after #9999.
        messages.sort_by_key(|(place, _)| (place.len(), *place));
        let mut of_key: BTreeMap<&str, Vec<(WriteId, &String)>> = BTreeMap::new();
        for (_, message) in messages {
            if let Some(write) = self.of.plan.write_of(message) {
                of_key.entry(&write.key).or_default().push((write.id, message));
            }
        }
        let found = |message: &String| Ok(Some(Found { value: message.clone(), version: None }));
        let rows = |key: &&str| {
            let all = of_key.get(key).map_or(&[][..], Vec::as_slice);
            let is_new = |write: &WriteId| self.unseen.get(key).is_some_and(|unseen| unseen.writes.contains_key(write));
            let mut shown: Vec<_> = all.iter().filter(|(write, _)| is_new(write)).map(|(_, one)| found(one)).collect();
            if shown.is_empty() {
                shown.push(all.last().map_or(Ok(None), |(_, last)| found(last)));
            }
            shown.into_iter().map(|answer| self.row(key, began, ended, answer)).collect::<Vec<_>>()
        };
        keys.iter().flat_map(rows).collect()
    }

    /// What an answer says of one key.
    fn row(&self, key: &str, began: Micros, ended: Micros, answer: Result<Option<Found>, SessionError>) -> ReadRow {
        let (outcome, write, version, error) = self.understood(answer);
        ReadRow {
            read: 0,
            purpose: ReadPurpose::Probe,
            session: self.index,
            node: self.node,
            key: key.into(),
            start_us: began - self.of.start_us,
            latency_us: ended.since(began),
            outcome,
            write,
            version,
            error,
        }
    }

    fn understood(
        &self,
        answer: Result<Option<Found>, SessionError>,
    ) -> (ReadOutcome, Option<WriteId>, Option<Version>, Option<String>) {
        match answer {
            Ok(Some(found)) => match self.of.plan.write_of(&found.value) {
                Some(write) => (ReadOutcome::Found, Some(write.id), found.version, None),
                None => (
                    ReadOutcome::Found,
                    None,
                    found.version,
                    Some("a value that no write of this run wrote".to_owned()),
                ),
            },
            Ok(None) => (ReadOutcome::Absent, None, None, None),
            Err(error) => (ReadOutcome::Failed, None, None, Some(error.to_string())),
        }
    }

    /// Takes note of a write that the follower has.
    fn see(&mut self, key: &str, write: Option<WriteId>) {
        let (Some(write), Some(unseen)) = (write, self.unseen.get_mut(key)) else { return };
        unseen.writes.remove(&write);
        if unseen.writes.is_empty() {
            self.unseen.remove(key);
        }
    }
}

/// A moment as the clock has it.
fn clock_us(at: Micros) -> u64 {
    u64::try_from(at.get()).unwrap_or(0)
}
