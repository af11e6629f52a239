//! Orders to a proxy: cut, pass, slow, drop.

use super::*;

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
async fn a_mute_link_passes_writes_alone_until_it_is_open() {
    for variables in [vec![], vec![FROM_TARGET]] {
        let proxy = TestProxy::open(&variables).await;
        let (mut party, mut node) = proxy.connect().await;
        let (leader, follower) = if variables.is_empty() { (&mut party, &mut node) } else { (&mut node, &mut party) };
        say(leader, "a write").await;
        assert_eq!(hear(follower, 7).await, "a write");
        proxy.order(Order::Mute).await;
        say(leader, "another").await;
        say(follower, "both").await;
        assert_eq!(hear(follower, 7).await, "another");
        assert_silent(leader).await;
        proxy.order(Order::Pass).await;
        assert_eq!(hear(leader, 4).await, "both");
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
        let expected = "is not an order: expected pass, slow MILLISECONDS, cut, mute, epoch or drop";
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
