//! Ctrl-C and its like: asked once, labctl cleans up and ends.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::output::note;

/// A token that SIGINT, SIGTERM or SIGHUP cancels. The signals do nothing else any more:
/// a second Ctrl-C does not cut the clean-up short.
pub(super) fn cancel_on_signal() -> anyhow::Result<CancellationToken> {
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
                note!("still stopping the nodes");
            } else {
                note!("interrupted; stopping the nodes");
                token.cancel();
            }
        }
    });
    Ok(cancel)
}
