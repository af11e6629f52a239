//! The node's executable; everything is in [`labnode::program`].

use std::process::ExitCode;

fn main() -> ExitCode {
    // An argument that is no UTF-8 is none of ours either way.
    labnode::program::main(std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()))
}
