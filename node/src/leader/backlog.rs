//! What each follower may lack, as far as the leader knows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::poison::ignore_poison;

/// How many passes in a row fail before a follower counts as unreachable: it is still tried
/// again, but no longer waited for.
pub const MAX_ATTEMPTS: u32 = 3;

/// The backlogs of all followers, by index.
#[derive(Debug)]
pub(super) struct Backlogs(Vec<Arc<Backlog>>);

impl Backlogs {
    pub(super) fn new(followers: usize) -> Self {
        Self((0..followers).map(|_| Arc::default()).collect())
    }

    pub(super) fn all(&self) -> &[Arc<Backlog>] {
        &self.0
    }

    /// Notes that a write may not have reached a follower.
    pub(super) fn lost(&self, follower: usize, version: u64) {
        if let Some(backlog) = self.0.get(follower) {
            backlog.change(|state| state.lacks(version));
        }
    }

    /// Notes that a follower answered, and when it said that it was started.
    pub(super) fn answered(&self, follower: usize, started_us: Option<u64>) {
        if let Some(backlog) = self.0.get(follower) {
            backlog.answered(started_us);
        }
    }

    /// Entries still to be sent to followers that are expected to answer. A follower whose
    /// entries are not counted yet has one.
    pub(super) fn pending(&self) -> u64 {
        self.0.iter().map(|backlog| backlog.state().pending()).sum()
    }

    /// Indices of the followers that lack something and do not answer.
    pub(super) fn unreachable(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().filter(|(_, backlog)| backlog.state().is_unreachable()).map(|(index, _)| index)
    }
}

/// What one follower may lack.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    state: Mutex<State>,
    due: Notify,
    passes: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// When the follower that answered last was started.
    started_us: Option<u64>,
    /// The oldest write that it may lack. `None` if it lacks nothing.
    lacks_from: Option<u64>,
    /// The write with which the current pass began.
    sending_from: Option<u64>,
    /// Entries that the current pass has still to deliver, once it has counted them.
    left: Option<u64>,
    /// Passes that failed since the follower answered last.
    failed: u32,
}

impl State {
    fn lacks(&mut self, version: u64) {
        self.lacks_from = Some(self.lacks_from.map_or(version, |from| from.min(version)));
    }

    fn answered(&mut self, started_us: Option<u64>) {
        self.failed = 0;
        let restarted = self.started_us.is_some() && started_us.is_some() && self.started_us != started_us;
        self.started_us = started_us.or(self.started_us);
        if restarted {
            self.lacks(0);
        }
    }

    /// Whether there is something to send to a follower that is expected to answer.
    fn is_due(&self) -> bool {
        !self.is_unreachable() && (self.lacks_from.is_some() || self.sending_from.is_some())
    }

    fn is_unreachable(&self) -> bool {
        self.failed >= MAX_ATTEMPTS
    }

    fn pending(&self) -> u64 {
        if !self.is_due() {
            return 0;
        }
        let sending = self.sending_from.map_or(0, |_| self.left.unwrap_or(0).max(1));
        sending + u64::from(self.lacks_from.is_some())
    }
}

impl Backlog {
    fn state(&self) -> MutexGuard<'_, State> {
        ignore_poison(self.state.lock())
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        let before = state.is_due();
        change(&mut state);
        let after = state.is_due();
        drop(state);
        if after && !before {
            self.due.notify_one();
        }
    }

    /// Notes that the follower answered, and when it said that it was started.
    pub(super) fn answered(&self, started_us: Option<u64>) {
        self.change(|state| state.answered(started_us));
    }

    /// Begins a pass if the follower lacks something: the oldest write to send.
    pub(super) fn begin(&self) -> Option<u64> {
        let mut state = self.state();
        state.sending_from = state.lacks_from.take();
        state.sending_from
    }

    /// Notes how many entries the pass will send; returns the pass's number, from 0.
    pub(super) fn counted(&self, entries: usize) -> u64 {
        self.change(|state| state.left = Some(entries as u64));
        self.passes.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes that the follower answered to an entry of the pass.
    pub(super) fn delivered(&self, started_us: Option<u64>) {
        self.change(|state| {
            state.answered(started_us);
            state.left = state.left.map(|left| left.saturating_sub(1));
        });
    }

    /// Ends the pass; what it did not deliver is missing again.
    pub(super) fn end(&self, delivered: bool) {
        let mut state = self.state();
        state.left = None;
        if let Some(from) = state.sending_from.take().filter(|_| !delivered) {
            state.lacks(from);
            state.failed = state.failed.saturating_add(1);
        }
    }

    /// Whether there is something to send and the last pass did not fail.
    pub(super) fn is_ready(&self) -> bool {
        let state = self.state();
        state.is_due() && state.failed == 0
    }

    /// Waits until something becomes due.
    pub(super) async fn due(&self) {
        self.due.notified().await;
    }
}
