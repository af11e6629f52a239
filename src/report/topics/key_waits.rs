//! How long writes waited for earlier writes of the same key.

use crate::analysis::KeyWaits;
use crate::report::document::{Block, Table};
use crate::report::ends::{Ends, ends};
use crate::report::error::ReportError;
use crate::report::labels;
use crate::report::model::Report;
use crate::report::number::{NONE, fixed, grouped, list, maybe, ms};
use crate::report::topic::{Finding, Page, Topic};

/// What the section rests on.
const METHOD: &str = "A store that holds a lock on a key until the quorum has acknowledged a write serves the writes of that \
     key one after the other. What is left of the latency of a write once the one before it has ended is then as long as the \
     latency of a write that met no other of its key. Where writes of one key pass each other, the whole latency is as long \
     as that. Nor do they wait where later writes pass so many that had met no other that chance without a lock explains it \
     (binomial test, one half, 1 in 128). The rest of the latency is replication and the system's own time.";

pub(super) const TOPIC: Topic = Topic {
    id: "key-waits",
    heading: "Waiting behind an earlier write of the same key",
    file: None,
    needs: &[],
    finding: Finding::IfAny(finding),
    answer: |report| finding(report).map(|finding| format!("{finding}.")),
    blocks,
};

/// One run of one system.
struct Row {
    system: String,
    quorum: u32,
    mean_ms: Option<f64>,
    waits: KeyWaits,
}

/// What was found of this system, and of others in the same network.
fn rows(report: &Report) -> Vec<Row> {
    let own = report.runs.first().and_then(|run| run.manifest.system.as_ref());
    let system = own.map_or_else(String::new, |facts| labels::system(&facts.name, &facts.version));
    let own = report.runs.iter().filter_map(|run| {
        Some(Row { system: system.clone(), quorum: run.quorum, mean_ms: run.summary.mean_ms, waits: run.key_waits? })
    });
    let others = report.side_by_side.systems.iter().skip(1).flat_map(|of| {
        let system = labels::system(&of.system, of.version.as_deref().unwrap_or_default());
        of.runs.iter().filter_map(move |run| {
            Some(Row { system: system.clone(), quorum: run.quorum, mean_ms: run.mean_ms, waits: run.key_waits? })
        })
    });
    own.chain(others).collect()
}

/// What waiting is of the mean latency; `None` unless writes of this system wait, or of another one beside it.
fn finding(report: &Report) -> Option<String> {
    let waited = |of: KeyWaits, mean_ms: Option<f64>| {
        let waiting_ms = of.waiting_ms.filter(|_| of.is_queue == Some(true))?;
        Some(format!("{} of {} ms", fixed(waiting_ms, 1), ms(mean_ms?)))
    };
    match ends(&report.runs, |run| waited(run.key_waits?, run.summary.mean_ms)) {
        Ends::One(quorum, part) => {
            Some(format!("Writes of one key wait for each other: {part} of the mean latency at W = {quorum}"))
        }
        Ends::Two((first, low), (last, high)) => Some(format!(
            "Writes of one key wait for each other: {low} of the mean latency at W = {first}, and {high} at W = {last}"
        )),
        Ends::None => {
            let is_queue = |row: &Row| row.waits.is_queue == Some(true);
            let mut waiting: Vec<String> = rows(report).into_iter().filter(is_queue).map(|row| row.system).collect();
            waiting.dedup();
            (!waiting.is_empty()).then(|| {
                format!(
                    "Writes of one key are not seen to wait for each other here, as they do with {}",
                    list(&waiting)
                )
            })
        }
    }
}

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let mut rows = rows(report);
    rows.sort_by_key(|row| row.quorum);
    Ok(vec![Block::paragraph(format!("{}. {METHOD}", page.finding())), Block::Table { table: table(&rows) }])
}

fn table(rows: &[Row]) -> Table {
    let row = |Row { system, quorum, mean_ms, waits }: &Row| {
        let alone = if waits.is_alone_predicted { " (predicted)" } else { "" };
        let verdict = waits.is_queue.map_or(NONE, |is_queue| if is_queue { "yes" } else { "no" });
        vec![
            quorum.to_string(),
            system.clone(),
            verdict.to_owned(),
            grouped(waits.met),
            ms(waits.met_ms),
            ms(waits.rest_ms),
            format!("{}{alone}", ms(waits.alone_ms)),
            maybe(waits.waiting_ms, ms),
            maybe(waits.waiting_ms.and(*mean_ms).zip(waits.waiting_ms).map(|(mean, waiting)| mean - waiting), ms),
        ]
    };
    Table::new(
        "Acknowledged writes that began while another write of their key was under way, in ms. Their median latency, and \
         what was left of it once the write before it had ended; beside them the median latency of writes that met no \
         other. Mean waiting and mean rest are of all acknowledged writes, and make up their mean latency.",
    )
    .numbers(&["W"])
    .text(&["system", "writes wait"])
    .numbers(&["met another", "median", "left after it", "of those alone", "mean waiting", "mean rest"])
    .rows(rows.iter().map(row))
}
