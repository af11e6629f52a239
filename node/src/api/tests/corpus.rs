//! Requests that once were worth a thought, in `tests/corpus`: bodies as they are, and keys as
//! they stand in a path. Names that begin with `good-` are accepted, `bad-` ones refused.

use std::fs;
use std::path::Path;

use axum::body::Body;
use axum::http::{Request, StatusCode};

use super::support::Follower::Acks;
use super::support::{follower, leader};

/// The files of a folder of the corpus, by name.
fn corpus(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())).collect()
}

fn check(name: &str, status: StatusCode) {
    let expected = name.starts_with("good-");
    assert_eq!(status.is_success(), expected, "{name}: {status}");
    assert!(expected || status == StatusCode::BAD_REQUEST, "{name}: {status}");
}

#[tokio::test(start_paused = true)]
async fn bodies_are_judged_as_their_names_say() {
    let (leader, follower) = (leader(&[Acks(0)], &[]), follower(&[]));
    for (name, body) in corpus("puts") {
        check(&name, leader.ask(Request::put("/kv/k").body(Body::from(body)).unwrap()).await.0);
    }
    for (name, body) in corpus("replications") {
        check(&name, follower.ask(Request::post("/replicate/k").body(Body::from(body)).unwrap()).await.0);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_judged_as_their_names_say() {
    let leader = leader(&[Acks(0)], &[]);
    for (name, key) in corpus("keys") {
        let path = format!("/kv/{}", String::from_utf8(key).unwrap().trim_end());
        let body = Body::from(r#"{"value":"v"}"#);
        check(&name, leader.ask(Request::put(&path).body(body).unwrap()).await.0);
    }
}
