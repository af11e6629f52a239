//! Parse, run, exit.

use std::process::ExitCode;

use clap::Parser;
use labctl::cli::Cli;
use labctl::commands;
use labctl::exit::{self, Exit};

fn main() -> ExitCode {
    match commands::run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("labctl: {}", exit::message(&error));
            Exit::of(&error).into()
        }
    }
}
