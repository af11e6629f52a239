use super::*;

fn network(catch_up: CatchUp) -> Network {
    Network { catch_up, ..Network::default() }
}

fn named(nodes: &[&str]) -> BTreeSet<String> {
    nodes.iter().map(|node| (*node).to_owned()).collect()
}

#[test]
fn a_leader_that_catches_up_has_the_time_that_it_promises() {
    let lasts = |catch_up, after_s: u64| {
        let mut patience = Patience::new(&network(catch_up), 0);
        assert!(patience.lasts(1, named(&[]), 0));
        patience.lasts(1, named(&[]), after_s * 1_000_000)
    };
    // Replications time out after 2 s.
    assert!(lasts(CatchUp::Off, 7) && !lasts(CatchUp::Off, 8));
    assert!(lasts(CatchUp::Snapshot, 14) && !lasts(CatchUp::Snapshot, 15));
}

#[test]
fn steps_forward_renew_the_wait_and_coming_and_going_does_not() {
    let mut patience = Patience::new(&network(CatchUp::Off), 0);
    let mut now_us = 0;
    for in_flight in (0..100).rev() {
        now_us += 6_000_000;
        assert!(patience.lasts(in_flight, named(&[]), now_us));
    }
    // A follower that answers again is waited for anew, once.
    assert!(patience.lasts(0, named(&["f2"]), now_us + 6_000_000));
    assert!(patience.lasts(10, named(&[]), now_us + 7_000_000));
    assert!(patience.lasts(10, named(&["f2"]), now_us + 13_000_000));
    assert!(!patience.lasts(10, named(&[]), now_us + 15_000_000));
}
