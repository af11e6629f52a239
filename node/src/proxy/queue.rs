//! What is on its way in one direction of one connection.

use std::collections::VecDeque;

/// How many bytes may be on their way before reading pauses. It bounds memory, and what a delayed link carries: two
/// mebibytes for each delay that a message takes.
const MAX_QUEUED_BYTES: usize = 2 * 1_024 * 1_024;

/// What a message costs beside its bytes. Counting it bounds memory for messages of a byte as well.
const MESSAGE_BYTES: usize = 64;

/// What travels over a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// Bytes that came in one piece, and leave in one.
    Chunk(Vec<u8>),
    /// The sender will send no more.
    End,
    /// The sender has reset the connection.
    Reset,
}

/// Messages in the order in which they were sent, each with the time at which it may leave.
#[derive(Debug, Default)]
pub(super) struct DelayQueue {
    messages: VecDeque<(u64, Message)>,
    bytes: usize,
}

impl DelayQueue {
    /// Takes a message that may leave at `due_us`, once what is ahead of it has left.
    pub(super) fn push(&mut self, message: Message, due_us: u64) {
        self.bytes += size(&message);
        self.messages.push_back((due_us, message));
    }

    /// Whether more may be read.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < MAX_QUEUED_BYTES
    }

    /// The first message and when it may leave.
    pub(super) fn first(&self) -> Option<(u64, &Message)> {
        self.messages.front().map(|(due_us, message)| (*due_us, message))
    }

    /// Removes the first message.
    pub(super) fn pop(&mut self) {
        if let Some((_, message)) = self.messages.pop_front() {
            self.bytes -= size(&message);
        }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn size(message: &Message) -> usize {
    MESSAGE_BYTES + if let Message::Chunk(bytes) = message { bytes.len() } else { 0 }
}
