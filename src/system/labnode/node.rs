//! The lab's node as a system under test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use labnode::limits::MARK;
use labnode::transport::MAX_IN_FLIGHT;
use labnode::wire::Role;

use super::containers::CONTAINERS;
use super::environment::environment;
use super::http::LabNodeClient;
use super::session::{LabSession, VERSION};
use crate::config::{Experiment, Misfits, SystemSettings};
use crate::model::{
    Capabilities, ContainerSpec, Dialer, Endpoints, FailoverFacts, FailoverKind, Hosting, Lifecycle, NodeId,
    NodeProgram, NodeSpec, Place, Quorum, Readiness, SystemName, Text,
};
use crate::system::labnode::Clock;
use crate::system::session::{Session, SessionError};
use crate::system::traits::{Presence, System, SystemKind};

/// The lab's own replicated store in the list of systems. It has no settings.
#[derive(Debug, Clone, Copy)]
pub struct LabNodeKind;

impl SystemKind for LabNodeKind {
    fn name(&self) -> &'static str {
        SystemName::LABNODE
    }

    fn configure(&self, _: &Experiment, _: &mut Misfits) -> Option<Arc<dyn System>> {
        Some(Arc::new(LabNode))
    }

    fn presence(&self, _: &SystemSettings) -> Presence {
        Presence::Found(format!("version {VERSION}, in labctl itself"))
    }
}

/// What a node prints before its address once it listens.
const LISTENING: &str = "listening on ";
/// How long a node may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(10);

/// The lab's own replicated store.
#[derive(Debug, Clone, Copy)]
pub struct LabNode;

impl LabNode {
    /// How its nodes run in containers.
    #[must_use]
    pub const fn containers(self) -> ContainerSpec {
        ContainerSpec::File(&CONTAINERS)
    }
}

impl System for LabNode {
    fn name(&self) -> &str {
        SystemName::LABNODE
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::LABNODE
    }

    fn dialer(&self) -> Dialer {
        Dialer::Leader
    }

    fn nodes(&self, experiment: &Experiment, quorum: Quorum) -> Vec<NodeSpec> {
        let shared = environment(experiment, quorum);
        let node = |node: NodeId, role: Role, followers: Option<Text>| {
            let own = [
                ("ROLE", Text::from(role.to_string())),
                ("NODE_NAME", Text::from(node.to_string())),
                ("LISTEN_ADDR", Text::new().place(Place::Host).text(":").place(Place::Port)),
                // It holds the read end of a pipe, and ends once labctl, which has the other, is gone.
                ("EXIT_WITH_PARENT", Text::from("1")),
            ];
            let followers = followers.map(|followers| ("FOLLOWERS", followers));
            let own = own.into_iter().chain(followers).map(|(name, text)| (name.to_owned(), text));
            let shared = shared.iter().map(|(name, text)| (name.clone(), Text::from(text)));
            NodeSpec {
                node,
                program: NodeProgram::Labctl,
                arguments: vec![Text::from("node")],
                environment: shared.chain(own).collect(),
                files: BTreeMap::new(),
                start_in: None,
                readiness: Readiness::Announces(LISTENING.to_owned()),
                start_limit: START_LIMIT,
                lifecycle: Lifecycle::default(),
            }
        };
        let followers: Vec<NodeId> = NodeId::followers(experiment.followers).collect();
        let urls = Text::joined(followers.iter().map(|follower| Text::new().url_of(*follower)), ",");
        let leader = node(NodeId::Leader, Role::Leader, Some(urls));
        followers.into_iter().map(|name| node(name, Role::Follower, None)).chain([leader]).collect()
    }

    fn hosting(&self, _: &Experiment) -> Hosting {
        self.containers().into()
    }

    fn connect(
        &self,
        endpoints: &Endpoints,
        experiment: &Experiment,
        _: Quorum,
        clock: Clock,
    ) -> Result<Arc<dyn Session>, SessionError> {
        let client = LabNodeClient::new(endpoints, experiment.network.global_request_timeout_s.duration())?;
        Ok(Arc::new(LabSession::new(client, experiment, clock)))
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}")
    }

    fn examples(&self, endpoints: &Endpoints) -> Vec<String> {
        let (leader, follower) = (&endpoints.leader, endpoints.followers.first().unwrap_or(&endpoints.leader));
        vec![
            format!("curl -X PUT -d '{{\"value\":\"1\"}}' {}/kv/k0", self.url(leader)),
            format!("curl {}/kv/k0", self.url(follower)),
        ]
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

    fn failover(&self) -> Option<FailoverFacts> {
        Some(FailoverFacts {
            kind: FailoverKind::ReadBack,
            none_lost_from: None,
            documented: "An acknowledged write has reached W followers. The follower with the newest write need not be one of \
                         them, since copies overtake each other unless links are ordered. Followers of the lab's node cannot \
                         be promoted, so the most advanced one is only read."
                .to_owned(),
        })
    }

    fn can_simulate(&self) -> bool {
        true
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
