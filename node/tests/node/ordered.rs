//! Ordered links over real sockets.

use std::time::Instant;

use serde_json::Value;

use crate::support::{Node, PATIENCE};

/// A leader with ordered links to these followers that waits for one acknowledgement.
fn leader(followers: &[Node], vars: &[(&str, &str)]) -> Node {
    let ordered = [("REPLICATION_LINK", "ordered"), ("MAX_DELAY_MS", "40"), ("DELAY_SEED", "7")];
    Node::leader(followers, &[&ordered, vars].concat())
}

fn settle(leader: &Node) {
    let deadline = Instant::now() + PATIENCE;
    while leader.ask("GET", "/health", "").1["in_flight"] != 0 {
        assert!(Instant::now() < deadline);
    }
}

fn records(node: &Node) -> Vec<Value> {
    let (_, trace) = node.ask("GET", "/debug/trace", "");
    trace["records"].as_array().unwrap().clone()
}

/// Eight clients write the same few keys, twenty times each.
fn write(leader: &Node) {
    std::thread::scope(|scope| {
        for client in 0..8 {
            scope.spawn(move || {
                for write in 0..20 {
                    assert_eq!(leader.put(&format!("k{}", write % 3), &format!("{client} {write}")).0, 200);
                }
            });
        }
    });
}

#[test]
fn copies_arrive_in_the_order_of_versions_and_no_follower_diverges_under_arrival_order() {
    let followers = [Node::follower(), Node::follower(), Node::follower()];
    let leader = leader(&followers, &[("ACK_DELAY", "uniform(0,20)")]);
    write(&leader);
    settle(&leader);
    let (_, expected) = leader.ask("GET", "/debug/store", "");
    for follower in &followers {
        let versions: Vec<u64> = records(follower).iter().map(|arrival| arrival["version"].as_u64().unwrap()).collect();
        assert_eq!(versions, (1..=160).collect::<Vec<_>>());
        let (_, dump) = follower.ask("GET", "/debug/store", "");
        assert_eq!((&dump["store"], &dump["versions"]), (&expected["store"], &expected["versions"]));
    }
    let copies = records(&leader);
    assert_eq!(copies.len(), 480);
    assert!(copies.iter().all(|copy| copy["outcome"] == "acked"));
    assert!(copies.iter().any(|copy| copy["ack_delay_us"].as_u64().is_some_and(|us| us > 0)));
}

#[test]
fn a_follower_that_dies_loses_what_it_was_sent_and_the_order_goes_on_when_it_is_back() {
    let mut followers = vec![Node::follower(), Node::follower()];
    let leader = leader(&followers, &[]);
    write(&leader);
    let address = followers[1].address.clone();
    // Killed by being dropped.
    followers.pop();
    for write in 0..5 {
        assert_eq!(leader.put("k0", &format!("meanwhile {write}")).0, 200);
    }
    settle(&leader);
    let returned = Node::start(&[("ROLE", "follower"), ("LISTEN_ADDR", &address)]);
    write(&leader);
    settle(&leader);
    let versions: Vec<u64> = records(&returned).iter().map(|arrival| arrival["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, (166..=325).collect::<Vec<_>>());
}

#[test]
fn a_follower_that_answers_again_gets_its_copies_in_order_and_nothing_is_in_flight_for_ever() {
    let followers = [Node::follower(), Node::follower()];
    let leader = leader(&followers, &[("REPLICATION_TIMEOUT_S", "0.3")]);
    assert_eq!(leader.put("k0", "before").0, 200);
    settle(&leader);
    let frozen = rustix::process::Pid::from_raw(followers[1].child.id().cast_signed()).unwrap();
    rustix::process::kill_process(frozen, rustix::process::Signal::STOP).unwrap();
    for write in 0..10 {
        assert_eq!(leader.put("k0", &format!("{write}")).0, 200);
    }
    // Given up, and the connection with them.
    settle(&leader);
    rustix::process::kill_process(frozen, rustix::process::Signal::CONT).unwrap();
    write(&leader);
    settle(&leader);
    // What it had received while it was frozen it may still apply, in whatever order to the rest.
    let later = |arrival: &Value| arrival["version"].as_u64().filter(|version| *version >= 12);
    let versions: Vec<u64> = records(&followers[1]).iter().filter_map(later).collect();
    assert_eq!(versions, (12..=171).collect::<Vec<_>>());
}
