//! What the leader's death would have cost.

use crate::analysis::{Bounds, Durability, Exposure, Interval, Loss, LossExpectation, Need};
use crate::report::charts::Hue;
use crate::report::charts::bars::{self, BarSegment, StackedBar};
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::model::{Report, RunReport};
use crate::report::number::{bounds, count, fixed, grouped, interval, list, maybe};
use crate::report::topic::{Finding, Page, Topic};

/// Most numbers of copies that have a column of their own.
const MOST_COPIES: usize = 8;

/// Means that differ by more than this, in writes, are not drawn as one.
const VISIBLE: f64 = 0.05;

/// The title of the horizontal axis.
const AXIS: &str = "Acknowledged writes not on every follower, mean over the load";

pub(super) const TOPIC: Topic = Topic {
    id: "durability",
    heading: "What the leader's death would cost",
    file: Some("durability.png"),
    needs: &[Need::Arrivals, Need::Received],
    finding: Finding::Always(|report| finding(&report.runs)),
    answer: |report| answer(&report.runs),
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let all: Vec<&Durability> = report.runs.iter().filter_map(|run| run.durability()).collect();
    let reading = "Acknowledged writes that were not on every follower, averaged over every instant of the load, by \
                   the number of followers that held a copy, the write or a newer one of its key (the figure in each \
                   segment). What is on no follower is lost with the leader; a follower that was killed holds nothing.";
    let subtitle = "By the number of followers that held a copy. What is on no follower is lost with the leader.";
    let table = durability_table(&all);
    let bars = if all.iter().all(|of| of.acknowledged == 0) { Vec::new() } else { all.iter().map(bar).collect() };
    let figure = page.figure(reading.to_owned(), subtitle, table, |title| bars::scene(&bars, AXIS, title))?;
    Ok(vec![figure, Block::Table { table: loss_table(&all) }])
}

/// Acknowledged writes that were not on every follower, by their number of copies.
fn bar(durability: &&Durability) -> StackedBar {
    let partly = &durability.exposure[..durability.exposure.len().saturating_sub(1)];
    let is_vague = |of: &Exposure| of.mean_writes.upper - of.mean_writes.lower > VISIBLE;
    let segment = |of: &Exposure| BarSegment { label: of.copies.to_string(), length: of.mean_writes.upper };
    StackedBar {
        name: format!("W = {}", durability.quorum),
        hue: Hue::of_quorum(durability.quorum),
        segments: partly.iter().map(segment).collect(),
        instead: partly.iter().any(is_vague).then_some("not exactly known: see the table"),
    }
}

/// What the leader's death would have cost.
fn finding(runs: &[RunReport]) -> String {
    let at_risk: Vec<String> = runs
        .iter()
        .filter_map(|run| Some((run.quorum, unprotected(run)?)))
        .filter(|(_, most)| most.upper > 0)
        .map(|(quorum, most)| format!("{} at W = {quorum}", bounds(most, grouped)))
        .collect();
    if runs.iter().all(|run| unprotected(run).is_none()) {
        "No write was acknowledged, so none could be lost".to_owned()
    } else if at_risk.is_empty() {
        "Every acknowledged write was on some follower at every moment".to_owned()
    } else {
        format!("The most acknowledged writes that were on no follower at one moment: {}", list(&at_risk))
    }
}

fn answer(runs: &[RunReport]) -> Option<String> {
    // Where it did die, that is known better.
    let has_died = |run: &RunReport| run.faults.as_ref().is_some_and(|faults| faults.figures.leader_loss.is_some());
    if runs.iter().any(|run| has_died(run) || run.failover.is_some()) {
        return None;
    }
    let exposed = runs.iter().filter_map(|run| run.durability()).filter(|of| of.acknowledged > 0);
    let durability = exposed.reduce(|a, b| {
        let upper = |of: &Durability| of.loss.random.mean_writes.upper;
        if upper(b) > upper(a) { b } else { a }
    })?;
    let loss = &durability.loss;
    let mean = |of: Bounds<f64>| bounds(of, |writes| fixed(writes, 1));
    let expected = durability.expected_loss.map_or(String::new(), |expected| {
        let mean = |of: LossExpectation| fixed(of.mean_writes.mean, 1);
        format!(
            "; the mean over {} is {}, {} and {}",
            count(u64::from(expected.trials), "simulated run"),
            mean(expected.most_advanced),
            mean(expected.random),
            mean(expected.union)
        )
    });
    Some(format!(
        "If the leader had died at a random moment of the load at W = {}, {} acknowledged writes would have been lost on \
         average with the most advanced follower in its place, {} with a random one, and {} with what all followers \
         held put together{expected}.",
        durability.quorum,
        mean(loss.most_advanced.mean_writes),
        mean(loss.random.mean_writes),
        mean(loss.union.mean_writes),
    ))
}

/// Most acknowledged writes that no follower held.
fn unprotected(run: &RunReport) -> Option<Bounds<u64>> {
    let durability = run.durability().filter(|of| of.acknowledged > 0)?;
    durability.exposure.first().map(|exposure| exposure.max_writes)
}

/// What the leader's death would have cost, and what the model says of such runs.
fn loss_table(all: &[&Durability]) -> Table {
    let cell = |loss: Loss| {
        let writes = |of: Bounds<f64>, decimals| bounds(of, |writes| fixed(writes, decimals));
        format!("{} ({})", writes(loss.mean_writes, 2), writes(loss.max_writes, 0))
    };
    let model = |of: Option<LossExpectation>| {
        maybe(of, |of| {
            let range = Interval { lower: Some(of.max_writes.low), upper: Some(of.max_writes.high) };
            format!("{} ({})", fixed(of.mean_writes.mean, 2), interval(range, |end| fixed(end, 0)))
        })
    };
    let row = |d: &&Durability| {
        let (loss, expected) = (&d.loss, d.expected_loss);
        vec![
            d.quorum.to_string(),
            cell(loss.most_advanced),
            model(expected.map(|of| of.most_advanced)),
            cell(loss.random),
            model(expected.map(|of| of.random)),
            cell(loss.union),
            model(expected.map(|of| of.union)),
        ]
    };
    Table::new(
        "Acknowledged writes lost if the leader dies at an instant of the load and a follower takes its place as it \
         is: the most advanced one (it has received the newest write), a random one (the mean over all), or what all \
         followers hold put together. Mean over every instant, and in brackets the most at any; model: the mean over \
         simulated runs that differ in their seed, and in brackets where 95 % of their greatest lie. Only followers that \
         can be asked take over. Copies that wait at the leader for their injected delay die with it; on a real network \
         what has been sent still arrives.",
    )
    .numbers(&[
        "W",
        "most advanced",
        "most advanced, model",
        "random",
        "random, model",
        "all together",
        "all together, model",
    ])
    .rows(all.iter().map(row))
}

fn durability_table(all: &[&Durability]) -> Table {
    let copies = all.iter().map(|d| d.exposure.len()).max().unwrap_or(0).min(MOST_COPIES);
    let names: Vec<String> = (0..copies).map(|n| format!("on {n}")).collect();
    let cell = |exposure: Option<&Exposure>| {
        maybe(exposure, |e| {
            format!("{} ({})", bounds(e.mean_writes, |writes| fixed(writes, 2)), bounds(e.max_writes, grouped))
        })
    };
    let row = |d: &&Durability| {
        let mut row = vec![d.quorum.to_string(), grouped(d.acknowledged)];
        row.extend((0..copies).map(|n| cell(d.exposure.get(n))));
        row.push(bounds(d.held_by_fewer, grouped));
        row.push(grouped(d.overwritten_writes));
        row.push(grouped(d.overwritten_copies));
        row
    };
    Table::new(
        "Acknowledged writes by the number of followers that held a copy: mean over every instant of the load, and in \
         brackets the most at any instant. Fewer than W: acknowledged writes that, at the instant of their \
         acknowledgement, fewer than W followers held. Overwritten: acknowledged writes that an older one replaced on some \
         follower, and how many copies that cost.",
    )
    .numbers(&["W", "acknowledged"])
    .numbers(&names.iter().map(String::as_str).collect::<Vec<_>>())
    .numbers(&["fewer than W", "overwritten", "copies"])
    .rows(all.iter().map(row))
}
