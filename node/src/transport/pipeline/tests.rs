#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::future::Future;

use tokio::net::TcpListener;

use super::*;

/// Far more than any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection, and its other end.
struct Pair {
    connection: PipelinedConnection,
    follower: TcpStream,
}

impl Pair {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let connection = PipelinedConnection::open(base);
        Self { connection, follower: in_time(listener.accept()).await.unwrap().0 }
    }

    async fn send(&self, key: &str) -> Answer {
        let body = Replicate { value: "v".to_owned(), version: Some(1), catch_up: false };
        in_time(self.connection.send(key, &body)).await.unwrap()
    }

    /// The keys of the requests that arrived, once there are this many.
    async fn keys(&mut self, requests: usize) -> Vec<String> {
        let mut read = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&read).into_owned();
            let keys: Vec<String> =
                text.split("POST /replicate/").skip(1).map(|rest| rest.split(' ').next().unwrap().to_owned()).collect();
            if keys.len() == requests && text.ends_with('}') {
                return keys;
            }
            assert!(in_time(self.follower.read_buf(&mut read)).await.unwrap() > 0, "{text}");
        }
    }

    async fn say(&mut self, text: &str) {
        self.follower.write_all(text.as_bytes()).await.unwrap();
    }
}

async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

fn ok(version: u64) -> String {
    let body = format!(r#"{{"applied":true,"version":{version}}}"#);
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn version(answer: Answer) -> u64 {
    in_time(answer).await.unwrap().version
}

async fn error(answer: Answer) -> String {
    in_time(answer).await.unwrap_err().to_string()
}

#[tokio::test]
async fn copies_leave_in_their_order_without_waiting_for_answers_which_are_told_apart_by_theirs() {
    let mut pair = Pair::open().await;
    let (a, b, c) = (pair.send("a").await, pair.send("b/c").await, pair.send("d").await);
    assert_eq!(pair.keys(3).await, ["a", "b%2Fc", "d"]);
    // Whole or in pieces.
    let answers = [ok(1), "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno".to_owned(), ok(3)].concat();
    let (first, rest) = answers.split_at(ok(1).len() + 20);
    pair.say(first).await;
    assert_eq!(version(a).await, 1);
    pair.say(rest).await;
    assert_eq!((error(b).await, version(c).await), ("answered 403: no".to_owned(), 3));
}

#[tokio::test]
async fn an_answer_that_is_no_longer_awaited_does_not_shift_the_others() {
    let mut pair = Pair::open().await;
    drop(pair.send("a").await);
    let b = pair.send("b").await;
    pair.keys(2).await;
    pair.say(&[ok(1), ok(2)].concat()).await;
    assert_eq!(version(b).await, 2);
}

#[tokio::test]
async fn what_is_unanswered_when_the_follower_ends_the_connection_is_told_and_nothing_more_is_taken() {
    let mut pair = Pair::open().await;
    let (a, b) = (pair.send("a").await, pair.send("b").await);
    pair.keys(2).await;
    pair.say(&ok(1)).await;
    assert_eq!(version(a).await, 1);
    let Pair { connection, follower } = pair;
    drop(follower);
    assert!(error(b).await.starts_with("no answer: "));
    let body = Replicate { value: "v".to_owned(), version: Some(1), catch_up: false };
    assert!(in_time(connection.send("c", &body)).await.is_err());
}

#[tokio::test]
async fn a_follower_that_is_not_there_is_told_by_the_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let connection = PipelinedConnection::open(base);
    let body = Replicate { value: "v".to_owned(), version: Some(1), catch_up: false };
    let answer = in_time(connection.send("a", &body)).await.unwrap();
    assert!(error(answer).await.starts_with("no answer: cannot connect: "));
}

#[tokio::test]
async fn a_closed_connection_loses_what_is_unanswered_and_takes_nothing_more() {
    let mut pair = Pair::open().await;
    let a = pair.send("a").await;
    pair.keys(1).await;
    pair.connection.close();
    assert_eq!(error(a).await, "no answer: the connection is closed");
    let body = Replicate { value: "v".to_owned(), version: Some(1), catch_up: false };
    assert!(in_time(pair.connection.send("b", &body)).await.is_err());
    assert_eq!(in_time(pair.follower.read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_follower_that_reads_nothing_leaves_copies_at_their_sender() {
    let pair = Pair::open().await;
    let body = Replicate { value: "v".repeat(1_000_000), version: Some(1), catch_up: false };
    let mut sent = 0;
    // Sockets hold some megabytes.
    while let Ok(answer) = tokio::time::timeout(Duration::from_millis(500), pair.connection.send("a", &body)).await {
        drop(answer.unwrap());
        sent += 1;
        assert!(sent < 500, "nothing holds the sender back");
    }
    assert!(sent >= MAX_WAITING);
}

#[tokio::test]
async fn what_is_no_answer_ends_the_connection() {
    for answer in [
        "HELLO\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(MAX_HEAD_BYTES)),
    ] {
        let mut pair = Pair::open().await;
        let a = pair.send("a").await;
        pair.keys(1).await;
        pair.say(&answer).await;
        let told = error(a).await;
        assert!(told.starts_with("no answer: "), "{told}");
        assert_eq!(in_time(pair.follower.read(&mut [0])).await.unwrap_or(0), 0, "{answer}");
    }
}

#[tokio::test]
async fn an_answer_to_no_request_ends_the_connection() {
    let mut pair = Pair::open().await;
    pair.say(&ok(1)).await;
    assert_eq!(in_time(pair.follower.read(&mut [0])).await.unwrap_or(0), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_used_ends() {
    let mut pair = Pair::open().await;
    let a = pair.send("a").await;
    pair.keys(1).await;
    pair.say(&ok(1)).await;
    assert_eq!(version(a).await, 1);
    assert_eq!(pair.follower.read(&mut [0]).await.unwrap(), 0);
}
