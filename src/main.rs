//! Parses the command line, runs the command, exits.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use labctl::cli::Cli;
use labctl::commands::{self, exit};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => return commands::usage(&told).into(),
    };
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            // If stderr is closed, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "labctl: {}", exit::message(&error));
            exit::code(&error).into()
        }
    }
}
