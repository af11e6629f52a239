//! How the nodes' image is built.

use std::fs;

use labctl::cluster::{Cluster, ClusterError, ClusterSpec, ComposeCluster, Deployment, NodeImage, ProxyImage};
use labctl::config::Experiment;
use labctl::model::{ContainerSpec, Dialer, ImageRecipe, ImageSpec};
use labctl::system::System as _;
use labctl::system::labnode::LabNode;
use tokio_util::sync::CancellationToken;

use crate::ENGINE;
use crate::fake_docker::Fake;

/// Answers to a successful build.
const BUILDS: &str = r#"
case "$*" in "build "*) echo sha256:abc >"$iidfile" ;; esac
"#;

fn build(fake: &Fake) -> Result<NodeImage, ClusterError> {
    NodeImage::build(&fake.docker(), fake.root(), &ImageRecipe::LAB, &|_| {}, &CancellationToken::new())
}

#[test]
fn an_image_is_built_around_the_binary_that_is_there() {
    let fake = Fake::new(&[ENGINE, BUILDS]);
    fake.checkout(Some(b"abc"));
    let image = build(&fake).unwrap();
    assert_eq!(image.id, "sha256:abc");
    // FIPS 180-2, appendix B.1.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(image.node_sha256.as_deref(), Some(abc));
    let call = "docker build --target prebuilt --tag labnode --build-arg LABNODE_BINARY=labnode --iidfile T/image-id \
                --file T/Dockerfile T";
    assert_eq!(fake.calls("?").last().unwrap(), call);
    // Nothing but what the image is made of, wherever the binary was.
    let mut sent: Vec<_> = fs::read_dir(fake.path("context"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    sent.sort();
    assert_eq!(sent, ["Dockerfile", "labnode"]);
    assert_eq!(fs::read(fake.path("context/labnode")).unwrap(), b"abc");
    // No plug-in is needed for it, whatever the user's DOCKER_BUILDKIT says.
    assert_eq!(fake.env("build", "DOCKER_BUILDKIT").as_deref(), Some("0"));
}

#[test]
fn a_binary_behind_a_link_to_another_disk_is_built_in() {
    let fake = Fake::new(&[ENGINE, BUILDS]);
    fake.checkout(Some(b"abc"));
    fs::rename(fake.path("target"), fake.path("disk")).unwrap();
    std::os::unix::fs::symlink("disk", fake.path("target")).unwrap();
    build(&fake).unwrap();
    assert_eq!(fs::read(fake.path("context/labnode")).unwrap(), b"abc");
}

#[test]
fn a_client_without_the_classic_builder_builds_with_its_plug_in() {
    let only_plug_in = r#"
        case "$DOCKER_BUILDKIT $*" in
            "0 build "*) echo 'ERROR: the legacy builder has been removed: use BuildKit' >&2; exit 1 ;;
        esac"#;
    let fake = Fake::new(&[ENGINE, only_plug_in, BUILDS]);
    fake.checkout(Some(b"abc"));
    assert_eq!(build(&fake).unwrap().id, "sha256:abc");
    assert_eq!(fake.env("build", "DOCKER_BUILDKIT"), None);
}

#[test]
fn without_a_binary_the_image_is_built_from_source() {
    let fake = Fake::new(&[ENGINE, BUILDS]);
    fake.checkout(None);
    let image = build(&fake).unwrap();
    assert_eq!(image.node_sha256, None);
    assert!(fake.calls("?").last().unwrap().starts_with("docker build --target source "));
}

#[test]
fn a_failed_build_shows_the_last_lines_of_either_stream() {
    let fails = r#"
        case "$*" in "build "*)
            for line in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo "step $line"; done
            echo 'COPY failed: no source files were specified' >&2
            exit 1 ;;
        esac"#;
    let fake = Fake::new(&[ENGINE, fails]);
    fake.checkout(None);
    let error = build(&fake).unwrap_err().to_string();
    assert!(error.ends_with("\n    step 20\n    COPY failed: no source files were specified"), "{error}");
    assert!(!error.contains("step 1\n"), "{error}");
}

/// Calls that build an image while nodes of a foreign image come up, whose delays are the nodes' own or those of proxies.
fn built_for(own_delays: bool) -> Vec<String> {
    let fake = Fake::new(&[ENGINE, BUILDS]);
    let image = ImageSpec {
        image: "store:1".into(),
        command: Vec::new(),
        port: 8000,
        setting: "[system.x] image".into(),
        storage: "",
    };
    let deployment = Deployment {
        containers: ContainerSpec::Image(image),
        image: None,
        proxy_image: ProxyImage::default(),
        foreign_image: Some("sha256:def".into()),
        ..crate::deployment(&fake)
    };
    let (experiment, quorum) = (Experiment::default(), 2.try_into().unwrap());
    let nodes = LabNode.nodes(&experiment, quorum);
    let spec = ClusterSpec::new(&"x".parse().unwrap(), &experiment, quorum, nodes, Dialer::Leader, own_delays);
    // The engine lists no containers, so that it does not come about.
    ComposeCluster::new(&deployment, spec).up(&CancellationToken::new()).unwrap_err();
    fake.calls("?").into_iter().filter(|call| call.starts_with("docker build ")).collect()
}

#[test]
fn proxies_run_labctl_in_an_image_that_is_built_where_there_is_a_proxy() {
    assert_eq!(built_for(true), [""; 0]);
    let call = "docker build --tag labctl-proxy --iidfile T/image-id --file T/Dockerfile T";
    assert_eq!(built_for(false), [call]);
}
