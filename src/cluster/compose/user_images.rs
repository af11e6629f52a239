//! The images of the services of a user's Compose file: built by Compose, or pulled.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::present::present;
use super::project::Project;
use super::user_file::ResolvedFile;
use crate::cluster::docker::Docker;
use crate::cluster::{ClusterError, Tell};
use crate::model::{ImageSpec, ProjectSpec, sha256};

/// How long it may take to build all images of a file.
const BUILD_LIMIT: Duration = Duration::from_mins(30);

/// The name of the Compose project in which they are built; nothing runs in it.
pub(super) const BUILD_PROJECT: &str = "labctl-build";

/// The id of the image of each service, `sha256:...`. Those that the file says how to build are built, and keep
/// their name; what the engine lacks of the others is pulled.
///
/// # Errors
/// [`ClusterError`]; with the builder's last words if an image cannot be built.
pub(super) fn prepare(
    docker: &Docker,
    project: &ProjectSpec,
    file: &ResolvedFile,
    tell: Tell,
    cancel: &CancellationToken,
) -> Result<BTreeMap<String, String>, ClusterError> {
    let mut names: BTreeMap<String, String> =
        file.images().map(|(service, image)| (service.to_owned(), image.to_owned())).collect();
    let built: BTreeMap<String, (Value, String)> = file
        .built()
        .map(|(service, build, image)| {
            let image = image.map_or_else(|| image_name(&project.file, service), str::to_owned);
            (service.to_owned(), (build.clone(), image))
        })
        .collect();
    if !built.is_empty() {
        build(docker, &built, tell, cancel)?;
        names.extend(built.into_iter().map(|(service, (_, image))| (service, image)));
    }
    let mut ids = BTreeMap::new();
    for (service, image) in names {
        let setting = format!("the service {service} of {}: image", project.file.display());
        let spec = ImageSpec { image, command: Vec::new(), port: project.port, storage: "", setting };
        ids.insert(service, present(docker, &spec, tell, cancel)?);
    }
    Ok(ids)
}

fn build(
    docker: &Docker,
    services: &BTreeMap<String, (Value, String)>,
    tell: Tell,
    cancel: &CancellationToken,
) -> Result<(), ClusterError> {
    let services: Map<String, Value> = services
        .iter()
        .map(|(service, (build, image))| (service.clone(), json!({ "build": build, "image": image })))
        .collect();
    let project = Project::generated(docker.clone(), BUILD_PROJECT);
    fs::write(project.file(), json!({ "services": services }).to_string()).map_err(ClusterError::temporary)?;
    let still = |elapsed: Duration| tell(&format!("building the nodes' images ({} s so far)", elapsed.as_secs()));
    project.compose(None, BUILD_LIMIT).args(["build"]).merged().read_telling(&still, cancel).map(drop)
}

/// The name of an image that the file does not name: the same each time, so that no build leaves another behind.
fn image_name(file: &Path, service: &str) -> String {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let digest = sha256(file.as_os_str().as_encoded_bytes());
    format!("labctl-{}-{}", &digest[..8], service.to_lowercase())
}
