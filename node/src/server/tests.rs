#![expect(clippy::unwrap_used, reason = "a test may panic")]

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

use super::*;

/// A client that has asked for 64 KiB over a way that holds one, and the node's end of it.
async fn asked() -> (DuplexStream, DuplexStream, Router) {
    let router = Router::new().route("/", get(|| async { "x".repeat(64 * 1_024) }));
    let (mut client, node) = duplex(1_024);
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    (client, node, router)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_its_answer_is_given_up() {
    let (client, node, router) = asked().await;
    let started = Instant::now();
    serve(node, router).await;
    assert!((WRITE_DEADLINE..2 * WRITE_DEADLINE).contains(&started.elapsed()), "{:?}", started.elapsed());
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_gets_it_whole() {
    let (mut client, node, router) = asked().await;
    let served = tokio::spawn(serve(node, router));
    let (mut answer, mut piece) = (Vec::new(), [0; 1_024]);
    loop {
        sleep(WRITE_DEADLINE / 2).await;
        match client.read(&mut piece).await.unwrap() {
            0 => break,
            read => answer.extend_from_slice(&piece[..read]),
        }
    }
    served.await.unwrap();
    assert!(answer.ends_with(&[b'x'; 64 * 1_024]), "{} bytes", answer.len());
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_never_whole_is_given_up() {
    let (mut client, node) = duplex(1_024);
    let served = tokio::spawn(serve(node, Router::new()));
    let started = Instant::now();
    // One byte every five seconds: it is the whole head that has a deadline.
    while client.write_all(b"G").await.is_ok() && started.elapsed() < 4 * HEADER_DEADLINE {
        sleep(HEADER_DEADLINE / 6).await;
    }
    served.await.unwrap();
    assert!(started.elapsed() < 2 * HEADER_DEADLINE, "{:?}", started.elapsed());
}
