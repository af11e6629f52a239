//! A relay: a way between two parties that can be cut or slowed while they use it.
//!
//! It passes TCP connections on, and stands between a leader and a follower, or between
//! clients and a leader, only where an experiment does something to that way. Orders that come to a
//! port of their own tell it what to do: nothing that a client sends can.

mod connection;
mod control;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use control::set_mode;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::warn;

use crate::config::{ConfigError, LONGEST};
use crate::limits;

/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a relay does with what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Passes everything on at once.
    Pass,
    /// Holds back for some time what goes towards the node.
    Slow,
    /// Passes nothing on: silence. Once the way is open again all goes on, as TCP makes good
    /// what a network drops, but for what its sender has given up by then: that is lost.
    Cut,
}

/// Where a relay leads, and how slow it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayConfig {
    /// `RELAY_TO`: `HOST:PORT` of the node behind it.
    pub to: String,
    /// `RELAY_DELAY_MS`: what [`Mode::Slow`] adds; at most [`LONGEST`].
    pub delay: Duration,
}

impl RelayConfig {
    /// Reads and checks the variables; one that is empty or blank counts as not set.
    ///
    /// # Errors
    /// The first one that is missing or not accepted.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let text = |name| var(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let (name, expected) = ("RELAY_TO", "HOST:PORT of the node behind the relay");
        let to = text(name).ok_or(ConfigError::Missing { name, expected })?;
        if !to.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
            return Err(ConfigError::Invalid { name, value: to, expected });
        }
        let delay = match text("RELAY_DELAY_MS") {
            None => Duration::ZERO,
            Some(value) => match value.parse().map(Duration::from_millis) {
                Ok(delay) if delay <= LONGEST => delay,
                _ => {
                    let expected = "a whole number of milliseconds from 0 to 3600000";
                    return Err(ConfigError::Invalid { name: "RELAY_DELAY_MS", value, expected });
                }
            },
        };
        Ok(Self { to, delay })
    }
}

/// Passes connections on, in the mode that the last order to `control` named ([`set_mode`]), at
/// first [`Mode::Pass`], and returns at once when `shutdown` is ready.
pub async fn run(listener: TcpListener, control: TcpListener, config: RelayConfig, shutdown: impl Future<Output = ()>) {
    let config = Arc::new(config);
    let (sender, mode) = watch::channel(Mode::Pass);
    let accept = async {
        loop {
            match listener.accept().await {
                Ok((party, _)) => {
                    tokio::spawn(connection::carry(party, Arc::clone(&config), mode.clone()));
                }
                Err(error) => {
                    limits::note("accepting a connection", &error);
                    warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = shutdown => {}
        () = accept => {}
        () = control::serve(control, sender) => {}
    }
}

#[cfg(test)]
mod tests;
