//! The grid: what the command line varies of an experiment.

use anyhow::{anyhow, bail};

use crate::cli::Explore;
use crate::config::{Experiment, ExperimentName, Network, Pacing};
use crate::explore::Grid;
use crate::model::{Distribution, as_uniform_ms, uniform_ms};

/// Replaces each setting that the command line gives by its list of values.
///
/// # Errors
/// If a shortest delay exceeds a longest one, or an open loop is asked for without a rate.
pub(super) fn grid(name: &ExperimentName, experiment: &Experiment, args: &Explore) -> anyhow::Result<Grid> {
    let (network, workload) = (&experiment.network, &experiment.workload);
    if args.pacing.contains(&Pacing::Open) && workload.rate_per_s.is_none() {
        bail!("--pacing open needs an experiment with pacing = \"open\" and rate_per_s, and {name} has none");
    }
    Ok(Grid {
        name: name.clone(),
        base: Experiment { seed: args.seed.unwrap_or(experiment.seed), ..experiment.clone() },
        quorums: distinct(args.quorums.clone()),
        followers: axis(args.followers.clone(), experiment.followers),
        delays: delays(network, args)?,
        ack_delays: axis(args.ack_delay.iter().cloned().map(Some).collect(), network.ack_delay.clone()),
        concurrencies: axis(args.concurrency.clone(), workload.concurrency),
        keys: axis(args.keys.clone(), workload.keys),
        writes: axis(args.writes.clone(), workload.writes),
        orders: axis(args.order.clone(), network.order),
        links: axis(args.link.clone(), experiment.link_order()),
        pacings: axis(args.pacing.clone(), workload.pacing),
        seeds: args.seeds,
    })
}

/// The distributions of `--delay`, or a uniform one for each pair of bounds.
fn delays(network: &Network, args: &Explore) -> anyhow::Result<Vec<Distribution>> {
    if args.min_delay_ms.is_empty() && args.max_delay_ms.is_empty() {
        return Ok(axis(args.delay.clone(), network.delay.clone()));
    }
    // A bound that is left out is the experiment's, or the lab's if the experiment's delay has no bounds.
    let own = as_uniform_ms(&network.delay).or_else(|| as_uniform_ms(&Network::default().delay));
    let (own_min, own_max) = own.unwrap_or_default();
    let least = axis(args.min_delay_ms.clone(), own_min);
    let most = axis(args.max_delay_ms.clone(), own_max);
    let pairs = least.iter().flat_map(|min| most.iter().map(|max| uniform_ms(*min, *max)));
    pairs.map(|range| range.map_err(|error| anyhow!(error))).collect()
}

/// The given values, or the experiment's if none is given.
fn axis<T: PartialEq>(given: Vec<T>, own: T) -> Vec<T> {
    if given.is_empty() { vec![own] } else { distinct(given) }
}

/// Without repeats, in the order given.
fn distinct<T: PartialEq>(values: Vec<T>) -> Vec<T> {
    let mut kept = Vec::with_capacity(values.len());
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}
