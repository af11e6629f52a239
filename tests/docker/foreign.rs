//! Systems that run from an image of somebody else: the Compose file that labctl writes for them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use labctl::cluster::{Cluster, ClusterError, ClusterSpec, ComposeCluster, Deployment};
use labctl::config::Experiment;
use labctl::model::{
    Act, ContainerSpec, Dialer, ImageSpec, Lifecycle, NodeId, NodeProgram, NodeSpec, Place, Readiness, Text, uniform_ms,
};
use tokio_util::sync::CancellationToken;

use crate::engine::{deployment, docker};
use crate::engine_left::{assert_nothing_left, project_label};

const F1: NodeId = NodeId::Follower(0);

/// A deployment of this image, whatever the name says; the proxies' is the lab's node's.
fn of_image(deployment: &Deployment, image: &str, command: &[&str], port: u16) -> Deployment {
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    let spec =
        ImageSpec { image: image.to_owned(), command, port, storage: "", setting: "[system.x] image".to_owned() };
    let id = docker(&["image", "inspect", "--format", "{{.Id}}", image]);
    Deployment { containers: ContainerSpec::Image(spec), foreign_image: Some(id), ..deployment.clone() }
}

fn node(node: NodeId, environment: &[(&str, Text)], arguments: Vec<Text>) -> NodeSpec {
    NodeSpec {
        node,
        // Not looked at in containers.
        program: NodeProgram::Executable("/no/such".into()),
        arguments,
        environment: environment.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect(),
        files: BTreeMap::new(),
        start_in: None,
        readiness: Readiness::Accepts,
        start_limit: Duration::from_secs(60),
        lifecycle: Lifecycle::default(),
    }
}

fn cluster(deployment: &Deployment, nodes: Vec<NodeSpec>, dialer: Dialer) -> ComposeCluster {
    let mut experiment = Experiment { followers: 1.try_into().unwrap(), ..Experiment::default() };
    experiment.network.delay = uniform_ms(0, 1).unwrap();
    let spec = ClusterSpec::new(&"image".parse().unwrap(), &experiment, 1.try_into().unwrap(), nodes, dialer, false);
    ComposeCluster::new(deployment, spec)
}

/// What a node answers until it closes the connection, once it does.
fn asked(address: &str, question: &str, answer: impl Fn(&str) -> bool) -> String {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(question.as_bytes())?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        Ok(said)
    };
    let started = Instant::now();
    loop {
        match ask() {
            Ok(said) if answer(&said) => return said,
            other => assert!(started.elapsed() < Duration::from_secs(60), "{address}: {other:?}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nodes_and_the_proxies_of_all_links_come_up_break_and_go() {
    let Some(deployment) = deployment() else { return };
    // The lab's node as somebody else's: it has an entry point and needs no arguments.
    let deployment = of_image(deployment, &deployment.image.as_ref().unwrap().id, &[], 8000);
    let listen = || ("LISTEN_ADDR", Text::new().place(Place::Host).text(":").place(Place::Port));
    let role = |role: &str| ("ROLE", Text::from(role));
    let followers = ("FOLLOWERS", Text::new().url_of(F1));
    let nodes = vec![
        node(NodeId::Leader, &[listen(), role("leader"), followers, ("WRITE_QUORUM", Text::from("1"))], Vec::new()),
        node(F1, &[listen(), role("follower")], Vec::new()),
    ];
    let mut cluster = cluster(&deployment, nodes, Dialer::Leader);
    let never = CancellationToken::new();
    let endpoints = cluster.up(&never).unwrap();
    let health = "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let body = |said: &str| said.contains("\"followers\":[\"http://link-f1:8000\"]");
    asked(&endpoints.leader, health, body);
    asked(&endpoints.followers[0], health, |said| said.contains("\"role\":\"follower\""));
    let put = "PUT /kv/k HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 13\r\n\r\n{\"value\":\"1\"}";
    asked(&endpoints.leader, put, |said| said.starts_with("HTTP/1.1 200 "));
    cluster.start_epoch().unwrap();
    cluster.inject(F1, &[Act::Cut, Act::Pass, Act::Kill], &never).unwrap();
    let endpoints = cluster.inject(F1, &[Act::Start], &never).unwrap();
    asked(&endpoints.followers[0], health, |said| said.contains("\"role\":\"follower\""));
    cluster.check(&never).unwrap();
    assert_eq!(cluster.logs().keys().collect::<Vec<_>>(), ["f1", "leader", "link-f1"]);
    cluster.down().unwrap();
    assert_nothing_left(&project_label(cluster.project()));
}

/// An image of a program of this machine.
fn image_of(name: &str, program: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/image-from-binary");
    let built = Command::new(script).args([name, program]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

#[test]
fn a_node_has_its_files_arguments_and_environment_as_they_stand() {
    let Some(deployment) = deployment() else { return };
    image_of("labctl-test-tail", "tail");
    let deployment = of_image(deployment, "labctl-test-tail", &["tail", "-f"], 8000);
    let mut leader =
        node(NodeId::Leader, &[("A", Text::from("${A} $b"))], vec![Text::new().place(Place::Folder).text("/a $file")]);
    leader.files.insert("a $file".to_owned(), Text::from("$1 ${x} f1=").address_of(F1).text("\n"));
    let f1 = node(F1, &[], vec![Text::from("/no/such/file")]);
    let mut cluster = cluster(&deployment, vec![leader, f1], Dialer::Leader);
    // The follower ends at once.
    let error = cluster.up(&CancellationToken::new()).and_then(|_| {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            cluster.check(&CancellationToken::new())?;
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    });
    let error = error.unwrap_err();
    assert!(matches!(&error, ClusterError::Node { node, .. } if node == "f1"), "{error}");
    assert!(error.to_string().contains("cannot open '/no/such/file'"), "{error}");
    let leader = docker(&[
        "ps",
        "--quiet",
        "--filter",
        &format!("label=com.docker.compose.project={}", cluster.project()),
        "--filter",
        "label=com.docker.compose.service=leader",
    ]);
    let started = Instant::now();
    // What a program prints takes its way.
    while docker(&["logs", &leader]) != "$1 ${x} f1=link-f1:8000" {
        assert!(started.elapsed() < Duration::from_secs(60), "{}", docker(&["logs", &leader]));
        thread::sleep(Duration::from_millis(20));
    }
    let environment = docker(&["inspect", "--format", "{{json .Config.Env}}", &leader]);
    assert!(environment.contains("\"A=${A} $b\""), "{environment}");
    cluster.down().unwrap();
    assert_nothing_left(&project_label(cluster.project()));
    docker(&["image", "rm", "labctl-test-tail"]);
}

#[test]
fn an_image_that_is_nowhere_is_told_in_a_line() {
    let Some(deployment) = deployment() else { return };
    let spec = ImageSpec {
        // No registry answers there.
        image: "127.0.0.1:1/labctl/none:1".to_owned(),
        command: Vec::new(),
        port: 1,
        storage: "",
        setting: "[system.redis] image".to_owned(),
    };
    let told = std::cell::RefCell::new(Vec::new());
    let tell = |text: &str| told.borrow_mut().push(text.to_owned());
    let docker = deployment.docker.clone();
    let prepared = Deployment::prepare(docker, ContainerSpec::Image(spec), &[], None, &tell, &CancellationToken::new());
    let error = prepared.unwrap_err().to_string();
    assert_eq!(told.borrow()[0], "the engine has no image 127.0.0.1:1/labctl/none:1: pulling it");
    assert!(error.starts_with("the image 127.0.0.1:1/labctl/none:1 is not on this machine and cannot be pulled: "));
    assert!(error.contains("scripts/image-from-binary NAME PROGRAM"), "{error}");
    assert!(error.ends_with("name it in experiments.toml ([system.redis] image = \"NAME\")"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn a_real_database_from_this_machine_replicates_through_its_proxy() {
    let Some(deployment) = deployment() else { return };
    if Command::new("redis-server").arg("--version").output().is_err() {
        crate::require::missing("redis", "there is no redis-server");
        return;
    }
    image_of("labctl-test-redis", "redis-server");
    let deployment = of_image(deployment, "labctl-test-redis", &["redis-server"], 6379);
    let common = |more: Vec<Text>| {
        let plain = ["--save", "", "--appendonly", "no", "--protected-mode", "no", "--repl-diskless-sync-delay", "0"];
        let own = [
            Text::from("--port"),
            Text::new().place(Place::Port),
            Text::from("--dir"),
            Text::new().place(Place::Folder),
        ];
        plain.into_iter().map(Text::from).chain(own).chain(more).collect::<Vec<_>>()
    };
    let to_leader = vec![
        Text::from("--replicaof"),
        Text::new().place(Place::HostOf(NodeId::Leader)).text(" ").place(Place::PortOf(NodeId::Leader)),
    ];
    let nodes = vec![node(NodeId::Leader, &[], common(Vec::new())), node(F1, &[], common(to_leader))];
    let mut cluster = cluster(&deployment, nodes, Dialer::Follower);
    let never = CancellationToken::new();
    let endpoints = cluster.up(&never).unwrap();
    let (leader, f1) = (&endpoints.leader, &endpoints.followers[0]);
    asked(leader, "INFO replication\r\nQUIT\r\n", |said| said.contains("state=online"));
    asked(leader, "SET k v\r\nWAIT 1 9000\r\nQUIT\r\n", |said| said == "+OK\r\n:1\r\n+OK\r\n");
    asked(f1, "GET k\r\nQUIT\r\n", |said| said.starts_with("$1\r\nv\r\n"));
    cluster.inject(F1, &[Act::Cut], &never).unwrap();
    asked(leader, "SET k w\r\nWAIT 1 200\r\nQUIT\r\n", |said| said == "+OK\r\n:0\r\n+OK\r\n");
    asked(f1, "GET k\r\nQUIT\r\n", |said| said.starts_with("$1\r\nv\r\n"));
    cluster.inject(F1, &[Act::Pass], &never).unwrap();
    asked(f1, "GET k\r\nQUIT\r\n", |said| said.starts_with("$1\r\nw\r\n"));
    cluster.down().unwrap();
    assert_nothing_left(&project_label(cluster.project()));
    docker(&["image", "rm", "labctl-test-redis"]);
}
