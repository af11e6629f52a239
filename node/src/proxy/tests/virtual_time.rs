//! The proxy against a model of it, byte for byte and microsecond for microsecond.

use std::sync::Arc;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, duplex, split};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::*;
use crate::proxy::connection::carry;

impl Socket for DuplexStream {
    fn reset(self) {}
}

/// tokio's milliseconds in a microsecond of the proxy's clock, so that tokio's timers are exact.
const STRETCH: u32 = 1_000;

/// More than a script sends, so that nothing waits for room.
const ROOM_BYTES: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Dialer,
    Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Send(Side, usize),
    Close(Side),
    Order(Order),
}

impl Event {
    /// When it happens. Messages are sent at an even microsecond and take an even number of them, all else is at an odd
    /// one, so that no message meets it.
    fn time_us(self, step: u64) -> u64 {
        2 * step + u64::from(!matches!(self, Self::Send(..)))
    }
}

/// What happens to a connection, and when in microseconds.
#[derive(Debug, Clone)]
struct Script {
    variables: Vec<(&'static str, &'static str)>,
    events: Vec<(u64, Event)>,
}

impl Script {
    fn config(&self) -> ProxyConfig {
        config(&self.variables).unwrap()
    }

    /// The bytes of the event with this number: no two messages have the same.
    fn bytes(number: usize, length: usize) -> Vec<u8> {
        (0..length).map(|i| (number * 31 + i * 7) as u8).collect()
    }
}

/// What one side got: each byte with its time, and the time of the end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Received {
    bytes: Vec<(u64, u8)>,
    end: Option<u64>,
}

impl Received {
    fn add(&mut self, at_us: u64, bytes: &[u8]) {
        self.bytes.extend(bytes.iter().map(|byte| (at_us, *byte)));
    }
}

/// What both sides get by the definition of a link: the dialer, and the target.
fn model(script: &Script) -> [Received; 2] {
    let config = script.config();
    let ends_all = |event: &Event| match event {
        Event::Order(Order::Drop) => true,
        Event::Close(Side::Dialer) => config.writes_from == WriteSource::Dialer,
        _ => false,
    };
    let end_us = script.events.iter().find(|(_, event)| ends_all(event)).map_or(u64::MAX, |(at_us, _)| *at_us);
    [Side::Target, Side::Dialer].map(|from| {
        let mut received = deliver(script, &config, from, end_us);
        received.bytes.retain(|(at_us, _)| *at_us < end_us);
        received.end = Some(received.end.unwrap_or(u64::MAX).min(end_us)).filter(|at_us| *at_us < u64::MAX);
        received
    })
}

/// What one side has sent, when and as it arrives, if the connection lasts until `end_us`.
fn deliver(script: &Script, config: &ProxyConfig, from: Side, end_us: u64) -> Received {
    let carries_writes = (from == Side::Dialer) == (config.writes_from == WriteSource::Dialer);
    let [write, ack] = config.directions(config.seed.unwrap());
    let mut delay = if carries_writes { write } else { ack };
    let (mut epoch_us, mut added_us, mut previous_us, mut closed) = (None, 0, 0, false);
    let mut received = Received::default();
    for (number, (at_us, event)) in script.events.iter().enumerate().take_while(|(_, (at_us, _))| *at_us < end_us) {
        let mut arrival_us = || {
            let drawn_us = delay.as_mut().map_or(0, |delay| {
                let entry_us = epoch_us.map_or(-1, |epoch_us| at_us.cast_signed() - epoch_us);
                delay.reset();
                (delay.pass(entry_us) - entry_us).cast_unsigned()
            });
            let due_us = at_us + drawn_us + if carries_writes { added_us } else { 0 };
            previous_us = open_from(script, carries_writes, due_us.max(previous_us));
            previous_us
        };
        match event {
            Event::Send(side, length) if *side == from && !closed => {
                received.add(arrival_us(), &Script::bytes(number, *length));
            }
            Event::Close(side) if *side == from && !closed => {
                closed = true;
                received.end = Some(arrival_us());
            }
            Event::Order(Order::Epoch) => epoch_us = Some(at_us.cast_signed()),
            Event::Order(Order::Slow { added_ms }) => added_us = u64::from(*added_ms) * 1_000,
            Event::Order(Order::Pass | Order::Cut | Order::Mute) => added_us = 0,
            _ => {}
        }
    }
    received
}

/// The first time from `due_us` on at which a direction of the link is open.
fn open_from(script: &Script, carries_writes: bool, due_us: u64) -> u64 {
    let modes = script.events.iter().filter_map(|(at_us, event)| match event {
        Event::Order(Order::Cut) => Some((*at_us, false)),
        Event::Order(Order::Mute) => Some((*at_us, carries_writes)),
        Event::Order(Order::Pass | Order::Slow { .. }) => Some((*at_us, true)),
        _ => None,
    });
    let before = modes.clone().take_while(|(at_us, _)| *at_us <= due_us).last();
    if before.is_none_or(|(_, is_open)| is_open) {
        return due_us;
    }
    modes.filter(|(at_us, is_open)| *at_us > due_us && *is_open).map(|(at_us, _)| at_us).next().unwrap_or(u64::MAX)
}

/// What both sides get from the proxy: the dialer, and the target.
async fn run_script(script: &Script) -> [Received; 2] {
    let origin = Instant::now();
    let clock = Clock::at_zero().stretched(STRETCH);
    let (orders, state) = watch::channel(LinkState::default());
    let config = script.config();
    let link = Link { seed: config.seed.unwrap(), config: Arc::new(config), clock, state };
    let (dialer, dialer_end) = duplex(ROOM_BYTES);
    let (target, target_end) = duplex(ROOM_BYTES);
    tokio::spawn(carry(dialer_end, async { Ok(target_end) }, link));
    let (dialer_in, mut dialer_out) = split(dialer);
    let (target_in, mut target_out) = split(target);
    let readers = [dialer_in, target_in].map(|from| tokio::spawn(receive(from, clock)));
    for (number, (at_us, event)) in script.events.iter().enumerate() {
        sleep_until(origin + Duration::from_micros(*at_us) * STRETCH).await;
        match event {
            Event::Order(order) => orders.send_modify(|state| state.obey(*order, clock.now_us())),
            Event::Send(side, length) => {
                let to = if *side == Side::Dialer { &mut dialer_out } else { &mut target_out };
                // The other side may have gone.
                let _ = to.write_all(&Script::bytes(number, *length)).await;
            }
            Event::Close(Side::Dialer) => dialer_out.shutdown().await.unwrap(),
            Event::Close(Side::Target) => target_out.shutdown().await.unwrap(),
        }
    }
    // Longer than the longest delay.
    sleep(Duration::from_secs(3_600)).await;
    let [dialer, target] = readers;
    drop(orders);
    [dialer.await.unwrap(), target.await.unwrap()]
}

/// Notes what comes until the end, or until nothing has come for a long time.
async fn receive(mut from: ReadHalf<DuplexStream>, clock: Clock) -> Received {
    let (mut received, mut buffer) = (Received::default(), vec![0; ROOM_BYTES]);
    while let Ok(Ok(bytes)) = timeout(Duration::from_secs(3_000), from.read(&mut buffer)).await {
        if bytes == 0 {
            received.end = Some(clock.now_us());
            break;
        }
        received.add(clock.now_us(), &buffer[..bytes]);
    }
    received
}

fn played(script: &Script) -> [Received; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(run_script(script))
}

/// Messages of both sides, and orders, close to each other; delays are longer than the gaps.
fn scripts() -> impl Strategy<Value = Script> {
    let side = || prop_oneof![Just(Side::Dialer), Just(Side::Target)];
    let order = prop_oneof![
        Just(Order::Pass),
        (0_u32..3).prop_map(|added_ms| Order::Slow { added_ms }),
        Just(Order::Cut),
        Just(Order::Mute),
        Just(Order::Epoch),
    ];
    let event = prop_oneof![
        12 => (side(), 1_usize..300).prop_map(|(side, length)| Event::Send(side, length)),
        4 => order.prop_map(Event::Order),
        1 => side().prop_map(Event::Close),
    ];
    let last = prop_oneof![
        6 => Just(vec![Event::Order(Order::Pass)]),
        1 => Just(vec![Event::Order(Order::Drop)]),
        1 => Just(vec![]),
    ];
    let drawn = "mixture(2*constant(0.1),2*constant(0.5),1*constant(3))";
    let delay = move || prop_oneof![1 => Just(""), 1 => Just("constant(0.3)"), 3 => Just(drawn)];
    let source = prop_oneof![Just("dialer"), Just("target")];
    let events = (prop::collection::vec((1_u64..450, event), 1..40), last);
    (source, delay(), delay(), prop_oneof![Just("1"), Just("0.2"), Just("")], events).prop_map(
        |(source, write, ack, coherence, (events, last))| {
            let mut step = 0;
            let last = last.into_iter().map(|event| (200, event));
            let events = events.into_iter().chain(last).map(|(gap, event)| {
                step += gap;
                (event.time_us(step), event)
            });
            Script {
                variables: vec![
                    ("PROXY_TO", "f1:80"),
                    ("NODE_NAME", "link-f1"),
                    ("WRITES_FROM", source),
                    ("DELAY", write),
                    ("ACK_DELAY", ack),
                    ("DELAY_SEED", "5"),
                    ("REPLICATION_COHERENCE_MS", coherence),
                ],
                events: events.collect(),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_byte_arrives_when_the_model_says(script in scripts()) {
        prop_assert_eq!(played(&script), model(&script));
    }
}

/// A script without delays but these.
fn script(variables: &[(&'static str, &'static str)], events: Vec<(u64, Event)>) -> Script {
    let variables = [("PROXY_TO", "f1:80"), ("DELAY_SEED", "5")].into_iter().chain(variables.iter().copied());
    Script { variables: variables.collect(), events }
}

#[test]
fn each_direction_has_its_own_delay() {
    let events = vec![(10, Event::Send(Side::Dialer, 1)), (20, Event::Send(Side::Target, 1))];
    let delays = [("DELAY", "constant(7)"), ("ACK_DELAY", "constant(2)")];
    let times = |variables: &[(&'static str, &'static str)]| {
        played(&script(variables, events.clone())).map(|side| side.bytes.first().map(|(at_us, _)| *at_us))
    };
    assert_eq!(times(&delays), [Some(2_020), Some(7_010)]);
    assert_eq!(times(&[delays[0], delays[1], ("WRITES_FROM", "target")]), [Some(7_020), Some(2_010)]);
}

#[test]
fn the_end_comes_after_what_was_sent_before_it_and_the_other_direction_goes_on() {
    let events = vec![
        (10, Event::Send(Side::Dialer, 3)),
        (20, Event::Close(Side::Dialer)),
        (500, Event::Send(Side::Target, 5)),
        (900, Event::Close(Side::Target)),
    ];
    let [dialer, target] =
        played(&script(&[("WRITES_FROM", "target"), ("DELAY", "constant(1)"), ("ACK_DELAY", "constant(2)")], events));
    assert_eq!((target.bytes.len(), target.end), (3, Some(2_020)));
    assert_eq!((dialer.bytes.len(), dialer.end), (5, Some(1_900)));
}

#[test]
fn what_a_leader_that_closes_had_sent_is_dropped() {
    let events = vec![
        (10, Event::Send(Side::Dialer, 3)),
        (2_000, Event::Send(Side::Dialer, 4)),
        (2_500, Event::Close(Side::Dialer)),
    ];
    let [_, target] = played(&script(&[("DELAY", "constant(1)")], events));
    assert_eq!((target.bytes.len(), target.end), (3, Some(2_500)));
}

#[test]
fn slots_count_from_the_epoch() {
    let delay = ("DELAY", "uniform(0,3)");
    let first = |epoch_us: Option<u64>, sent_us: u64| {
        let epoch = epoch_us.map(|at_us| (at_us, Event::Order(Order::Epoch)));
        let events = epoch.into_iter().chain([(sent_us, Event::Send(Side::Dialer, 1))]).collect();
        let [_, target] = played(&script(&[delay, ("REPLICATION_COHERENCE_MS", "1")], events));
        target.bytes[0].0 - sent_us
    };
    let before = first(None, 4_500);
    assert_eq!(first(None, 9_700), before, "slot 0 lasts until the epoch");
    assert_eq!(first(Some(4_000), 4_500), before);
    assert_ne!(first(Some(3_000), 4_500), before);
    assert_eq!(first(Some(3_000), 4_500), first(Some(20_000), 21_500));
}

#[tokio::test(start_paused = true)]
async fn connections_share_the_draws_and_wait_for_no_other() {
    // Two connections, the second opened while the first waits for a slow draw.
    let variables =
        [("PROXY_TO", "f1:80"), ("DELAY_SEED", "5"), ("DELAY", "uniform(0,3)"), ("REPLICATION_COHERENCE_MS", "1")];
    let config = Arc::new(config(&variables).unwrap());
    let clock = Clock::at_zero().stretched(STRETCH);
    let (orders, state) = watch::channel(LinkState::default());
    orders.send_modify(|state| state.obey(Order::Epoch, 0));
    let open = || {
        let link = Link { config: Arc::clone(&config), seed: 5, clock, state: state.clone() };
        let ((dialer, dialer_end), (target, target_end)) = (duplex(64), duplex(64));
        tokio::spawn(carry(dialer_end, async { Ok(target_end) }, link));
        (dialer, target)
    };
    let mut delay = config.directions(5)[0].take().unwrap();
    let mut of_slot = |slot: i64| {
        delay.reset();
        delay.pass(slot * 1_000) - slot * 1_000
    };
    let slow = (0..).find(|slot| of_slot(*slot) > of_slot(*slot + 1) + 1_500).unwrap();
    let ((mut one, mut one_out), (mut other, mut other_out)) = (open(), open());
    clock.sleep(Duration::from_millis(slow.unsigned_abs())).await;
    one.write_all(b"a").await.unwrap();
    clock.sleep(Duration::from_millis(1)).await;
    other.write_all(b"b").await.unwrap();
    one.write_all(b"c").await.unwrap();
    let arrivals = async |stream: &mut DuplexStream, bytes: usize| {
        let mut times = Vec::new();
        for _ in 0..bytes {
            stream.read_u8().await.unwrap();
            times.push(clock.now_us().cast_signed());
        }
        times
    };
    let (first, second) = tokio::join!(arrivals(&mut one_out, 2), arrivals(&mut other_out, 1));
    assert_eq!(second, [(slow + 1) * 1_000 + of_slot(slow + 1)], "it waits for nothing on another connection");
    assert_eq!(first, [slow * 1_000 + of_slot(slow); 2], "what is behind a slow message waits for it");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_costs_bounded_memory_and_loses_nothing() {
    let config = config(&[("PROXY_TO", "f1:80"), ("WRITES_FROM", "target")]).unwrap();
    let (_orders, state) = watch::channel(LinkState::default());
    let link = Link { config: Arc::new(config), seed: 5, clock: Clock::at_zero(), state };
    let (mut dialer, dialer_end) = duplex(1_024);
    let (mut target, target_end) = duplex(1_024);
    tokio::spawn(carry(dialer_end, async { Ok(target_end) }, link));
    // Nothing takes messages of a byte, each of which costs more than it holds.
    let mut taken = 0_usize;
    while timeout(Duration::from_secs(60), dialer.write_all(&[(taken % 251) as u8])).await.is_ok() {
        taken += 1;
        tokio::task::yield_now().await;
    }
    assert!((10_000..60_000).contains(&taken), "{taken} messages of a byte wait");
    // The other direction does not wait for this one.
    target.write_all(b"back").await.unwrap();
    let mut back = [0; 4];
    dialer.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"back");
    let mut read = vec![0; taken];
    target.read_exact(&mut read).await.unwrap();
    assert!(read.iter().enumerate().all(|(i, byte)| usize::from(*byte) == i % 251));
}
