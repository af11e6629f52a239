//! Docker trouble as the user of labctl meets it, with a scripted `docker` (tests/fake-docker).

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use labctl::cluster::Owner;
use labctl::data::Lock;

use crate::fake_docker::Fake;
use crate::lab::{Ended, Lab, SMALL};

/// A Docker that answers with these versions and builds the image.
const ENGINE: &str = r#"
case "$*" in
    "version "*) echo 20.10.24; exit ;;
    "compose version "*) echo 2.26.1; exit ;;
    "build "*) echo sha256:abc >"$iidfile" ;;
esac
"#;

/// `labctl` with the scripted Docker and no Cargo.
fn command(lab: &Lab, fake: &Fake, args: &[&str]) -> Command {
    let mut command = lab.command(args);
    let path = format!("{}:/usr/bin:/bin", fake.root().display());
    command.env("PATH", path).env("CARGO", "/nowhere/cargo");
    command
}

fn run(answers: &[&str], args: &[&str]) -> Ended {
    let (lab, fake) = (Lab::new(SMALL), Fake::new(answers));
    let ended: Ended = command(&lab, &fake, args).output().unwrap().into();
    assert!(!lab.path("data/W1").exists());
    ended
}

#[test]
fn what_is_missing_of_docker_is_said_with_what_to_do() {
    let no_compose = r#"
        case "$program $*" in
            "docker version "*) echo 20.10.24 ;;
            *) echo "docker: 'compose' is not a docker command." >&2; exit 1 ;;
        esac"#;
    let cases = [
        (
            "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1",
            "the Docker engine refuses this user: permission denied",
            "sudo usermod -aG docker",
        ),
        (
            "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2; exit 1",
            "no Docker engine answers: Cannot connect",
            "sudo systemctl start docker",
        ),
        (no_compose, "no Docker Compose: docker: 'compose' is not a docker command.", "install the Compose plug-in"),
    ];
    for (answers, what, advice) in cases {
        let ended = run(&[answers], &["run", "all", "--backend", "compose"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""), "{}", ended.stderr);
        for part in [what, advice, "or use the process backend"] {
            assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        }
    }
}

#[test]
fn an_engine_that_hangs_is_not_waited_for() {
    let started = Instant::now();
    let ended = run(&["sleep 600"], &["run", "all", "--backend", "compose"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("nothing heard within 5 s; start it"), "{}", ended.stderr);
    assert!(started.elapsed() < Duration::from_secs(120));
}

#[test]
fn an_image_that_cannot_be_built_shows_the_engines_last_words() {
    let fails = r#"case "$*" in "build "*) echo 'write /labnode: no space left on device' >&2; exit 1 ;; esac"#;
    let ended = run(&[ENGINE, fails], &["run", "all", "--backend", "compose"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    // `prebuilt` where a release build has left a binary, `source` in a fresh checkout.
    assert!(ended.stderr.contains("`docker build --target "), "{}", ended.stderr);
    assert!(ended.stderr.trim_end().ends_with("no space left on device"), "{}", ended.stderr);
}

#[test]
fn a_node_that_dies_at_its_start_is_named_with_its_log_and_taken_down() {
    let dies = r#"
        case "$*" in
            "ps --all --no-trunc "*)
                echo 'leader|c0|running|127.0.0.1:1->8000/tcp'
                echo 'f1|c1|exited|'
                echo 'f2|c2|running|127.0.0.1:1->8000/tcp'
                echo 'f3|c3|running|127.0.0.1:1->8000/tcp' ;;
            "logs c1") echo 'labnode: cannot listen on 0.0.0.0:8000: Address in use' >&2 ;;
        esac"#;
    let (lab, fake) = (Lab::new(SMALL), Fake::new(&[ENGINE, dies]));
    let ended: Ended = command(&lab, &fake, &["run", "1", "--backend", "compose"]).output().unwrap().into();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("f1: its container is not running (exited)"), "{}", ended.stderr);
    assert!(ended.stderr.contains("cannot listen on 0.0.0.0:8000"), "{}", ended.stderr);
    assert!(fake.calls("?").iter().any(|call| call.contains(" down ")), "{:?}", fake.calls("?"));
}

#[test]
fn down_removes_what_no_living_labctl_owns_and_says_so() {
    let this = Owner::this().to_string();
    let (_, place) = this.split_once('/').unwrap();
    let left = format!(
        r#"
        case "$*" in
            "ps --all --filter label=labctl.owner "*)
                echo 'labctl-dead-w1-00|4194304@5/{place}|/x'; echo 'labctl-live-w1-00|{this}|/y'
                echo 'labctl-else-w1-00|4194304@5/4026532999/elsewhere/other|/z'; echo 'labctl-old-w1-00|4194304@5|/z' ;;
            "ps --all --quiet "*=labctl-dead-w1-00) [ -e "$here/gone" ] || echo c7 ;;
            "ps --all --quiet "*) echo c8 ;;
            "rm --force --volumes c7") touch "$here/gone" ;;
        esac"#
    );
    let (lab, fake) = (Lab::new(SMALL), Fake::new(&[ENGINE, &left]));
    let ended: Ended = command(&lab, &fake, &["down"]).output().unwrap().into();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "removed labctl-dead-w1-00\n"), "{}", ended.stderr);
    for name in ["labctl-else-w1-00", "labctl-old-w1-00"] {
        assert!(ended.stderr.contains(&format!("left alone {name}: it was started in /z")), "{}", ended.stderr);
    }
    let calls = fake.calls("?");
    let removed: Vec<_> = calls.iter().filter(|call| call.starts_with("docker rm ")).collect();
    assert_eq!(removed, ["docker rm --force --volumes c7"], "{calls:?}");
}

/// Docker 20.10 sometimes counts one endpoint too many on a network until it is started anew.
#[test]
fn an_empty_network_that_the_engine_keeps_is_told_by_down_and_by_no_later_run() {
    let this = Owner::this().to_string();
    let (_, place) = this.split_once('/').unwrap();
    let keeps = format!(
        r#"
        case "$*" in
            "network ls --filter label=labctl.owner "*) echo 'labctl-dead-w1-00|4194304@5/{place}|/x' ;;
            "network ls --quiet "*=labctl-dead-w1-00) echo n1 ;;
            "network rm n1") echo 'network n1 has active endpoints' >&2; exit 1 ;;
            *" up "*) echo 'up ends here' >&2; exit 1 ;;
        esac"#
    );
    let (lab, fake) = (Lab::new(SMALL), Fake::new(&[ENGINE, &keeps]));
    let down: Ended = command(&lab, &fake, &["down"]).output().unwrap().into();
    assert_eq!((down.code, down.stdout.as_str()), (Some(0), ""), "{}", down.stderr);
    assert!(down.stderr.contains("left alone labctl-dead-w1-00: its network is empty"), "{}", down.stderr);
    let run: Ended = command(&lab, &fake, &["run", "1", "--backend", "compose"]).output().unwrap().into();
    assert!(run.stderr.contains("up ends here") && !run.stderr.contains("labctl-dead"), "{}", run.stderr);
    assert!(fake.calls("?").iter().filter(|call| *call == "docker network rm n1").count() > 1);
}

/// A Docker on which a cluster of `labctl up` runs that this process has started in `folder`.
fn playing(folder: &Path) -> String {
    format!(
        r#"
        case "$*" in
            "ps --all --filter label=labctl.owner "*) [ -e "$here/gone" ] || echo 'labctl-play|{}|{}' ;;
            "ps --all --quiet "*) [ -e "$here/gone" ] || echo c7 ;;
            "rm --force --volumes c7") touch "$here/gone" ;;
            *" up "*) echo 'up ends here' >&2; exit 1 ;;
        esac"#,
        Owner::this(),
        folder.display()
    )
}

#[test]
fn up_replaces_a_running_cluster_only_when_told_and_never_another_folders() {
    let lab = Lab::new(SMALL);
    let ours = playing(&lab.path("").canonicalize().unwrap());
    let up = |left: &str, args: &[&str]| {
        let fake = Fake::new(&[ENGINE, left]);
        let ended: Ended = command(&lab, &fake, args).output().unwrap().into();
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        let calls = fake.calls("?");
        let called = |verb: &str| calls.iter().position(|call| call.contains(verb));
        (ended.stderr, called("docker rm "), called(" up "))
    };
    let (stderr, removed, started) = up(&ours, &["up", "1", "--backend", "compose"]);
    assert!(stderr.contains("`labctl up --replace` puts a new one in its place"), "{stderr}");
    assert_eq!((removed, started), (None, None));

    let (stderr, removed, started) = up(&ours, &["up", "1", "--backend", "compose", "--replace"]);
    assert!(stderr.contains("removed labctl-play") && stderr.contains("up ends here"), "{stderr}");
    assert!(removed.is_some() && removed < started, "{removed:?} {started:?}");

    let other = tempfile::tempdir().unwrap();
    let (stderr, removed, started) = up(&playing(other.path()), &["up", "1", "--backend", "compose", "--replace"]);
    assert!(stderr.contains(&format!("it was started in {}", other.path().display())), "{stderr}");
    assert_eq!((removed, started), (None, None));
}

#[test]
fn up_over_local_processes_needs_replace_too() {
    // What a `labctl up` holds while its processes run, without the ports that it would take.
    let lab = Lab::new(SMALL);
    let held = Lock::take(&lab.path("data"), ".up").unwrap();
    let ended = lab.run(&["up", "1", "--backend", "process"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let holder = format!("the cluster of a labctl up, process {}, runs here", std::process::id());
    assert!(ended.stderr.contains(&holder) && ended.stderr.contains("--replace"), "{}", ended.stderr);
    drop(held);
}

#[test]
fn down_leaves_the_cluster_of_another_folder() {
    let (lab, other) = (Lab::new(SMALL), tempfile::tempdir().unwrap());
    let fake = Fake::new(&[ENGINE, &playing(other.path())]);
    let ended: Ended = command(&lab, &fake, &["down"]).output().unwrap().into();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("`labctl down` there removes it"), "{}", ended.stderr);
    assert!(!fake.path("gone").exists());
}

#[test]
fn a_temporary_folder_that_is_not_there_is_named_and_nothing_is_said_of_docker() {
    let (lab, fake) = (Lab::new(SMALL), Fake::new(&[ENGINE]));
    for args in [&["down"][..], &["doctor"], &["run", "1", "--backend", "compose"], &["run", "1"]] {
        let ended: Ended = command(&lab, &fake, args).env("TMPDIR", "/nonexistent").output().unwrap().into();
        assert_eq!(ended.code, Some(5), "{args:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("cannot make a temporary file in /nonexistent: No such file"),
            "{}",
            ended.stderr
        );
        assert!(!ended.stdout.contains("nothing is up") && !ended.stdout.contains("there is no"), "{}", ended.stdout);
    }
}

#[test]
fn down_says_no_more_than_it_knows() {
    let cases = [
        ("sleep 600", Some(3), "nothing heard within 5 s"),
        ("echo 'permission denied while trying to connect' >&2; exit 1", Some(3), "refuses this user"),
        ("echo 'Cannot connect to the Docker daemon.' >&2; exit 1", Some(0), "no containers were looked for"),
    ];
    for (answers, code, said) in cases {
        let (lab, fake) = (Lab::new(SMALL), Fake::new(&[answers]));
        let ended: Ended = command(&lab, &fake, &["down"]).output().unwrap().into();
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn what_comes_from_the_users_environment_is_said() {
    let (lab, fake) = (Lab::new(SMALL), Fake::new(&["echo 'Cannot connect' >&2; exit 1"]));
    let mut command = command(&lab, &fake, &["run", "1", "--backend", "compose"]);
    command.env("DOCKER_HOST", "tcp://127.0.0.1:1").env("TRACE_CAPACITY", "10").env("LABNODE_IMAGE", "mine");
    let ended: Ended = command.output().unwrap().into();
    assert!(ended.stderr.contains("used: DOCKER_HOST=tcp://127.0.0.1:1\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("ignored: LABNODE_IMAGE, TRACE_CAPACITY ("), "{}", ended.stderr);
}

#[test]
fn a_labnode_beside_labctl_is_not_ignored_without_a_word() {
    let (lab, fake) = (Lab::new(SMALL), Fake::new(&[ENGINE, "case \"$*\" in *\" up \"*) exit 1 ;; esac"]));
    let folder = tempfile::tempdir().unwrap();
    let labctl = folder.path().join("labctl");
    fs::copy(env!("CARGO_BIN_EXE_labctl"), &labctl).unwrap();
    fs::write(folder.path().join("labnode"), "a node").unwrap();
    let run = |backend: &str| {
        let mut command = Command::new(&labctl);
        let path = format!("{}:/usr/bin:/bin", fake.root().display());
        command.args(["run", "1", "--backend", backend]).current_dir(lab.path(""));
        let ended: Ended = command.env("PATH", path).env("CARGO", "/nowhere/cargo").output().unwrap().into();
        ended.stderr
    };
    let beside = folder.path().join("labnode").display().to_string();
    let process = run("process");
    assert!(process.contains(&format!("ignored: {beside} (local processes run labctl itself")), "{process}");
    // Without cargo it is the best there is.
    let compose = run("compose");
    assert!(compose.contains(&format!("there is no cargo here: the nodes run {beside}")), "{compose}");
    assert_eq!(fs::read_to_string(fake.path("context/labnode")).unwrap(), "a node");
}

#[test]
fn a_node_that_takes_long_to_build_is_told_of() {
    let (lab, fake) = (Lab::new(SMALL), Fake::new(&[ENGINE]));
    let slow = fake.path("cargo");
    fs::write(&slow, "#!/bin/sh\nsleep 1.5\nexit 1\n").unwrap();
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = command(&lab, &fake, &["run", "1", "--backend", "compose"]);
    let ended: Ended = command.env("CARGO", &slow).output().unwrap().into();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("building the node with cargo; the first time takes"), "{}", ended.stderr);
}

#[test]
fn a_port_that_is_taken_is_named_with_what_to_do() {
    // Somebody holds it, this test or another program.
    let _held = TcpListener::bind("127.0.0.1:8080");
    let lab = Lab::new(SMALL);
    let ended = lab.run(&["up", "1", "--backend", "process"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("cannot listen on 127.0.0.1:8080"), "{}", ended.stderr);
    assert!(ended.stderr.contains("`labctl down` stops an earlier cluster"), "{}", ended.stderr);

    let taken = r#"case "$*" in *" up "*) echo 'Bind for 127.0.0.1:8080 failed: port is already allocated' >&2; exit 1 ;; esac"#;
    let ended = run(&[ENGINE, taken], &["up", "1", "--backend", "compose"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("port is already allocated"), "{}", ended.stderr);
    assert!(ended.stderr.contains("`labctl down` stops an earlier cluster"), "{}", ended.stderr);
}
