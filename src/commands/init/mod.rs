//! `labctl init`.

mod answers;
mod ask;
mod collect;
mod questions;
mod render;
#[cfg(test)]
mod tests;
mod words;

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write as _};
use std::path::Path;

use anyhow::{Context, anyhow, bail};

use self::collect::{check_flags, check_interface, collect};
use self::questions::Questions;
use super::output::say;
use crate::cli::{Exit, Init, Paths};
use crate::config::{Problem, parse};
use crate::system::KINDS;

/// Writes an experiments.toml for a user's own system.
pub(super) fn init(paths: &Paths, args: &Init) -> anyhow::Result<Exit> {
    check_interface(args)?;
    let file = &paths.config;
    if !args.force && file.symlink_metadata().is_ok() {
        return Err(is_there(file));
    }
    let answers = if io::stdin().is_terminal() && io::stderr().is_terminal() {
        let (mut input, mut output) = (io::stdin().lock(), io::stderr());
        collect(args, &mut Questions::on(&mut input, &mut output))?
    } else {
        check_flags(args)?;
        collect(args, &mut Questions::nobody())?
    };
    if KINDS.iter().any(|kind| kind.name() == answers.name.as_str()) {
        bail!("{} is the name of a kind of systems; say another one with --name", answers.name);
    }
    let text = render::render(&answers);
    check(&text)?;
    write(file, &text, args.force)?;
    let config =
        if file == Path::new("experiments.toml") { String::new() } else { format!(" --config {}", file.display()) };
    say!("wrote {}", file.display());
    say!("next: labctl probe {}{config}   (one write, one read, one dump)", answers.name);
    say!("      labctl run all{config}    (the measurement, and its report)");
    Ok(Exit::Success)
}

fn is_there(file: &Path) -> anyhow::Error {
    anyhow!("{} is there already; --force puts a new one in its place, --config names another", file.display())
}

/// Whether the file would be accepted.
///
/// # Errors
/// What is wrong with it, with the line that says it.
fn check(text: &str) -> anyhow::Result<()> {
    let told = |problem: &Problem| format!("{} (in `{}`)", problem.message, problem.text.trim());
    let found = parse(text, &|_| Err(ErrorKind::NotFound.into()), &KINDS).map(drop);
    found.map_err(|problems| {
        anyhow!("{}; nothing was written", problems.iter().map(told).collect::<Vec<_>>().join("; also "))
    })
}

/// Writes the file; without `force` only where there is none.
fn write(file: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let opened = if force { File::create(file) } else { File::create_new(file) };
    let mut open = match opened {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(is_there(file)),
        opened => opened.with_context(|| format!("{}: cannot write", file.display()))?,
    };
    open.write_all(text.as_bytes()).with_context(|| format!("{}: cannot write", file.display()))
}
