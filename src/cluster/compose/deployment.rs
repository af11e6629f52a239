//! What all clusters of a labctl have in common: engine, checkout, image.

use std::collections::BTreeMap;
use std::env;
use std::env::consts::OS;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::image::NodeImage;
use super::present::present;
use super::proxy_image::ProxyImage;
use super::user_file::{self, ResolvedFile};
use super::user_images::{self, BUILD_PROJECT};
use crate::cluster::docker::Docker;
use crate::cluster::{ClusterError, Tell};
use crate::model::{ContainerSpec, ImageRecipe, NodeId, NodeSpec};

/// Everything that a [`super::ComposeCluster`] needs besides its spec.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The engine that answers.
    pub docker: Docker,
    /// The checkout with the Compose file; empty if none is needed.
    pub root: PathBuf,
    /// The folder in which labctl runs, with which its containers are labelled.
    pub folder: PathBuf,
    /// How the system runs in containers.
    pub containers: ContainerSpec,
    /// The image that is built from the checkout. `None` if the nodes are not the lab's.
    pub image: Option<NodeImage>,
    /// The image of the proxies.
    pub proxy_image: ProxyImage,
    /// The id of the nodes' image, or of the leader's if they differ, if that is not built from the checkout.
    pub foreign_image: Option<String>,
    /// The ids of the images of a user's Compose file, by service.
    pub user_images: BTreeMap<String, String>,
    /// Why containers were chosen. `None` if the user asked for them.
    pub reason: Option<String>,
}

impl Deployment {
    /// Has the engine pull or build the images of the nodes that it lacks. The image of the lab's node is built from the
    /// checkout, which takes a second, or as long as the node takes to compile; the proxies' as well where labctl itself cannot
    /// run in a container. `nodes` are those of some run.
    ///
    /// # Errors
    /// [`ClusterError`] when there is no checkout, an image cannot be pulled, or as [`NodeImage::build`].
    pub fn prepare(
        docker: Docker,
        containers: ContainerSpec,
        nodes: &[NodeSpec],
        reason: Option<String>,
        tell: Tell,
        cancel: &CancellationToken,
    ) -> Result<Self, ClusterError> {
        let folder = env::current_dir().map_err(|error| ClusterError::no_current_folder(&error))?;
        let mut user_images = BTreeMap::new();
        let foreign_image = match &containers {
            ContainerSpec::File(_) => None,
            ContainerSpec::Image(image) => Some(present(&docker, image, tell, cancel)?),
            ContainerSpec::Project(project) => {
                let variables = user_file::variables(project, nodes, None);
                let file = ResolvedFile::read(&docker, project, BUILD_PROJECT, &variables, cancel)?;
                user_images = user_images::prepare(&docker, project, &file, tell, cancel)?;
                let leader = user_images.get(&project.service(NodeId::Leader));
                Some(leader.cloned().unwrap_or_default())
            }
        };
        let recipe = match &containers {
            ContainerSpec::File(file) => Some(file.recipe),
            ContainerSpec::Image(_) | ContainerSpec::Project(_) => (OS != "linux").then_some(ImageRecipe::LAB),
        };
        let mut prepared = Self {
            docker,
            root: PathBuf::new(),
            folder,
            containers,
            image: None,
            proxy_image: ProxyImage::default(),
            foreign_image,
            user_images,
            reason,
        };
        if let Some(recipe) = recipe {
            prepared.root = checkout(&prepared.containers)?;
            let image = NodeImage::build(&prepared.docker, &prepared.root, &recipe, tell, cancel)?;
            prepared.proxy_image = ProxyImage::of(image.id.clone());
            prepared.image = Some(image).filter(|_| prepared.foreign_image.is_none());
        }
        Ok(prepared)
    }
}

/// The checkout that labctl was started in, or else the one that it was built in.
///
/// # Errors
/// [`ClusterError::Setup`] when it is in neither.
fn checkout(containers: &ContainerSpec) -> Result<PathBuf, ClusterError> {
    let starts = [env::current_dir().ok(), env::current_exe().ok(), Some(env!("CARGO_MANIFEST_DIR").into())];
    let found = starts.iter().flatten().find_map(|start| folder_with(&files(containers), start));
    found.ok_or_else(|| {
        ClusterError::Setup(format!(
            "there is no {} here or in a folder above; run labctl in a checkout of its repository, or use the process \
             backend",
            files(containers).join(" with a ")
        ))
    })
}

/// The files of the checkout that a deployment needs, from its root.
fn files(containers: &ContainerSpec) -> Vec<&'static str> {
    match containers {
        ContainerSpec::File(file) => vec![file.compose_file, file.recipe.dockerfile],
        ContainerSpec::Image(_) | ContainerSpec::Project(_) => vec![ImageRecipe::LAB.dockerfile],
    }
}

/// The nearest folder from `start` upwards that is a checkout of labctl's repository, by the image it builds.
pub(super) fn checkout_around(start: &Path) -> Option<PathBuf> {
    folder_with(&[ImageRecipe::LAB.dockerfile], start)
}

/// The nearest folder from `start` upwards that has these files.
fn folder_with(files: &[&str], start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|dir| files.iter().all(|file| dir.join(file).is_file())).map(Path::to_owned)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fs;

    use super::*;
    use crate::model::{ComposeFile, Followers};

    static FILE: ComposeFile = ComposeFile {
        compose_file: "compose.yml",
        followers: Followers::constant(5),
        port: 1,
        recipe: ImageRecipe { dockerfile: "node/Dockerfile", binary: "node", binary_argument: "BINARY" },
        image_variable: "IMAGE",
        variables: &[],
        user_variables: &[],
    };

    #[test]
    fn the_checkout_is_the_nearest_folder_with_both_files() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir_all(dir.path().join("node")).unwrap();
        fs::write(dir.path().join(FILE.compose_file), "").unwrap();
        assert_eq!(folder_with(&files(&ContainerSpec::File(&FILE)), &inner), None);
        fs::write(dir.path().join(FILE.recipe.dockerfile), "").unwrap();
        fs::write(inner.join(FILE.compose_file), "").unwrap();
        assert_eq!(folder_with(&files(&ContainerSpec::File(&FILE)), &inner).as_deref(), Some(dir.path()));
    }
}
