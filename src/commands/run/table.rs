//! What a run prints: a line a quorum as it ends, and a closing table.

use comfy_table::Table;

use crate::analysis::Summary;
use crate::commands::tables;

/// One quorum's result in one line. `copies` is how many copies the settled run was judged by: 0 if the leader could not be asked.
pub(super) fn line(summary: &Summary, copies: u64, is_leader_absent: bool) -> String {
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
        Some(diverged) => format!("  {diverged} of {copies} copies diverged"),
        None if is_leader_absent => "  leader gone: copies not compared".to_owned(),
        None => "  did not settle".to_owned(),
    };
    format!("{line}  {:.1} s", summary.wall_s)
}

/// Columns from the first of these to before the second are of what some systems do not let be known.
const OPTIONAL: std::ops::Range<usize> = 6..10;

/// Every quorum's figures; `-` where there is none. Predictions and overhead are left out if no run has
/// any.
pub(super) fn table(summaries: &[Summary]) -> Table {
    let rows: Vec<[String; 12]> = summaries.iter().map(row).collect();
    let is_shown = |column: usize| !OPTIONAL.contains(&column) || rows.iter().any(|row| row[column] != NONE);
    let shown: Vec<usize> = (0..HEADER.len()).filter(|column| is_shown(*column)).collect();
    let header = shown.iter().map(|column| HEADER[*column]);
    let rows = rows.iter().map(|row| shown.iter().map(|column| row[*column].clone()).collect::<Vec<_>>());
    tables::figures(tables::PLAIN, header, rows)
}

/// Stands where there is no figure.
const NONE: &str = "-";

const HEADER: [&str; 12] = [
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
    "not up to date\nat last ack",
    "diverged\ncopies",
];

fn row(summary: &Summary) -> [String; 12] {
    let ms = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), |value| format!("{value:.1}"));
    let count = |value: Option<u64>| value.map_or_else(|| NONE.to_owned(), |value| value.to_string());
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn summary(overhead_p50_ms: Option<f64>) -> Summary {
        Summary {
            quorum: 2,
            n: 100,
            failed: 0,
            unknown: 0,
            mean_ms: Some(44.0),
            median_ms: Some(43.5),
            p95_ms: Some(46.0),
            p99_ms: Some(48.0),
            predicted_mean_ms: None,
            predicted_median_ms: None,
            predicted_p95_ms: None,
            predicted_p99_ms: None,
            overhead_p50_ms,
            overhead_p99_ms: None,
            behind_at_last_ack: Some(3),
            diverged: None,
            wall_s: 1.0,
            writes_in_gaps: 0,
        }
    }

    #[test]
    fn what_no_run_can_tell_has_no_column() {
        let header = |of: &[Summary]| table(of).to_string().lines().next().unwrap().to_owned();
        let text = header(&[summary(None)]);
        assert!(!text.contains("predicted") && !text.contains("overhead") && text.contains("diverged"), "{text}");
        let text = header(&[summary(None), summary(Some(1.5))]);
        assert_eq!(text.matches("overhead").count(), 1, "{text}");
    }
}
