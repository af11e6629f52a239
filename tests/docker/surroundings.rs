//! What surrounds labctl on a real engine: variables, paths, links.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use labctl::cluster::{Cluster, ClusterSpec, ComposeCluster, Deployment, NodeImage};
use labctl::config::Experiment;
use labctl::model::ImageRecipe;
use labctl::system::System as _;
use labctl::system::labnode::LabNode;
use tokio_util::sync::CancellationToken;

use crate::engine::{deployment, docker};

/// Starts seven followers, more than the file has, from a checkout at `root`, and takes them down.
fn up_and_down(root: &Path, deployment: &Deployment) {
    fs::create_dir_all(root).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker-compose.yml");
    fs::copy(file, root.join("docker-compose.yml")).unwrap();
    let experiment = Experiment { followers: 7.try_into().unwrap(), ..Experiment::default() };
    let quorum = 1.try_into().unwrap();
    let nodes = LabNode.nodes(&experiment, quorum);
    let spec = ClusterSpec::new(&"paths".parse().unwrap(), &experiment, quorum, nodes, LabNode.dialer(), true);
    let mut cluster = ComposeCluster::new(&Deployment { root: root.to_owned(), ..deployment.clone() }, spec);
    let endpoints = cluster.up(&CancellationToken::new()).unwrap();
    assert_eq!(endpoints.followers.len(), 7);
    cluster.down().unwrap();
}

#[test]
fn a_checkout_may_have_a_dollar_sign_in_its_path() {
    let Some(deployment) = deployment() else { return };
    let folder = tempfile::tempdir().unwrap();
    up_and_down(&folder.path().join("a $b ${c} 'd'"), deployment);
}

#[test]
fn a_dotenv_in_the_checkout_changes_nothing() {
    let Some(deployment) = deployment() else { return };
    let folder = tempfile::tempdir().unwrap();
    let variables = "DOCKER_HOST=tcp://127.0.0.1:1\nCOMPOSE_PARALLEL_LIMIT=2\nTRACE_CAPACITY=10\nWRITE_QUORUM=9\n";
    fs::write(folder.path().join(".env"), variables).unwrap();
    up_and_down(folder.path(), deployment);
}

#[test]
fn a_target_folder_behind_a_link_is_built_in() {
    let Some(deployment) = deployment() else { return };
    // Without a Cargo.toml nothing is compiled: the binary that is there is taken, whatever it is.
    let (folder, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(folder.path().join("node")).unwrap();
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("node/Dockerfile");
    fs::copy(recipe, folder.path().join("node/Dockerfile")).unwrap();
    let release = disk.path().join("x86_64-unknown-linux-gnu/release");
    fs::create_dir_all(&release).unwrap();
    fs::write(release.join("labnode"), "behind a link").unwrap();
    symlink(disk.path(), folder.path().join("target")).unwrap();
    let image =
        NodeImage::build(&deployment.docker, folder.path(), &ImageRecipe::LAB, &|_| {}, &CancellationToken::new());
    let image = image.unwrap();
    assert_ne!(image.id, deployment.image.as_ref().unwrap().id);
    docker(&["image", "rm", &image.id]);
}
