//! How a proxy takes orders: one line in, the same line back once it is in force.
//!
//! Connections to pass on come to the proxy's first port and orders to its second, so nothing that a client sends can
//! change the link. The answer comes after the change: a sender that waits for it knows that the change is in force,
//! and that its orders took effect in the order in which it sent them.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};

use super::order::Order;
use crate::limits;

/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The longest line that is read.
const MAX_LINE_BYTES: u64 = 64;

/// An order, and whom to tell once it is in force.
pub(super) type Request = (Order, oneshot::Sender<()>);

/// Takes orders from anyone who connects, for ever.
pub(super) async fn serve(listener: TcpListener, orders: mpsc::Sender<Request>) {
    loop {
        let (party, orders) = (accept(&listener).await, orders.clone());
        tokio::spawn(async move {
            if let Err(error) = obey(party, &orders).await {
                warn!("an order could not be answered: {error}");
            }
        });
    }
}

/// The next connection to a listener. Where one cannot be accepted, the next is tried after a pause.
pub(super) async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((party, _)) => return party,
            Err(error) => {
                limits::note("accepting a connection", &error);
                warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Reads one order, has it put into force and says so.
async fn obey(party: TcpStream, orders: &mpsc::Sender<Request>) -> io::Result<()> {
    let (from, mut to) = party.into_split();
    let mut line = String::new();
    BufReader::new(from.take(MAX_LINE_BYTES)).read_line(&mut line).await?;
    let answer = match line.trim_end().parse::<Order>() {
        Ok(order) => {
            let (in_force, told) = oneshot::channel();
            orders.send((order, in_force)).await.map_err(io::Error::other)?;
            told.await.map_err(io::Error::other)?;
            info!("{order}");
            order.to_string()
        }
        Err(reason) => reason,
    };
    to.write_all(format!("{answer}\n").as_bytes()).await
}
