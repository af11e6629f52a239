//! What a node and a proxy do alike when they start and stop.

use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use super::parent;
use crate::config::{self, VariableError};

/// Exit status for bad usage or a variable that is not accepted.
pub(super) const USAGE: u8 = 2;

/// Runs `serve` with `settings`, or says what is wrong with the environment.
pub(super) fn run<S, F: Future<Output = io::Result<()>>>(
    settings: Result<S, VariableError>,
    serve: impl FnOnce(S, Shutdown) -> F,
) -> ExitCode {
    let from_env =
        || Ok::<_, VariableError>((settings?, config::switch("EXIT_WITH_PARENT", env_var)?, Log::from_env()?));
    let (settings, exit_with_parent, log) = match from_env() {
        Ok(found) => found,
        Err(error) => return failed(&error, ExitCode::from(USAGE)),
    };
    log.start();
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = runtime.block_on(async { serve(settings, Shutdown::catch(exit_with_parent)?).await });
        // A thread may still be looking a host name up; that is nothing to wait for.
        runtime.shutdown_background();
        served
    };
    run().map_or_else(|error: io::Error| failed(&error, ExitCode::FAILURE), |()| ExitCode::SUCCESS)
}

/// Says on standard error why the program fails.
pub(super) fn failed(error: &dyn std::error::Error, status: ExitCode) -> ExitCode {
    eprintln!("labnode: {error}");
    status
}

/// What ends the program. Signals are caught before it says that it listens.
pub(super) struct Shutdown {
    terminate: Signal,
    interrupt: Signal,
    exit_with_parent: bool,
}

impl Shutdown {
    fn catch(exit_with_parent: bool) -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())?, exit_with_parent })
    }

    /// Waits until the program, called `name` in its log, should end.
    pub(super) async fn requested(mut self, name: &str) {
        let reason = tokio::select! {
            biased;
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            () = parent::gone(self.exit_with_parent) => "end of standard input",
        };
        info!("{name} stops: {reason}");
    }
}

/// What is logged, as `RUST_LOG` says.
struct Log(EnvFilter);

impl Log {
    fn from_env() -> Result<Self, VariableError> {
        let wanted = env_var("RUST_LOG").filter(|text| !text.trim().is_empty());
        let wanted = wanted.unwrap_or_else(|| "info".to_owned());
        EnvFilter::try_new(&wanted).map(Self).map_err(|_| VariableError::Invalid {
            name: "RUST_LOG",
            value: wanted,
            expected: "a level (error, warn, info, debug, trace) or target=level,...",
        })
    }

    fn start(&self) {
        let started = tracing_subscriber::fmt()
            .with_env_filter(self.0.clone())
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            // On a full disk the subscriber would tell stderr of the line that stderr did not
            // take, and so panic amid a request.
            .log_internal_errors(false)
            .try_init();
        if started.is_err() {
            // Only in a program that embeds this one and logs by itself.
            eprintln!("labnode: a log has been set up already");
        }
    }
}

/// A variable of the environment. Bytes that are not UTF-8 become U+FFFD, which only a name
/// accepts.
pub(super) fn env_var(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The most files, and so connections, that a node or proxy has open: enough for normal use, and a bound
/// on the memory (some 20 kB each) that half-open connections can hold.
const MAX_OPEN_FILES: u64 = 32_768;

/// Allows [`MAX_OPEN_FILES`], or as many as the system lets this process have: with the usual
/// 1024, a few idle clients would keep all others out.
pub(super) fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(limit.maximum.unwrap_or(MAX_OPEN_FILES).min(MAX_OPEN_FILES));
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!("cannot raise the limit of open files: {error}");
    }
}

/// How many connections may wait until they are accepted; the system's own limit may be lower. To a client whose connection finds
/// no place the kernel answers only when it asks again, a second later. tokio's own listeners have 128.
const BACKLOG: u32 = 4_096;

/// Listens on an address. To be called within a runtime.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    listen(address).map_err(|error| io::Error::other(format!("cannot listen on {address}: {error}")))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A node that is started again takes its port though connections of its last life linger.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Prints a line to standard output.
pub(super) fn announce(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
