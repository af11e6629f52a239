//! The network of an experiment in words.

use crate::config::{Experiment, Network};
use crate::system::system_of;

/// What experiments.toml says of the network, followers of their own left out. A system that replicates one log
/// has no order of arrival to choose.
pub(super) fn network(experiment: &Experiment) -> String {
    let network = &experiment.network;
    let common = network.has_common_delays(experiment.followers).then(|| network.common_delays_in_words());
    let has_log = system_of(experiment).is_ok_and(|system| system.capabilities().ordered_log);
    let settings = if has_log {
        let orderless = Network { link: None, ..network.clone() };
        let order = format!("{} order", network.order);
        let others = orderless.in_words().into_iter().filter(|words| *words != order);
        others.chain(["one ordered log".to_owned()]).collect()
    } else {
        network.in_words()
    };
    common.into_iter().chain(settings).collect::<Vec<_>>().join(", ")
}
