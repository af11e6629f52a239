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
    /// How often the node went down. What was on its way to it then is dropped, also if it is up again before that would
    /// have arrived.
    pub(super) deaths: u32,
    /// The node runs, and does nothing.
    pub(super) frozen: bool,
    /// Nothing that clients ask gets through to the node.
    pub(super) hidden: bool,
    /// What the link to the node does.
    pub(super) mode: LinkMode,
}

/// What a link does with what is sent over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum LinkMode {
    #[default]
    Pass,
    /// What is sent to the node takes so many milliseconds longer.
    Slow { added_ms: u32 },
    /// Nothing gets through, in neither direction.
    Cut,
    /// What the node answers does not get through.
    Mute,
}

impl LinkMode {
    /// How much longer what is sent to the node takes.
    fn added(self) -> Duration {
        match self {
            Self::Slow { added_ms } => Duration::from_millis(added_ms.into()),
            Self::Pass | Self::Cut | Self::Mute => Duration::ZERO,
        }
    }
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

impl NodeState {
    /// Ends the node.
    pub(super) fn die(&mut self) {
        self.down = true;
        self.deaths = self.deaths.saturating_add(1);
    }
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
    /// [`Refused`] if the node is down, or goes down meanwhile.
    pub(super) async fn pass(&self, clock: &Clock) -> Result<(), Refused> {
        let NodeState { down, deaths, .. } = self.state();
        if down {
            return Err(Refused);
        }
        let passed = async {
            self.healed().await?;
            clock.sleep(self.state().mode.added()).await;
            // What was in flight when the link was cut stays there until it heals.
            self.healed().await
        };
        tokio::select! {
            biased;
            _ = self.until(|now| now.deaths != deaths) => Err(Refused),
            passed = passed => passed,
        }
    }

    /// Waits until something gets through.
    ///
    /// # Errors
    /// [`Refused`] once the node is down.
    pub(super) async fn healed(&self) -> Result<(), Refused> {
        self.unless_down(|now| now.mode != LinkMode::Cut).await
    }

    /// Waits until what the node answers gets back.
    ///
    /// # Errors
    /// [`Refused`] if the node is down, or goes down meanwhile.
    pub(super) async fn answers_pass(&self) -> Result<(), Refused> {
        let NodeState { down, deaths, .. } = self.state();
        let now =
            self.until(|now| down || now.deaths != deaths || !matches!(now.mode, LinkMode::Cut | LinkMode::Mute)).await;
        if down || now.deaths != deaths { Err(Refused) } else { Ok(()) }
    }

    /// Waits until the node does something.
    ///
    /// # Errors
    /// [`Refused`] once it is down.
    pub(super) async fn thawed(&self) -> Result<(), Refused> {
        self.unless_down(|now| !now.frozen).await
    }

    /// Waits until what a client asks gets to the node, and it does something.
    ///
    /// # Errors
    /// [`Refused`] once it is down.
    pub(super) async fn answers_clients(&self) -> Result<(), Refused> {
        self.unless_down(|now| !now.hidden && !now.frozen).await
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
