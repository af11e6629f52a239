//! SIGINT, SIGTERM and SIGHUP: labctl cleans up and ends.

use std::sync::Arc;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::output::note;

/// What labctl finishes before it ends: the message after Ctrl-C says it. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<watch::Sender<&'static str>>);

impl Activity {
    /// `doing` completes the sentences "interrupted; ..." and "still ...".
    pub(super) fn new(doing: &'static str) -> Self {
        Self(Arc::new(watch::Sender::new(doing)))
    }

    /// Changes it.
    pub(super) fn set(&self, doing: &'static str) {
        self.0.send_replace(doing);
    }

    fn get(&self) -> &'static str {
        *self.0.borrow()
    }
}

/// A token that SIGINT, SIGTERM or SIGHUP cancels. From now on they do nothing else, so a second
/// Ctrl-C does not cut the clean-up short.
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
