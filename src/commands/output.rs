//! Results, on stdout, and everything else, on stderr.

use std::fmt;
use std::io::{self, ErrorKind, Write};

/// Prints a line of results. A reader that has gone (`labctl ... | head`) has read enough,
/// and what labctl does must not depend on it; any other failure is told once on stderr.
pub(super) fn line(text: fmt::Arguments<'_>) {
    if let Err(error) = writeln!(io::stdout().lock(), "{text}")
        && error.kind() != ErrorKind::BrokenPipe
    {
        // With stderr gone too there is nobody left to tell.
        let _ = writeln!(io::stderr(), "labctl: cannot print: {error}");
    }
}

/// `println!` for results, see [`line`].
macro_rules! say {
    ($($text:tt)*) => {
        $crate::commands::output::line(format_args!($($text)*))
    };
}
pub(super) use say;

/// Tells the user something on stderr, where nobody may be reading any more.
pub(super) fn aside(text: fmt::Arguments<'_>) {
    // There is nobody else to tell, and what labctl does must not depend on it.
    let _ = writeln!(io::stderr(), "labctl: {text}");
}

/// `eprintln!` that never panics, see [`aside`].
macro_rules! note {
    ($($text:tt)*) => {
        $crate::commands::output::aside(format_args!($($text)*))
    };
}
pub(super) use note;
