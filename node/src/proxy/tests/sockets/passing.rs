//! What passes, in order, unchanged and in time.

use super::*;

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
