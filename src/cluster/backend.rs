//! Which kind of cluster a run gets.

use std::env;
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::{
    Cluster, ClusterError, ClusterSpec, ComposeCluster, Deployment, Docker, ProcessCluster, Programs, Tell,
    Unavailable, binary_beside, engine_variables, find_program, ignored_variables,
};
use crate::config::BackendChoice;
use crate::model::{ContainerSpec, NodeProgram, NodeSpec, sha256};

/// A backend that was chosen and found to be there.
#[derive(Debug, Clone)]
pub enum Backend {
    /// Containers.
    Compose(Box<Deployment>),
    /// Child processes of labctl.
    Process {
        /// labctl itself.
        labctl: PathBuf,
        /// What the nodes run: labctl too, or another program.
        program: PathBuf,
        /// Why processes were chosen. `None` if the user asked for them.
        reason: Option<String>,
    },
    /// Virtual time in this process.
    Sim,
}

impl Backend {
    /// Makes ready what was asked for; `auto` takes Compose where an engine answers. `nodes` are those of some
    /// run, `containers` is how they run in containers. Blocks: an image may have to be built or pulled. `tell` gets
    /// what the user should know meanwhile.
    ///
    /// # Errors
    /// When a backend that was named is not to be had, a program is missing, or an image is not to be had.
    pub fn choose(
        choice: BackendChoice,
        nodes: &[NodeSpec],
        containers: ContainerSpec,
        tell: Tell,
        cancel: &CancellationToken,
    ) -> Result<Self, ClusterError> {
        if matches!(choice, BackendChoice::Sim) {
            return Ok(Self::Sim);
        }
        if let ContainerSpec::File(file) = &containers {
            let ignored = ignored_variables(file.user_variables);
            if !ignored.is_empty() {
                tell(&format!("ignored: {} (nodes get what experiments.toml says)", ignored.join(", ")));
            }
        }
        if matches!(choice, BackendChoice::Process) {
            return Self::process(None, nodes, &containers, tell);
        }
        engine_variables().iter().for_each(|variable| tell(&format!("used: {variable}")));
        let docker = Docker::new(Programs::default(), cancel);
        match (docker, choice) {
            (Ok(docker), choice) => {
                let reason = matches!(choice, BackendChoice::Auto).then(|| "a Docker engine answers".to_owned());
                let deployment = Deployment::prepare(docker, containers, reason, tell, cancel)?;
                Ok(Self::Compose(Box::new(deployment)))
            }
            (Err(Unavailable::Unasked(error)), _) => Err(error),
            (Err(unavailable), BackendChoice::Auto) => {
                Self::process(Some(unavailable.to_string()), nodes, &containers, tell)
            }
            (Err(unavailable), _) => Err(unavailable.into()),
        }
    }

    fn process(
        reason: Option<String>,
        nodes: &[NodeSpec],
        containers: &ContainerSpec,
        tell: Tell,
    ) -> Result<Self, ClusterError> {
        let labctl = env::current_exe()
            .map_err(|error| ClusterError::Setup(format!("cannot tell where labctl itself is: {error}")))?;
        let program = match nodes.first().map(|node| &node.program) {
            Some(NodeProgram::Executable(program)) => find_program(program)?,
            Some(NodeProgram::Labctl) | None => labctl.clone(),
        };
        if let ContainerSpec::File(file) = containers
            && let Some(beside) = binary_beside(file.recipe.binary)
        {
            tell(&format!("ignored: {} (local processes run labctl itself as their node)", beside.display()));
        }
        Ok(Self::Process { labctl, program, reason })
    }

    /// `compose`, `process` or `sim`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Compose(_) => "compose",
            Self::Process { .. } => "process",
            Self::Sim => "sim",
        }
    }

    /// The name, with versions, or with why this one where `auto` chose it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Compose(deployment) => {
                let facts = deployment.docker.facts();
                format!("compose: Docker Engine {}, Compose {}", facts.engine, facts.compose)
            }
            Self::Process { reason: Some(reason), .. } => format!("process: {reason}"),
            Self::Process { reason: None, .. } => "process".to_owned(),
            Self::Sim => "sim: virtual time".to_owned(),
        }
    }

    /// A cluster that is not up yet.
    ///
    /// # Errors
    /// When something on this machine keeps it from being prepared, and in virtual time, where
    /// nothing is up outside a simulation.
    pub fn cluster(&self, spec: ClusterSpec) -> Result<Box<dyn Cluster>, ClusterError> {
        match self {
            Self::Compose(deployment) => Ok(Box::new(ComposeCluster::new(deployment, spec))),
            Self::Process { labctl, reason, .. } => Ok(Box::new(ProcessCluster::new(spec, labctl, reason.clone()))),
            Self::Sim => Err(ClusterError::Setup("nodes in virtual time cannot be reached from outside".into())),
        }
    }

    /// SHA-256 of the executable that the nodes run. `None` if it was compiled in a container or is part of
    /// somebody else's image, and in virtual time.
    #[must_use]
    pub fn node_sha256(&self) -> Option<String> {
        match self {
            Self::Compose(deployment) if deployment.foreign_image.is_some() => None,
            Self::Compose(deployment) => deployment.image.node_sha256.clone(),
            Self::Process { program, .. } => std::fs::read(program).ok().map(|bytes| sha256(&bytes)),
            Self::Sim => None,
        }
    }
}
