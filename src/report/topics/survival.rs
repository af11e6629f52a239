//! Acknowledged writes that are gone in the end, by what the nodes hold.

use crate::analysis::{Bounds, Need, NodeSurvival, Survival};
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::model::{Report, RunReport};
use crate::report::number::{NONE, bounds, grouped, list, ms};
use crate::report::topic::{Finding, Page, Topic};

/// Most nodes that have a column of their own.
const MAX_NODES: usize = 8;

/// Most lost writes that are listed.
const MAX_WRITES: usize = 200;

pub(super) const TOPIC: Topic = Topic {
    id: "survival",
    heading: "Acknowledged writes that were lost",
    file: None,
    needs: &[Need::Stores],
    finding: Finding::IfAny(|report| is_told(&report.runs).then(|| finding(&report.runs))),
    answer: |report| answer(&report.runs),
    blocks,
};

/// Whether there is anything to tell that other sections do not tell better: writes that are gone, or
/// a system that tells no more than what its nodes hold.
fn is_told(runs: &[RunReport]) -> bool {
    runs.iter().any(|run| is_gone(&run.survival) || run.withheld(&[Need::Trace]).is_some())
}

fn is_gone(survival: &Survival) -> bool {
    survival.lost.is_some_and(|lost| lost.upper > 0)
}

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let mut blocks = vec![Block::paragraph(format!("{}.{}", page.finding(), emptied(&report.runs)))];
    let all: Vec<&Survival> = report.runs.iter().map(|run| &run.survival).collect();
    blocks.push(Block::Table { table: table(&all) });
    blocks.extend(gone(&all));
    Ok(blocks)
}

/// How many writes are gone, and where.
fn finding(runs: &[RunReport]) -> String {
    let gone: Vec<String> = runs.iter().filter(|run| is_gone(&run.survival)).map(counted).collect();
    if !gone.is_empty() {
        return format!("Acknowledged writes that no node held in the end: {}", list(&gone));
    }
    let unknown = runs.iter().filter(|run| run.survival.lost.is_none()).count();
    if unknown == runs.len() {
        "No node could be asked in the end, so it is not known whether acknowledged writes were lost".to_owned()
    } else if unknown > 0 {
        "Where the nodes could be asked in the end, some node held each acknowledged write or a newer one".to_owned()
    } else {
        "Some node held each acknowledged write, or a newer one of its key, in the end".to_owned()
    }
}

/// `37 of 100 at W = 1`.
fn counted(run: &RunReport) -> String {
    let lost = run.survival.lost.map_or_else(|| NONE.to_owned(), |lost| bounds(lost, grouped));
    format!("{lost} of {} at W = {}", grouped(run.survival.acknowledged), run.quorum)
}

/// The losses, unless the faults' own section has said what went with the leader.
fn answer(runs: &[RunReport]) -> Option<String> {
    let is_said = |run: &RunReport| run.faults.as_ref().is_some_and(|faults| faults.figures.leader_loss.is_some());
    if !runs.iter().any(|run| is_gone(&run.survival)) || runs.iter().any(is_said) {
        return None;
    }
    Some(format!("{}.{}", finding(runs), emptied(runs)))
}

/// That the leader's restart is what took them, where that can be concluded.
fn emptied(runs: &[RunReport]) -> String {
    let emptied = runs.iter().filter(|run| run.survival.was_leader_emptied && is_gone(&run.survival));
    let emptied: Vec<String> = emptied.map(|run| format!("W = {}", run.quorum)).collect();
    if emptied.is_empty() {
        return String::new();
    }
    format!(
        " At {} the leader was restarted: it came back empty, and its followers took over that empty state.",
        list(&emptied)
    )
}

fn table(all: &[&Survival]) -> Table {
    let mut nodes: Vec<_> = all.iter().flat_map(|of| of.nodes.iter().map(|one| one.node)).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes.truncate(MAX_NODES);
    let names: Vec<String> = nodes.iter().map(|node| format!("not on {node}")).collect();
    let told = |lost: Option<Bounds<u64>>| lost.map_or_else(|| NONE.to_owned(), |lost| bounds(lost, grouped));
    let row = |of: &&Survival| {
        let on = |node| of.nodes.iter().find(|one: &&NodeSurvival| one.node == node).map(|one| one.lacking);
        let mut row = vec![of.quorum.to_string(), grouped(of.acknowledged), told(of.lost)];
        row.extend(nodes.iter().map(|node| told(on(*node))));
        row
    };
    Table::new(
        "Acknowledged writes by the nodes that held neither them nor a newer write of the same key in the end. Of writes \
         that were under way together the one that a leader without a fault holds is the newest; of others either may \
         be the newer one, and the figure is given from its least to its greatest. Nodes that could not be asked are \
         left out.",
    )
    .numbers(&["W", "acknowledged", "on no node"])
    .numbers(&names.iter().map(String::as_str).collect::<Vec<_>>())
    .rows(all.iter().map(row))
}

/// Each write that is gone.
fn gone(all: &[&Survival]) -> Option<Block> {
    let rows: Vec<Vec<String>> = all
        .iter()
        .flat_map(|of| of.lost_writes.iter().map(move |write| (of.quorum, write)))
        .take(MAX_WRITES)
        .map(|(quorum, write)| {
            vec![
                quorum.to_string(),
                write.write.to_string(),
                write.key.clone(),
                ms(write.acknowledged_ms),
                if write.is_certain { "yes" } else { "perhaps" }.to_owned(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let table = Table::new("Acknowledged writes that no node held in the end.")
        .numbers(&["W", "write"])
        .text(&["key"])
        .numbers(&["acknowledged at, ms"])
        .text(&["lost"])
        .rows(rows);
    Some(Block::Details { summary: "Each lost write".to_owned(), table })
}
