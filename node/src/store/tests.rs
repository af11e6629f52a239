#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use super::*;
use proptest::prelude::*;

fn arrive(store: &Store, version: Option<u64>, order: ReplicationOrder) -> Received {
    let value = format!("{version:?}");
    let mut observed = None;
    let arrival = store.replicate("k", &value, version, order, |arrival| {
        observed = Some(arrival);
    });
    assert_eq!(observed, Some(arrival));
    arrival
}

#[test]
fn the_leader_numbers_densely_from_1_over_all_keys() {
    let store = Store::default();
    let numbers: Vec<u64> = ["a", "b", "a"].iter().map(|key| store.write(key, "x", |_, version| version)).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(store.get("a").unwrap().version, 3);
    assert_eq!(store.get("c"), None);
}

#[test]
fn concurrent_writers_get_different_numbers_and_the_last_one_stays() {
    let store = Store::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    store.write("k", "v", |_, _| ());
                }
            });
        }
    });
    assert_eq!(store.get("k").unwrap().version, 1_000);
}

#[test]
fn an_unnumbered_write_is_always_applied() {
    for order in [ReplicationOrder::Arrival, ReplicationOrder::Version] {
        let store = Store::default();
        assert_eq!(arrive(&store, None, order).held, 1);
        arrive(&store, Some(41), order);
        let arrival = arrive(&store, None, order);
        assert_eq!((arrival.applied, arrival.held), (true, 42));
    }
}

#[test]
fn the_same_version_again_changes_nothing_under_version_order() {
    let store = Store::default();
    assert!(arrive(&store, Some(3), ReplicationOrder::Version).applied);
    let again = arrive(&store, Some(3), ReplicationOrder::Version);
    assert_eq!((again.applied, again.held, again.version), (false, 3, 3));
    assert!(arrive(&store, Some(3), ReplicationOrder::Arrival).applied);
}

#[test]
fn the_largest_version_can_be_followed() {
    let store = Store::default();
    arrive(&store, Some(u64::MAX), ReplicationOrder::Arrival);
    assert_eq!(arrive(&store, None, ReplicationOrder::Arrival).held, u64::MAX);
}

#[test]
fn a_snapshot_is_sorted_and_keys_are_found_by_their_place() {
    let store = Store::default();
    let ids = ["b", "ä", "a"].map(|key| store.write(key, key, |id, _| id));
    let keys: Vec<_> = store.snapshot().into_iter().map(|e| e.key).collect();
    assert_eq!(keys, ["a".into(), "b".into(), Arc::<str>::from("ä")]);
    assert_eq!(store.keys([ids[2], ids[0]]), ["a".into(), Arc::<str>::from("b")]);
}

proptest! {
    /// Any sequence of numbered deliveries, duplicates included, against the plainest model.
    #[test]
    fn both_orders_agree_with_a_model(deliveries in prop::collection::vec((0_u8..4, 1_u64..40), 0..200)) {
        for order in [ReplicationOrder::Arrival, ReplicationOrder::Version] {
            let store = Store::default();
            let mut model: BTreeMap<String, u64> = BTreeMap::new();
            for &(key, version) in &deliveries {
                let key = format!("k{key}");
                let held = model.entry(key.clone()).or_insert(0);
                let expected = order == ReplicationOrder::Arrival || version > *held;
                if expected {
                    *held = version;
                }
                let arrival = store.replicate(&key, &version.to_string(), Some(version), order, |_| ());
                prop_assert_eq!((arrival.applied, arrival.held), (expected, *held));
            }
            for (key, version) in model {
                let entry = store.get(&key).unwrap();
                prop_assert_eq!(entry.version, version);
                prop_assert_eq!(&*entry.value, version.to_string());
            }
        }
    }

    #[test]
    fn under_any_permutation_arrival_keeps_the_last_and_version_the_greatest(
        versions in Just((1..=20_u64).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let (by_arrival, by_version) = (Store::default(), Store::default());
        for &version in &versions {
            arrive(&by_arrival, Some(version), ReplicationOrder::Arrival);
            arrive(&by_version, Some(version), ReplicationOrder::Version);
        }
        prop_assert_eq!(Some(&by_arrival.get("k").unwrap().version), versions.last());
        prop_assert_eq!(by_version.get("k").unwrap().version, 20);
    }
}
