//! One direction of one connection: reads messages, and writes each once its delay is over.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::queue::{DelayQueue, Message};
use super::state::LinkState;
use crate::clock::Clock;
use crate::delay::OrderedDirection;

/// The most that is read at a time.
const CHUNK_BYTES: usize = 64 * 1_024;

/// One direction of one connection.
pub(super) struct Flow {
    /// `None`: what is sent takes no time.
    delay: Option<OrderedDirection>,
    /// Whether it carries writes, which a slow link delays further.
    carries_writes: bool,
    queue: DelayQueue,
    /// How much of the first chunk has been written.
    written: usize,
    timer: Timer,
    source: Source,
    progress: Progress,
}

/// What is known of the side that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Open,
    /// It takes nothing any more, so its end is that of the connection.
    Deaf,
    Ended,
}

/// How far this direction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Open,
    /// The end has been passed on.
    Ended,
    /// The side that is written takes nothing any more.
    Abandoned,
}

/// What has been read.
#[derive(Debug)]
pub(super) enum Taken {
    Chunk,
    /// The sender will send no more.
    End,
    /// The connection to the sender has failed.
    Reset(io::Error),
}

/// What has been passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// Bytes, or the end.
    Message,
    /// Nothing: the connection is to be reset, since the sender has reset it.
    Reset,
}

impl Flow {
    pub(super) fn new(delay: Option<OrderedDirection>, carries_writes: bool) -> Self {
        Self {
            delay,
            carries_writes,
            queue: DelayQueue::default(),
            written: 0,
            timer: Timer::default(),
            source: Source::Open,
            progress: Progress::Open,
        }
    }

    /// Whether nothing more will be passed on.
    pub(super) fn is_over(&self) -> bool {
        self.progress != Progress::Open
    }

    /// Reads one message, if there is room for it.
    pub(super) fn poll_take<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut S,
        clock: Clock,
        state: &LinkState,
    ) -> Poll<Taken> {
        if self.source == Source::Ended || !self.queue.has_room() {
            return Poll::Pending;
        }
        let (message, taken) = match ready!(poll_chunk(cx, from)) {
            Ok(chunk) if !chunk.is_empty() => (Message::Chunk(chunk), Taken::Chunk),
            Ok(_) if self.source == Source::Open => (Message::End, Taken::End),
            Ok(_) => (Message::Reset, Taken::Reset(io::ErrorKind::BrokenPipe.into())),
            Err(error) => (Message::Reset, Taken::Reset(error)),
        };
        if !matches!(taken, Taken::Chunk) {
            self.source = Source::Ended;
        }
        self.push(message, clock, state);
        Poll::Ready(taken)
    }

    /// Passes the first message on, or a part of it, once it may leave and the link is open.
    pub(super) fn poll_pass<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut S,
        clock: Clock,
        state: &LinkState,
    ) -> Poll<io::Result<Passed>> {
        let first = self.queue.first().filter(|_| state.passes(self.carries_writes));
        let Some((due_us, message)) = first else { return Poll::Pending };
        ready!(self.timer.poll_until(cx, clock, due_us));
        match message {
            Message::Chunk(chunk) => {
                let rest = chunk.get(self.written..).unwrap_or_default();
                let length = rest.len();
                let bytes = ready!(Pin::new(to).poll_write(cx, rest))?;
                if bytes == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.written += bytes;
                if bytes == length {
                    self.written = 0;
                    self.queue.pop();
                }
            }
            Message::End => {
                ready!(Pin::new(to).poll_shutdown(cx))?;
                self.queue.pop();
                self.progress = Progress::Ended;
            }
            Message::Reset => return Poll::Ready(Ok(Passed::Reset)),
        }
        Poll::Ready(Ok(Passed::Message))
    }

    /// Drops what is on its way: the side that is written takes nothing any more.
    pub(super) fn abandon(&mut self) {
        self.queue.clear();
        self.source = Source::Ended;
        self.progress = Progress::Abandoned;
    }

    /// Ends with a reset, since the side that is read takes nothing any more. What it has sent is passed on before.
    pub(super) fn end_with_reset(&mut self, clock: Clock, state: &LinkState) {
        match self.source {
            Source::Open => self.source = Source::Deaf,
            Source::Deaf => {}
            Source::Ended if self.progress != Progress::Abandoned => {
                self.push(Message::Reset, clock, state);
                self.progress = Progress::Open;
            }
            Source::Ended => {}
        }
    }

    /// Queues a message that enters now.
    fn push(&mut self, message: Message, clock: Clock, state: &LinkState) {
        let now_us = clock.now_us();
        let added_us = if self.carries_writes { state.added_us() } else { 0 };
        let drawn_us = self.delay.as_mut().map_or(0, |delay| {
            let at_us = state.since_epoch_us(now_us);
            // The queue keeps the order, which holds for what is added as well.
            delay.reset();
            (delay.pass(at_us) - at_us).unsigned_abs()
        });
        self.queue.push(message, now_us + drawn_us + added_us);
    }
}

/// Reads what is there, at most [`CHUNK_BYTES`]; nothing at the end.
fn poll_chunk<S: AsyncRead + Unpin>(cx: &mut Context<'_>, from: &mut S) -> Poll<io::Result<Vec<u8>>> {
    // On the stack: connections that wait hold no buffer.
    let mut space = [const { MaybeUninit::uninit() }; CHUNK_BYTES];
    let mut buffer = ReadBuf::uninit(&mut space);
    ready!(Pin::new(from).poll_read(cx, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().to_vec()))
}

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A wait that goes on from one poll to the next.
#[derive(Default)]
struct Timer {
    /// Until when, and the wait itself.
    wait: Option<(u64, Wait)>,
}

impl Timer {
    /// Ready once the clock reads `due_us`.
    fn poll_until(&mut self, cx: &mut Context<'_>, clock: Clock, due_us: u64) -> Poll<()> {
        loop {
            let now_us = clock.now_us();
            if now_us >= due_us {
                self.wait = None;
                return Poll::Ready(());
            }
            let wait = match self.wait.take() {
                Some((until_us, wait)) if until_us == due_us => wait,
                _ => {
                    let left = Duration::from_micros(due_us - now_us);
                    Box::pin(async move { clock.sleep(left).await })
                }
            };
            let (_, wait) = self.wait.insert((due_us, wait));
            ready!(wait.as_mut().poll(cx));
            self.wait = None;
        }
    }
}
