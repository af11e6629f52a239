//! What the followers held, and why not what the leader held.

use crate::analysis::{Cause, Cell, CellState, Counts, Expected, FollowerConsistency, Need, Verdict};
use crate::model::NodeId;
use crate::report::charts::{Hue, grid};
use crate::report::document::{Block, Map, MapCell, MapRow, Maps, QuorumMaps, Table};
use crate::report::ends::{Ends, ends, evenly};
use crate::report::error::ReportError;
use crate::report::labels;
use crate::report::model::{MomentReport, Report, RunReport};
use crate::report::number::{count, fixed, grouped, list, maybe, ms, percent};
use crate::report::topic::{Finding, Page, Topic};

/// Most quorums that have maps.
const MOST_QUORUMS: usize = 8;

/// Most pairs that the table of causes lists.
const MOST_CAUSES: usize = 200;

pub(super) const TOPIC: Topic = Topic {
    id: "consistency",
    heading: "What the followers held",
    file: Some("consistency_maps.png"),
    needs: &[Need::Stores],
    finding: Finding::Always(|report| finding(&report.runs)),
    answer: |report| answer(&report.runs),
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let letters = used_letters(&report.runs);
    let erased = if letters.iter().any(|(letter, _)| *letter == "E") { "E erased, " } else { "" };
    let subtitle = format!(
        "A cell is a follower's value for a key. Filled: stale. Hollow: missing. \
         L lagging, O overtaken, X lost, {erased}F foreign, ? unexplained."
    );
    let shown = evenly(&report.runs, MOST_QUORUMS);
    let pairs: Vec<grid::GridPair> = shown.iter().map(|run| pair(run)).collect();
    let headings = ["When the last write was acknowledged", "After every message had arrived"];
    let legend = page.picture(&subtitle, |title, subtitle| grid::scene(&pairs, headings, title, subtitle));
    let maps = Maps {
        id: legend.id,
        caption: legend.caption,
        reading: reading(&report.runs),
        file: legend.file,
        letters,
        quorums: shown.iter().map(|run| quorum_maps(run)).collect(),
    };
    let mut blocks = vec![Block::Table { table: totals(&report.runs) }, Block::Maps { maps }];
    blocks.extend(causes_sentence(&report.runs).map(Block::paragraph));
    blocks.extend(causes(&report.runs));
    Ok(blocks)
}

/// What the followers ended with.
fn finding(runs: &[RunReport]) -> String {
    let judged =
        |run: &RunReport| (run.consistency.verdict != Verdict::Unknown).then_some(run.consistency.settled.total);
    if runs.iter().filter_map(judged).count() > 0 && runs.iter().filter_map(judged).all(|t| t.differing() == 0) {
        return format!("Every follower ended with what the leader held{}", chance(runs));
    }
    let of = |total: Counts| format!("{} of {}", grouped(total.differing()), grouped(total.pairs()));
    match ends(runs, judged) {
        Ends::None => "Whether followers ended with what the leader held is not known".to_owned(),
        Ends::One(quorum, total) => format!("{} copies are wrong for good at W = {quorum}", of(total)),
        Ends::Two((first, low), (last, high)) => {
            format!("{} copies are wrong for good at W = {first}, {} at W = {last}{}", of(low), of(high), chance(runs))
        }
    }
}

fn answer(runs: &[RunReport]) -> Option<String> {
    let judged =
        |run: &RunReport| (run.consistency.verdict != Verdict::Unknown).then_some(run.consistency.settled.total);
    let pairs = |total: Counts| format!("{} of {}", grouped(total.differing()), grouped(total.pairs()));
    let everywhere = runs.iter().filter_map(judged).count() > 0
        && runs.iter().filter_map(judged).all(|total| total.differing() == 0);
    if everywhere {
        return Some(format!(
            "After every message had arrived, every follower held what the leader held{}.",
            chance(runs)
        ));
    }
    match ends(runs, judged) {
        Ends::None => Some("Whether followers ended with what the leader held is not known.".to_owned()),
        Ends::One(quorum, total) => Some(format!(
            "After every message had arrived, {} copies (one follower's value for one key) were wrong for good at W = {quorum}{}.",
            pairs(total),
            chance(runs)
        )),
        Ends::Two((first, low), (last, high)) => Some(format!(
            "After every message had arrived, {} copies (one follower's value for one key) were wrong for good at W = {first}, \
             {} at W = {last}{}.",
            pairs(low),
            pairs(high),
            chance(runs)
        )),
    }
}

/// What the model says of a highest W at which nothing differed: that may have been luck.
fn chance(runs: &[RunReport]) -> String {
    let lucky = |run: &&RunReport| run.consistency.verdict == Verdict::Consistent;
    let Some((quorum, expected)) = runs.last().filter(lucky).and_then(|run| Some((run.quorum, run.expected.as_ref()?)))
    else {
        return String::new();
    };
    if expected.chance_of_any <= 0.0 {
        return String::new();
    }
    let share = percent(expected.chance_of_any);
    format!("; in the model some copy is wrong in {share} of such runs even at W = {quorum}")
}

/// Counts at both moments, beside what the model expects.
fn totals(runs: &[RunReport]) -> Table {
    let expectation = |expected: Option<&Expected>| {
        [
            maybe(expected, |e| format!("{} ({} to {})", fixed(e.diverged.mean, 1), e.diverged.low, e.diverged.high)),
            maybe(expected, |e| percent(e.chance_of_any)),
        ]
    };
    let row = |run: &RunReport| {
        let mut row = vec![
            run.quorum.to_string(),
            grouped(run.consistency.settled.total.pairs()),
            maybe(run.summary.behind_at_last_ack, grouped),
            maybe(run.expected.as_ref(), |e| fixed(e.behind_at_last_ack.mean, 1)),
            maybe(run.summary.diverged, grouped),
        ];
        row.extend(expectation(run.expected.as_ref()));
        row.push(verdict(run.consistency.verdict).to_owned());
        row
    };
    let trials = runs.iter().find_map(|run| run.expected.as_ref()).map(|expected| {
        format!(
            " Expected: the mean over {} of the model, and in brackets where 95 % of them lie.",
            count(u64::from(expected.trials), "simulated run")
        )
    });
    Table::new(format!(
        "Copies (one follower's value for one key) that differ from the leader's: not up to date when the last write \
         was acknowledged, which passes, and wrong for good after every message had arrived.{}",
        trials.unwrap_or_default()
    ))
    .numbers(&[
        "W",
        "copies",
        "not up to date at last ack",
        "not up to date, expected",
        "wrong for good",
        "wrong for good, expected",
        "chance of any, expected",
    ])
    .text(&["verdict"])
    .rows(runs.iter().map(row))
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Consistent => "consistent",
        Verdict::Inconsistent => "inconsistent",
        Verdict::Unknown => "unknown",
    }
}

fn reading(runs: &[RunReport]) -> String {
    let text = "Each cell is one follower's value for one key; an empty cell holds what the leader holds. Filled \
                cells are stale, hollow ones missing, and the letter names the cause.";
    let partial =
        runs.iter().any(|run| run.consistency.settled.is_partial() || run.consistency.at_last_ack.is_partial());
    if partial {
        format!("{text} Of the many keys, the maps show those on which a follower differs.")
    } else {
        text.to_owned()
    }
}

fn used_letters(runs: &[RunReport]) -> Vec<(&'static str, &'static str)> {
    let moments = || runs.iter().flat_map(|run| [&run.consistency.at_last_ack, &run.consistency.settled]);
    let used =
        |letter: &str| moments().any(|moment| moment.differing.iter().any(|cell| labels::letter(cell) == letter));
    labels::LETTERS.into_iter().filter(|(letter, _)| used(letter)).collect()
}

fn quorum_maps(run: &RunReport) -> QuorumMaps {
    let consistency = &run.consistency;
    QuorumMaps {
        quorum: run.quorum,
        hue: Hue::of_quorum(run.quorum).name(),
        maps: vec![
            map("At the last acknowledgement", &consistency.at_last_ack),
            map("After every message had arrived", &consistency.settled),
        ],
    }
}

fn map(moment_name: &str, moment: &MomentReport) -> Map {
    let cell = |follower: NodeId, key: &str| match moment.difference(follower, key) {
        None => MapCell { state: "match", letter: "", title: String::new() },
        Some(cell) => {
            MapCell { state: labels::state(cell.state), letter: labels::letter(cell), title: labels::describe(cell) }
        }
    };
    let keys = |follower: NodeId| moment.shown_keys.iter().map(|key| cell(follower, key)).collect();
    Map {
        caption: format!(
            "{moment_name}: {} of {} differ",
            grouped(moment.total.differing()),
            grouped(moment.total.pairs())
        ),
        keys: moment.shown_keys.clone(),
        rows: moment
            .followers
            .iter()
            .map(|row| MapRow {
                follower: row.follower.to_string(),
                cells: if row.counts.is_some() { keys(row.follower) } else { Vec::new() },
            })
            .collect(),
    }
}

/// A quorum's maps in the PNG file.
fn pair(run: &RunReport) -> grid::GridPair {
    grid::GridPair {
        name: format!("W = {}", run.quorum),
        hue: Hue::of_quorum(run.quorum),
        grids: [&run.consistency.at_last_ack, &run.consistency.settled].map(drawn_map),
    }
}

fn drawn_map(moment: &MomentReport) -> grid::CellGrid {
    let cell = |follower: NodeId, key: &str| moment.difference(follower, key).map_or(grid::GridCell::Quiet, drawn_cell);
    let row = |row: &FollowerConsistency| grid::GridRow {
        name: row.follower.to_string(),
        cells: match row.counts {
            Some(_) => Ok(moment.shown_keys.iter().map(|key| cell(row.follower, key)).collect()),
            None => Err("did not answer"),
        },
    };
    grid::CellGrid {
        note: format!("{} of {} differ", moment.total.differing(), moment.total.pairs()),
        columns: moment.shown_keys.clone(),
        rows: moment.followers.iter().map(row).collect(),
    }
}

const fn drawn_cell(cell: &Cell) -> grid::GridCell {
    match cell.state {
        CellState::Match => grid::GridCell::Quiet,
        CellState::Stale => grid::GridCell::Filled(labels::letter(cell)),
        CellState::Missing => grid::GridCell::Hollow(labels::letter(cell)),
        CellState::Foreign => grid::GridCell::Black(labels::letter(cell)),
    }
}

/// How the diverged pairs came about, in a sentence.
fn causes_sentence(runs: &[RunReport]) -> Option<String> {
    let diverged: Vec<_> = runs.iter().flat_map(|run| &run.consistency.settled.differing).collect();
    let is_unexplained = diverged.iter().all(|cell| cell.cause.is_none_or(|cause| cause == Cause::Unknown));
    if let Some(why) = runs.iter().find_map(|run| run.withheld(&[Need::Trace])).filter(|_| is_unexplained) {
        let told = || format!("How {} came about is not known: {why}.", wrong_copies(diverged.len()));
        return (!diverged.is_empty()).then(told);
    }
    let of = |name: &str| diverged.iter().filter(|cell| cell.cause.is_some_and(|c| labels::cause(c) == name)).count();
    let parts: Vec<(usize, String)> = [
        ("overtaken", format!("an older write arrived after a newer one and replaced it{}", gaps(&diverged))),
        ("lost", "the replication of the newest write timed out or failed".to_owned()),
        ("erased", "the follower had acknowledged the newest write and was restarted empty".to_owned()),
        ("lagging", "the newest write had still not arrived".to_owned()),
        ("unexplained", "no trace says why".to_owned()),
    ]
    .into_iter()
    .map(|(name, why)| (of(name), why))
    .filter(|(number, _)| *number > 0)
    .collect();
    let is_seen = diverged.iter().any(|cell| cell.cause.is_some_and(Cause::is_seen_from_outside));
    let (of_all, of_some) = if is_seen { ("Seen from outside: in", "Seen from outside: of") } else { ("In", "Of") };
    match parts.as_slice() {
        [] => None,
        [(1, why)] => Some(format!("{of_all} the one wrong copy {why}.")),
        [(number, why)] => Some(format!("{of_all} all {} wrong copies {why}.", grouped(*number as u64))),
        parts => {
            let parts: Vec<String> = parts.iter().map(|(n, why)| format!("in {} {why}", grouped(*n as u64))).collect();
            Some(format!("{of_some} {}: {}.", wrong_copies(diverged.len()), list(&parts)))
        }
    }
}

/// `1 wrong copy`, `4 wrong copies`.
fn wrong_copies(number: usize) -> String {
    format!("{} wrong {}", grouped(number as u64), if number == 1 { "copy" } else { "copies" })
}

/// How late the older writes came, where any did.
fn gaps(diverged: &[&Cell]) -> String {
    let gaps = diverged.iter().filter_map(|cell| match cell.cause {
        Some(Cause::Overtaken { gap_us, .. }) => Some(gap_us.as_ms()),
        _ => None,
    });
    let range = gaps.fold(None, |range: Option<(f64, f64)>, gap| {
        let (low, high) = range.unwrap_or((gap, gap));
        Some((low.min(gap), high.max(gap)))
    });
    range.map_or_else(String::new, |(low, high)| format!(" ({} to {} ms later)", ms(low), ms(high)))
}

/// Every diverged pair with its cause.
fn causes(runs: &[RunReport]) -> Option<Block> {
    let row = |run: &RunReport, cell: &Cell| {
        let cause = cell.cause.unwrap_or(Cause::Unknown);
        vec![
            run.quorum.to_string(),
            cell.follower.to_string(),
            cell.key.clone(),
            labels::state(cell.state).to_owned(),
            labels::held(cell),
            labels::cause(cause).to_owned(),
            labels::explain(cause),
        ]
    };
    let rows: Vec<_> =
        runs.iter().flat_map(|run| run.consistency.settled.differing.iter().map(move |cell| row(run, cell))).collect();
    if rows.is_empty() {
        return None;
    }
    let all: u64 = runs.iter().map(|run| run.consistency.settled.total.differing()).sum();
    let listed = rows.len().min(MOST_CAUSES) as u64;
    let caption = if listed < all {
        format!("The first {} of {} wrong copies, each with its cause.", grouped(listed), grouped(all))
    } else {
        "Every wrong copy with its cause.".to_owned()
    };
    let table = Table::new(caption)
        .numbers(&["W"])
        .text(&["follower", "key", "state", "it holds", "cause", "how it came about"])
        .rows(rows.into_iter().take(MOST_CAUSES));
    Some(Block::Details { summary: "Each wrong copy and its cause".to_owned(), table })
}
