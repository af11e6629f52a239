use super::*;

/// The longest that the system takes between two steps forward.
const STEP: Duration = Duration::from_secs(2);

fn named(nodes: &[&str]) -> BTreeSet<String> {
    nodes.iter().map(|node| (*node).to_owned()).collect()
}

#[test]
fn a_leader_has_the_time_that_it_promises() {
    let lasts = |after_s: i64| {
        let mut patience = Patience::new(STEP, Micros::ZERO);
        assert!(patience.lasts(1, named(&[]), Micros::ZERO));
        patience.lasts(1, named(&[]), Micros::new(after_s * 1_000_000))
    };
    assert!(lasts(7) && !lasts(8));
}

#[test]
fn a_node_that_is_back_is_noticed_in_time() {
    let noticed = |notice, mended_us| {
        noticed_us(SettleLimits { step: STEP, notice }, &Aftermath { broken: named(&[]), mended_us })
    };
    assert_eq!(noticed(Some(STEP), Some(Micros::new(7))), Micros::new(2_000_007));
    assert_eq!((noticed(None, Some(Micros::new(7))), noticed(Some(STEP), None)), (Micros::ZERO, Micros::ZERO));
}

#[test]
fn steps_forward_renew_the_wait_and_coming_and_going_does_not() {
    let mut patience = Patience::new(STEP, Micros::ZERO);
    let mut now_us = 0;
    for in_flight in (0..100).rev() {
        now_us += 6_000_000;
        assert!(patience.lasts(in_flight, named(&[]), Micros::new(now_us)));
    }
    // A follower that answers again is waited for anew, once.
    assert!(patience.lasts(0, named(&["f2"]), Micros::new(now_us + 6_000_000)));
    assert!(patience.lasts(10, named(&[]), Micros::new(now_us + 7_000_000)));
    assert!(patience.lasts(10, named(&["f2"]), Micros::new(now_us + 13_000_000)));
    assert!(!patience.lasts(10, named(&[]), Micros::new(now_us + 15_000_000)));
}
