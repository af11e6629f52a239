//! The node as a program: environment in, exit status out.

mod health;
mod parent;
mod relay;

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use crate::api;
use crate::clock::Clock;
use crate::config::{self, ConfigError, NodeConfig};
use crate::node::Node;
use crate::server;
use crate::transport::{HttpTransport, Transport};
pub use relay::run as run_relay;

/// Exit status for bad usage or a variable that is not accepted.
const USAGE: u8 = 2;

const HELP: &str = "usage: labnode          serve as the environment says (ROLE, FOLLOWERS, ...)
       labnode health   exit with 0 if the node on the port of LISTEN_ADDR is healthy
       labnode relay    pass connections on to RELAY_TO; `pass`, `slow` or `cut` sent to CONTROL_ADDR changes how";

/// Runs the program with these arguments, the program's own name not among them.
pub fn main(args: impl IntoIterator<Item = String>) -> ExitCode {
    let args: Vec<String> = args.into_iter().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => run(),
        ["health"] => health::run(),
        ["relay"] => relay::run(),
        ["-h" | "--help"] => print(HELP),
        ["-V" | "--version"] => print(concat!("labnode ", env!("CARGO_PKG_VERSION"))),
        _ => {
            eprintln!("labnode: unexpected arguments: {}\n{HELP}", args.join(" "));
            ExitCode::from(USAGE)
        }
    }
}

/// Serves as the environment says, until SIGTERM or SIGINT, or, with `EXIT_WITH_PARENT=1`,
/// until the end of standard input.
///
/// Once it listens it prints one line to standard output, `listening on ADDRESS:PORT`, and
/// nothing else ever; its log goes to standard error (filtered by `RUST_LOG`, `info` by default).
pub fn run() -> ExitCode {
    run_over(|config| Arc::new(HttpTransport::new(config.followers.clone())))
}

/// As [`run`], with a leader that reaches its followers as `connect` says: for a program that
/// wants to see what another one makes of a leader that does not do as it should.
pub fn run_over(connect: impl FnOnce(&NodeConfig) -> Arc<dyn Transport>) -> ExitCode {
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("labnode: {error}");
            return ExitCode::from(USAGE);
        }
    };
    settings.log.start();
    if let Some(warning) = settings.node.warning() {
        warn!("{warning}");
    }
    raise_file_limit();
    match serve(settings, connect) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("labnode: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the environment says to the program, beyond the node itself.
struct Settings {
    node: NodeConfig,
    exit_with_parent: bool,
    log: Log,
}

impl Settings {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            node: NodeConfig::from_vars(env_var)?,
            exit_with_parent: config::switch("EXIT_WITH_PARENT", env_var)?,
            log: Log::from_env()?,
        })
    }
}

/// What is logged, as `RUST_LOG` says.
struct Log(EnvFilter);

impl Log {
    fn from_env() -> Result<Self, ConfigError> {
        let wanted = env_var("RUST_LOG").filter(|text| !text.trim().is_empty());
        let wanted = wanted.unwrap_or_else(|| "info".to_owned());
        EnvFilter::try_new(&wanted).map(Self).map_err(|_| ConfigError::Invalid {
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

/// A variable of the environment; what is not UTF-8 in it becomes U+FFFD, which no variable
/// accepts but a name.
fn env_var(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// How many files, and so connections, a node has open at most: enough for any honest use,
/// and a bound on the memory (some 20 kB each) that half-open connections can hold.
const MOST_FILES: u64 = 32_768;

/// Allows [`MOST_FILES`], or as many as the system lets this process have: with the usual
/// 1024, a few idle clients would lock all others out.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(limit.maximum.unwrap_or(MOST_FILES).min(MOST_FILES));
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!("cannot raise the limit of open files: {error}");
    }
}

fn serve(settings: Settings, connect: impl FnOnce(&NodeConfig) -> Arc<dyn Transport>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(listen(settings, connect));
    // A thread may still be looking a host name up; that is nothing to wait for.
    runtime.shutdown_background();
    served
}

async fn listen(settings: Settings, connect: impl FnOnce(&NodeConfig) -> Arc<dyn Transport>) -> io::Result<()> {
    // Signals are caught before anybody can know that the node is there.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = bind(settings.node.listen).await?;
    let address = listener.local_addr()?;
    let name = settings.node.name.clone();
    let transport = connect(&settings.node);
    let node = Node::new(settings.node, Clock::monotonic(), |_| transport);
    announce(&format!("listening on {address}"))?;
    info!("{name} listens on {address}");
    let parent = parent::gone(settings.exit_with_parent);
    let shutdown = async {
        let reason = tokio::select! {
            biased;
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            () = parent => "end of standard input",
        };
        info!("{name} stops: {reason}");
    };
    server::run(listener, api::router(Arc::new(node)), shutdown).await;
    Ok(())
}

async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| io::Error::other(format!("cannot listen on {address}: {error}")))
}

fn announce(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

fn print(text: &str) -> ExitCode {
    match announce(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
