//! The run of a system that lets no more be seen than its answers and what its nodes hold.
//!
//! The parent module brings the types: unit tests and integration tests name the crate differently.

use super::{Capabilities, QuorumControl, RestartState, RunData, SystemFacts};

/// The same run as a store would leave it that keeps no trace, numbers no writes, and draws no delays
/// itself.
pub(crate) fn without_trace(mut run: RunData) -> RunData {
    let capabilities = Capabilities {
        trace: false,
        versions: false,
        own_delays: false,
        quorum: QuorumControl::PerWrite,
        restart: RestartState::Resync,
        ..Capabilities::LABNODE
    };
    let (name, version) = ("store".to_owned(), "7.2.4".to_owned());
    let config = &mut run.manifest.config;
    // A system of another name has ordered links unless its experiment says otherwise.
    config.network.link = Some(config.link_order());
    if let Ok(name) = name.clone().try_into() {
        config.system.name = name;
    }
    run.manifest.system = Some(SystemFacts { name, version, capabilities, remarks: Vec::new() });
    run.manifest.node_sha256 = None;
    run.replication.clear();
    run.arrivals.clear();
    run.forecast = None;
    run.reads.iter_mut().for_each(|row| row.version = None);
    for row in &mut run.writes {
        (row.version, row.http_status) = (None, None);
    }
    for dump in run.at_last_ack.values_mut().chain(run.settled.values_mut()) {
        dump.versions.clear();
    }
    run
}
