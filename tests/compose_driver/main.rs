//! The Compose driver against a scripted `docker` (tests/fake-docker): what it calls, in which
//! order and with which variables, and what it makes of the answers.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../fake-docker/mod.rs"]
mod fake_docker;
mod image;
mod removal;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use fake_docker::Fake;
use labctl::cluster::{
    Cluster, ClusterError, ClusterSpec, ComposeCluster, Deployment, Docker, NodeImage, Owner, Programs, ProxyImage,
    Unavailable,
};
use labctl::config::Experiment;
use labctl::system::System as _;
use labctl::system::labnode::LabNode;
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// A Docker that answers with these versions.
const ENGINE: &str = r#"
case "$*" in
    "version "*) echo 20.10.24; exit ;;
    "compose version "*) echo 2.26.1; exit ;;
esac
"#;

/// A listing of a leader and two followers, all running.
const RUNNING: &str = r#"
case "$*" in
    "ps --all --no-trunc "*)
        echo 'leader|c0|running|127.0.0.1:40000->8000/tcp'
        echo 'f2|c2|running|127.0.0.1:40002->8000/tcp'
        echo 'f1|c1|running|127.0.0.1:40001->8000/tcp' ;;
esac
"#;

/// A cluster of two followers at W = 2; the image is never looked at.
fn cluster(fake: &Fake) -> ComposeCluster {
    ComposeCluster::new(&deployment(fake), spec(2))
}

fn deployment(fake: &Fake) -> Deployment {
    let image = NodeImage { id: "sha256:abc".into(), node_sha256: None };
    let (root, folder) = (fake.root().to_owned(), std::env::current_dir().unwrap());
    Deployment {
        docker: fake.docker(),
        root,
        folder,
        containers: LabNode.containers(),
        proxy_image: ProxyImage::of(image.id.clone()),
        image: Some(image),
        foreign_image: None,
        user_images: std::collections::BTreeMap::new(),
        reason: Some("asked".into()),
    }
}

fn spec(followers: i64) -> ClusterSpec {
    let experiment = Experiment { followers: followers.try_into().unwrap(), ..Experiment::default() };
    let quorum = 2.try_into().unwrap();
    let nodes = LabNode.nodes(&experiment, quorum);
    ClusterSpec::new(&"quorum".parse().unwrap(), &experiment, quorum, nodes, LabNode.dialer(), true)
}

#[test]
fn up_and_down_make_these_calls() {
    let fake = Fake::new(&[ENGINE, RUNNING]);
    let mut cluster = cluster(&fake);
    let project = cluster.project().to_owned();
    assert!(project.starts_with("labctl-quorum-w2-"), "{project}");

    let endpoints = cluster.up(&CancellationToken::new()).unwrap();
    assert_eq!(endpoints.leader, "127.0.0.1:40000");
    assert_eq!(endpoints.followers, ["127.0.0.1:40001", "127.0.0.1:40002"]);

    cluster.down().unwrap();
    cluster.down().unwrap();
    drop(cluster);
    let ours = "docker compose --env-file T/no-variables -p P -f R/docker-compose.yml --project-directory R";
    let filter = "--filter label=com.docker.compose.project=P";
    let fields = r#"{{.Label "com.docker.compose.service"}}|{{.ID}}|{{.State}}|{{.Ports}}"#;
    assert_eq!(
        fake.calls(&project),
        [
            "docker version --format {{.Server.Version}}".to_owned(),
            "docker compose version --short".to_owned(),
            format!("{ours} up --detach --no-build leader f1 f2"),
            format!("docker ps --all --no-trunc {filter} --format {fields}"),
            format!("{ours} down --volumes --remove-orphans --timeout 2"),
            format!("docker ps --all --quiet {filter}"),
            format!("docker network ls --quiet {filter}"),
            format!("docker volume ls --quiet {filter}"),
        ]
    );
}

#[test]
fn the_nodes_environment_is_the_experiments() {
    let fake = Fake::new(&[ENGINE, RUNNING]);
    let mut cluster = cluster(&fake);
    cluster.up(&CancellationToken::new()).unwrap();
    for (name, value) in [
        ("WRITE_QUORUM", "2"),
        ("MAX_DELAY_MS", "1000"),
        ("DELAY_SEED", "42"),
        ("FOLLOWERS", "http://f1:8000,http://f2:8000"),
        ("LEADER_PORT", "0"),
        ("F1_PORT", "0"),
        ("F5_PORT", "0"),
        ("LABNODE_IMAGE", "sha256:abc"),
        ("LABNODE_HEALTH_INTERVAL", "1h"),
        ("LABCTL_OWNER", &Owner::this().to_string()),
    ] {
        assert_eq!(fake.env("up", name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn more_followers_than_the_file_has_come_from_a_second_real_file() {
    let fake = Fake::new(&[ENGINE]);
    let mut cluster = ComposeCluster::new(&deployment(&fake), spec(7));
    // Nothing is listed, so the cluster is not up; what matters is what was asked for.
    assert!(matches!(cluster.up(&CancellationToken::new()), Err(ClusterError::Node { .. })));
    let calls = fake.calls(cluster.project());
    let files = "-p P -f R/docker-compose.yml -f T/P.yml --project-directory R";
    assert!(calls[2].ends_with(&format!("{files} up --detach --no-build leader f1 f2 f3 f4 f5 f6 f7")), "{}", calls[2]);
    let extends = json!({ "file": fake.path("docker-compose.yml"), "service": "f1" });
    let service = |name| json!({ "extends": extends, "environment": { "NODE_NAME": name } });
    let expected = json!({ "services": { "f6": service("f6"), "f7": service("f7") } });
    let overlay: serde_json::Value = serde_json::from_slice(&fs::read(fake.path("over")).unwrap()).unwrap();
    assert_eq!(overlay, expected);
}

#[test]
fn a_dollar_sign_in_the_checkouts_path_begins_no_variable() {
    let fake = Fake::new(&[ENGINE]);
    let root = fake.path("a $b ${c}");
    fs::create_dir(&root).unwrap();
    let mut cluster = ComposeCluster::new(&Deployment { root, ..deployment(&fake) }, spec(6));
    assert!(cluster.up(&CancellationToken::new()).is_err());
    let over = fs::read_to_string(fake.path("over")).unwrap();
    assert!(over.contains("/a $$b $${c}/docker-compose.yml"), "{over}");
}

#[test]
fn tools_get_the_way_to_the_engine_and_nothing_else_of_the_users_environment() {
    let fake = Fake::new(&[ENGINE, RUNNING]);
    cluster(&fake).up(&CancellationToken::new()).unwrap();
    let seen = fs::read_to_string(fake.path("env.up")).unwrap();
    // Cargo sets this one for tests; whatever else is set here comes through as little.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some() && !seen.contains("CARGO"), "{seen}");
    assert_eq!(fake.env("up", "HOME"), std::env::var("HOME").ok());
    // Those of the file that the experiment does not set are left to the nodes.
    for name in ["TRACE_CAPACITY", "RUST_LOG", "COMPOSE_PARALLEL_LIMIT", "DOCKER_BUILDKIT"] {
        assert_eq!(fake.env("up", name), None, "{name}");
    }
}

#[test]
fn the_cluster_to_play_with_keeps_the_files_ports_and_runs_on() {
    let fake = Fake::new(&[ENGINE, RUNNING]);
    let mut cluster = ComposeCluster::play(&deployment(&fake), spec(2));
    assert_eq!(cluster.project(), "labctl-play");
    cluster.up(&CancellationToken::new()).unwrap();
    cluster.detach();
    assert_eq!(fake.env("up", "LEADER_PORT"), None);
    assert!(!fake.calls("labctl-play").iter().any(|call| call.contains(" down ")));
}

#[test]
fn dropping_a_cluster_takes_it_down() {
    let fake = Fake::new(&[ENGINE, RUNNING]);
    let mut cluster = cluster(&fake);
    cluster.up(&CancellationToken::new()).unwrap();
    drop(cluster);
    assert!(fake.calls("?").iter().any(|call| call.contains(" down ")));
}

#[test]
fn a_cluster_that_was_never_up_is_not_taken_down() {
    let fake = Fake::new(&[ENGINE]);
    drop(cluster(&fake));
    assert_eq!(fake.calls("?").len(), 2);
}

#[test]
fn a_failed_up_shows_the_engines_last_words_and_is_taken_down() {
    let fails = r#"
        case "$*" in *" up "*)
            echo ' Container labctl-f1-1  Creating' >&2
            echo 'Error response from daemon: no space left on device' >&2
            exit 18 ;;
        esac"#;
    let fake = Fake::new(&[ENGINE, fails]);
    let mut cluster = cluster(&fake);
    let error = cluster.up(&CancellationToken::new()).unwrap_err().to_string();
    assert!(error.contains("up --detach --no-build leader f1 f2` failed (exit status 18)\n"), "{error}");
    assert!(error.ends_with(")\n    Error response from daemon: no space left on device"), "{error}");
    drop(cluster);
    assert!(fake.calls("?").iter().any(|call| call.contains(" down ")));
}

#[test]
fn a_node_that_died_is_named_with_its_log() {
    let dead = r#"
        case "$*" in
            "ps --all --no-trunc "*)
                echo 'leader|c0|running|127.0.0.1:40000->8000/tcp'
                echo 'f1|c1|exited|'
                echo 'f2|c2|running|127.0.0.1:40002->8000/tcp' ;;
            "logs c1") echo 'ROLE="x" is not accepted: expected leader or follower' >&2 ;;
        esac"#;
    let fake = Fake::new(&[ENGINE, dead]);
    let error = cluster(&fake).up(&CancellationToken::new()).unwrap_err().to_string();
    let expected =
        "f1: its container is not running (exited)\n    ROLE=\"x\" is not accepted: expected leader or follower";
    assert_eq!(error, expected);
}

#[test]
fn logs_are_told_apart_by_node() {
    let logs = r#"case "$*" in "logs "*) echo "out of $2"; echo "err of $2" >&2 ;; esac"#;
    let fake = Fake::new(&[ENGINE, RUNNING, logs]);
    let mut cluster = cluster(&fake);
    cluster.up(&CancellationToken::new()).unwrap();
    let logs = cluster.logs();
    assert_eq!(logs.keys().collect::<Vec<_>>(), ["f1", "f2", "leader"]);
    assert_eq!(logs["f2"], b"out of c2\nerr of c2\n");
}

#[test]
fn cancelling_ends_a_hanging_up_and_down_still_works() {
    // `up` says that it hangs by making a file, and never ends by itself.
    let hangs = r#"case "$*" in *" up "*) touch "$here/hangs"; sleep 600 ;; esac"#;
    let fake = Fake::new(&[ENGINE, hangs]);
    let mut cluster = cluster(&fake);
    let cancel = CancellationToken::new();
    let started = Instant::now();
    let error = thread::scope(|scope| {
        let up = scope.spawn(|| cluster.up(&cancel));
        while !fake.path("hangs").exists() && !up.is_finished() {
            thread::sleep(Duration::from_millis(5));
        }
        cancel.cancel();
        up.join().unwrap().unwrap_err()
    });
    assert!(matches!(error, ClusterError::Interrupted), "{error}");
    assert!(started.elapsed() < Duration::from_secs(60));
    cluster.down().unwrap();
    assert!(fake.calls("?").iter().any(|call| call.contains(" down ")));
}

#[test]
fn the_stand_alone_compose_is_used_where_the_plug_in_is_missing() {
    let no_plugin = r#"
        case "$program $*" in
            "docker version "*) echo 20.10.24; exit ;;
            "docker compose "*) echo 'docker: unknown command: docker compose' >&2; exit 1 ;;
            "docker-compose version "*) echo 1.29.2 ;;
        esac"#;
    let fake = Fake::new(&[no_plugin, RUNNING]);
    let mut cluster = cluster(&fake);
    cluster.up(&CancellationToken::new()).unwrap();
    let calls = fake.calls(cluster.project());
    let expected = "docker-compose --env-file T/no-variables -p P -f R/docker-compose.yml --project-directory R up \
                    --detach --no-build leader f1 f2";
    assert_eq!(calls[3], expected);
    assert_eq!(cluster.facts().compose.as_deref(), Some("1.29.2"));
}

#[test]
fn the_probe_tells_what_is_missing() {
    let nobody = Programs { docker: "/nowhere/docker".into(), standalone: "/nowhere/docker-compose".into() };
    let error = Docker::new(nobody, &CancellationToken::new()).unwrap_err();
    assert!(matches!(error, Unavailable::NoClient(_)), "{error}");

    let denied = "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1";
    assert!(matches!(Fake::new(&[denied]).probe(), Unavailable::Denied(_)));

    let down = "echo; echo 'Cannot connect to the Docker daemon at tcp://127.0.0.1:1.' >&2; exit 1";
    let error = Fake::new(&[down]).probe();
    assert_eq!(
        error.to_string(),
        "no Docker engine answers: Cannot connect to the Docker daemon at tcp://127.0.0.1:1."
    );

    let alone = r#"
        case "$program $*" in
            "docker version "*) echo 20.10.24 ;;
            "docker compose "*) echo 'docker: unknown command: docker compose' >&2; exit 1 ;;
            *) echo 1.25.0 ;;
        esac"#;
    let error = Fake::new(&[alone]).probe();
    assert!(
        matches!(&error, Unavailable::NoCompose { detail, .. } if detail == "version 1.25.0 is too old"),
        "{error}"
    );
    let setup = ClusterError::from(error).to_string();
    assert!(setup.contains("; install the Compose plug-in"), "{setup}");
}

#[test]
fn an_engine_that_hangs_is_given_up() {
    let started = Instant::now();
    let error = Fake::new(&["sleep 600"]).probe();
    assert_eq!(error.to_string(), "no Docker engine answers: nothing heard within 5 s");
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_full_address_pool_is_told_with_what_to_do() {
    let words = [
        "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
        "all predefined address pools have been fully subnetted",
    ];
    for said in words {
        let fails = format!("case \"$*\" in *\" up \"*) echo '{said}' >&2; exit 1 ;; esac");
        let fake = Fake::new(&[ENGINE, &fails]);
        let error = cluster(&fake).up(&CancellationToken::new()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert!(error.contains("docker network prune") && error.contains("default-address-pools"), "{error}");
    }
}

#[test]
fn a_log_that_cannot_be_had_is_told_in_its_place() {
    let no_logs =
        r#"case "$*" in "logs c1") echo 'configured logging driver does not support reading' >&2; exit 1 ;; esac"#;
    let fake = Fake::new(&[ENGINE, RUNNING, no_logs]);
    let mut cluster = cluster(&fake);
    cluster.up(&CancellationToken::new()).unwrap();
    let log = String::from_utf8(cluster.logs()["f1"].clone()).unwrap();
    assert!(log.starts_with("labctl: the log cannot be had: `") && log.contains("does not support reading"), "{log}");
}
