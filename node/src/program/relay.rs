//! The relay as a program: environment in, orders for its mode.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use tracing::info;

use super::startup::{self, Shutdown, env_var};
use crate::config::{self, VariableError};
use crate::relay::{self, RelayConfig};

/// Passes connections on as the environment says (`RELAY_TO`, `RELAY_DELAY_MS`,
/// `LISTEN_ADDR`, `EXIT_WITH_PARENT`) and as orders to `CONTROL_ADDR` say from then on
/// ([`relay::Mode::order`]), until SIGTERM or SIGINT. Like a node it prints where it listens, after
/// where it takes orders (`control on ADDRESS:PORT`), and logs to standard error.
pub fn run() -> ExitCode {
    startup::run(Settings::from_env(), serve)
}

struct Settings {
    relay: RelayConfig,
    listen: SocketAddr,
    control: SocketAddr,
}

impl Settings {
    fn from_env() -> Result<Self, VariableError> {
        Ok(Self {
            relay: RelayConfig::from_vars(env_var)?,
            listen: config::listen_addr(env_var)?,
            control: config::control_addr(env_var)?,
        })
    }
}

async fn serve(settings: Settings, shutdown: Shutdown) -> io::Result<()> {
    let control = startup::bind(settings.control).await?;
    let listener = startup::bind(settings.listen).await?;
    startup::announce(&format!("control on {}", control.local_addr()?))?;
    let address = listener.local_addr()?;
    startup::announce(&format!("listening on {address}"))?;
    info!("relay to {} listens on {address}", settings.relay.to);
    relay::run(listener, control, settings.relay, shutdown.requested("relay")).await;
    Ok(())
}
