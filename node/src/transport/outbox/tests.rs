#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes as BodyBytes;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::wire::{BatchReplicated, CopyAnswer, ReplicateBatch};

/// Far more than any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

type Seen = mpsc::UnboundedReceiver<Vec<String>>;

/// A follower that tells the keys of each request that comes.
async fn follower(takes_batches: bool) -> (Arc<Outbox>, Seen) {
    let (sender, seen) = mpsc::unbounded_channel();
    let see = sender.clone();
    let single = move |Path(key): Path<String>| async move {
        see.send(vec![key]).unwrap();
        axum::Json(Replicated { applied: true, version: 1, started_us: Some(7) })
    };
    let batch = move |body: BodyBytes| async move { answer(&body, &sender) };
    let mut router = Router::new().route("/replicate/{key}", post(single));
    if takes_batches {
        router = router.route("/replicate", post(batch));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let outbox = outbox(&listener);
    tokio::spawn(crate::server::run(listener, router, std::future::pending()));
    (outbox, seen)
}

/// Answers to a request with several copies; the version of each is its place.
fn answer(body: &[u8], see: &mpsc::UnboundedSender<Vec<String>>) -> Response {
    let ReplicateBatch { copies } = serde_json::from_slice(body).unwrap();
    see.send(copies.iter().map(|copy| copy.key.to_string()).collect()).unwrap();
    let answer = |(version, copy): (u64, &crate::wire::ReplicateCopy<'_>)| match &*copy.key {
        "bad" => CopyAnswer { error: Some("bad_key".to_owned()), ..CopyAnswer::default() },
        _ => CopyAnswer { applied: Some(true), version: Some(version), ..CopyAnswer::default() },
    };
    let answers = (0..).zip(&copies).map(answer).collect();
    axum::Json(BatchReplicated { answers, started_us: Some(7) }).into_response()
}

fn outbox(listener: &TcpListener) -> Arc<Outbox> {
    let base = BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    Arc::new(Outbox::new(base))
}

type Answered = oneshot::Receiver<Result<Replicated, TransportError>>;

fn send(outbox: &Arc<Outbox>, key: &str, value: &str) -> Answered {
    let (sender, answered) = oneshot::channel();
    let body = Replicate { value: value.to_owned(), version: Some(1), catch_up: false };
    outbox.send(OutgoingCopy { key: Arc::from(key), body: Arc::new(body), answered: sender });
    answered
}

async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

#[tokio::test]
async fn what_is_due_together_travels_in_one_request_and_each_copy_has_its_own_answer() {
    let (outbox, mut seen) = follower(true).await;
    let copies: Vec<_> = ["c", "bad", "a"].into_iter().map(|key| send(&outbox, key, "v")).collect();
    let mut answers = Vec::new();
    for copy in copies {
        answers.push(in_time(copy).await.unwrap().map_err(|error| error.to_string()));
    }
    let done = |version| Ok(Replicated { applied: true, version, started_us: Some(7) });
    assert_eq!(answers, [done(0), Err("answered 400: bad_key: ".to_owned()), done(2)]);
    assert_eq!(seen.recv().await.unwrap(), ["c", "bad", "a"]);
    assert!(seen.try_recv().is_err());
}

#[tokio::test]
async fn a_copy_that_is_alone_or_large_travels_by_itself() {
    let (outbox, mut seen) = follower(true).await;
    in_time(send(&outbox, "a/b", "v")).await.unwrap().unwrap();
    assert_eq!(seen.recv().await.unwrap(), ["a/b"]);
    let large = "v".repeat(MAX_BATCH_BYTES);
    let copies =
        [("a", "v"), ("b", "v"), ("c", large.as_str()), ("d", "v")].map(|(key, value)| send(&outbox, key, value));
    for copy in copies {
        in_time(copy).await.unwrap().unwrap();
    }
    assert_eq!(in_time(seen.recv()).await.unwrap(), ["a", "b"]);
    assert_eq!(in_time(seen.recv()).await.unwrap(), ["c"]);
    assert_eq!(in_time(seen.recv()).await.unwrap(), ["d"]);
}

#[tokio::test]
async fn a_follower_that_takes_one_copy_a_request_gets_each_by_itself() {
    let (outbox, mut seen) = follower(false).await;
    for _ in 0..2 {
        let copies = ["a", "b", "c"].map(|key| send(&outbox, key, "v"));
        let mut keys = Vec::new();
        for copy in copies {
            in_time(copy).await.unwrap().unwrap();
            keys.extend(in_time(seen.recv()).await.unwrap());
        }
        keys.sort_unstable();
        assert_eq!(keys, ["a", "b", "c"]);
    }
}

#[tokio::test]
async fn a_copy_that_was_given_up_is_not_sent() {
    let (outbox, mut seen) = follower(true).await;
    let a = send(&outbox, "a", "v");
    drop(send(&outbox, "b", "v"));
    let c = send(&outbox, "c", "v");
    in_time(a).await.unwrap().unwrap();
    in_time(c).await.unwrap().unwrap();
    assert_eq!(seen.recv().await.unwrap(), ["a", "c"]);
}

#[tokio::test]
async fn a_request_is_given_up_with_the_last_of_its_copies() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let outbox = outbox(&listener);
    let (a, b) = (send(&outbox, "a", "v"), send(&outbox, "b", "v"));
    let (mut connection, _) = in_time(listener.accept()).await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"]}") {
        assert!(in_time(connection.read_buf(&mut request)).await.unwrap() > 0);
    }
    drop(a);
    let early = tokio::time::timeout(Duration::from_millis(50), connection.read_buf(&mut request)).await;
    assert!(early.is_err(), "closed although one copy is still waited for");
    drop(b);
    assert_eq!(in_time(connection.read_buf(&mut request)).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn what_cannot_be_delivered_fails_and_the_next_copy_takes_another_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let outbox = outbox(&listener);
    let (a, b) = (send(&outbox, "a", "v"), send(&outbox, "b", "v"));
    drop(in_time(listener.accept()).await.unwrap());
    for copy in [a, b] {
        assert!(matches!(in_time(copy).await.unwrap(), Err(TransportError::NoAnswer(_))));
    }
    let c = send(&outbox, "c", "v");
    let _connection = in_time(listener.accept()).await.unwrap();
    drop(c);
}
