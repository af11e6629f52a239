//! Nodes that are services of a user's own Compose file.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use labctl::cluster::{Cluster, ClusterError, ClusterSpec, ComposeCluster, Deployment, Docker, Programs, ProxyImage};
use labctl::config::Experiment;
use labctl::model::{
    Act, ContainerSpec, Dialer, Lifecycle, NodeId, NodeProgram, NodeSpec, Place, ProjectSpec, Readiness, Text,
    uniform_ms,
};
use tokio_util::sync::CancellationToken;

use crate::engine::{deployment, docker};
use crate::engine_left::{assert_nothing_left, project_label};

/// All that stands in the way of a second cluster, of another network, or of a kill; and a service that is no node.
const FILE: &str = r#"
version: "3.8"
x-node: &node
  build: .
  restart: always
  networks: [lab]
  volumes: ["data:/data"]
services:
  main:
    <<: *node
    container_name: labctl-test-main
    ports: ["8080:8000", "9999:9999"]
    environment:
      - ROLE=leader
      - LISTEN_ADDR=0.0.0.0:8000
      - FOLLOWERS=http://copy-1:8000,http://copy-2:8000
      - WRITE_QUORUM=${WRITE_QUORUM:?say how many}
      - NODE_NAME=${NAMED}
      - MAX_DELAY_MS=0
    depends_on: [copy-1, copy-2]
  copy-1: &copy
    <<: *node
    ports: ["8081:8000"]
    deploy: {replicas: 2, resources: {limits: {cpus: "0.5"}}}
    environment: {ROLE: follower, LISTEN_ADDR: "0.0.0.0:8000", NODE_NAME: "a$$b"}
  copy-2: *copy
  ui:
    image: labctl-test-lab
    environment: {ROLE: follower, LISTEN_ADDR: "0.0.0.0:8000"}
    ports: ["8090:8000"]
networks: {lab: {}}
volumes: {data: {}}
"#;

const LEADER: NodeId = NodeId::Leader;
const F1: NodeId = NodeId::Follower(0);
const F2: NodeId = NodeId::Follower(1);

/// Gives the lab's image a name that no other test takes away. False if there is no engine and none is required.
fn has_image() -> bool {
    deployment().is_some_and(|deployment| {
        docker(&["tag", &deployment.image.as_ref().unwrap().id, "labctl-test-lab"]);
        true
    })
}

/// A folder with the user's files.
fn files(compose: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("compose.yml"), compose).unwrap();
    fs::write(folder.path().join(".env"), "NAMED=by-env-file\n").unwrap();
    fs::write(folder.path().join("Dockerfile"), "FROM labctl-test-lab\nENV BUILT=yes\n").unwrap();
    folder
}

fn project(folder: &Path) -> ProjectSpec {
    let services = [(LEADER, "main"), (F1, "copy-1"), (F2, "copy-2")];
    ProjectSpec {
        file: folder.join("compose.yml"),
        services: services.map(|(node, service)| (node, service.to_owned())).into(),
        port: 8000,
        leader_port: 8000,
        setting: "[system.mine.start] compose".to_owned(),
    }
}

/// The nodes, which are told what the file leaves open, and where their followers are.
fn nodes() -> Vec<NodeSpec> {
    let followers = Text::joined([F1, F2].map(|follower| Text::new().url_of(follower)), ",");
    let environment = [
        ("FOLLOWERS", followers),
        ("WRITE_QUORUM", Text::from("2")),
        ("LISTEN_ADDR", Text::new().place(Place::Host).text(":").place(Place::Port)),
    ];
    let node = |node| NodeSpec {
        node,
        program: NodeProgram::Executable("/no/such".into()),
        arguments: Vec::new(),
        environment: environment.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect(),
        files: std::collections::BTreeMap::new(),
        start_in: None,
        readiness: Readiness::Accepts,
        start_limit: Duration::from_secs(60),
        lifecycle: Lifecycle::default(),
    };
    [F1, F2, LEADER].map(node).into()
}

fn prepared(programs: Programs, project: ProjectSpec) -> Result<Deployment, ClusterError> {
    let never = CancellationToken::new();
    let docker = Docker::new(programs, &never).unwrap();
    let say = |text: &str| eprintln!("{text}");
    let prepared = Deployment::prepare(docker, ContainerSpec::Project(project), &nodes(), None, &say, &never)?;
    // labctl would take itself, and here that is the program of the tests.
    let image = self::docker(&["image", "inspect", "--format", "{{.Id}}", "labctl-test-lab"]);
    Ok(Deployment { proxy_image: ProxyImage::of(image.trim().to_owned()), ..prepared })
}

fn cluster(deployment: &Deployment) -> ComposeCluster {
    let mut experiment = Experiment { followers: 2.try_into().unwrap(), ..Experiment::default() };
    experiment.network.delay = uniform_ms(0, 1).unwrap();
    let (name, quorum) = ("mine".parse().unwrap(), 2.try_into().unwrap());
    ComposeCluster::new(deployment, ClusterSpec::new(&name, &experiment, quorum, nodes(), Dialer::Leader, false))
}

/// What a node answers, once the answer is as wanted.
fn asked(address: &str, question: &str, is_wanted: impl Fn(&str) -> bool) -> String {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "{question} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let started = Instant::now();
    loop {
        let answer = ask();
        if let Some(answer) = answer.as_ref().ok().filter(|answer| is_wanted(answer)) {
            return answer.clone();
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{address}: {answer:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The plug-in and the stand-alone Compose, as far as this machine has them.
fn composes(folder: &Path) -> Vec<Programs> {
    // A client without the plug-in.
    let client = folder.join("docker");
    fs::write(&client, "#!/bin/sh\n[ \"$1\" = compose ] && exit 1\nexec docker \"$@\"\n").unwrap();
    fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).unwrap();
    let both = [Programs::default(), Programs { docker: client.into(), ..Programs::default() }];
    both.into_iter().filter(|programs| labctl::cluster::probe(programs, &CancellationToken::new()).is_ok()).collect()
}

#[test]
fn a_users_compose_file_runs_as_it_is_with_proxies_between_its_services() {
    if !has_image() {
        return;
    }
    let (folder, tools, never) = (files(FILE), tempfile::tempdir().unwrap(), CancellationToken::new());
    for programs in composes(tools.path()) {
        let deployment = prepared(programs, project(folder.path())).unwrap();
        // A second one at the same time: nothing of the machine is theirs alone.
        let mut clusters = [cluster(&deployment), cluster(&deployment)];
        for cluster in &mut clusters {
            let endpoints = cluster.up(&never).unwrap();
            let health = asked(&endpoints.leader, "GET /health", |said| said.contains("by-env-file"));
            assert!(health.contains(r#""followers":["http://link-f1:8000","http://link-f2:8000"]"#), "{health}");
            assert!(health.contains(r#""write_quorum":2"#), "{health}");
            asked(&endpoints.followers[0], "GET /health", |said| said.contains(r#""node":"a$b""#));
            assert_eq!(cluster.logs().keys().collect::<Vec<_>>(), ["f1", "f2", "leader", "link-f1", "link-f2"]);
            let filter = format!("label=com.docker.compose.project={}", cluster.project());
            // The nodes, their proxies and the user interface.
            assert_eq!(docker(&["ps", "--quiet", "--filter", &filter]).lines().count(), 6);
            let ports = docker(&["ps", "--filter", &filter, "--format", "{{.Ports}}"]);
            assert!(ports.contains("127.0.0.1:") && !ports.contains("0.0.0.0:"), "{ports}");
            cluster.start_epoch().unwrap();
        }
        let cluster = &mut clusters[0];
        cluster.inject(F1, &[Act::Cut, Act::Hide, Act::Show, Act::Pass, Act::Kill], &never).unwrap();
        // The file would have it start again by itself.
        thread::sleep(Duration::from_secs(1));
        cluster.inject(F1, &[Act::Start], &never).unwrap();
        let endpoints = cluster.inject(F2, &[Act::Pass], &never).unwrap();
        asked(&endpoints.followers[0], "GET /health", |said| said.contains(r#""node":"a$b""#));
        cluster.check(&never).unwrap();
        for mut cluster in clusters {
            cluster.down().unwrap();
            assert_nothing_left(&project_label(cluster.project()));
        }
    }
}

#[test]
fn what_is_wrong_with_a_users_compose_file_is_one_line_that_says_what_there_is() {
    if !has_image() {
        return;
    }
    let tools = tempfile::tempdir().unwrap();
    for programs in composes(tools.path()) {
        let refusal = |file: &str, change: &dyn Fn(&mut ProjectSpec)| {
            let folder = files(file);
            let mut project = project(folder.path());
            change(&mut project);
            let error = prepared(programs.clone(), project).unwrap_err().to_string();
            let shown = error.replace(folder.path().to_str().unwrap(), "DIR");
            assert_eq!(shown.lines().count(), 1, "{shown}");
            shown
        };
        assert_eq!(
            refusal(FILE, &|project| project.file.set_file_name("docker-compose.yml")),
            "there is no DIR/docker-compose.yml, which [system.mine.start] compose names; in DIR there is compose.yml"
        );
        assert_eq!(
            refusal(FILE, &|project| drop(project.services.insert(F2, "copy-3".to_owned()))),
            "DIR/compose.yml has no service copy-3, which [system.mine.start] compose names; its services are copy-1, \
             copy-2, main, ui"
        );
        assert_eq!(
            refusal(
                &FILE.replace("  copy-2: *copy", "  copy-2: {image: labctl-test-lab, network_mode: host}"),
                &|_| {}
            ),
            "the service copy-2 of DIR/compose.yml has network_mode host, so that none of its ports can be published: leave \
             network_mode out"
        );
        let understood = "Compose does not understand DIR/compose.yml, which [system.mine.start] compose names: ";
        for (file, said) in [("services: [", ""), ("services: {main: {imgae: x}}", "imgae"), ("", "")] {
            let refused = refusal(file, &|_| {});
            assert!(refused.starts_with(understood) && refused.contains(said), "{refused}");
        }
        let unset = refusal(&FILE.replace("{WRITE_QUORUM:?", "{OTHER:?"), &|_| {});
        assert!(unset.starts_with(understood) && unset.contains("say how many"), "{unset}");
        let missing = refusal(&FILE.replace("image: labctl-test-lab", "image: labctl-no-such-image"), &|_| {});
        assert!(missing.contains("the image labctl-no-such-image is not on this machine"), "{missing}");
    }
}
