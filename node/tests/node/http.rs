//! Nodes over real sockets, with clients of every kind.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Node, PATIENCE};
use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};

#[test]
fn keys_of_any_kind_reach_the_followers() {
    let followers = [Node::follower(), Node::follower()];
    let leader = Node::leader(&followers, &[("WRITE_QUORUM", "2")]);
    let keys = [
        ("k0", "k0"),
        ("%2E%2E", ".."),
        (".", "."),
        ("a%2Fb", "a/b"),
        ("%25%32%35", "%25"),
        ("a+b&c=d;e", "a+b&c=d;e"),
        ("%3F%23", "?#"),
        ("%E2%9C%93%F0%9F%A6%80", "\u{2713}\u{1f980}"),
        ("%00%0D%0A", "\0\r\n"),
        ("%22%5C", "\"\\"),
    ];
    for (encoded, key) in keys {
        let (status, done) = leader.put(encoded, "v");
        assert_eq!((status, &done["acks"]), (200, &2.into()), "{done}");
        assert_eq!(done["key"], key);
    }
    let (_, expected) = leader.ask("GET", "/debug/store", "");
    for follower in &followers {
        for (encoded, key) in keys {
            let (status, held) = follower.ask("GET", &format!("/kv/{encoded}"), "");
            assert_eq!((status, held["key"].as_str().unwrap()), (200, key));
        }
        let (_, dump) = follower.ask("GET", "/debug/store", "");
        assert_eq!((&dump["store"], &dump["versions"]), (&expected["store"], &expected["versions"]));
    }
}

#[test]
fn the_longest_key_and_the_largest_value_are_replicated() {
    let followers = [Node::follower()];
    let leader = Node::leader(&followers, &[]);
    let key = "%C3%A4".repeat(256);
    let value = "\"".repeat((1_024 * 1_024 - 12) / 2);
    let (status, answer) = leader.put(&key, &value);
    assert_eq!(status, 200, "{}", answer["message"]);
    let (_, held) = followers[0].ask("GET", &format!("/kv/{key}"), "");
    assert_eq!(held["value"].as_str().unwrap().len(), value.len());
}

#[test]
fn a_dead_follower_costs_its_acknowledgement_and_nothing_else() {
    let mut followers = vec![Node::follower(), Node::follower()];
    let all = Node::leader(&followers, &[("WRITE_QUORUM", "2")]);
    let most = Node::leader(&followers, &[("WRITE_QUORUM", "1")]);
    followers.pop();
    let (status, refused) = all.put("k", "v");
    assert_eq!((status, &refused["required"]), (503, &2.into()));
    assert_eq!(refused["error"], "quorum_unreachable");
    assert_eq!(most.put("k", "v").0, 200);
    let (_, trace) = all.ask("GET", "/debug/trace", "");
    assert_eq!(trace["records"][1]["outcome"], "failed");
}

#[test]
fn a_follower_that_was_killed_and_returns_is_brought_up_to_date() {
    let mut followers = vec![Node::follower(), Node::follower()];
    let leader = Node::leader(&followers, &[("REPLICATION_CATCH_UP", "snapshot")]);
    for key in 0..20 {
        assert_eq!(leader.put(&format!("k{key}"), "before").0, 200);
    }
    let address = followers[1].address.clone();
    // Killed by being dropped.
    followers.pop();
    assert_eq!(leader.put("k3", "meanwhile").0, 200);
    let returned = Node::start(&[("ROLE", "follower"), ("LISTEN_ADDR", &address)]);
    let (_, expected) = leader.ask("GET", "/debug/store", "");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (_, dump) = returned.ask("GET", "/debug/store", "");
        if (&dump["store"], &dump["versions"]) == (&expected["store"], &expected["versions"]) {
            break;
        }
        assert!(Instant::now() < deadline, "{dump}");
    }
    while leader.ask("GET", "/health", "").1["in_flight"] != 0 {
        assert!(Instant::now() < deadline);
    }
}

#[test]
fn a_redirecting_follower_is_not_followed() {
    let elsewhere = Node::follower();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let target = format!("http://{}/replicate/k", elsewhere.address);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4_096];
        let _ = stream.read(&mut request).unwrap();
        let answer = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let leader = Node::start(&[("ROLE", "leader"), ("FOLLOWERS", &url), ("MAX_DELAY_MS", "0")]);
    assert_eq!(leader.put("k", "v").0, 503);
    assert_eq!(elsewhere.ask("GET", "/kv/k", "").0, 404);
}

#[test]
fn no_request_makes_a_node_call_elsewhere_or_write_a_file() {
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}", elsewhere.local_addr().unwrap());
    let folder = std::env::temp_dir().join(format!("labnode-{}", elsewhere.local_addr().unwrap().port()));
    std::fs::create_dir(&folder).unwrap();
    let follower = Node::start_in(&folder, &[("ROLE", "follower"), ("http_proxy", &url)]);
    let followers = [follower];
    let to = format!("http://{}", followers[0].address);
    let leader = Node::start_in(
        &folder,
        &[("ROLE", "leader"), ("FOLLOWERS", &to), ("MAX_DELAY_MS", "0"), ("HTTP_PROXY", &url), ("ALL_PROXY", &url)],
    );
    let body = format!(r#"{{"value":"{url}"}}"#);
    let length = body.len();
    for node in [&leader, &followers[0]] {
        for head in [
            format!("PUT {url}/kv/k HTTP/1.1\r\nHost: {url}"),
            format!("POST {url}/replicate/k HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: {url}\r\nForwarded: host={url}"),
            format!("CONNECT {} HTTP/1.1\r\nHost: x", elsewhere.local_addr().unwrap()),
            format!("PUT /kv/{} HTTP/1.1\r\nHost: x\r\nReferer: {url}\r\nLocation: {url}", url.replace('/', "%2F")),
            "PUT /kv/..%2F..%2Ftmp%2Fx HTTP/1.1\r\nHost: x".to_owned(),
        ] {
            let answer =
                node.raw(format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
            assert!(answer.starts_with("HTTP/1.1 "), "{head}: {answer}");
        }
    }
    assert_eq!(leader.put("k", "v").0, 200);
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    std::fs::remove_dir(&folder).unwrap();
}

#[test]
fn a_body_over_a_mebibyte_is_refused_with_an_answer_the_client_gets() {
    let leader = Node::leader(&[], &[]);
    let (status, body) = leader.put("k", &"x".repeat(3 * 1_024 * 1_024));
    assert_eq!((status, body["error"].as_str()), (413, Some("body_too_large")));
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000)).repeat(20);
    let head = "PUT /kv/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = leader.raw(format!("{head}{chunk}0\r\n\r\n").as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[test]
fn malformed_http_ends_its_connection_and_no_other() {
    let node = Node::follower();
    let mut honest = node.connect();
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nBad Header: x\r\n\r\n",
        b"PUT /kv/k HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"PUT /kv/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ] {
        let mut stream = node.connect();
        stream.write_all(garbage).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{garbage:?}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000));
    assert!(!node.raw(long.as_bytes()).starts_with("HTTP/1.1 2"));
    health_on(&mut honest);
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let node = Node::follower();
    let answers = node.raw(
        b"POST /replicate/k HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{\"value\":\"a\"}\
          POST /replicate/k HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{\"value\":\"b\"}\
          GET /kv/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    let first = answers.find(r#"{"applied":true,"version":1,"#).unwrap();
    let second = answers.find(r#"{"applied":true,"version":2,"#).unwrap();
    let third = answers.find(r#""value":"b""#).unwrap();
    assert!(first < second && second < third);
}

#[test]
fn idle_and_half_open_connections_lock_nobody_out() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    // Ten thousand, where the system lets a process have as many.
    let many = limit.maximum.unwrap_or(u64::MAX).saturating_sub(1_200).min(10_000);
    let mut node = Node::follower();
    assert_eq!(node.ask("GET", "/health", "").0, 200);
    let before = resident_kb(&node);
    let mut idle: Vec<TcpStream> = (0..many).map(|_| node.connect()).collect();
    assert_eq!(node.ask("GET", "/health", "").0, 200);
    // Measured: 1.2 kB a connection. With hyper's buffers it would be ten.
    let grown = resident_kb(&node).saturating_sub(before);
    assert!(grown < 4 * many, "{grown} kB for {many} connections");
    let half_open: Vec<TcpStream> = (0..1_000)
        .map(|_| {
            let mut stream = node.connect();
            stream.write_all(b"PUT /kv/k HTTP/1.1\r\nHost").unwrap();
            stream
        })
        .collect();
    assert_eq!(node.ask("GET", "/health", "").0, 200);
    health_on(&mut idle[0]);
    assert!(node.child.try_wait().unwrap().is_none());
    drop(half_open);
}

/// A connection that found no place would be asked for again a second later, and that second would be the store's latency.
#[test]
fn many_clients_connect_while_a_node_accepts_none() {
    let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
    let many = limit.trim().parse().unwrap_or(128_usize).min(600);
    let node = Node::follower();
    let pid = Pid::from_child(&node.child);
    kill_process(pid, Signal::STOP).unwrap();
    let address = node.address.parse().unwrap();
    let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(900));
    let connected: Result<Vec<_>, _> = (0..many).map(connect).collect();
    kill_process(pid, Signal::CONT).unwrap();
    assert_eq!(connected.unwrap().len(), many);
    assert_eq!(node.ask("GET", "/health", "").0, 200);
}

/// The memory of a node's process, as Linux tells it; 0 elsewhere.
fn resident_kb(node: &Node) -> u64 {
    let path = format!("/proc/{}/status", node.child.id());
    let status = std::fs::read_to_string(path).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn health_on(stream: &mut TcpStream) {
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
