//! Results, on stdout, and everything else, on stderr.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serializer;

use crate::cli::Exit;
use crate::cli::Paths;
use crate::config::Warning;

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

/// Tells of settings that cannot have the effect that they seem to have.
pub(super) fn warn<'w>(paths: &Paths, warnings: impl IntoIterator<Item = &'w Warning>) {
    for Warning { problem, .. } in warnings {
        note!("warning: {}:{problem}", paths.config.display());
    }
}

/// Whether a result could not be printed, see [`has_failed`].
static FAILED: AtomicBool = AtomicBool::new(false);

/// Prints a line of results. A run goes on where that fails, since its data is worth more than
/// the line: the failure is told once on stderr and decides on the exit code in the end.
pub(super) fn line(text: fmt::Arguments<'_>) {
    check(writeln!(io::stdout().lock(), "{text}"));
}

/// Notes a failure to print results. One is none: a reader that has gone (`labctl ... | head`)
/// has read enough.
fn check(printed: io::Result<()>) {
    if let Err(error) = printed
        && error.kind() != ErrorKind::BrokenPipe
        && !FAILED.swap(true, Ordering::Relaxed)
    {
        note!("cannot print: {error}");
    }
}

/// Whether a result could not be printed although its reader was there.
pub(super) fn has_failed() -> bool {
    // What is still buffered is lost silently otherwise.
    check(io::stdout().flush());
    FAILED.load(Ordering::Relaxed)
}

/// Prints what clap has to say instead of running a command: help and versions are results,
/// everything else is a usage error.
pub fn usage(error: &clap::Error) -> Exit {
    let printed = error.print();
    if error.use_stderr() {
        // With stderr gone there is nobody left to tell.
        return Exit::Usage;
    }
    check(printed);
    if has_failed() { Exit::Machine } else { Exit::Success }
}

/// Paths as JSON has them: text, with U+FFFD in the place of what is none. serde would refuse such
/// a path, and with it the whole result.
pub(super) fn paths_as_text<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}

/// `println!` for results, see [`line`].
macro_rules! say {
    ($($text:tt)*) => {
        $crate::commands::output::line(format_args!($($text)*))
    };
}
pub(super) use say;
