//! What can happen to a node in virtual time, and to what is sent to it.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use labnode::clock::Clock;
use tokio::sync::Notify;

/// How a node and the way to it are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LinkState {
    /// The node does not run: whoever connects is refused.
    pub(super) down: bool,
    /// The node runs, and does nothing.
    pub(super) frozen: bool,
    /// Nothing gets through to the node.
    pub(super) cut: bool,
    /// How much longer what is sent to it takes.
    pub(super) slow: Duration,
}

/// What was sent to a node that is down, or went down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("connection refused")]
pub(super) struct Refused;

/// The way to one node. Clones are the same way.
///
/// Those who wait go on in the order in which they came: tokio's `watch` would wake them in a
/// random one, and no run would be like another.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeLink(Arc<State>);

#[derive(Debug, Default)]
struct State {
    condition: Mutex<LinkState>,
    changed: Notify,
}

impl NodeLink {
    /// How it is now.
    #[must_use]
    pub(super) fn condition(&self) -> LinkState {
        *self.0.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Breaks or mends it.
    pub(super) fn change(&self, change: impl FnOnce(&mut LinkState)) {
        change(&mut self.0.condition.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.changed.notify_waiters();
    }

    /// Waits until what is sent now gets to the node, which may be frozen.
    ///
    /// # Errors
    /// [`Refused`] once the node is down.
    pub(super) async fn pass(&self, clock: &Clock) -> Result<(), Refused> {
        self.healed().await?;
        clock.sleep(self.condition().slow).await;
        // What was on its way when the way was cut stays there until it heals.
        self.healed().await
    }

    /// Waits until something gets through.
    ///
    /// # Errors
    /// [`Refused`] once the node is down.
    pub(super) async fn healed(&self) -> Result<(), Refused> {
        self.unless_down(|now| !now.cut).await
    }

    /// Waits until the node does something.
    ///
    /// # Errors
    /// [`Refused`] once it is down.
    pub(super) async fn thawed(&self) -> Result<(), Refused> {
        self.unless_down(|now| !now.frozen).await
    }

    /// Waits until the node is down.
    pub(super) async fn broken(&self) {
        self.until(|now| now.down).await;
    }

    async fn unless_down(&self, fit: impl Fn(LinkState) -> bool) -> Result<(), Refused> {
        let now = self.until(|now| now.down || fit(now)).await;
        if now.down { Err(Refused) } else { Ok(()) }
    }

    async fn until(&self, fit: impl Fn(LinkState) -> bool) -> LinkState {
        loop {
            let mut changed = pin!(self.0.changed.notified());
            // Before it is looked at, so that no change goes unseen.
            changed.as_mut().enable();
            let now = self.condition();
            if fit(now) {
                return now;
            }
            changed.await;
        }
    }
}
