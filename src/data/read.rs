//! Reads a run directory back, trusting nothing in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::columns::Columns;
use super::manifest::OLDEST_SCHEMA;
use super::{
    ArrivalRow, DataError, FaultRow, ForecastRow, Manifest, ReplicationRow, RunData, SCHEMA, Snapshot, WriteRow,
};
use crate::model::{Micros, NodeId, TIME_LIMIT_US};

/// What is wrong with a time past [`TIME_LIMIT_US`].
const OVER_TEN_YEARS: &str = "a time that cannot be (over ten years)";

/// The most of a message that is shown: it may repeat what the file says.
const MOST_SHOWN: usize = 300;

/// What is wrong with a line of a file, itself on one line and without control characters: a
/// file may say anything.
fn invalid(path: &Path, line: u64, message: &str) -> DataError {
    let escape = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    let message = message.chars().take(MOST_SHOWN).map(escape).collect();
    DataError::Invalid { path: path.to_owned(), line, message }
}

/// A CSV file's rows and the lines on which they begin: a quoted field may be of several lines.
struct Table<T> {
    path: PathBuf,
    rows: Vec<T>,
    lines: Vec<u64>,
}

impl<T> Table<T> {
    /// The rows, if none is refused.
    ///
    /// # Errors
    /// What is wrong with the first row that `refuse` says something about.
    fn checked(self, mut refuse: impl FnMut(&T) -> Option<String>) -> Result<Vec<T>, DataError> {
        for (row, line) in self.rows.iter().zip(self.lines) {
            if let Some(message) = refuse(row) {
                return Err(invalid(&self.path, line, &message));
            }
        }
        Ok(self.rows)
    }
}

impl RunData {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    /// [`DataError`] with the file and line of whatever is missing, malformed, from a newer
    /// schema, or contradicts itself.
    pub fn load(folder: &Path) -> Result<Self, DataError> {
        let manifest = manifest(folder)?;
        let writes = check_writes(read_csv(folder.join("writes.csv"))?, &manifest)?;
        let (replication, arrivals) = read_trace(folder, &manifest)?;
        let faults = read_faults(folder, &manifest)?;
        Ok(Self {
            at_last_ack: read_snapshot(&folder.join("at-last-ack"), &manifest)?,
            settled: read_snapshot(folder, &manifest)?,
            forecast: read_forecast(folder, &manifest)?,
            faults,
            manifest,
            writes,
            replication,
            arrivals,
            logs: BTreeMap::new(),
            contradictions: Vec::new(),
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
    if !(OLDEST_SCHEMA..=SCHEMA).contains(&schema) {
        let message = format!("this data has schema {schema}, and this labctl reads {OLDEST_SCHEMA} to {SCHEMA}");
        return Err(invalid(&path, 1, &message));
    }
    let manifest: Manifest = read_json(&path)?;
    if manifest.schema > OLDEST_SCHEMA && manifest.system.is_none() {
        let message = format!("`system` is missing: data of schema {schema} say which system was measured");
        return Err(invalid(&path, 1, &message));
    }
    if [manifest.load_us, manifest.settle_us, manifest.wall_us].iter().any(|time_us| *time_us > TIME_LIMIT_US) {
        return Err(invalid(&path, 1, OVER_TEN_YEARS));
    }
    Ok(manifest)
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
    open(path)?;
    let bytes = fs::read(path).map_err(|source| DataError::Io { path: path.to_owned(), action: "read", source })?;
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        invalid(path, line as u64, "not UTF-8")
    })?;
    serde_json::from_str(text).map_err(|error| invalid(path, error.line().max(1) as u64, &error.to_string()))
}

fn read_csv<T: DeserializeOwned + Columns>(path: PathBuf) -> Result<Table<T>, DataError> {
    let refuse = |line: u64, message: String| invalid(&path, line, &message);
    let mut csv = csv::Reader::from_reader(open(&path)?);
    let headers = csv.headers().map_err(|error| refuse(1, describe(&error, None)))?.clone();
    for column in T::COLUMNS {
        if !T::OPTIONAL.contains(column) && !headers.iter().any(|header| header == *column) {
            let columns = T::COLUMNS.join(",");
            return Err(refuse(1, format!("column `{column}` is missing; the columns are {columns}")));
        }
    }
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    let mut record = csv::StringRecord::new();
    let line_of = |position: Option<&csv::Position>| position.map_or(1, csv::Position::line);
    while csv
        .read_record(&mut record)
        .map_err(|error| refuse(line_of(error.position()), describe(&error, Some(&headers))))?
    {
        let line = line_of(record.position());
        let row = record.deserialize(Some(&headers));
        rows.push(row.map_err(|error: csv::Error| refuse(line, describe(&error, Some(&headers))))?);
        lines.push(line);
    }
    Ok(Table { path, rows, lines })
}

/// csv's own message without the position, which the path already carries, and with the
/// column's name in place of its number.
fn describe(error: &csv::Error, headers: Option<&csv::StringRecord>) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            let field = err.field().and_then(|field| usize::try_from(field).ok());
            match field.and_then(|field| headers?.get(field)) {
                Some(column) => format!("column `{column}`: {}", err.kind()),
                None => err.kind().to_string(),
            }
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where there are {expected_len} columns: the line is cut off or has a stray comma")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

/// What is wrong with times that lie over ten years from the run's start.
fn absurd(times_us: impl IntoIterator<Item = i64>) -> Option<String> {
    let is_absurd = times_us.into_iter().any(|at_us| at_us.unsigned_abs() > TIME_LIMIT_US);
    is_absurd.then(|| OVER_TEN_YEARS.to_owned())
}

fn check_writes(table: Table<WriteRow>, manifest: &Manifest) -> Result<Vec<WriteRow>, DataError> {
    let planned = u64::from(manifest.config.workload.writes.get());
    let mut seen = BTreeSet::new();
    let (path, last_line) = (table.path.clone(), table.lines.last().copied().unwrap_or(1));
    let rows = table.checked(|row| {
        let write = row.write;
        if write.get() >= planned {
            Some(format!("write {write} is not among the {planned} of the plan (0 to {})", planned - 1))
        } else if !seen.insert(write) {
            Some(format!("write {write} is there twice"))
        } else if row.latency_us > TIME_LIMIT_US || row.start_us > TIME_LIMIT_US {
            Some(format!("write {write} has {OVER_TEN_YEARS}"))
        } else {
            None
        }
    })?;
    let missing = planned - rows.len() as u64;
    if missing > 0 {
        let message = format!("{missing} of the {planned} writes of the plan are missing");
        return Err(invalid(&path, last_line + 1, &message));
    }
    Ok(rows)
}

/// Reads what the nodes recorded of each copy. A system without a trace has neither file.
fn read_trace(folder: &Path, manifest: &Manifest) -> Result<(Vec<ReplicationRow>, Vec<ArrivalRow>), DataError> {
    let paths = ["replication.csv", "arrivals.csv"].map(|name| folder.join(name));
    if manifest.capabilities().trace {
        let [replication, arrivals] = paths;
        return Ok((
            check_replication(read_csv(replication)?, manifest)?,
            check_arrivals(read_csv(arrivals)?, manifest)?,
        ));
    }
    match paths.iter().find(|path| path.exists()) {
        None => Ok((Vec::new(), Vec::new())),
        Some(path) => {
            let message = format!(
                "a trace, and by manifest.json the system `{}` keeps none: remove this file if it is not of this run",
                manifest.system_name()
            );
            Err(invalid(path, 1, &message))
        }
    }
}

fn check_replication(table: Table<ReplicationRow>, manifest: &Manifest) -> Result<Vec<ReplicationRow>, DataError> {
    let mut seen = BTreeSet::new();
    table.checked(|row| {
        if !seen.insert((row.version, row.follower)) {
            return Some(format!("version {} to {} is there twice", row.version, row.follower));
        }
        let delays_us = [Some(row.delay_us), row.ack_delay_us].into_iter().flatten();
        let delays_us = delays_us.map(|delay_us| Micros::from(delay_us).get());
        let times_us = [row.sent_us, row.acked_us].into_iter().flatten();
        refuse_follower(row.follower, manifest).or_else(|| absurd(delays_us.chain(times_us)))
    })
}

fn check_arrivals(table: Table<ArrivalRow>, manifest: &Manifest) -> Result<Vec<ArrivalRow>, DataError> {
    table.checked(|row| refuse_follower(row.follower, manifest).or_else(|| absurd([row.at_us])))
}

/// What is wrong with a follower that the run does not have.
fn refuse_follower(node: NodeId, manifest: &Manifest) -> Option<String> {
    let followers = manifest.config.followers;
    let is_known = !node.is_leader() && node.is_in(followers);
    (!is_known).then(|| format!("`{node}` is not among the followers f1 to f{followers}"))
}

/// Reads what the simulation foresaw of the run; there is no file if nothing was foreseen.
fn read_forecast(folder: &Path, manifest: &Manifest) -> Result<Option<Vec<ForecastRow>>, DataError> {
    let path = folder.join("forecast.csv");
    if !path.exists() {
        return Ok(None);
    }
    let planned = u64::from(manifest.config.workload.writes.get());
    let mut seen = BTreeSet::new();
    let rows = read_csv::<ForecastRow>(path)?.checked(|row| {
        if row.write.get() >= planned {
            Some(format!("write {} is not among the {planned} of the plan (0 to {})", row.write, planned - 1))
        } else if !row.node.is_in(manifest.config.followers) {
            Some(format!("there is no node `{}`", row.node))
        } else if !seen.insert((row.write, row.node)) {
            Some(format!("write {} at {} is there twice", row.write, row.node))
        } else {
            let lengths_us = [row.latency_us, row.delay_us].into_iter().flatten();
            absurd(lengths_us.map(|us| Micros::from(us).get()).chain(row.at_us))
        }
    })?;
    Ok(Some(rows))
}

/// Reads what was done on purpose; there is no file where that is nothing.
fn read_faults(folder: &Path, manifest: &Manifest) -> Result<Vec<FaultRow>, DataError> {
    let path = folder.join("faults.csv");
    if !path.exists() {
        return Ok(Vec::new());
    }
    read_csv::<FaultRow>(path)?.checked(|row| {
        if !row.node.is_in(manifest.config.followers) {
            Some(format!("there is no node `{}`", row.node))
        } else if row.ended_us < row.begun_us {
            Some("it ended before it began".to_owned())
        } else {
            absurd([row.begun_us, row.ended_us])
        }
    })
}

/// Reads the nodes' dumps in a folder: all but those of nodes that could not be asked.
fn read_snapshot(folder: &Path, manifest: &Manifest) -> Result<Snapshot, DataError> {
    let mut snapshot = Snapshot::new();
    for node in NodeId::all(manifest.config.followers).filter(|node| !manifest.absent_nodes.contains(node)) {
        let dump = read_json(&folder.join(format!("{node}.json")))?;
        snapshot.insert(node, dump);
    }
    Ok(snapshot)
}
