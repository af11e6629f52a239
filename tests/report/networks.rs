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
    report::render(&simulated(name).1, &[]).unwrap()
}

/// Runs of a committed experiment with so few writes, in virtual time.
fn simulated(name: &str) -> (ExperimentName, Vec<RunData>) {
    let name: ExperimentName = name.parse().unwrap();
    let text = include_str!("../../experiments.toml");
    let config = config::parse(text, &|_| Err(io::ErrorKind::NotFound.into()), &labctl::system::KINDS).unwrap();
    let mut experiment: Experiment = config.experiments[&name].clone();
    experiment.workload.writes = 60.try_into().unwrap();
    let run = |quorum: &labctl::model::Quorum| simulate_direct(&name, &experiment, *quorum, &CancellationToken::new());
    let runs = experiment.quorums.iter().map(run).collect::<Result<_, _>>().unwrap();
    (name, runs)
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

/// The runs of a committed experiment as if processes had made them.
fn as_if_real(name: &str) -> (ExperimentName, Vec<RunData>) {
    let (name, mut runs) = simulated(name);
    runs.iter_mut().for_each(|run| run.manifest.backend.name = "process".to_owned());
    (name, runs)
}

#[test]
fn predictions_over_ordered_links_say_whether_they_know_the_softwares_own_time() {
    let (_, runs) = as_if_real("lab-ordered-jitter");
    let unknown = "The software's own time is not known: run `labctl run all -e labnode-still`";
    let Rendered { markdown, json, .. } = report::render(&runs, &[]).unwrap();
    assert!(markdown.contains(unknown) && markdown.contains("over ordered links, whose software takes no time"));
    let method = |json: &str, of: &str| {
        let summary: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(Schema::committed().problems(&summary), Vec::<String>::new());
        summary["runs"][0]["latency"][of]["method"].clone()
    };
    assert_eq!(method(&json, "predicted"), "simulated");
    assert!(method(&json, "predicted_with_own_time").is_null());

    let Rendered { markdown, json, .. } = report::render(&runs, &[as_if_real("labnode-still")]).unwrap();
    assert!(!markdown.contains(unknown) && markdown.contains("in `labnode-still`"));
    assert!(markdown.contains("whose software takes its own time, as measured without delays"));
    assert_eq!(method(&json, "predicted_with_own_time"), "simulated_with_own_time");

    let (_, runs) = simulated("lab-ordered-jitter");
    let Rendered { markdown, .. } = report::render(&runs, &[]).unwrap();
    assert!(!markdown.contains("own time is not known"), "virtual time has software that takes none");
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
