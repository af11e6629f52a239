//! What the software itself cost.

use crate::analysis::{Overhead, Quantile};
use crate::report::document::{Block, Section, Table};
use crate::report::model::Report;
use crate::report::number::{grouped, interval, maybe, short_ms};

pub(super) fn section(report: &Report) -> Section {
    let quantile =
        |q: Option<Quantile>| maybe(q, |q| format!("{} ({})", short_ms(q.value_ms), interval(q.interval_ms, short_ms)));
    let row = |o: &Overhead| {
        vec![
            o.quorum.to_string(),
            grouped(o.n),
            quantile(o.p50),
            quantile(o.p95),
            quantile(o.p99),
            maybe(o.max_ms, short_ms),
        ]
    };
    let table = Table::new(
        "Overhead in ms with 95 % intervals: each write's latency less the W-th smallest of the delays drawn for it.",
    )
    .numbers(&["W", "n", "p50", "p95", "p99", "greatest"])
    .rows(report.runs.iter().map(|run| row(&run.overhead)));
    Section { id: "overhead", heading: "What the software itself cost", blocks: vec![Block::Table(table)] }
}
