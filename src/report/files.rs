//! Puts finished files in place.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::ReportError;
use crate::data::sync_folder;

/// Removes a file of an earlier report that this one does not have.
pub(super) fn remove(folder: &Path, name: &str) -> Result<(), ReportError> {
    let path = folder.join(name);
    match fs::remove_file(&path) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(ReportError::Io { path, action: "remove the earlier", source })
        }
        _ => Ok(()),
    }
}

/// Makes sure that the folder's names have reached the disk.
pub(super) fn sync(folder: &Path) -> Result<(), ReportError> {
    sync_folder(folder).map_err(|source| ReportError::Io { path: folder.to_owned(), action: "sync the folder", source })
}

/// A file that is written and not yet in place.
pub(super) struct Staged {
    file: NamedTempFile,
    path: PathBuf,
}

/// Writes what is to be a file of this name beside its place, so that of several none is put
/// there before all of them are whole.
pub(super) fn stage(folder: &Path, name: &str, content: &[u8]) -> Result<Staged, ReportError> {
    let path = folder.join(name);
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix(&format!(".{name}-"))
            .permissions(fs::Permissions::from_mode(0o644))
            .tempfile_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    match write() {
        Ok(file) => Ok(Staged { file, path }),
        Err(source) => Err(ReportError::Io { path, action: "write", source }),
    }
}

impl Staged {
    /// Puts the file in place, and answers its path.
    pub(super) fn put(self) -> Result<PathBuf, ReportError> {
        match self.file.persist(&self.path) {
            Ok(_) => Ok(self.path),
            Err(error) => Err(ReportError::Io { path: self.path, action: "write", source: error.error }),
        }
    }
}
