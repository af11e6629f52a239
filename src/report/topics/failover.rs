//! What the leader's death cost once a follower had taken its place.

use crate::analysis::{FailoverFigures, FailoverLoss};
use crate::model::FailoverKind;
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::model::{Report, RunReport};
use crate::report::number::{bounds, count, grouped, list, maybe, ms};
use crate::report::topic::{Finding, Page, Topic};

/// Most lost writes whose numbers stand in the table of all quorums.
const MAX_NUMBERS: usize = 8;

/// Most lost writes that are listed one by one. All of them are in `summary.json`.
const MAX_WRITES: usize = 200;

pub(super) const TOPIC: Topic = Topic {
    id: "failover",
    heading: "The leader died, and a follower took its place",
    file: None,
    needs: &[],
    finding: Finding::IfAny(|report| finding(&report.runs)),
    answer: |report| finding(&report.runs).map(|finding| format!("{finding}.")),
    blocks,
};

fn all(runs: &[RunReport]) -> Vec<&FailoverFigures> {
    runs.iter().filter_map(|run| run.failover.as_ref()).collect()
}

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let all = all(&report.runs);
    let mut blocks = vec![Block::paragraph(format!("{}.", page.finding()))];
    blocks.extend(all.first().map(|of| Block::paragraph(documented(of))));
    blocks.push(Block::Table { table: table(&all) });
    let errors = all.iter().filter_map(|of| Some(format!("W = {}: {}.", of.quorum, of.error.as_ref()?)));
    blocks.extend(errors.map(Block::paragraph));
    blocks.extend(listed(&all));
    Ok(blocks)
}

/// How many acknowledged writes were lost, at which W. `None` if no leader died for whom a follower was to step in.
fn finding(runs: &[RunReport]) -> Option<String> {
    let all = all(runs);
    let first = all.first()?;
    let whose = match first.facts.kind {
        FailoverKind::ReadBack => "the most advanced follower does not hold",
        FailoverKind::Promotion => "the promoted follower does not hold",
        FailoverKind::Election => "the elected leader does not hold",
    };
    let lost = |of: &&FailoverFigures| {
        let lost = of.lost.map_or_else(|| "not known".to_owned(), |lost| bounds(lost, grouped));
        format!("{lost} of {} at W = {}", grouped(of.acknowledged), of.quorum)
    };
    let broken = all.iter().filter(|of| is_broken(of)).map(|of| format!("W = {}", of.quorum)).collect::<Vec<_>>();
    let broken =
        if broken.is_empty() { String::new() } else { format!("; that is more than is promised at {}", list(&broken)) };
    Some(format!(
        "After the leader's death acknowledged writes that {whose}: {}{broken}",
        list(&all.iter().map(lost).collect::<Vec<_>>())
    ))
}

/// Whether writes are certainly lost where none may be.
fn is_broken(of: &FailoverFigures) -> bool {
    of.promises_none_lost() && of.lost.is_some_and(|lost| lost.lower > 0)
}

/// What the system promises, and how the times came about.
fn documented(of: &FailoverFigures) -> String {
    let promise = match of.facts.none_lost_from {
        Some(least) => format!("From W = {least} on none may be lost"),
        None => "Nothing is promised of the follower that takes the leader's place".to_owned(),
    };
    let times = match of.facts.kind {
        FailoverKind::ReadBack => "",
        FailoverKind::Promotion => {
            " Times are those of labctl, which knows at once that the leader is dead, asks each survivor how far it has come \
             until none moves any more, promotes the most advanced, and writes to it. An operator, or a program that has to \
             find out first, takes longer."
        }
        FailoverKind::Election => {
            " Times are those of the election as labctl saw it: it asks each survivor every 10 ms whether it leads, and \
             writes to the first that does. No delays lie between that one and the others."
        }
    };
    format!("{promise}. {}{times}", of.facts.documented)
}

/// The first numbers of a list of lost writes.
fn numbers(lost: &[FailoverLoss]) -> String {
    if lost.is_empty() {
        return "none".to_owned();
    }
    let mut numbers: Vec<String> = lost.iter().take(MAX_NUMBERS).map(|write| write.write.to_string()).collect();
    if lost.len() > MAX_NUMBERS {
        numbers.push(format!("{} more", grouped((lost.len() - MAX_NUMBERS) as u64)));
    }
    numbers.join(", ")
}

fn table(all: &[&FailoverFigures]) -> Table {
    let row = |of: &&FailoverFigures| {
        let may_be_lost = if of.promises_none_lost() { "none" } else { "some" };
        vec![
            of.quorum.to_string(),
            maybe(of.chosen, |node| node.to_string()),
            list(&of.survivors.iter().map(ToString::to_string).collect::<Vec<_>>()),
            grouped(of.acknowledged),
            grouped(of.waiting),
            maybe(of.lost, |lost| bounds(lost, grouped)),
            may_be_lost.to_owned(),
            maybe(of.lost, |_| numbers(&of.lost_writes)),
            maybe(of.turned_up, grouped),
            maybe(of.promoted_after_ms, ms),
            maybe(of.leaderless_ms, ms),
        ]
    };
    let elects = all.first().is_some_and(|of| of.facts.kind == FailoverKind::Election);
    let who = if elects {
        "the one that was elected. Acknowledged: before it was read, right after its first write"
    } else {
        "of all survivors that could be asked the one that had most of what the leader had replicated, the first by name of \
         several"
    };
    Table::new(format!(
        "The follower in the leader's place: {who}. Waiting: writes that were under way when the leader died. Lost: \
         acknowledged writes that it holds neither, nor a newer one of their key; from the least to the greatest where \
         writes of a key were under way together and have no numbers. Turned up: writes without an answer that it holds all \
         the same. Times in ms, from the order to end the leader until the follower was the leader, and until it had \
         acknowledged its first write."
    ))
    .numbers(&["W"])
    .text(&["new leader", "survivors"])
    .numbers(&["acknowledged", "waiting", "lost"])
    .text(&["may be lost", "lost writes"])
    .numbers(&["turned up", "promoted after", "without a leader"])
    .rows(all.iter().map(row))
}

/// Each lost write.
fn listed(all: &[&FailoverFigures]) -> Option<Block> {
    let total: u64 = all.iter().map(|of| of.lost_writes.len() as u64).sum();
    let rows: Vec<Vec<String>> = all
        .iter()
        .flat_map(|of| of.lost_writes.iter().map(move |write| (of.quorum, write)))
        .take(MAX_WRITES)
        .map(|(quorum, write)| {
            let is_lost = if write.is_certain { "yes" } else { "perhaps" };
            let (number, at) = (write.write.to_string(), ms(write.acknowledged_ms));
            vec![quorum.to_string(), number, write.key.clone(), at, is_lost.to_owned()]
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let more = if total as usize > rows.len() { " The rest is in `summary.json`." } else { "" };
    let table = Table::new(format!("{} that the new leader does not hold.{more}", count(total, "acknowledged write")))
        .numbers(&["W", "write"])
        .text(&["key"])
        .numbers(&["acknowledged at, ms"])
        .text(&["lost"])
        .rows(rows);
    Some(Block::Details { summary: "Each write that was lost with the leader".to_owned(), table })
}
