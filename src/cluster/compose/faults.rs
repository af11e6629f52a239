//! Faults on containers, through the engine.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::ComposeCluster;
use crate::cluster::docker::Call;
use crate::cluster::{Act, ClusterError, FaultAction};
use crate::config::CutFrom;
use crate::model::{NodeId, ProxyOrder};
use crate::network::ProxyError;

/// How long the engine may take to do one thing to one container.
const ACTION_LIMIT: Duration = Duration::from_secs(30);

impl ComposeCluster {
    /// Does to the containers what the action says.
    pub(super) fn carry_out(&mut self, action: &FaultAction, cancel: &CancellationToken) -> Result<(), ClusterError> {
        let (is_leader, node) = (action.node.is_leader(), &*action.node.to_string());
        match action.act {
            Act::Kill => {
                self.container(&["kill"], node, cancel)?;
                self.order(action.node, ProxyOrder::Drop)?;
            }
            Act::Stop => {
                self.container(&["stop", "-t", "2"], node, cancel)?;
                self.order(action.node, ProxyOrder::Drop)?;
            }
            Act::Pause => self.container(&["pause"], node, cancel)?,
            Act::Resume => self.container(&["unpause"], node, cancel)?,
            Act::Restart => self.container(&["start"], node, cancel)?,
            Act::Partition(from) => {
                // First the link to the leader: a cut network is silent, while a container taken off its
                // network refuses connections.
                self.order(action.node, ProxyOrder::Cut)?;
                if from == CutFrom::All && !is_leader {
                    self.network("disconnect", node, cancel)?;
                }
            }
            Act::Heal(from) => {
                if from == CutFrom::All && !is_leader {
                    self.network("connect", node, cancel)?;
                }
                self.order(action.node, ProxyOrder::Pass)?;
            }
            Act::Slow { delay_ms } => self.order(action.node, ProxyOrder::Slow { added_ms: delay_ms })?,
            Act::Hasten => self.order(action.node, ProxyOrder::Pass)?,
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

    /// Gives an order to the proxies of the links of a node.
    fn order(&self, node: NodeId, order: ProxyOrder) -> Result<(), ClusterError> {
        self.proxies.order(node, order).map_err(|error| self.disobeyed(error))
    }

    /// Why a proxy did not do what it was told.
    pub(super) fn disobeyed(&self, error: ProxyError) -> ClusterError {
        let log = self.containers.get(&error.proxy).map(|id| self.project.log_tail(id)).unwrap_or_default();
        ClusterError::Node { reason: error.to_string(), node: error.proxy, log }
    }

    fn engine(&self) -> Call {
        self.project.docker().client(ACTION_LIMIT)
    }

    fn id(&self, service: &str) -> Result<&str, ClusterError> {
        let id = self.containers.get(service).map(String::as_str);
        id.ok_or_else(|| ClusterError::Setup(format!("there is no container of {service}")))
    }
}
