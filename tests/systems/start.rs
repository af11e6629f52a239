//! How the nodes of somebody else's system start: as services of their own Compose file, and where they run already.
//! The nodes are the lab's own, of which labctl knows nothing here.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::lab::{Ended, Lab};
use crate::redis::{column, json, left_in};
use crate::require::missing;

const IMAGE: &str = "labctl-test-start";

/// Two followers, and delays that a proxy or the node itself may bring about.
const CONFIG: &str = r#"
schema = 1
default = "mine"
[experiment.mine]
system = "mine"
quorums = [2]
followers = 2
[experiment.mine.network]
delay = { kind = "constant", ms = 20 }
[experiment.mine.workload]
writes = 10
concurrency = 2
[system.mine]
kind = "http"
preset = "lab"
settle_quiet_s = 0.2
"#;

/// The nodes as services, beside one that is none; all with what a second cluster could not share.
const COMPOSE: &str = r#"
services:
  main:
    image: labctl-test-start
    command: [labctl, node]
    container_name: labctl-test-start-main
    ports: ["8080:8000"]
    environment: {FOLLOWERS: "http://copy-1:8000,http://copy-2:8000"}
  copy-1: &copy
    image: labctl-test-start
    command: [labctl, node]
    restart: always
    ports: ["8081-8082:8000"]
  copy-2: *copy
  ui:
    image: labctl-test-start
    command: [labctl, node]
    environment: {ROLE: follower, LISTEN_ADDR: "0.0.0.0:80"}
    ports: ["8090:80"]
"#;

/// The services.
const SERVICES: &str =
    "compose = { file = \"lab.yml\", leader = \"main\", followers = \"copy-{index}\", port = 8000 }\n";

/// Whether there is an engine; the image, if so.
fn has_image() -> bool {
    let engine = Command::new("docker").arg("info").output().is_ok_and(|output| output.status.success());
    if !engine {
        missing("docker", "no Docker engine answers");
        return false;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/image-from-binary");
    let built = Command::new(script).args([IMAGE, env!("CARGO_BIN_EXE_labctl")]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    true
}

/// A lab whose files are in a folder of their own, and not in the one in which labctl runs.
fn lab(system: &str, compose: &str) -> Lab {
    let lab = Lab::new("");
    fs::create_dir(lab.path("theirs")).unwrap();
    fs::create_dir(lab.path("tmp")).unwrap();
    fs::write(lab.path("theirs/experiments.toml"), format!("{CONFIG}{system}")).unwrap();
    fs::write(lab.path("theirs/lab.yml"), compose).unwrap();
    lab
}

fn run(lab: &Lab, arguments: &[&str]) -> Ended {
    let temporary = lab.path("tmp");
    let mut command = lab.command(&["--config", "theirs/experiments.toml"]);
    let ended: Ended = command.args(arguments).env("TMPDIR", &temporary).output().unwrap().into();
    assert_eq!(left_in(&temporary), Vec::<String>::new(), "{}", ended.stderr);
    ended
}

/// The line that says why a run did not come about.
fn refusal(lab: &Lab, arguments: &[&str]) -> String {
    let ended = run(lab, arguments);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    // Without what is told while an image is built, and of a network that Docker 20.10 takes to be in use.
    let is_told_meanwhile = |line: &str| {
        line.contains(", backend ") || line.ends_with(" s so far)") || line.starts_with(" WARN an empty network ")
    };
    let said = ended.stderr.lines().filter(|line| !is_told_meanwhile(line) && !line.starts_with("    "));
    let lines: Vec<&str> = said.collect();
    assert_eq!(lines.len(), 1, "{}", ended.stderr);
    lines[0].to_owned()
}

/// The latencies of a run's writes, all of which succeeded, in milliseconds.
fn latencies_ms(lab: &Lab) -> Vec<f64> {
    let writes = lab.read("data/W2/writes.csv");
    assert_eq!(column(&writes, "outcome"), vec!["ok"; 10]);
    column(&writes, "latency_us").iter().map(|us| us.parse::<f64>().unwrap() / 1_000.0).collect()
}

#[test]
fn services_of_a_users_compose_file_are_measured_with_proxies_between_them() {
    if !has_image() {
        return;
    }
    // The nodes have no delay of their own: the preset's variables are taken back.
    let system = format!(
        "delays = \"proxies\"\n[system.mine.start]\n{SERVICES}[system.mine.environment]\nMIN_DELAY_MS = \"0\"\nMAX_DELAY_MS = \"0\"\n"
    );
    let lab = lab(&system, COMPOSE);
    let ended = run(&lab, &["run", "all"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(latencies_ms(&lab).iter().all(|ms| *ms >= 20.0));
    let manifest = json(&lab, "data/W2/manifest.json");
    assert_eq!(manifest["backend"]["name"], "compose");
    assert_eq!(manifest["backend"]["reason"], "nothing says how the nodes run as local processes");
    for log in ["leader", "f1", "f2", "link-f1", "link-f2"] {
        assert!(lab.path(&format!("data/W2/logs/{log}.log")).is_file(), "{log}");
    }
    let doctor = run(&lab, &["doctor"]);
    assert!(doctor.stdout.contains("ok       system    mine (http): by lab.yml"), "{}", doctor.stdout);
}

#[test]
fn a_service_that_was_killed_is_found_again_where_it_listens_then() {
    if !has_image() {
        return;
    }
    // Writes need both followers, and take long enough for the engine, which needs a second or so, to break something amid them.
    let fault = "[[experiment.mine.fault]]\nkind = \"kill\"\nnode = \"f1\"\nat = 2\nuntil = 4\n";
    let lab = lab(&format!("[system.mine.start]\n{SERVICES}{fault}"), COMPOSE);
    lab.edit("theirs/experiments.toml", |text| text.replace("ms = 20 }", "ms = 1500 }"));
    let ended = run(&lab, &["run", "all"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(column(&lab.read("data/W2/faults.csv"), "kind"), ["kill", "restart"]);
    // The engine has published its port anew, and what it got since is in its dump.
    let held = json(&lab, "data/W2/f1.json");
    let last = column(&lab.read("data/W2/writes.csv"), "outcome").pop();
    assert_eq!((last.as_deref(), &held["store"]["k9"]), (Some("ok"), &"v9".into()), "{held}");
}

#[test]
fn what_keeps_services_from_starting_is_one_line() {
    if !has_image() {
        return;
    }
    let start = format!("[system.mine.start]\nstart_limit_s = 120\n{SERVICES}");
    let names = refusal(&lab(&start.replace("main", "leader"), COMPOSE), &["run", "all"]);
    let expected =
        "has no service leader, which [system.mine.start] compose names; its services are copy-1, copy-2, main, ui";
    assert!(names.contains("theirs/lab.yml ") && names.ends_with(expected), "{names}");
    // Long before the limit.
    let started = Instant::now();
    let ends = refusal(&lab(&start, &COMPOSE.replacen("labctl, node", "labctl, no-such-command", 1)), &["run", "all"]);
    assert!(ends.contains("leader: its container is not running (exited)"), "{ends}");
    assert!(started.elapsed() < Duration::from_secs(100), "{:?}", started.elapsed());
    let elsewhere = "[system.mine.environment]\nLISTEN_ADDR = \"0.0.0.0:7000\"\n";
    let elsewhere = lab(&format!("{}{elsewhere}", start.replace("120", "2")), COMPOSE);
    let silent = refusal(&elsewhere, &["run", "all"]);
    assert!(silent.contains("leader: "), "{silent}");
    let command = refusal_of_validate(&lab(&start, COMPOSE), "backend = \"process\"");
    assert!(command.contains("add command = [...], which runs one node, to [system.mine.start]"), "{command}");
}

/// What `validate` says of an experiment with one more line.
fn refusal_of_validate(lab: &Lab, line: &str) -> String {
    lab.edit("theirs/experiments.toml", |text| text.replace("followers = 2\n", &format!("followers = 2\n{line}\n")));
    let ended = run(lab, &["validate"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    ended.stderr
}

/// A node that somebody else has started, and where it listens.
struct Running(Child, String);

impl Running {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labctl"));
        command.arg("node").env("LISTEN_ADDR", "127.0.0.1:0").envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.map_while(Result::ok).find_map(|line| Some(line.strip_prefix("listening on ")?.to_owned()));
        Self(child, address.unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nodes_that_run_already_are_measured_and_left_alone() {
    let mut followers = [0, 1].map(|_| Running::start(&[("ROLE", "follower")]));
    let list = format!("http://{},http://{}", followers[0].1, followers[1].1);
    let delay = [("MIN_DELAY_MS", "20"), ("MAX_DELAY_MS", "20")];
    let variables = [("ROLE", "leader"), ("FOLLOWERS", list.as_str()), ("WRITE_QUORUM", "2"), delay[0], delay[1]];
    let mut leader = Running::start(&variables);
    let urls = format!(
        "[system.mine.start.urls]\nleader = \"http://{}/\"\nfollowers = [\"{}\", \"http://{}\"]\n",
        leader.1, followers[0].1, followers[1].1
    );
    let lab = lab(&urls, "");
    for run_again in [false, true] {
        let ended = run(&lab, &["run", "all"]);
        assert_eq!(ended.code, Some(0), "{run_again}: {}", ended.stderr);
        assert!(ended.stderr.contains("backend running: labctl starts no nodes"), "{}", ended.stderr);
        assert!(latencies_ms(&lab).iter().all(|ms| *ms >= 20.0));
        assert_eq!(json(&lab, "data/W2/manifest.json")["backend"]["name"], "running");
    }
    let probed = run(&lab, &["probe", "mine"]);
    assert_eq!(probed.code, Some(0), "{}{}", probed.stdout, probed.stderr);
    assert!(probed.stdout.ends_with("every answer is as the mapping says: labctl can measure this system\n"));
    let up = run(&lab, &["up", "2"]);
    assert!(up.stderr.contains("the nodes of mine run already: there is nothing to start"), "{}", up.stderr);
    let several = run(&lab, &["run", "1,2"]);
    assert_eq!(several.code, Some(2), "{}", several.stderr);
    assert!(several.stderr.contains("quorums must have one value, not 2"), "{}", several.stderr);
    let fault = refusal_of_validate(&lab, "[[experiment.mine.fault]]\nkind = \"kill\"\nnode = \"f1\"\nat = 3");
    assert!(fault.contains("labctl does not start the nodes of mine, so it can break none"), "{fault}");
    for node in followers.iter_mut().chain([&mut leader]) {
        assert!(node.0.try_wait().unwrap().is_none(), "it still runs");
    }
}
