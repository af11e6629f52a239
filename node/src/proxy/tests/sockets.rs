//! The proxy over real sockets.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::*;

/// How long what is to come may take on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a test waits before it takes something for lost: any machine delivers sooner.
const SHORT: Duration = Duration::from_millis(50);

/// Orders a proxy, within a limit for each step.
fn send(control: SocketAddr, order: Order, limit: Duration) -> std::io::Result<()> {
    let stream = std::net::TcpStream::connect_timeout(&control, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    order.send(stream)
}

/// A proxy in front of a listener.
struct TestProxy {
    address: SocketAddr,
    node: TcpListener,
    control: SocketAddr,
}

impl TestProxy {
    async fn open(variables: &[(&str, &str)]) -> Self {
        let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let orders = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let control = orders.local_addr().unwrap();
        let to = node.local_addr().unwrap().to_string();
        let variables: Vec<(&str, &str)> = [("PROXY_TO", to.as_str())].iter().chain(variables).copied().collect();
        tokio::spawn(run(listener, orders, config(&variables).unwrap(), std::future::pending()));
        Self { address, node, control }
    }

    async fn order(&self, order: Order) {
        let control = self.control;
        tokio::task::spawn_blocking(move || send(control, order, PATIENCE)).await.unwrap().unwrap();
    }

    /// Both ends of a connection through the proxy.
    async fn connect(&self) -> (TcpStream, TcpStream) {
        let party = TcpStream::connect(self.address).await.unwrap();
        (party, self.node.accept().await.unwrap().0)
    }
}

/// Longer than any test waits.
const SLOW_FOR_LONG: Order = Order::Slow { added_ms: 600_000 };

/// Followers dial: nothing is given up by closing a connection.
const FROM_TARGET: (&str, &str) = ("WRITES_FROM", "target");

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// That many bytes of what comes.
async fn hear(stream: &mut TcpStream, bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut buffer)).await.unwrap().unwrap();
    String::from_utf8(buffer).unwrap()
}

/// All that comes until the end, and whether that is a reset.
async fn rest(stream: &mut TcpStream) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    (bytes, ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset))
}

/// Nothing comes.
async fn assert_silent(stream: &mut TcpStream) {
    let heard = tokio::time::timeout(SHORT, stream.read_u8()).await;
    assert!(heard.is_err(), "{heard:?}");
}

#[tokio::test]
async fn passes_both_ways_and_ends_with_either_side() {
    let proxy = TestProxy::open(&[]).await;
    let (mut party, mut node) = proxy.connect().await;
    say(&mut party, "question").await;
    assert_eq!(hear(&mut node, 8).await, "question");
    say(&mut node, "answer").await;
    assert_eq!(hear(&mut party, 6).await, "answer");
    drop(node);
    assert_eq!(rest(&mut party).await, (vec![], false));
    let (party, mut node) = proxy.connect().await;
    drop(party);
    assert_eq!(rest(&mut node).await, (vec![], false));
}

#[tokio::test]
async fn a_slow_link_delays_writes_and_nothing_else() {
    let slow = Duration::from_millis(200);
    for source in ["dialer", "target"] {
        let proxy = TestProxy::open(&[("WRITES_FROM", source)]).await;
        proxy.order(Order::Slow { added_ms: 200 }).await;
        let (party, node) = proxy.connect().await;
        let (mut writer, mut reader) = if source == "dialer" { (party, node) } else { (node, party) };
        let begun = Instant::now();
        say(&mut writer, "ab").await;
        say(&mut reader, "ack").await;
        assert_eq!(hear(&mut writer, 3).await, "ack");
        assert_eq!(hear(&mut reader, 2).await, "ab");
        assert!(begun.elapsed() >= slow, "{:?}", begun.elapsed());
        // An acknowledgement passes what is delayed the other way.
        proxy.order(SLOW_FOR_LONG).await;
        say(&mut writer, "late").await;
        say(&mut reader, "ack").await;
        assert_eq!(hear(&mut writer, 3).await, "ack");
    }
}

#[tokio::test]
async fn a_delay_is_never_too_short_and_exact_to_a_millisecond_or_two() {
    let proxy = TestProxy::open(&[("DELAY", "constant(3)"), ("ACK_DELAY", "constant(2)")]).await;
    let (mut party, mut node) = proxy.connect().await;
    let mut took = Vec::new();
    for _ in 0..100 {
        let begun = Instant::now();
        say(&mut party, "a").await;
        hear(&mut node, 1).await;
        say(&mut node, "b").await;
        hear(&mut party, 1).await;
        took.push(begun.elapsed());
    }
    took.sort();
    assert!(took[0] >= Duration::from_millis(5), "{took:?}");
    // Of a hundred, on a machine at any load, one finds the processor free.
    assert!(took[0] < Duration::from_millis(7), "{took:?}");
}

#[tokio::test]
async fn what_its_sender_gave_up_is_dropped() {
    let proxy = TestProxy::open(&[]).await;
    proxy.order(SLOW_FOR_LONG).await;
    let (mut party, mut node) = proxy.connect().await;
    say(&mut party, "late").await;
    drop(party);
    assert_eq!(rest(&mut node).await, (vec![], false));
}

#[tokio::test]
async fn half_a_connection_goes_on_when_the_other_half_has_ended() {
    let proxy = TestProxy::open(&[FROM_TARGET, ("DELAY", "constant(20)"), ("ACK_DELAY", "constant(30)")]).await;
    let (mut party, mut node) = proxy.connect().await;
    say(&mut party, "last words").await;
    party.shutdown().await.unwrap();
    assert_eq!(rest(&mut node).await, (b"last words".to_vec(), false));
    for _ in 0..3 {
        say(&mut node, "still here").await;
        assert_eq!(hear(&mut party, 10).await, "still here");
    }
    say(&mut node, "bye").await;
    drop(node);
    assert_eq!(rest(&mut party).await, (b"bye".to_vec(), false));
}

#[tokio::test]
async fn a_close_comes_after_what_was_sent_before_it() {
    let proxy = TestProxy::open(&[FROM_TARGET, ("ACK_DELAY", "constant(30)")]).await;
    let (mut party, mut node) = proxy.connect().await;
    say(&mut party, "last words").await;
    drop(party);
    assert_eq!(rest(&mut node).await, (b"last words".to_vec(), false));
}

#[tokio::test]
async fn a_reset_is_passed_on_as_a_reset_after_what_was_sent_before_it() {
    for variables in [vec![], vec![FROM_TARGET]] {
        let proxy = TestProxy::open(&variables).await;
        let (party, mut node) = proxy.connect().await;
        party.reset();
        assert_eq!(rest(&mut node).await, (vec![], true), "{variables:?}");
        let (mut party, node) = proxy.connect().await;
        node.reset();
        assert_eq!(rest(&mut party).await, (vec![], true), "{variables:?}");
    }
    let proxy = TestProxy::open(&[FROM_TARGET, ("DELAY", "constant(100)")]).await;
    let (mut party, mut node) = proxy.connect().await;
    say(&mut node, "last words").await;
    // The proxy has read it: the kernel drops what it still holds when a reset comes.
    tokio::time::sleep(SHORT).await;
    let begun = Instant::now();
    node.reset();
    assert_eq!(hear(&mut party, 10).await, "last words");
    assert_eq!(rest(&mut party).await, (vec![], true));
    assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn who_writes_to_a_side_that_is_gone_learns_of_it() {
    // What comes back from there is as late as anything from there.
    let proxy = TestProxy::open(&[FROM_TARGET, ("ACK_DELAY", "constant(100)")]).await;
    let (party, mut node) = proxy.connect().await;
    drop(party);
    assert_eq!(rest(&mut node).await, (vec![], false), "all that can be told at first");
    // The answer to what arrives there is a reset.
    let begun = Instant::now();
    while node.write_all(b"a").await.is_ok() {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_cut_link_is_silent_and_goes_on_once_it_is_open() {
    for variables in [vec![], vec![FROM_TARGET]] {
        let proxy = TestProxy::open(&variables).await;
        let (mut party, mut node) = proxy.connect().await;
        say(&mut party, "before").await;
        assert_eq!(hear(&mut node, 6).await, "before");
        proxy.order(Order::Cut).await;
        say(&mut party, "from").await;
        say(&mut node, "to").await;
        let mut new = TcpStream::connect(proxy.address).await.unwrap();
        say(&mut new, "new").await;
        for stream in [&mut party, &mut node] {
            assert_silent(stream).await;
        }
        proxy.order(Order::Pass).await;
        assert_eq!((hear(&mut node, 4).await, hear(&mut party, 2).await), ("from".to_owned(), "to".to_owned()));
        let (mut node, _) = proxy.node.accept().await.unwrap();
        assert_eq!(hear(&mut node, 3).await, "new");
    }
}

#[tokio::test]
async fn an_end_behind_a_cut_arrives_once_the_link_is_open() {
    let proxy = TestProxy::open(&[FROM_TARGET]).await;
    let (mut party, mut node) = proxy.connect().await;
    proxy.order(Order::Cut).await;
    say(&mut party, "last words").await;
    drop(party);
    assert_silent(&mut node).await;
    proxy.order(Order::Pass).await;
    assert_eq!(rest(&mut node).await.0, b"last words");
}

#[tokio::test]
async fn what_was_given_up_behind_a_cut_never_arrives() {
    let proxy = TestProxy::open(&[]).await;
    let (mut party, mut node) = proxy.connect().await;
    proxy.order(Order::Cut).await;
    say(&mut party, "lost").await;
    drop(party);
    assert_eq!(rest(&mut node).await.0, b"");
    let mut new = TcpStream::connect(proxy.address).await.unwrap();
    say(&mut new, "lost").await;
    drop(new);
    proxy.order(Order::Pass).await;
    let mut party = TcpStream::connect(proxy.address).await.unwrap();
    say(&mut party, "after").await;
    // The one before may have been passed on, but nothing of what it said.
    let (mut node, _) = proxy.node.accept().await.unwrap();
    let mut first = [0; 5];
    if node.read_exact(&mut first).await.is_err() {
        let (mut node, _) = proxy.node.accept().await.unwrap();
        assert_eq!(hear(&mut node, 5).await, "after");
    } else {
        assert_eq!(&first, b"after");
    }
}

#[tokio::test]
async fn what_was_queued_is_dropped_with_its_connections_and_new_ones_work() {
    for variables in [vec![], vec![FROM_TARGET]] {
        let proxy = TestProxy::open(&variables).await;
        proxy.order(SLOW_FOR_LONG).await;
        let (mut party, mut node) = proxy.connect().await;
        let (mut idle, mut idle_node) = proxy.connect().await;
        say(&mut party, "lost").await;
        say(&mut node, "lost").await;
        // One direction is not slow.
        let through = if variables.is_empty() { hear(&mut party, 4).await } else { hear(&mut node, 4).await };
        assert_eq!(through, "lost");
        proxy.order(Order::Drop).await;
        for stream in [&mut party, &mut node, &mut idle, &mut idle_node] {
            assert_eq!(rest(stream).await, (vec![], true));
        }
        proxy.order(Order::Pass).await;
        let (mut party, mut node) = proxy.connect().await;
        say(&mut party, "new").await;
        assert_eq!(hear(&mut node, 3).await, "new");
    }
}

#[tokio::test]
async fn a_drop_that_was_acknowledged_has_reset_every_connection_also_one_that_waits_for_an_open_link() {
    let proxy = TestProxy::open(&[]).await;
    proxy.order(Order::Cut).await;
    let mut parties = Vec::new();
    for _ in 0..50 {
        parties.push(TcpStream::connect(proxy.address).await.unwrap());
    }
    proxy.order(Order::Drop).await;
    proxy.order(Order::Pass).await;
    for party in &mut parties {
        assert_eq!(rest(party).await, (vec![], true));
    }
    let reached = tokio::time::timeout(SHORT, proxy.node.accept()).await;
    assert!(reached.is_err(), "{reached:?}");
}

#[tokio::test]
async fn a_drop_also_resets_what_has_not_been_accepted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut proxy = Proxy::new(listener, config(&[("PROXY_TO", "127.0.0.1:1")]).unwrap());
    let mut parties = Vec::new();
    for _ in 0..3 {
        parties.push(TcpStream::connect(address).await.unwrap());
    }
    // The runtime hears of them.
    tokio::time::sleep(SHORT).await;
    proxy.obey(Order::Drop).await;
    for party in &mut parties {
        assert_eq!(rest(party).await, (vec![], true));
    }
}

#[tokio::test]
async fn a_node_that_is_gone_resets_the_connection_at_once() {
    let TestProxy { address, node, .. } = TestProxy::open(&[]).await;
    drop(node);
    let mut party = TcpStream::connect(address).await.unwrap();
    assert_eq!(rest(&mut party).await, (vec![], true));
}

#[tokio::test]
async fn an_order_is_answered_once_it_is_in_force_and_the_last_one_holds() {
    let proxy = TestProxy::open(&[]).await;
    let (mut party, mut node) = proxy.connect().await;
    for _ in 0..50 {
        for order in [Order::Slow { added_ms: 1 }, Order::Epoch, Order::Cut, Order::Pass, Order::Cut] {
            proxy.order(order).await;
        }
        say(&mut party, "a").await;
        let heard = tokio::time::timeout(Duration::from_millis(2), node.read_u8()).await;
        assert!(heard.is_err(), "passed on after the cut was acknowledged: {heard:?}");
        proxy.order(Order::Pass).await;
        assert_eq!(hear(&mut node, 1).await, "a");
    }
}

#[tokio::test]
async fn what_is_no_order_changes_nothing_and_is_told() {
    let proxy = TestProxy::open(&[]).await;
    proxy.order(Order::Cut).await;
    for line in ["pas", "slow", "slow 3600001", "GET / HTTP/1.1\r"] {
        let mut stream = TcpStream::connect(proxy.control).await.unwrap();
        say(&mut stream, &format!("{line}\n")).await;
        let expected = "is not an order: expected pass, slow MILLISECONDS, cut, epoch or drop";
        let answer = format!("{:?} {expected}\n", line.trim_end());
        assert_eq!(rest(&mut stream).await.0, answer.as_bytes());
    }
    let mut party = TcpStream::connect(proxy.address).await.unwrap();
    say(&mut party, "pass\n").await;
    let reached = tokio::time::timeout(SHORT, proxy.node.accept()).await;
    assert!(reached.is_err(), "{reached:?}");
}

#[tokio::test]
async fn a_proxy_that_does_not_answer_is_an_error() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let control = mute.local_addr().unwrap();
    let asked = move || send(control, Order::Cut, SHORT);
    assert!(tokio::task::spawn_blocking(asked).await.unwrap().is_err());
    drop(mute);
    assert!(tokio::task::spawn_blocking(asked).await.unwrap().is_err());
}

/// Bytes that look different at every place.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    });
    next.take(length).collect()
}

#[tokio::test]
async fn a_hundred_megabytes_pass_both_ways_unchanged() {
    let bytes = noise(100_000_000);
    let proxy = TestProxy::open(&[FROM_TARGET]).await;
    let (mut party, mut node) = proxy.connect().await;
    let echo = async {
        let (mut from, mut to) = node.split();
        tokio::io::copy(&mut from, &mut to).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let begun = Instant::now();
    let (mut from, mut to) = party.split();
    let write = async {
        to.write_all(&bytes).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let mut back = Vec::new();
    let read = from.read_to_end(&mut back);
    let ((), (), read) = tokio::join!(echo, write, read);
    assert_eq!(read.unwrap(), bytes.len());
    assert!(back == bytes);
    // Less than a second where nothing else runs.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_reader_that_stops_is_waited_for_and_gets_everything() {
    let bytes = noise(100_000_000);
    let proxy = TestProxy::open(&[]).await;
    let (mut party, mut node) = proxy.connect().await;
    let mut sent = 0;
    while let Ok(written) = tokio::time::timeout(Duration::from_millis(300), party.write(&bytes[sent..])).await {
        sent += written.unwrap();
    }
    // Two mebibytes in the proxy; the rest is in the kernel's buffers of two connections.
    assert!(sent < bytes.len(), "reading never paused");
    let read = async {
        let mut read = vec![0; bytes.len()];
        node.read_exact(&mut read).await.unwrap();
        read
    };
    let (read, written) = tokio::join!(read, party.write_all(&bytes[sent..]));
    written.unwrap();
    assert!(read == bytes);
}

#[tokio::test]
async fn many_connections_pass_side_by_side() {
    // Four descriptors each are in this process.
    const CONNECTIONS: usize = 200;
    let proxy = TestProxy::open(&[("DELAY", "constant(1)")]).await;
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        open.push(proxy.connect().await);
    }
    for round in 0..3 {
        for (number, (party, _)) in open.iter_mut().enumerate() {
            say(party, &format!("{round}:{number:04}")).await;
        }
        for (number, (_, node)) in open.iter_mut().enumerate() {
            assert_eq!(hear(node, 6).await, format!("{round}:{number:04}"));
        }
    }
}
