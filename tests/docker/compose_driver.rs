//! The Compose driver: what it starts, names and leaves behind.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use labctl::cluster::{Cluster, ClusterError, ClusterSpec, ComposeCluster, Deployment, Owner, projects_left};
use labctl::config::Experiment;
use labctl::system::System as _;
use labctl::system::labnode::LabNode;
use tokio_util::sync::CancellationToken;

use crate::engine::{deployment, docker};
use crate::engine_left::{assert_nothing_left, left, project_label};

fn cluster(deployment: &Deployment, followers: i64) -> ComposeCluster {
    let experiment = Experiment { followers: followers.try_into().unwrap(), ..Experiment::default() };
    let quorum = 2.try_into().unwrap();
    let nodes = LabNode.nodes(&experiment, quorum);
    let spec = ClusterSpec::new(&"smoke".parse().unwrap(), &experiment, quorum, nodes, LabNode.dialer(), true);
    ComposeCluster::new(deployment, spec)
}

/// A node's `/health`, as soon as it answers.
fn health(address: &str) -> serde_json::Value {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let started = Instant::now();
    loop {
        if let Some(json) = ask().ok().and_then(|answer| serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()) {
            return json;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{address} does not answer");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_cluster_comes_up_answers_and_goes_without_a_trace() {
    let Some(deployment) = deployment() else { return };
    let size: u64 =
        docker(&["image", "inspect", "--format", "{{.Size}}", &deployment.image.as_ref().unwrap().id]).parse().unwrap();
    assert!(size <= 12_000_000, "the image has {size} bytes");

    let started = Instant::now();
    let mut cluster = cluster(deployment, 5);
    let endpoints = cluster.up(&CancellationToken::new()).unwrap();
    let up = started.elapsed();
    let leader = health(&endpoints.leader);
    assert_eq!((&leader["role"], &leader["write_quorum"]), (&"leader".into(), &2.into()));
    assert_eq!(leader["followers"].as_array().unwrap().len(), 5);
    for (index, address) in endpoints.followers.iter().enumerate() {
        assert_eq!(health(address)["node"], format!("f{}", index + 1));
    }
    let ready = started.elapsed();
    cluster.check(&CancellationToken::new()).unwrap();
    let logs = cluster.logs();
    assert_eq!(logs.len(), 6);
    assert!(logs.values().all(|log| !log.is_empty()), "{logs:?}");
    let left = projects_left(&deployment.docker, &CancellationToken::new()).unwrap();
    let ours = left.iter().find(|left| left.name == cluster.project()).unwrap();
    assert_eq!(ours.owner, Owner::this());

    let before = Instant::now();
    cluster.down().unwrap();
    eprintln!("up {up:.2?}, ready {ready:.2?}, down {:.2?}", before.elapsed());
    assert_nothing_left(&project_label(cluster.project()));
}

#[test]
fn more_followers_than_the_compose_file_has() {
    let Some(deployment) = deployment() else { return };
    let mut cluster = cluster(deployment, 7);
    let endpoints = cluster.up(&CancellationToken::new()).unwrap();
    assert_eq!(health(&endpoints.leader)["followers"][6], "http://f7:8000");
    assert_eq!(health(&endpoints.followers[6])["node"], "f7");
    let project = cluster.project().to_owned();
    drop(cluster);
    assert_nothing_left(&project_label(&project));
}

#[test]
fn a_killed_node_is_named() {
    let Some(deployment) = deployment() else { return };
    let mut cluster = cluster(deployment, 1);
    cluster.up(&CancellationToken::new()).unwrap();
    let filter = format!("label=com.docker.compose.project={}", cluster.project());
    let f1 = docker(&["ps", "--quiet", "--filter", &filter, "--filter", "label=com.docker.compose.service=f1"]);
    docker(&["kill", &f1]);
    docker(&["wait", &f1]);
    let error = cluster.check(&CancellationToken::new()).unwrap_err();
    assert!(matches!(&error, ClusterError::Node { node, .. } if node == "f1"), "{error}");
}

#[test]
fn an_interrupted_start_leaves_nothing() {
    let Some(deployment) = deployment() else { return };
    let mut cluster = cluster(deployment, 5);
    let project = cluster.project().to_owned();
    let cancel = CancellationToken::new();
    let result = thread::scope(|scope| {
        let up = scope.spawn(|| cluster.up(&cancel));
        while left(&project_label(&project)).len() < 2 && !up.is_finished() {
            thread::sleep(Duration::from_millis(5));
        }
        cancel.cancel();
        up.join().unwrap()
    });
    assert!(matches!(result, Err(ClusterError::Interrupted)), "{result:?}");
    cluster.down().unwrap();
    assert_nothing_left(&project_label(&project));
}
