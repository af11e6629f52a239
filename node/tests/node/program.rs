//! The program as its users meet it: environment, exit status, signals, standard streams.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use crate::support::{Node, command, wait};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};

fn stderr_of(vars: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String) {
    let output = command(vars).args(args).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_bad_variable_is_one_line_and_status_2() {
    let (code, stderr) = stderr_of(&[("ROLE", "leader"), ("WRITE_QUORUM", "many")], &[]);
    assert_eq!(code, Some(2));
    assert_eq!(
        stderr,
        "labnode: WRITE_QUORUM=\"many\" is not accepted: expected a whole number from 0 to 4294967295\n"
    );
    let (code, stderr) = stderr_of(&[("ROLE", "leader"), ("RUST_LOG", "a=b=c")], &[]);
    assert_eq!(code, Some(2));
    assert!(stderr.starts_with("labnode: RUST_LOG=\"a=b=c\" is not accepted"), "{stderr}");
    assert_eq!(stderr_of(&[("ROLE", "leader")], &["serve"]).0, Some(2));
}

#[test]
fn an_address_in_use_is_named() {
    let node = Node::follower();
    let vars = [("ROLE", "follower"), ("LISTEN_ADDR", node.address.as_str())];
    let (code, stderr) = stderr_of(&vars, &[]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains(&format!("cannot listen on {}", node.address)), "{stderr}");
}

#[test]
fn both_signals_stop_a_node_at_once_even_amid_a_request() {
    for signal in [Signal::TERM, Signal::INT] {
        let nowhere = Node::follower();
        let vars = [
            ("MIN_DELAY_MS", "3000000"),
            ("MAX_DELAY_MS", "3000000"),
            ("REPLICATION_TIMEOUT_S", "3600"),
            ("GLOBAL_REQUEST_TIMEOUT_S", "3600"),
        ];
        let mut leader = Node::leader(&[nowhere], &vars);
        let _idle = leader.connect();
        let mut waiting = leader.connect();
        std::io::Write::write_all(
            &mut waiting,
            b"PUT /kv/k HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{\"value\":\"v\"}",
        )
        .unwrap();
        while leader.ask("GET", "/health", "").1["in_flight"] != 1 {}
        let pid = Pid::from_child(&leader.child);
        kill_process(pid, signal).unwrap();
        assert!(leader.exit().success());
    }
}

#[test]
fn both_signals_stop_a_proxy_at_once_even_with_messages_on_their_way() {
    for signal in [Signal::TERM, Signal::INT] {
        let node = Node::follower();
        let vars = [
            ("PROXY_TO", node.address.as_str()),
            ("LISTEN_ADDR", "127.0.0.1:0"),
            ("CONTROL_ADDR", "127.0.0.1:0"),
            ("DELAY", "constant(3600000)"),
        ];
        let mut proxy = command(&vars).arg("proxy").spawn().unwrap();
        let lines: Vec<String> =
            BufReader::new(proxy.stdout.take().unwrap()).lines().take(2).map(Result::unwrap).collect();
        assert!(lines[0].starts_with("control on 127.0.0.1:"), "{lines:?}");
        let address = lines[1].strip_prefix("listening on ").unwrap();
        let _idle = TcpStream::connect(address).unwrap();
        let mut waiting = TcpStream::connect(address).unwrap();
        waiting.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        kill_process(Pid::from_child(&proxy), signal).unwrap();
        assert!(wait(&mut proxy).success());
    }
}

#[test]
fn a_bad_variable_of_a_proxy_is_one_line_and_status_2() {
    let (code, stderr) = stderr_of(&[("PROXY_TO", "f1:8000"), ("WRITES_FROM", "leader")], &["proxy"]);
    assert_eq!(code, Some(2));
    assert_eq!(stderr, "labnode: WRITES_FROM=\"leader\" is not accepted: expected dialer or target\n");
}

#[test]
fn a_node_outlives_its_standard_input_unless_told_not_to() {
    let mut child = Node::start(&[("ROLE", "follower"), ("EXIT_WITH_PARENT", "1")]);
    let mut orphan = Node::follower();
    drop(orphan.child.stdin.take());
    drop(child.child.stdin.take());
    assert!(child.exit().success());
    assert_eq!(orphan.ask("GET", "/health", "").0, 200);
}

#[test]
fn a_quorum_beyond_the_followers_warns_on_standard_error() {
    let mut leader = Node::leader(&[], &[("WRITE_QUORUM", "6")]);
    assert_eq!(leader.put("k", "v").0, 503);
    kill_process(Pid::from_child(&leader.child), Signal::TERM).unwrap();
    leader.exit();
    let mut log = String::new();
    leader.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("WRITE_QUORUM=6 is more than the 0 FOLLOWERS"), "{log}");
}

#[test]
fn the_health_check_tells_a_node_that_answers_from_one_that_does_not() {
    let node = Node::follower();
    let vars = [("LISTEN_ADDR", node.address.as_str())];
    assert_eq!(stderr_of(&vars, &["health"]), (Some(0), String::new()));
    let address = node.address.clone();
    drop(node);
    let (code, stderr) = stderr_of(&[("LISTEN_ADDR", address.as_str())], &["health"]);
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with(&format!("labnode: no answer from {address}: ")), "{stderr}");
}

/// Lets a process open only this many more files.
fn leave_files(pid: Pid, more: usize) {
    let open = std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())).unwrap();
    let open: Vec<u64> = open.map(|entry| entry.unwrap().file_name().to_string_lossy().parse().unwrap()).collect();
    // The numbers of those that were closed are taken first.
    let limit = (0..).filter(|number| !open.contains(number)).nth(more).unwrap();
    prlimit(Some(pid), Resource::Nofile, Rlimit { current: Some(limit), ..getrlimit(Resource::Nofile) }).unwrap();
}

#[test]
fn a_leader_that_has_no_descriptor_left_says_so_and_one_whose_follower_is_dead_does_not() {
    for is_short in [true, false] {
        let dead = Node::follower();
        let leader = Node::leader(&[dead], &[("WRITE_QUORUM", "1"), ("DELAY_SEED", "1")]);
        let pid = Pid::from_child(&leader.child);
        let mut client = leader.connect();
        let mut ask = |request: &str| {
            client.write_all(request.as_bytes()).unwrap();
            let mut answer = [0; 4_096];
            let length = client.read(&mut answer).unwrap();
            String::from_utf8_lossy(&answer[..length]).into_owned()
        };
        assert!(ask("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 "));
        leave_files(pid, if is_short { 0 } else { 100 });
        let put = "PUT /kv/k HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{\"value\":\"v\"}";
        assert!(ask(put).starts_with("HTTP/1.1 503 "));
        leave_files(pid, 100);
        let exhausted = leader.ask("GET", "/health", "").1["exhausted"].clone();
        let expected = "reaching a follower: this process has no file descriptor left (EMFILE)";
        assert_eq!(exhausted.as_str(), is_short.then_some(expected));
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    for (argument, expected) in [("--help", "usage: labnode"), ("--version", "labnode 0.")] {
        let mut child = command(&[]).arg(argument).spawn().unwrap();
        assert!(wait(&mut child).success());
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn rust_log_says_what_is_logged() {
    let log = |vars: &[(&str, &str)]| {
        let mut node = Node::start(&[&[("ROLE", "follower")], vars].concat());
        kill_process(Pid::from_child(&node.child), Signal::TERM).unwrap();
        node.exit();
        let mut log = String::new();
        node.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    };
    assert!(log(&[]).contains("follower listens on "));
    assert_eq!(log(&[("RUST_LOG", "warn")]), "");
}
