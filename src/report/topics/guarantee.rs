//! Whether an acknowledgement meant W copies, and what older writes undid.

use crate::analysis::{Bounds, Durability, Need};
use crate::model::Capabilities;
use crate::report::document::Block;
use crate::report::model::RunReport;
use crate::report::number::{bounds, count, grouped, list};
use crate::report::topic::{Finding, Topic};

pub(super) const TOPIC: Topic = Topic {
    id: "guarantee",
    heading: "What an acknowledgement meant",
    file: None,
    needs: &[Need::Arrivals, Need::Received],
    finding: Finding::Always(|report| finding(&report.runs)),
    answer: |_| None,
    blocks: |_, page| Ok(vec![Block::paragraph(page.finding())]),
};

/// Whether an acknowledgement meant W copies, and what older writes undid.
fn finding(runs: &[RunReport]) -> String {
    // At W = 0 an acknowledgement promises no copy.
    let is_promise = |run: &&RunReport| run.quorum > 0 || runs.iter().all(|run| run.quorum == 0);
    let all = || runs.iter().filter(is_promise).filter_map(|run| run.durability());
    let sum = |of: fn(&Durability) -> u64| all().map(of).sum::<u64>();
    let is_outside = runs.iter().any(|run| run.is_outside);
    let (against, silent) = if is_outside { ("what readers saw", "Reads do") } else { ("the trace", "The traces do") };
    let (checked, unchecked) = (sum(|of| of.checked), sum(|of| of.unchecked));
    let breaches: Vec<String> = all().filter_map(|of| of.breach.map(|breach| breach.to_string())).collect();
    let mut text = if !breaches.is_empty() {
        format!("The promise that an acknowledged write has reached W followers was broken: {}.", breaches.join("; "))
    } else if checked == 0 {
        format!("No acknowledgement could be checked against {against}.")
    } else if is_outside {
        // What was not seen in time may have been there all the same.
        // Where some certainly were on fewer, that is told below.
        let few = match (sum(|of| of.held_by_fewer.lower), sum(|of| of.held_by_fewer.upper)) {
            (0, few) if few > 0 => format!("; of {} readers cannot tell", grouped(few)),
            _ => String::new(),
        };
        let checked = count(checked, "acknowledged write");
        format!(
            "By {against}, none of {checked} is known to have reached fewer than W followers when its client heard of it{few}."
        )
    } else {
        format!(
            "Checked against {against}, {} had reached at least W followers when its client heard of it.",
            match checked {
                1 => "the one acknowledged write".to_owned(),
                n => format!("each of {}", count(n, "acknowledged write")),
            }
        )
    };
    if unchecked > 0 {
        text.push_str(&format!(" {silent} not tell of {}.", count(unchecked, "further write")));
    }
    // In a log what has arrived stays there, unless its follower dies.
    let stays = |run: &RunReport| {
        let Capabilities { ordered_log, append_log, .. } = run.manifest.capabilities();
        (ordered_log || append_log) && run.faults.is_none()
    };
    let fewer = Bounds { lower: sum(|of| of.held_by_fewer.lower), upper: sum(|of| of.held_by_fewer.upper) };
    if is_outside && fewer.lower == 0 && runs.iter().all(stays) {
        text.push_str(" It replicates a log, in which a write that has arrived stays.");
    } else if is_outside && fewer.upper > 0 {
        if fewer.lower > 0 || !breaches.is_empty() {
            let fewer = bounds(fewer, grouped);
            text.push_str(&format!(
                " By what readers saw, {fewer} were on fewer than W followers when they were acknowledged."
            ));
        }
    } else if fewer.upper > 0 {
        let deaths = if runs.iter().any(|run| run.faults.is_some()) { ", or its follower had died" } else { "" };
        text.push_str(&format!(
            " A follower may lose a write again: {} of these writes (or a newer one of the key) were by then on fewer than W \
             followers, because an older write had replaced it{deaths}.",
            bounds(fewer, grouped)
        ));
    }
    let overwritten: Vec<String> = all()
        .filter(|of| of.overwritten_writes > 0)
        .map(|of| format!("{} at W = {}", grouped(of.overwritten_writes), of.quorum))
        .collect();
    if !overwritten.is_empty() {
        text.push_str(&format!(
            " Over the whole run, an older write replaced an acknowledged one on some follower: {}.",
            list(&overwritten)
        ));
    }
    text
}
