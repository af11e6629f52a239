//! Reads a run directory back, trusting nothing in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::write::Columns;
use super::{
    ArrivalRow, DataError, FaultRow, LEADER, Manifest, ReplicationRow, RunData, SCHEMA, Snapshot, WriteRow,
    follower_name,
};

/// The largest time in a run, ten years in microseconds: past it a file is damaged.
const TIME_LIMIT_US: u64 = 10 * 365 * 24 * 3600 * 1_000_000;

impl RunData {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    /// [`DataError`] with the file and line of whatever is missing, malformed, from a newer
    /// schema, or contradicts itself.
    pub fn load(folder: &Path) -> Result<Self, DataError> {
        let manifest = manifest(folder)?;
        let writes = read_csv::<WriteRow>(&folder.join("writes.csv"))?;
        check_writes(&folder.join("writes.csv"), &writes, &manifest)?;
        let replication = read_csv::<ReplicationRow>(&folder.join("replication.csv"))?;
        check_replication(&folder.join("replication.csv"), &replication, &manifest)?;
        let arrivals = read_csv::<ArrivalRow>(&folder.join("arrivals.csv"))?;
        let faults = read_faults(folder, &manifest)?;
        Ok(Self {
            at_last_ack: read_snapshot(&folder.join("at-last-ack"), &manifest)?,
            settled: read_snapshot(folder, &manifest)?,
            faults,
            manifest,
            writes,
            replication,
            arrivals,
            logs: BTreeMap::new(),
        })
    }
}

/// Reads only a run's manifest.
pub(super) fn manifest(folder: &Path) -> Result<Manifest, DataError> {
    let path = folder.join("manifest.json");
    // The schema first: what a newer one means, this labctl cannot know.
    #[derive(serde::Deserialize)]
    struct Schema {
        schema: u32,
    }
    let Schema { schema } = read_json(&path)?;
    if schema != SCHEMA {
        let message = format!("this data has schema {schema}, and this labctl reads schema {SCHEMA}");
        return Err(DataError::Invalid { path, line: 1, message });
    }
    read_json(&path)
}

fn open(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => {
            DataError::Missing { path: path.to_owned(), what: "missing; `labctl run` makes it".to_owned() }
        }
        _ => DataError::Io { path: path.to_owned(), action: "read", source },
    })
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, DataError> {
    let invalid =
        |line: usize, message: String| DataError::Invalid { path: path.to_owned(), line: line as u64, message };
    open(path)?;
    let bytes = fs::read(path).map_err(|source| DataError::Io { path: path.to_owned(), action: "read", source })?;
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        invalid(line, "not UTF-8".to_owned())
    })?;
    serde_json::from_str(text).map_err(|error| invalid(error.line().max(1), error.to_string()))
}

fn read_csv<T: DeserializeOwned + Columns>(path: &Path) -> Result<Vec<T>, DataError> {
    let invalid = |line: u64, message: String| DataError::Invalid { path: path.to_owned(), line, message };
    let mut csv = csv::Reader::from_reader(open(path)?);
    let headers = csv.headers().map_err(|error| invalid(1, describe(&error)))?.clone();
    for column in T::COLUMNS {
        if !headers.iter().any(|header| header == *column) {
            let columns = T::COLUMNS.join(",");
            return Err(invalid(1, format!("column `{column}` is missing; the columns are {columns}")));
        }
    }
    let mut rows = Vec::new();
    for row in csv.deserialize() {
        rows.push(
            row.map_err(|error: csv::Error| {
                invalid(error.position().map_or(1, csv::Position::line), describe(&error))
            })?,
        );
    }
    Ok(rows)
}

/// csv's own message without the position, which the path already carries.
fn describe(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where there are {expected_len} columns: the line is cut off or has a stray comma")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

/// A row's line in its file: the header is the first.
fn line_of(index: usize) -> u64 {
    index as u64 + 2
}

fn check_writes(path: &Path, rows: &[WriteRow], manifest: &Manifest) -> Result<(), DataError> {
    let planned = u64::from(manifest.config.workload.writes.get());
    let mut seen = BTreeSet::new();
    for (index, row) in rows.iter().enumerate() {
        let invalid = |message: String| DataError::Invalid { path: path.to_owned(), line: line_of(index), message };
        if row.write >= planned {
            return Err(invalid(format!(
                "write {} is not among the {planned} of the plan (0 to {})",
                row.write,
                planned - 1
            )));
        }
        if !seen.insert(row.write) {
            return Err(invalid(format!("write {} is there twice", row.write)));
        }
        if row.latency_us > TIME_LIMIT_US || row.start_us > TIME_LIMIT_US {
            return Err(invalid(format!("write {} has a time that cannot be (over ten years)", row.write)));
        }
    }
    if (seen.len() as u64) < planned {
        let message = format!("{} of the {planned} writes of the plan are missing", planned - seen.len() as u64);
        return Err(DataError::Invalid { path: path.to_owned(), line: line_of(rows.len()), message });
    }
    Ok(())
}

fn check_replication(path: &Path, rows: &[ReplicationRow], manifest: &Manifest) -> Result<(), DataError> {
    let followers: BTreeSet<String> = (0..manifest.config.followers.get() as usize).map(follower_name).collect();
    let mut seen = BTreeSet::new();
    for (index, row) in rows.iter().enumerate() {
        let invalid = |message: String| DataError::Invalid { path: path.to_owned(), line: line_of(index), message };
        if !followers.contains(&row.follower) {
            return Err(invalid(format!("`{}` is not among the followers f1 to f{}", row.follower, followers.len())));
        }
        if !seen.insert((row.version, row.follower.as_str())) {
            return Err(invalid(format!("version {} to {} is there twice", row.version, row.follower)));
        }
        if row.delay_us > TIME_LIMIT_US
            || [row.sent_us, row.acked_us].into_iter().flatten().any(|at| at.unsigned_abs() > TIME_LIMIT_US)
        {
            return Err(invalid("a time that cannot be (over ten years)".to_owned()));
        }
    }
    Ok(())
}

/// Reads what was done on purpose; there is no file where that is nothing.
fn read_faults(folder: &Path, manifest: &Manifest) -> Result<Vec<FaultRow>, DataError> {
    let path = folder.join("faults.csv");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let rows = read_csv::<FaultRow>(&path)?;
    let nodes: Vec<String> = nodes(manifest).collect();
    for (index, row) in rows.iter().enumerate() {
        let invalid = |message: String| DataError::Invalid { path: path.clone(), line: line_of(index), message };
        if !nodes.contains(&row.node) {
            return Err(invalid(format!("there is no node `{}`", row.node)));
        }
        if [row.begun_us, row.ended_us].iter().any(|at| at.unsigned_abs() > TIME_LIMIT_US) {
            return Err(invalid("a time that cannot be (over ten years)".to_owned()));
        }
    }
    Ok(rows)
}

/// Every node of the run, the leader first.
fn nodes(manifest: &Manifest) -> impl Iterator<Item = String> {
    std::iter::once(LEADER.to_owned()).chain((0..manifest.config.followers.get() as usize).map(follower_name))
}

/// Reads the nodes' dumps in a folder: all but those of nodes that could not be asked.
fn read_snapshot(folder: &Path, manifest: &Manifest) -> Result<Snapshot, DataError> {
    let mut snapshot = Snapshot::new();
    for node in nodes(manifest).filter(|node| !manifest.absent_nodes.contains(node)) {
        let dump = read_json(&folder.join(format!("{node}.json")))?;
        snapshot.insert(node, dump);
    }
    Ok(snapshot)
}
