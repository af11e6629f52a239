//! What all clusters of a labctl have in common: engine, checkout, image.

use std::env;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::image::NodeImage;
use super::present::present;
use crate::cluster::docker::Docker;
use crate::cluster::{ClusterError, Tell};
use crate::model::ContainerSpec;
use crate::network::program::IMAGE as PROXY_IMAGE;

/// Everything that a [`super::ComposeCluster`] needs besides its spec.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The engine that answers.
    pub docker: Docker,
    /// The checkout with the Compose file.
    pub root: PathBuf,
    /// The folder in which labctl runs, with which its containers are labelled.
    pub folder: PathBuf,
    /// How the system runs in containers.
    pub containers: ContainerSpec,
    /// The image that is built from the checkout: the nodes' if the lab's node is measured, the proxies' always.
    pub image: NodeImage,
    /// The id of the nodes' image, if that is not built from the checkout.
    pub foreign_image: Option<String>,
    /// Why containers were chosen. `None` if the user asked for them.
    pub reason: Option<String>,
}

impl Deployment {
    /// Finds the checkout, has the engine pull the nodes' image if it lacks it, and builds the other image,
    /// which takes a second, or as long as the node takes to compile.
    ///
    /// # Errors
    /// [`ClusterError`] when there is no checkout, an image cannot be pulled, or as [`NodeImage::build`].
    pub fn prepare(
        docker: Docker,
        containers: ContainerSpec,
        reason: Option<String>,
        tell: Tell,
        cancel: &CancellationToken,
    ) -> Result<Self, ClusterError> {
        let folder = env::current_dir()
            .map_err(|error| ClusterError::Setup(format!("cannot tell in which folder labctl runs: {error}")))?;
        let root = checkout(&containers)?;
        let (recipe, foreign_image) = match &containers {
            ContainerSpec::File(file) => (&file.recipe, None),
            ContainerSpec::Image(image) => (&PROXY_IMAGE, Some(present(&docker, image, tell, cancel)?)),
        };
        let image = NodeImage::build(&docker, &root, recipe, tell, cancel)?;
        Ok(Self { docker, root, folder, containers, image, foreign_image, reason })
    }
}

/// The checkout that labctl was started in, or else the one that it was built in.
///
/// # Errors
/// [`ClusterError::Setup`] when it is in neither.
pub fn checkout(containers: &ContainerSpec) -> Result<PathBuf, ClusterError> {
    let starts = [env::current_dir().ok(), env::current_exe().ok(), Some(env!("CARGO_MANIFEST_DIR").into())];
    let found = starts.iter().flatten().find_map(|start| checkout_around(containers, start));
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
        ContainerSpec::Image(_) => vec![PROXY_IMAGE.dockerfile],
    }
}

/// The nearest folder from `start` upwards that has the deployment's files.
#[must_use]
pub fn checkout_around(containers: &ContainerSpec, start: &Path) -> Option<PathBuf> {
    let files = files(containers);
    start.ancestors().find(|dir| files.iter().all(|file| dir.join(file).is_file())).map(Path::to_owned)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fs;

    use super::*;
    use crate::model::{ComposeFile, Followers, ImageRecipe};

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
        assert_eq!(checkout_around(&ContainerSpec::File(&FILE), &inner), None);
        fs::write(dir.path().join(FILE.recipe.dockerfile), "").unwrap();
        fs::write(inner.join(FILE.compose_file), "").unwrap();
        assert_eq!(checkout_around(&ContainerSpec::File(&FILE), &inner).as_deref(), Some(dir.path()));
    }
}
