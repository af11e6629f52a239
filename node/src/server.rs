//! Serving a router over TCP.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutWriter;
use tracing::{debug, warn};

use crate::limits;

/// How long a connection may be idle, and how long the head of a request may take. Clients
/// that keep connections open should let them go before that.
pub const HEADER_DEADLINE: Duration = Duration::from_secs(30);

/// How long a client may leave its answer unread before its connection is closed.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// The most that a connection buffers, and so the largest head of a request. A key of 512
/// bytes, every one percent-encoded, takes a tenth of it.
const MAX_BUFFERED_BYTES: usize = 16 * 1_024;

/// The pause after a connection could not be accepted: most likely there are too many, and
/// some have to end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` on `listener` until `shutdown` is ready, and returns at once then: requests
/// that are being answered are not waited for.
pub async fn run(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = shutdown => {}
        () = accept(listener, router) => {}
    }
}

async fn accept(listener: TcpListener, router: Router) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, router.clone()));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                limits::note("accepting a connection", &error);
                warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether a peer was gone before it was accepted, which says nothing about the next one.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

async fn connection(stream: TcpStream, router: Router) {
    // An idle connection costs its socket and this small task; hyper's ten kilobytes come with
    // the first byte. Not `readable`: tokio takes accepted sockets to be that until it has
    // tried.
    let first_byte = tokio::time::timeout(HEADER_DEADLINE, stream.peek(&mut [0])).await;
    if let Ok(Ok(1)) = first_byte {
        // Answers are small and whole: waiting for more to send would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!("cannot set TCP_NODELAY: {error}");
        }
        Box::pin(serve(stream, router)).await;
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send, router: Router) {
    // A client that never reads would otherwise hold its answer in memory for ever.
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(WRITE_DEADLINE));
    let stream = pin!(stream);
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_buf_size(MAX_BUFFERED_BYTES)
        // A small answer is copied behind its head sooner than the kernel gathers the two.
        .writev(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        limits::note("serving a connection", &error);
        debug!("a connection ended early: {error}");
    }
}
