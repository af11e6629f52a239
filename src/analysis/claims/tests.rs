#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use super::claim::quorum_list;
use super::*;
use crate::analysis::consistency::Verdict;
use crate::analysis::faults::FaultFigures;
use crate::analysis::fixture::{Drawn, LeaderAnswer, RunBuilder, right_leader};
use crate::config::{Experiment, Pacing};
use crate::data::RunData;
use crate::model::{LinkOrder, ReplicationOrder, uniform_ms};

const RISES: usize = 0;
const EXTREMES: usize = 1;
const TAILS: usize = 2;
const BELOW_N: usize = 3;
const AT_N: usize = 4;
const GUARANTEE: usize = 5;

fn lab(
    name: &str,
    quorums: impl IntoIterator<Item = u32>,
    configure: impl Fn(&mut Experiment),
    leader: impl Fn(&Drawn<'_>) -> LeaderAnswer,
) -> ExperimentFigures {
    let runs: Vec<RunData> =
        quorums.into_iter().map(|w| RunBuilder::new(w).configure(&configure).load(&leader).build()).collect();
    ExperimentFigures { name: name.parse().unwrap(), ..figures(&runs) }
}

/// Few trials: no test here depends on the model's figures to more than a digit.
fn figures(runs: &[RunData]) -> ExperimentFigures {
    ExperimentFigures::with_trials(runs, |_| Some(100)).unwrap()
}

/// The lab with a seed under which W = 5 diverges.
fn quorum() -> ExperimentFigures {
    (0..20)
        .map(|seed| lab("quorum", 1..=5, |config| config.seed = seed, right_leader))
        .find(|lab| lab.at(5).is_some_and(|run| run.consistency.verdict == Verdict::Inconsistent))
        .unwrap()
}

fn barrier() -> ExperimentFigures {
    lab("barrier", 1..=5, |config| config.workload.pacing = Pacing::Batch, right_leader)
}

fn versioned() -> ExperimentFigures {
    lab("versioned", 1..=5, |config| config.network.order = ReplicationOrder::Version, right_leader)
}

fn findings(experiment: &ExperimentFigures, others: &[ExperimentFigures]) -> Vec<ClaimFinding> {
    claims(experiment, others).iter().map(|claim| claim.finding).collect()
}

#[test]
fn the_lab_confirms_what_it_says_of_latency_and_refutes_what_it_says_of_consistency() {
    use ClaimFinding::{Confirmed, Refuted};
    let found = findings(&quorum(), &[]);
    assert_eq!(found, [Confirmed, Confirmed, Confirmed, Confirmed, Refuted, Refuted]);
}

#[test]
fn behind_a_barrier_w_n_is_consistent_and_nothing_shown_to_the_contrary() {
    let claims = claims(&barrier(), &[]);
    assert_eq!(claims[AT_N].finding, ClaimFinding::Confirmed);
    assert_eq!(
        claims[AT_N].sentence,
        "In this run it held, as it must once every message has arrived: all 50 copies matched in the end, since the next \
         write to a key starts only when the one before is on every follower."
    );
    assert_eq!(claims[GUARANTEE].finding, ClaimFinding::NotTestable);
}

/// The two highest quorums under one seed.
fn of_seed(seed: u64, configure: impl Fn(&mut Experiment)) -> ExperimentFigures {
    lab(
        "quorum",
        [4, 5],
        |config| {
            config.seed = seed;
            configure(config);
        },
        right_leader,
    )
}

/// Of 30 seeds, or as many as `LABCTL_CLAIM_SEEDS` says.
#[test]
fn no_verdict_on_consistency_depends_on_the_seed() {
    use ClaimFinding::{Confirmed, NotTestable, Refuted};
    let seeds: u64 = std::env::var("LABCTL_CLAIM_SEEDS").ok().map_or(30, |seeds| seeds.parse().unwrap());
    let found = |configure: fn(&mut Experiment)| -> Vec<(Vec<ClaimFinding>, Option<bool>)> {
        let of = |seed| {
            let claims = claims(&of_seed(seed, configure), &[]);
            let Evidence::Divergence { runs } = &claims[AT_N].evidence else { panic!("{:?}", claims[AT_N].evidence) };
            (claims[BELOW_N..].iter().map(|claim| claim.finding).collect(), runs[0].held)
        };
        (0..seeds).map(of).collect()
    };
    let window = found(|_| {});
    assert!(window.iter().all(|(found, _)| found[..] == [Confirmed, Refuted, Refuted]), "{window:?}");
    // How the runs end does.
    eprintln!("{} of {seeds} held", window.iter().filter(|(_, held)| *held == Some(true)).count());
    assert!([true, false].into_iter().all(|is| window.iter().any(|(_, held)| *held == Some(is))), "{window:?}");
    let batch = found(|config| config.workload.pacing = Pacing::Batch);
    assert!(batch.iter().all(|(found, _)| found[..] == [Confirmed, Confirmed, NotTestable]), "{batch:?}");
    let versions = found(|config| config.network.order = ReplicationOrder::Version);
    assert!(versions.iter().all(|(found, _)| found[..] == [Refuted, Confirmed, Refuted]), "{versions:?}");
}

#[test]
fn one_run_that_matched_shows_nothing() {
    let mut matched = of_seed(0, |_| {});
    for run in &mut matched.runs {
        run.consistency.verdict = Verdict::Consistent;
        (run.consistency.settled.total.stale, run.consistency.settled.total.missing) = (0, 0);
        (run.replaced, run.expected) = (Some(0), None);
    }
    let found = claims(&matched, &[]);
    assert_eq!(found[BELOW_N..].iter().map(|claim| claim.finding).collect::<Vec<_>>(), [ClaimFinding::NotTestable; 3]);
    assert!(
        found[AT_N].sentence.ends_with("One run that matched does not show that all do."),
        "{}",
        found[AT_N].sentence
    );
    // A write that an older one replaced shows the contrary, whatever became of it.
    matched.runs[1].replaced = Some(3);
    let found = claims(&matched, &[]);
    assert_eq!((found[AT_N].finding, found[GUARANTEE].finding), (ClaimFinding::Refuted, ClaimFinding::Refuted));
    assert!(found[AT_N].sentence.contains("older writes replaced 3 acknowledged writes"), "{}", found[AT_N].sentence);
}

#[test]
fn what_refutes_consistency_at_w_n_refutes_the_guarantee() {
    let lossy = lab(
        "quorum",
        1..=5,
        |config| config.workload.pacing = Pacing::Batch,
        |drawn| LeaderAnswer { cancelled: vec![4], ..right_leader(drawn) },
    );
    let claims = claims(&lossy, &[]);
    assert_eq!((claims[AT_N].finding, claims[GUARANTEE].finding), (ClaimFinding::Refuted, ClaimFinding::Refuted));
    for claim in [&claims[AT_N], &claims[GUARANTEE]] {
        assert!(
            claim.sentence.contains("10 of 50 copies differed in the end (in 10 the newest write was lost)"),
            "{}",
            claim.sentence
        );
    }
}

#[test]
fn other_experiments_refute_the_guarantee_from_both_sides() {
    let claim = &claims(&barrier(), &[quorum(), versioned()])[GUARANTEE];
    assert_eq!(claim.finding, ClaimFinding::Refuted);
    let Evidence::Counterexamples { examples } = &claim.evidence else { panic!("{:?}", claim.evidence) };
    assert!(
        matches!(&examples[0], Counterexample::DivergedAtN { experiment, run, .. } if (experiment.as_str(), run.quorum) == ("quorum", 5))
    );
    assert!(matches!(&examples[1], Counterexample::ConsistentBelowN { quorums, .. } if quorums == &[1, 2, 3, 4]));
    assert!(
        claim.sentence.contains("`quorum` at W = 5") && claim.sentence.contains("`versioned` even W = 1 is enough"),
        "{}",
        claim.sentence
    );
}

#[test]
fn consistency_by_luck_is_called_chance() {
    let lucky = (0..20)
        .map(|seed| of_seed(seed, |_| {}))
        .find(|lab| lab.at(5).is_some_and(|run| run.consistency.verdict == Verdict::Consistent))
        .unwrap();
    for others in [&[][..], &[versioned()]] {
        let claims = claims(&lucky, others);
        assert!(
            claims[AT_N].sentence.contains("all 50 copies matched in the end. It need not have: "),
            "{}",
            claims[AT_N].sentence
        );
        let sentence = &claims[GUARANTEE].sentence;
        assert!(sentence.contains("all 50 copies matched in the end, but need not have: "), "{sentence}");
        assert!(sentence.contains("of simulated runs."), "{sentence}");
    }
}

#[test]
fn version_order_refutes_that_a_small_w_must_diverge() {
    let claim = &claims(&versioned(), &[])[BELOW_N];
    assert_eq!(claim.finding, ClaimFinding::Refuted);
    assert_eq!(
        claim.sentence,
        "At W = 1, 2, 3 and 4 every copy matched in the end, as it must once every message has arrived: followers keep the \
         newest version, in whatever order copies arrive. At W = 1, 2, 3 and 4 some copies lagged when the last write was \
         answered, and then caught up."
    );
}

#[test]
fn a_leader_that_waits_for_everyone_refutes_that_latency_rises() {
    let flat = lab("quorum", 1..=5, |_| {}, |drawn| LeaderAnswer::after(drawn.sorted_us[4]));
    let claims = claims(&flat, &[]);
    assert_eq!((claims[RISES].finding, claims[EXTREMES].finding), (ClaimFinding::Refuted, ClaimFinding::Refuted));
    assert!(claims[RISES].sentence.ends_with("theory says 166.7 ms."), "{}", claims[RISES].sentence);
}

#[test]
fn falling_latency_brings_the_typical_write_no_closer_to_the_tail() {
    let upside_down = lab("quorum", 1..=5, |_| {}, |drawn| LeaderAnswer::after(drawn.sorted_us[5 - drawn.quorum]));
    let found = findings(&upside_down, &[]);
    assert_eq!(found[..3], [ClaimFinding::Refuted; 3]);
}

#[test]
fn without_an_injected_delay_nothing_is_said_of_latency() {
    let constant = |config: &mut Experiment| config.network.delay = uniform_ms(0, 0).unwrap();
    let found = findings(&lab("throughput", 1..=5, constant, |_| LeaderAnswer::after(700)), &[]);
    assert_eq!(found[RISES..=TAILS], [ClaimFinding::NotTestable; 3]);
}

#[test]
fn a_single_quorum_tests_only_what_it_can() {
    use ClaimFinding::{Confirmed, NotTestable};
    let found = findings(&lab("quorum", [2], |_| {}, right_leader), &[]);
    assert_eq!(found, [NotTestable, NotTestable, NotTestable, Confirmed, NotTestable, NotTestable]);
}

#[test]
fn runs_without_an_acknowledged_write_are_no_evidence() {
    let mut runs: Vec<RunData> = [1, 5].map(|w| RunBuilder::new(w).load(right_leader).build()).into();
    for run in &mut runs {
        run.manifest.settled = false;
        for write in &mut run.writes {
            write.outcome = crate::data::WriteOutcome::Failed;
        }
    }
    let found = findings(&figures(&runs), &[]);
    assert_eq!(found, [ClaimFinding::NotTestable; 6]);
}

#[test]
fn a_quorum_beyond_the_followers_is_left_aside() {
    let mut runs: Vec<RunData> = (1..=5).map(|w| RunBuilder::new(w).load(right_leader).build()).collect();
    runs.push(RunBuilder::new(6).load(|_| LeaderAnswer::after(0)).build());
    let with_six = findings(&figures(&runs), &[]);
    let without = findings(&figures(&runs[..5]), &[]);
    assert_eq!(with_six, without);
}

#[test]
fn the_sentence_follows_the_numbers() {
    let sentence = claims(&quorum(), &[])[RISES].sentence.clone();
    let mut slower = quorum();
    slower.paired[0].from_mean_ms = slower.paired[0].from_mean_ms.map(|mean_ms| mean_ms + 1.0);
    assert_ne!(sentence, claims(&slower, &[])[RISES].sentence);
}

#[test]
fn quorums_are_listed_as_people_do() {
    let listed: Vec<String> = [&[][..], &[3], &[1, 2], &[0, 1, 4]].map(quorum_list).into();
    assert_eq!(listed, ["no W", "W = 3", "W = 1 and 2", "W = 0, 1 and 4"]);
}

#[test]
fn a_step_is_that_of_the_same_writes() {
    let lab = quorum();
    let claims = claims(&lab, &[]);
    let Evidence::Steps { steps } = &claims[RISES].evidence else { panic!("{claims:?}") };
    for (step, pair) in steps.iter().zip(lab.steps()) {
        let mean = pair.mean.unwrap();
        assert!(step.is_paired && !step.is_dependent);
        assert_eq!((step.rise.value_ms, step.rise.interval_ms), (mean.value_ms, mean.interval_ms));
        let independent =
            lab.at(step.to).unwrap().latency.mean.unwrap().above(&lab.at(step.from).unwrap().latency.mean.unwrap());
        assert!(mean.interval_ms.lower > independent.interval_ms.lower);
    }
}

#[test]
fn runs_under_load_give_no_verdict_on_latency() {
    let mut lab = quorum();
    lab.runs[2].latency.dependence.is_dependent = true;
    let found = claims(&lab, &[]);
    assert_eq!(found[RISES].finding, ClaimFinding::NotTestable);
    assert!(found[RISES].sentence.contains("one run of each quorum is no verdict"), "{}", found[RISES].sentence);
    lab.runs[4].latency.dependence.is_dependent = true;
    assert_eq!(claims(&lab, &[])[TAILS].finding, ClaimFinding::NotTestable);
}

#[test]
fn latencies_that_depend_on_each_other_are_laid_to_load_only_where_there_was_one() {
    let mut lab = quorum();
    lab.runs[4].latency.dependence.is_dependent = true;
    let begins = |lab: &ExperimentFigures, with: &str| {
        for claim in &claims(lab, &[])[RISES..=TAILS] {
            assert!(claim.sentence.starts_with(with), "{}", claim.sentence);
        }
    };
    begins(&lab, "The latencies of neighbouring writes depend on each other");
    lab.runs[4].faults = Some(FaultFigures {
        quorum: 5,
        spells: Vec::new(),
        met: 40,
        missed: 0,
        returned: Vec::new(),
        leader_loss: None,
    });
    begins(&lab, "The writes that met a fault were slow together");
    lab.runs[4].load.as_mut().unwrap().is_saturated = Some(true);
    begins(&lab, "Under this load");
}

#[test]
fn intervals_without_an_end_do_not_overlap() {
    let few = |config: &mut Experiment| config.workload.writes = 40.try_into().unwrap();
    let sentence = &claims(&lab("quorum", 1..=5, few, right_leader), &[])[TAILS].sentence;
    assert!(sentence.starts_with("40 writes at W = 1 are too few for an interval: the median is"), "{sentence}");
}

#[test]
fn ordered_links_make_a_claim_that_a_lost_copy_leaves_open_and_a_wrong_copy_refutes() {
    let ordered = |config: &mut Experiment| config.network.link = Some(LinkOrder::Ordered);
    // Arrivals are in the order of the writes: all copies take equally long.
    let same = |config: &mut Experiment| {
        ordered(config);
        config.network.delay = uniform_ms(20, 20).unwrap();
    };
    let claim = |experiment: &ExperimentFigures| claims(experiment, &[]).into_iter().nth(GUARANTEE + 1);
    assert_eq!(claim(&versioned()), None);
    let kept = claim(&lab("ordered", 1..=5, same, right_leader)).unwrap();
    assert_eq!(kept.finding, ClaimFinding::Confirmed);
    assert_eq!(
        kept.sentence,
        "At W = 1, 2, 3, 4 and 5 every copy matched in the end, as it must: links keep copies in order, so that no older \
         write can arrive after a newer one. By theory the order costs nothing here: no link's delay changes."
    );
    // Delays of single copies on links that are said to keep the order: older writes arrive last.
    let broken = claim(&lab("ordered", 1..=5, ordered, right_leader)).unwrap();
    assert_eq!(broken.finding, ClaimFinding::Refuted, "{}", broken.sentence);
    assert!(broken.sentence.starts_with("At W = 1 every message arrived, and yet "), "{}", broken.sentence);
    let mut run = RunBuilder::new(1).configure(same).load(right_leader).build();
    run.replication[7].outcome = crate::data::ReplicationOutcome::Timeout;
    let lost = claim(&figures(&[run])).unwrap();
    assert_eq!(lost.finding, ClaimFinding::NotTestable, "{}", lost.sentence);
}
