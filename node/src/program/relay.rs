//! The relay as a program: environment in, signals for its mode.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

use super::{USAGE, announce, env_var, parent};
use crate::config::{self, ConfigError};
use crate::relay::{self, Mode, RelayConfig};

/// Passes connections on as the environment says (`RELAY_TO`, `RELAY_DELAY_MS`,
/// `LISTEN_ADDR`, `EXIT_WITH_PARENT`) and as signals say from then on ([`Mode::signal`]), until
/// SIGTERM or SIGINT. Like a node it prints where it listens and logs to standard error.
pub fn run() -> ExitCode {
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("labnode: {error}");
            return ExitCode::from(USAGE);
        }
    };
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).init();
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
    exit_with_parent: bool,
}

impl Settings {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            relay: RelayConfig::from_vars(env_var)?,
            listen: config::listen_addr(env_var)?,
            exit_with_parent: config::switch("EXIT_WITH_PARENT", env_var)?,
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
    let mode = follow_signals()?;
    let address = settings.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::other(format!("cannot listen on {address}: {error}")))?;
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
    relay::run(listener, settings.relay, mode, shutdown).await;
    Ok(())
}

/// What the signals that have come say.
fn follow_signals() -> io::Result<watch::Receiver<Mode>> {
    let mut pass = signal(SignalKind::hangup())?;
    let mut slow = signal(SignalKind::user_defined1())?;
    let mut cut = signal(SignalKind::user_defined2())?;
    let (sender, receiver) = watch::channel(Mode::Pass);
    tokio::spawn(async move {
        loop {
            let mode = tokio::select! {
                biased;
                _ = pass.recv() => Mode::Pass,
                _ = slow.recv() => Mode::Slow,
                _ = cut.recv() => Mode::Cut,
            };
            info!("{mode:?}");
            sender.send_replace(mode);
        }
    });
    Ok(receiver)
}
