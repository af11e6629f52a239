//! An image of somebody else: whether the engine has it, and fetching it if not.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::cluster::docker::Docker;
use crate::cluster::{ClusterError, Tell};
use crate::model::ImageSpec;

/// How long the engine may take to look.
const LOOK_LIMIT: Duration = Duration::from_secs(20);
/// How long it may take to pull an image.
const PULL_LIMIT: Duration = Duration::from_mins(15);

/// The id of an image, `sha256:...`. What the engine does not have it pulls, after the user was told.
///
/// # Errors
/// [`ClusterError`]; if it cannot be pulled, with what to do instead.
pub(super) fn present(
    docker: &Docker,
    spec: &ImageSpec,
    tell: Tell,
    cancel: &CancellationToken,
) -> Result<String, ClusterError> {
    let image = spec.image.as_str();
    let look = docker.client(LOOK_LIMIT).args(["image", "inspect", "--format", "{{.Id}}", image]);
    match look.read(cancel) {
        Err(ClusterError::Failed { stderr, .. }) if is_absent(&stderr) => {}
        found => return found,
    }
    tell(&format!("the engine has no image {image}: pulling it"));
    let still = |elapsed: Duration| tell(&format!("pulling {image} ({} s so far)", elapsed.as_secs()));
    let pulled = docker.client(PULL_LIMIT).args(["pull", "--quiet", image]).read_telling(&still, cancel);
    match pulled {
        Ok(_) => look.read(cancel),
        Err(ClusterError::Failed { stderr, status, .. }) => {
            let said = stderr.lines().last().map_or(status, str::to_owned);
            Err(unobtainable(spec, &said))
        }
        Err(ClusterError::Deadline { limit, .. }) => {
            Err(unobtainable(spec, &format!("it was not there within {} s", limit.as_secs())))
        }
        Err(error) => Err(error),
    }
}

/// Whether the engine says that it does not have an image.
fn is_absent(said: &str) -> bool {
    said.to_lowercase().contains("no such image")
}

fn unobtainable(spec: &ImageSpec, why: &str) -> ClusterError {
    let ImageSpec { image, setting, .. } = spec;
    ClusterError::NoImage {
        found: format!("the image {image} is not on this machine and cannot be pulled: {why}"),
        advice: format!(
            "build one from a program of this machine (`scripts/image-from-binary NAME PROGRAM`) or load one, and name it \
             in experiments.toml ({setting} = \"NAME\")"
        ),
    }
}
