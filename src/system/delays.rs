//! The delays of an experiment's network: who injects them into a system that is not the lab's own, and how long they are.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::config::{Experiment, choice};

/// The chance that a message takes longer than what is called a link's longest delay.
const LONGEST: f64 = 0.9999;

/// Who injects the delays of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum DelaysBy {
    /// The system itself.
    Own,
    /// labctl's proxies.
    Proxies,
}
choice!(DelaysBy);

/// The longest that a message of any link takes, nearly always; what faults add, included.
pub(crate) fn longest_delay(experiment: &Experiment) -> Duration {
    let links = experiment.network.links(experiment.followers.get());
    let longest_ms = links
        .iter()
        .flat_map(|link| std::iter::once(&link.write).chain(&link.ack))
        .map(|delay| delay.quantile_ms(LONGEST));
    Duration::from_secs_f64(longest_ms.fold(0.0, f64::max) / 1_000.0)
}
