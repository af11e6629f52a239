//! Docker Compose as a backend.

use std::env;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::deployment::Deployment;
use super::orphans::{self, Keep};
use super::{ComposeCluster, NAME};
use crate::cluster::backend::{Backend, BackendKind, BackendRequest, Cleared, DoctorLine, PlayCluster, Refusal};
use crate::cluster::docker::{Docker, Programs, Unavailable, engine_variables, probe};
use crate::cluster::{Cluster, ClusterError, ClusterSpec, Tell};
use crate::model::ContainerSpec;

/// Docker Compose in the list of backends.
#[derive(Debug)]
pub(in crate::cluster) struct ComposeKind;

impl BackendKind for ComposeKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Docker Compose"
    }

    fn merit(&self) -> &'static str {
        "a Docker engine answers"
    }

    fn examine(&self) -> Result<Vec<DoctorLine>, ClusterError> {
        let found = |what, detail| DoctorLine { what, detail, advice: None };
        let used = engine_variables().into_iter().map(|variable| found("docker", format!("used: {variable}")));
        let docker = match probe(&Programs::default(), &CancellationToken::new()) {
            Ok(facts) => {
                let program = if facts.plugin { "docker compose" } else { "docker-compose" };
                let compose = format!("{} ({program})", facts.compose);
                vec![found("docker", format!("engine {}", facts.engine)), found("compose", compose)]
            }
            // That says nothing about Docker.
            Err(Unavailable::Unasked(error)) => return Err(error),
            Err(unavailable) => {
                let advice = Some(unavailable.advice());
                vec![DoctorLine { what: "docker", detail: unavailable.to_string(), advice }]
            }
        };
        Ok(used.chain(docker).collect())
    }

    fn prepare(&self, request: &BackendRequest<'_>, reason: Option<String>) -> Result<Arc<dyn Backend>, Refusal> {
        let BackendRequest { nodes, tell, cancel, .. } = *request;
        let containers = request.containers.cloned();
        let containers =
            containers.ok_or_else(|| ClusterError::Setup("nothing says how the nodes run in containers".to_owned()))?;
        tell_engine_variables(tell);
        let docker = Docker::new(Programs::default(), cancel).map_err(|unavailable| match unavailable {
            Unavailable::Unasked(error) => error.into(),
            unavailable => Refusal::NotHere { found: unavailable.to_string(), error: unavailable.into() },
        })?;
        match Deployment::prepare(docker, containers, nodes, reason, tell, cancel) {
            Ok(deployment) => Ok(Arc::new(deployment)),
            Err(ClusterError::NoImage { found, advice }) => {
                Err(Refusal::NotHere { found: found.clone(), error: ClusterError::NoImage { found, advice } })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn remove_all(&self, tell: Tell, cancel: &CancellationToken) -> Result<Cleared, ClusterError> {
        tell_engine_variables(tell);
        match Docker::new(Programs::default(), cancel) {
            Ok(docker) => {
                let here = env::current_dir().map_err(|error| ClusterError::no_current_folder(&error))?;
                orphans::remove(&docker, &here, Keep::Nothing, cancel)
            }
            // Any other trouble may hide containers that run.
            Err(unavailable @ (Unavailable::NoClient(_) | Unavailable::NoEngine(_))) => {
                let not_looked = Some(format!("no containers were looked for: {unavailable}"));
                Ok(Cleared { not_looked, ..Cleared::default() })
            }
            Err(unavailable) => Err(unavailable.into()),
        }
    }
}

/// Says which variables of the user's environment lead to the engine.
fn tell_engine_variables(tell: Tell) {
    engine_variables().iter().for_each(|variable| tell(&format!("used: {variable}")));
}

impl Backend for Deployment {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> String {
        let facts = self.docker.facts();
        format!("{NAME}: Docker Engine {}, Compose {}", facts.engine, facts.compose)
    }

    fn cluster(&self, spec: ClusterSpec) -> Result<Box<dyn Cluster>, ClusterError> {
        Ok(Box::new(ComposeCluster::new(self, spec)))
    }

    fn play(&self, spec: ClusterSpec) -> Result<PlayCluster, String> {
        Ok(PlayCluster { cluster: Box::new(ComposeCluster::play(self, spec)), outlives_labctl: true })
    }

    fn make_room(&self, replace: bool, tell: Tell, cancel: &CancellationToken) -> Result<(), ClusterError> {
        orphans::replace(&self.docker, &self.folder, replace, tell, cancel)
    }

    fn remove_orphans(&self, cancel: &CancellationToken) -> Result<Cleared, ClusterError> {
        orphans::remove(&self.docker, &self.folder, Keep::ClusterToPlayWith, cancel)
    }

    fn only_one_at_a_time(&self) -> Option<&'static str> {
        // A user's file may give a service a name or a port of the machine.
        matches!(self.containers, ContainerSpec::Project(_)).then_some("the nodes are services of one Compose file")
    }

    fn node_sha256(&self) -> Option<String> {
        // Somebody else's image is none of a program of this machine.
        self.image.as_ref().and_then(|image| image.node_sha256.clone())
    }
}
