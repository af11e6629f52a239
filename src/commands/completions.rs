//! `labctl completions SHELL`.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::output::say;
use crate::cli::Cli;
use crate::cli::Exit;

/// Prints a completion script.
pub(super) fn completions(shell: Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "labctl", &mut script);
    say!("{}", String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Success)
}
