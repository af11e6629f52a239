//! Sets aside the folder of an earlier run that holds something labctl did not write.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::DataError;
use crate::model::NodeId;

/// The files and folders of a run that labctl writes, besides the nodes' dumps.
const OWN_NAMES: [&str; 10] = [
    "manifest.json",
    "writes.csv",
    "reads.csv",
    "replication.csv",
    "arrivals.csv",
    "faults.csv",
    "failover.json",
    "forecast.csv",
    "at-last-ack",
    "logs",
];

/// Gives a run another name beside its own, which no command takes for a run; returns it.
///
/// # Errors
/// [`DataError::Io`] if it cannot be renamed.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, DataError> {
    let to = aside(path);
    let io = |source| DataError::Io { path: path.to_owned(), action: "set aside", source };
    fs::rename(path, &to).map_err(io)?;
    Ok(to)
}

/// The first free name of this kind: `W3.aside-1`.
pub(super) fn aside(path: &Path) -> PathBuf {
    let named = |i: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".aside-{i}"));
        PathBuf::from(name)
    };
    (1..).map(named).find(|path| fs::symlink_metadata(path).is_err()).unwrap_or_else(|| named(0))
}

/// What a run's folder holds that labctl did not write; `None` if there is no such folder.
///
/// # Errors
/// [`DataError::Occupied`] if it is no folder.
pub(super) fn strangers(path: &Path) -> Result<Option<Vec<String>>, DataError> {
    let io = |source| DataError::Io { path: path.to_owned(), action: "look at", source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
        Ok(found) if !found.is_dir() => return Err(DataError::Occupied { path: path.to_owned() }),
        Ok(_) => {}
    }
    let mut names = Vec::new();
    for (folder, is_own) in [("", is_own as fn(&str) -> bool), ("at-last-ack", is_dump), ("logs", is_log)] {
        let inner = path.join(folder);
        // What is no folder, or cannot be listed, is not labctl's.
        let Ok(entries) = fs::read_dir(&inner) else { continue };
        for entry in entries {
            let name = entry.map_err(io)?.file_name().to_string_lossy().into_owned();
            if !is_own(&name) {
                names.push(Path::new(folder).join(name).display().to_string());
            }
        }
    }
    names.sort();
    Ok(Some(names))
}

fn is_own(name: &str) -> bool {
    OWN_NAMES.contains(&name) || is_dump(name)
}

fn is_dump(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(|node| node.parse::<NodeId>().is_ok())
}

/// Nodes and proxies have logs, and what a system says of itself at the end is one, too.
fn is_log(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "log")
}
