//! Checks on the leader: figures that only a broken one gives.

use crate::analysis::{Diagnosis, LeaderDefect, Need};
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::model::Report;
use crate::report::number::{fixed, list};
use crate::report::topic::{Finding, Page, Topic};

/// What each rule looks for.
const RULES: [(LeaderDefect, &str); 6] = [
    (LeaderDefect::WaitsForAll, "a leader that waits for all followers at every W"),
    (LeaderDefect::WaitsForNone, "a leader that answers without waiting for any follower"),
    (LeaderDefect::FewerThanW, "a leader that answers with fewer than W acknowledgements"),
    (LeaderDefect::SaturatedPool, "a saturated pool of connections or threads, in which writes queue"),
    (LeaderDefect::UnsortedPercentiles, "percentiles computed from unsorted latencies"),
    (LeaderDefect::CancelsAtQuorum, "replication that is cancelled once W followers have acknowledged"),
];

pub(super) const TOPIC: Topic = Topic {
    id: "diagnosis",
    heading: "Checks on the leader",
    file: None,
    needs: &[Need::IndependentWrites],
    finding: Finding::None,
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, _: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    if report.diagnoses.is_empty() {
        let rules: Vec<String> = RULES.iter().map(|(_, what)| (*what).to_owned()).collect();
        let text = format!("{} {}.{}", no_sign(report), list(&rules), judged(report));
        return Ok(vec![Block::paragraph(text)]);
    }
    let blocks = report.diagnoses.iter().flat_map(|diagnosis| {
        [Block::paragraph(diagnosis.sentence.clone()), Block::Table { table: readings(diagnosis) }]
    });
    Ok(blocks.collect())
}

/// That no rule applies. Writes that were answered before W followers had them are a sign all the
/// same, of the leader or of a `writes.csv` that is not of the same run as the trace.
fn no_sign(report: &Report) -> String {
    let breaches: Vec<String> =
        report.runs.iter().filter_map(|run| run.durability()?.breach).map(|breach| breach.to_string()).collect();
    let rules = "no check of the figures by quorum found anything. The checks look for";
    if breaches.is_empty() {
        return "No check found anything. The checks look for".to_owned();
    }
    format!(
        "Something is wrong: {}. Either the leader answers too early, or writes.csv is not of the same run as the \
         trace. Besides that, {rules}",
        breaches.join("; ")
    )
}

/// Which writes the rules had to go by, where some met a fault.
fn judged(report: &Report) -> &'static str {
    let met = || report.runs.iter().filter(|run| run.faults.is_some());
    if met().count() == 0 {
        ""
    } else if met().all(|run| run.overhead.figures.n == 0) {
        " Every write met a fault, so nothing could be said of latency."
    } else {
        " The checks of latency used the writes that met no fault."
    }
}

fn readings(diagnosis: &Diagnosis) -> Table {
    let what = RULES.iter().find(|(fault, _)| *fault == diagnosis.fault).map_or("", |(_, what)| what);
    let (quantity, decimals) = match diagnosis.fault {
        LeaderDefect::CancelsAtQuorum => ("shares of replications", 2),
        LeaderDefect::UnsortedPercentiles => ("p99, expected at least the median, in ms", 1),
        LeaderDefect::WaitsForAll
        | LeaderDefect::WaitsForNone
        | LeaderDefect::FewerThanW
        | LeaderDefect::SaturatedPool => ("mean latencies in ms", 1),
    };
    Table::new(format!("What speaks for {what}: {quantity}.")).numbers(&["W", "measured", "expected"]).rows(
        diagnosis.readings.iter().map(|reading| {
            vec![reading.quorum.to_string(), fixed(reading.measured, decimals), fixed(reading.expected, decimals)]
        }),
    )
}
