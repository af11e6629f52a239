#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::*;

/// Orders a relay, within a limit for each step.
fn set_mode(control: SocketAddr, mode: Mode, limit: Duration) -> std::io::Result<()> {
    let stream = std::net::TcpStream::connect_timeout(&control, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    mode.order(stream)
}

/// Longer than anything in a test takes that is not meant to be awaited.
const LONG: Duration = Duration::from_secs(600);

/// A relay in front of a listener.
struct TestRelay {
    address: SocketAddr,
    node: TcpListener,
    control: SocketAddr,
}

impl TestRelay {
    async fn open(delay: Duration) -> Self {
        let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let orders = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let control = orders.local_addr().unwrap();
        let config = RelayConfig { to: node.local_addr().unwrap().to_string(), delay };
        tokio::spawn(run(listener, orders, config, std::future::pending()));
        Self { address, node, control }
    }

    async fn set(&self, mode: Mode) {
        let control = self.control;
        tokio::task::spawn_blocking(move || set_mode(control, mode, LONG)).await.unwrap().unwrap();
    }

    /// Both ends of a connection through the relay.
    async fn connect(&self) -> (TcpStream, TcpStream) {
        let party = TcpStream::connect(self.address).await.unwrap();
        (party, self.node.accept().await.unwrap().0)
    }
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// So many bytes of what comes.
async fn hear(stream: &mut TcpStream, bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    stream.read_exact(&mut buffer).await.unwrap();
    String::from_utf8(buffer).unwrap()
}

/// All that comes until the end, however that comes.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A connection that is reset has ended too.
    let _ = stream.read_to_end(&mut bytes).await;
    bytes
}

#[tokio::test]
async fn passes_both_ways_and_ends_with_either_side() {
    let relay = TestRelay::open(LONG).await;
    let (mut party, mut node) = relay.connect().await;
    say(&mut party, "question").await;
    assert_eq!(hear(&mut node, 8).await, "question");
    say(&mut node, "answer").await;
    assert_eq!(hear(&mut party, 6).await, "answer");
    drop(node);
    assert_eq!(rest(&mut party).await, b"");
    let (party, mut node) = relay.connect().await;
    drop(party);
    assert_eq!(rest(&mut node).await, b"");
}

#[tokio::test]
async fn a_slow_way_delays_what_goes_to_the_node() {
    let delay = Duration::from_millis(200);
    let relay = TestRelay::open(delay).await;
    relay.set(Mode::Slow).await;
    let (mut party, mut node) = relay.connect().await;
    let begun = Instant::now();
    say(&mut party, "ab").await;
    assert_eq!(hear(&mut node, 2).await, "ab");
    assert!(begun.elapsed() >= delay, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_its_sender_gave_up_is_dropped() {
    let relay = TestRelay::open(LONG).await;
    relay.set(Mode::Slow).await;
    let (mut party, mut node) = relay.connect().await;
    say(&mut party, "late").await;
    drop(party);
    assert_eq!(rest(&mut node).await, b"");
}

#[tokio::test]
async fn a_cut_way_is_silent_and_goes_on_once_it_is_open() {
    let relay = TestRelay::open(LONG).await;
    let (mut party, mut node) = relay.connect().await;
    say(&mut party, "before").await;
    assert_eq!(hear(&mut node, 6).await, "before");
    relay.set(Mode::Cut).await;
    say(&mut party, "from").await;
    say(&mut node, "to").await;
    let mut new = TcpStream::connect(relay.address).await.unwrap();
    say(&mut new, "new").await;
    for stream in [&mut party, &mut node] {
        let heard = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
        assert!(heard.is_err(), "{heard:?}");
    }
    relay.set(Mode::Pass).await;
    assert_eq!((hear(&mut node, 4).await, hear(&mut party, 2).await), ("from".to_owned(), "to".to_owned()));
    let (mut node, _) = relay.node.accept().await.unwrap();
    assert_eq!(hear(&mut node, 3).await, "new");
}

#[tokio::test]
async fn what_was_given_up_behind_a_cut_never_arrives() {
    let relay = TestRelay::open(LONG).await;
    let (mut party, mut node) = relay.connect().await;
    relay.set(Mode::Cut).await;
    say(&mut party, "lost").await;
    drop(party);
    assert_eq!(rest(&mut node).await, b"");
    let mut new = TcpStream::connect(relay.address).await.unwrap();
    say(&mut new, "lost").await;
    drop(new);
    relay.set(Mode::Pass).await;
    let mut party = TcpStream::connect(relay.address).await.unwrap();
    say(&mut party, "after").await;
    // The one before may have been passed on, but nothing of what it said.
    let (mut node, _) = relay.node.accept().await.unwrap();
    let mut first = [0; 5];
    if node.read_exact(&mut first).await.is_err() {
        let (mut node, _) = relay.node.accept().await.unwrap();
        assert_eq!(hear(&mut node, 5).await, "after");
    } else {
        assert_eq!(&first, b"after");
    }
}

#[tokio::test]
async fn a_node_that_is_gone_closes_the_connection_at_once() {
    let TestRelay { address, node, .. } = TestRelay::open(LONG).await;
    drop(node);
    let mut party = TcpStream::connect(address).await.unwrap();
    assert_eq!(rest(&mut party).await, b"");
}

#[tokio::test]
async fn an_order_is_answered_once_it_is_in_force_and_the_last_one_holds() {
    let relay = TestRelay::open(LONG).await;
    let (mut party, mut node) = relay.connect().await;
    for _ in 0..50 {
        for mode in [Mode::Slow, Mode::Cut, Mode::Pass, Mode::Cut] {
            relay.set(mode).await;
        }
        say(&mut party, "a").await;
        let heard = tokio::time::timeout(Duration::from_millis(2), node.read_u8()).await;
        assert!(heard.is_err(), "passed on after the cut was acknowledged: {heard:?}");
        relay.set(Mode::Pass).await;
        assert_eq!(hear(&mut node, 1).await, "a");
    }
}

#[tokio::test]
async fn what_is_no_order_changes_nothing_and_is_told() {
    let relay = TestRelay::open(LONG).await;
    relay.set(Mode::Cut).await;
    for (line, answer) in [
        ("pas\n", "\"pas\" is not an order: expected pass, slow or cut\n"),
        ("GET / HTTP/1.1\r\n", "\"GET / HTTP/1.1\" is not an order: expected pass, slow or cut\n"),
    ] {
        let mut stream = TcpStream::connect(relay.control).await.unwrap();
        say(&mut stream, line).await;
        assert_eq!(rest(&mut stream).await, answer.as_bytes());
    }
    let mut party = TcpStream::connect(relay.address).await.unwrap();
    say(&mut party, "pass\n").await;
    let reached = tokio::time::timeout(Duration::from_millis(50), relay.node.accept()).await;
    assert!(reached.is_err(), "{reached:?}");
}

#[tokio::test]
async fn a_relay_that_does_not_answer_is_an_error() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let control = mute.local_addr().unwrap();
    let limit = Duration::from_millis(50);
    let asked = move || set_mode(control, Mode::Cut, limit);
    assert!(tokio::task::spawn_blocking(asked).await.unwrap().is_err());
    drop(mute);
    assert!(tokio::task::spawn_blocking(asked).await.unwrap().is_err());
}

#[test]
fn variables_are_checked() {
    let of = |to: &str, delay: &str| {
        let vars = [("RELAY_TO", to.to_owned()), ("RELAY_DELAY_MS", delay.to_owned())];
        RelayConfig::from_vars(|name| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()))
    };
    let config = of("f3:8000", "1500").unwrap();
    assert_eq!((config.to.as_str(), config.delay), ("f3:8000", Duration::from_millis(1500)));
    assert_eq!(of("[::1]:80", " ").unwrap().delay, Duration::ZERO);
    for (to, delay, name) in [
        ("", "1", "RELAY_TO"),
        ("f3", "1", "RELAY_TO"),
        (":8000", "1", "RELAY_TO"),
        ("f3:http", "1", "RELAY_TO"),
        ("f3:8000", "-1", "RELAY_DELAY_MS"),
        ("f3:8000", "3600001", "RELAY_DELAY_MS"),
    ] {
        assert!(of(to, delay).unwrap_err().to_string().starts_with(name), "{to} {delay}");
    }
}
