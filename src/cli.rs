//! The command line, as types.

mod exit;
mod explore;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use self::exit::Exit;
pub use self::explore::Explore;
use crate::config::{BackendChoice, ExperimentName, MAX_SEED};
use crate::model::{Accepted as _, Millis, Quorum, ReadQuorum};

/// What does a write quorum buy, and what does it cost? Measures both on a replicated
/// key-value store and writes a report that anyone can reproduce.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, disable_help_subcommand = true, after_help = exit_codes())]
pub struct Cli {
    /// Where files are.
    #[command(flatten)]
    pub paths: Paths,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The exit codes, a line each, for the end of `--help`.
fn exit_codes() -> String {
    let line = |exit: Exit| format!("\n  {:>3}  {}", exit as u8, exit.meaning());
    Exit::ALL.into_iter().fold("Exit status:".to_owned(), |text, exit| text + &line(exit))
}

/// Where labctl reads and writes; all in the current folder unless told.
#[derive(Debug, Clone, Args)]
pub struct Paths {
    /// The experiments
    #[arg(long, global = true, value_name = "FILE", default_value = "experiments.toml")]
    pub config: PathBuf,
    /// Folder of the run directories
    #[arg(long, global = true, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Folder of the reports
    #[arg(long, global = true, value_name = "DIR", default_value = "report")]
    pub report: PathBuf,
}

/// labctl's subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an experiment: a fresh cluster for each write quorum, then the report
    Run(Run),
    /// Compare every follower with its leader, from the saved data
    CheckConsistency(CheckConsistency),
    /// Say how stale reads from followers are, from the saved data, beside what PBS predicts
    Staleness(Staleness),
    /// Render the report again, from the saved data
    Report(Report),
    /// Put two data folders side by side: latency, diverged pairs, conditions
    Compare(Compare),
    /// Simulate an experiment over a grid of conditions, many seeds each, and report on it
    Explore(Box<Explore>),
    /// Start a cluster to play with on ports 8080 to 8085
    Up(Up),
    /// Stop the cluster of `labctl up`, and whatever a killed labctl left behind
    Down,
    /// Check experiments.toml
    Validate,
    /// Say what this machine has of Docker, Compose, ports and disk, and what to do about what is missing
    Doctor,
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Be a node (ROLE, FOLLOWERS, ... in the environment); `run` starts its local processes so
    #[command(hide = true)]
    Node,
    /// Be a proxy (PROXY_TO, ... in the environment): a link with delays, which faults cut or slow
    #[command(hide = true)]
    Proxy,
    /// Run a foreign program and end with it all that it has started; `run` starts its local processes so
    #[command(hide = true)]
    Supervise {
        /// The program
        program: OsString,
        /// Its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// `labctl run`.
#[derive(Debug, Args)]
pub struct Run {
    /// `all` quorums of the experiment, or some: 3 or 1,3,5
    #[arg(value_name = "all|W[,W...]")]
    pub quorums: QuorumSelection,
    /// Which experiment; `all` runs every one [default: the file's default]
    #[arg(short, long, value_name = "NAME")]
    pub experiment: Option<ExperimentSelection>,
    /// Where the nodes run [default: the experiment's]
    #[arg(long, value_enum, value_name = "BACKEND")]
    pub backend: Option<BackendChoice>,
    /// Seed of every delay [default: the experiment's]
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=MAX_SEED))]
    pub seed: Option<u64>,
    /// Keep the runs that are there and go on with the first missing one
    #[arg(long)]
    pub resume: bool,
    /// Say what would be run, and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How results are printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `labctl check-consistency`.
#[derive(Debug, Args)]
pub struct CheckConsistency {
    /// Which experiment's data; `all` checks every one [default: the file's default]
    #[arg(short, long, value_name = "NAME")]
    pub experiment: Option<ExperimentSelection>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `labctl staleness`.
#[derive(Debug, Args)]
pub struct Staleness {
    /// Which experiment's data; `all` takes every one [default: the file's default]
    #[arg(short, long, value_name = "NAME")]
    pub experiment: Option<ExperimentSelection>,
    /// How many followers a read asks: 1 or 1,3 [default: the experiment's]
    #[arg(long, value_name = "R[,R...]", value_delimiter = ',')]
    pub replicas: Vec<ReadQuorum>,
    /// How many ms after a write's acknowledgement reads are made, beside at once: 100 or 0,100
    #[arg(long, value_name = "MS[,MS...]", value_delimiter = ',', value_parser = millis)]
    pub at_ms: Vec<Millis>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `labctl report`.
#[derive(Debug, Args)]
pub struct Report {
    /// Which experiment's data; `all` reports every one [default: the file's default]
    #[arg(short, long, value_name = "NAME")]
    pub experiment: Option<ExperimentSelection>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `labctl compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// A folder that holds W1, W2, ...
    #[arg(value_name = "A")]
    pub left: PathBuf,
    /// Another one
    #[arg(value_name = "B", required_unless_present = "sim")]
    pub right: Option<PathBuf>,
    /// Instead of B the simulation of the same experiment and seed
    #[arg(long, conflicts_with = "right")]
    pub sim: bool,
    /// How results are printed
    #[arg(long, value_enum, default_value_t)]
    pub format: CompareFormat,
}

/// How a comparison is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum CompareFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For a forge
    Markdown,
}

/// `labctl up`.
#[derive(Debug, Args)]
pub struct Up {
    /// The write quorum
    #[arg(value_name = "W")]
    pub quorum: Quorum,
    /// Whose network to take [default: the file's default]
    #[arg(short, long, value_name = "NAME")]
    pub experiment: Option<ExperimentName>,
    /// Where the nodes run [default: the experiment's]
    #[arg(long, value_enum, value_name = "BACKEND")]
    pub backend: Option<BackendChoice>,
    /// Put it in the place of the one that an earlier `labctl up` here has started
    #[arg(long)]
    pub replace: bool,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Which quorums to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuorumSelection {
    /// All that the experiment lists.
    All,
    /// These, in this order.
    Some(Vec<Quorum>),
}

impl FromStr for QuorumSelection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let mut seen = BTreeSet::new();
        let one = |part: &str| {
            let quorum: Quorum = part.parse().map_err(|error| format!("{error}; or say `all`"))?;
            if seen.insert(quorum) { Ok(quorum) } else { Err(format!("{quorum} must be listed once, not twice")) }
        };
        text.split(',').map(one).collect::<Result<_, _>>().map(Self::Some)
    }
}

/// Which experiments to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExperimentSelection {
    /// Every one.
    All,
    /// This one.
    One(ExperimentName),
}

impl FromStr for ExperimentSelection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::One) }
    }
}

fn millis(text: &str) -> Result<Millis, String> {
    let millis = text.parse::<f64>().ok().and_then(|number| Millis::try_from(number).ok());
    millis.ok_or_else(|| format!("must be {}", Millis::accepted()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn quorums_are_all_or_a_list_without_repeats() {
        assert_eq!("all".parse(), Ok(QuorumSelection::All));
        let list = "3,1".parse::<QuorumSelection>().unwrap();
        assert_eq!(list, QuorumSelection::Some(vec!["3".parse().unwrap(), "1".parse().unwrap()]));
        for bad in ["", "1,", "1,1", "x", "-1", "100"] {
            assert!(bad.parse::<QuorumSelection>().is_err(), "{bad}");
        }
    }
}
