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

use super::{Mode, RelayConfig};
use crate::limits;

/// How long it may take to reach the node.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// What is read at a time.
const CHUNK: usize = 16 * 1_024;

/// How much is held back at most for one connection; past it, it is not read on.
const MOST_HELD: usize = 2 * 1_024 * 1_024;

/// Passes one connection on until either side ends it.
pub(super) async fn carry(party: TcpStream, config: Arc<RelayConfig>, mode: watch::Receiver<Mode>) {
    if let Err(error) = exchange(party, &config, mode).await {
        limits::note("passing a connection on", &error);
        debug!("a connection to {} ended: {error}", config.to);
    }
}

/// What is on its way to the node.
#[derive(Default)]
struct Held {
    chunks: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
}

impl Held {
    /// Takes a chunk that may arrive after `delay`, but not before what is ahead of it.
    fn push(&mut self, chunk: &[u8], delay: Duration) {
        let due = Instant::now() + delay;
        let due = self.chunks.back().map_or(due, |(ahead, _)| due.max(*ahead));
        self.chunks.push_back((due, chunk.to_vec()));
        self.bytes += chunk.len();
    }

    /// Waits until the first chunk is due; for ever where there is none.
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

/// Carries bytes both ways. When the party gives up, what has not been passed on is dropped: a
/// copy that its leader has given up is lost, late or not.
async fn exchange(mut party: TcpStream, config: &RelayConfig, mut mode: watch::Receiver<Mode>) -> io::Result<()> {
    party.set_nodelay(true)?;
    let (mut there, mut back) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut held = Held::default();
    let mut reach = pin!(reach(config, mode.clone()));
    let mut node: Option<TcpStream> = None;
    loop {
        let now = *mode.borrow_and_update();
        let open = now != Mode::Cut;
        tokio::select! {
            biased;
            // An error says that the relay itself is ending.
            changed = mode.changed() => changed.map_err(io::Error::other)?,
            // Before anything is passed on: its sender may have given it up.
            read = party.read(&mut there), if held.bytes < MOST_HELD => match read? {
                0 => return Ok(()),
                bytes => held.push(&there[..bytes], if now == Mode::Slow { config.delay } else { Duration::ZERO }),
            },
            reached = &mut reach, if node.is_none() => node = Some(reached?),
            () = held.due(), if open && node.is_some() => {
                if let (Some(node), Some(chunk)) = (node.as_mut(), held.pop()) {
                    node.write_all(&chunk).await?;
                }
            }
            read = hear(node.as_mut(), &mut back), if open => match read? {
                0 => return Ok(()),
                bytes => party.write_all(&back[..bytes]).await?,
            },
        }
    }
}

/// A connection to the node, once the way is open.
async fn reach(config: &RelayConfig, mut mode: watch::Receiver<Mode>) -> io::Result<TcpStream> {
    mode.wait_for(|mode| *mode != Mode::Cut).await.map_err(io::Error::other)?;
    let node = timeout(CONNECT_LIMIT, TcpStream::connect(&config.to)).await??;
    node.set_nodelay(true)?;
    Ok(node)
}

/// What the node says; for ever nothing before it is reached.
async fn hear(node: Option<&mut TcpStream>, buffer: &mut [u8]) -> io::Result<usize> {
    match node {
        Some(node) => node.read(buffer).await,
        None => std::future::pending().await,
    }
}
