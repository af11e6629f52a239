//! What a proxy can be told to do with its link.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::str::FromStr;

use crate::bounds::MAX_DURATION;

/// An order to a proxy. Of `Pass`, `Slow`, `Cut` and `Mute` the last one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Pass everything on after the delays of the link.
    Pass,
    /// Add to the delay of each write from now on.
    Slow {
        /// Milliseconds to add, at most an hour.
        added_ms: u32,
    },
    /// Pass nothing on in either direction. Once the link is open again everything is passed on, as TCP resends what
    /// a network drops.
    Cut,
    /// Pass writes on, and nothing in the other direction until the link is open again.
    Mute,
    /// Count the slots of the link's delays from now on.
    Epoch,
    /// Drop what is queued in both directions and reset all connections: what a process that was killed had sent.
    Drop,
}

const EXPECTED: &str = "expected pass, slow MILLISECONDS, cut, mute, epoch or drop";

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass"),
            Self::Slow { added_ms } => write!(f, "slow {added_ms}"),
            Self::Cut => f.write_str("cut"),
            Self::Mute => f.write_str("mute"),
            Self::Epoch => f.write_str("epoch"),
            Self::Drop => f.write_str("drop"),
        }
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let added_ms = || {
            let added_ms = text.strip_prefix("slow ")?.parse().ok()?;
            (u128::from(added_ms) <= MAX_DURATION.as_millis()).then_some(added_ms)
        };
        match text {
            "pass" => Ok(Self::Pass),
            "cut" => Ok(Self::Cut),
            "mute" => Ok(Self::Mute),
            "epoch" => Ok(Self::Epoch),
            "drop" => Ok(Self::Drop),
            _ => match added_ms() {
                Some(added_ms) => Ok(Self::Slow { added_ms }),
                None => Err(format!("{text:?} is not an order: {EXPECTED}")),
            },
        }
    }
}

impl Order {
    /// Sends this order over a connection to a proxy's port for orders, and waits until it is in force.
    ///
    /// # Errors
    /// When the connection fails, or the proxy answers something else.
    pub fn send(self, mut connection: impl Read + Write) -> io::Result<()> {
        connection.write_all(format!("{self}\n").as_bytes())?;
        let mut answer = String::new();
        BufReader::new(connection).read_line(&mut answer)?;
        match answer.trim_end() {
            answer if answer == self.to_string() => Ok(()),
            "" => Err(io::Error::other("the proxy closed the connection without an answer")),
            answer => Err(io::Error::other(format!("the proxy answered {answer:?}"))),
        }
    }
}
