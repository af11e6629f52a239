//! What all clusters of a labctl have in common: engine, checkout, image.

use std::env;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::image::NodeImage;
use super::project::COMPOSE_FILE;
use crate::cluster::docker::Docker;
use crate::cluster::{ClusterError, Tell};

/// The image's recipe, in the checkout.
pub(super) const DOCKERFILE: &str = "node/Dockerfile";

/// Everything that a [`super::ComposeCluster`] needs besides its spec.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The engine that answers.
    pub docker: Docker,
    /// The checkout with the Compose file.
    pub root: PathBuf,
    /// The folder in which labctl runs, with which its containers are labelled.
    pub folder: PathBuf,
    /// The nodes' image.
    pub image: NodeImage,
    /// Why containers, where nobody asked for them.
    pub reason: Option<String>,
}

impl Deployment {
    /// Finds the checkout and builds the image, which takes a second, or as long as the node
    /// takes to compile.
    ///
    /// # Errors
    /// [`ClusterError`] when there is no checkout, or as [`NodeImage::build`].
    pub fn prepare(
        docker: Docker,
        reason: Option<String>,
        tell: Tell,
        cancel: &CancellationToken,
    ) -> Result<Self, ClusterError> {
        let folder = env::current_dir()
            .map_err(|error| ClusterError::Setup(format!("cannot tell in which folder labctl runs: {error}")))?;
        let root = checkout()?;
        let image = NodeImage::build(&docker, &root, tell, cancel)?;
        Ok(Self { docker, root, folder, image, reason })
    }
}

/// The checkout that labctl was started in, or else the one that it was built in.
///
/// # Errors
/// [`ClusterError::Setup`] when it is in neither.
pub fn checkout() -> Result<PathBuf, ClusterError> {
    let starts = [env::current_dir().ok(), env::current_exe().ok(), Some(env!("CARGO_MANIFEST_DIR").into())];
    let found = starts.iter().flatten().find_map(|start| checkout_around(start));
    found.ok_or_else(|| {
        ClusterError::Setup(format!(
            "there is no {COMPOSE_FILE} with a {DOCKERFILE} here or in a folder above; run labctl in a checkout of its \
             repository, or use the process backend"
        ))
    })
}

/// The nearest folder from `start` upwards that has the deployment's files.
#[must_use]
pub fn checkout_around(start: &Path) -> Option<PathBuf> {
    let found = start.ancestors().find(|dir| dir.join(COMPOSE_FILE).is_file() && dir.join(DOCKERFILE).is_file());
    found.map(Path::to_owned)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_checkout_is_the_nearest_folder_with_both_files() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir_all(dir.path().join("node")).unwrap();
        fs::write(dir.path().join(COMPOSE_FILE), "").unwrap();
        assert_eq!(checkout_around(&inner), None);
        fs::write(dir.path().join(DOCKERFILE), "").unwrap();
        fs::write(inner.join(COMPOSE_FILE), "").unwrap();
        assert_eq!(checkout_around(&inner).as_deref(), Some(dir.path()));
    }
}
