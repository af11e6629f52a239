//! Ends and resets of connections, and what their senders gave up.

use super::*;

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
async fn a_node_that_is_gone_resets_the_connection_at_once() {
    let TestProxy { address, node, .. } = TestProxy::open(&[]).await;
    drop(node);
    let mut party = TcpStream::connect(address).await.unwrap();
    assert_eq!(rest(&mut party).await, (vec![], true));
}
