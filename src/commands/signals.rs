//! Ctrl-C and its like: asked once, labctl cleans up and ends.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::output::note;

/// What labctl finishes before it ends, told to whoever presses Ctrl-C: it changes as a run
/// goes on. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<&'static str>>);

impl Activity {
    /// `doing` is in the words that follow "interrupted;" and "still".
    pub(super) fn new(doing: &'static str) -> Self {
        Self(Arc::new(Mutex::new(doing)))
    }

    /// What an interruption finishes from now on.
    pub(super) fn set(&self, doing: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = doing;
    }

    fn get(&self) -> &'static str {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token that SIGINT, SIGTERM or SIGHUP cancels. The signals do nothing else any more:
/// a second Ctrl-C does not cut the clean-up short.
pub(super) fn cancel_on_signal(activity: Activity) -> anyhow::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                biased;
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            if token.is_cancelled() {
                note!("still {}", activity.get());
            } else {
                note!("interrupted; {}", activity.get());
                token.cancel();
            }
        }
    });
    Ok(cancel)
}
