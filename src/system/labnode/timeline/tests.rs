use std::fs;
use std::path::Path;

use labnode::wire::{Outcome, Role};
use proptest::prelude::*;

use super::*;

fn timeline(clock: &Clock) -> Timeline<'_> {
    Timeline { clock, start_us: Micros::new(1_000), followers: Followers::constant(3) }
}

fn dump<R>(records: Vec<R>) -> TraceDump<R> {
    TraceDump { node: "leader".to_owned(), role: Role::Leader, now_us: 0, dropped: 0, next: 0, records }
}

fn record(follower: u32, delay_us: u64, sent_us: Option<u64>, acked_us: Option<u64>) -> LeaderRecord {
    let key = "k0".to_owned();
    LeaderRecord {
        write: 0,
        version: 1,
        key,
        follower,
        delay_us,
        ack_delay_us: 3,
        sent_us,
        acked_us,
        outcome: Outcome::Acked,
    }
}

#[test]
fn times_are_from_the_runs_start_by_our_clock() {
    let clock = Clock::at_zero();
    let rows = timeline(&clock).copies(dump(vec![record(2, 7, Some(5_500), Some(6_000))]), Micros::new(500)).unwrap();
    assert_eq!(
        (rows[0].follower, rows[0].sent_us, rows[0].acked_us),
        (NodeId::Follower(2), Some(Micros::new(4_000)), Some(Micros::new(4_500)))
    );
    assert_eq!((rows[0].delay_us, rows[0].ack_delay_us), (TimeSpan::new(7), TimeSpan::new(3)));
    // Warm-up lies before the start.
    let rows = timeline(&clock).copies(dump(vec![record(0, 7, Some(400), None)]), Micros::ZERO).unwrap();
    assert_eq!((rows[0].sent_us, rows[0].acked_us), (Some(Micros::new(-600)), None));
}

#[test]
fn an_arrival_that_brings_a_follower_up_to_date_is_told_from_a_write() {
    let clock = Clock::at_zero();
    let arrival = |catch_up| FollowerRecord { version: 1, key: "k0".to_owned(), applied: true, catch_up, at_us: 2_000 };
    let rows = timeline(&clock).arrivals(dump(vec![arrival(false), arrival(true)]), Micros::ZERO).unwrap();
    assert_eq!(
        rows.iter().map(|row| (row.at_us.get(), row.catch_up)).collect::<Vec<_>>(),
        [(1_000, false), (1_000, true)]
    );
}

#[test]
fn what_cannot_be_is_refused_and_named() {
    let clock = Clock::at_zero();
    let refused = |record| timeline(&clock).copies(dump(vec![record]), Micros::ZERO).unwrap_err();
    assert_eq!(refused(record(3, 0, None, None)), "there is no follower of index 3");
    assert_eq!(refused(record(0, u64::MAX, None, None)), format!("a delay of {} us is over ten years", u64::MAX));
    for at_us in [u64::MAX, 1 << 63, i64::MAX as u64, 2 * TIME_LIMIT.get()] {
        assert!(refused(record(0, 0, Some(at_us), None)).contains(&at_us.to_string()));
        let arrival = FollowerRecord { version: 1, key: "k0".to_owned(), applied: true, catch_up: false, at_us };
        assert!(timeline(&clock).arrivals(dump(vec![arrival]), Micros::ZERO).is_err());
    }
}

/// A dump as a node that is not ours may send it, through all that labctl does with one.
fn read(bytes: &[u8], offset_us: i64) -> bool {
    let clock = Clock::at_zero();
    let timeline = timeline(&clock);
    let leader = serde_json::from_slice::<TraceDump<LeaderRecord>>(bytes)
        .is_ok_and(|dump| timeline.copies(dump, Micros::new(offset_us)).is_ok());
    let follower = serde_json::from_slice::<TraceDump<FollowerRecord>>(bytes)
        .is_ok_and(|dump| timeline.arrivals(dump, Micros::new(offset_us)).is_ok());
    leader || follower
}

#[test]
fn the_corpus_is_judged_as_its_names_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/traces");
    let mut judged = 0;
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(read(&fs::read(&path).unwrap(), 0), name.starts_with("good-"), "{name}");
        judged += 1;
    }
    assert!(judged > 5);
}

proptest! {
    #[test]
    fn no_record_makes_labctl_panic(
        follower: u32, delay_us: u64, sent_us: Option<u64>, acked_us: Option<u64>, offset_us: i64,
    ) {
        let clock = Clock::at_zero();
        let rows = timeline(&clock).copies(dump(vec![record(follower, delay_us, sent_us, acked_us)]), Micros::new(offset_us));
        let times = |row: &CopyRecord| [row.sent_us, row.acked_us].into_iter().flatten().collect::<Vec<_>>();
        for row in rows.unwrap_or_default() {
            prop_assert!(times(&row).iter().all(|at_us| at_us.abs() <= TIME_LIMIT));
        }
    }

    #[test]
    fn no_bytes_make_labctl_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), offset_us: i64) {
        read(&bytes, offset_us);
    }
}
