//! Runs that are not as one would wish still get a sensible report.

use labctl::config::{Experiment, Network, Workload};
use labctl::data::{FaultEvent, FaultRow, ReplicationOutcome, RunData, WriteOutcome};
use labctl::model::{Micros, NodeId, Quorum, ReplicationOrder, TimeSpan, uniform_ms};
use labctl::report::{self, Rendered};
use serde_json::Value;

use crate::sample;

fn quorum(w: i64) -> Quorum {
    Quorum::try_from(w).unwrap()
}

fn with_quorums(quorums: &[i64]) -> Experiment {
    Experiment { quorums: quorums.iter().map(|w| quorum(*w)).collect(), ..Experiment::default() }
}

/// Renders and checks what holds for every report.
pub(crate) fn render(runs: &[RunData]) -> Rendered {
    check(runs, report::render(runs, &[]).unwrap())
}

/// Renders a run against what is simulated of it.
fn render_foreseen(run: RunData) -> Rendered {
    let runs = [run];
    let forecasts = labctl::explore::forecast(&runs, &tokio_util::sync::CancellationToken::new()).unwrap();
    let extras = report::Extras { forecasts: &forecasts, ..report::Extras::default() };
    check(&runs, report::render_with(&runs, &[], extras).unwrap())
}

fn check(runs: &[RunData], rendered: Rendered) -> Rendered {
    for text in [&rendered.html, &rendered.markdown, &rendered.csv, &rendered.json] {
        for bad in ["NaN", "inf,", "-inf", " inf", "None", "Some(", "n/a ms", "{{", "{%", "1 writes", "1 pairs"] {
            assert!(!text.contains(bad), "`{bad}` in {}", around(text, bad));
        }
    }
    let json: Value = serde_json::from_str(&rendered.json).unwrap();
    assert_eq!(json["runs"].as_array().unwrap().len(), runs.len());
    assert_eq!(rendered.csv.lines().count(), runs.len() + 1);
    assert!(rendered.csv.lines().all(|line| line.split(',').count() == 18));
    assert!(rendered.html.len() < 2_000_000, "{} bytes", rendered.html.len());
    rendered
}

fn around(text: &str, bad: &str) -> String {
    let at = text.find(bad).unwrap_or(0);
    let from = (0..=at.saturating_sub(100)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    text[from..].chars().take(200).collect()
}

fn answer(rendered: &Rendered) -> String {
    let json: Value = serde_json::from_str(&rendered.json).unwrap();
    json["answer"].as_str().unwrap().to_owned()
}

fn warnings(rendered: &Rendered) -> Vec<String> {
    let json: Value = serde_json::from_str(&rendered.json).unwrap();
    json["warnings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_lab() {
    let rendered = render(&sample::runs("quorum", &Experiment::default()));
    let answer = answer(&rendered);
    assert!(answer.starts_with("Waiting for 1 of 5 followers (W = 1), a write took 1"), "{answer}");
    assert!(answer.contains("waiting for all 5 (W = 5), 8"), "{answer}");
    assert!(answer.contains("(100 acknowledged writes a quorum)"), "{answer}");
    assert_eq!(warnings(&rendered), Vec::<String>::new());
    assert!(
        rendered.markdown.replace("\n- ", " ").contains(&answer)
            && rendered.markdown.contains("quorum_vs_latency_full.png")
    );
}

#[test]
fn without_runs_there_is_no_report() {
    assert!(matches!(report::render(&[], &[]), Err(report::ReportError::NoRuns)));
}

#[test]
fn a_single_quorum() {
    let rendered = render(&sample::runs("quorum", &with_quorums(&[3])));
    let answer = answer(&rendered);
    assert!(answer.starts_with("Waiting for 3 of 5 followers (W = 3), a write took "), "{answer}");
    assert!(answer.contains("where the injected delays alone predict 500.0 ms."), "{answer}");
    assert!(!answer.contains("further acknowledgement"), "{answer}");
    assert!(rendered.markdown.contains("labctl run all -e quorum"));
}

#[test]
fn asynchronous_replication_and_a_quorum_beyond_the_followers() {
    let rendered = render(&sample::runs("quorum", &with_quorums(&[0, 6])));
    let answer = answer(&rendered);
    assert!(answer.starts_with("Waiting for no follower (W = 0), a write took 0.3 ms on average"), "{answer}");
    assert!(
        answer.contains("Of 200 writes, 100 missed the quorum; no latency figure includes them. W = 6 is more than"),
        "{answer}"
    );
    assert!(rendered.csv.lines().nth(2).unwrap().starts_with("6,0,100,0,,,,,,,,,,,"), "{}", rendered.csv);
}

#[test]
fn no_write_was_acknowledged() {
    let rendered = render(&sample::runs("quorum", &with_quorums(&[6])));
    assert!(answer(&rendered).starts_with("No write was acknowledged."));
    assert!(rendered.html.contains("there is no latency to show"));
}

#[test]
fn some_writes_failed_and_some_had_no_answer() {
    let mut runs = sample::runs("quorum", &with_quorums(&[1, 5]));
    for (i, outcome) in [(0, WriteOutcome::Failed), (1, WriteOutcome::Failed), (2, WriteOutcome::Unknown)] {
        let row = &mut runs[0].writes[i];
        (row.outcome, row.http_status, row.acks) = (outcome, None, None);
        row.error = Some("quorum_unreachable: a \"reason\" | with <marks>".to_owned());
    }
    let rendered = render(&runs);
    let answer = answer(&rendered);
    assert!(answer.contains("(97 to 100 acknowledged writes a quorum)"), "{answer}");
    assert!(answer.contains("Of 200 writes, 2 missed the quorum and 1 got no answer"), "{answer}");
    assert!(rendered.csv.lines().nth(1).unwrap().starts_with("1,97,2,1,"));
}

#[test]
fn a_lost_copy_is_explained() {
    let mut runs = sample::runs("quorum", &with_quorums(&[1]));
    let run = &mut runs[0];
    let (last, key) = (run.writes[99].version.unwrap(), run.writes[99].key.clone());
    run.arrivals.retain(|row| row.version != last || row.follower != NodeId::Follower(1));
    for row in run.replication.iter_mut().filter(|row| row.version == last && row.follower == NodeId::Follower(1)) {
        (row.acked_us, row.outcome) = (None, ReplicationOutcome::Timeout);
    }
    for snapshot in [&mut run.settled, &mut run.at_last_ack] {
        let dump = snapshot.get_mut(&NodeId::Follower(1)).unwrap();
        dump.store.insert(key.to_string(), "v89".to_owned());
        dump.versions.insert(key.to_string(), 90);
    }
    let rendered = render(&runs);
    assert!(rendered.html.contains("the replication of version 100 timed out"));
    assert!(rendered.html.contains("lost: the leader"));
}

#[test]
fn nodes_that_did_not_answer_are_named() {
    let mut runs = sample::runs("quorum", &with_quorums(&[1, 2]));
    runs[0].settled.remove(&NodeId::Follower(2));
    runs[1].settled.remove(&NodeId::Leader);
    let rendered = render(&runs);
    let warnings = warnings(&rendered);
    assert_eq!(
        warnings,
        [
            "At W = 1 f3 did not answer at the end and was not compared.",
            "At W = 2 the leader did not answer at the end and was not compared."
        ]
    );
    assert!(rendered.html.contains("did not answer</td>"));
}

#[test]
fn a_run_that_did_not_settle_claims_nothing() {
    let mut runs = sample::runs("quorum", &with_quorums(&[1]));
    runs[0].manifest.settled = false;
    runs[0].manifest.trace_dropped = 1;
    let rendered = render(&runs);
    assert!(answer(&rendered).contains("Whether followers ended with what the leader held is not known."));
    assert_eq!(warnings(&rendered).len(), 2);
    assert!(warnings(&rendered)[1].contains("1 trace record for"));
}

#[test]
fn without_a_trace_nothing_is_said_of_causes() {
    let mut runs = sample::runs("quorum", &with_quorums(&[1]));
    runs[0].replication.clear();
    runs[0].arrivals.clear();
    let rendered = render(&runs);
    assert!(rendered.html.contains("no trace says why"));
    assert!(rendered.html.contains("has all its delays in the trace"));
}

#[test]
fn an_acknowledgement_without_its_copies_is_an_error_in_front() {
    let mut runs = sample::runs("quorum", &with_quorums(&[3]));
    runs[0].writes[4].latency_us = TimeSpan::new(5);
    let rendered = render(&runs);
    let warnings = warnings(&rendered);
    assert!(
        warnings[0].starts_with(
            "1 of the 100 acknowledged writes that could be checked had reached fewer than W = 3 followers"
        ),
        "{warnings:?}"
    );
    assert!(rendered.html.find("fewer than").unwrap() < rendered.html.find("Latency against the quorum</h2>").unwrap());
}

#[test]
fn what_is_true_of_several_runs_is_said_once() {
    let mut runs = sample::runs("quorum", &with_quorums(&[1, 2, 3]));
    runs[0].manifest.settled = false;
    runs[2].manifest.settled = false;
    let warnings = warnings(&render(&runs));
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].starts_with("At W = 1 and 3 replications were still in flight"), "{warnings:?}");
}

/// The followers' last one dies after 300 ms and comes back empty after 900 ms.
pub(crate) fn with_faults(runs: &mut [RunData]) {
    for run in runs {
        let config = &mut run.manifest.config;
        config.faults = vec![serde_json::from_str(r#"{"at": 30, "node": "f5", "kind": "kill", "until": 70}"#).unwrap()];
        let row = |begun_us, kind, detail: &str| FaultRow {
            begun_us,
            ended_us: begun_us + TimeSpan::new(1_000),
            node: NodeId::Follower(4),
            kind,
            detail: Some(detail.to_owned()),
        };
        run.faults = vec![
            row(Micros::new(300_000), FaultEvent::Kill, "SIGKILL"),
            row(Micros::new(900_000), FaultEvent::Restart, "empty"),
        ];
    }
}

#[test]
fn faults_are_told_with_what_came_of_them() {
    let mut runs = sample::runs("quorum", &with_quorums(&[1, 5]));
    with_faults(&mut runs);
    for row in runs[1].writes.iter_mut().filter(|row| (300_000..900_000).contains(&row.start_us.get())) {
        (row.outcome, row.http_status) = (WriteOutcome::Failed, Some(503));
    }
    runs[0].settled.get_mut(&NodeId::Follower(4)).unwrap().store.clear();
    runs[0].arrivals.retain(|row| row.follower != NodeId::Follower(4));
    for copy in runs[0].replication.iter_mut().filter(|row| row.follower == NodeId::Follower(4)) {
        (copy.outcome, copy.acked_us) = (ReplicationOutcome::Timeout, None);
    }
    let rendered = render(&runs);
    assert!(rendered.markdown.contains("Planned faults: kill f5 at write 30 until write 70."));
    assert!(rendered.html.contains("What was broken, and what came of it</h2>"));
    let answer = answer(&rendered);
    assert!(answer.contains("Writes that met a fault and were not acknowledged: 0 of "), "{answer}");
    assert!(answer.contains("A follower that came back made good what it had missed at W = 5. A follower that came back did not make good what it \
                         had missed at W = 1."), "{answer}");
    assert!(!answer.contains("alone predict"), "{answer}");
}

#[test]
fn a_leader_that_died_is_no_surprise() {
    let mut runs = sample::runs("quorum", &with_quorums(&[1]));
    with_faults(&mut runs);
    let run = &mut runs[0];
    run.faults.truncate(1);
    run.faults[0].node = NodeId::Leader;
    let fault = &mut run.manifest.config.faults[0];
    (fault.node, fault.until) = (NodeId::Leader, None);
    run.settled.remove(&NodeId::Leader);
    run.manifest.absent_nodes = vec![NodeId::Leader];
    run.manifest.settled = false;
    let rendered = render(&runs);
    assert_eq!(warnings(&rendered), Vec::<String>::new());
    let answer = answer(&rendered);
    assert!(answer.contains("The leader's death cost acknowledged writes: at W = 1 "), "{answer}");
    assert!(answer.contains(" on average with a random one, 0 if what all hold is put together."), "{answer}");
}

#[test]
fn a_run_that_was_foreseen_says_how_well() {
    // The sample's delays are not the leader's own.
    let rendered = render_foreseen(sample::runs("quorum", &with_quorums(&[1])).remove(0));
    assert!(rendered.markdown.contains("The simulation of the same seed drew"), "{}", rendered.markdown);
    let run = labctl::sim::simulate_direct(
        &"quorum".parse().unwrap(),
        &with_quorums(&[1]),
        quorum(1),
        &tokio_util::sync::CancellationToken::new(),
    );
    let rendered = render_foreseen(run.unwrap());
    assert!(
        rendered.markdown.contains("foresaw the latency of 100 of 100 writes to within 10 ms, and how 50 of 50 copies")
    );
}

#[test]
fn mixed_runs_are_called_so() {
    let mut runs = sample::runs("quorum", &with_quorums(&[1, 2]));
    runs[1].manifest.seed = 7;
    runs[1].manifest.backend.name = "process".to_owned();
    assert_eq!(
        warnings(&render(&runs)),
        ["The runs were not made with the same seed and backend: compare them with care."]
    );
}

#[test]
fn one_follower_one_key_one_write() {
    let config = Experiment {
        quorums: vec![quorum(1)],
        followers: 1.try_into().unwrap(),
        workload: Workload {
            writes: 1.try_into().unwrap(),
            keys: 1.try_into().unwrap(),
            ..Experiment::default().workload
        },
        ..Experiment::default()
    };
    let rendered = render(&sample::runs("quorum", &config));
    assert!(answer(&rendered).starts_with("Waiting for the only follower (W = 1), a write took "));
}

#[test]
fn many_followers_keys_and_quorums() {
    let config = Experiment {
        quorums: (0..=12).map(quorum).collect(),
        followers: 12.try_into().unwrap(),
        workload: Workload {
            writes: 60.try_into().unwrap(),
            keys: 40.try_into().unwrap(),
            ..Experiment::default().workload
        },
        ..Experiment::default()
    };
    let rendered = render(&sample::runs("quorum", &config));
    assert!(rendered.html.contains("Of the many keys, the maps show those on which a follower differs."));
}

#[test]
fn a_constant_delay_and_none() {
    for (low, high) in [(20, 20), (0, 0)] {
        let network = Network {
            delay: uniform_ms(low, high).unwrap(),
            order: ReplicationOrder::Version,
            ..Experiment::default().network
        };
        let rendered = render(&sample::runs("quorum", &Experiment { network, ..Experiment::default() }));
        assert_eq!(answer(&rendered).contains("No delay was injected"), high == 0);
    }
}

#[test]
fn twenty_thousand_writes() {
    let workload = Workload {
        writes: 20_000.try_into().unwrap(),
        concurrency: 64.try_into().unwrap(),
        ..Experiment::default().workload
    };
    let config = Experiment { workload, ..with_quorums(&[1, 5]) };
    let rendered = render(&sample::runs("throughput", &config));
    assert!(answer(&rendered).contains("(20,000 acknowledged writes a quorum)"));
    assert!(rendered.html.len() < 1_000_000, "{} bytes", rendered.html.len());
}

#[test]
fn a_changed_number_changes_the_sentence() {
    let mut runs = sample::runs("quorum", &with_quorums(&[1, 5]));
    let before = answer(&render(&runs));
    runs[0].writes.iter_mut().for_each(|row| row.latency_us += TimeSpan::new(40_000));
    let after = answer(&render(&runs));
    assert_ne!(before, after);
}

#[test]
fn other_experiments_are_compared() {
    let quorum = sample::runs("quorum", &Experiment::default());
    let network = Network { order: ReplicationOrder::Version, ..Experiment::default().network };
    let versioned = sample::runs("versioned", &Experiment { network, ..Experiment::default() });
    let rendered = report::render(&quorum, &[("versioned".parse().unwrap(), versioned)]).unwrap();
    assert!(rendered.html.contains("Other experiments</h2>"));
    assert!(rendered.markdown.contains("| versioned |"));
    let alone = report::render(&quorum, &[]).unwrap();
    assert!(!alone.html.contains("Other experiments"));
}
