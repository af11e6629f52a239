//! Writes a run directory: whole, or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::aside::{set_aside, strangers};
use super::columns::Columns;
use super::sync::sync_folder;
use super::{DataError, RunData, Snapshot, staging};

impl RunData {
    /// Writes the run to `path`, replacing an earlier one in a single step. An earlier one that
    /// holds something labctl did not write is set aside instead; returns its new path.
    ///
    /// # Errors
    /// [`DataError::Io`] if the system refuses, [`DataError::Occupied`] if `path` is no folder;
    /// what was at `path` before is then still there.
    pub fn save(&self, path: &Path) -> Result<Option<PathBuf>, DataError> {
        let at = |action| move |source| DataError::Io { path: path.to_owned(), action, source };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(at("make its folder"))?;
        let staging = staging::beside(path).map_err(at("make a folder beside it"))?;
        self.write_files(staging.path())?;
        let is_annotated = strangers(path)?.is_some_and(|names| !names.is_empty());
        let kept = if is_annotated { Some(set_aside(path)?) } else { None };
        replace(staging.path(), path)
            .inspect_err(|_| {
                // Back to what was there; a second failure could not be told apart from the first.
                kept.iter().for_each(|kept| drop(fs::rename(kept, path)));
            })
            .map_err(at("put the finished run in place"))?;
        sync(parent)?;
        Ok(kept)
    }

    fn write_files(&self, folder: &Path) -> Result<(), DataError> {
        write_json(&folder.join("manifest.json"), &self.manifest)?;
        write_csv(&folder.join("writes.csv"), &self.writes)?;
        if self.manifest.capabilities().trace {
            write_csv(&folder.join("replication.csv"), &self.replication)?;
            write_csv(&folder.join("arrivals.csv"), &self.arrivals)?;
        }
        if !self.reads.is_empty() {
            write_csv(&folder.join("reads.csv"), &self.reads)?;
        }
        if !self.faults.is_empty() {
            write_csv(&folder.join("faults.csv"), &self.faults)?;
        }
        if let Some(failover) = &self.failover {
            write_json(&folder.join("failover.json"), failover)?;
        }
        if let Some(forecast) = &self.forecast {
            write_csv(&folder.join("forecast.csv"), forecast)?;
        }
        write_snapshot(folder, &self.settled)?;
        write_snapshot(&folder.join("at-last-ack"), &self.at_last_ack)?;
        let logs = folder.join("logs");
        make_folder(&logs)?;
        for (node, log) in &self.logs {
            write_with(&logs.join(format!("{node}.log")), |file| file.write_all(log))?;
        }
        [logs.as_path(), folder].into_iter().try_for_each(sync)
    }
}

fn write_snapshot(folder: &Path, snapshot: &Snapshot) -> Result<(), DataError> {
    make_folder(folder)?;
    snapshot.iter().try_for_each(|(node, dump)| write_json(&folder.join(format!("{node}.json")), dump))?;
    sync(folder)
}

fn sync(path: &Path) -> Result<(), DataError> {
    sync_folder(path).map_err(|source| DataError::Io { path: path.to_owned(), action: "sync the folder", source })
}

fn make_folder(folder: &Path) -> Result<(), DataError> {
    fs::create_dir_all(folder).map_err(|source| DataError::Io {
        path: folder.to_owned(),
        action: "make the folder",
        source,
    })
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), DataError> {
    write_with(path, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}

fn write_csv<T: Serialize + Columns>(path: &Path, rows: &[T]) -> Result<(), DataError> {
    write_with(path, |file| {
        let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(file);
        csv.write_record(T::columns(rows))?;
        for row in rows {
            csv.serialize(row)?;
        }
        csv.flush()
    })
}

/// Creates a file, fills it and makes sure that it has reached the disk.
fn write_with(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), DataError> {
    let write = || {
        let mut file = BufWriter::new(File::create(path)?);
        fill(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    };
    write().map_err(|source| DataError::Io { path: path.to_owned(), action: "write", source })
}

/// Puts `staged` where `path` is. An earlier `path` is swapped out in one step where the
/// system can do that, and removed afterwards under the staging name.
fn replace(staged: &Path, path: &Path) -> io::Result<()> {
    if !path.exists() {
        return fs::rename(staged, path);
    }
    if exchange(staged, path)? {
        return Ok(());
    }
    let aside = staging::aside(staged);
    fs::rename(path, &aside)?;
    fs::rename(staged, path).inspect_err(|_| {
        // Back to what was there; a second failure could not be told apart from the first.
        let _ = fs::rename(&aside, path);
    })?;
    fs::remove_dir_all(&aside)
}

/// Swaps two names; false where the file system cannot.
#[cfg(target_os = "linux")]
fn exchange(a: &Path, b: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Swaps two names; false where the file system cannot.
#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}
