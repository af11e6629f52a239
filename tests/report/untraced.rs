//! Reports on systems that keep no trace, number no writes and draw no delays themselves: what can be
//! told is told with the same numbers, and each other place says why it is empty.

use labctl::config::{Experiment, ExperimentName};
use labctl::data::{FaultEvent, FaultRow, RunData};
use labctl::model::{NodeId, TimeSpan};
use labctl::report::{self, Rendered};
use serde_json::Value;

use crate::schema::Schema;
use crate::{edge, sample};

/// The sections that rest on a trace.
const OF_A_TRACE: [&str; 5] = ["timelines", "lag", "durability", "guarantee", "staleness"];

fn untraced(config: &Experiment) -> Vec<RunData> {
    sample::runs("store", config).into_iter().map(sample::without_trace).collect()
}

fn json(rendered: &Rendered) -> Value {
    let summary: Value = serde_json::from_str(&rendered.json).unwrap();
    assert_eq!(Schema::committed().problems(&summary), Vec::<String>::new());
    summary
}

/// The text of one section of the report in Markdown.
fn section(rendered: &Rendered, heading: &str) -> String {
    let from = rendered.markdown.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let text = &rendered.markdown[from + 1..];
    text[..text[3..].find("\n## ").map_or(text.len(), |end| end + 3)].to_owned()
}

#[test]
fn each_place_says_why_it_is_empty_and_nothing_else() {
    for (name, config) in sample::unusual() {
        let rendered = edge::render(&untraced(&config));
        let summary = json(&rendered);
        for id in OF_A_TRACE {
            let finding = summary["findings"][id].as_str().unwrap();
            // Each but the timelines of copies could also be seen from outside.
            let unasked = if id == "timelines" { "" } else { ", and its followers were not asked" };
            let untold = "Not known here: `store` does not tell when a copy was sent, arrived or was acknowledged";
            assert_eq!(finding, format!("{untold}{unasked}"), "{id}, {name}");
        }
        assert_eq!(
            section(&rendered, "How far followers lag").trim(),
            "## How far followers lag\n\nNot known here: `store` does not tell when a copy was sent, arrived or was \
             acknowledged, and its followers were not asked."
        );
        for (file, of) in [("lag.png", "lag"), ("staleness.png", "staleness"), ("durability.png", "durability")] {
            assert!(!rendered.markdown.contains(file), "{of}, {name}");
            assert_eq!(summary["runs"][0][of], Value::Null, "{name}");
        }
        // No column without a figure.
        let mut headings = rendered.markdown.lines().filter(|line| line.starts_with("| "));
        assert_eq!(headings.find(|line| line.contains("predicted")), None, "{name}");
        let head = rendered.markdown.split("\n## ").next().unwrap();
        assert!(
            head.contains("Measured: `store` 7.2.4. W is sent with each write. It does not tell when a copy"),
            "{head}"
        );
    }
}

#[test]
fn what_both_can_tell_are_the_same_numbers() {
    let config = Experiment::default();
    let (whole, own) = (sample::runs("store", &config), untraced(&config));
    let (whole, own) = (json(&report::render(&whole, &[]).unwrap()), json(&report::render(&own, &[]).unwrap()));
    let numbers = [
        "quorum",
        "n",
        "failed",
        "unknown",
        "mean_ms",
        "median_ms",
        "p95_ms",
        "p99_ms",
        "behind_at_last_ack",
        "diverged",
        "wall_s",
    ];
    for (whole, own) in whole["runs"].as_array().unwrap().iter().zip(own["runs"].as_array().unwrap()) {
        for name in numbers {
            assert_ne!(own["summary"][name], Value::Null, "{name}");
            assert_eq!(own["summary"][name], whole["summary"][name], "{name}");
        }
        assert_eq!(own["survival"], whole["survival"]);
        assert_eq!(own["distribution"]["measured"], whole["distribution"]["measured"]);
        for moment in ["at_last_ack", "settled"] {
            let (own, whole) = (&own["consistency"][moment], &whole["consistency"][moment]);
            assert_eq!((&own["total"], &own["followers"]), (&whole["total"], &whole["followers"]));
        }
        assert_eq!(own["consistency"]["verdict"], whole["consistency"]["verdict"]);
        // And nothing that rests on unknown facts.
        for name in ["overhead_p50_ms", "predicted_mean_ms"] {
            assert_eq!(own["summary"][name], Value::Null, "{name}");
        }
        assert_eq!((&own["expected"], &own["load"]["is_saturated"]), (&Value::Null, &Value::Null));
    }
    assert_eq!((&own["paired"], &own["diagnoses"]), (&Value::Array(Vec::new()), &Value::Array(Vec::new())));
    assert_eq!(own["cost_per_ack"], Value::Null);
}

/// A leader that comes back empty after its last write, and its followers take over what it holds.
fn emptied(runs: &mut [RunData]) {
    for run in runs {
        let at_us = run.manifest.last_ack_us();
        let row = |kind, begun_us| FaultRow {
            begun_us,
            ended_us: begun_us + TimeSpan::new(9),
            node: NodeId::Leader,
            kind,
            detail: None,
        };
        run.faults = vec![row(FaultEvent::Kill, at_us), row(FaultEvent::Restart, at_us + TimeSpan::new(100_000))];
        run.settled.values_mut().for_each(|dump| dump.store.clear());
    }
}

#[test]
fn a_leader_that_empties_its_followers_is_found_though_all_copies_match() {
    let mut runs = untraced(&Experiment::default());
    emptied(&mut runs[..1]);
    let rendered = edge::render(&runs);
    let summary = json(&rendered);
    assert_eq!(summary["runs"][0]["consistency"]["settled"]["total"]["stale"], 0);
    let lost = "Acknowledged writes that no node held in the end: 100 of 100 at W = 1";
    assert_eq!(summary["findings"]["survival"], lost);
    let answer = summary["answer"].as_str().unwrap();
    let told = format!(
        "{lost}. At W = 1 the leader was restarted: it came back empty, and its followers took over that empty state."
    );
    assert!(answer.contains(&told), "{answer}");
    let faults = section(&rendered, "What was broken, and what came of it");
    assert!(
        faults.contains("What the leader's death cost at that moment is not known here: `store` does not"),
        "{faults}"
    );
    assert!(!faults.contains("copies refused") && !faults.contains("n/a |\n"), "{faults}");
    let section = section(&rendered, "Acknowledged writes that were lost");
    assert!(section.contains("| 1 | 100 | 100 | 100 | 100 | 100 | 100 | 100 | 100 |"), "{section}");
    assert!(section.contains("| 2 | 100 | 0 | 0 | "), "{section}");
}

#[test]
fn systems_in_one_network_stand_side_by_side() {
    let config = Experiment { quorums: (1..=2).map(|w| w.try_into().unwrap()).collect(), ..Experiment::default() };
    let (own, mut other) = (sample::runs("lab", &config), untraced(&config));
    other.iter_mut().flat_map(|run| &mut run.writes).for_each(|row| row.latency_us += TimeSpan::new(3_000));
    let name: ExperimentName = "store".parse().unwrap();
    let others = [(name, other.clone())];
    let rendered = report::render(&own, &others).unwrap();
    let summary = json(&rendered);
    let systems = summary["systems"].as_array().unwrap();
    assert_eq!(systems.iter().map(|of| of["system"].as_str().unwrap()).collect::<Vec<_>>(), ["labnode", "store"]);
    let mean = |of: usize| systems[of]["runs"][0]["mean_ms"].as_f64().unwrap();
    assert!((mean(1) - mean(0) - 3.0).abs() < 1e-6);
    assert_eq!(systems[0]["runs"][1]["diverged"], systems[1]["runs"][1]["diverged"]);
    let text = section(&rendered, "Systems side by side");
    assert!(
        text.contains("**Mean latency in the same network at W = 2: ")
            && text.contains("| 2 | store 7.2.4 | 345.7 | 755.5 | n/a "),
        "{text}"
    );
    // Another network is no side by side, and neither is the same system.
    other.iter_mut().for_each(|run| run.manifest.config.network.delay = labctl::model::uniform_ms(0, 500).unwrap());
    for others in [vec![("store".parse().unwrap(), other)], vec![("lab-again".parse().unwrap(), own.clone())]] {
        let summary = json(&report::render(&own, &others).unwrap());
        assert_eq!(summary["systems"], Value::Array(Vec::new()));
        assert_eq!(summary["findings"]["systems"], Value::Null);
    }
}

/// A student's node: it draws its own delays for each copy, and does not tell them.
#[test]
fn where_delays_are_drawn_and_not_told_theory_holds_and_the_excess_over_it_is_told() {
    let mut runs = untraced(&Experiment::default());
    let system = |run: &mut RunData| run.manifest.system.as_mut().unwrap().capabilities.own_delays = true;
    runs.iter_mut().for_each(system);
    let rendered = edge::render(&runs);
    let summary = json(&rendered);
    for run in summary["runs"].as_array().unwrap() {
        let (latency, excess) = (&run["latency"], &run["excess"]);
        assert!(latency["ks"].is_object() && run["expected"].is_object(), "{latency}");
        let mean = |of: &Value| of["mean_ms"].as_f64().unwrap();
        let less = latency["mean"]["value_ms"].as_f64().unwrap() - mean(&latency["predicted"]);
        assert!((mean(excess) - less).abs() < 1e-6, "{excess}");
        assert_eq!(run["summary"]["overhead_p50_ms"], Value::Null);
    }
    let text = section(&rendered, "Time the software added");
    assert!(text.contains("above what is predicted of the network (chance included)."), "{text}");
    assert!(text.contains("is not known: `store` does not tell the delays that a write met."), "{text}");
    assert!(text.contains("| W | n | mean | median | p95 | p99 |"), "{text}");
    let latency = section(&rendered, "Latency against the quorum");
    assert!(latency.contains("is not compared from one W to the next: `store` does not tell the delays"), "{latency}");
    assert!(latency.contains("KS p"), "{latency}");
    assert!(section(&rendered, "Checks on the leader").contains("No check found anything"), "{}", rendered.markdown);
}
