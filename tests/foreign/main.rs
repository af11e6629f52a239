//! Nodes that know nothing of labctl, as local processes: what they start, print and leave behind.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod nodes;

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use labctl::cluster::{Cluster, ClusterError, ProcessCluster};
use labctl::model::{Act, NodeProgram, NodeSpec, Place, Text};
use rustix::process::{Pid, Signal, kill_process};
use tokio_util::sync::CancellationToken;

use self::nodes::{F1, LEADER, LONG, SPREADS, Scripts, await_that, cluster, state};

/// How many processes the leader's script leaves beside itself.
const SPREAD: usize = 3;

fn never() -> CancellationToken {
    CancellationToken::new()
}

/// A cluster whose leader has spread, and which is up.
fn spread(scripts: &Scripts) -> ProcessCluster {
    let mut cluster = cluster(vec![scripts.listening(LEADER, SPREADS), scripts.listening(F1, "")], true);
    cluster.up(&never()).unwrap();
    scripts.await_marked(SPREAD);
    cluster
}

fn inject(cluster: &mut ProcessCluster, act: Act) {
    cluster.inject(LEADER, &[act], &never()).unwrap();
}

fn text_of(cluster: &mut ProcessCluster, node: &str) -> String {
    String::from_utf8_lossy(&cluster.logs()[node]).into_owned()
}

/// A node's log once these words are in it: what it prints takes its way.
fn text_with(cluster: &mut ProcessCluster, node: &str, words: &str) -> String {
    let mut text = String::new();
    await_that(words, || {
        text = text_of(cluster, node);
        text.contains(words)
    });
    text
}

fn refusal(nodes: Vec<NodeSpec>) -> String {
    let mut cluster = cluster(nodes, true);
    let error = cluster.up(&never()).unwrap_err().to_string();
    cluster.down().unwrap();
    error
}

#[test]
fn nothing_is_left_after_down_or_drop() {
    let scripts = Scripts::new();
    let mut downed = spread(&scripts);
    downed.down().unwrap();
    assert!(scripts.marked().is_empty());
    drop(spread(&scripts));
    assert!(scripts.marked().is_empty());
}

#[test]
fn a_kill_reaches_every_process_and_the_node_comes_back_where_it_was() {
    let scripts = Scripts::new();
    let mut cluster = spread(&scripts);
    let before = text_with(&mut cluster, "leader", "listens on ");
    for process in ["child", "session", "daemon"] {
        text_with(&mut cluster, "leader", &format!("{process} lives\n"));
    }
    inject(&mut cluster, Act::Kill);
    assert!(scripts.marked().is_empty());
    cluster.check(&never()).unwrap();
    inject(&mut cluster, Act::Start);
    scripts.await_marked(SPREAD);
    let mut after = String::new();
    await_that("both lives in the log", || {
        after = text_of(&mut cluster, "leader");
        after.matches("listens on ").count() == 2
    });
    let address =
        |log: &str| log.lines().filter_map(|line| Some(line.split_once("listens on ")?.1.to_owned())).next_back();
    assert!(address(&before).is_some() && address(&before) == address(&after), "{before}\n{after}");
}

#[test]
fn a_pause_reaches_every_process_until_it_is_over() {
    let scripts = Scripts::new();
    let mut cluster = spread(&scripts);
    inject(&mut cluster, Act::Freeze);
    let states: Vec<_> = scripts.marked().iter().map(|process| state(process)).collect();
    assert_eq!(states, [Some('T'); SPREAD]);
    inject(&mut cluster, Act::Thaw);
    assert!(scripts.marked().iter().all(|process| state(process) != Some('T')));
    // A frozen node is ended too.
    inject(&mut cluster, Act::Freeze);
    cluster.down().unwrap();
    assert!(scripts.marked().is_empty());
}

#[test]
fn a_stop_asks_the_program_and_ends_what_it_leaves_behind() {
    let scripts = Scripts::new();
    // Unlike the others this program takes SIGTERM: its trap is undone.
    let mut cluster = cluster(vec![scripts.listening(LEADER, &format!("{SPREADS}\ntrap - TERM"))], true);
    cluster.up(&never()).unwrap();
    scripts.await_marked(SPREAD);
    inject(&mut cluster, Act::Stop);
    assert!(scripts.marked().is_empty());
    assert!(text_of(&mut cluster, "leader").contains("stops: SIGTERM"));
}

#[test]
fn a_node_whose_program_ends_is_named_with_its_log_and_leaves_nothing() {
    let scripts = Scripts::new();
    let wait = r#"(while [ ! -e "$MARKER" ]; do sleep 0.01; done; kill -9 $$) & "#;
    let mut cluster = cluster(vec![scripts.listening(LEADER, &format!("{SPREADS}\necho says so\n{wait}"))], true);
    cluster.up(&never()).unwrap();
    scripts.await_marked(SPREAD);
    fs::write(scripts.path("marker"), "").unwrap();
    let mut seen = String::new();
    await_that("the end of the leader", || {
        seen = cluster.check(&never()).err().map(|error| error.to_string()).unwrap_or_default();
        !seen.is_empty()
    });
    assert!(seen.starts_with("leader: its process ended (killed by signal 9)\n"), "{seen}");
    assert!(seen.contains("\n    says so\n"), "{seen}");
    scripts.await_marked(0);
}

#[test]
fn a_supervisor_that_is_killed_leaves_no_node_behind() {
    let scripts = Scripts::new();
    let mut cluster = spread(&scripts);
    let child = scripts
        .marked()
        .into_iter()
        .find(|process| fs::read_to_string(process.join("cmdline")).unwrap().contains("child"));
    let parent = |process: &std::path::Path| -> i32 {
        let stat = fs::read_to_string(process.join("stat")).unwrap();
        stat.rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let node = parent(&child.unwrap());
    let supervisor = parent(format!("/proc/{node}").as_ref());
    kill_process(Pid::from_raw(supervisor).unwrap(), Signal::KILL).unwrap();
    let mut seen = String::new();
    await_that("the end of the supervisor", || {
        seen = cluster.check(&never()).err().map(|error| error.to_string()).unwrap_or_default();
        !seen.is_empty()
    });
    assert!(seen.contains("its supervisor ended: killed by signal 9"), "{seen}");
    scripts.await_marked(0);
}

#[test]
fn a_supervisor_ends_its_node_once_its_labctl_is_gone_or_it_is_asked_to() {
    for way in ["gone", "SIGTERM", "SIGINT", "SIGHUP", "paused"] {
        let scripts = Scripts::new();
        let script = scripts.script("node", &format!("{SPREADS}\nsleep 1000"));
        let mut supervisor = Command::new(env!("CARGO_BIN_EXE_labctl"))
            .args(["supervise", "--", "sh"])
            .arg(script)
            .env("MARKER", scripts.path("marker"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(tempfile::tempfile().unwrap())
            .spawn()
            .unwrap();
        scripts.await_marked(SPREAD);
        let signal = |signal| kill_process(Pid::from_child(&supervisor), signal).unwrap();
        match way {
            "SIGTERM" => signal(Signal::TERM),
            "SIGINT" => signal(Signal::INT),
            "SIGHUP" => signal(Signal::HUP),
            "paused" => {
                use std::io::Write as _;
                writeln!(supervisor.stdin.as_mut().unwrap(), "pause").unwrap();
                await_that("the pause", || scripts.marked().iter().all(|process| state(process) == Some('T')));
                drop(supervisor.stdin.take());
            }
            _ => drop(supervisor.stdin.take()),
        }
        assert!(supervisor.wait().unwrap().success(), "{way}");
        assert!(scripts.marked().is_empty(), "{way}");
    }
}

#[test]
fn megabytes_of_output_are_kept_in_part_and_hold_nothing_up() {
    let scripts = Scripts::new();
    let floods = "echo first; yes 'a line of output' | head -n 2000000; echo last";
    let mut cluster = cluster(vec![scripts.listening(LEADER, floods)], true);
    cluster.up(&never()).unwrap();
    let log = text_with(&mut cluster, "leader", "listens on ");
    assert!(log.len() < 3 * 1024 * 1024, "{}", log.len());
    assert!(log.starts_with("first\n") && log.contains("\nlast\n"));
    assert!(log.contains("bytes of this log are not kept]"));
}

#[test]
fn a_node_has_its_files_in_a_folder_that_goes_with_the_cluster() {
    let scripts = Scripts::new();
    let shows = r#"pwd >"$MARKER"; cat conf; echo "$FOLDER""#;
    let mut spec = scripts.listening(LEADER, shows);
    spec.files.insert("conf".to_owned(), Text::from("port=").place(Place::Port).text(" f1=").address_of(F1));
    spec.environment.insert("FOLDER".to_owned(), Text::new().place(Place::Folder));
    let mut cluster = cluster(vec![spec, scripts.listening(F1, "")], true);
    let endpoints = cluster.up(&never()).unwrap();
    let folder = fs::read_to_string(scripts.path("marker")).unwrap().trim().to_owned();
    let port = endpoints.leader.rsplit_once(':').unwrap().1;
    let log = text_with(&mut cluster, "leader", "listens on ");
    assert!(log.starts_with(&format!("port={port} f1={}{folder}\n", endpoints.followers[0])), "{log}");
    assert!(fs::metadata(&folder).unwrap().is_dir());
    cluster.down().unwrap();
    assert!(fs::metadata(&folder).is_err());
}

#[test]
fn a_follower_that_dials_reaches_the_leader_through_the_proxy_of_its_link() {
    let scripts = Scripts::new();
    let mut follower = scripts.listening(F1, r#"echo "leader at $LEADER""#);
    follower.environment.insert("LEADER".to_owned(), Text::new().address_of(LEADER));
    let mut cluster = cluster(vec![scripts.listening(LEADER, ""), follower], false);
    let endpoints = cluster.up(&never()).unwrap();
    let log = text_with(&mut cluster, "f1", "listens on ");
    let reached = log.lines().next().unwrap().strip_prefix("leader at ").unwrap().to_owned();
    assert_ne!(reached, endpoints.leader);
    let proxy = text_of(&mut cluster, "link-f1");
    assert!(proxy.contains(&format!("link-f1 listens on {reached} and leads to {}", endpoints.leader)), "{proxy}");
}

#[test]
fn a_node_may_announce_where_it_listens() {
    let scripts = Scripts::new();
    let mut spec = scripts.listening(LEADER, "echo not yet");
    spec.readiness = labctl::model::Readiness::Announces("listening on ".to_owned());
    let endpoints = cluster(vec![spec], true).up(&never()).unwrap();
    assert!(!endpoints.leader.ends_with(":0") && endpoints.leader.starts_with("127.0.0.1:"), "{}", endpoints.leader);
}

#[test]
fn what_cannot_start_is_told_in_a_line() {
    let scripts = Scripts::new();
    let program = |program: &str| {
        let program = NodeProgram::Executable(program.into());
        vec![NodeSpec { program, ..scripts.node(LEADER, "") }]
    };
    assert_eq!(
        refusal(program("no-such-server")),
        "there is no program `no-such-server` on the path: install it, or name its file in experiments.toml"
    );
    let plain = scripts.path("plain");
    fs::write(&plain, "no program").unwrap();
    assert!(refusal(program(plain.to_str().unwrap())).contains("may not be executed: `chmod +x "));
    // Written by another process: see `Scripts::node`.
    let interpreter = scripts.path("interpreter");
    let write = r#"echo '#!/no/such/interpreter' >"$1" && chmod +x "$1""#;
    assert!(Command::new("sh").args(["-c", write, "sh"]).arg(&interpreter).status().unwrap().success());
    let error = refusal(program(interpreter.to_str().unwrap()));
    assert!(error.starts_with("cannot run `") && error.contains("No such file or directory"), "{error}");
    let dies = refusal(vec![scripts.node(LEADER, "echo bad option; exit 3")]);
    assert_eq!(dies, "leader: it ended before it listened (exit status 3)\n    bad option");
    let silent = NodeSpec { start_limit: Duration::from_millis(300), ..scripts.node(LEADER, "echo works; sleep 1000") };
    let silent = refusal(vec![silent]);
    assert!(silent.starts_with("leader: it did not listen on 127.0.0.1:"), "{silent}");
    assert!(silent.ends_with(" within 300 ms\n    works"), "{silent}");
}

#[test]
fn a_fixed_port_that_is_taken_is_told() {
    let scripts = Scripts::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut cluster = cluster(vec![scripts.listening(LEADER, "")], true).on_ports(port);
    let error = cluster.up(&never()).unwrap_err();
    let expected = format!("leader: another program listens on its port, 127.0.0.1:{port}");
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[test]
fn a_free_port_that_another_program_takes_is_changed_for_another() {
    let scripts = Scripts::new();
    // At first another program is quicker, and the node says so and ends.
    let loses = r#"
        if [ ! -e "$MARKER" ]; then
            echo "$1" >"$MARKER.new"
            mv "$MARKER.new" "$MARKER"
            until [ -e "$MARKER.taken" ]; do sleep 0.01; done
            echo address already in use
            exit 1
        fi"#;
    let marker = scripts.path("marker");
    let thief = thread::spawn(move || {
        await_that("the first address", || marker.exists());
        let listener = TcpListener::bind(fs::read_to_string(&marker).unwrap().trim()).unwrap();
        fs::write(marker.with_extension("taken"), "").unwrap();
        listener
    });
    let mut cluster = cluster(vec![scripts.listening(LEADER, loses)], true);
    let endpoints = cluster.up(&never()).unwrap();
    let taken = thief.join().unwrap().local_addr().unwrap().to_string();
    assert_ne!(endpoints.leader, taken);
    assert!(text_with(&mut cluster, "leader", "listens on ").contains(&endpoints.leader));
}

#[test]
fn a_program_that_only_seems_to_listen_is_not_taken_for_the_node() {
    let scripts = Scripts::new();
    // It does not end although its port is another's.
    let waits = scripts.node(LEADER, r#"echo "$1" >"$MARKER.new"; mv "$MARKER.new" "$MARKER"; sleep 1000"#);
    let marker = scripts.path("marker");
    let thief = thread::spawn(move || {
        let mut taken = Vec::new();
        for _ in 0..5 {
            await_that("an address", || marker.exists());
            taken.push(TcpListener::bind(fs::read_to_string(&marker).unwrap().trim()).unwrap());
            fs::remove_file(&marker).unwrap();
        }
        taken
    });
    let error = cluster(vec![waits], true).up(&never()).unwrap_err();
    assert!(matches!(&error, ClusterError::PortTaken { node, .. } if node == "leader"), "{error}");
    thief.join().unwrap();
}

/// Not a test by itself: the next one runs it in another process and kills that.
#[test]
fn owner_of_a_cluster_that_is_killed() {
    let Some(folder) = std::env::var_os("LABCTL_TEST_SCRIPTS") else { return };
    let scripts = Scripts::at(folder.into());
    let mut cluster = cluster(vec![scripts.listening(LEADER, SPREADS), scripts.listening(F1, SPREADS)], false);
    cluster.up(&never()).unwrap();
    inject(&mut cluster, Act::Freeze);
    thread::sleep(LONG);
}

#[test]
fn nothing_is_left_of_a_labctl_that_was_killed_at_any_moment() {
    // The owner's folders for temporary files, and no other labctl's.
    let temporary = tempfile::tempdir().unwrap();
    let moments = (0..400).step_by(20).map(|ms| Some(Duration::from_millis(ms)));
    // At last one that is up, and whose leader is frozen.
    for moment in moments.chain([None]) {
        let scripts = Scripts::new();
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "owner_of_a_cluster_that_is_killed"])
            .env("LABCTL_TEST_SCRIPTS", scripts.folder())
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        match moment {
            Some(moment) => thread::sleep(moment),
            None => await_that("a frozen leader", || {
                let processes = scripts.marked();
                let frozen = processes.iter().filter(|process| state(process) == Some('T')).count();
                (processes.len(), frozen) == (2 * SPREAD, SPREAD)
            }),
        }
        owner.kill().unwrap();
        owner.wait().unwrap();
        let down = Command::new(env!("CARGO_BIN_EXE_labctl"))
            .arg("down")
            .current_dir(scripts.folder())
            .env("TMPDIR", temporary.path())
            .env("DOCKER_HOST", "tcp://127.0.0.1:1")
            .output()
            .unwrap();
        assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
        assert!(scripts.marked().is_empty(), "killed after {moment:?}");
        let left: Vec<_> = fs::read_dir(temporary.path()).unwrap().flatten().map(|entry| entry.path()).collect();
        assert!(left.is_empty(), "killed after {moment:?}: {left:?}");
    }
}
