//! One HTTP/1.1 connection on which requests follow each other without waiting for answers.
//!
//! A server answers the requests of one connection in their order (RFC 9112, section 9.3.2), and
//! a follower also applies them in that order. HTTP clients, hyper's among them, wait for each
//! answer before they send the next request, which would let a copy wait for the acknowledgement
//! of the one before.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::TransportError;
use super::connection::{Answer, Closed, Connection, IDLE_TIMEOUT, MAX_WAITING, answer};
use super::message;
use crate::config::BaseUrl;
use crate::http_connection::MAX_ANSWER_BYTES;
use crate::limits;
use crate::poison::ignore_poison;
use crate::wire::{Replicate, Replicated};

/// The largest head of an answer; a follower's has about 120 bytes.
const MAX_HEAD_BYTES: usize = 8 * 1_024;

/// The most header lines of an answer; a follower sends three.
const MAX_HEADERS: usize = 32;

/// The most that is read at a time.
const READ_BYTES: usize = 4 * 1_024;

/// Where the answer to a request goes.
type Answered = oneshot::Sender<Result<Replicated, TransportError>>;

/// A pipelined connection to one follower.
#[derive(Debug)]
pub(super) struct PipelinedConnection {
    base: BaseUrl,
    requests: mpsc::Sender<(Bytes, Answered)>,
    is_closed: AtomicBool,
    task: AbortHandle,
}

impl PipelinedConnection {
    /// Connects in the background.
    pub(super) fn open(base: BaseUrl) -> Self {
        let (requests, waiting) = mpsc::channel(MAX_WAITING);
        let task = tokio::spawn(drive(base.clone(), waiting)).abort_handle();
        Self { base, requests, is_closed: AtomicBool::new(false), task }
    }
}

impl Connection for PipelinedConnection {
    fn send<'a>(&'a self, key: &'a str, body: &'a Replicate) -> BoxFuture<'a, Result<Answer, Closed>> {
        async move {
            let room = self.requests.reserve().await.map_err(|_ended| Closed)?;
            if self.is_closed.load(Ordering::Acquire) {
                return Err(Closed);
            }
            let (sender, answered) = oneshot::channel();
            match message::request_bytes(self.base.host(), key, body) {
                Ok(bytes) => room.send((bytes, sender)),
                // The receiver is held below.
                Err(error) => drop(sender.send(Err(error))),
            }
            Ok(answer(answered))
        }
        .boxed()
    }

    fn close(&self) {
        // The task ends a little later.
        self.is_closed.store(true, Ordering::Release);
        self.task.abort();
    }
}

impl Drop for PipelinedConnection {
    fn drop(&mut self) {
        self.close();
    }
}

/// Requests that were sent and not answered yet, oldest first.
#[derive(Debug, Default)]
struct Unanswered(Mutex<VecDeque<Answered>>);

impl Unanswered {
    fn push(&self, answered: Answered) {
        ignore_poison(self.0.lock()).push_back(answered);
    }

    fn pop(&self) -> Option<Answered> {
        ignore_poison(self.0.lock()).pop_front()
    }

    fn is_empty(&self) -> bool {
        ignore_poison(self.0.lock()).is_empty()
    }
}

/// Connects, and carries requests and answers until the connection ends. Then every request that
/// has no answer is told why.
async fn drive(base: BaseUrl, mut requests: mpsc::Receiver<(Bytes, Answered)>) {
    let unanswered = Unanswered::default();
    let reason = match exchange(&base, &mut requests, &unanswered).await {
        Ok(()) => Closed.to_string(),
        Err(reason) => reason,
    };
    requests.close();
    let tell = |answered: Answered| drop(answered.send(Err(TransportError::NoAnswer(reason.clone()))));
    while let Some(answered) = unanswered.pop() {
        tell(answered);
    }
    while let Ok((_, answered)) = requests.try_recv() {
        tell(answered);
    }
}

async fn exchange(
    base: &BaseUrl,
    requests: &mut mpsc::Receiver<(Bytes, Answered)>,
    unanswered: &Unanswered,
) -> Result<(), String> {
    let stream = TcpStream::connect(base.address()).await.map_err(|error| {
        limits::note("reaching a follower", &error);
        format!("cannot connect: {error}")
    })?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let (reading, writing) = stream.into_split();
    tokio::select! {
        biased;
        read = read_answers(reading, unanswered) => read,
        written = write_requests(writing, requests, unanswered) => written,
    }
}

/// Sends requests as they come, until none has come for some time and all are answered.
async fn write_requests(
    mut stream: impl AsyncWrite + Unpin,
    requests: &mut mpsc::Receiver<(Bytes, Answered)>,
    unanswered: &Unanswered,
) -> Result<(), String> {
    loop {
        match tokio::time::timeout(IDLE_TIMEOUT, requests.recv()).await {
            Ok(Some((bytes, answered))) => {
                unanswered.push(answered);
                let mut bytes = BytesMut::from(bytes);
                // What waits already leaves with it.
                while let Ok((next, answered)) = requests.try_recv() {
                    bytes.extend_from_slice(&next);
                    unanswered.push(answered);
                }
                stream.write_all(&bytes).await.map_err(|error| format!("cannot send: {error}"))?;
            }
            // A request may have been let in at the last moment: it is sent before this ends.
            Err(_elapsed) if unanswered.is_empty() => requests.close(),
            Err(_elapsed) => {}
            Ok(None) => return wait_for_answers(unanswered).await,
        }
    }
}

/// Waits for the answers to the requests that came while the connection was being closed.
async fn wait_for_answers(unanswered: &Unanswered) -> Result<(), String> {
    const POLL: Duration = Duration::from_millis(10);
    while !unanswered.is_empty() {
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Reads answers, each to the oldest request without one, until the follower ends the connection.
async fn read_answers(mut stream: impl AsyncRead + Unpin, unanswered: &Unanswered) -> Result<(), String> {
    let mut buffer = BytesMut::new();
    loop {
        while let Some((status, body)) = next_answer(&mut buffer)? {
            let answered = unanswered.pop().ok_or("an answer came to no request")?;
            // The copy may have been given up meanwhile.
            let _ = answered.send(message::parse_answer(status, &body));
        }
        buffer.reserve(READ_BYTES);
        match stream.read_buf(&mut buffer).await {
            Ok(0) => return Err("the connection was closed before the answer was whole".to_owned()),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Takes the first whole answer out of what was read: its status and body. `None` if it is not
/// whole yet.
fn next_answer(read: &mut BytesMut) -> Result<Option<(u16, Bytes)>, String> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let parsed = head.parse(read).map_err(|error| format!("the answer is not HTTP: {error}"))?;
    let httparse::Status::Complete(head_bytes) = parsed else {
        return if read.len() > MAX_HEAD_BYTES {
            Err("the head of the answer is too long".to_owned())
        } else {
            Ok(None)
        };
    };
    let length = head
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok())
        .filter(|length| *length <= MAX_ANSWER_BYTES)
        .ok_or("the answer does not say its length, or is too long")?;
    // A whole head has a status.
    let status = head.code.unwrap_or_default();
    if read.len() - head_bytes < length {
        return Ok(None);
    }
    read.advance(head_bytes);
    Ok(Some((status, read.split_to(length).freeze())))
}

#[cfg(test)]
mod tests;
