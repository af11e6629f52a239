//! How a relay is told what to do: one line in, the same line back once it is in force.
//!
//! Clients use the relay's first port and orders come to its second, so nothing that a client
//! sends can change the link. The answer comes after the change: a sender that waits for it knows
//! that the change is in force, and that its orders took effect in the order it sent them.

use std::io::{self, BufRead, BufReader as BlockingReader, Read, Write};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tracing::{info, warn};

use super::mode::Mode;

/// The pause after a connection could not be accepted.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The longest line that is read.
const MAX_LINE_BYTES: u64 = 64;

/// Takes orders from anyone who connects, for ever.
pub(super) async fn serve(listener: TcpListener, mode: watch::Sender<Mode>) {
    loop {
        match listener.accept().await {
            Ok((party, _)) => {
                let mode = mode.clone();
                tokio::spawn(async move {
                    if let Err(error) = obey(party, &mode).await {
                        warn!("an order could not be answered: {error}");
                    }
                });
            }
            Err(error) => {
                warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Reads one order, puts it into force and says so.
async fn obey(party: TcpStream, mode: &watch::Sender<Mode>) -> io::Result<()> {
    let (from, mut to) = party.into_split();
    let mut line = String::new();
    BufReader::new(from.take(MAX_LINE_BYTES)).read_line(&mut line).await?;
    let answer = match line.trim_end().parse::<Mode>() {
        Ok(wanted) => {
            // Every connection looks at the mode before it passes anything on.
            mode.send_replace(wanted);
            info!("{}", wanted.word());
            wanted.word().to_owned()
        }
        Err(reason) => reason,
    };
    to.write_all(format!("{answer}\n").as_bytes()).await
}

impl Mode {
    /// Orders a relay into this mode over a connection to the port where it takes orders, and
    /// waits until the mode is in force.
    ///
    /// # Errors
    /// When the connection fails, or the relay answers something else.
    pub fn order(self, mut connection: impl Read + Write) -> io::Result<()> {
        connection.write_all(format!("{}\n", self.word()).as_bytes())?;
        let mut answer = String::new();
        BlockingReader::new(connection).read_line(&mut answer)?;
        match answer.trim_end() {
            answer if answer == self.word() => Ok(()),
            "" => Err(io::Error::other("the relay closed the connection without an answer")),
            answer => Err(io::Error::other(format!("the relay answered {answer:?}"))),
        }
    }
}
