//! One connection through a relay.

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;

use super::config::RelayConfig;
use super::mode::Mode;
use crate::limits;

/// How long it may take to connect to the node.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The most that is read at a time.
const CHUNK_BYTES: usize = 16 * 1_024;

/// How much is buffered for one connection before reading from it pauses.
const MAX_BUFFERED_BYTES: usize = 2 * 1_024 * 1_024;

/// Passes one connection on until either side ends it.
pub(super) async fn carry(client: TcpStream, config: Arc<RelayConfig>, mode: watch::Receiver<Mode>) {
    if let Err(error) = exchange(client, &config, mode).await {
        limits::note("passing a connection on", &error);
        debug!("a connection to {} ended: {error}", config.to);
    }
}

/// Chunks on their way to the node, each with the time at which it may arrive.
#[derive(Default)]
struct DelayQueue {
    chunks: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
}

impl DelayQueue {
    /// Takes a chunk that may arrive after `delay`, but not before what is ahead of it.
    fn push(&mut self, chunk: &[u8], delay: Duration) {
        let due = Instant::now() + delay;
        let due = self.chunks.back().map_or(due, |(ahead, _)| due.max(*ahead));
        self.chunks.push_back((due, chunk.to_vec()));
        self.bytes += chunk.len();
    }

    /// Waits until the first chunk is due; for ever if there is none.
    async fn due(&self) {
        match self.chunks.front() {
            // tokio would round a wait of nothing up to its next millisecond.
            Some((due, _)) if *due <= Instant::now() => {}
            Some((due, _)) => sleep_until(*due).await,
            None => std::future::pending().await,
        }
    }

    /// The first chunk.
    fn pop(&mut self) -> Option<Vec<u8>> {
        let (_, chunk) = self.chunks.pop_front()?;
        self.bytes -= chunk.len();
        Some(chunk)
    }
}

/// Carries bytes both ways. When the client closes the connection, what has not been passed on
/// is dropped: a copy that its leader has given up is lost, late or not.
async fn exchange(mut client: TcpStream, config: &RelayConfig, mut mode: watch::Receiver<Mode>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let (mut request, mut response) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    let mut queue = DelayQueue::default();
    let mut connecting = pin!(connect(config, mode.clone()));
    let mut node: Option<TcpStream> = None;
    loop {
        let now = *mode.borrow_and_update();
        let open = now != Mode::Cut;
        tokio::select! {
            biased;
            // An error says that the relay itself is ending.
            changed = mode.changed() => changed.map_err(io::Error::other)?,
            // Before anything is passed on: its sender may have given it up.
            read = client.read(&mut request), if queue.bytes < MAX_BUFFERED_BYTES => match read? {
                0 => return Ok(()),
                bytes => queue.push(&request[..bytes], if now == Mode::Slow { config.delay } else { Duration::ZERO }),
            },
            connected = &mut connecting, if node.is_none() => node = Some(connected?),
            () = queue.due(), if open && node.is_some() => {
                if let (Some(node), Some(chunk)) = (node.as_mut(), queue.pop()) {
                    node.write_all(&chunk).await?;
                }
            }
            read = read_from(node.as_mut(), &mut response), if open => match read? {
                0 => return Ok(()),
                bytes => client.write_all(&response[..bytes]).await?,
            },
        }
    }
}

/// Connects to the node once the link is open.
async fn connect(config: &RelayConfig, mut mode: watch::Receiver<Mode>) -> io::Result<TcpStream> {
    mode.wait_for(|mode| *mode != Mode::Cut).await.map_err(io::Error::other)?;
    let node = timeout(CONNECT_TIMEOUT, TcpStream::connect(&config.to)).await??;
    node.set_nodelay(true)?;
    Ok(node)
}

/// Reads from the node; waits for ever while there is no connection to it.
async fn read_from(node: Option<&mut TcpStream>, buffer: &mut [u8]) -> io::Result<usize> {
    match node {
        Some(node) => node.read(buffer).await,
        None => std::future::pending().await,
    }
}
