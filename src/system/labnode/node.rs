//! The lab's node as a system under test.

use std::sync::Arc;

use labnode::limits::MARK;
use labnode::transport::MAX_IN_FLIGHT;
use labnode::wire::Role;

use super::containers::CONTAINERS;
use super::environment::environment;
use super::http::HttpClient;
use super::session::LabSession;
use crate::config::Experiment;
use crate::model::{Capabilities, ContainerSpec, Endpoints, NodeId, NodeSpec, Quorum, Variable};
use crate::system::labnode::Clock;
use crate::system::session::{Session, SessionError};
use crate::system::traits::System;

/// The lab's own replicated store.
#[derive(Debug, Clone, Copy)]
pub struct LabNode;

impl System for LabNode {
    fn name(&self) -> &'static str {
        "labnode"
    }

    fn version(&self) -> &'static str {
        // The crates of the workspace share one version.
        env!("CARGO_PKG_VERSION")
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::LABNODE
    }

    fn nodes(&self, experiment: &Experiment, quorum: Quorum) -> Vec<NodeSpec> {
        let node = |node: NodeId, role: Role, followers: Option<Vec<NodeId>>| {
            let own = [("ROLE", Variable::Text(role.to_string()))];
            let followers = followers.map(|followers| ("FOLLOWERS", Variable::Urls(followers)));
            let shared = environment(experiment, quorum).into_iter().map(|(name, text)| (name, Variable::Text(text)));
            let own = own.into_iter().chain(followers).map(|(name, variable)| (name.to_owned(), variable));
            NodeSpec { node, arguments: vec!["node".to_owned()], environment: shared.chain(own).collect() }
        };
        let followers: Vec<NodeId> = NodeId::followers(experiment.followers).collect();
        let leader = node(NodeId::Leader, Role::Leader, Some(followers.clone()));
        followers.into_iter().map(|name| node(name, Role::Follower, None)).chain([leader]).collect()
    }

    fn containers(&self) -> &'static ContainerSpec {
        &CONTAINERS
    }

    fn connect(
        &self,
        endpoints: &Endpoints,
        experiment: &Experiment,
        clock: Clock,
    ) -> Result<Arc<dyn Session>, SessionError> {
        let client = HttpClient::new(endpoints, experiment.network.global_request_timeout_s.duration())?;
        Ok(Arc::new(LabSession::new(client, experiment, clock)))
    }

    fn connections_to_a_follower(&self, writes: u64) -> u64 {
        // One more asks whether the follower was restarted.
        writes.min(MAX_IN_FLIGHT as u64) + 1
    }

    fn limit_met(&self, log: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(log);
        let (_, limit) = text.lines().find_map(|line| line.split_once(MARK))?;
        Some(limit.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_found_in_a_log_whatever_stands_before_it() {
        let log = format!("INFO starts\n 12:00 ERROR {MARK}reaching a follower: no descriptor\nINFO more\n");
        assert_eq!(LabNode.limit_met(log.as_bytes()).as_deref(), Some("reaching a follower: no descriptor"));
        assert_eq!(LabNode.limit_met(b"WARN replication to f1 fails: connection refused\n"), None);
    }
}
