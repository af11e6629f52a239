//! An experiment with faults, and the rows of what its runs wrote.

use std::collections::BTreeMap;

/// A row of a CSV file, by column.
pub(crate) type Row = BTreeMap<String, String>;

/// `experiments.toml` with one experiment, `broken`: three followers, delays of up to 100 ms, and
/// these `[[experiment.broken.fault]]` tables.
pub(crate) fn config(backend: &str, quorums: &str, writes: u32, request_timeout_s: f64, faults: &str) -> String {
    format!(
        r#"
schema = 1
default = "broken"
[experiment.broken]
quorums = {quorums}
followers = 3
backend = "{backend}"
[experiment.broken.network]
max_delay_ms = 100
replication_timeout_s = 0.5
global_request_timeout_s = {request_timeout_s:?}
[experiment.broken.workload]
writes = {writes}
concurrency = 5
keys = 4
{faults}"#
    )
}

/// The rows of a CSV file whose fields hold no comma.
pub(crate) fn rows(text: &str) -> Vec<Row> {
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    lines.map(|line| header.iter().cloned().zip(line).collect()).collect()
}

/// What the rows of `faults.csv` say was done, as `kind node`.
pub(crate) fn done(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| format!("{} {}", row["kind"], row["node"])).collect()
}
