//! The node as a program: environment in, exit status out.

mod health;
mod parent;
mod proxy;
mod startup;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use tracing::{info, warn};

use crate::api;
use crate::clock::Clock;
use crate::config::NodeConfig;
use crate::node::Node;
use crate::server;
use crate::transport::{HttpTransport, Transport};
pub use proxy::run as run_proxy;
use startup::Shutdown;

const HELP: &str = "usage: labnode          serve as the environment says (ROLE, FOLLOWERS, ...)
       labnode health   exit with 0 if the node on the port of LISTEN_ADDR is healthy
       labnode proxy    pass connections on to PROXY_TO with delays; `pass`, `slow 20`, `cut`, `epoch` or `drop` sent
                        to CONTROL_ADDR changes how";

/// Runs the program with these arguments, the program's own name not among them.
pub fn main(args: impl IntoIterator<Item = String>) -> ExitCode {
    let args: Vec<String> = args.into_iter().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => run(),
        ["health"] => health::run(),
        ["proxy"] => proxy::run(),
        ["-h" | "--help"] => print(HELP),
        ["-V" | "--version"] => print(concat!("labnode ", env!("CARGO_PKG_VERSION"))),
        _ => {
            eprintln!("labnode: unexpected arguments: {}\n{HELP}", args.join(" "));
            ExitCode::from(startup::USAGE)
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

/// As [`run`], with a leader that reaches its followers through the transport that `connect`
/// makes: for tests with a leader that breaks the rules.
pub fn run_over(connect: impl FnOnce(&NodeConfig) -> Arc<dyn Transport>) -> ExitCode {
    startup::run(NodeConfig::from_vars(startup::env_var), |config, shutdown| {
        if let Some(warning) = config.warning() {
            warn!("{warning}");
        }
        startup::raise_file_limit();
        serve(config, connect, shutdown)
    })
}

async fn serve(
    config: NodeConfig,
    connect: impl FnOnce(&NodeConfig) -> Arc<dyn Transport>,
    shutdown: Shutdown,
) -> io::Result<()> {
    let listener = startup::bind(config.listen)?;
    let address = listener.local_addr()?;
    let name = config.name.clone();
    let transport = connect(&config);
    let node = Node::new(config, Clock::monotonic(), |_| transport);
    startup::announce(&format!("listening on {address}"))?;
    info!("{name} listens on {address}");
    server::run(listener, api::router(Arc::new(node)), shutdown.requested(&name)).await;
    Ok(())
}

fn print(text: &str) -> ExitCode {
    match startup::announce(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
