//! The arguments of `labctl explore`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::Format;
use crate::config::{Concurrency, ExperimentName, KeyCount, MAX_SEED, Pacing, WriteCount};
use crate::model::{Distribution, Followers, LinkOrder, Quorum, ReplicationOrder};

/// `labctl explore`. Every axis takes a list; what is left out is as in the experiment.
#[derive(Debug, Args)]
pub struct Explore {
    /// The experiment to vary [default: the file's default]
    #[arg(short, long, value_name = "NAME")]
    pub experiment: Option<ExperimentName>,
    /// Write quorums; those beyond the followers are left out [default: 1 to the followers]
    #[arg(long, value_name = "W,...", value_delimiter = ',')]
    pub quorums: Vec<Quorum>,
    /// Numbers of followers
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    pub followers: Vec<Followers>,
    /// Shortest injected delays
    #[arg(long, value_name = "MS,...", value_delimiter = ',')]
    pub min_delay_ms: Vec<u32>,
    /// Longest injected delays
    #[arg(long, value_name = "MS,...", value_delimiter = ',')]
    pub max_delay_ms: Vec<u32>,
    /// Distribution of the injected delay instead of its bounds, such as "lognormal(5,0.5)"; may
    /// be repeated
    #[arg(long, value_name = "KIND(...)", conflicts_with_all = ["min_delay_ms", "max_delay_ms"])]
    pub delay: Vec<Distribution>,
    /// The same for acknowledgements, which else take as long as in the experiment; may be repeated
    #[arg(long, value_name = "KIND(...)")]
    pub ack_delay: Vec<Distribution>,
    /// Writes at a time
    #[arg(long, value_name = "COUNT,...", value_delimiter = ',')]
    pub concurrency: Vec<Concurrency>,
    /// Numbers of keys
    #[arg(long, value_name = "COUNT,...", value_delimiter = ',')]
    pub keys: Vec<KeyCount>,
    /// Writes a run
    #[arg(long, value_name = "COUNT,...", value_delimiter = ',')]
    pub writes: Vec<WriteCount>,
    /// What followers do with older writes
    #[arg(long, value_name = "ORDER,...", value_delimiter = ',', value_parser = order())]
    pub order: Vec<ReplicationOrder>,
    /// Whether links keep copies in order, as one connection does
    #[arg(long, value_name = "LINK,...", value_delimiter = ',', value_parser = link())]
    pub link: Vec<LinkOrder>,
    /// When the next write starts
    #[arg(long, value_enum, value_name = "PACING,...", value_delimiter = ',')]
    pub pacing: Vec<Pacing>,
    /// Runs a point, each with its own seed
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// The first of these seeds [default: the experiment's]
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=MAX_SEED))]
    pub seed: Option<u64>,
    /// Runs at a time; results do not depend on it [default: the processors]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Folder of the results, which are gone on with, and of their report
    #[arg(long, value_name = "DIR", default_value = "explore")]
    pub out: PathBuf,
    /// How results are printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Reads `--order`.
fn order() -> impl TypedValueParser<Value = ReplicationOrder> {
    PossibleValuesParser::new(ReplicationOrder::ALL.map(ReplicationOrder::name)).map(|word| {
        // One of the words above.
        word.parse().unwrap_or(ReplicationOrder::Arrival)
    })
}

/// Reads `--link`.
fn link() -> impl TypedValueParser<Value = LinkOrder> {
    PossibleValuesParser::new(LinkOrder::ALL.map(LinkOrder::name)).map(|word| {
        // One of the words above.
        word.parse().unwrap_or_default()
    })
}
