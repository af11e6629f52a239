//! The program of a proxy: how it is started, and what it prints.

use std::time::Duration;

/// The argument with which labctl, and the lab's node, is a proxy.
pub const COMMAND: &str = "proxy";
/// What it prints before its address once it listens.
pub const LISTENING: &str = "listening on ";
/// What it prints before the address where it takes orders.
pub const CONTROL: &str = "control on ";
/// How long it may take until it listens.
pub const START_LIMIT: Duration = Duration::from_secs(10);
/// What has a proxy that is a local process end once labctl is gone.
pub const ENDS_WITH_LABCTL: (&str, &str) = ("EXIT_WITH_PARENT", "1");
