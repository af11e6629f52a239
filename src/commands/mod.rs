//! One file a subcommand, each thin.

mod check_consistency;
mod compare;
mod completions;
mod descriptors;
mod doctor;
pub mod exit;
mod explore;
mod host;
mod init;
mod orphans;
mod output;
mod presence;
mod probe;
mod report;
mod run;
mod saved;
mod select;
mod shared_cluster;
mod signals;
mod staleness;
mod tables;
mod up;
mod validate;
mod words;

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Context;

pub use self::output::usage;
use crate::cli::Exit;
use crate::cli::{Cli, Command};
use crate::cluster::{Supervision, supervise, supervise_session};
use crate::system::{program, run_filters};

/// Runs the command that the command line names.
///
/// # Errors
/// The reason why the command failed; [`exit::code`] turns it into an exit code.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Node => return Ok(program::run()),
        Command::Proxy => return Ok(program::run_proxy()),
        Command::Filter => return Ok(run_filters()),
        Command::Supervise { session: true, program, arguments, .. } => {
            return Ok(supervise_session(&program, &arguments));
        }
        Command::Supervise { session: false, user, stop_signal, program, arguments } => {
            return Ok(supervise(Supervision { user, stop_signal }, &program, &arguments));
        }
        _ => {}
    }
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colour);
    // Its message about an event that it could not write would go to stderr as well, and panic.
    log.log_internal_errors(false).without_time().with_target(false).init();
    let exit = match cli.command {
        Command::Init(args) => init::init(&cli.paths, &args),
        Command::Probe(args) => block_on(probe::probe(&cli.paths, &args))?,
        Command::Run(args) => block_on(run::run(&cli.paths, &args))?,
        Command::CheckConsistency(args) => check_consistency::check_consistency(&cli.paths, &args),
        Command::Staleness(args) => staleness::staleness(&cli.paths, &args),
        Command::Report(args) => report::report(&cli.paths, &args),
        Command::Up(args) => block_on(up::up(&cli.paths, &args))?,
        Command::Down => block_on(up::down(&cli.paths))?,
        Command::Doctor => doctor::doctor(&cli.paths),
        Command::Explore(args) => block_on(explore::run(&cli.paths, &args))?,
        Command::Compare(args) => compare::run(&args),
        Command::Validate => validate::validate(&cli.paths),
        Command::Completions { shell } => completions::completions(shell),
        Command::Node | Command::Proxy | Command::Filter | Command::Supervise { .. } => Ok(Exit::Success),
    };
    let exit = exit.map_err(|error| saved::complete_command(error, &cli.paths))?;
    Ok(if output::has_failed() { Exit::Machine.into() } else { exit.into() })
}

/// Runs a future on a runtime of its own.
fn block_on<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    Ok(runtime.context("cannot start the runtime")?.block_on(future))
}
