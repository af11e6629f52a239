//! Reads a run directory back, trusting nothing in it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use hashbrown::HashSet;
use serde::de::DeserializeOwned;

use super::columns::Columns;
use super::manifest::OLDEST_SCHEMA;
use super::{
    ArrivalRow, DataError, FailoverRecord, FaultRow, ForecastRow, Manifest, ReadRow, ReplicationRow, RunData, SCHEMA,
    Snapshot, WriteRow,
};
use crate::model::{Keys, Micros, NodeId, Quorum, TIME_LIMIT, TimeSpan, WriteId};

/// What is wrong with a time past [`TIME_LIMIT`].
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
            reads: read_reads(folder, &manifest)?,
            failover: read_failover(folder, &manifest)?,
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
    if [manifest.load_us, manifest.settle_us, manifest.wall_us].iter().any(|time| *time > TIME_LIMIT) {
        return Err(invalid(&path, 1, OVER_TEN_YEARS));
    }
    Ok(manifest)
}

fn open(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => {
            let folder = path.parent().and_then(Path::file_name).and_then(OsStr::to_str);
            let quorum = folder.and_then(|name| name.strip_prefix('W')?.parse::<Quorum>().ok());
            let command = quorum.map_or_else(String::new, |quorum| format!(": `labctl run {quorum}`"));
            DataError::Missing { path: path.to_owned(), what: format!("missing; run this quorum again{command}") }
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
    let needed = T::COLUMNS.iter().filter(|column| !T::OPTIONAL.contains(column));
    let is_in_order = headers.iter().eq(T::COLUMNS.iter().copied()) || headers.iter().eq(needed.copied());
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    let (mut record, mut keys) = (csv::StringRecord::new(), Keys::default());
    let line_of = |position: Option<&csv::Position>| position.map_or(1, csv::Position::line);
    while csv
        .read_record(&mut record)
        .map_err(|error| refuse(line_of(error.position()), describe(&error, Some(&headers))))?
    {
        let line = line_of(record.position());
        lines.push(line);
        if let Some(row) = is_in_order.then(|| T::from_plain(&record, &mut keys)).flatten() {
            rows.push(row);
            continue;
        }
        let row = record.deserialize(Some(&headers));
        rows.push(row.map_err(|error: csv::Error| {
            refuse(line, negative(&error, &record, &headers).unwrap_or_else(|| describe(&error, Some(&headers))))
        })?);
    }
    rows.shrink_to_fit();
    Ok(Table { path, rows, lines })
}

/// What is wrong with a field that has a negative number where there can be none, such as a length of time.
fn negative(error: &csv::Error, record: &csv::StringRecord, headers: &csv::StringRecord) -> Option<String> {
    let csv::ErrorKind::Deserialize { err, .. } = error.kind() else { return None };
    let field = usize::try_from(err.field()?).ok()?;
    let number: i64 = record.get(field)?.parse().ok().filter(|number| *number < 0)?;
    Some(format!("column `{}`: {number} is negative; it must be at least 0", headers.get(field)?))
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

/// How far a moment lies from the run's start.
fn from_start(moment: Option<Micros>) -> Option<TimeSpan> {
    moment.map(Micros::abs)
}

/// What is wrong with times that lie over ten years from the run's start.
fn absurd(times: impl IntoIterator<Item = TimeSpan>) -> Option<String> {
    let is_absurd = times.into_iter().any(|time| time > TIME_LIMIT);
    is_absurd.then(|| OVER_TEN_YEARS.to_owned())
}

fn check_writes(table: Table<WriteRow>, manifest: &Manifest) -> Result<Vec<WriteRow>, DataError> {
    let planned = u64::from(manifest.config.workload.writes.get());
    // By number: the plan has at most ten million writes.
    let mut seen = vec![false; table.rows.len()];
    let mut see = |write: WriteId| {
        let index = usize::try_from(write.get()).unwrap_or(usize::MAX);
        if seen.len() <= index {
            seen.resize(index + 1, false);
        }
        seen.get_mut(index).is_some_and(|seen| !std::mem::replace(seen, true))
    };
    let (path, last_line) = (table.path.clone(), table.lines.last().copied().unwrap_or(1));
    let rows = table.checked(|row| {
        let write = row.write;
        if write.get() >= planned {
            Some(format!("write {write} is not among the {planned} of the plan (0 to {})", planned - 1))
        } else if !see(write) {
            Some(format!("write {write} is there twice"))
        } else if row.start_us < Micros::ZERO {
            Some(format!("column `start_us`: write {write} begins before the run, at {} us", row.start_us))
        } else if row.sent_us.is_some_and(|sent_us| sent_us < row.start_us) {
            Some(format!("column `sent_us`: write {write} was sent before it was to begin"))
        } else if row.latency_us > TIME_LIMIT || row.start_us.abs() > TIME_LIMIT || row.late_by() > TIME_LIMIT {
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
    let mut seen = HashSet::with_capacity(table.rows.len());
    table.checked(|row| {
        if !seen.insert((row.version, row.follower)) {
            return Some(format!("version {} to {} is there twice", row.version, row.follower));
        }
        let delays = [Some(row.delay_us), row.ack_delay_us];
        let times = delays.into_iter().chain([row.sent_us, row.acked_us].map(from_start)).flatten();
        refuse_follower(row.follower, manifest).or_else(|| absurd(times))
    })
}

fn check_arrivals(table: Table<ArrivalRow>, manifest: &Manifest) -> Result<Vec<ArrivalRow>, DataError> {
    table.checked(|row| refuse_follower(row.follower, manifest).or_else(|| absurd([row.at_us.abs()])))
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
            absurd([row.latency_us, row.delay_us, from_start(row.at_us)].into_iter().flatten())
        }
    })?;
    Ok(Some(rows))
}

/// Reads what clients read; there is no file where that is nothing.
fn read_reads(folder: &Path, manifest: &Manifest) -> Result<Vec<ReadRow>, DataError> {
    let path = folder.join("reads.csv");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let planned = u64::from(manifest.config.workload.writes.get());
    let mut seen = BTreeSet::new();
    read_csv::<ReadRow>(path)?.checked(|row| {
        if !row.node.is_in(manifest.config.followers) {
            Some(format!("there is no node `{}`", row.node))
        } else if !seen.insert((row.read, row.node)) {
            Some(format!("read {} of {} is there twice", row.read, row.node))
        } else if let Some(write) = row.write.filter(|write| write.get() >= planned) {
            Some(format!("write {write} is not among the {planned} of the plan (0 to {})", planned - 1))
        } else {
            row.refuse().or_else(|| absurd([row.start_us.abs(), row.latency_us]))
        }
    })
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
            absurd([row.begun_us, row.ended_us].map(Micros::abs))
        }
    })
}

/// Reads which follower took the leader's place; there is no file unless the experiment asks for that.
fn read_failover(folder: &Path, manifest: &Manifest) -> Result<Option<FailoverRecord>, DataError> {
    let path = folder.join("failover.json");
    if !path.exists() {
        return Ok(None);
    }
    let failover: FailoverRecord = read_json(&path)?;
    let nodes = failover.survivors.iter().map(|row| row.node).chain(failover.chosen);
    let times = [Some(failover.died_us), failover.promoted_us, failover.first_ack_us];
    let wrong = nodes.filter_map(|node| refuse_follower(node, manifest)).next();
    match wrong.or_else(|| absurd(times.into_iter().filter_map(from_start))) {
        Some(message) => Err(invalid(&path, 1, &message)),
        None => Ok(Some(failover)),
    }
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
