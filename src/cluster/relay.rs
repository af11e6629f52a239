//! Orders to the relays that links lead through.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::model::RelayMode;

/// How long a relay may take for each step of an order.
const ORDER_LIMIT: Duration = Duration::from_secs(5);

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
