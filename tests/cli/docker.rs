//! Docker trouble as the user of labctl meets it, with a scripted `docker` (tests/fake-docker).

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::fake_docker::Fake;
use crate::lab::{Ended, Lab, SMALL};

/// A Docker that answers with these versions and builds the image.
const ENGINE: &str = r#"
case "$*" in
    "version "*) echo 20.10.24; exit ;;
    "compose version "*) echo 2.26.1; exit ;;
    "image inspect "*) echo sha256:abc; exit ;;
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
    let fails = r#"case "$*" in *" build leader") echo 'write /labnode: no space left on device' >&2; exit 1 ;; esac"#;
    let ended = run(&[ENGINE, fails], &["run", "all", "--backend", "compose"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("build leader` failed (exit status 1)"), "{}", ended.stderr);
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
    let left = format!(
        r#"
        case "$*" in
            "ps --all --filter label=labctl.owner "*)
                echo 'labctl-dead-w1-00|4194304@5|/x'; echo 'labctl-live-w1-00|{}|/y' ;;
        esac"#,
        labctl::cluster::Owner::this()
    );
    let (lab, fake) = (Lab::new(SMALL), Fake::new(&[ENGINE, &left]));
    let ended: Ended = command(&lab, &fake, &["down"]).output().unwrap().into();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "removed labctl-dead-w1-00\n"), "{}", ended.stderr);
    let calls = fake.calls("?");
    assert!(calls.iter().any(|call| call.contains("-p labctl-dead-w1-00") && call.contains(" down ")), "{calls:?}");
    assert!(!calls.iter().any(|call| call.contains("-p labctl-live-w1-00")), "{calls:?}");
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
