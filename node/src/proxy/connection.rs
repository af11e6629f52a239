//! One connection through a proxy.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::debug;

use super::config::{ProxyConfig, WriteSource};
use super::flow::{Flow, Passed, Taken};
use super::state::LinkState;
use crate::clock::Clock;
use crate::limits;

/// How long it may take to connect to the node behind the proxy.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One end of a connection.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {
    /// Closes it so that the other side sees a reset.
    fn reset(self);
}

impl Socket for TcpStream {
    fn reset(self) {
        // What does not work on a socket that has failed is not needed there either.
        let _ = self.set_zero_linger();
    }
}

/// What all connections of a proxy share.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) config: Arc<ProxyConfig>,
    pub(super) seed: u64,
    pub(super) clock: Clock,
    pub(super) state: watch::Receiver<LinkState>,
}

/// How a connection has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
}

type Connecting<S> = Pin<Box<dyn Future<Output = io::Result<S>> + Send>>;

/// The way to the node behind the proxy.
enum Target<S> {
    Connecting(Connecting<S>),
    Connected(S),
}

struct Connection<S> {
    writes_from: WriteSource,
    clock: Clock,
    dialer: S,
    target: Target<S>,
    /// From the dialer to the target, and the other way.
    flows: [Flow; 2],
}

/// Passes one connection on until both sides have ended it, one has reset it, or an order drops it. A dialer that
/// sends writes and closes the connection has given up what has not been passed on: that is dropped.
pub(super) async fn carry<S: Socket>(
    dialer: S,
    connect: impl Future<Output = io::Result<S>> + Send + 'static,
    link: Link,
) {
    let Link { config, seed, clock, mut state } = link;
    let writes_from = config.writes_from;
    let [write, ack] = config.directions(seed);
    let flows = match writes_from {
        WriteSource::Dialer => [Flow::new(write, true), Flow::new(ack, false)],
        WriteSource::Target => [Flow::new(ack, false), Flow::new(write, true)],
    };
    let drops = state.borrow().drops;
    let target = Target::Connecting(Box::pin(connect));
    let mut connection = Connection { writes_from, clock, dialer, target, flows };
    let end = loop {
        let now = *state.borrow_and_update();
        if now.drops != drops {
            break End::Reset;
        }
        tokio::select! {
            biased;
            // First, so that nothing is passed on after an order that forbids it.
            changed = state.changed() => if changed.is_err() { break End::Closed },
            end = poll_fn(|cx| connection.poll(cx, &now)) => break end,
        }
    };
    if end == End::Reset {
        connection.dialer.reset();
        if let Target::Connected(target) = connection.target {
            target.reset();
        }
    }
}

impl<S: Socket> Connection<S> {
    /// Does all that can be done now; ready at the end.
    fn poll(&mut self, cx: &mut Context<'_>, state: &LinkState) -> Poll<End> {
        let clock = self.clock;
        let [there, back] = &mut self.flows;
        loop {
            let mut idle = true;
            // Before anything is passed on: its sender may have given it up.
            if let Poll::Ready(taken) = there.poll_take(cx, &mut self.dialer, clock, state) {
                idle = false;
                note(&taken);
                match (self.writes_from, taken) {
                    (WriteSource::Dialer, Taken::End) => return Poll::Ready(End::Closed),
                    (WriteSource::Dialer, Taken::Reset(_)) => return Poll::Ready(End::Reset),
                    _ => {}
                }
            }
            if let Target::Connecting(connecting) = &mut self.target {
                match connecting.as_mut().poll(cx) {
                    Poll::Ready(Ok(target)) => self.target = Target::Connected(target),
                    Poll::Ready(Err(error)) => {
                        failed("connecting to a node", &error);
                        return Poll::Ready(End::Reset);
                    }
                    Poll::Pending => {}
                }
            }
            if let Target::Connected(target) = &mut self.target {
                if let Poll::Ready(taken) = back.poll_take(cx, target, clock, state) {
                    idle = false;
                    note(&taken);
                }
                let dialer = &mut self.dialer;
                for passed in
                    [pass(there, target, back, cx, (clock, state)), pass(back, dialer, there, cx, (clock, state))]
                {
                    match passed {
                        Poll::Pending => {}
                        Poll::Ready(Passed::Reset) => return Poll::Ready(End::Reset),
                        Poll::Ready(Passed::Message) => idle = false,
                    }
                }
            }
            if there.is_over() && back.is_over() {
                return Poll::Ready(End::Closed);
            }
            if idle {
                return Poll::Pending;
            }
        }
    }
}

/// Passes on what is due in one direction. If the receiver is gone, the `opposite` direction ends with a reset.
fn pass<S: Socket>(
    flow: &mut Flow,
    to: &mut S,
    opposite: &mut Flow,
    cx: &mut Context<'_>,
    (clock, state): (Clock, &LinkState),
) -> Poll<Passed> {
    flow.poll_pass(cx, to, clock, state).map(|passed| {
        passed.unwrap_or_else(|error| {
            failed("passing bytes on", &error);
            flow.abandon();
            opposite.end_with_reset(clock, state);
            Passed::Message
        })
    })
}

/// Connects to the node behind a proxy once the link is open.
pub(super) async fn connect(to: String, mut state: watch::Receiver<LinkState>) -> io::Result<TcpStream> {
    state.wait_for(LinkState::is_open).await.map_err(io::Error::other)?;
    let node = timeout(CONNECT_TIMEOUT, TcpStream::connect(&to)).await??;
    node.set_nodelay(true)?;
    Ok(node)
}

fn note(taken: &Taken) {
    if let Taken::Reset(error) = taken {
        failed("reading from a connection", error);
    }
}

fn failed(what: &str, error: &io::Error) {
    limits::note(what, error);
    debug!("{what}: {error}");
}
