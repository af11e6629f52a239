//! What lies where new runs are to go, and what becomes of it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::aside::{aside, set_aside, strangers};
use super::sync::sync_folder;
use super::{Conditions, DataError, DataFolder, read};
use crate::model::Quorum;

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
            // A run that cannot be read is reported by the commands that read it.
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
