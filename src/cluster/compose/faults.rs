//! Faults on containers, through the engine.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::ComposeCluster;
use crate::cluster::docker::Call;
use crate::cluster::relay;
use crate::cluster::{Act, ClusterError, FaultAction};
use crate::config::{CutFrom, link_name};
use crate::model::{NodeId, RelayMode};

/// How long the engine may take to do one thing to one container.
const ACTION_LIMIT: Duration = Duration::from_secs(30);

impl ComposeCluster {
    /// Does to the containers what the action says.
    pub(super) fn carry_out(&mut self, action: &FaultAction, cancel: &CancellationToken) -> Result<(), ClusterError> {
        let (is_leader, node) = (action.node.is_leader(), &*action.node.to_string());
        match action.act {
            Act::Kill => self.container(&["kill"], node, cancel)?,
            Act::Stop => self.container(&["stop", "-t", "2"], node, cancel)?,
            Act::Pause => self.container(&["pause"], node, cancel)?,
            Act::Resume => self.container(&["unpause"], node, cancel)?,
            Act::Restart => self.container(&["start"], node, cancel)?,
            Act::Partition(from) => {
                // First the link to the leader: a cut network is silent, while a container taken off its
                // network refuses connections.
                self.set_links(action.node, RelayMode::Cut)?;
                if from == CutFrom::All && !is_leader {
                    self.network("disconnect", node, cancel)?;
                }
            }
            Act::Heal(from) => {
                if from == CutFrom::All && !is_leader {
                    self.network("connect", node, cancel)?;
                }
                self.set_links(action.node, RelayMode::Pass)?;
            }
            Act::Slow { .. } => self.set_links(action.node, RelayMode::Slow)?,
            Act::Hasten => self.set_links(action.node, RelayMode::Pass)?,
        }
        match action.act.leaves_reachable() {
            Some(true) => drop(self.faulty.remove(node)),
            Some(false) => drop(self.faulty.insert(node.to_owned())),
            None => {}
        }
        Ok(())
    }

    /// A command on one service's container.
    fn container(&self, command: &[&str], service: &str, cancel: &CancellationToken) -> Result<(), ClusterError> {
        self.engine().args(command.iter().copied()).args([self.id(service)?]).read(cancel).map(drop)
    }

    /// Takes a node off the project's network, or puts it back under its name.
    fn network(&self, verb: &str, node: &str, cancel: &CancellationToken) -> Result<(), ClusterError> {
        let network = format!("{}_default", self.project());
        let call = self.engine().args(["network", verb]);
        let call = if verb == "connect" { call.args(["--alias", node]) } else { call };
        call.args([network.as_str(), self.id(node)?]).read(cancel).map(drop)
    }

    /// Puts the relays that lead to a node into a mode: for the leader those are all there are.
    fn set_links(&self, node: NodeId, mode: RelayMode) -> Result<(), ClusterError> {
        let name = link_name(node);
        let relays = self.spec.links.iter().map(crate::config::RelayedLink::name);
        for relay in relays.filter(|relay| node.is_leader() || *relay == name) {
            let of_relay = |reason: String| {
                let log = self.containers.get(&relay).map(|id| self.project.log_tail(id)).unwrap_or_default();
                ClusterError::Node { node: relay.clone(), reason, log }
            };
            let control = self.controls.get(&relay).ok_or_else(|| of_relay("it has no port for orders".to_owned()))?;
            relay::order(*control, mode)
                .map_err(|error| of_relay(format!("it does not take orders on {control}: {error}")))?;
        }
        Ok(())
    }

    fn engine(&self) -> Call {
        self.project.docker().client(ACTION_LIMIT)
    }

    fn id(&self, service: &str) -> Result<&str, ClusterError> {
        let id = self.containers.get(service).map(String::as_str);
        id.ok_or_else(|| ClusterError::Setup(format!("there is no container of {service}")))
    }
}
