//! `summary.csv`.

use crate::analysis::Summary;

/// Decimals of a latency in milliseconds. Latencies are whole microseconds, so that a mean or
/// a percentile of 100 of them has at most five: nothing is left to round, and a
/// recomputation from `writes.csv` gives the same digits in whatever order it sums.
const MEASURED_DECIMALS: usize = 5;

/// Decimals of predicted latencies in milliseconds, and of seconds.
const OTHER_DECIMALS: usize = 3;

/// The columns, in order.
const COLUMNS: [&str; 18] = [
    "quorum",
    "n",
    "failed",
    "unknown",
    "mean_ms",
    "median_ms",
    "p95_ms",
    "p99_ms",
    "predicted_mean_ms",
    "predicted_median_ms",
    "predicted_p95_ms",
    "predicted_p99_ms",
    "overhead_p50_ms",
    "overhead_p99_ms",
    "behind_at_last_ack",
    "diverged",
    "wall_s",
    "writes_in_gaps",
];

/// One line a quorum. A figure that the data cannot give is an empty field.
pub(super) fn summary(lines: &[&Summary]) -> String {
    let mut text = COLUMNS.join(",");
    text.push('\n');
    for line in lines {
        text.push_str(&fields(line).join(","));
        text.push('\n');
    }
    text
}

/// No field needs quoting: all are numbers.
fn fields(line: &Summary) -> [String; 18] {
    let number = |value: Option<f64>, decimals: usize| value.map(|v| format!("{v:.decimals$}")).unwrap_or_default();
    let measured = |value| number(value, MEASURED_DECIMALS);
    let other = |value| number(value, OTHER_DECIMALS);
    let whole = |value: Option<u64>| value.map(|v| v.to_string()).unwrap_or_default();
    [
        line.quorum.to_string(),
        line.n.to_string(),
        line.failed.to_string(),
        line.unknown.to_string(),
        measured(line.mean_ms),
        measured(line.median_ms),
        measured(line.p95_ms),
        measured(line.p99_ms),
        other(line.predicted_mean_ms),
        other(line.predicted_median_ms),
        other(line.predicted_p95_ms),
        other(line.predicted_p99_ms),
        measured(line.overhead_p50_ms),
        measured(line.overhead_p99_ms),
        whole(line.behind_at_last_ack),
        whole(line.diverged),
        other(Some(line.wall_s)),
        line.writes_in_gaps.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_those_of_the_contract_and_gaps_are_empty() {
        let line = Summary {
            quorum: 3,
            n: 2,
            failed: 1,
            unknown: 0,
            mean_ms: Some(500.12345),
            median_ms: Some(500.0),
            p95_ms: None,
            p99_ms: None,
            predicted_mean_ms: Some(500.0),
            predicted_median_ms: Some(500.0),
            predicted_p95_ms: Some(810.744_24),
            predicted_p99_ms: None,
            overhead_p50_ms: Some(1.25),
            overhead_p99_ms: None,
            behind_at_last_ack: Some(20),
            diverged: None,
            wall_s: 6.1,
            writes_in_gaps: 4,
        };
        assert_eq!(
            summary(&[&line]),
            "quorum,n,failed,unknown,mean_ms,median_ms,p95_ms,p99_ms,predicted_mean_ms,predicted_median_ms,\
             predicted_p95_ms,predicted_p99_ms,overhead_p50_ms,overhead_p99_ms,behind_at_last_ack,diverged,wall_s,writes_in_gaps\n\
             3,2,1,0,500.12345,500.00000,,,500.000,500.000,810.744,,1.25000,,20,,6.100,4\n"
        );
    }
}
