//! Local processes as a backend.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::{NAME, ProcessCluster};
use crate::cluster::backend::{Backend, BackendKind, BackendRequest, PlayCluster, Refusal};
use crate::cluster::compose::binary_beside;
use crate::cluster::{Cluster, ClusterError, ClusterSpec, FIRST_PLAY_PORT};
use crate::model::{ContainerSpec, NodeProgram, sha256};
use crate::programs::find_program;

/// Local processes in the list of backends.
#[derive(Debug)]
pub(in crate::cluster) struct ProcessKind;

/// Local processes that can be started.
#[derive(Debug)]
struct LocalProcesses {
    /// labctl itself.
    labctl: PathBuf,
    /// What the nodes run: labctl too, or another program.
    program: PathBuf,
    /// Why processes were chosen. `None` if the user asked for them.
    reason: Option<String>,
}

impl BackendKind for ProcessKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "local processes"
    }

    fn merit(&self) -> &'static str {
        "processes need nothing but this machine"
    }

    fn prepare(&self, request: &BackendRequest<'_>, reason: Option<String>) -> Result<Arc<dyn Backend>, Refusal> {
        let explained = |lack: String| {
            ClusterError::Setup(match &reason {
                Some(reason) => format!("{reason}; and as local processes: {lack}"),
                None => lack,
            })
        };
        let check = || (request.presence)().map_err(explained);
        // Where the user named processes, what the system says of its program comes first.
        if reason.is_none() {
            check()?;
        }
        let labctl = env::current_exe()
            .map_err(|error| ClusterError::Setup(format!("cannot tell where labctl itself is: {error}")))?;
        let first = request.nodes.first();
        let program = match first.map(|node| &node.program) {
            Some(NodeProgram::Executable(program)) => {
                let found = find_program(program, first.and_then(|node| node.start_in.as_deref()));
                found.map_err(|error| explained(error.to_string()))?
            }
            Some(NodeProgram::Labctl) | None => labctl.clone(),
        };
        if let Some(ContainerSpec::File(file)) = request.containers
            && let Some(beside) = binary_beside(file.recipe.binary)
        {
            let beside = beside.display();
            (request.tell)(&format!("ignored: {beside} (local processes run labctl itself as their node)"));
        }
        if reason.is_some() {
            check()?;
        }
        Ok(Arc::new(LocalProcesses { labctl, program, reason }))
    }
}

impl LocalProcesses {
    fn new_cluster(&self, spec: ClusterSpec) -> ProcessCluster {
        ProcessCluster::new(spec, &self.labctl, self.reason.clone())
    }
}

impl Backend for LocalProcesses {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> String {
        self.reason.as_ref().map_or_else(|| NAME.to_owned(), |reason| format!("{NAME}: {reason}"))
    }

    fn cluster(&self, spec: ClusterSpec) -> Result<Box<dyn Cluster>, ClusterError> {
        Ok(Box::new(self.new_cluster(spec)))
    }

    fn play(&self, spec: ClusterSpec) -> Result<PlayCluster, String> {
        let cluster = Box::new(self.new_cluster(spec).on_ports(FIRST_PLAY_PORT));
        Ok(PlayCluster { cluster, outlives_labctl: false })
    }

    fn node_sha256(&self) -> Option<String> {
        fs::read(&self.program).ok().map(|bytes| sha256(&bytes))
    }

    fn shares_limits(&self) -> bool {
        true
    }
}
