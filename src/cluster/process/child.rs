//! A process that labctl has started, whatever else it is.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io;
use std::time::Instant;

/// A process that labctl has started, with all the processes that this one has started.
pub(super) trait Child: Debug + Send {
    /// The whole lines that it has printed since the last call.
    fn new_lines(&mut self) -> Vec<String>;

    /// Whether another process than these listens on a port of this machine.
    fn is_anothers(&self, port: u16) -> bool;

    /// The ports of this machine on which these processes listen.
    fn own_ports(&self) -> BTreeSet<u16>;

    /// How its program ended. `None` while it runs.
    ///
    /// # Errors
    /// When that cannot be told.
    fn ended(&mut self) -> io::Result<Option<String>>;

    /// SIGKILL, and its end.
    ///
    /// # Errors
    /// When something of it is left.
    fn kill(&mut self) -> io::Result<()>;

    /// Its stop signal; true once it has ended, false if it has not by `deadline`.
    ///
    /// # Errors
    /// When it cannot be signalled.
    fn stop(&mut self, deadline: Instant) -> io::Result<bool>;

    /// SIGSTOP; it stands still when this returns.
    ///
    /// # Errors
    /// When it cannot be signalled, or does not stand still.
    fn pause(&mut self) -> io::Result<()>;

    /// SIGCONT; it goes on when this returns.
    ///
    /// # Errors
    /// When it cannot be signalled, or does not go on.
    fn resume(&mut self) -> io::Result<()>;

    /// Asks it to end, frozen or not, if it has not ended yet.
    fn ask_to_end(&mut self);

    /// Waits for its end until `deadline`, and kills it then.
    ///
    /// # Errors
    /// When something of it is left.
    fn end(&mut self, deadline: Instant) -> io::Result<()>;
}
