//! The node with a bug: its leader cancels replication once the quorum is reached.

mod transport;

use std::process::ExitCode;
use std::sync::Arc;

use labnode::config::NodeConfig;
use labnode::program;
use labnode::transport::{HttpTransport, Transport};

fn connect(config: &NodeConfig) -> Arc<dyn Transport> {
    let http = Arc::new(HttpTransport::new(config.followers.clone()));
    Arc::new(transport::CancellingTransport::new(http, config.write_quorum))
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        // A container's health check is that of the true node.
        Some("health") => program::main(["health".to_owned()]),
        _ => program::run_over(connect),
    }
}
