//! Reports of networks whose delays are not uniform.

use std::io;

use labctl::config::{self, Experiment, ExperimentName};
use labctl::data::RunData;
use labctl::report::{self, Rendered};
use labctl::sim::simulate_direct;
use tokio_util::sync::CancellationToken;

use crate::schema::Schema;

/// The report of a committed experiment with so few writes, simulated.
fn rendered(name: &str) -> Rendered {
    let name: ExperimentName = name.parse().unwrap();
    let text = include_str!("../../experiments.toml");
    let config = config::parse(text, &|_| Err(io::ErrorKind::NotFound.into()), &labctl::system::KINDS).unwrap();
    let mut experiment: Experiment = config.experiments[&name].clone();
    experiment.workload.writes = 60.try_into().unwrap();
    let run = |quorum: &config::Quorum| simulate_direct(&name, &experiment, *quorum, &CancellationToken::new());
    let runs: Vec<RunData> = experiment.quorums.iter().map(run).collect::<Result<_, _>>().unwrap();
    report::render(&runs, &[]).unwrap()
}

#[test]
fn predictions_that_were_drawn_say_so() {
    for (name, delays) in [
        ("pbs-disk", "injected delay 38 % Pareto (from 1.05 ms, shape 1.51) or 62 % exponential (mean 5.4645 ms), ack"),
        ("three-regions", "sigma 0.2) each way; f5: log-normal (median 90 ms, sigma 0.1) each way; followers apply"),
    ] {
        let Rendered { markdown, json, .. } = rendered(name);
        assert!(markdown.contains(delays), "{markdown:.2000}");
        assert!(markdown.contains("predicted from the injected delays alone, by simulation of 100,000 writes"));
        assert!(markdown.contains("A dashed line is the acknowledgement's way back."));
        let summary: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(Schema::committed().problems(&summary), Vec::<String>::new(), "{name}");
        let figures = &summary["runs"][0]["latency"]["predicted"];
        assert_eq!(figures["simulated"]["draws"], 100_000);
    }
}

#[test]
fn software_that_takes_no_time_has_no_overhead_beyond_its_delays() {
    let summary: serde_json::Value = serde_json::from_str(&rendered("three-regions").json).unwrap();
    for run in summary["runs"].as_array().unwrap() {
        // An acknowledgement's delay, which no file records, is a part of what was injected.
        let greatest_ms = run["overhead"]["max_ms"].as_f64().unwrap();
        assert!(greatest_ms.abs() < 0.01, "{greatest_ms}");
        assert_eq!(run["overhead"]["without_trace"], 0);
    }
}
