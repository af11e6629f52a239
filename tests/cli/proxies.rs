//! What becomes of a node's messages, on their way through the proxies of its links, when it dies.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use labctl::cluster::{Cluster, ClusterSpec, ProcessCluster};
use labctl::config::{Experiment, Network};
use labctl::model::{Act, Dialer, NodeId};
use labctl::system::System as _;
use labctl::system::labnode::LabNode;
use tokio_util::sync::CancellationToken;

/// More than any step of a test takes, and far less than the delay of the links.
const PATIENCE: Duration = Duration::from_secs(60);

/// Nodes of which the followers dial the leader: what that sends to them takes an hour.
fn cluster() -> ProcessCluster {
    let network = Network { delay: "constant(3600000)".parse().unwrap(), ..Network::default() };
    let experiment = Experiment { network, followers: 2.try_into().unwrap(), ..Experiment::default() };
    let quorum = 1.try_into().unwrap();
    let nodes = LabNode.nodes(&experiment, quorum);
    let spec = ClusterSpec::new(&"proxies".parse().unwrap(), &experiment, quorum, nodes, Dialer::Follower, false);
    let mut cluster = ProcessCluster::new(spec, Path::new(env!("CARGO_BIN_EXE_labctl")), None);
    cluster.up(&CancellationToken::new()).unwrap();
    cluster
}

fn log(cluster: &mut ProcessCluster, name: &str) -> String {
    String::from_utf8(cluster.logs().remove(name).unwrap()).unwrap()
}

/// Where a proxy listens. It announces that a moment before it is in its log.
fn address(cluster: &mut ProcessCluster, link: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let log = log(cluster, link);
        match log.split("listens on ").nth(1).and_then(|rest| rest.split_once(' ')) {
            Some((address, _)) => return address.to_owned(),
            None => assert!(Instant::now() < deadline, "{log}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// A connection of a follower to its leader, over which that has been asked something.
fn asked(cluster: &mut ProcessCluster, link: &str) -> TcpStream {
    let address = address(cluster, link);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    stream
}

fn heard(mut stream: TcpStream, patience: Duration) -> std::io::Result<usize> {
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.read(&mut [0; 64])
}

#[test]
fn a_node_that_is_killed_or_stopped_takes_what_it_has_sent_along() {
    for act in [Act::Kill, Act::Stop] {
        for node in [NodeId::Leader, NodeId::Follower(0)] {
            let mut cluster = cluster();
            let (f1, f2) = (asked(&mut cluster, "link-f1"), asked(&mut cluster, "link-f2"));
            cluster.inject(node, &[act], &CancellationToken::new()).unwrap();
            assert_eq!(heard(f1, PATIENCE).unwrap_err().kind(), ErrorKind::ConnectionReset, "{act:?} {node}");
            let f2 = heard(f2, if node.is_leader() { PATIENCE } else { Duration::from_millis(50) });
            let expected = if node.is_leader() { ErrorKind::ConnectionReset } else { ErrorKind::WouldBlock };
            assert_eq!(f2.unwrap_err().kind(), expected, "{act:?} {node}");
            cluster.down().unwrap();
        }
    }
}

#[test]
fn every_proxy_is_told_when_the_load_starts() {
    let mut cluster = cluster();
    cluster.start_epoch().unwrap();
    for link in ["link-f1", "link-f2"] {
        let log = log(&mut cluster, link);
        assert_eq!(log.matches("epoch").count(), 1, "{log}");
    }
    cluster.down().unwrap();
}
