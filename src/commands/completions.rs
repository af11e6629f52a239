//! `labctl completions SHELL`.

use std::io;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::exit::Exit;

/// Prints a completion script.
pub(super) fn completions(shell: Shell) -> anyhow::Result<Exit> {
    generate(shell, &mut Cli::command(), "labctl", &mut io::stdout());
    Ok(Exit::Success)
}
