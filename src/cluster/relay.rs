//! The program of a proxy: how it is told what to do, and how it is ordered about.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::config::RelayedLink;
use crate::model::RelayMode;

/// How long a relay may take for each step of an order.
const ORDER_LIMIT: Duration = Duration::from_secs(5);
/// How long it may take until it listens.
pub(super) const START_LIMIT: Duration = Duration::from_secs(10);
/// The argument with which labctl, and the lab's node, is a relay.
pub(super) const COMMAND: &str = "relay";
/// What a relay prints before its address once it listens.
pub(super) const LISTENING: &str = "listening on ";
/// What a relay prints before the address where it takes orders.
pub(super) const CONTROL: &str = "control on ";

/// The environment of the relay of a link that passes on to `to`, listens on `listen` and takes
/// orders on `control`.
pub(super) fn environment(link: &RelayedLink, to: &str, listen: &str, control: &str) -> BTreeMap<String, String> {
    let delay_ms = link.delay_ms.to_string();
    let name = link.name();
    let variables = [
        ("NODE_NAME", &*name),
        ("RELAY_TO", to),
        ("RELAY_DELAY_MS", &delay_ms),
        ("LISTEN_ADDR", listen),
        ("CONTROL_ADDR", control),
    ];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What ends a relay that is a local process once labctl is gone.
pub(super) const ENDS_WITH_LABCTL: (&str, &str) = ("EXIT_WITH_PARENT", "1");

/// Puts the relay that takes orders at this address into a mode; blocks until it is in force.
///
/// # Errors
/// When the relay cannot be reached, or does not confirm in time.
pub(super) fn order(control: SocketAddr, mode: RelayMode) -> io::Result<()> {
    let stream = TcpStream::connect_timeout(&control, ORDER_LIMIT)?;
    stream.set_read_timeout(Some(ORDER_LIMIT))?;
    stream.set_write_timeout(Some(ORDER_LIMIT))?;
    mode.order(stream)
}
