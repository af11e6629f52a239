//! Systems side by side: other systems in the same network, under the same load.

use crate::analysis::{ComparedSystem, Concern, SystemRun};
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::model::Report;
use crate::report::number::{grouped, list, ms};
use crate::report::side_by_side::{NamedSystems, Noted};
use crate::report::topic::{Finding, Page, Topic};

pub(super) const TOPIC: Topic = Topic {
    id: "systems",
    heading: "Systems side by side",
    file: Some("systems.png"),
    needs: &[],
    finding: Finding::IfAny(|report| {
        let systems = &report.side_by_side.systems;
        (!systems.is_empty()).then(|| finding(systems))
    }),
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let systems = &report.side_by_side.systems;
    let named = NamedSystems::by_version(&report.side_by_side);
    let is_predicted = systems.iter().flat_map(|of| &of.runs).any(|run| run.predicted.is_some());
    let dashed = if is_predicted { " Dashed lines of the same colour are predicted of the network alone." } else { "" };
    let reading = format!(
        "The same writes to different systems. Solid lines are measured: one run at each W, without the spread from run to \
         run.{dashed}{}",
        diverged(systems)
    );
    let subtitle = if is_predicted { "Solid: measured. Dashed: predicted of the network" } else { "Measured" };
    let Noted { table: latency, notes } = named.latency();
    let figure = page.figure(reading, subtitle, latency, |title| named.figure(title))?;
    let mut blocks = list_of(named.differences());
    blocks.push(figure);
    blocks.extend(list_of(notes));
    blocks.extend(noted(named.overview()));
    let details =
        |table: Table| Block::Details { summary: "Conditions that differ between the systems".to_owned(), table };
    blocks.extend(named.conditions().map(details));
    Ok(blocks)
}

/// A table and its notes.
pub(super) fn noted(of: Noted) -> Vec<Block> {
    std::iter::once(Block::Table { table: of.table }).chain(list_of(of.notes)).collect()
}

fn list_of(items: Vec<String>) -> Vec<Block> {
    if items.is_empty() { Vec::new() } else { vec![Block::List { items }] }
}

/// Those in the network of the first.
fn in_one_network(systems: &[ComparedSystem]) -> Vec<&ComparedSystem> {
    systems.iter().filter(|of| !of.differs_in.contains(&Concern::Network)).collect()
}

/// Mean latency at the highest W that all in the same network have, or in several if there is one such system alone.
fn finding(systems: &[ComparedSystem]) -> String {
    let same = in_one_network(systems);
    let (beside, network) = match same.len() {
        0 | 1 => (systems.iter().collect(), "in networks of their own"),
        _ => (same, "in the same network"),
    };
    let Some(quorum) = common(&beside).last().copied() else {
        return "No W was run with each of these systems".to_owned();
    };
    let latencies = each(&beside, quorum, |run| Some(format!("{} ms", ms(run.mean_ms?))));
    if latencies.is_empty() {
        return format!("No latency to compare at W = {quorum}");
    }
    format!("Mean latency {network} at W = {quorum}: {latencies}")
}

/// How many copies were wrong for good at the lowest W that all in the same network have: there most go wrong, if any do.
fn diverged(systems: &[ComparedSystem]) -> String {
    let same = in_one_network(systems);
    let Some(quorum) = common(&same).first().copied() else { return String::new() };
    let wrong = each(&same, quorum, |run| Some(format!("{} of {}", grouped(run.diverged?), grouped(run.pairs))));
    if wrong.is_empty() { String::new() } else { format!(" Copies wrong for good at W = {quorum}: {wrong}.") }
}

/// `24.1 ms with redis and 22.0 ms with the other system`.
fn each(systems: &[&ComparedSystem], quorum: u32, tell: impl Fn(&SystemRun) -> Option<String>) -> String {
    let told = |of: &&ComparedSystem| Some(format!("{} with {}", tell(of.at(quorum)?)?, of.system));
    list(&systems.iter().filter_map(told).collect::<Vec<_>>())
}

/// Every W that was run with each system.
fn common(systems: &[&ComparedSystem]) -> Vec<u32> {
    let is_everywhere = |quorum: &u32| systems.iter().all(|of| of.at(*quorum).is_some());
    let first = systems.first().map(|of| of.runs.iter().map(|run| run.quorum).collect::<Vec<_>>());
    first.unwrap_or_default().into_iter().filter(is_everywhere).collect()
}
