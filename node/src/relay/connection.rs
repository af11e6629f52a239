//! One connection through a relay.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;

use super::{Mode, RelayConfig};

/// How long it may take to reach the node.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// What is read at a time.
const CHUNK: usize = 16 * 1_024;

/// How much is held back at most for one connection; past it, it is not read on.
const MOST_HELD: usize = 2 * 1_024 * 1_024;

/// Passes one connection on until either side ends it.
pub(super) async fn carry(party: TcpStream, config: Arc<RelayConfig>, mut mode: watch::Receiver<Mode>) {
    let carried = match reach(&config, &mut mode).await {
        Ok(Some(node)) => exchange(party, node, &config, &mut mode).await,
        Ok(None) => swallow(party, &mut mode).await,
        // Whoever connected finds the connection closed, as without the relay.
        Err(error) => Err(error),
    };
    if let Err(error) = carried {
        debug!("a connection to {} ended: {error}", config.to);
    }
}

/// A connection to the node; none where the way is cut.
async fn reach(config: &RelayConfig, mode: &mut watch::Receiver<Mode>) -> io::Result<Option<TcpStream>> {
    tokio::select! {
        biased;
        () = until(mode, |mode| mode == Mode::Cut) => Ok(None),
        reached = timeout(CONNECT_LIMIT, TcpStream::connect(&config.to)) => {
            let node = reached.map_err(io::Error::from)??;
            node.set_nodelay(true)?;
            Ok(Some(node))
        }
    }
}

/// Waits for a mode; for ever once the relay itself is ending.
async fn until(mode: &mut watch::Receiver<Mode>, wanted: impl Fn(Mode) -> bool) {
    if mode.wait_for(|mode| wanted(*mode)).await.is_err() {
        std::future::pending().await
    }
}

/// Swallows what comes until the way is open again; what was said meanwhile is lost, and so
/// the connection with it.
async fn swallow(mut party: TcpStream, mode: &mut watch::Receiver<Mode>) -> io::Result<()> {
    let drain = async {
        let mut buffer = [0; 1_024];
        while party.read(&mut buffer).await? > 0 {}
        Ok(())
    };
    tokio::select! {
        biased;
        () = until(mode, |mode| mode != Mode::Cut) => Ok(()),
        drained = drain => drained,
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

/// Carries bytes both ways. When the party gives up, what is still held back is dropped: a
/// copy that its leader has given up is lost, late or not.
async fn exchange(
    mut party: TcpStream,
    mut node: TcpStream,
    config: &RelayConfig,
    mode: &mut watch::Receiver<Mode>,
) -> io::Result<()> {
    party.set_nodelay(true)?;
    let now = mode.clone();
    let (mut there, mut back) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut held = Held::default();
    loop {
        tokio::select! {
            biased;
            () = until(mode, |mode| mode == Mode::Cut) => {
                drop(node);
                return swallow(party, mode).await;
            }
            () = held.due() => {
                if let Some(chunk) = held.pop() {
                    node.write_all(&chunk).await?;
                }
            }
            read = party.read(&mut there), if held.bytes < MOST_HELD => match read? {
                0 => return Ok(()),
                bytes => {
                    let delay = if *now.borrow() == Mode::Slow { config.delay } else { Duration::ZERO };
                    held.push(&there[..bytes], delay);
                }
            },
            read = node.read(&mut back) => match read? {
                0 => return Ok(()),
                bytes => party.write_all(&back[..bytes]).await?,
            },
        }
    }
}
