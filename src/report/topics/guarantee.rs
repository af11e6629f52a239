//! Whether an acknowledgement meant W copies, and what older writes undid.

use crate::analysis::Bounds;
use crate::report::document::Block;
use crate::report::model::RunReport;
use crate::report::number::{bounds, count, grouped, list};
use crate::report::topic::{Finding, Recorded, Topic};

pub(super) const TOPIC: Topic = Topic {
    id: "guarantee",
    heading: "What an acknowledgement meant",
    file: None,
    needs: &[Recorded::Trace],
    finding: Finding::Always(|report| finding(&report.runs)),
    answer: |_| None,
    blocks: |_, page| Ok(vec![Block::paragraph(page.finding())]),
};

/// Whether an acknowledgement meant W copies, and what older writes undid.
fn finding(runs: &[RunReport]) -> String {
    let checked: u64 = runs.iter().map(|run| run.durability.checked).sum();
    let unchecked: u64 = runs.iter().map(|run| run.durability.unchecked).sum();
    let breaches: Vec<String> =
        runs.iter().filter_map(|run| run.durability.breach.map(|breach| breach.to_string())).collect();
    let mut text = if !breaches.is_empty() {
        format!("The promise that an acknowledged write has reached W followers was broken: {}.", breaches.join("; "))
    } else if checked == 0 {
        "No acknowledgement could be checked against the trace.".to_owned()
    } else {
        format!(
            "Checked against the trace, {} had reached at least W followers when its client heard of it.",
            match checked {
                1 => "the one acknowledged write".to_owned(),
                n => format!("each of {}", count(n, "acknowledged write")),
            }
        )
    };
    if unchecked > 0 {
        text.push_str(&format!(" The traces do not tell of {}.", count(unchecked, "further write")));
    }
    let sum = |of: fn(&RunReport) -> u64| runs.iter().map(of).sum::<u64>();
    let fewer = Bounds {
        lower: sum(|run| run.durability.held_by_fewer.lower),
        upper: sum(|run| run.durability.held_by_fewer.upper),
    };
    if fewer.upper > 0 {
        let deaths = if runs.iter().any(|run| run.faults.is_some()) { ", or its follower had died" } else { "" };
        text.push_str(&format!(
            " A follower may lose a write again: {} of these writes (or a newer one of the key) were by then on fewer than W \
             followers, because an older write had replaced it{deaths}.",
            bounds(fewer, grouped)
        ));
    }
    let overwritten: Vec<String> = runs
        .iter()
        .filter(|run| run.durability.overwritten_writes > 0)
        .map(|run| format!("{} at W = {}", grouped(run.durability.overwritten_writes), run.quorum))
        .collect();
    if !overwritten.is_empty() {
        text.push_str(&format!(
            " Over the whole run, an older write replaced an acknowledged one on some follower: {}.",
            list(&overwritten)
        ));
    }
    text
}
