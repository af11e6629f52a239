//! Dumps of a node's memory, streamed in pieces: a trace of 100,000 replications is 20 MB of
//! JSON, more than the node itself takes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;

use super::app::App;
use super::error::ApiError;
use crate::node::Node;
use crate::store::Entry;
use crate::wire::{Role, TraceQuery};

/// Trace records in a piece.
const RECORDS_PER_PIECE: usize = 256;

/// A piece of the store dump is complete when it has this many bytes.
const PIECE_BYTES: usize = 32 * 1_024;

/// `GET /debug/store`: [`StoreDump`](crate::wire::StoreDump), all of one moment.
pub(super) async fn store(State(app): State<App>) -> Response {
    let config = app.node.config();
    let head = head(&config.name, config.role);
    let entries: Arc<[Entry]> = app.node.store().snapshot().into();
    let values = Members::new(Arc::clone(&entries), |entry| json(&*entry.value));
    let versions = Members::new(entries, |entry| json(&entry.version));
    let pieces = std::iter::once(format!("{head},\"store\":{{"))
        .chain(values)
        .chain(std::iter::once("},\"versions\":{".to_owned()))
        .chain(versions)
        .chain(std::iter::once("}}".to_owned()));
    streamed(pieces)
}

/// `GET /debug/trace`: [`TraceDump`](crate::wire::TraceDump) of the records that there are
/// when the request comes. Those that the trace forgets before their turn count as dropped.
pub(super) async fn trace(
    State(app): State<App>,
    query: Result<Query<TraceQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::bad_query(rejection.body_text()))?;
    let config = app.node.config();
    let head = head(&config.name, config.role);
    let now_us = app.node.clock().now_us();
    let first = format!("{head},\"now_us\":{now_us},\"records\":[");
    Ok(streamed(std::iter::once(first).chain(Records::new(app.node, query))))
}

/// The members of a JSON object, one for each entry.
struct Members<F> {
    entries: Arc<[Entry]>,
    next: usize,
    value: F,
}

impl<F: Fn(&Entry) -> String> Members<F> {
    fn new(entries: Arc<[Entry]>, value: F) -> Self {
        Self { entries, next: 0, value }
    }
}

impl<F: Fn(&Entry) -> String> Iterator for Members<F> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut piece = String::new();
        while let Some(entry) = self.entries.get(self.next) {
            if self.next > 0 {
                piece.push(',');
            }
            piece.push_str(&json(&*entry.key));
            piece.push(':');
            piece.push_str(&(self.value)(entry));
            self.next += 1;
            if piece.len() >= PIECE_BYTES {
                break;
            }
        }
        (!piece.is_empty()).then_some(piece)
    }
}

/// The items of a trace, and after them the end of the dump.
struct Records {
    node: Arc<Node>,
    next: u64,
    end: u64,
    dropped: u64,
    written: bool,
    over: bool,
}

impl Records {
    fn new(node: Arc<Node>, query: TraceQuery) -> Self {
        let end = match node.as_ref() {
            Node::Leader(leader) if query.ended => leader.trace().first_pending(query.from),
            Node::Leader(leader) => leader.trace().bounds().1,
            Node::Follower(follower) => follower.trace().bounds().1,
        };
        Self { node, next: query.from.min(end), end, dropped: 0, written: false, over: false }
    }

    fn piece<R: Serialize>(&mut self, first: u64, records: &[R]) -> String {
        let first = first.min(self.end);
        self.dropped += first - self.next;
        self.next = first + records.len() as u64;
        let mut piece = String::new();
        for record in records {
            if self.written {
                piece.push(',');
            }
            self.written = true;
            piece.push_str(&json(record));
        }
        piece
    }
}

impl Iterator for Records {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.over {
            return None;
        }
        let node = Arc::clone(&self.node);
        let piece = match node.as_ref() {
            Node::Leader(leader) => {
                let (first, records) = leader.records(self.next, self.end, RECORDS_PER_PIECE);
                self.piece(first, &records)
            }
            Node::Follower(follower) => {
                let (first, records) = follower.records(self.next, self.end, RECORDS_PER_PIECE);
                self.piece(first, &records)
            }
        };
        if piece.is_empty() {
            self.over = true;
            return Some(format!("],\"dropped\":{},\"next\":{}}}", self.dropped, self.end));
        }
        Some(piece)
    }
}

fn head(name: &str, role: Role) -> String {
    format!("{{\"node\":{},\"role\":{}", json(name), json(&role))
}

/// `value` as JSON. Numbers, strings and plain structs cannot fail to serialize.
fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn streamed(pieces: impl Iterator<Item = String> + Send + 'static) -> Response {
    let pieces = pieces.map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
    let body = Body::from_stream(stream::iter(pieces));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
