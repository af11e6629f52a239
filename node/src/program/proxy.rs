//! The proxy as a program: environment in, orders while it runs.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use tracing::info;

use super::startup::{self, Shutdown, env_var};
use crate::config::{self, VariableError};
use crate::proxy::{self, ProxyConfig};

/// Passes connections on as the environment says ([`ProxyConfig`], `LISTEN_ADDR`, `EXIT_WITH_PARENT`) and as orders
/// to `CONTROL_ADDR` say from then on ([`proxy::Order`]), until SIGTERM or SIGINT. Like a node it prints where it
/// listens, after where it takes orders (`control on ADDRESS:PORT`), and logs to standard error.
pub fn run() -> ExitCode {
    startup::run(Settings::from_env(), serve)
}

struct Settings {
    proxy: ProxyConfig,
    listen: SocketAddr,
    control: SocketAddr,
}

impl Settings {
    fn from_env() -> Result<Self, VariableError> {
        Ok(Self {
            proxy: ProxyConfig::from_vars(env_var)?,
            listen: config::listen_addr(env_var)?,
            control: config::control_addr(env_var)?,
        })
    }
}

async fn serve(settings: Settings, shutdown: Shutdown) -> io::Result<()> {
    startup::raise_file_limit();
    let control = startup::bind(settings.control)?;
    let listener = startup::bind(settings.listen)?;
    startup::announce(&format!("control on {}", control.local_addr()?))?;
    let address = listener.local_addr()?;
    startup::announce(&format!("listening on {address}"))?;
    let name = settings.proxy.name.clone();
    info!("{name} listens on {address} and leads to {}", settings.proxy.to);
    proxy::run(listener, control, settings.proxy, shutdown.requested(&name)).await;
    Ok(())
}
