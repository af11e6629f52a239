//! What can happen to a node in virtual time, and to what is sent to it.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::model::ignore_poison;
use labnode::clock::Clock;
use tokio::sync::Notify;

/// The state of a node and of the link to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct NodeState {
    /// The node does not run: connections are refused.
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

/// The link to one node. Clones share it.
///
/// Waiting tasks go on in the order in which they came: tokio's `watch` would wake them in a
/// random one, and no run would be like another.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeLink(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<NodeState>,
    changed: Notify,
}

impl NodeLink {
    /// Its state now.
    #[must_use]
    pub(super) fn state(&self) -> NodeState {
        *ignore_poison(self.0.state.lock())
    }

    /// Breaks or mends it.
    pub(super) fn change(&self, change: impl FnOnce(&mut NodeState)) {
        let mut state = ignore_poison(self.0.state.lock());
        change(&mut state);
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// Waits until what is sent now gets to the node, which may be frozen.
    ///
    /// # Errors
    /// [`Refused`] once the node is down.
    pub(super) async fn pass(&self, clock: &Clock) -> Result<(), Refused> {
        self.healed().await?;
        clock.sleep(self.state().slow).await;
        // What was in flight when the link was cut stays there until it heals.
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

    async fn unless_down(&self, fit: impl Fn(NodeState) -> bool) -> Result<(), Refused> {
        let now = self.until(|now| now.down || fit(now)).await;
        if now.down { Err(Refused) } else { Ok(()) }
    }

    async fn until(&self, fit: impl Fn(NodeState) -> bool) -> NodeState {
        loop {
            let mut changed = pin!(self.0.changed.notified());
            // Before it is looked at, so that no change goes unseen.
            changed.as_mut().enable();
            let now = self.state();
            if fit(now) {
                return now;
            }
            changed.await;
        }
    }
}
