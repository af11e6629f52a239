//! The node's executable; everything is in [`labnode::program`].

use std::process::ExitCode;

fn main() -> ExitCode {
    labnode::program::main(std::env::args().skip(1))
}
