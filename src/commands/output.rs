//! Results go to stdout, everything else to stderr.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::MultiProgress;
use serde::Serializer;

use crate::cli::Exit;
use crate::cli::Paths;
use crate::config::Warning;

/// The bars at the bottom of the terminal, on stderr. What is printed appears above them.
pub(super) fn bars() -> &'static MultiProgress {
    static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);
    &BARS
}

/// Prints a message on stderr. If that fails, it is lost: what labctl does must not depend on it.
pub(super) fn aside(text: fmt::Arguments<'_>) {
    let _ = bars().suspend(|| writeln!(io::stderr(), "labctl: {text}"));
}

/// `eprintln!` that never panics, see [`aside`].
macro_rules! note {
    ($($text:tt)*) => {
        $crate::commands::output::aside(format_args!($($text)*))
    };
}
pub(super) use note;

/// Warns of settings that can have no effect.
pub(super) fn warn<'w>(paths: &Paths, warnings: impl IntoIterator<Item = &'w Warning>) {
    for Warning { problem, .. } in warnings {
        note!("warning: {}:{problem}", paths.config.display());
    }
}

/// Whether a result could not be printed, see [`has_failed`].
static FAILED: AtomicBool = AtomicBool::new(false);

/// Prints a line of results. If that fails, the command goes on, since its data is worth more than
/// the line; the failure is told once on stderr and decides the exit code at the end.
pub(super) fn line(text: fmt::Arguments<'_>) {
    check(bars().suspend(|| writeln!(io::stdout().lock(), "{text}")));
}

/// Notes a failure to print results. A closed pipe (`labctl ... | head`) is not a failure: its
/// reader has read enough.
fn check(printed: io::Result<()>) {
    if let Err(error) = printed
        && error.kind() != ErrorKind::BrokenPipe
        && !FAILED.swap(true, Ordering::Relaxed)
    {
        note!("cannot print: {error}");
    }
}

/// Whether a result could not be printed, although its reader was there.
pub(super) fn has_failed() -> bool {
    // A failure to write what is still buffered would go unnoticed.
    check(io::stdout().flush());
    FAILED.load(Ordering::Relaxed)
}

/// Prints clap's message: help and version are results, everything else is a usage error.
pub fn usage(error: &clap::Error) -> Exit {
    let printed = error.print();
    if error.use_stderr() {
        return Exit::Usage;
    }
    check(printed);
    if has_failed() { Exit::Machine } else { Exit::Success }
}

/// Serializes paths as text, with U+FFFD for bytes that are not UTF-8. serde itself would refuse such
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
