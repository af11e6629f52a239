//! The relay as a program: environment in, orders for its mode.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use super::{Log, USAGE, announce, bind, env_var, parent};
use crate::config::{self, ConfigError};
use crate::relay::{self, RelayConfig};

/// Passes connections on as the environment says (`RELAY_TO`, `RELAY_DELAY_MS`,
/// `LISTEN_ADDR`, `EXIT_WITH_PARENT`) and as orders to `CONTROL_ADDR` say from then on
/// ([`relay::set_mode`]), until SIGTERM or SIGINT. Like a node it prints where it listens, after
/// where it takes orders (`control on ADDRESS:PORT`), and logs to standard error.
pub fn run() -> ExitCode {
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("labnode: {error}");
            return ExitCode::from(USAGE);
        }
    };
    settings.log.start();
    match serve(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("labnode: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Settings {
    relay: RelayConfig,
    listen: SocketAddr,
    control: SocketAddr,
    exit_with_parent: bool,
    log: Log,
}

impl Settings {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            relay: RelayConfig::from_vars(env_var)?,
            listen: config::listen_addr(env_var)?,
            control: config::control_addr(env_var)?,
            exit_with_parent: config::switch("EXIT_WITH_PARENT", env_var)?,
            log: Log::from_env()?,
        })
    }
}

fn serve(settings: Settings) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(listen(settings));
    // A thread may still be looking a host name up; that is nothing to wait for.
    runtime.shutdown_background();
    served
}

async fn listen(settings: Settings) -> io::Result<()> {
    // Signals are caught before anybody can know that the relay is there.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let control = bind(settings.control).await?;
    let listener = bind(settings.listen).await?;
    announce(&format!("control on {}", control.local_addr()?))?;
    let address = listener.local_addr()?;
    announce(&format!("listening on {address}"))?;
    info!("relay to {} listens on {address}", settings.relay.to);
    let parent = parent::gone(settings.exit_with_parent);
    let shutdown = async {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = parent => {}
        }
    };
    relay::run(listener, control, settings.relay, shutdown).await;
    Ok(())
}
