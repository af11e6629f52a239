//! Single writes, from the client's request to the last follower.

use crate::analysis::{Exemplar, FollowerLeg, Need, WriteLife};
use crate::report::charts::lanes::{self, Lane, LaneMark, LanePanel, LaneRow, Lanes};
use crate::report::charts::{Hue, Shape};
use crate::report::document::{Block, Table};
use crate::report::ends::evenly;
use crate::report::error::ReportError;
use crate::report::model::Report;
use crate::report::number::{NONE, maybe, ms};
use crate::report::topic::{Finding, Page, Topic};

/// Most quorums that have panels.
const MOST_QUORUMS: usize = 6;

/// Most followers of which there are panels.
const MOST_FOLLOWERS: usize = 9;

pub(super) const TOPIC: Topic = Topic {
    id: "timelines",
    heading: "Single writes, step by step",
    file: Some("timelines.png"),
    needs: &[Need::Trace],
    finding: Finding::Always(finding),
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let shown = evenly(&report.runs, MOST_QUORUMS);
    let lives: Vec<&WriteLife> =
        shown.iter().flat_map(|run| &run.lives).filter(|life| life.followers.len() <= MOST_FOLLOWERS).collect();
    if lives.is_empty() {
        let text = "No write was acknowledged, or there are too many followers to draw them one by one.";
        return Ok(vec![Block::paragraph(text)]);
    }
    let lanes = lanes(&lives);
    let reading = "A thin line is a copy's way to a follower, nearly all of it injected delay. A disc is a copy whose \
                   acknowledgement the client waited for, a ring one that arrived later, a cross one that was lost; \
                   the numbers are the order of acknowledgements. The vertical line is the client's answer.";
    let (way_back, in_short) = if has_way_back(report) {
        (" A dashed line is the acknowledgement's way back.", " Dashed: way back.")
    } else {
        ("", "")
    };
    let subtitle = format!(
        "Disc: awaited copy. Ring: later copy. Cross: lost. Numbers: order of acknowledgements. Vertical line: \
         answer.{in_short}"
    );
    let reading = format!("{reading}{way_back}");
    Ok(vec![page.figure(reading, &subtitle, table(&lives), |title| lanes::scene(&lanes, title))?])
}

/// A row for each W: the median write at the left, the slowest at the right.
fn lanes(lives: &[&WriteLife]) -> Lanes {
    let mut quorums: Vec<u32> = lives.iter().map(|life| life.quorum).collect();
    quorums.dedup();
    let row = |quorum: u32| {
        let of = |exemplar| lives.iter().find(|life| life.quorum == quorum && life.exemplar == exemplar);
        LaneRow {
            name: format!("W = {quorum}"),
            hue: Hue::of_quorum(quorum),
            panels: [Exemplar::Median, Exemplar::Worst].map(|exemplar| of(exemplar).map(|life| panel(life))),
        }
    };
    Lanes {
        x_title: "ms since the client's request",
        columns: ["The write of median latency", "The slowest write"],
        rows: quorums.into_iter().map(row).collect(),
    }
}

fn panel(life: &WriteLife) -> LanePanel {
    let lane = |leg: &FollowerLeg| Lane { name: leg.follower.to_string(), mark: mark(leg) };
    LanePanel {
        name: "leader",
        end: life.latency_ms,
        end_label: format!("answer {:.1} ms", life.latency_ms),
        lanes: life.followers.iter().map(lane).collect(),
    }
}

/// A copy's arrival: a disc for an acknowledgement that the client waited for, a ring for a later
/// one, a cross if the copy was lost. Then the acknowledgement's way back.
fn mark(leg: &FollowerLeg) -> Option<LaneMark> {
    let shape = if leg.arrived_ms.is_none() && leg.acked_ms.is_none() {
        Shape::Cross
    } else if leg.in_quorum {
        Shape::Disc
    } else {
        Shape::Ring
    };
    Some(LaneMark {
        at: leg.arrived_ms.or(leg.acked_ms).or(leg.sent_ms).or(leg.delay_ms)?,
        shape,
        stands_out: leg.in_quorum,
        back: leg.acked_ms,
        label: leg.ack_rank.map(|rank| rank.to_string()),
    })
}

/// What single writes show.
fn finding(report: &Report) -> String {
    let lives = report.runs.iter().flat_map(|run| &run.lives);
    let slowest = lives.filter(|life| life.exemplar == Exemplar::Worst);
    let Some(worst) = slowest.max_by(|a, b| a.latency_ms.total_cmp(&b.latency_ms)) else {
        return "One write's life at each W".to_owned();
    };
    let awaited = worst.followers.iter().filter(|leg| leg.in_quorum);
    let last = awaited.max_by_key(|leg| leg.ack_rank);
    let whom = last.map_or(String::new(), |leg| {
        let way = if has_way_back(report) { " there" } else { "" };
        let delay = leg.delay_ms.map(ms).unwrap_or_default();
        format!(": it waited for {}, whose delay was {delay} ms{way}", leg.follower)
    });
    format!("The slowest write of all, at W = {}, took {} ms{whom}", worst.quorum, ms(worst.latency_ms))
}

/// Whether acknowledgements are delayed.
fn has_way_back(report: &Report) -> bool {
    report.runs.iter().any(|run| !run.manifest.config.network.has_instant_acks(run.followers()))
}

fn table(lives: &[&WriteLife]) -> Table {
    let row = |life: &&WriteLife| {
        let which = match life.exemplar {
            Exemplar::Median => "median",
            Exemplar::Worst => "slowest",
        };
        vec![
            life.quorum.to_string(),
            which.to_owned(),
            life.write.to_string(),
            life.key.clone(),
            ms(life.latency_ms),
            maybe(life.quorum_ms, ms),
            acknowledgements(&life.followers),
        ]
    };
    Table::new("Times in ms since the client's request; acknowledgements as the leader had them.")
        .numbers(&["W"])
        .text(&["which"])
        .numbers(&["write"])
        .text(&["key"])
        .numbers(&["answer", "quorum reached"])
        .text(&["acknowledgements in order"])
        .rows(lives.iter().map(row))
}

fn acknowledgements(legs: &[FollowerLeg]) -> String {
    let mut acked: Vec<(u32, &FollowerLeg)> = legs.iter().filter_map(|leg| Some((leg.ack_rank?, leg))).collect();
    acked.sort_by_key(|(rank, _)| *rank);
    if acked.is_empty() {
        return NONE.to_owned();
    }
    let one = |(_, leg): &(u32, &FollowerLeg)| format!("{} {}", leg.follower, maybe(leg.acked_ms, ms));
    acked.iter().map(one).collect::<Vec<_>>().join(", ")
}
