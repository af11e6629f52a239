//! Temporary folders that are removed also if their labctl is killed: by the next one.

use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::process::geteuid;
use tempfile::TempPath;

use super::{Fate, Owner};

/// What the names of all temporary folders begin with.
const PREFIX: &str = "labctl-";
/// What follows the name of a folder in the name of its mark.
const MARK: &str = "owner";
/// The folder of a Linux machine whose files are in memory.
pub(super) const MEMORY: &str = "/dev/shm";
/// How often removing a folder is tried, and the pause in between: a process that was just killed
/// may still have been writing.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(20);

/// A temporary folder of this labctl, removed when it is dropped.
///
/// Beside it lies its mark, a symbolic link whose target is the owner's text: unlike a file, a
/// link is there with its content or not at all. It is there before the folder and after it.
#[derive(Debug)]
pub(super) struct OwnedFolder {
    path: PathBuf,
    /// Removed after the folder.
    _mark: TempPath,
}

impl OwnedFolder {
    /// Makes an empty folder that only this user can enter, in the folder for temporary files.
    ///
    /// # Errors
    /// When that folder cannot be written.
    pub(super) fn new() -> io::Result<Self> {
        Self::new_in(&env::temp_dir())
    }

    /// The same in another folder: [`MEMORY`].
    ///
    /// # Errors
    /// When that folder cannot be written.
    pub(super) fn new_in(place: &Path) -> io::Result<Self> {
        let (suffix, owner) = (format!(".{MARK}"), Owner::this().to_string());
        let mark =
            tempfile::Builder::new().prefix(PREFIX).suffix(&suffix).make_in(place, |path| symlink(&owner, path))?;
        let mark = mark.into_temp_path();
        let path = mark.with_extension("");
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path, _mark: mark })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OwnedFolder {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// A folder whose labctl is gone.
#[derive(Debug)]
pub(super) struct OrphanedFolder {
    /// Where it is, if it still is.
    pub(super) path: PathBuf,
    mark: PathBuf,
}

impl OrphanedFolder {
    /// Removes it and its mark.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub(super) fn remove(&self) -> io::Result<()> {
        remove(&self.path)?;
        fs::remove_file(&self.mark)
    }
}

/// Every folder of this user whose labctl is known not to run any more.
pub(super) fn orphaned() -> Vec<OrphanedFolder> {
    let places = [env::temp_dir(), PathBuf::from(MEMORY)];
    let entries = places.iter().flat_map(fs::read_dir).flatten().flatten();
    let marks = entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(PREFIX) && path.extension().is_some_and(|extension| extension == MARK)
    });
    let orphaned = marks.filter(|mark| {
        let is_own = fs::symlink_metadata(mark).is_ok_and(|meta| meta.uid() == geteuid().as_raw());
        let owner = fs::read_link(mark).ok().filter(|_| is_own);
        owner.is_some_and(|owner| Owner::from(&*owner.to_string_lossy()).fate() == Fate::Gone)
    });
    orphaned.map(|mark| OrphanedFolder { path: mark.with_extension(""), mark }).collect()
}

/// Removes a folder with all that is in it, unless it is gone already.
fn remove(folder: &Path) -> io::Result<()> {
    let mut tries = 0;
    loop {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) if tries < TRIES => tries += 1,
            done => return done,
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn is_orphaned(folder: &Path) -> bool {
        orphaned().iter().any(|orphan| orphan.path == folder)
    }

    #[test]
    fn a_folder_goes_with_its_value_and_its_mark() {
        let folder = OwnedFolder::new().unwrap();
        let (path, mark) = (folder.path().to_owned(), folder.path().with_extension(MARK));
        fs::create_dir(path.join("a")).unwrap();
        fs::write(path.join("a/b"), "c").unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_link(&mark).unwrap().to_str(), Some(&*Owner::this().to_string()));
        assert!(!is_orphaned(&path), "its labctl runs");
        drop(folder);
        assert!(!path.exists() && fs::symlink_metadata(mark).is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_folder_of_a_labctl_that_is_gone_is_removed_and_no_other() {
        let this = Owner::this().to_string();
        let (_, place) = this.split_once('/').unwrap();
        let base = tempfile::Builder::new().prefix(PREFIX).tempdir().unwrap();
        // Marks lie in the folder for temporary files itself.
        let marked = |name: &str, owner: &str| {
            let path = PathBuf::from(format!("{}-{name}", base.path().display()));
            symlink(owner, path.with_extension(MARK)).unwrap();
            path
        };
        let gone = marked("gone", &format!("4194304@1/{place}"));
        let elsewhere = marked("elsewhere", "4194304@1/1/elsewhere/other");
        fs::create_dir(&gone).unwrap();
        fs::write(gone.join("file"), "").unwrap();
        assert!(is_orphaned(&gone) && !is_orphaned(&elsewhere));
        orphaned().iter().find(|orphan| orphan.path == gone).unwrap().remove().unwrap();
        assert!(!gone.exists() && !is_orphaned(&gone));
        fs::remove_file(elsewhere.with_extension(MARK)).unwrap();
    }
}
