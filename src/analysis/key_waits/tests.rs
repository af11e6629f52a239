use super::*;
use crate::analysis::fixture::{Planned, RunBuilder};

/// A run of 60 writes of 3 keys, 10 at a time, behind constant delays of 20 ms. Where writes of one key wait for each other,
/// each is answered 20 ms after the one before it.
fn run(is_queue: bool, own_us: impl Fn(u64) -> u64) -> RunData {
    let mut ends_of_key = [0_u64; 3];
    let mut ends: Vec<u64> = Vec::new();
    let mut builder = RunBuilder::new(1).delay_ms(20, 20);
    for write in 0..60_u64 {
        let key = write % 3;
        let begun = ends.len().checked_sub(10).map_or(write, |before| {
            let mut ended = ends.clone();
            ended.sort_unstable();
            ended[before]
        });
        let free = if is_queue { begun.max(ends_of_key[key as usize]) } else { begun };
        let end = free + 20_000 + own_us(write);
        ends_of_key[key as usize] = ends_of_key[key as usize].max(end);
        ends.push(end);
        builder = builder.write(Planned {
            write,
            key: format!("k{key}"),
            start_us: begun,
            latency_us: Some(end - begun),
            delays_us: vec![20_000; 5],
            lost: BTreeMap::new(),
        });
    }
    builder.build()
}

fn waits(run: &RunData) -> Option<KeyWaits> {
    KeyWaits::of(run, &Latency::of(run))
}

#[test]
fn writes_that_are_served_one_after_the_other_are_found_to_wait() {
    let run = run(true, |write| write % 7 * 100);
    let waits = waits(&run).unwrap();
    assert_eq!((waits.is_queue, waits.is_alone_predicted, waits.alone_ms), (Some(true), true, 20.0));
    // All but the first of each key met another, and two thirds of ten writes wait.
    assert_eq!(waits.met, 57);
    assert!((waits.rest_ms - 20.3).abs() < 0.2 && waits.met_ms > 60.0, "{waits:?}");
    let mean_ms = Latency::of(&run).mean.unwrap().value_ms;
    assert!((mean_ms - waits.waiting_ms.unwrap() - 20.3).abs() < 0.1, "{waits:?}");
}

#[test]
fn writes_that_pass_each_other_are_found_not_to_wait() {
    let waits = waits(&run(false, |write| write % 7 * 100)).unwrap();
    assert_eq!((waits.is_queue, waits.waiting_ms), (Some(false), Some(0.0)));
}

#[test]
fn of_writes_that_hardly_meet_nothing_is_concluded() {
    let one_at_a_time =
        (0..30).fold(RunBuilder::new(1), |run, write| run.write_with_delays(write, 20_000, &[20_000; 5]));
    assert_eq!(waits(&one_at_a_time.build()), None);
    assert_eq!(is_queue(20.0, 20.0, 20.0), None);
    assert_eq!(is_queue(20.0, 26.0, 15.0), None);
    assert_eq!([is_queue(20.0, 66.0, 21.0), is_queue(20.0, 21.0, 8.0)], [Some(true), Some(false)]);
}

#[test]
fn what_was_broken_is_left_out() {
    let mut run = run(true, |_| 0);
    run.manifest.config.faults = serde_json::from_str(r#"[{"at":1,"node":"f1","kind":"pause"}]"#).unwrap();
    assert_eq!(waits(&run), None);
}

/// A run of pairs of writes of one key. The first takes 60 ms. The second begins 10 ms later and takes 110 ms, as behind a lock,
/// but in the last `others` pairs `other_ms`. A write of another key, which meets no other, takes 60 ms beside each pair.
fn pairs(pairs: u64, others: u64, other_ms: u64) -> RunData {
    let mut builder = RunBuilder::new(1).delay_ms(60, 60);
    for pair in 0..pairs {
        let begun = pair * 1_000_000;
        let second_ms = if pair >= pairs - others { other_ms } else { 110 };
        for (i, key, start_us, ms) in
            [(0, "met", begun, 60), (1, "met", begun + 10_000, second_ms), (2, "alone", begun, 60)]
        {
            builder = builder.write(Planned {
                write: pair * 3 + i,
                key: key.to_owned(),
                start_us,
                latency_us: Some(ms * 1_000),
                delays_us: vec![60_000; 5],
                lost: BTreeMap::new(),
            });
        }
    }
    builder.build()
}

#[test]
fn writes_that_pass_those_before_them_show_that_they_do_not_wait() {
    assert_eq!(waits(&pairs(12, 0, 110)).unwrap().is_queue, Some(true));
    let passed = waits(&pairs(12, 4, 30)).unwrap();
    assert_eq!((passed.is_queue, passed.waiting_ms), (Some(false), Some(0.0)));
    // As long as labctl's own noise goes nothing is concluded of an order.
    assert_eq!(waits(&pairs(12, 4, 50)).unwrap().is_queue, Some(true));
}

#[test]
fn too_few_writes_that_could_be_passed_show_no_lock() {
    let few = Heads { all: 6, clear: 6, passed: 0 };
    assert_eq!(
        [few.judge(Some(true), 6), few.judge(Some(true), 18), few.judge(Some(false), 6)],
        [None, Some(true), Some(false)]
    );
    assert_eq!(Heads { all: 12, clear: 7, passed: 0 }.judge(Some(true), 12), Some(true));
    // One of many may have been overtaken on its way to the lock.
    let judged = |clear, passed| Heads { all: clear, clear, passed }.judge(Some(true), 100);
    assert_eq!([judged(25, 1), judged(25, 5), judged(25, 9), judged(6, 1)], [true, true, false, false].map(Some));
    // Unless nothing speaks for a lock.
    assert_eq!(Heads { all: 25, clear: 25, passed: 1 }.judge(None, 100), Some(false));
}
