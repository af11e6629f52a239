//! Sentences written from the numbers. None of them says what the numbers do not.

mod answer;
mod faults;
mod findings;
mod method;
mod warnings;

pub(super) use answer::answer;
pub(super) use findings::findings;
pub(super) use method::method;
pub(super) use warnings::warnings;

use super::model::{Report, RunReport};
use super::number::{count, grouped};
use crate::config::CatchUp;

/// The conditions, in one line.
pub(super) fn subtitle(report: &Report) -> String {
    let Some(run) = report.runs.first() else {
        return String::new();
    };
    let (manifest, config) = (&run.manifest, &run.manifest.config);
    let workload = &config.workload;
    let run_on = match &manifest.started {
        Some(started) => {
            let date = started.split('T').next().unwrap_or_default();
            format!("Run on {date}, backend {}", manifest.backend.name)
        }
        None => "Simulated in virtual time".to_owned(),
    };
    let delay = if run.has_delays() {
        format!("injected delay {}", config.network.delays_in_words())
    } else {
        "no injected delay".to_owned()
    };
    let catch_up = match config.network.catch_up {
        CatchUp::Off => "",
        CatchUp::Snapshot => ", and one that answers again is brought up to date",
    };
    format!(
        "Experiment {}: one leader, {}; {} a quorum over {}, {} at a time ({} pacing); {delay}; followers apply in {} \
         order{catch_up}.{} {run_on}.",
        report.experiment,
        count(u64::from(run.followers()), "follower"),
        count(u64::from(workload.writes.get()), "write"),
        count(u64::from(workload.keys.get()), "key"),
        grouped(u64::from(workload.concurrency.get())),
        workload.pacing,
        config.network.order,
        faults::planned(&report.runs),
    )
}

/// `100 acknowledged writes`, or the range where quorums that have any differ.
pub(super) fn writes_a_quorum(runs: &[RunReport]) -> String {
    let counts = || runs.iter().map(|run| run.latency.n).filter(|n| *n > 0);
    let (low, high) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
    if low == high {
        count(high, "acknowledged write")
    } else {
        format!("{} to {}", grouped(low), count(high, "acknowledged write"))
    }
}

/// The runs' first and last value of something, with their W: what is said of a whole row.
fn ends<T>(runs: &[RunReport], value: impl Fn(&RunReport) -> Option<T>) -> Ends<T> {
    let mut values = runs.iter().filter_map(|run| Some((run, value(run)?)));
    match (values.next(), values.next_back()) {
        (None, _) => Ends::None,
        (Some((run, value)), None) => Ends::One(run.quorum, value),
        (Some((first, low)), Some((last, high))) => Ends::Two((first.quorum, low), (last.quorum, high)),
    }
}

/// See [`ends`].
enum Ends<T> {
    None,
    One(u32, T),
    Two((u32, T), (u32, T)),
}
