//! What a reader must know before believing the rest.

use std::collections::BTreeSet;

use super::model::{Report, RunReport};
use super::number::{count, grouped, list, ms, percent};
use crate::analysis::{CLIENT_BOUND, LATE_MS, MACHINE_SATURATED};
use crate::data::{GapKind, Manifest, RunFile};
use crate::model::{NodeId, TimeSpan};

/// Most contradictions of a run that are told one by one.
const MOST_CONTRADICTIONS: usize = 3;

/// Broken promises, faults, and whatever makes the runs less than comparable.
#[must_use]
pub fn warnings(report: &Report) -> Vec<String> {
    let (runs, diagnoses) = (&report.runs, &report.diagnoses);
    let breaches = runs.iter().filter_map(|run| run.durability()?.breach).map(|breach| format!("{breach}."));
    let faults = diagnoses.iter().map(|diagnosis| diagnosis.sentence.clone());
    breaches.chain(faults).chain(of_runs(runs)).chain(mixed(runs)).collect()
}

/// What is to be said of runs one by one, said once for all of which it is true.
fn of_runs(runs: &[RunReport]) -> Vec<String> {
    let mut said: Vec<(String, Vec<String>)> = Vec::new();
    for (quorum, what) in runs.iter().flat_map(|run| of_run(run).into_iter().map(|what| (run.quorum.to_string(), what)))
    {
        match said.iter_mut().find(|(known, _)| *known == what) {
            Some((_, quorums)) => quorums.push(quorum),
            None => said.push((what, vec![quorum])),
        }
    }
    said.into_iter().map(|(what, quorums)| format!("At W = {} {what}", list(&quorums))).collect()
}

fn of_run(run: &RunReport) -> Vec<String> {
    let manifest = &run.manifest;
    // What was broken on purpose is no surprise; the answer says what it left unknown.
    let on_purpose = |node: &NodeId| manifest.absent_nodes.contains(node);
    let mut warnings: Vec<String> = contradicted(run).into_iter().collect();
    if !manifest.settled && !on_purpose(&NodeId::Leader) {
        warnings.push(
            "replications were still in flight when the deadline passed, so what the followers held in the end is not \
             known."
                .to_owned(),
        );
    }
    for step in &run.faults_left_out {
        warnings.push(format!("the load was over before `{step}`, which was left out."));
    }
    warnings.extend(gaps(run));
    warnings.extend(load_limits(run));
    warnings.extend(leader_changes(manifest));
    for early in run.outside.iter().flat_map(|outside| &outside.early) {
        warnings.push(format!(
            "{} showed writes sooner than its link lets them arrive: it may answer from its leader. What it showed is in no \
             figure.",
            early.follower
        ));
    }
    if manifest.trace_dropped > 0 {
        warnings.push(format!("the nodes forgot {} for want of room.", count(manifest.trace_dropped, "trace record")));
    }
    let withheld = |node: &NodeId| run.contradictions.iter().any(|one| one.file == RunFile::Settled(*node));
    let silent = run.consistency.settled.absent.iter().filter(|node| !on_purpose(node) && !withheld(node));
    let absent: Vec<String> = silent.map(named).collect();
    if !absent.is_empty() {
        let verb = if absent.len() == 1 { "was" } else { "were" };
        warnings.push(format!("{} did not answer at the end and {verb} not compared.", list(&absent)));
    }
    warnings
}

/// That the files of a run contradict each other, and in what.
fn contradicted(run: &RunReport) -> Option<String> {
    let told: Vec<String> = run.contradictions.iter().take(MOST_CONTRADICTIONS).map(ToString::to_string).collect();
    let more = run.contradictions.len() - told.len();
    let more = if more == 0 { String::new() } else { format!("; and {} more", grouped(more as u64)) };
    (!told.is_empty()).then(|| {
        format!(
            "the files of the run contradict each other, so there is no verdict, and what rests on the files named \
             here is withheld: {}{more}.",
            told.join("; ")
        )
    })
}

/// That labctl or the machine stood still, and what that touched.
fn gaps(run: &RunReport) -> Vec<String> {
    let of_kind = |kind, what: &str| {
        let lengths_us = run.manifest.gaps.iter().filter(|gap| gap.kind == kind).map(|gap| gap.length_us);
        let (number, total_us) = lengths_us.fold((0, TimeSpan::ZERO), |(n, sum), us| (n + 1, sum + us));
        let times = if number == 1 { "once".to_owned() } else { format!("{} times", grouped(number)) };
        let touched = count(run.summary.writes_in_gaps, "write");
        (number > 0).then(|| {
            format!(
                "{what} {times}, for {} ms in all. {touched} under way in these gaps may have measured it instead of \
                 the cluster: the run's latencies, overhead and lag can be too long.",
                ms(total_us.as_ms())
            )
        })
    };
    let stalled = of_kind(GapKind::Stalled, "labctl stood still");
    stalled.into_iter().chain(of_kind(GapKind::Suspended, "the machine slept")).collect()
}

/// That labctl or its machine, not the cluster, may be what was measured.
fn load_limits(run: &RunReport) -> Vec<String> {
    let Some(load) = &run.load else { return Vec::new() };
    let open_loop = load.open_loop.filter(|of| of.is_late).map(|of| {
        let held_up = match of.held_up {
            0 => String::new(),
            number => format!(
                ", {} of them because {} were in flight, as many as `concurrency` allows",
                grouped(number),
                grouped(u64::from(run.manifest.config.workload.concurrency.get()))
            ),
        };
        format!(
            "writes were sent late: {} of {} more than {LATE_MS} ms after they were to start (up to {} ms){held_up}. Their latency counts that \
             wait: the cluster, or labctl, does not keep up with {} writes a second.",
            grouped(of.late),
            count(run.course.writes, "write"),
            ms(of.late_max_ms),
            grouped(u64::from(of.rate_per_s))
        )
    });
    let driver = load.driver;
    let bound = driver.filter(|of| of.is_bound).map(|of| {
        format!(
            "labctl itself kept {} of one processor busy, and its load runs on one (the limit is {}): rate and latency may \
             be those of the client.",
            percent(of.of_a_processor),
            percent(CLIENT_BOUND)
        )
    });
    let busy = driver.filter(|of| of.is_machine_saturated == Some(true)).and_then(|of| of.machine_busy);
    let saturated = busy.map(|busy| {
        format!(
            "the processors of this machine were busy {} of the time (the limit is {}): nodes and labctl waited for each \
             other, and rate and latency are as much the machine's as the cluster's.",
            percent(busy),
            percent(MACHINE_SATURATED)
        )
    });
    open_loop.into_iter().chain(bound).chain(saturated).collect()
}

/// That other nodes became the leader, and what that means for the figures.
fn leader_changes(manifest: &Manifest) -> Option<String> {
    let changes: Vec<String> = manifest
        .leader_changes
        .iter()
        .map(|change| format!("from {} ms on {} was the leader", ms(change.at_us.as_ms()), change.leader))
        .collect();
    (!changes.is_empty()).then(|| {
        format!(
            "the nodes elected another leader than the one between which and its followers the delays of the network \
             lie: {}. Writes since then did not meet these delays, and latencies and rates of the whole run mix both.",
            list(&changes)
        )
    })
}

fn named(node: &NodeId) -> String {
    if node.is_leader() { "the leader".to_owned() } else { node.to_string() }
}

/// Conditions that should be the same in all runs and are not.
fn mixed(runs: &[RunReport]) -> Option<String> {
    let differs =
        |of: fn(&Manifest) -> String| runs.iter().map(|run| of(&run.manifest)).collect::<BTreeSet<_>>().len() > 1;
    let names: Vec<String> = [
        ("configuration", differs(Manifest::shared_config_sha256)),
        ("seed", differs(|m| m.seed.to_string())),
        ("backend", differs(|m| m.backend.name.clone())),
        ("version of the system", differs(|m| m.system.as_ref().map_or_else(String::new, |of| of.version.clone()))),
        ("node executable", differs(|m| m.node_sha256.clone().unwrap_or_default())),
        ("host", differs(|m| format!("{:?}", m.host))),
        ("number of runs at a time", differs(|m| format!("{:?}", m.jobs))),
    ]
    .into_iter()
    .filter(|(_, differs)| *differs)
    .map(|(name, _)| name.to_owned())
    .collect();
    (!names.is_empty())
        .then(|| format!("The runs were not made with the same {}: compare them with care.", list(&names)))
}
