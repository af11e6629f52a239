//! What the followers held.

use crate::analysis::{Counts, Verdict};
use crate::report::document::{Block, Section, Table};
use crate::report::model::{Report, RunReport};
use crate::report::number::grouped;

pub(super) fn section(report: &Report) -> Section {
    let row = |run: &RunReport| {
        let mut row = vec![run.quorum.to_string()];
        row.extend(counts(run.consistency.at_last_ack.total));
        row.extend(counts(run.consistency.settled.total));
        row.push(verdict(run.consistency.verdict).to_owned());
        row
    };
    let table = Table::new(
        "Pairs of follower and key against the leader: when the last write was acknowledged (lag, which passes) and \
         once nothing was in flight (divergence, which stays).",
    )
    .numbers(&["W", "pairs", "behind at last ack", "of them missing", "pairs", "diverged", "of them missing"])
    .text("verdict")
    .rows(report.runs.iter().map(row));
    Section { id: "consistency", heading: "What the followers held", blocks: vec![Block::Table(table)] }
}

fn counts(counts: Counts) -> [String; 3] {
    [grouped(counts.pairs()), grouped(counts.differing()), grouped(counts.missing)]
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Consistent => "consistent",
        Verdict::Inconsistent => "inconsistent",
        Verdict::Unknown => "unknown",
    }
}
