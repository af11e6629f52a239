//! Ordered links: what the leader sends to one follower leaves, arrives and is acknowledged in the
//! order of the writes, as a replication log does over one connection.
//!
//! A copy enters its link when the leader numbers the write, and its departure is certain from then
//! on. It waits in the link's queue until then, and is sent over one connection without waiting for
//! the acknowledgement of the copy before it. Acknowledgements wait in the same way on their way back.
//!
//! A copy whose time limit passes before it has left is dropped: those behind it keep their order
//! and their departures. One that has left cannot be taken back: it arrives late, in its order, and
//! unacknowledged. If the follower has not answered within one more time limit after the departure,
//! the leader closes the connection: what had left over it and was not answered is lost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::bounds::elapsed_us;
use crate::clock::Clock;
use crate::delay::{OrderedDirection, OrderedLink};
use crate::poison::ignore_poison;
use crate::transport::{Answer, Closed, Connection, Transport, TransportError};
use crate::wire::Replicate;

/// What the leader is told of a copy on its way.
pub(super) trait CopyProgress: Send + Sync {
    /// The copy left at this time on the leader's clock.
    fn left(&self, now_us: u64);

    /// The follower, started at this time on its clock, answered; the link makes the acknowledgement so
    /// much later.
    fn answered(&self, started_us: Option<u64>, ack_delay_us: u32);
}

/// What the links need to know of their leader.
pub(super) struct LinkSetup {
    pub(super) links: Vec<OrderedLink>,
    /// How long a copy that has left may stay unanswered.
    pub(super) limit: Duration,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Clock,
}

/// The ordered links of a leader, by follower index.
#[derive(Debug)]
pub(super) struct OrderedLinks {
    /// The moment from which slots count, on the leader's clock.
    epoch_us: u64,
    links: Vec<Queue>,
}

/// The leader's end of one link.
#[derive(Debug)]
struct Queue {
    write: Mutex<OrderedDirection>,
    copies: mpsc::UnboundedSender<QueuedCopy>,
}

/// Tells when a copy's acknowledgement is back, on the leader's clock, or why none will come.
pub(super) type Acknowledged = oneshot::Sender<Result<u64, TransportError>>;

/// A copy of a write for one follower.
pub(super) struct OrderedCopy {
    pub(super) key: Arc<str>,
    pub(super) body: Arc<Replicate>,
    pub(super) progress: Arc<dyn CopyProgress>,
    /// Its receiver is dropped when the copy is given up.
    pub(super) acknowledged: Acknowledged,
}

/// A copy that waits for its departure.
struct QueuedCopy {
    copy: OrderedCopy,
    departs_us: u64,
}

/// A copy that has left.
struct SentCopy {
    progress: Arc<dyn CopyProgress>,
    acknowledged: Acknowledged,
    left_us: u64,
    connection: Arc<dyn Connection>,
    answer: Answer,
}

impl OrderedLinks {
    /// Starts the tasks of each link, whose slots count from now. They end when these links are
    /// dropped and nothing is under way.
    pub(super) fn start(setup: LinkSetup) -> Self {
        let LinkSetup { links, limit, transport, clock } = setup;
        let epoch_us = clock.now_us();
        let links = links.into_iter().enumerate().map(|(follower, OrderedLink { write, ack })| {
            let (copies, queue) = mpsc::unbounded_channel();
            let (sent, answers) = mpsc::unbounded_channel();
            let transport = Arc::clone(&transport);
            tokio::spawn(Departures { queue, sent, transport, follower, clock, connection: None }.run());
            tokio::spawn(Acknowledgements { answers, ack, epoch_us, limit, clock }.run());
            Queue { write: Mutex::new(write), copies }
        });
        Self { epoch_us, links: links.collect() }
    }

    /// When what enters the link to a follower at this time departs, both on the leader's clock. What
    /// enters is to be [queued](Self::queue) in the same order.
    pub(super) fn departure_us(&self, follower: u16, now_us: u64) -> u64 {
        self.links.get(usize::from(follower)).map_or(now_us, |link| {
            let mut write = ignore_poison(link.write.lock());
            depart(&mut write, self.epoch_us, now_us)
        })
    }

    /// Lets a copy to a follower wait for its departure.
    pub(super) fn queue(&self, follower: u16, copy: OrderedCopy, departs_us: u64) {
        if let Some(link) = self.links.get(usize::from(follower)) {
            // The task ends only with this sender.
            let _ = link.copies.send(QueuedCopy { copy, departs_us });
        }
    }
}

/// When what enters a direction now leaves it, both on the leader's clock.
fn depart(direction: &mut OrderedDirection, epoch_us: u64, now_us: u64) -> u64 {
    // No clock gets so far that the signs would not fit.
    let at_us = now_us.cast_signed().saturating_sub(epoch_us.cast_signed());
    epoch_us.saturating_add_signed(direction.pass(at_us))
}

/// Sends the copies to one follower as they are due.
struct Departures {
    queue: mpsc::UnboundedReceiver<QueuedCopy>,
    sent: mpsc::UnboundedSender<SentCopy>,
    transport: Arc<dyn Transport>,
    follower: usize,
    clock: Clock,
    connection: Option<Arc<dyn Connection>>,
}

impl Departures {
    async fn run(mut self) {
        while let Some(QueuedCopy { copy, departs_us }) = self.queue.recv().await {
            let OrderedCopy { key, body, progress, mut acknowledged } = copy;
            let (connection, answer) = tokio::select! {
                biased;
                sent = self.send(&key, &body, departs_us) => sent,
                // Given up before it could leave.
                () = acknowledged.closed() => continue,
            };
            let left_us = self.clock.now_us();
            progress.left(left_us);
            // The other task ends after this one.
            let _ = self.sent.send(SentCopy { progress, acknowledged, left_us, connection, answer });
        }
    }

    /// Sends a copy when it is due, over a new connection if the last one was closed.
    async fn send(&mut self, key: &str, body: &Replicate, departs_us: u64) -> (Arc<dyn Connection>, Answer) {
        self.clock.sleep_until_us(departs_us).await;
        loop {
            let open = || Arc::clone(&self.transport).connect(self.follower);
            let connection = Arc::clone(self.connection.get_or_insert_with(open));
            match connection.send(key, body).await {
                Ok(answer) => return (connection, answer),
                Err(Closed) => self.connection = None,
            }
        }
    }
}

/// Takes the answers of one follower, in the order in which its copies left.
struct Acknowledgements {
    answers: mpsc::UnboundedReceiver<SentCopy>,
    ack: Option<OrderedDirection>,
    epoch_us: u64,
    limit: Duration,
    clock: Clock,
}

impl Acknowledgements {
    async fn run(mut self) {
        while let Some(sent) = self.answers.recv().await {
            let SentCopy { progress, acknowledged, left_us, connection, answer } = sent;
            let waited = Duration::from_micros(self.clock.now_us().saturating_sub(left_us));
            let limit = self.limit.saturating_sub(waited);
            let answer = self.clock.timeout(limit, answer).await.unwrap_or_else(|_elapsed| {
                connection.close();
                Err(Closed.into())
            });
            let back = answer.map(|answer| {
                let now_us = self.clock.now_us();
                let back_us = self.ack.as_mut().map_or(now_us, |ack| depart(ack, self.epoch_us, now_us));
                progress.answered(answer.started_us, elapsed_us(now_us, back_us));
                back_us
            });
            // The copy may have been given up meanwhile.
            let _ = acknowledged.send(back);
        }
    }
}

#[cfg(test)]
mod tests;
