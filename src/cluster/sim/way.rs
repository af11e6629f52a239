//! What can happen to a node in virtual time, and to what is sent to it.

use std::time::Duration;

use labnode::clock::Clock;
use tokio::sync::watch;

/// How a node and the way to it are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Condition {
    /// The node does not run: whoever connects is refused.
    pub down: bool,
    /// The node runs, and does nothing.
    pub frozen: bool,
    /// Nothing gets through to the node.
    pub cut: bool,
    /// How much longer what is sent to it takes.
    pub slow: Duration,
}

/// What was sent to a node that is down, or went down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("connection refused")]
pub struct Refused;

/// The way to one node, for those who send. Clones are the same way.
#[derive(Debug, Clone)]
pub struct Way(watch::Receiver<Condition>);

/// The same, for those who break and mend it.
#[derive(Debug)]
pub(super) struct Owner(watch::Sender<Condition>);

impl Owner {
    /// A node that runs and can be reached.
    pub(super) fn open() -> Self {
        Self(watch::Sender::default())
    }

    pub(super) fn way(&self) -> Way {
        Way(self.0.subscribe())
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Condition)) {
        self.0.send_modify(change);
    }
}

impl Way {
    /// Waits until what is sent now gets to the node, which may be frozen.
    ///
    /// # Errors
    /// [`Refused`] once the node is down.
    pub async fn pass(&self, clock: &Clock) -> Result<(), Refused> {
        let slow = self.until(|now| !now.cut).await?.slow;
        clock.sleep(slow).await;
        // What was on its way when the way was cut stays there until it heals.
        self.healed().await
    }

    /// Waits until something gets through.
    ///
    /// # Errors
    /// [`Refused`] once the node is down.
    pub async fn healed(&self) -> Result<(), Refused> {
        self.until(|now| !now.cut).await.map(drop)
    }

    /// Waits until the node does something.
    ///
    /// # Errors
    /// [`Refused`] once it is down.
    pub async fn thawed(&self) -> Result<(), Refused> {
        self.until(|now| !now.frozen).await.map(drop)
    }

    /// Waits until the node is down.
    pub async fn broken(&self) {
        // An error says that nobody is left to break it.
        if self.0.clone().wait_for(|now| now.down).await.is_err() {
            std::future::pending().await
        }
    }

    async fn until(&self, fit: impl Fn(&Condition) -> bool) -> Result<Condition, Refused> {
        let mut way = self.0.clone();
        let now = *way.wait_for(|now| now.down || fit(now)).await.map_err(|_| Refused)?;
        if now.down { Err(Refused) } else { Ok(now) }
    }
}
