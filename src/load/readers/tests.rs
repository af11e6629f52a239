use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::join;

use super::*;
use crate::config::Workload;
use crate::model::{Endpoints, Role, StoreDump};
use crate::system::{PendingCopies, PlannedWrite, SettleLimits, Trace, WriteAnswer};

/// Followers that have each write some milliseconds after it was sent, and take some to answer.
struct Followers {
    clock: Clock,
    /// By follower: how long a copy takes. `None`: its reads fail.
    delays_ms: Vec<Option<u64>>,
    answer_ms: u64,
    /// Whether one request may read several keys.
    reads_many: bool,
    /// Value and time, by key.
    sent: Mutex<BTreeMap<String, Vec<(String, u64)>>>,
    requests: AtomicUsize,
    asked_now: AtomicUsize,
    asked_most: AtomicUsize,
}

impl Followers {
    fn new(clock: Clock, delays_ms: &[Option<u64>], answer_ms: u64) -> Self {
        let (sent, requests, asked_now, asked_most) = Default::default();
        let (delays_ms, reads_many) = (delays_ms.to_vec(), false);
        Self { clock, delays_ms, answer_ms, reads_many, sent, requests, asked_now, asked_most }
    }

    fn send(&self, write: &PlannedWrite) {
        let mut sent = self.sent.lock().unwrap();
        sent.entry(write.key.to_string()).or_default().push((write.value.clone(), self.clock.now_us()));
    }

    fn held(&self, node: NodeId, key: &str) -> Option<Option<String>> {
        let delay_ms = self.delays_ms[node.follower_index().unwrap()]?;
        let sent = self.sent.lock().unwrap();
        Some(self.arrived(sent.get(key), delay_ms).last().map(|(value, _)| value.clone()))
    }

    /// Of writes that were sent, those that have arrived.
    fn arrived<'a>(
        &self,
        sent: Option<&'a Vec<(String, u64)>>,
        delay_ms: u64,
    ) -> impl Iterator<Item = &'a (String, u64)> + use<'a> {
        let now_us = self.clock.now_us();
        sent.into_iter().flatten().filter(move |(_, at_us)| at_us + delay_ms * 1_000 <= now_us)
    }

    /// A request and the time that it takes.
    async fn request<T>(&self, answer: impl FnOnce() -> T) -> T {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let now = self.asked_now.fetch_add(1, Ordering::Relaxed) + 1;
        self.asked_most.fetch_max(now, Ordering::Relaxed);
        self.clock.sleep(Duration::from_millis(self.answer_ms)).await;
        self.asked_now.fetch_sub(1, Ordering::Relaxed);
        answer()
    }

    fn found(&self, node: NodeId, key: &str) -> Result<Option<Found>, SessionError> {
        let refusal = || SessionError::new(node, format!("GET {key}"), "refused");
        Ok(self.held(node, key).ok_or_else(refusal)?.map(|value| Found { value, version: None }))
    }
}

impl Session for Followers {
    fn write<'a>(&'a self, _: &'a PlannedWrite) -> BoxFuture<'a, WriteAnswer> {
        panic!("readers only read")
    }

    fn read<'a>(&'a self, node: NodeId, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, SessionError>> {
        self.request(move || self.found(node, key)).boxed()
    }

    fn reads_many(&self) -> bool {
        self.reads_many
    }

    fn read_many<'a>(
        &'a self,
        node: NodeId,
        keys: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Found>>, SessionError>> {
        self.request(move || keys.iter().map(|key| self.found(node, key)).collect()).boxed()
    }

    /// All values as messages of one list, in the order in which they arrived.
    fn dump(&self, node: NodeId) -> BoxFuture<'_, Result<StoreDump, SessionError>> {
        let list = move || {
            let delay_ms = self.delays_ms[node.follower_index().unwrap()]
                .ok_or_else(|| SessionError::new(node, "GET /", "refused"))?;
            let sent = self.sent.lock().unwrap();
            let mut arrived: Vec<_> = sent.values().flat_map(|of_key| self.arrived(Some(of_key), delay_ms)).collect();
            arrived.sort_by_key(|(_, at_us)| *at_us);
            let store = (1..).zip(arrived).map(|(place, (value, _))| (format!("#{place:04}"), value.clone())).collect();
            Ok(StoreDump { node: node.to_string(), role: Role::Follower, store, versions: BTreeMap::new() })
        };
        self.request(list).boxed()
    }

    fn ready(&self, _: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        panic!("readers only read")
    }

    fn in_flight(&self) -> BoxFuture<'_, Result<PendingCopies, SessionError>> {
        panic!("readers only read")
    }

    fn settle_limits(&self) -> SettleLimits {
        panic!("readers only read")
    }

    fn trace(&self, _: NodeId, _: Micros) -> BoxFuture<'_, Result<Option<Trace>, SessionError>> {
        panic!("readers only read")
    }

    fn redirect(&self, _: &Endpoints) {}
}

/// What readers read while these writes are sent, `every_ms` apart, and for `then_ms` after.
async fn probe(followers: &Followers, workload: Workload, every_ms: u64, then_ms: u64) -> Vec<ReadRow> {
    probe_state(followers, workload, every_ms, then_ms, false).await
}

/// The same, of followers whose state is a list of messages or is not.
async fn probe_state(
    followers: &Followers,
    workload: Workload,
    every_ms: u64,
    then_ms: u64,
    is_log: bool,
) -> Vec<ReadRow> {
    let followers_count = i64::try_from(followers.delays_ms.len()).unwrap();
    let mut experiment =
        Experiment { workload, followers: followers_count.try_into().unwrap(), ..Experiment::default() };
    experiment.reads.probe_ms = Some(10.0.try_into().unwrap());
    let (plan, sent, clock) = (Plan::new(&workload, 42), SentWrites::default(), followers.clock);
    let readers = Readers {
        session: followers,
        plan: &plan,
        experiment: &experiment,
        clock: &clock,
        start_us: Micros::from(clock.now_us()),
        sent: &sent,
        is_log,
    };
    let (over, is_over) = watch::channel(false);
    let load = async {
        for write in &plan.writes {
            followers.send(write);
            sent.push(write.id);
            clock.sleep(Duration::from_millis(every_ms)).await;
        }
        clock.sleep(Duration::from_millis(then_ms)).await;
        over.send_replace(true);
    };
    join!(readers.run(is_over), load).0
}

fn workload(writes: i64, keys: i64) -> Workload {
    Workload { writes: writes.try_into().unwrap(), keys: keys.try_into().unwrap(), ..Workload::default() }
}

#[tokio::test(start_paused = true)]
async fn each_arrival_lies_between_the_last_answer_without_the_write_and_the_first_with_it() {
    let followers = Followers::new(Clock::at_zero(), &[Some(35), Some(200)], 2);
    let rows = probe(&followers, workload(5, 5), 30, 400).await;
    for write in 0..5_u64 {
        for (index, delay_ms) in [(0, 35), (1, 200)] {
            let arrived = Micros::from((write * 30 + delay_ms) * 1_000);
            let of_copy =
                || rows.iter().filter(|row| row.node == NodeId::Follower(index) && *row.key == format!("k{write}"));
            let with = of_copy().find(|row| row.write == Some(WriteId::new(write))).unwrap();
            let without = of_copy().rfind(|row| row.outcome == ReadOutcome::Absent).unwrap();
            assert!(without.start_us <= arrived && arrived <= with.end(), "{without:?} {with:?}");
            assert!(with.end() - without.start_us <= Micros::new(22_000), "{without:?} {with:?}");
            let after = of_copy().filter(|row| row.start_us > with.start_us).count();
            assert_eq!(after, 0, "nobody asks for what was seen");
        }
    }
    let numbers: BTreeSet<u64> = rows.iter().map(|row| row.read).collect();
    assert_eq!((numbers.len(), numbers.last()), (rows.len(), Some(&(rows.len() as u64 - 1))));
}

#[tokio::test(start_paused = true)]
async fn a_follower_whose_reads_fail_is_asked_one_time_a_round_and_holds_nobody_up() {
    let followers = Followers::new(Clock::at_zero(), &[None, Some(15)], 0);
    let rows = probe(&followers, workload(20, 20), 0, 200).await;
    let (failed, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.node == NodeId::Follower(0));
    assert!(failed.iter().all(|row| row.outcome == ReadOutcome::Failed && row.write.is_none()));
    assert_eq!(failed[0].error.as_deref(), Some("f1: GET k0: refused"));
    assert!(failed.len() <= 22 * MAX_AT_ONCE, "{}", failed.len());
    let failed = probe(&Followers::new(Clock::at_zero(), &[None], 0), workload(1, 1), 0, 60_000).await;
    assert_eq!(failed.len(), MAX_IN_VAIN + 1, "asked no more but in the last round");
    let seen: BTreeSet<_> = others.iter().filter_map(|row| row.write).collect();
    assert_eq!(seen.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn reads_are_bounded_in_rate_and_at_a_time() {
    let followers = Followers::new(Clock::at_zero(), &[Some(100_000); 5], 1);
    let rows = probe(&followers, workload(1_000, 1_000), 0, 2_000).await;
    let last_round = 5 * 1_000;
    assert!(rows.len() <= 2 * MAX_REQUESTS_PER_S as usize + 2 * last_round, "{}", rows.len());
    assert!(rows.len() >= MAX_REQUESTS_PER_S as usize, "{}", rows.len());
    assert!(followers.asked_most.load(Ordering::Relaxed) <= 5 * MAX_AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn where_one_request_reads_many_keys_a_round_costs_one_and_the_interval_is_kept() {
    let followers = Followers { reads_many: true, ..Followers::new(Clock::at_zero(), &[Some(300); 5], 1) };
    let rows = probe(&followers, workload(1_000, 1_000), 0, 600).await;
    // 61 rounds at most of two requests for 500 keys each, and the last one.
    let requests = followers.requests.load(Ordering::Relaxed);
    assert!(requests <= 5 * 2 * 62, "{requests}");
    for follower in 0..5 {
        let of_copy = || rows.iter().filter(|row| row.node == NodeId::Follower(follower) && row.key == "k777");
        let with = of_copy().find(|row| row.write.is_some()).unwrap();
        let without = of_copy().rfind(|row| row.outcome == ReadOutcome::Absent).unwrap();
        assert!(without.start_us <= Micros::new(300_000) && with.end() >= Micros::new(300_000));
        assert!(with.end() - without.start_us <= Micros::new(14_000), "{without:?} {with:?}");
    }
    let refused = Followers { reads_many: true, ..Followers::new(Clock::at_zero(), &[None], 0) };
    let rows = probe(&refused, workload(20, 20), 0, 100).await;
    let requests = refused.requests.load(Ordering::Relaxed);
    assert_eq!(rows.len(), requests, "one row of a request that failed");
    assert!(rows.iter().all(|row| row.outcome == ReadOutcome::Failed && row.key == "k0"));
}

#[tokio::test(start_paused = true)]
async fn a_list_of_messages_shows_each_message_once_in_its_order() {
    let followers = Followers::new(Clock::at_zero(), &[Some(35)], 1);
    // Three messages of one key arrive between two looks.
    let rows = probe_state(&followers, workload(6, 2), 1, 200, true).await;
    let shown: Vec<u64> =
        rows.iter().filter(|row| row.key == "k0").filter_map(|row| row.write).map(WriteId::get).collect();
    assert_eq!(shown, [0, 2, 4], "and nobody asks for what was seen");
    let starts: BTreeSet<Micros> = rows.iter().filter(|row| row.write.is_some()).map(|row| row.start_us).collect();
    assert_eq!(starts.len(), 1, "{rows:?}");
    let absent = rows.iter().rfind(|row| row.outcome == ReadOutcome::Absent).unwrap();
    assert!(absent.end() < *starts.first().unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_last_round_comes_when_all_is_over_and_a_write_is_not_waited_for_without_end() {
    let followers = Followers::new(Clock::at_zero(), &[Some(3_600_000)], 0);
    let rows = probe(&followers, workload(1, 1), 0, 60_000).await;
    let patience = Experiment::default().network.replication_timeout_s.duration()
        + Experiment::default().network.global_request_timeout_s.duration();
    let rounds = usize::try_from(patience.as_millis() / 10).unwrap();
    assert!(rows.len() <= rounds + 3, "{} of {rounds}", rows.len());
    assert_eq!(rows.last().unwrap().start_us, Micros::new(60_000_000));
}

#[tokio::test(start_paused = true)]
async fn what_is_late_is_asked_for_less_and_less_often_and_its_arrival_is_known_to_a_fiftieth() {
    let followers = Followers::new(Clock::at_zero(), &[Some(900), Some(5_000)], 0);
    let rows = probe(&followers, workload(1, 1), 0, 6_000).await;
    for (index, delay_ms, width_ms) in [(0, 900, 20), (1, 5_000, 100)] {
        let of_copy = || rows.iter().filter(|row| row.node == NodeId::Follower(index));
        let with = of_copy().find(|row| row.write.is_some()).unwrap();
        let without = of_copy().rfind(|row| row.outcome == ReadOutcome::Absent).unwrap();
        let arrived = Micros::new(delay_ms * 1_000);
        assert!(without.start_us <= arrived && arrived <= with.end(), "{without:?} {with:?}");
        assert!(with.end() - without.start_us <= Micros::new(width_ms * 1_000), "{without:?} {with:?}");
    }
    // A hundred in the first second, and 100 ln 5 until the fifth; at each interval they would have been five hundred.
    let asked = rows.iter().filter(|row| row.node == NodeId::Follower(1)).count();
    assert!((200..=270).contains(&asked), "{asked}");
}
