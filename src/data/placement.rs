//! What lies where new runs are to go, and what becomes of it.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Conditions, DataError, DataFolder, read, sync_folder};
use crate::config::Quorum;
use crate::model::NodeId;

/// The files and folders of a run that labctl writes, besides the nodes' dumps.
const OWN_NAMES: [&str; 9] = [
    "manifest.json",
    "writes.csv",
    "reads.csv",
    "replication.csv",
    "arrivals.csv",
    "faults.csv",
    "forecast.csv",
    "at-last-ack",
    "logs",
];

/// What new runs find in their folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Placement {
    folder: PathBuf,
    /// Earlier runs that the new ones replace.
    replaced: Vec<PathBuf>,
    /// Earlier runs that hold something labctl did not write, and what that is.
    annotated: Vec<(PathBuf, Vec<String>)>,
    /// Runs that stay beside the new ones although their conditions differ, and how.
    unlike: Vec<(PathBuf, String)>,
}

impl Placement {
    /// Looks at what lies where runs at these quorums, under these conditions, will be saved.
    /// With `resume` runs that are there are kept.
    ///
    /// # Errors
    /// [`DataError::Occupied`] if something other than a folder has a run's name.
    pub fn survey(
        folder: &DataFolder,
        quorums: &[Quorum],
        conditions: &Conditions,
        resume: bool,
    ) -> Result<Self, DataError> {
        let mut found =
            Self { folder: folder.path().to_owned(), replaced: Vec::new(), annotated: Vec::new(), unlike: Vec::new() };
        for path in quorums.iter().map(|quorum| folder.run(*quorum)) {
            match strangers(&path)?.filter(|_| !resume) {
                None => {}
                Some(names) if names.is_empty() => found.replaced.push(path),
                Some(names) => found.annotated.push((path, names)),
            }
        }
        for (_, path) in folder.runs()?.into_iter().filter(|(quorum, _)| !quorums.contains(quorum)) {
            // One that cannot be read is told by whoever reads it.
            if let Ok(manifest) = read::manifest(&path) {
                let earlier = Conditions::of(&manifest);
                if earlier != *conditions {
                    found.unlike.push((path, earlier.difference(conditions)));
                }
            }
        }
        Ok(found)
    }

    /// What a user is told before the runs start, a sentence each.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.replaced.is_empty() {
            let list: Vec<String> = self.replaced.iter().map(|path| path.display().to_string()).collect();
            notes.push(format!("{} will be replaced, each as soon as its new run is done", list.join(", ")));
        }
        for (path, names) in &self.annotated {
            notes.push(format!(
                "{} holds {}, which labctl did not write: it will be kept as {}",
                path.display(),
                names.join(", "),
                aside(path).display()
            ));
        }
        let differences: BTreeSet<&String> = self.unlike.iter().map(|(_, difference)| difference).collect();
        for difference in differences {
            let of = self.unlike.iter().filter(|(_, other)| other == difference);
            let list: Vec<String> = of.map(|(path, _)| path.display().to_string()).collect();
            notes.push(format!(
                "{} {} made under other conditions ({difference}) and cannot stand in one table with the new runs: \
                 once the first of these is done, {} set aside as W<n>.aside-<i>; to leave them where they are, stop \
                 now and give --data another folder",
                list.join(", "),
                if list.len() == 1 { "was" } else { "were" },
                if list.len() == 1 { "it is" } else { "they are" },
            ));
        }
        notes
    }

    /// Renames the runs that were made under other conditions; returns their old and new paths.
    ///
    /// # Errors
    /// [`DataError::Io`] if one cannot be renamed.
    pub fn set_unlike_aside(&mut self) -> Result<Vec<(PathBuf, PathBuf)>, DataError> {
        let mut moved = Vec::new();
        for (path, _) in std::mem::take(&mut self.unlike) {
            let to = set_aside(&path)?;
            moved.push((path, to));
        }
        if !moved.is_empty() {
            let io = |source| DataError::Io { path: self.folder.clone(), action: "sync the folder", source };
            sync_folder(&self.folder).map_err(io)?;
        }
        Ok(moved)
    }
}

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
fn aside(path: &Path) -> PathBuf {
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
    name.strip_suffix(".json").is_some_and(is_node)
}

fn is_log(name: &str) -> bool {
    name.strip_suffix(".log").is_some_and(is_node)
}

fn is_node(name: &str) -> bool {
    name.parse::<NodeId>().is_ok()
}
