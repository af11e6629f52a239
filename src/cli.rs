//! The command line, as types.

mod exit;
mod explore;
mod init;
mod probe;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use self::exit::Exit;
pub use self::explore::Explore;
pub use self::init::{DelayUnit, DelayedBy, Init, Interface, QuorumTold};
pub use self::probe::Probe;
use crate::config::{BackendChoice, ExperimentName, MAX_SEED};
use crate::model::{Accepted as _, Millis, Quorum, ReadQuorum, RunAs, StopSignal};

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
    /// Write an experiments.toml for your own system; asks for what no flag says
    Init(Box<Init>),
    /// Send one write, one read and one dump, and say what each rule of a mapping made of the answers
    Probe(Probe),
    /// Run an experiment: a fresh cluster for each write quorum, then the report
    Run(Run),
    /// Compare every follower with its leader, from the saved data
    CheckConsistency(CheckConsistency),
    /// Say how stale reads from followers are, from the saved data, beside what PBS predicts
    Staleness(Staleness),
    /// Render the report again, from the saved data
    Report(Report),
    /// Put data folders side by side: latency, diverged pairs, conditions; of three and more as systems in one table
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
    /// Run jq filters on answers, told on standard input; `run` reads the answers of foreign systems so
    #[command(hide = true)]
    Filter,
    /// Run a foreign program and end with it all that it has started; `run` starts its local processes so
    #[command(hide = true)]
    Supervise {
        /// The program talks with labctl over its standard streams, and ends once its input is closed
        #[arg(long)]
        session: bool,
        /// Who runs the program, as UID:GID
        #[arg(long)]
        user: Option<RunAs>,
        /// The signal that asks the program to end
        #[arg(long, default_value_t = StopSignal::Terminate)]
        stop_signal: StopSignal,
        /// The program
        program: OsString,
        /// Its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Most rounds of `labctl run`.
const MAX_ROUNDS: i64 = 100;

/// `labctl run`.
#[derive(Debug, Args)]
pub struct Run {
    /// `all` quorums of the experiment, or some: 3 or 1,3,5
    #[arg(value_name = "all|W[,W...]")]
    pub quorums: QuorumSelection,
    /// Which experiments; `all` runs every one [default: the file's default]
    #[arg(short, long, value_name = "NAME[,NAME...]")]
    pub experiment: Option<ExperimentSelection>,
    /// Where the nodes run [default: the experiment's]
    #[arg(long, value_enum, value_name = "BACKEND")]
    pub backend: Option<BackendChoice>,
    /// Seed of every delay [default: the experiment's]
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=MAX_SEED))]
    pub seed: Option<u64>,
    /// How often to run them, in turn: the first round of all experiments, then the second
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=MAX_ROUNDS))]
    pub rounds: u32,
    /// Keep the runs that are there and go on with the first missing one
    #[arg(long)]
    pub resume: bool,
    /// Measure N quorums at the same time; the report's overhead shows whether that disturbed [default: 1]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroU32>,
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
    /// Which experiments' data; `all` checks every one [default: the file's default]
    #[arg(short, long, value_name = "NAME[,NAME...]")]
    pub experiment: Option<ExperimentSelection>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `labctl staleness`.
#[derive(Debug, Args)]
pub struct Staleness {
    /// Which experiments' data; `all` takes every one [default: the file's default]
    #[arg(short, long, value_name = "NAME[,NAME...]")]
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
    /// Which experiments' data; `all` reports every one [default: the file's default]
    #[arg(short, long, value_name = "NAME[,NAME...]")]
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
    /// Another one: its runs are compared with those of A, W by W. With more of them all are set side by side as systems
    #[arg(value_name = "B", required_unless_present = "sim")]
    pub others: Vec<PathBuf>,
    /// Instead of B the simulation of the same experiment and seed
    #[arg(long, conflicts_with_all = ["others", "side_by_side", "figure"])]
    pub sim: bool,
    /// Set two folders side by side as systems, too
    #[arg(long)]
    pub side_by_side: bool,
    /// Draw latency against W of all folders into this PNG file
    #[arg(long, value_name = "FILE")]
    pub figure: Option<PathBuf>,
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
    /// These, in this order.
    Some(Vec<ExperimentName>),
}

impl FromStr for ExperimentSelection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let mut seen = BTreeSet::new();
        let one = |part: &str| {
            let name: ExperimentName = part.parse()?;
            if seen.insert(name.clone()) { Ok(name) } else { Err(format!("{name} must be listed once, not twice")) }
        };
        text.split(',').map(one).collect::<Result<_, _>>().map(Self::Some)
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

    #[test]
    fn experiments_are_all_or_a_list_without_repeats() {
        assert_eq!("all".parse(), Ok(ExperimentSelection::All));
        let names = ["b", "a"].map(|name| name.parse().unwrap()).to_vec();
        assert_eq!("b,a".parse(), Ok(ExperimentSelection::Some(names)));
        for bad in ["", "a,", "a,a", "all,a", "A"] {
            assert!(bad.parse::<ExperimentSelection>().is_err(), "{bad}");
        }
    }
}
