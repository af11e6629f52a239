//! What was broken on purpose, and what came of it.

use super::course::{panel, scatter};
use crate::analysis::{Bounds, LostCopies, Need, Returned, Spell, Spread};
use crate::report::charts::scatter::{self, ScatterPanel, Shade};
use crate::report::document::{Block, Table};
use crate::report::ends::{Ends, ends, evenly};
use crate::report::error::ReportError;
use crate::report::model::{FaultReport, Report, RunReport};
use crate::report::number::{NONE, bounds, fixed, grouped, list, maybe, ms};
use crate::report::topic::{Finding, Page, Topic};

/// Most quorums that have panels.
const MOST_QUORUMS: usize = 6;

/// Most lost writes that are listed.
const MOST_WRITES: usize = 200;

pub(super) const TOPIC: Topic = Topic {
    id: "faults",
    heading: "What was broken, and what came of it",
    file: Some("faults.png"),
    needs: &[],
    finding: Finding::IfAny(|report| finding(&report.runs)),
    answer: |report| answer(&report.runs),
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let faults: Vec<&FaultReport> = report.runs.iter().filter_map(|run| run.faults.as_ref()).collect();
    let shown: Vec<&FaultReport> = evenly(&faults, MOST_QUORUMS).into_iter().copied().collect();
    let scatter = scatter(shown.into_iter().map(course).collect());
    let reading = "Each mark is a write, at the time it began; its height is how long it took. A disc was \
                   acknowledged, a cross refused, a ring had no answer. The ground is grey while a fault lasts.";
    let subtitle = "Disc: acknowledged. Cross: refused. Ring: no answer. Grey: while a fault lasts.";
    let figure = page.figure(reading.to_owned(), subtitle, spells(&faults), |title| scatter::scene(&scatter, title))?;
    let mut blocks = vec![figure, Block::Table { table: missed(&faults) }];
    blocks.extend(returned(&faults).map(|table| Block::Table { table }));
    blocks.extend(losses(&faults));
    blocks.extend(untold_loss(&report.runs));
    Ok(blocks)
}

/// The writes of a run and when its faults lasted.
fn course(report: &FaultReport) -> ScatterPanel {
    let shade = |spell: &Spell| Shade {
        name: format!("{} {}", spell.node, spell.kind),
        from: spell.begun_ms / 1000.0,
        to: spell.ended_ms.map(|ms| ms / 1000.0),
    };
    panel(report.figures.quorum, report.writes.iter(), report.figures.spells.iter().map(shade).collect())
}

/// What the faults did to writes, as a title; `None` where nothing was broken.
fn finding(runs: &[RunReport]) -> Option<String> {
    let of = |(met, missed): (u64, u64)| format!("{} of {}", grouped(missed), grouped(met));
    let met = |run: &RunReport| run.faults.as_ref().map(|faults| (faults.figures.met, faults.figures.missed));
    let broken = runs.iter().filter_map(met).count() > 0;
    if broken && runs.iter().filter_map(met).all(|(met, _)| met == 0) {
        return Some("No write was under way during a fault".to_owned());
    }
    match ends(runs, met) {
        Ends::None => None,
        Ends::One(quorum, met) => {
            Some(format!("Writes that met a fault and were not acknowledged: {} at W = {quorum}", of(met)))
        }
        Ends::Two((first, low), (last, high)) => Some(format!(
            "Writes that met a fault and were not acknowledged: {} at W = {first}, {} at W = {last}",
            of(low),
            of(high)
        )),
    }
}

/// What the faults cost, for the answer; `None` where nothing was broken.
fn answer(runs: &[RunReport]) -> Option<String> {
    let sentences = [finding(runs).map(|finding| format!("{finding}.")), leader_loss(runs), caught_up(runs)];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn leader_loss(runs: &[RunReport]) -> Option<String> {
    let loss = |run: &RunReport| {
        let loss = run.faults.as_ref()?.figures.leader_loss.as_ref()?;
        let writes = |of: Bounds<f64>| bounds(of, |writes| fixed(writes, 1).trim_end_matches(".0").to_owned());
        let union = bounds(loss.union, grouped);
        Some(format!(
            "{} of {} with the most advanced survivor in its place, {} on average with a random one, {union} if what all \
             hold is put together",
            writes(loss.most_advanced),
            grouped(loss.acknowledged),
            writes(loss.random)
        ))
    };
    match ends(runs, loss) {
        Ends::None => None,
        Ends::One(quorum, cost) => {
            Some(format!("The leader's death cost acknowledged writes: at W = {quorum} {cost}."))
        }
        Ends::Two((first, low), (last, high)) => {
            Some(format!("The leader's death cost acknowledged writes: at W = {first} {low}; at W = {last} {high}."))
        }
    }
}

/// Whether followers that came back made good what they missed. What an older write overtook is
/// no part of that: it needs no fault.
fn caught_up(runs: &[RunReport]) -> Option<String> {
    let back = |run: &RunReport| run.faults.as_ref().map(|faults| faults.figures.returned.clone()).unwrap_or_default();
    let caught_up = |run: &RunReport| {
        let of_all: Vec<Option<bool>> = back(run).iter().map(|back| back.caught_up).collect();
        if of_all.contains(&Some(false)) {
            Some(false)
        } else {
            of_all.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
        }
    };
    let came_back = || runs.iter().filter(|run| !back(run).is_empty());
    let at = |is: Option<bool>| -> Vec<String> {
        came_back().filter(|run| caught_up(run) == is).map(|run| run.quorum.to_string()).collect()
    };
    let everywhere = came_back().count();
    let parts: Vec<String> =
        [
            (Some(true), "A follower that came back made good what it had missed"),
            (Some(false), "A follower that came back did not make good what it had missed"),
            (None, "Whether a follower that came back made good what it had missed is not known"),
        ]
        .into_iter()
        .map(|(is, text)| (text, at(is)))
        .filter(|(_, quorums)| !quorums.is_empty())
        .map(|(text, quorums)| {
            if quorums.len() == everywhere { format!("{text}.") } else { format!("{text} at W = {}.", list(&quorums)) }
        })
        .collect();
    if parts.is_empty() {
        return None;
    }
    let mut text = parts.join(" ");
    if runs.iter().flat_map(back).any(|back| back.overtaken > 0) {
        text.push_str(" Where it differs because an older write arrived last, that is not the fault's doing.");
    }
    Some(text)
}

/// Every fault of every run.
fn spells(faults: &[&FaultReport]) -> Table {
    let seconds = |ms: f64| fixed(ms / 1000.0, 2);
    let row = |quorum: u32, spell: &Spell| {
        let writes = spell.writes;
        let copies = |of: fn(LostCopies) -> u64| maybe(spell.lost_copies, |lost| grouped(of(lost)));
        vec![
            quorum.to_string(),
            format!("{} {}", spell.node, spell.kind),
            spell.detail.clone().unwrap_or_else(|| NONE.to_owned()),
            seconds(spell.begun_ms),
            maybe(spell.ended_ms, seconds),
            grouped(writes.ok),
            grouped(writes.failed),
            grouped(writes.unknown),
            copies(|lost| lost.failed),
            copies(|lost| lost.timeout),
        ]
    };
    let rows =
        faults.iter().flat_map(|fault| fault.figures.spells.iter().map(move |spell| row(fault.figures.quorum, spell)));
    let has_copies = faults.iter().flat_map(|fault| &fault.figures.spells).any(|spell| spell.lost_copies.is_some());
    let copies = if has_copies { " Copies that were lost: refused at once, or timed out." } else { "" };
    Table::new(format!(
        "Each fault, from when to when in seconds, and the writes that were under way meanwhile, by how they \
         ended.{copies}"
    ))
    .numbers(&["W"])
    .text(&["fault", "how"])
    .numbers(&["from", "to", "acknowledged", "refused", "no answer", "copies refused", "timed out"])
    .rows(rows)
}

/// How many of the writes that met each fault ended without their quorum, and how soon.
fn missed(faults: &[&FaultReport]) -> Table {
    let row = |quorum: u32, spell: &Spell| {
        let writes = spell.writes;
        vec![
            quorum.to_string(),
            format!("{} {}", spell.node, spell.kind),
            grouped(writes.ok + writes.failed + writes.unknown),
            grouped(writes.failed),
            maybe(writes.failed_after, spread),
            maybe(writes.failed_after_sent, spread),
            grouped(writes.unknown),
            maybe(writes.unknown_after, spread),
        ]
    };
    let rows =
        faults.iter().flat_map(|fault| fault.figures.spells.iter().map(move |spell| row(fault.figures.quorum, spell)));
    let has_copies = faults.iter().flat_map(|fault| &fault.figures.spells).any(|spell| spell.lost_copies.is_some());
    let after_sending = if has_copies {
        ", and, of refused ones, from the sending of the copy that put the quorum out of reach. That is next to nothing \
         where the loss is certain, and the replication timeout less the copy's delay where it is not."
    } else {
        "."
    };
    Table::new(format!(
        "The writes that met each fault, and how soon those ended that were refused or had no answer, in ms (least, \
         median, greatest): from the fault's beginning or their own{after_sending}"
    ))
    .numbers(&["W"])
    .text(&["fault"])
    .numbers(&["writes", "refused", "after", "after sending", "no answer", "after"])
    .rows(rows)
}

fn spread(spread: Spread) -> String {
    format!("{}, {}, {}", ms(spread.min_ms), ms(spread.median_ms), ms(spread.max_ms))
}

/// Whether followers that came back caught up.
fn returned(faults: &[&FaultReport]) -> Option<Table> {
    let row = |quorum: u32, back: &Returned| {
        let caught_up = match back.caught_up {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not known",
        };
        vec![
            quorum.to_string(),
            back.follower.to_string(),
            maybe(back.pairs, |pairs| grouped(pairs.pairs())),
            maybe(back.pairs, |pairs| grouped(pairs.stale)),
            maybe(back.pairs, |pairs| grouped(pairs.missing)),
            maybe(back.pairs, |pairs| grouped(pairs.foreign)),
            maybe(back.pairs.filter(|_| back.caught_up.is_some()), |_| grouped(back.missed)),
            maybe(back.pairs.filter(|_| back.caught_up.is_some()), |_| grouped(back.overtaken)),
            caught_up.to_owned(),
        ]
    };
    let rows: Vec<_> = faults
        .iter()
        .flat_map(|fault| fault.figures.returned.iter().map(move |back| row(fault.figures.quorum, back)))
        .collect();
    (!rows.is_empty()).then(|| {
        Table::new(
            "Followers that came back, and what they held after every message had arrived: keys by state. Missed: the newest \
             write was lost or erased and never made good. Overtaken: an older write arrived last, which needs no \
             fault and does not count against catching up.",
        )
        .numbers(&["W"])
        .text(&["follower"])
        .numbers(&["keys", "stale", "missing", "foreign", "missed", "overtaken"])
        .text(&["caught up"])
        .rows(rows)
    })
}

/// Why it is not told what went with the leader at its death.
fn untold_loss(runs: &[RunReport]) -> Option<Block> {
    let died = |run: &&RunReport| {
        let spells = run.faults.as_ref().map(|faults| faults.figures.spells.as_slice()).unwrap_or_default();
        spells.iter().any(|of| of.node.is_leader() && of.kind.ends_the_node())
    };
    let is_told_below = |run: &&RunReport| run.failover.is_some();
    let why =
        runs.iter().filter(|run| died(run) && !is_told_below(run)).find_map(|run| run.withheld(&[Need::Trace]))?;
    Some(Block::paragraph(format!(
        "What the leader's death cost at that moment is not known here: {why}. Which acknowledged writes no node held in \
         the end is told below."
    )))
}

/// What went with the leader, where it died.
fn losses(faults: &[&FaultReport]) -> Vec<Block> {
    let dead: Vec<_> =
        faults.iter().filter_map(|fault| Some((fault.figures.quorum, fault.figures.leader_loss.as_ref()?))).collect();
    if dead.is_empty() {
        return Vec::new();
    }
    let table = Table::new(
        "What the leader's death cost: acknowledged writes that whoever takes its place does not hold, nor a newer one \
         of the same key: the most advanced survivor (it has received the newest write), a random one (the mean over \
         all), or what all hold put together. Copies that waited at the leader for their injected delay died with it; \
         on a real network what has been sent still arrives. Turned up: writes without an answer that a survivor holds \
         all the same.",
    )
    .numbers(&["W", "acknowledged", "most advanced", "random", "all together", "turned up"])
    .text(&["survivors"])
    .rows(dead.iter().map(|(quorum, loss)| {
        vec![
            quorum.to_string(),
            grouped(loss.acknowledged),
            bounds(loss.most_advanced, |writes| fixed(writes, 0)),
            bounds(loss.random, |writes| fixed(writes, 1)),
            bounds(loss.union, grouped),
            grouped(loss.turned_up),
            list(&loss.survivors.iter().map(ToString::to_string).collect::<Vec<_>>()),
        ]
    }));
    let mut blocks = vec![Block::Table { table }];
    let rows: Vec<_> = dead
        .iter()
        .flat_map(|(quorum, loss)| loss.lost.iter().map(move |write| (quorum, write)))
        .take(MOST_WRITES)
        .map(|(quorum, write)| {
            vec![
                quorum.to_string(),
                write.write.to_string(),
                write.key.clone(),
                write.version.to_string(),
                ms(write.acknowledged_ms),
                write.arrived.to_string(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        let table = Table::new(
            "Acknowledged writes that no follower holds, and on how many each had arrived before it was replaced there.",
        )
        .numbers(&["W", "write"])
        .text(&["key"])
        .numbers(&["version", "acknowledged at, ms", "had arrived on"])
        .rows(rows);
        blocks.push(Block::Details { summary: "Each lost write".to_owned(), table });
    }
    blocks
}
