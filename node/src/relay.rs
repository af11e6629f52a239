//! A relay: a network link that can be cut or slowed while it is used.
//!
//! It passes TCP connections on. It stands between a leader and a follower, or between clients
//! and a leader, only if an experiment disturbs that link. Orders come to a second port, so
//! nothing that a client sends can change the link.

mod config;
mod connection;
mod control;
mod mode;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;

pub use config::RelayConfig;
pub use mode::Mode;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::warn;

use crate::limits;

/// Passes connections on, in the mode that the last order to `control` named ([`Mode::order`]), at
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
                    tokio::time::sleep(control::ACCEPT_PAUSE).await;
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
