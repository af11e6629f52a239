//! What a run prints: a line a quorum as it ends, and a closing table.

use comfy_table::Table;

use crate::analysis::Summary;
use crate::commands::tables;

/// One quorum's result in one line.
pub(super) fn line(summary: &Summary) -> String {
    let mut line = format!("W={}  {} ok", summary.quorum, summary.n);
    for (count, word) in [(summary.failed, "failed"), (summary.unknown, "without an answer")] {
        if count > 0 {
            line += &format!(", {count} {word}");
        }
    }
    if let (Some(mean), Some(median)) = (summary.mean_ms, summary.median_ms) {
        line += &format!("  mean {mean:.1} ms");
        if let Some(predicted) = summary.predicted_mean_ms {
            line += &format!(" (predicted {predicted:.1})");
        }
        line += &format!("  median {median:.1} ms");
    }
    line += &match summary.diverged {
        Some(diverged) => format!("  diverged {diverged}"),
        None => "  did not settle".to_owned(),
    };
    format!("{line}  {:.1} s", summary.wall_s)
}

/// Every quorum's figures; `-` where there is none.
pub(super) fn table(summaries: &[Summary]) -> Table {
    let header = [
        "W",
        "n",
        "mean ms",
        "median",
        "p95",
        "p99",
        "predicted\nmean",
        "predicted\np99",
        "overhead\np50",
        "overhead\np99",
        "behind at\nlast ack",
        "diverged",
    ];
    tables::figures(tables::PLAIN, header, summaries.iter().map(row))
}

fn row(summary: &Summary) -> [String; 12] {
    let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let count = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    [
        summary.quorum.to_string(),
        summary.n.to_string(),
        ms(summary.mean_ms),
        ms(summary.median_ms),
        ms(summary.p95_ms),
        ms(summary.p99_ms),
        ms(summary.predicted_mean_ms),
        ms(summary.predicted_p99_ms),
        ms(summary.overhead_p50_ms),
        ms(summary.overhead_p99_ms),
        count(summary.behind_at_last_ack),
        count(summary.diverged),
    ]
}
