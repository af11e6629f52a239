#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::analysis::fixture::RunBuilder;
use crate::analysis::random::stream;
use crate::analysis::staleness::Staleness;
use crate::analysis::staleness::closed_form::{ClosedForm, binomial};
use crate::analysis::staleness::tests::{distribution, is_near};

/// A limit that no delay reaches.
const NO_LIMIT_US: u64 = 10_000_000_000;

fn wars(followers: usize, quorum: u32, write: &str, ack: Option<&str>, read: [Option<&str>; 2]) -> Wars {
    let link = LinkDelays { write: distribution(write), ack: ack.map(distribution) };
    let [request, response] = read.map(|way| way.map(distribution));
    Wars {
        links: vec![link; followers],
        quorum,
        path: ReadPath { request, response },
        replication_limit_us: TimeSpan::new(NO_LIMIT_US),
        request_limit_us: TimeSpan::new(NO_LIMIT_US),
    }
}

/// The fit of LinkedIn's disks in PBS, table 3: N = 3, R = W = 1.
fn pbs_disk() -> Wars {
    let other = "mixture(91.22*pareto(0.235,10),8.78*exponential(0.602409638554))";
    let write = "mixture(38*pareto(1.05,1.51),62*exponential(5.464480874317))";
    wars(3, 1, write, Some(other), [Some(other), Some(other)])
}

fn simulate(wars: &Wars, replicas: &[u32], trials: u32) -> Trials {
    wars.simulate(replicas, trials, &mut stream(1, "test"))
}

/// Whether the 99.9th percentile of a sample may be this, given to a hundredth, but for three
/// standard errors of the share below it.
fn p999_is_near(sample: &crate::analysis::Sample, expected_ms: f64) -> bool {
    let n = sample.len() as f64;
    let share = |below_ms: f64| sample.iter_ms().filter(|ms| *ms <= below_ms).count() as f64 / n;
    let error = (0.999 * 0.001 / n).sqrt();
    share(expected_ms + 0.005) >= 0.999 - 3.0 * error && share(expected_ms - 0.005) <= 0.999 + 3.0 * error
}

#[test]
fn the_disks_of_pbs_are_as_stale_and_as_fast_as_published() {
    // The paper prints 43.9 %, 0.66 and 10.99 ms; a million trials of the same fit give these.
    let trials = simulate(&pbs_disk(), &[1], 400_000);
    let first = trials.of((Reader::First, 1)).unwrap();
    assert!(is_near(first.seen(TimeSpan::ZERO).unwrap(), 0.436, 3.0, 0.0005), "{:?}", first.seen(TimeSpan::ZERO));
    assert!(p999_is_near(&first.latencies(), 0.65), "{:?}", first.latencies().quantile_ms(0.999));
    assert!(p999_is_near(&trials.writes, 10.98), "{:?}", trials.writes.quantile_ms(0.999));
    // Who waits for one random replica hears of it later, and so sees a little more.
    let random = trials.of((Reader::Random, 1)).unwrap();
    assert!(random.seen(TimeSpan::ZERO).unwrap().value > first.seen(TimeSpan::ZERO).unwrap().value + 0.005);
    assert!(random.latencies().quantile_ms(0.999) > Some(3.0));
}

#[test]
fn a_read_at_the_acknowledgement_misses_the_followers_that_were_not_waited_for() {
    for quorum in 0..=5 {
        for replicas in 1..=5 {
            let form = ClosedForm::new((0.0, 1000.0), 5, quorum, replicas).unwrap();
            let stale = form.seen(TimeSpan::ZERO).unwrap().complement().value;
            let expected = binomial(5 - quorum, replicas) / binomial(5_u32, replicas);
            assert!((stale - expected).abs() < 1e-12, "W = {quorum}, R = {replicas}: {stale}");
            assert_eq!(stale < 1e-12, quorum + replicas > 5, "W = {quorum}, R = {replicas}: {stale}");
        }
        let one = ClosedForm::new((0.0, 1000.0), 5, quorum, 1).unwrap();
        assert!((one.seen(TimeSpan::ZERO).unwrap().value - f64::from(quorum) / 5.0).abs() < 1e-12);
        assert_eq!(one.seen(TimeSpan::new(1_000_000)).map(|chance| chance.value), Some(1.0));
    }
    assert_eq!(ClosedForm::new((0.0, 1000.0), 5, 6, 1), None);
    assert_eq!(ClosedForm::new((0.0, 1000.0), 5, 1, 6), None);
}

#[test]
fn without_a_spread_every_read_sees_every_write() {
    let form = ClosedForm::new((5.0, 5.0), 5, 1, 1).unwrap();
    assert_eq!(form.figures().unwrap().p999.unwrap().ms, Some(0.0));
    let at_once = RunBuilder::new(0).delay_ms(5, 5).write_with_delays(0, 0, &[5_000; 5]);
    let read = Staleness::of(&at_once.write_with_delays(1, 0, &[5_000; 5]).build()).reads[0].clone();
    for visibility in [read.from_trace.unwrap(), read.predicted.unwrap()] {
        assert_eq!((visibility.stale_at_ack.value, visibility.p50.unwrap().ms), (1.0, Some(5.0)));
    }
    let not_waited_for = ClosedForm::new((5.0, 9.0), 5, 0, 1).unwrap();
    assert_eq!(not_waited_for.seen(TimeSpan::new(5_000)).unwrap().value, 0.0);
    assert_eq!(not_waited_for.seen(TimeSpan::new(9_000)).unwrap().value, 1.0);
}

#[test]
fn the_simulation_agrees_with_the_formula_of_uniform_delays() {
    for quorum in 0..=5 {
        let trials = simulate(&wars(5, quorum, "uniform(0,1000)", None, [None, None]), &[1, 2, 4], 20_000);
        for replicas in [1, 2, 4] {
            let form = ClosedForm::new((0.0, 1000.0), 5, quorum, replicas).unwrap();
            let reads = trials.of((Reader::Random, replicas)).unwrap();
            for t_us in [0, 100_000, 400_000, 800_000] {
                let (expected, chance) =
                    (form.seen(TimeSpan::new(t_us)).unwrap().value, reads.seen(TimeSpan::new(t_us)).unwrap());
                assert!(is_near(chance, expected, 4.0, 2e-4), "W {quorum} R {replicas} {t_us}: {chance:?} {expected}");
            }
        }
    }
}

/// Exponential delays forget how long they lasted: R followers all lack a write as long as it
/// has reached none of them.
#[test]
fn the_simulation_agrees_with_the_formula_of_exponential_delays() {
    for quorum in 1..=4 {
        let trials = simulate(&wars(5, quorum, "exponential(50)", None, [None, None]), &[1, 3], 20_000);
        for replicas in [1, 3] {
            let reads = trials.of((Reader::Random, replicas)).unwrap();
            for t_ms in [0.0, 20.0, 70.0, 200.0] {
                let stale = binomial(5 - quorum, replicas) / binomial(5_u32, replicas)
                    * (-t_ms * f64::from(replicas) / 50.0_f64).exp();
                let chance = reads.seen(TimeSpan::new((t_ms * 1000.0) as u64)).unwrap();
                assert!(is_near(chance, 1.0 - stale, 4.0, 1e-4), "W {quorum} R {replicas} {t_ms}: {chance:?} {stale}");
            }
        }
    }
}

#[test]
fn acknowledgements_and_requests_on_their_way_give_a_write_time() {
    let seen = |ack, request| {
        let trials = simulate(&wars(5, 1, "uniform(0,10)", ack, [request, None]), &[1], 2_000);
        trials.of((Reader::Random, 1)).unwrap().seen(TimeSpan::ZERO).unwrap().value
    };
    assert!((seen(None, None) - 0.2).abs() < 0.04);
    assert!(seen(Some("constant(4)"), None) > 0.4);
    assert_eq!(seen(Some("constant(10)"), None), 1.0);
    assert_eq!(seen(None, Some("constant(10)")), 1.0);
}

#[test]
fn a_copy_past_the_time_limit_is_never_seen() {
    let late =
        Wars { replication_limit_us: TimeSpan::new(700_000), ..wars(5, 1, "uniform(0,1000)", None, [None, None]) };
    let trials = simulate(&late, &[1, 5], 5_000);
    let one = trials.of((Reader::Random, 1)).unwrap();
    assert!(one.seen(TimeSpan::new(NO_LIMIT_US)).unwrap().value < 0.8);
    assert_eq!(one.figures().unwrap().p99, None);
    assert_eq!(trials.of((Reader::Random, 5)).unwrap().seen(TimeSpan::ZERO).unwrap().value, 1.0);
    let refused = Wars { quorum: 5, ..late };
    assert!(simulate(&refused, &[1], 2_000).writes.len() < 1_000);
}
