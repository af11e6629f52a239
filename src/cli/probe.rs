//! The arguments of `labctl probe`.

use clap::Args;

use super::Format;
use crate::config::BackendChoice;
use crate::model::Quorum;

/// `labctl probe`.
#[derive(Debug, Args)]
pub struct Probe {
    /// An experiment of experiments.toml, or one of its systems
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The write quorum [default: the experiment's first]
    #[arg(short, long, value_name = "W")]
    pub quorum: Option<Quorum>,
    /// Where the nodes run [default: the experiment's]
    #[arg(long, value_enum, value_name = "BACKEND")]
    pub backend: Option<BackendChoice>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
